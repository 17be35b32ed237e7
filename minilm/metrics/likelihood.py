"""How good is a language model?  Cross-entropy, perplexity, bits per character, accuracy.

All of them weigh every token alike: sum over all batches first, divide once at the end. A mean of the batches' means
is another number as soon as the batches hold different numbers of tokens.
"""

import math

import numpy as np
from numpy.typing import ArrayLike


def total_nats(log_probs: ArrayLike, targets: ArrayLike, ignore_index: int | None = None) -> tuple[float, int]:
    """−Σₙ log p(yₙ) and the number of targets in the sum, to be added up over batches.

    Parameters
    ----------
    log_probs : (..., V)
        Natural logarithms of probabilities; −∞ is allowed and means impossible.
    targets : (...)
        The ids that came true.
    ignore_index
        Targets with this value, such as padding, are left out.

    Raises
    ------
    ValueError
        If shapes differ, a target is no id, no target is left, or `log_probs` cannot be logarithms of probabilities.

    Examples
    --------
    >>> log_probs = np.log([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]])
    >>> nats, tokens = total_nats(log_probs, np.array([0, 0, -1]), ignore_index=-1)
    >>> round(nats / math.log(2), 6), tokens  # 1 bit and 2 bits
    (3.0, 2)
    """
    log_probs, targets = np.asarray(log_probs), np.asarray(targets)
    counted = _counted(targets, log_probs.shape[:-1], "log_probs", ignore_index)
    _check_log_probs(log_probs)
    _check_ids(targets[counted], log_probs.shape[-1])
    picked = np.take_along_axis(log_probs[counted], targets[counted][:, None], axis=-1)
    return -float(picked.sum(dtype=np.float64)), int(counted.sum())


def cross_entropy(log_probs: ArrayLike, targets: ArrayLike, ignore_index: int | None = None) -> float:
    """−(1/N) Σₙ log p(yₙ), in nats per token, over the N targets that are not `ignore_index`.

    Shapes and errors as in `total_nats`.

    >>> round(cross_entropy(np.log([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 0])), 4)  # 1.5 bits
    1.0397
    """
    nats, tokens = total_nats(log_probs, targets, ignore_index)
    return nats / tokens


def perplexity(nll: float) -> float:
    """exp(nll), where nll is the mean negative log-probability in nats per token.

    A model of perplexity k is on average as unsure as if it threw a fair die with k faces.

    >>> round(perplexity(math.log(6)), 6)
    6.0

    Raises
    ------
    ValueError
        If nll is NaN or negative.
    """
    nll = _check_nats("nll", nll)
    return math.exp(nll) if nll < 709 else math.inf  # e^709 is near the largest float


def bits_per_character(nats: float, characters: int) -> float:
    """nats / (characters · ln 2), where nats is the sum −Σ log p over the tokens of a text of so many characters.

    Unlike perplexity it compares models across tokenizers: the text has one number of characters, however it is cut.

    >>> round(bits_per_character(10 * math.log(2), characters=5), 6)
    2.0

    Raises
    ------
    ValueError
        If nats is NaN or negative, or there are no characters.
    """
    if characters < 1:
        raise ValueError(f"characters is {characters}; expected at least 1: the length of the text that was scored")
    return _check_nats("nats", nats) / (characters * math.log(2))


def accuracy(predictions: ArrayLike, targets: ArrayLike, ignore_index: int | None = None) -> float:
    """(1/N) Σₙ [ŷₙ = yₙ] over the N targets that are not `ignore_index`; both are arrays of ids of one shape.

    >>> accuracy(np.array([1, 2, 3, 0]), np.array([1, 2, 0, -1]), ignore_index=-1) == 2 / 3
    True

    Raises
    ------
    ValueError
        If shapes differ or no target is left.
    """
    predictions, targets = np.asarray(predictions), np.asarray(targets)
    counted = _counted(targets, predictions.shape, "predictions", ignore_index)
    return float((predictions == targets)[counted].mean())


def _counted(targets, shape, name, ignore_index) -> np.ndarray:
    """Which targets count: at least one."""
    if targets.shape != shape:
        raise ValueError(f"targets has shape {targets.shape}; expected {shape}, one target for each of {name}")
    counted = np.ones(shape, bool) if ignore_index is None else targets != ignore_index
    if not counted.any():
        raise ValueError(
            f"targets has {targets.size} entries and all are left out (ignore_index is {ignore_index}); "
            "expected at least one: a mean of nothing is no number"
        )
    return counted


def _check_log_probs(log_probs):
    highest = log_probs.max()  # NaN if any is
    if math.isnan(highest):
        raise ValueError("log_probs holds NaN; expected log-probabilities: look for the first step where it appears")
    if highest > 1e-3:  # float32 may round a certain token's 0 to a little more
        raise ValueError(
            f"log_probs reaches {highest:.3g}; expected at most 0, logarithms of probabilities: "
            "scores of a model need a log-softmax first"
        )


def _check_ids(ids, vocabulary):
    if not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"targets holds {ids.dtype}; expected integers: token ids")
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise ValueError(
            f"targets runs from {ids.min()} to {ids.max()}; expected ids from 0 to {vocabulary - 1}: "
            "name the value of padding as ignore_index"
        )


def _check_nats(name, nats) -> float:
    if math.isnan(nats) or nats < -1e-3:
        raise ValueError(
            f"{name} is {nats}; expected 0 or more: log-probabilities are negative, this is minus their sum or mean"
        )
    return float(nats)
