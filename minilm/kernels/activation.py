"""The Transformer's activations over x (N, C), forward and backward.

GELU by a tanh as in GPT-2, exact as in BERT; and SwiGLU, where one half of the channels opens and shuts the other.
"""

import math

import numpy as np

from .elementary import exp, sigmoid
from .gates import sigmoid as gate_of
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


def normal_cdf(x):
    """Φ(x) = ½ erfc(-x / √2), the probability that a standard normal number is below x"""
    return 0.5 * np.frompyfunc(math.erfc, 1, 1)(-x / math.sqrt(2)).astype(x.dtype)


@Kernel
def gelu_exact(x):
    """x Φ(x)"""
    return x * normal_cdf(x)


@Kernel
def gelu_exact_backward(dy, x):
    """dx = (Φ(x) + x φ(x)) dy,  φ(x) = e^(-x²/2) / √(2π), the density"""
    return dy * (normal_cdf(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


# erfc(z) = (A₁ t + ... + A₅ t⁵) e^(-z²) with t = 1 / (1 + P z), for z >= 0, to 1.5e-7 (Abramowitz and Stegun 7.1.26)
P, A1, A2 = np.float32(0.3275911), np.float32(0.254829592), np.float32(-0.284496736)
A3, A4, A5 = np.float32(1.421413741), np.float32(-1.453152027), np.float32(1.061405429)
ROOT_HALF, DENSITY_AT_0 = np.float32(math.sqrt(0.5)), np.float32(1 / math.sqrt(2 * math.pi))


def cdf_given_bell(x, bell):
    """Φ(x), where bell = e^(-x²/2) is known; below 0 it is the tail itself, so that no digits cancel."""
    t = np.float32(1) / (np.float32(1) + P * abs(x) * ROOT_HALF)
    tail = np.float32(0.5) * bell * t * (A1 + t * (A2 + t * (A3 + t * (A4 + t * A5))))
    return tail if x < np.float32(0) else np.float32(1) - tail


@gelu_exact.loops
def gelu_exact(x):
    y = np.empty_like(x)
    for n in prange(x.shape[0]):
        for c in range(x.shape[1]):
            z = max(x[n, c], -SATURATED)
            w = min(z, SATURATED)
            y[n, c] = z * cdf_given_bell(w, exp(np.float32(-0.5) * w * w))
    return y


@gelu_exact_backward.loops
def gelu_exact_backward(dy, x):
    dx = np.empty_like(x)
    for n in prange(x.shape[0]):
        for c in range(x.shape[1]):
            z = min(max(x[n, c], -SATURATED), SATURATED)
            bell = exp(np.float32(-0.5) * z * z)
            dx[n, c] = dy[n, c] * (cdf_given_bell(z, bell) + z * bell * DENSITY_AT_0)
    return dx


@Kernel
def swiglu(gate, x):
    """y = g σ(g) x   gate, x (N, F)"""
    return gate * gate_of(gate) * x


@Kernel
def swiglu_backward(dy, gate, x):
    """dg = σ (1 + g (1 - σ)) x dy,  dx = g σ dy  with σ = σ(g)"""
    opened = gate_of(gate)
    return opened * (1 + gate * (1 - opened)) * x * dy, gate * opened * dy


SHUT = np.float32(-88)  # below it g σ(g) is 0; and stays so: the largest exponential there is would let g through again


@swiglu.loops
def swiglu(gate, x):
    y = np.empty_like(x)
    for n in prange(x.shape[0]):
        for f in range(x.shape[1]):
            g = max(gate[n, f], SHUT)
            y[n, f] = g * sigmoid(g) * x[n, f]
    return y


@swiglu_backward.loops
def swiglu_backward(dy, gate, x):
    dgate, dx, one = np.empty_like(x), np.empty_like(x), np.float32(1)
    for n in prange(x.shape[0]):
        for f in range(x.shape[1]):
            g = max(gate[n, f], SHUT)
            opened = sigmoid(g)
            dgate[n, f] = opened * (one + g * (one - opened)) * x[n, f] * dy[n, f]
            dx[n, f] = g * opened * dy[n, f]
    return dgate, dx
