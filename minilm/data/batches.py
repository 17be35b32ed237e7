"""Batches: windows of a long text, and sequences of unequal length made equal by padding."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike


class Windows:
    """Random batches of windows of T ids, and as targets the same windows one id further on.

    An epoch cuts the text into windows from a random offset on and shuffles them, so that in time windows start
    everywhere. `batch(step)` depends on nothing but its arguments and `seed`: a run that is resumed at a step sees
    what it would have seen.

    Parameters
    ----------
    ids : array_like (N,)
        A tokenized text.
    context : int
        T, ids per window.
    batch : int
        B, windows per batch; the last N / T mod B windows of an epoch's order are left out.
    seed : int
        Of the offsets and the orders.

    Raises
    ------
    ValueError
        If the text is too short for one batch, or `context` or `batch` is less than 1.

    >>> windows = Windows(np.arange(100), context=4, batch=3, seed=0)
    >>> len(windows)
    8
    >>> inputs, targets = windows.batch(0)
    >>> inputs.shape, bool((targets == inputs + 1).all())
    ((3, 4), True)
    """

    def __init__(self, ids: ArrayLike, context: int, batch: int, seed: int):
        self.ids, self.context, self.batch_size, self.seed = _sequence(ids), context, batch, seed
        _at_least_one(context=context, batch=batch)
        if len(self.ids) < context * (batch + 1):
            raise ValueError(
                f"a text of {len(self.ids)} ids is too short for a batch of {batch} windows of {context} ids: it takes "
                f"{context * (batch + 1)}; give a longer text, or a smaller batch or context"
            )
        self._number = (len(self.ids) - context) // context  # that fit from every offset below context
        self._shuffled = (None, None)  # the epoch that was asked for last, and where its windows start

    def __len__(self) -> int:
        """Batches per epoch."""
        return self._number // self.batch_size

    @property
    def tokens_per_batch(self) -> int:
        """B T, for the log of training."""
        return self.batch_size * self.context

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (B, T) and targets (B, T) of any step from 0 on."""
        if step < 0:
            raise ValueError(f"step {step} is negative; the first is 0")
        epoch, i = divmod(step, len(self))
        starts = self._starts(epoch)[i * self.batch_size : (i + 1) * self.batch_size]
        windows = self.ids[starts[:, None] + np.arange(self.context + 1)]  # (B, T + 1)
        return windows[:, :-1], windows[:, 1:]

    def _starts(self, epoch: int) -> np.ndarray:
        if epoch != self._shuffled[0]:
            rng = np.random.default_rng([self.seed, epoch])
            offset = rng.integers(self.context)
            self._shuffled = epoch, offset + self.context * rng.permutation(self._number)
        return self._shuffled[1]


def consecutive(ids: ArrayLike, context: int, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs and targets (up to B, T) that together predict each of ids[1:] exactly once, in order.

    The predictions that are left over after the last whole window come last, as one shorter window (1, up to T - 1).

    Raises
    ------
    ValueError
        If there are fewer than two ids, or `context` or `batch` is less than 1.

    >>> for inputs, targets in consecutive([0, 1, 2, 3, 4, 5], context=2, batch=5):
    ...     print(inputs.tolist(), targets.tolist())
    [[0, 1], [2, 3]] [[1, 2], [3, 4]]
    [[4]] [[5]]
    """
    ids = _sequence(ids)
    _at_least_one(context=context, batch=batch)
    if len(ids) < 2:
        raise ValueError(f"a text of {len(ids)} ids has nothing to predict; give at least two")
    return _consecutive(ids, context, batch)


def _consecutive(ids, context, batch):
    whole = (len(ids) - 1) // context * context
    inputs, targets = ids[:whole].reshape(-1, context), ids[1 : whole + 1].reshape(-1, context)
    for i in range(0, len(inputs), batch):
        yield inputs[i : i + batch], targets[i : i + batch]
    if whole < len(ids) - 1:
        yield ids[None, whole:-1], ids[None, whole + 1 :]


def pad(sequences: Sequence[ArrayLike], value: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of unequal length as one array ids (B, T), filled up with `value`, and their lengths (B,).

    >>> ids, lengths = pad([[5, 6, 7], [8]])
    >>> ids.tolist(), lengths.tolist()
    ([[5, 6, 7], [8, 0, 0]], [3, 1])
    """
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    ids = np.full((len(lengths), lengths.max(initial=0)), value, np.int64)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = sequence
    return ids, lengths


def length_mask(lengths: ArrayLike, T: int) -> np.ndarray:
    """mask[b, t] = t < lengths[b], (B, T) bool: True where there is a symbol, False where there is padding.

    Raises
    ------
    ValueError
        If a length is negative or more than T.

    >>> length_mask([3, 1], 3).astype(int).tolist()
    [[1, 1, 1], [1, 0, 0]]
    """
    lengths = np.asarray(lengths)
    if lengths.size and (lengths.min() < 0 or lengths.max() > T):
        raise ValueError(f"lengths go from {lengths.min()} to {lengths.max()}, expected 0 to T = {T}")
    return np.arange(T) < lengths[:, None]


def _sequence(ids: ArrayLike) -> np.ndarray:
    ids = np.asarray(ids)
    if ids.ndim != 1:
        raise ValueError(f"ids have shape {ids.shape}, expected one sequence (N,); join the documents first")
    return ids


def _at_least_one(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}, expected at least 1")
