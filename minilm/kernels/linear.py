"""A linear layer: Y = X W + b for all rows of X, and its gradients."""

import numpy as np

from .blas import BLAS, blas_product, one_blas_thread, set_blas_threads
from .pair import Kernel, prange, thread_count


@Kernel
def linear(x, W, b):
    """Y = X W + b   x (N, C)   W (C, F)   b (F,)   ->   (N, F)"""
    y = x @ W
    y += b
    return y


@Kernel
def linear_backward(dy, x, W):
    """dX = dY Wᵀ,  dW = Xᵀ dY,  db = Σ dY   dy (N, F)   ->   (N, C), (C, F), (F,)"""
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


@Kernel
def frozen_linear_backward(dy, W):
    """dX = dY Wᵀ, and no more, as W does not learn   dy (N, F)   W (C, F)   ->   (N, C)"""
    return dy @ W.T


# One product of few rows is best left to NumPy, which wakes no thread for it.
for kernel in (linear, linear_backward, frozen_linear_backward):
    kernel.when_small = kernel.reference

if BLAS:  # otherwise the formulas run, with whatever BLAS this NumPy has

    @linear.loops
    def linear(x, W, b):
        N, F = x.shape[0], W.shape[1]
        y = np.empty((N, F), np.float32)
        before, parts = one_blas_thread(), thread_count()
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
        before, parts = one_blas_thread(), thread_count()
        dx, dW = np.empty_like(x), np.empty_like(W)
        db = np.zeros((parts, F), np.float32)  # of each thread's rows
        for part in prange(parts):
            start, stop = share(N, part, parts)
            blas_product(dy[start:stop], False, W, True, 0, dx[start:stop])
            for n in range(start, stop):
                for f in range(F):
                    db[part, f] += dy[n, f]
            start, stop = share(F, part, parts)
            blas_product(x, True, dy[:, start:stop], False, 0, dW[:, start:stop])
        set_blas_threads(before)
        return dx, dW, sum_of_rows(db)

    @frozen_linear_backward.loops
    def frozen_linear_backward(dy, W):
        N = dy.shape[0]
        before, parts = one_blas_thread(), thread_count()
        dx = np.empty((N, W.shape[0]), np.float32)
        for part in prange(parts):
            start, stop = share(N, part, parts)
            blas_product(dy[start:stop], False, W, True, 0, dx[start:stop])
        set_blas_threads(before)
        return dx


def share(total, part, parts):
    """From where to where, exclusive, the share of one of so many parts reaches."""
    return total * part // parts, total * (part + 1) // parts


def sum_of_rows(a):
    """Σ aₙ   a (N, F)   ->   (F,)"""
    total = np.zeros(a.shape[1], np.float32)
    for n in range(a.shape[0]):
        for f in range(a.shape[1]):
            total[f] += a[n, f]
    return total
