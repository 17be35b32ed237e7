"""The process: which of several it is, and settings without which training takes longer than its arithmetic."""

import ctypes
import os
import sys
from contextlib import suppress
from typing import NamedTuple

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # names and numbers from glibc's malloc.h
BRING_THREADS = ("torch", "sklearn")  # libraries whose OpenMP threads Numba then shares
TOLD_BY_LAUNCHERS = (  # what mpiexec sets: the fields of Place, by MPICH and its kin (Intel, Microsoft) and by Open MPI
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
)


class Place(NamedTuple):
    """Which of how many processes this is: of all that mpiexec started, and of those on this machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1


def place() -> Place:
    """What the launcher says in the environment, so that nothing of MPI is imported to know; 0 of 1 without one."""
    for rank, size, local_rank, local_size in TOLD_BY_LAUNCHERS:
        if rank in os.environ and size in os.environ:
            everywhere = os.environ[rank], os.environ[size]
            here = os.environ.get(local_rank, everywhere[0]), os.environ.get(local_size, everywhere[1])
            return Place(*map(int, everywhere + here))
    return Place()


def tune() -> None:
    """Set what is read when libraries load and threads start. A value of the user's own is left as it is."""
    share_cores()
    let_threads_sleep()
    keep_freed_memory()


def share_cores() -> None:
    """Processes that mpiexec starts on one machine divide its cores among them: cores / processes threads for each.

    Otherwise each would start a thread per core, and N teams would take turns on the same cores. One process per
    machine (`mpiexec -ppn 1`) keeps all of them. Without mpiexec nothing is set.
    """
    if (processes := place().local_size) > 1:
        threads = str(max(1, _cores() // processes))
        for name in ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, threads)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def let_threads_sleep() -> None:
    """Two teams of threads take turns on the same cores: OpenMP's in compiled loops, OpenBLAS's in what is left to it.

    A thread without work spins for a while, in case more comes, and where it spins the other team cannot run. Unless
    told otherwise OpenBLAS's spin for 20 ms, longer than most pauses here; now about 2¹⁷ cycles, 40 µs. OpenMP's team
    does nearly all the work of a training step, in some hundred portions: its threads look 20,000 times for the next,
    about 100 µs, before they go to sleep. Together that takes a fourth off the step.

    OpenBLAS reads its setting while NumPy is imported; where that has happened, its threads spin as long as they like.
    That costs little, as OpenMP's team does most of the products too. Where another library has started OpenMP with its
    own settings, compiled loops keep to one thread, or a step would take ten times as long.
    """
    loaded = [name for name in BRING_THREADS if name in sys.modules]
    if loaded and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "17")


def keep_freed_memory() -> None:
    """A training step frees its arrays and the next one asks for the same again.

    glibc would in between give the pages back to the system, which clears them before it hands them out once more: up
    to a fifth of a small model's step.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library, with habits of its own
            libc = ctypes.CDLL(None)
            libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most that glibc allows
            libc.mallopt(M_TRIM_THRESHOLD, 512 << 20)


def quick() -> bool:
    """Whether notebooks should train a few steps only: the environment variable MINILM_QUICK is 1. For tests."""
    return os.environ.get("MINILM_QUICK") == "1"
