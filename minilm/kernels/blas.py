"""The matrix product of the BLAS inside NumPy, for compiled loops to call.

NumPy's `@` has BLAS spread a product over threads of BLAS's own, and between the products compiled loops use theirs.
Two teams on the same cores wake each other up and get in each other's way, for a third of a training step. Loops that
call BLAS themselves need one team: each thread computes its share of the rows with `blas_product`, and BLAS stays
within that thread.
"""

import ctypes
from pathlib import Path

import numpy as np

from .pair import External

ROW_MAJOR, PLAIN, TRANSPOSED = np.int32(101), np.int32(111), np.int32(112)  # from the header file cblas.h


def numpys_blas() -> ctypes.CDLL | None:
    """The OpenBLAS that comes in NumPy's wheels; None if this NumPy was built with another BLAS."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in folder.glob("libscipy_openblas64_*"):
            library = ctypes.CDLL(str(path))
            if hasattr(library, "scipy_cblas_sgemm64_"):
                return library
    return None


def external(name: str, signature: str) -> External | None:
    if BLAS is None:
        return None
    return External(name, signature, ctypes.cast(getattr(BLAS, name), ctypes.c_void_p).value)


BLAS = numpys_blas()
sgemm = external(
    "scipy_cblas_sgemm64_",
    "void(int32, int32, int32, int64, int64, int64, float32, uintp, int64, uintp, int64, float32, uintp, int64)",
)
blas_threads = external("scipy_openblas_get_num_threads64_", "int32()")
set_blas_threads = external("scipy_openblas_set_num_threads64_", "void(int32)")


def one_blas_thread():
    """From here on BLAS stays within the thread that calls it.   ->   how many it had, to `set_blas_threads` later"""
    before = blas_threads()
    set_blas_threads(np.int32(1))
    return before


def blas_product(a, a_transposed, b, b_transposed, beta, y):
    """y ← beta y + a b, or aᵀ b, or a bᵀ.   Float32; the rows of each may lie apart, their elements may not."""
    M, N = y.shape
    K = a.shape[0] if a_transposed else a.shape[1]
    sgemm(
        ROW_MAJOR, TRANSPOSED if a_transposed else PLAIN, TRANSPOSED if b_transposed else PLAIN,
        M, N, K, np.float32(1), a.ctypes.data, row_length(a), b.ctypes.data, row_length(b),
        np.float32(beta), y.ctypes.data, row_length(y),
    )  # fmt: skip


def row_length(a):
    """How many numbers lie from one row to the next; 1 if none, since BLAS refuses 0."""
    return max(a.strides[0] // 4, 1)
