"""Layer norm and RMS norm over the rows of x (N, C), forward and backward."""

import numpy as np

from .linear import share, sum_of_rows
from .pair import Kernel, prange, thread_count


@Kernel
def layer_norm(x, gamma, beta, eps):
    """y = γ x̂ + β with x̂ = (x - mean) / √(variance + eps)"""
    mean = x.mean(axis=1)
    rstd = 1 / np.sqrt(x.var(axis=1) + eps)
    x_hat = (x - mean[:, None]) * rstd[:, None]
    return gamma * x_hat + beta, mean, rstd


@Kernel
def layer_norm_backward(dy, x, gamma, mean, rstd):
    """dx = (dx̂ - mean(dx̂) - x̂ mean(dx̂ x̂)) / √(variance + eps) with dx̂ = γ dy"""
    x_hat = (x - mean[:, None]) * rstd[:, None]
    dx_hat = gamma * dy
    dx = dx_hat - dx_hat.mean(axis=1)[:, None] - x_hat * (dx_hat * x_hat).mean(axis=1)[:, None]
    return dx * rstd[:, None], (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@Kernel
def rms_norm(x, gamma, eps):
    """y = γ x / √(mean(x²) + eps)"""
    rstd = 1 / np.sqrt((x * x).mean(axis=1) + eps)
    return gamma * x * rstd[:, None], rstd


@Kernel
def rms_norm_backward(dy, x, gamma, rstd):
    """dx = (dx̂ - x̂ mean(dx̂ x̂)) / √(mean(x²) + eps) with dx̂ = γ dy"""
    x_hat = x * rstd[:, None]
    dx_hat = gamma * dy
    dx = dx_hat - x_hat * (dx_hat * x_hat).mean(axis=1)[:, None]
    return dx * rstd[:, None], (dy * x_hat).sum(axis=0)


@layer_norm.loops
def layer_norm(x, gamma, beta, eps):
    N, C = x.shape
    y, mean, rstd = np.empty_like(x), np.empty(N, np.float32), np.empty(N, np.float32)
    for n in prange(N):
        total = np.float32(0)
        for c in range(C):
            total += x[n, c]
        mean[n] = total / np.float32(C)
        variance = np.float32(0)
        for c in range(C):
            variance += (x[n, c] - mean[n]) * (x[n, c] - mean[n])
        rstd[n] = 1 / np.sqrt(variance / np.float32(C) + np.float32(eps))
        for c in range(C):
            y[n, c] = gamma[c] * (x[n, c] - mean[n]) * rstd[n] + beta[c]
    return y, mean, rstd


@layer_norm_backward.loops
def layer_norm_backward(dy, x, gamma, mean, rstd):
    N, C = x.shape
    dx, parts = np.empty_like(x), thread_count()
    dgamma, dbeta = np.zeros((parts, C), np.float32), np.zeros((parts, C), np.float32)  # of each thread's rows
    for part in prange(parts):
        start, stop = share(N, part, parts)
        for n in range(start, stop):
            sum_d, sum_dx = np.float32(0), np.float32(0)
            for c in range(C):
                x_hat, dx_hat = (x[n, c] - mean[n]) * rstd[n], gamma[c] * dy[n, c]
                sum_d += dx_hat
                sum_dx += dx_hat * x_hat
                dgamma[part, c] += dy[n, c] * x_hat
                dbeta[part, c] += dy[n, c]
            mean_d, mean_dx = sum_d / np.float32(C), sum_dx / np.float32(C)
            for c in range(C):
                x_hat = (x[n, c] - mean[n]) * rstd[n]
                dx[n, c] = (gamma[c] * dy[n, c] - mean_d - x_hat * mean_dx) * rstd[n]
    return dx, sum_of_rows(dgamma), sum_of_rows(dbeta)


@rms_norm.loops
def rms_norm(x, gamma, eps):
    N, C = x.shape
    y, rstd = np.empty_like(x), np.empty(N, np.float32)
    for n in prange(N):
        squares = np.float32(0)
        for c in range(C):
            squares += x[n, c] * x[n, c]
        rstd[n] = 1 / np.sqrt(squares / np.float32(C) + np.float32(eps))
        for c in range(C):
            y[n, c] = gamma[c] * x[n, c] * rstd[n]
    return y, rstd


@rms_norm_backward.loops
def rms_norm_backward(dy, x, gamma, rstd):
    N, C = x.shape
    dx, parts = np.empty_like(x), thread_count()
    dgamma = np.zeros((parts, C), np.float32)  # of each thread's rows
    for part in prange(parts):
        start, stop = share(N, part, parts)
        for n in range(start, stop):
            total = np.float32(0)
            for c in range(C):
                total += gamma[c] * dy[n, c] * x[n, c] * rstd[n]
                dgamma[part, c] += dy[n, c] * x[n, c] * rstd[n]
            mean = total / np.float32(C)
            for c in range(C):
                dx[n, c] = (gamma[c] * dy[n, c] - x[n, c] * rstd[n] * mean) * rstd[n]
    return dx, sum_of_rows(dgamma)
