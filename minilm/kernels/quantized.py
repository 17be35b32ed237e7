"""A product with a matrix in whole numbers of 8 bits, for many rows at once: what a prompt needs.

Floats are made of a tile that fits into the second cache, and go from there into BLAS's product; the matrix as a whole
never exists in floats.
"""

import numpy as np

from .blas import BLAS, blas_product, one_blas_thread, set_blas_threads
from .pair import Kernel, prange

ROWS, COLUMNS = 256, 256  # of a tile: 256 kB


@Kernel
def quantized_linear(x, q, scale, b):
    """Y = (X Q) scale + b   x (N, C)   q (C, F) int8   scale, b (F,)   ->   (N, F)"""
    return x @ q.astype(x.dtype) * scale + b


if BLAS:  # otherwise the formula runs, with whatever BLAS this NumPy has

    @quantized_linear.loops
    def quantized_linear(x, q, scale, b):
        F = q.shape[1]
        y = np.empty((len(x), F), np.float32)
        before = one_blas_thread()
        for tile in prange((F + COLUMNS - 1) // COLUMNS):
            first, last = tile * COLUMNS, min((tile + 1) * COLUMNS, F)
            columns_to(x, q[:, first:last], scale[first:last], b[first:last], y[:, first:last])
        set_blas_threads(before)
        return y


def columns_to(x, q, scale, b, y):
    """y ← (x q) scale + b for some columns."""
    (N, C), F = x.shape, q.shape[1]
    W = np.empty((ROWS, F), np.float32)
    for start in range(0, C, ROWS):
        rows = min(ROWS, C - start)
        for c in range(rows):
            for f in range(F):
                W[c, f] = np.float32(q[start + c, f])
        blas_product(x[:, start : start + rows], False, W[:rows], False, np.float32(start > 0), y)
    for n in range(N):
        for f in range(F):
            y[n, f] = y[n, f] * scale[f] + b[f]
