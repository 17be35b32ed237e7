"""Texts to test on that are nearly in the training texts: a review that was copied and changed at its end."""

from collections.abc import Sequence

import numpy as np


def sharing_beginning(texts: Sequence[str], others: Sequence[str], characters: int) -> np.ndarray:
    """Which of `texts` begin with the same characters as one of `others`, (N,) bool.

    Equal texts are easily found and dropped; these are the cheapest sign of those that are nearly equal.

    >>> sharing_beginning(["很好的书!", "不好"], ["很好的电脑"], characters=3).tolist()
    [True, False]
    """
    known = {other[:characters] for other in others}
    return np.array([text[:characters] in known for text in texts], bool)
