"""ROUGE: how much of a reference summary the generated one has: n-grams (ROUGE-N), the longest subsequence (-L).

Lin 2004, https://aclanthology.org/W04-1013; in numbers that equal the package rouge-score's, without stemming.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from .tokens import ngrams, tokens


class Rouge(NamedTuple):
    """Three shares, each 0 to 1."""

    precision: float
    """Of the hypothesis, what is in the reference."""
    recall: float
    """Of the reference, what is in the hypothesis."""
    f1: float
    """2 P R / (P + R), their harmonic mean."""


def rouge_n(hypothesis: str, reference: str, n: int = 1, tokenize: str | Callable[[str], list[str]] = "word") -> Rouge:
    """Shared n-grams / n-grams of the hypothesis, and / those of the reference; each counts as often as in both.

    Parameters
    ----------
    hypothesis, reference
        The summary to be judged, and the one by which.
    n
        1 for words, 2 for pairs.
    tokenize
        See `tokens`: `"word"` for English, `"char"` for Chinese, of which the other would leave nothing.

    Raises
    ------
    TypeError, ValueError
        If a text is no string, there is no such tokenizer, or n is less than 1.

    >>> rouge_n("the cat sat on the mat", "the mat sat", n=1)
    Rouge(precision=0.5, recall=1.0, f1=0.6666666666666666)
    >>> rouge_n("我喜欢看书", "我喜欢读书", n=2, tokenize="char").recall
    0.5
    """
    if n < 1:
        raise ValueError(f"n is {n}; expected at least 1, the length of the n-grams")
    ours, theirs = ngrams(tokens(hypothesis, tokenize), n), ngrams(tokens(reference, tokenize), n)
    return _shares((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(hypothesis: str, reference: str, tokenize: str | Callable[[str], list[str]] = "word") -> Rouge:
    """LCS / tokens of the hypothesis, and / those of the reference. Parameters and errors as `rouge_n`.

    >>> rouge_l("the cat sat on the mat", "the mat sat").recall == 2 / 3  # "the sat", or "the mat"
    True
    """
    ours, theirs = tokens(hypothesis, tokenize), tokens(reference, tokenize)
    return _shares(longest_common_subsequence(ours, theirs), len(ours), len(theirs))


def longest_common_subsequence(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """How many tokens a and b have in common, in the same order, with or without others between them.

    LCS(i, j) = LCS(i−1, j−1) + 1 if aᵢ = bⱼ, else max(LCS(i−1, j), LCS(i, j−1)), for the first i and j tokens; one row
    of the table at a time. Lin 2004, section 3.

    >>> longest_common_subsequence("reading", "riding")  # r ding
    5
    """
    above = [0] * (len(b) + 1)
    for x in a:
        row = [0]
        for j, y in enumerate(b):
            row.append(above[j] + 1 if x == y else max(above[j + 1], row[j]))
        above = row
    return above[-1]


def _shares(shared, ours, theirs) -> Rouge:
    precision, recall = shared / max(ours, 1), shared / max(theirs, 1)
    return Rouge(precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0)
