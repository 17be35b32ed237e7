"""A linear layer: Y = X W + b for all rows of X, and its gradients."""

import numpy as np

from .blas import BLAS, blas_product, blas_threads, set_blas_threads
from .pair import Kernel, prange, thread_count


@Kernel
def linear(x, W, b):
    """Y = X W + b   x (N, C)   W (C, F)   b (F,)   ->   (N, F)"""
    y = x @ W
    y += b
    return y


@Kernel
def linear_backward(dy, x, W):
    """dX = dY Wᵀ,  dW = Xᵀ dY   dy (N, F)   ->   (N, C), (C, F)"""
    return dy @ W.T, x.T @ dy


@Kernel
def column_sums(dy):
    """db = Σ dY over the rows   dy (N, F)   ->   (F,)"""
    return dy.sum(axis=0)


# One product of few rows is best left to NumPy, which wakes no thread for it.
linear.when_small, linear_backward.when_small = linear.reference, linear_backward.reference


@column_sums.loops
def column_sums(dy):
    N, F = dy.shape
    total, parts = np.zeros(F, np.float32), thread_count()
    for part in prange(parts):
        start, stop = share(F, part, parts)
        for n in range(N):
            add(dy[n, start:stop], total[start:stop])
    return total


def add(x, y):
    for j in range(x.size):
        y[j] += x[j]


if BLAS:  # otherwise the formulas run, with whatever BLAS this NumPy has

    @linear.loops
    def linear(x, W, b):
        N, F = x.shape[0], W.shape[1]
        y = np.empty((N, F), np.float32)
        before, parts = blas_threads(), thread_count()
        set_blas_threads(np.int32(1))
        for part in prange(parts):
            start, stop = share(N, part, parts)
            for n in range(start, stop):
                for f in range(F):
                    y[n, f] = b[f]
            blas_product(x[start:stop], False, W, False, 1, y[start:stop])
        set_blas_threads(before)
        return y

    @linear_backward.loops
    def linear_backward(dy, x, W):
        N, F = dy.shape
        dx, dW = np.empty_like(x), np.empty_like(W)
        before, parts = blas_threads(), thread_count()
        set_blas_threads(np.int32(1))
        for part in prange(parts):
            start, stop = share(N, part, parts)
            blas_product(dy[start:stop], False, W, True, 0, dx[start:stop])
            start, stop = share(F, part, parts)
            blas_product(x, True, dy[:, start:stop], False, 0, dW[:, start:stop])
        set_blas_threads(before)
        return dx, dW


def share(total, part, parts):
    """From where to where, exclusive, the share of one of so many parts reaches."""
    return total * part // parts, total * (part + 1) // parts
