"""Two settings of the process, without which training takes longer than its arithmetic."""

import ctypes
import os
import sys
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # names and numbers from glibc's malloc.h


def tune() -> None:
    """Let threads sleep when they have nothing to do, and let freed memory stay with the process.

    Numba's OpenMP threads would otherwise keep spinning after each parallel loop, and starve those of NumPy's matrix
    products. The variable is read when the first parallel loop starts; a value of the user's own is left as it is.

    A training step frees its arrays and the next one asks for the same again. glibc would in between give the pages
    back to the system, which clears them before it hands them out once more: up to a fifth of a small model's step.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library, with habits of its own
            libc = ctypes.CDLL(None)
            libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most that glibc allows
            libc.mallopt(M_TRIM_THRESHOLD, 512 << 20)
