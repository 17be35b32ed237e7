"""BLEU: how many n-grams of a translation stand in a reference, with a penalty for translations that are too short.

Papineni et al. 2002, https://aclanthology.org/P02-1040; in numbers that equal sacrebleu's (Post 2018,
arXiv:1804.08771). It is a measure of a whole corpus: n-grams and lengths are summed over all sentences first, then
divided, once. A mean of the sentences' scores is another number.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from .tokens import ngrams, tokens

SMOOTHINGS = ("exp", "floor", "none")
FLOOR = 0.1

Tokens = Sequence[Hashable]


class Bleu(NamedTuple):
    """A score and what it is made of."""

    score: float
    """BP · (p₁ p₂ p₃ p₄)^¼, 0 to 100."""
    precisions: tuple[float, ...]
    """p₁ to p₄, each 0 to 100."""
    brevity_penalty: float
    """0 to 1."""
    length: int
    """c, tokens of all hypotheses."""
    reference_length: int
    """r, tokens of the references that are closest in length."""


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str | Sequence[str]],
    tokenize: str | Callable[[str], list[str]] = "13a",
    smooth: str = "exp",
    order: int = 4,
) -> Bleu:
    """BLEU = BP · exp((1/N) Σₙ ln pₙ), of all hypotheses together, in percent.

    pₙ = matches / n-grams of the hypotheses (see `clipped_matches`); BP = min(1, exp(1 − r/c)) (see
    `brevity_penalty`). Papineni et al. 2002, section 2.3.

    Parameters
    ----------
    hypotheses
        The translations to be judged, one string for each sentence.
    references
        For each hypothesis the right translation, or a list of several. (sacrebleu wants them the other way round:
        lists of first references, of second ones, ...)
    tokenize
        See `tokens`: `"13a"` for English, `"zh"` for Chinese.
    smooth : {"exp", "floor", "none"}
        What an order without a match has for its 0 above the line: 1/2, and 1/4, 1/8 if it happens again; 0.1; or 0.
        Without smoothing the score is then 0. (Chen and Cherry 2014, https://aclanthology.org/W14-3346, methods 3, 1.)
    order
        N, the longest n-grams.

    Raises
    ------
    ValueError
        If there are no hypotheses, not as many references, or a hypothesis without any; or for an unknown name.
    TypeError
        If a sentence is no string.

    Examples
    --------
    >>> found = bleu(["the cat sat on a mat"], [["the cat sat on the mat"]])
    >>> round(found.score, 2), [round(p, 1) for p in found.precisions], found.brevity_penalty
    (53.73, [83.3, 60.0, 50.0, 33.3], 1.0)
    >>> round(bleu(["他喜欢看书。"], ["他喜欢读书。"], tokenize="zh").score, 2)
    37.99
    """
    check_corpus(hypotheses, references)
    counts = [bleu_counts(h, rs, tokenize, order) for h, rs in zip(hypotheses, references, strict=True)]
    return bleu_of_counts(np.sum(counts, axis=0), smooth)


def bleu_counts(
    hypothesis: str,
    references: str | Sequence[str],
    tokenize: str | Callable[[str], list[str]] = "13a",
    order: int = 4,
) -> np.ndarray:
    """All that BLEU needs to know of a sentence, (2, N + 1) whole numbers, to be added up over sentences.

    Column 0 holds the lengths c above r, column n the matches above the number of n-grams. A bootstrap draws sentences
    with replacement and adds up their counts; nothing is cut or matched again.

    >>> bleu_counts("the cat sat", ["the cat sits here"], order=2)
    array([[3, 2, 1],
           [4, 3, 2]])

    Parameters, errors: as `bleu`.
    """
    references = [references] if isinstance(references, str) else references
    if not len(references):
        raise ValueError(f"the hypothesis {hypothesis!r} has no reference; expected at least one")
    hypothesis, references = tokens(hypothesis, tokenize), [tokens(reference, tokenize) for reference in references]
    lengths = len(hypothesis), closest_length(len(hypothesis), map(len, references))
    return np.array([lengths, *(clipped_matches(hypothesis, references, n) for n in range(1, order + 1))]).T


def bleu_of_counts(counts: np.ndarray, smooth: str = "exp") -> Bleu:
    """BLEU from the sum of the sentences' counts (2, N + 1); `smooth` as in `bleu`."""
    if smooth not in SMOOTHINGS:
        raise ValueError(f"smooth is {smooth!r}; expected one of {', '.join(SMOOTHINGS)}")
    (length, *matches), (reference_length, *totals) = np.asarray(counts).tolist()
    penalty = brevity_penalty(length, reference_length)
    precisions = _precisions(matches, totals, smooth)
    score = 100 * penalty * math.prod(precisions) ** (1 / len(precisions))
    return Bleu(score, tuple(100 * p for p in precisions), penalty, length, reference_length)


def check_corpus(hypotheses: Sequence[str], references: Sequence[str | Sequence[str]]) -> None:
    """Raise a TypeError or ValueError unless these are lists of equal length, of at least one sentence."""
    if isinstance(hypotheses, str) or isinstance(references, str):
        raise TypeError("hypotheses or references is one string; expected a list, one entry for each sentence")
    if not len(hypotheses) or len(hypotheses) != len(references):
        raise ValueError(
            f"there are {len(hypotheses)} hypotheses and references for {len(references)}; "
            "expected at least one, and for each its reference or a list of them"
        )


def clipped_matches(hypothesis: Tokens, references: Sequence[Tokens], n: int) -> tuple[int, int]:
    """Σ over n-grams g of min(count of g in the hypothesis, largest count in one reference); and all its n-grams.

    Papineni et al. 2002, section 2.1. Clipping keeps "the the the" from being three words right:

    >>> clipped_matches("the the the".split(), ["the cat".split(), "on the mat the".split()], 1)
    (2, 3)
    """
    counts, ceiling = ngrams(hypothesis, n), Counter()
    for reference in references:
        ceiling |= ngrams(reference, n)
    return (counts & ceiling).total(), counts.total()


def closest_length(length: int, lengths: Sequence[int]) -> int:
    """Of the references' lengths the closest to the hypothesis's; of two as close the shorter.

    >>> closest_length(5, [9, 6, 4])
    4
    """
    return min(lengths, key=lambda r: (abs(r - length), r))


def brevity_penalty(length: int, reference_length: int) -> float:
    """BP = exp(1 − r/c) if c < r, else 1: precision alone would be best for a translation of one sure word.

    c and r are sums over the whole corpus. Papineni et al. 2002, section 2.2.2.

    >>> brevity_penalty(9, 8), round(brevity_penalty(8, 9), 4)
    (1.0, 0.8825)
    """
    if length >= reference_length:
        return 1.0
    return math.exp(1 - reference_length / length) if length else 0.0


def _precisions(matches, totals, smooth) -> list[float]:
    """p₁ to p_N, 0 to 1. Smoothing helps only where something matches and there are n-grams at all."""
    if not any(matches):
        return [0.0] * len(matches)
    precisions, zero = [], 1.0
    for match, total in zip(matches, totals, strict=True):
        if not match and smooth == "exp":
            zero /= 2
        instead = {"exp": zero, "floor": FLOOR, "none": 0.0}[smooth]
        precisions.append((match or instead) / total if total else 0.0)
    return precisions
