"""Minimum Bayes risk: of several texts the one that agrees best with what else the model might say."""

from collections import Counter
from collections.abc import Callable, Sequence

from minilm.expect import expect


def consensus(candidates: Sequence[str], samples: Sequence[str], utility: Callable[[str, str], float]) -> str:
    """The candidate c with the highest mean over the samples s of utility(c, s), the first among equals.

    With samples drawn from a model, s ~ p(· | x), the mean is an estimate of Σₛ p(s | x) utility(c, s): what c will
    score in expectation, if the model is right about what the reference may be. Beam search asks instead for the single
    text that is most probable, which may have little in common with all the others.

    Parameters
    ----------
    candidates
        Texts to choose from, such as the hypotheses of a beam search.
    samples
        What the model writes at random, at temperature 1: each as often as it came.
    utility
        What c would score if s were the reference, such as ROUGE or BLEU of a sentence; more is better.

    Raises
    ------
    ValueError
        If there is no candidate, or no sample.

    Notes
    -----
    S. Kumar, W. Byrne, *Minimum Bayes-Risk Decoding for Statistical Machine Translation*, 2004; by samples: B. Eikema,
    W. Aziz, *Is MAP Decoding All You Need? The Inadequacy of the Mode in Neural Machine Translation*, 2020,
    arXiv:2005.10283.

    >>> def words_in_common(ours, theirs):
    ...     return len(set(ours.split()) & set(theirs.split()))
    >>> consensus(["shut it", "close the file"], ["close a file", "shut it", "close the door"], words_in_common)
    'close the file'
    """
    expect("candidates", "empty", len(candidates) > 0, "at least one text to choose")
    expect("samples", "empty", len(samples) > 0, "at least one text to compare with")
    counts = Counter(samples)
    return max(dict.fromkeys(candidates), key=lambda c: sum(n * utility(c, s) for s, n in counts.items()))
