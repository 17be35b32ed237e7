"""What training and measuring want of a data set. `data.Pairs`, `Examples` and others are both, `Windows` the first."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

Batch = tuple[np.ndarray, ...]  # what the model's loss takes; what is asked stands last, and -1 there does not count


class Source(Protocol):
    """Batches to learn from."""

    tokens_per_batch: int

    def batch(self, step: int) -> Batch:
        """That of any step from 0 on, always the same."""


@runtime_checkable
class EachOnce(Protocol):
    """Batches to measure on."""

    def each_once(self, batch: int) -> Iterator[Batch]:
        """All there is, in batches of at most this many rows."""
