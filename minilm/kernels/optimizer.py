"""One AdamW update in one pass over the parameters, in place."""

import math

import numpy as np

from .pair import Kernel, prange


@Kernel
def adamw(p, g, m, v, step, lr, beta1, beta2, eps, decay):
    """m ← β₁ m + (1-β₁) g        v ← β₂ v + (1-β₂) g²        p ← p - lr (m̂ / (√v̂ + ε) + decay p)

    m̂ = m / (1-β₁ᵗ) and v̂ = v / (1-β₂ᵗ) undo the start at zero (Kingma and Ba 2015, algorithm 1); the decay stays
    outside the gradient (Loshchilov and Hutter 2019, algorithm 2).   p, g, m, v (N,)   step = t = 1, 2, ...
    """
    m += (1 - beta1) * (g - m)
    v += (1 - beta2) * (g * g - v)
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    p -= lr * (m_hat / (np.sqrt(v_hat) + eps) + decay * p)


@adamw.loops
def adamw(p, g, m, v, step, lr, beta1, beta2, eps, decay):
    rate1, rate2, eps = np.float32(1 - beta1), np.float32(1 - beta2), np.float32(eps)
    size = np.float32(lr / (1 - beta1**step))
    unbias = np.float32(1 / math.sqrt(1 - beta2**step))
    shrink = np.float32(lr * decay)
    for i in prange(p.size):
        m[i] += rate1 * (g[i] - m[i])
        v[i] += rate2 * (g[i] * g[i] - v[i])
        p[i] -= size * m[i] / (np.sqrt(v[i]) * unbias + eps) + shrink * p[i]
