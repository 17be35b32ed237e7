"""Classifiers: which classes they confuse, how well they find each, and whether their probabilities mean what they say.

(`accuracy` is that of likelihood.py.)
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


def confusion(predictions: ArrayLike, labels: ArrayLike, classes: int) -> np.ndarray:
    """table[y, ŷ]: how many texts of class y were given ŷ.   predictions, labels (N,)   ->   (classes, classes)

    Raises
    ------
    ValueError
        If shapes differ, nothing is given, or a number is no class.

    >>> confusion([1, 1, 0], [1, 0, 0], 2).tolist()
    [[1, 1], [0, 1]]
    """
    predictions, labels = _checked("predictions", predictions, classes), _checked("labels", labels, classes)
    if predictions.shape != labels.shape:
        raise ValueError(f"labels has shape {labels.shape}; expected {predictions.shape}, one for each prediction")
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def f1_of_classes(predictions: ArrayLike, labels: ArrayLike, classes: int) -> np.ndarray:
    """F1 = 2 P R / (P + R) = 2 right / (given + true) of each class, (classes,); 0 if it neither occurs nor is given.

    P is the share of texts given the class that are of it, R the share of texts of the class that were given it. The
    mean over classes, macro-F1, counts a rare class as much as a common one.

    >>> f1_of_classes([1, 1, 0], [1, 0, 0], 2).round(3).tolist()
    [0.667, 0.667]
    """
    table = confusion(predictions, labels, classes)
    return 2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)


class Bins(NamedTuple):
    """A reliability diagram: of the texts in each bin of confidence their number, mean confidence, and accuracy."""

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> Bins:
    """Texts sorted into `bins` equal parts of (0, 1] by the probability of the class that they were given.

    An empty bin has confidence and accuracy 0. (DeGroot and Fienberg 1983; Niculescu-Mizil and Caruana 2005)

    Parameters
    ----------
    probabilities : (N, classes)
    labels : (N,)
    bins : int

    Raises
    ------
    ValueError
        If a row does not sum to 1, or labels do not fit.

    >>> reliability([[0.7, 0.3], [0.65, 0.35], [0.1, 0.9]], [0, 1, 1], bins=5)
    Bins(counts=array([0, 0, 0, 2, 1]), confidence=array([0.   , 0.   , 0.   , 0.675, 0.9  ]), accuracy=array([0. , 0. , 0. , 0.5, 1. ]))
    """  # noqa: E501
    probabilities = _checked_probabilities(probabilities)
    labels = _checked("labels", labels, probabilities.shape[1])
    if len(labels) != len(probabilities):
        raise ValueError(f"labels has shape {labels.shape}; expected ({len(probabilities)},), one for each row")
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    sums = [np.bincount(places, values, minlength=bins) for values in (confidence, right)]
    return Bins(counts, *(total / np.maximum(counts, 1) for total in sums))


def calibration_error(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> float:
    """ECE = Σ over bins of (texts in it / N) · |accuracy - confidence| (Naeini et al. 2015; Guo et al. 2017, eq. 3)

    0 if of the texts of which the model is 80 % sure 80 % are right. Parameters and errors as of `reliability`.

    >>> round(calibration_error([[0.7, 0.3], [0.65, 0.35], [0.1, 0.9]], [0, 1, 1], bins=5), 4)  # (2·0.175 + 0.1) / 3
    0.15
    """
    found = reliability(probabilities, labels, bins)
    gaps = np.abs(found.accuracy - found.confidence)
    return float((found.counts * gaps).sum() / found.counts.sum())


def _checked(name, numbers, classes) -> np.ndarray:
    numbers = np.asarray(numbers)
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iu":
        raise ValueError(f"{name} is {numbers.dtype} of shape {numbers.shape}; expected (N,) integers, at least one")
    if numbers.min() < 0 or numbers.max() >= classes:
        raise ValueError(f"{name} runs from {numbers.min()} to {numbers.max()}; expected classes 0 to {classes - 1}")
    return numbers.astype(np.int64)


def _checked_probabilities(probabilities) -> np.ndarray:
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or not probabilities.size:
        raise ValueError(f"probabilities has shape {probabilities.shape}; expected (N, classes), at least one row")
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3) or probabilities.min() < 0:
        raise ValueError("probabilities: a row does not sum to 1; expected the softmax of logits, or exp(log_probs)")
    return probabilities
