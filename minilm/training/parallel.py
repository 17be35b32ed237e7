"""Several processes, the ranks of MPI, train one model: each reads its rows of every batch, all make the same update.

With nᵣ targets in rank r's rows, and n = Σ nᵣ in the whole batch, the gradient of the batch's mean loss is

    g = Σᵣ wᵣ gᵣ,   wᵣ = nᵣ / n

where gᵣ is that of rank r's mean loss: unequal shares, and targets that do not count, make no difference. Every rank
then holds the same g and makes the same step from the same weights, so N ranks give one process's curve to rounding.
(Data-parallel synchronous SGD; Goyal et al. 2017, arXiv:1706.02677, sections 2.3 and 3.)
"""

import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import Any

import numpy as np

from minilm.expect import expect
from minilm.process import place

from .optimizers import Optimizer

Batch = tuple[np.ndarray, ...]  # arrays of B rows; the last holds the targets, of which -1 does not count
GRACE = 1.0  # seconds


class Group:
    """One process on its own: all rows are its rows, its sums are the sums, and there is nobody to tell.

    Attributes
    ----------
    rank, size : int
        Which of how many processes this is. Rank 0 shows progress and saves.
    chance : tuple of int
        What makes this rank's dropout differ from the others': a part of its seed.
    launcher : str
        What a command must begin with to start as many.
    """

    rank, size, launcher = 0, 1, ""
    chance: tuple[int, ...] = ()

    def part(self, batch: Batch) -> tuple[Batch, float]:
        """This rank's rows of a batch, and their weight wᵣ."""
        return batch, 1.0

    def sum(self, vector: np.ndarray) -> np.ndarray:
        """Σ over the ranks of a contiguous vector, the same on all, in its place."""
        return vector

    def once(self, function: Callable, *arguments: Any) -> Any:
        """What function(*arguments) returns on rank 0, which alone runs it, for all."""
        return function(*arguments)

    def share(self, arrays: Iterable[np.ndarray]) -> None:
        """Overwrite arrays by those of rank 0."""


ALONE = Group()


class Ranks(Group):
    """All processes of an MPI communicator; every method but `part` waits for the others to call it too."""

    def __init__(self, communicator):
        self.communicator, self.rank, self.size = communicator, communicator.rank, communicator.size
        self.chance, self.launcher = (self.rank,), f"mpiexec -n {self.size} "

    def part(self, batch):
        targets = batch[-1]
        expect("batch", len(targets), len(targets) >= self.size, f"a row or more for each of {self.size} processes")
        rows = tuple(np.array_split(array, self.size)[self.rank] for array in batch)
        return rows, np.count_nonzero(rows[-1] != -1) / np.count_nonzero(targets != -1)

    def sum(self, vector):
        from mpi4py import MPI

        self.communicator.Allreduce(MPI.IN_PLACE, vector)
        return vector

    def once(self, function, *arguments):
        return self.communicator.bcast(function(*arguments) if self.rank == 0 else None)

    def share(self, arrays):
        for array in arrays:
            self.communicator.Bcast(array)


def sum_gradients(optimizer: Optimizer, loss: float, group: Group) -> float:
    """Replace each gradient by its sum over the group, in one Allreduce of the vector they lie in; the loss's sum.

    Both must have been weighted by wᵣ.
    """
    if group.size == 1:
        return loss
    group.sum(optimizer.gather())
    return float(group.sum(np.array([loss]))[0])


@contextmanager
def all_ranks() -> Iterator[Group]:
    """The group of all processes that mpiexec started; without mpiexec, of this one, and nothing of MPI is imported.

    Inside, rank 0 alone prints. A rank that leaves by an exception ends them all, as the others would wait for it for
    ever; what stops all of them (Ctrl-C, a loss that is no number) is told by rank 0.

    >>> with all_ranks() as group:
    ...     group.rank, group.size
    (0, 1)

    Raises
    ------
    ValueError
        If mpiexec started several processes that cannot talk to each other.
    """
    if place().size == 1:
        yield ALONE
        return
    group = Ranks(_communicator())
    from mpi4py.run import set_abort_status

    try:
        with redirect_stdout(io.StringIO()) if group.rank else nullcontext():
            yield group
    except BaseException as error:
        set_abort_status(error)  # when Python exits
        if group.rank:
            time.sleep(GRACE)  # in which rank 0 has ended this one, if it has stopped too
            print(f"\nrank {group.rank} of {group.size} ends the job: {error!r}", file=sys.__stderr__)
        raise


def _communicator():
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the second if it finds no MPI library
        raise ValueError(
            f"mpiexec started {place().size} processes, which need mpi4py and an MPI library to train together "
            f"({error}); `pip install mpi4py mpich` brings both, or train without mpiexec"
        ) from error
    if MPI.COMM_WORLD.size != place().size:
        raise ValueError(
            f"mpiexec started {place().size} processes, but mpi4py sees {MPI.COMM_WORLD.size}: they belong to MPI "
            "libraries of different makes; `pip install mpi4py mpich` brings two that fit, in the same folder as Python"
        )
    return MPI.COMM_WORLD
