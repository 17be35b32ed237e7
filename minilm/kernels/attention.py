"""Scaled dot-product attention: O = softmax(Q Kᵀ / √D) V, row by row, forward and backward.

The loops never hold the (T, S) weights of more than one block of queries, and with a causal mask they do not compute
what it hides: the idea of FlashAttention (Dao et al. 2022, arXiv:2205.14135), for a processor's cache.
"""

import math

import numpy as np

from .elementary import exp
from .pair import Kernel, prange

BLOCK = 32  # queries whose scores are held at once


def weights(q, k, mask, causal):
    """P = softmax(Q Kᵀ / √D) where mask, 0 elsewhere.   q (B, H, T, D)   k (B, H, S, D)   ->   (B, H, T, S)"""
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    scores[~np.broadcast_to(visible(mask, causal, *scores.shape[-2:]), scores.shape)] = -np.inf
    highest = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total > 0, total, 1)  # a query that sees nothing attends to nothing


def visible(mask, causal, T, S):
    """mask, and if causal also: query t sees the keys up to its own, the last query the last key."""
    return mask & np.tri(T, S, S - T, dtype=bool) if causal else mask


@Kernel
def attention(q, k, v, mask, causal):
    """O = P V.   q (B, H, T, D)   k, v (B, H, S, D)   mask (B or 1, H or 1, T or 1, S) bool, True: may be seen"""
    return weights(q, k, mask, causal) @ v


@Kernel
def attention_backward(dy, q, k, v, mask, causal):
    """dV = Pᵀ dO,  dP = dO Vᵀ,  dS = P (dP - Σ P dP) / √D,  dQ = dS K,  dK = dSᵀ Q"""
    p = weights(q, k, mask, causal)
    dv = p.swapaxes(-1, -2) @ dy
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (p * dp).sum(axis=-1, keepdims=True)) / math.sqrt(q.shape[-1])
    return ds @ k, ds.swapaxes(-1, -2) @ q, dv


@attention.loops
def attention(q, k, v, mask, causal):
    B, H, T, D = q.shape
    y = np.zeros((B, H, T, D), np.float32)
    hiding = not mask.all()
    for bh in prange(B * H):
        b, h = bh // H, bh % H
        one_head(q[b, h], k[b, h], v[b, h], head_mask(mask, b, h), hiding, causal, y[b, h])
    return y


@attention_backward.loops
def attention_backward(dy, q, k, v, mask, causal):
    B, H, T, D = q.shape
    S = k.shape[2]
    dq = np.zeros((B, H, T, D), np.float32)
    dk = np.empty((B, H, S, D), np.float32)
    dv = np.empty((B, H, S, D), np.float32)
    hiding = not mask.all()
    for bh in prange(B * H):
        b, h = bh // H, bh % H
        shown = head_mask(mask, b, h)
        one_head_backward(dy[b, h], q[b, h], k[b, h], v[b, h], shown, hiding, causal, dq[b, h], dk[b, h], dv[b, h])
    return dq, dk, dv


def head_mask(mask, b, h):
    """The mask (T or 1, S) of one head; an axis of length 1 serves all."""
    return mask[min(b, mask.shape[0] - 1), min(h, mask.shape[1] - 1)]


def one_head(q, k, v, mask, hiding, causal, y):
    """y += softmax(q kᵀ / √D) v   q, y (T, D)   k, v (S, D)"""
    T = q.shape[0]
    keys_t, values_t = transposed(k), transposed(v)
    for start in range(0, T, BLOCK):
        stop = min(start + BLOCK, T)
        p = block_weights(q[start:stop], keys_t, mask, hiding, start, T, causal)
        add_dots(p, values_t, y[start:stop])


def one_head_backward(dy, q, k, v, mask, hiding, causal, dq, dk, dv):
    T = q.shape[0]
    scale = np.float32(1 / math.sqrt(q.shape[1]))
    keys_t, values_t = transposed(k), transposed(v)
    dkeys_t, dvalues_t = np.zeros_like(keys_t), np.zeros_like(values_t)
    for start in range(0, T, BLOCK):
        stop = min(start + BLOCK, T)
        p = block_weights(q[start:stop], keys_t, mask, hiding, start, T, causal)
        ds = np.zeros_like(p)
        add_product(dy[start:stop], values_t, ds)  # dP, which becomes dS in place
        for t in range(stop - start):
            mean = np.float32(0)
            for s in range(p.shape[1]):
                mean += p[t, s] * ds[t, s]
            for s in range(p.shape[1]):
                ds[t, s] = p[t, s] * (ds[t, s] - mean) * scale
        add_dots(ds, keys_t, dq[start:stop])
        add_product(transposed(q[start:stop]), ds, dkeys_t)
        add_product(transposed(dy[start:stop]), p, dvalues_t)
    for s in range(dk.shape[0]):
        for d in range(dk.shape[1]):
            dk[s, d], dv[s, d] = dkeys_t[d, s], dvalues_t[d, s]


