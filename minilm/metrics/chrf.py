"""chrF: how many runs of characters a translation shares with a reference; half-right words count, unlike in BLEU.

Popović 2015, https://aclanthology.org/W15-3049; in numbers that equal sacrebleu's.
"""

from collections.abc import Sequence

import numpy as np

from .bleu import check_corpus
from .tokens import ngrams, tokens


def chrf(
    hypotheses: Sequence[str], references: Sequence[str | Sequence[str]], order: int = 6, beta: float = 2.0
) -> float:
    """chrF = (1 + β²) P R / (β² P + R), of all hypotheses together, in percent.

    Pₙ = shared n-grams of characters / those of the hypotheses, Rₙ = shared / those of the references; P and R are
    their means over n = 1 … N, where there are any. White space does not count. With β = 2 recall weighs twice.

    Parameters
    ----------
    hypotheses
        The translations to be judged, one string for each sentence.
    references
        For each hypothesis the right translation, or a list of several, of which the best counts.
    order
        N, the longest n-grams.
    beta
        How many times as much as precision recall matters.

    Raises
    ------
    ValueError, TypeError
        As `bleu`.

    >>> round(chrf(["i like reading."], ["i like to read."]), 1), round(chrf(["我喜欢看书。"], ["我喜欢读书。"]), 1)
    (39.7, 28.1)
    """
    check_corpus(hypotheses, references)
    counts = [chrf_counts(h, rs, order, beta) for h, rs in zip(hypotheses, references, strict=True)]
    return chrf_of_counts(np.sum(counts, axis=0), beta)


def chrf_counts(hypothesis: str, references: str | Sequence[str], order: int = 6, beta: float = 2.0) -> np.ndarray:
    """All that chrF needs to know of a sentence, (3, N) whole numbers, to be added up over sentences.

    Column n - 1: n-grams of the hypothesis, those of its best reference, and how many they share.

    >>> chrf_counts("read", "reads", order=2)
    array([[4, 3],
           [5, 4],
           [4, 3]])
    """
    references = [references] if isinstance(references, str) else references
    if not len(references):
        raise ValueError(f"the hypothesis {hypothesis!r} has no reference; expected at least one")
    counts = [_counts(tokens(hypothesis, "char"), tokens(reference, "char"), order) for reference in references]
    return max(counts, key=lambda count: chrf_of_counts(count, beta))  # the first among equals


def chrf_of_counts(counts: np.ndarray, beta: float = 2.0) -> float:
    """chrF from the sum of the sentences' counts (3, N), in percent."""
    ours, theirs, shared = np.asarray(counts)[:, (np.asarray(counts)[:2] > 0).all(axis=0)]
    if not shared.any():
        return 0.0
    precision, recall = (shared / ours).mean(), (shared / theirs).mean()
    return float(100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall))


def _counts(ours, theirs, order) -> np.ndarray:
    columns = []
    for n in range(1, order + 1):
        mine, right = ngrams(ours, n), ngrams(theirs, n)
        possible = mine.total() if right else 0  # a reference that is too short for an n-gram asks for none
        columns.append((possible, right.total(), (mine & right).total()))
    return np.array(columns).T
