"""Two classifiers of bags of n-grams, the baselines for every model that reads a text in order."""

import numpy as np
from numpy.typing import ArrayLike

from minilm.data.bag import Bags
from minilm.expect import expect, expect_count

from .minimise import minimise


class NaiveBayes:
    """P(c | x) ∝ P(c) Πᵥ P(v | c)^xᵥ, with P(v | c) = (count of v in texts of c + k) / (count of all in them + k V)

    "Naive": as if the n-grams of a text were drawn independently of each other. They are not, so its probabilities
    are far too sure, though the class is often right (Maron 1961; McCallum and Nigam 1998, the multinomial model).

    Parameters
    ----------
    classes : int
    k : float
        What is added to every count, so that an n-gram that a class has not seen does not rule it out.

    >>> from minilm.data.bag import BagOfNGrams, characters
    >>> bag = BagOfNGrams(["好看", "难看"], characters, longest=1)
    >>> model = NaiveBayes(2).fit(bag(["好看", "难看"]), [1, 0])
    >>> np.exp(model.log_probs(bag(["好"]))).round(3).tolist()  # P(好 | c): (0 + 1) / (2 + 3) and (1 + 1) / (2 + 3)
    [[0.333, 0.667]]
    """

    def __init__(self, classes: int, *, k: float = 1.0):
        expect_count("classes", classes, 2)
        expect("k", k, 0 < k < np.inf, "a number above 0: with 0 an unseen n-gram would rule a class out")
        self.classes, self.k = classes, k

    def fit(self, bags: Bags, labels: ArrayLike) -> "NaiveBayes":
        """Count. Labels (N,), from 0 to classes - 1, each of which occurs."""
        one_hot = one_hot_labels(labels, bags.shape[0], self.classes)
        self.weights = np.log(smoothed_shares(bags.transposed_times(one_hot), self.k))
        self.bias = np.log(one_hot.mean(axis=0))
        return self

    def log_probs(self, bags: Bags) -> np.ndarray:
        """ln P(c | x).   ->   (N, C)"""
        return log_softmax(bags.times(self.weights) + self.bias)


class LogisticRegression:
    """P(c | x) = softmax(x W + b), where W and b make  -(1/N) Σ ln P(yₙ | xₙ) + λ/2 Σ W²  least

    The function is convex: it has one minimum, which `minimise` finds.

    Parameters
    ----------
    classes : int
    decay : float
        λ.
    steps : int
        Of `minimise`.

    >>> from minilm.data.bag import BagOfNGrams, characters
    >>> bag = BagOfNGrams(["好看", "难看"], characters, longest=1)
    >>> model = LogisticRegression(2, decay=0.01).fit(bag(["好看", "难看"]).presence(), [1, 0])
    >>> model.log_probs(bag(["好看", "看"]).presence()).argmax(axis=1)[0]
    np.int64(1)
    """

    def __init__(self, classes: int, *, decay: float = 1e-4, steps: int = 100):
        expect_count("classes", classes, 2)
        expect_count("steps", steps)
        expect("decay", decay, 0 < decay < np.inf, "a number above 0, such as 1e-4: without it there is no minimum")
        self.classes, self.decay, self.steps = classes, decay, steps

    def fit(self, bags: Bags, labels: ArrayLike) -> "LogisticRegression":
        """Find the minimum. Labels (N,), from 0 to classes - 1, each of which occurs."""
        one_hot, V = one_hot_labels(labels, bags.shape[0], self.classes), bags.shape[1]

        def function(x):
            W, b = x[: -self.classes].reshape(V, -1), x[-self.classes :]
            log_p = log_softmax(bags.times(W) + b)
            value = -(one_hot * log_p).sum() / len(one_hot) + self.decay / 2 * (W * W).sum()
            error = (np.exp(log_p) - one_hot) / len(one_hot)
            return value, np.append(bags.transposed_times(error) + self.decay * W, error.sum(axis=0))

        x = minimise(function, np.zeros((V + 1) * self.classes), steps=self.steps)
        self.weights, self.bias = x[: -self.classes].reshape(V, -1), x[-self.classes :]
        return self

    def log_probs(self, bags: Bags) -> np.ndarray:
        """ln P(c | x).   ->   (N, C)"""
        return log_softmax(bags.times(self.weights) + self.bias)


def smoothed_shares(counts: np.ndarray, k: float) -> np.ndarray:
    """P(v | c) = (count of v in c + k) / (count of all in c + k V).   counts (V, C)   ->   (V, C)

    >>> smoothed_shares(np.array([[3.0], [0.0]]), 1.0).tolist()
    [[0.8], [0.2]]
    """
    return (counts + k) / (counts.sum(axis=0) + k * len(counts))


def one_hot_labels(labels: ArrayLike, N: int, classes: int) -> np.ndarray:
    """Y (N, C), Y[n, labels[n]] = 1, if every class has an example.

    Raises
    ------
    ValueError
        If labels are not N numbers from 0 to classes - 1, or a class has none.
    """
    labels = np.asarray(labels)
    if labels.shape != (N,) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels is {labels.dtype} of shape {labels.shape}; expected ({N},) integers, one for a text")
    if sorted(set(labels.tolist())) != list(range(classes)):
        raise ValueError(f"labels has {sorted(set(labels.tolist()))}; expected all of 0 to {classes - 1}")
    return np.eye(classes)[labels]


def log_softmax(x: np.ndarray) -> np.ndarray:
    """xᵢ - ln Σⱼ exp xⱼ over the last axis, the largest taken out first."""
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
