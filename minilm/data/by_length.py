"""Which rows of a data set make which batch: in random order, but rows of about equal length together."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

STRETCH = 20  # batches over which rows are sorted by length


class ByLength:
    """Batches of rows, of little padding.

    An epoch shuffles the rows, sorts each stretch of 20 batches by length, and shuffles the batches. `rows(step)`
    depends on nothing but its arguments and `seed`: a run that is resumed at a step sees what it would have seen.

    Parameters
    ----------
    lengths : array_like (N,) or (k, N)
        Of each row; the last of k decides first.
    batch : int
        B, rows per batch; the last N mod B rows of an epoch's order are left out.
    seed : int
        Of the orders.

    Raises
    ------
    ValueError
        If there are fewer rows than a batch.

    >>> batches = ByLength([1, 9, 1, 9], batch=2, seed=0)
    >>> len(batches), sorted(sorted(batches.rows(step).tolist()) for step in (0, 1))
    (2, [[0, 2], [1, 3]])
    """

    def __init__(self, lengths: ArrayLike, batch: int, seed: int):
        self.lengths = np.atleast_2d(lengths)
        self.number, self.batch, self.seed = self.lengths.shape[1], batch, seed
        if not 1 <= batch <= self.number:
            raise ValueError(f"batch is {batch}, expected 1 to {self.number}, the number of rows")
        self._planned = (None, None)  # the epoch that was asked for last, and the rows of its batches

    def __len__(self) -> int:
        """Batches per epoch."""
        return self.number // self.batch

    def rows(self, step: int) -> np.ndarray:
        """The rows (B,) of any step's batch, from 0 on."""
        if step < 0:
            raise ValueError(f"step {step} is negative; the first is 0")
        epoch, i = divmod(step, len(self))
        if epoch != self._planned[0]:
            self._planned = epoch, self._plan(np.random.default_rng([self.seed, epoch]))
        return self._planned[1][i]

    def each_once(self, batch: int) -> Iterator[np.ndarray]:
        """All rows in batches of at most this many, the shortest first: for measuring."""
        order = np.lexsort(self.lengths)
        for start, end in pairwise([*range(0, self.number, batch), self.number]):
            yield order[start:end]

    def _plan(self, rng) -> np.ndarray:
        """The rows of each batch of an epoch.   ->   (number, B)"""
        order = rng.permutation(self.number)[: len(self) * self.batch]
        stretch = np.arange(len(order)) // (STRETCH * self.batch)
        order = order[np.lexsort((*self.lengths[:, order], stretch))]
        return rng.permutation(order.reshape(-1, self.batch))


class Rows:
    """A data set whose rows have unequal lengths: random batches to learn from, and all rows to measure on.

    A batch depends on nothing but its step and the seed, as one of `Windows`. Who derives from it says in `_of` what
    some rows are as arrays.

    Parameters
    ----------
    lengths, batch, seed
        Of `ByLength`.
    """

    def __init__(self, lengths: ArrayLike, batch: int, seed: int):
        self._order = ByLength(lengths, batch, seed)

    def __len__(self) -> int:
        """Batches per epoch."""
        return len(self._order)

    def batch(self, step: int) -> tuple[np.ndarray, ...]:
        """The arrays that the class names, of any step's rows from 0 on."""
        return self._of(self._order.rows(step))

    def each_once(self, batch: int = 64) -> Iterator[tuple[np.ndarray, ...]]:
        """All rows in batches of at most this many, the shortest first: for measuring."""
        return map(self._of, self._order.each_once(batch))

    def _of(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        raise NotImplementedError(f"{type(self).__name__} says what its rows are as arrays")