def block_weights(queries, keys_t, mask, hiding, start, T, causal):
    """P for a block of queries, number `start` and on, out of T, up to the last key that one of them may see.

    queries (rows, D)   keys_t (D, S)   ->   (rows, seen)
    What a query may not see is computed with the rest and then weighted 0: whole vectors are faster than fewer numbers.
    """
    rows, S = queries.shape[0], keys_t.shape[1]
    p = np.zeros((rows, max(min(start + rows + S - T, S), 0) if causal else S), np.float32)
    add_product(queries, keys_t, p)
    scale, hidden = np.float32(1 / math.sqrt(queries.shape[1])), np.float32(-np.inf)
    for i in range(rows):
        limit = max(min(start + i + 1 + S - T, S), 0) if causal else S
        if hiding:
            shown = mask[min(start + i, mask.shape[0] - 1)]
            for s in range(limit):
                p[i, s] = p[i, s] if shown[s] else hidden
        highest = hidden
        for s in range(limit):
            highest = max(highest, p[i, s])
        highest = highest if highest > hidden else np.float32(0)
        total = np.float32(0)
        for s in range(limit):
            p[i, s] = exp((p[i, s] - highest) * scale)
            total += p[i, s]
        inverse = np.float32(1) / total if total > 0 else np.float32(0)
        for s in range(limit):
            p[i, s] *= inverse
        for s in range(limit, p.shape[1]):
            p[i, s] = 0
    return p


def transposed(a):
    """aᵀ as an array of its own.   (An element at a time: Numba takes seconds to compile an assignment of slices.)"""
    a_t = np.empty((a.shape[1], a.shape[0]), np.float32)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a_t[j, i] = a[i, j]
    return a_t


def add_product(a, b, out):
    """out += a b in blocks of 2 x 4, so that a number that was loaded serves several products; for long rows.

    a (M, K)   b (K, N)   out (M, N); of the last two one may be wider: the narrower gives N
    """
    M, K = a.shape
    N = min(b.shape[1], out.shape[1])
    for m in range(0, M - 1, 2):
        for k in range(0, K - 3, 4):
            a0, a1, a2, a3 = a[m, k], a[m, k + 1], a[m, k + 2], a[m, k + 3]
            c0, c1, c2, c3 = a[m + 1, k], a[m + 1, k + 1], a[m + 1, k + 2], a[m + 1, k + 3]
            for n in range(N):
                b0, b1, b2, b3 = b[k, n], b[k + 1, n], b[k + 2, n], b[k + 3, n]
                out[m, n] += a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3
                out[m + 1, n] += c0 * b0 + c1 * b1 + c2 * b2 + c3 * b3
        for k in range(K - K % 4, K):
            for n in range(N):
                out[m, n] += a[m, k] * b[k, n]
                out[m + 1, n] += a[m + 1, k] * b[k, n]
    if M % 2:
        for k in range(K):
            for n in range(N):
                out[M - 1, n] += a[M - 1, k] * b[k, n]


def add_dots(a, b, out):
    """out += a bᵀ in blocks of 2 x 4; for short rows of out, and long rows of a and b.

    a (M, K)   b (N, K or more)   out (M, N)
    """
    M, K = a.shape
    N = out.shape[1]
    zero = np.float32(0)
    for m in range(0, M - 1, 2):
        for n in range(0, N - 3, 4):
            a0 = a1 = a2 = a3 = c0 = c1 = c2 = c3 = zero
            for k in range(K):
                a0 += a[m, k] * b[n, k]
                a1 += a[m, k] * b[n + 1, k]
                a2 += a[m, k] * b[n + 2, k]
                a3 += a[m, k] * b[n + 3, k]
                c0 += a[m + 1, k] * b[n, k]
                c1 += a[m + 1, k] * b[n + 1, k]
                c2 += a[m + 1, k] * b[n + 2, k]
                c3 += a[m + 1, k] * b[n + 3, k]
            for i, (above, below) in enumerate(((a0, c0), (a1, c1), (a2, c2), (a3, c3))):
                out[m, n + i] += above
                out[m + 1, n + i] += below
        for n in range(N - N % 4, N):
            for k in range(K):
                out[m, n] += a[m, k] * b[n, k]
                out[m + 1, n] += a[m + 1, k] * b[n, k]
    if M % 2:
        for n in range(N):
            for k in range(K):
                out[M - 1, n] += a[M - 1, k] * b[n, k]
