"""Settings of the process, without which training takes longer than its arithmetic."""

import ctypes
import os
import sys
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # names and numbers from glibc's malloc.h
BRING_THREADS = ("torch", "sklearn")  # libraries whose OpenMP threads Numba then shares


def tune() -> None:
    """Set what is read when libraries load and threads start. A value of the user's own is left as it is."""
    let_threads_sleep()
    keep_freed_memory()


def let_threads_sleep() -> None:
    """Two teams of threads take turns on the same cores: OpenMP's in compiled loops, OpenBLAS's in what is left to it.

    A thread without work spins for a while, in case more comes, and where it spins the other team cannot run. Unless
    told otherwise OpenBLAS's spin for 20 ms, longer than most pauses here; now about 2¹⁷ cycles, 40 µs. OpenMP's team
    does nearly all the work of a training step, in some hundred portions: its threads look 20,000 times for the next,
    about 100 µs, before they go to sleep. Together that takes a fourth off the step.

    OpenBLAS reads its setting while NumPy is imported. Where that has happened, OpenMP's threads sleep at once: the
    spinning of both would be the worst. Where another library has started OpenMP with its own settings, compiled loops
    keep to one thread, or a step would take ten times as long.
    """
    loaded = [name for name in BRING_THREADS if name in sys.modules]
    if loaded and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "17")
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")


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
