"""What summaries have in common with their references, and with each other."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from minilm import metrics


def rouge(summaries: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """The means of ROUGE-1, -2 and -L (F1); of Chinese and all texts without Latin letters by characters.

    >>> rouge(["Sum the rows."], ["Sum all rows."])["ROUGE-1"] == 2 / 3
    True
    """
    tokenize = _tokens_of(" ".join(references))
    measures: dict[str, Callable] = {
        "ROUGE-1": lambda ours, theirs: metrics.rouge_n(ours, theirs, 1, tokenize),
        "ROUGE-2": lambda ours, theirs: metrics.rouge_n(ours, theirs, 2, tokenize),
        "ROUGE-L": lambda ours, theirs: metrics.rouge_l(ours, theirs, tokenize),
    }
    pairs = list(zip(summaries, references, strict=True))
    return {name: float(np.mean([measure(*pair).f1 for pair in pairs])) for name, measure in measures.items()}


def in_common(ours: str, theirs: str) -> float:
    """The mean of ROUGE-1 and ROUGE-L (F1).

    >>> in_common("Sum rows.", "Rows, sum.")
    0.75
    """
    tokenize = _tokens_of(theirs)
    return (metrics.rouge_n(ours, theirs, 1, tokenize).f1 + metrics.rouge_l(ours, theirs, tokenize).f1) / 2


def _tokens_of(text):
    return "char" if metrics.is_chinese(text) or not re.search("[A-Za-z]", text) else "word"
