"""GELU, the Transformer's activation, over x (N, C), forward and backward."""

import math

import numpy as np

from .elementary import sigmoid
from .pair import Kernel, prange

SLOPE, CUBIC = math.sqrt(2 / math.pi), 0.044715


@Kernel
def gelu(x):
    """x Φ(x), with Hendrycks and Gimpel's Φ(x) ≈ ½ (1 + tanh u),  u = √(2/π) (x + 0.044715 x³)"""
    return 0.5 * x * (1 + np.tanh(SLOPE * (x + CUBIC * x * x * x)))


@Kernel
def gelu_backward(dy, x):
    """dx = (½ (1 + tanh u) + ½ x (1 - tanh² u) u′) dy"""
    tanh_u = np.tanh(SLOPE * (x + CUBIC * x * x * x))
    du = SLOPE * (1 + 3 * CUBIC * x * x)
    return dy * (0.5 * (1 + tanh_u) + 0.5 * x * (1 - tanh_u * tanh_u) * du)


# ½ (1 + tanh u) = σ(2u): one exponential instead of a tanh, and right also where 1 + tanh u cancels. Beyond ±12 that is
# 0 or 1, and stays so: x³ would overflow, and 0 times infinity is NaN.
SATURATED = np.float32(12)


@gelu.loops
def gelu(x):
    slope, cubic = np.float32(2 * SLOPE), np.float32(CUBIC)
    y = np.empty_like(x)
    for n in prange(x.shape[0]):
        for c in range(x.shape[1]):
            z = max(x[n, c], -SATURATED)
            w = min(z, SATURATED)
            y[n, c] = z * sigmoid(slope * (w + cubic * w * w * w))
    return y


@gelu_backward.loops
def gelu_backward(dy, x):
    slope, cubic, one = np.float32(2 * SLOPE), np.float32(CUBIC), np.float32(1)
    dx = np.empty_like(x)
    for n in prange(x.shape[0]):
        for c in range(x.shape[1]):
            z = min(max(x[n, c], -SATURATED), SATURATED)
            gate = sigmoid(slope * (z + cubic * z * z * z))
            dx[n, c] = dy[n, c] * gate * (one + z * (one - gate) * slope * (one + np.float32(3) * cubic * z * z))
    return dx
