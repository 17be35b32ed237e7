"""Softmax, log-softmax, and softmax with cross-entropy in one, over the rows of x (N, V)."""

import math

import numpy as np

from .elementary import exp
from .pair import Kernel, prange


@Kernel
def softmax(x):
    """y = eˣ / Σ eˣ"""
    e = np.exp(x - x.max(axis=1, keepdims=True))  # the same for every shift of x; this one cannot overflow
    return e / e.sum(axis=1, keepdims=True)


@Kernel
def softmax_backward(dy, y):
    """dx = y (dy - Σ dy y)"""
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


@Kernel
def log_softmax(x):
    """y = x - ln Σ eˣ"""
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@Kernel
def log_softmax_backward(dy, y):
    """dx = dy - eʸ Σ dy"""
    return dy - np.exp(y) * dy.sum(axis=1, keepdims=True)


@Kernel
def cross_entropy(x, targets, ignore_index, smoothing):
    """-log softmax(x)[target], against targets mixed with `smoothing` of the uniform distribution; 0 if ignored.

    -> losses (N,), and for backward the highest x of each row and its Σ exp(x - highest)
    """
    counted, highest = targets != ignore_index, x.max(axis=1)
    shifted = x - highest[:, None]
    total = np.exp(shifted).sum(axis=1)
    losses = np.log(total) - (1 - smoothing) * shifted[np.arange(len(x)), np.where(counted, targets, 0)]
    if smoothing:
        losses -= smoothing * shifted.mean(axis=1)
    return np.where(counted, losses, 0).astype(x.dtype), highest, total


@Kernel
def cross_entropy_backward(dy, x, highest, total, targets, ignore_index, smoothing):
    """dx = (softmax(x) - mixed target) dy   dy (N,)"""
    dx = np.exp(x - highest[:, None]) / total[:, None] - smoothing / x.shape[1]
    counted = np.flatnonzero(targets != ignore_index)
    dx[counted, targets[counted]] -= 1 - smoothing
    return (dx * np.where(targets != ignore_index, dy, 0)[:, None]).astype(x.dtype)


@softmax.loops
def softmax(x):
    y = np.empty_like(x)
    for n in prange(x.shape[0]):
        softmax_row(x[n], y[n])
    return y


def softmax_row(x, y):
    """y = softmax(x) for one row."""
    highest = highest_of(x)
    total = np.float32(0)
    for v in range(x.size):
        y[v] = exp(x[v] - highest)
        total += y[v]
    inverse = np.float32(1) / total
    for v in range(x.size):
        y[v] *= inverse


def highest_of(x):
    highest = x[0]
    for v in range(x.size):
        highest = max(highest, x[v])
    return highest


@softmax_backward.loops
def softmax_backward(dy, y):
    dx = np.empty_like(y)
    for n in prange(y.shape[0]):
        mean = np.float32(0)
        for v in range(y.shape[1]):
            mean += dy[n, v] * y[n, v]
        for v in range(y.shape[1]):
            dx[n, v] = y[n, v] * (dy[n, v] - mean)
    return dx


@log_softmax.loops
def log_softmax(x):
    y = np.empty_like(x)
    for n in prange(x.shape[0]):
        log_softmax_row(x[n], y[n])
    return y


def log_softmax_row(x, y):
    """y = log_softmax(x) for one row. The shifted row is stored: the compiler may reorder sums, and max x + ln Σ in one
    number would lose digits where x is large."""
    highest = highest_of(x)
    for v in range(x.size):
        y[v] = x[v] - highest
    total = np.float32(0)
    for v in range(x.size):
        total += exp(y[v])
    log_total = np.float32(math.log(total))
    for v in range(x.size):
        y[v] -= log_total


@log_softmax_backward.loops
def log_softmax_backward(dy, y):
    dx = np.empty_like(y)
    for n in prange(y.shape[0]):
        total = np.float32(0)
        for v in range(y.shape[1]):
            total += dy[n, v]
        for v in range(y.shape[1]):
            dx[n, v] = dy[n, v] - exp(y[n, v]) * total
    return dx


@cross_entropy.loops
def cross_entropy(x, targets, ignore_index, smoothing):
    N, V = x.shape
    losses, highest, total = np.zeros(N, np.float32), np.empty(N, np.float32), np.empty(N, np.float32)
    for n in prange(N):
        highest[n] = highest_of(x[n])
        total[n] = exp_sum(x[n], highest[n])
        if targets[n] != ignore_index:
            wanted = (1 - smoothing) * (x[n, targets[n]] - highest[n])
            if smoothing:
                for v in range(V):
                    wanted += smoothing / V * (x[n, v] - highest[n])
            losses[n] = math.log(total[n]) - wanted
    return losses, highest, total


def exp_sum(x, highest):
    total = np.float32(0)
    for v in range(x.size):
        total += exp(x[v] - highest)
    return total


@cross_entropy_backward.loops
def cross_entropy_backward(dy, x, highest, total, targets, ignore_index, smoothing):
    N, V = x.shape
    dx, uniform = np.empty_like(x), np.float32(smoothing / V)
    for n in prange(N):
        counted = targets[n] != ignore_index
        weight = dy[n] if counted else np.float32(0)
        inverse = np.float32(1) / total[n]
        for v in range(V):
            dx[n, v] = (exp(x[n, v] - highest[n]) * inverse - uniform) * weight
        if counted:
            dx[n, targets[n]] -= np.float32(1 - smoothing) * weight
    return dx
