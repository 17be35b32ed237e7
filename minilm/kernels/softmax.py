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
    """-log softmax(x)[target], against targets mixed with `smoothing` of the uniform distribution; 0 if ignored."""
    log_p = log_softmax.reference(x)
    counted = targets != ignore_index
    at_target = np.where(counted, log_p[np.arange(len(x)), np.where(counted, targets, 0)], 0)
    losses = -(1 - smoothing) * at_target
    if smoothing:
        losses -= smoothing * np.where(counted, log_p.mean(axis=1), 0)
    return losses.astype(x.dtype)


@Kernel
def cross_entropy_backward(dy, x, targets, ignore_index, smoothing):
    """dx = (softmax(x) - mixed target) dy   dy (N,)"""
    dx = softmax.reference(x) - smoothing / x.shape[1]
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
    """y = softmax(x) for one row; returns max x, and ln Σ exp(x - max x)."""
    highest = x[0]
    for v in range(x.size):
        highest = max(highest, x[v])
    total = np.float32(0)
    for v in range(x.size):
        y[v] = exp(x[v] - highest)
        total += y[v]
    inverse = np.float32(1) / total
    for v in range(x.size):
        y[v] *= inverse
    return highest, np.float32(math.log(total))


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
    highest = x[0]
    for v in range(x.size):
        highest = max(highest, x[v])
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
    losses = np.zeros(N, np.float32)
    for n in prange(N):
        if targets[n] != ignore_index:
            highest, log_total = softmax_row(x[n], np.empty(V, np.float32))
            wanted = (1 - smoothing) * (x[n, targets[n]] - highest)
            if smoothing:
                for v in range(V):
                    wanted += smoothing / V * (x[n, v] - highest)
            losses[n] = log_total - wanted
    return losses


@cross_entropy_backward.loops
def cross_entropy_backward(dy, x, targets, ignore_index, smoothing):
    N, V = x.shape
    dx = np.zeros_like(x)
    for n in prange(N):
        if targets[n] != ignore_index:
            softmax_row(x[n], dx[n])
            dx[n, targets[n]] -= np.float32(1 - smoothing)
            for v in range(V):
                dx[n, v] = (dx[n, v] - np.float32(smoothing / V)) * dy[n]
    return dx
