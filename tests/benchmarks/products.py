"""The limit of a training step: its matrix products alone, forward and backward, through NumPy, into arrays that exist.

Nothing is added, normalised or activated between them. Attention's are those of the formula, without the causal mask.
"""

import numpy as np
import workloads


def build(name, weights):
    """A function that multiplies what one training step multiplies."""
    products = list(products_of(**workloads.size_of(name)))

    def multiply():
        for a, b, out in products:
            np.matmul(a, b, out=out)

    return multiply


def products_of(vocabulary, width, layers, heads, context, batch):
    """Every product of a GPT's step, layer by layer: a, b, and room for a b."""
    N, C, D = batch * context, width, width // heads
    for _ in range(layers):
        for inputs, outputs in ((C, 3 * C), (C, C), (C, 4 * C), (4 * C, C)):  # q k v, out, inner, outer
            yield from linear(N, inputs, outputs)
        yield from attention((batch, heads), context, D)
    yield from linear(N, C, vocabulary)


def linear(N, C, F):
    """Y = X W,  dX = dY Wᵀ,  dW = Xᵀ dY"""
    x, W, dy = ones(N, C), ones(C, F), ones(N, F)
    yield from room_for((x, W), (dy, W.T), (x.T, dy))


def attention(rows, T, D):
    """S = Q Kᵀ,  O = P V,  dV = Pᵀ dO,  dP = dO Vᵀ,  dQ = dS K,  dK = dSᵀ Q"""
    q, p = ones(*rows, T, D), ones(*rows, T, T)
    q_t, p_t = q.swapaxes(-1, -2), p.swapaxes(-1, -2)
    yield from room_for((q, q_t), (p, q), (p_t, q), (q, q_t), (p, q), (p_t, q))


def room_for(*pairs):
    for a, b in pairs:
        yield a, b, np.empty((*a.shape[:-1], b.shape[-1]), np.float32)


def ones(*shape):
    return np.ones(shape, np.float32)
