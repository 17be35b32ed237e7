"""Scaled dot-product attention: O = softmax(Q Kᵀ / √D) V, row by row, forward and backward.

The loops never hold the (T, S) weights of more than one block of queries, and with a causal mask they do not compute
what it hides. Backward needs no more of forward than L = ln Σ eˢ, a number per query: P = e^(S - L). Both are the idea
of FlashAttention (Dao et al. 2022, arXiv:2205.14135), for a processor's cache.
"""

import math

import numpy as np

from .blas import BLAS, blas_product, one_blas_thread, set_blas_threads
from .elementary import exp
from .pair import Kernel, prange

BLOCK = 32  # queries whose scores are held at once


def weights(q, k, mask, causal):
    """P = softmax(Q Kᵀ / √D) where mask, 0 elsewhere.   q (B, H, T, D)   k (B, H, S, D)   ->   (B, H, T, S)"""
    s = scores(q, k, mask, causal)
    return np.exp(s - log_sum_exp(s))


def scores(q, k, mask, causal):
    """S = Q Kᵀ / √D where mask, -∞ elsewhere"""
    s = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    s[~np.broadcast_to(visible(mask, causal, *s.shape[-2:]), s.shape)] = -np.inf
    return s


def log_sum_exp(s):
    """L = ln Σ eˢ over the last axis, which stays as 1; ∞ where all S = -∞: who sees nothing attends to nothing."""
    highest = s.max(axis=-1, keepdims=True)
    highest[np.isneginf(highest)] = 0
    total = np.exp(s - highest).sum(axis=-1, keepdims=True)
    return highest + np.log(total, out=np.full_like(total, np.inf), where=total > 0)


def visible(mask, causal, T, S):
    """mask, and if causal also: query t sees the keys up to its own, the last query the last key."""
    return mask & np.tri(T, S, S - T, dtype=bool) if causal else mask


def attend(q, k, v, mask, causal=False):
    """O = P V.   q (B, H, T, D)   k, v (B, H, S, D)   mask (B or 1, H or 1, T or 1, S) bool, True: may be seen"""
    return weights(q, k, mask, causal) @ v


def by_head(*arrays):
    """Each (B, T, H, D) as (B, H, T, D), or back. Linear layers leave a head as neighbours among the C channels of a
    token: kernels take that as it is, without a copy; formulas are easier with the tokens of a head together."""
    return [array.swapaxes(1, 2) for array in arrays]


@Kernel
def attention(q, k, v, mask, causal):
    """O = P V, and L (B, H, T).   q (B, T, H, D)   k, v (B, S, H, D)   mask as for `attend`"""
    q, k, v = by_head(q, k, v)
    return attend(q, k, v, mask, causal).swapaxes(1, 2), log_sum_exp(scores(q, k, mask, causal))[..., 0]


@Kernel
def attention_backward(dy, q, k, v, y, L, mask, causal):
    """P = e^(S - L),  dV = Pᵀ dO,  dP = dO Vᵀ,  dS = P (dP - Σ dO O) / √D,  dQ = dS K,  dK = dSᵀ Q"""
    dy, q, k, v, y = by_head(dy, q, k, v, y)
    p = np.exp(scores(q, k, mask, causal) - L[..., None])
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (dy * y).sum(axis=-1, keepdims=True)) / math.sqrt(q.shape[-1])
    return tuple(by_head(ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy))


if BLAS:  # otherwise the formulas run, with whatever BLAS this NumPy has

    @attention.loops
    def attention(q, k, v, mask, causal):
        B, T, H, _ = q.shape
        y, L = np.empty_like(q), np.empty((B, H, T), np.float32)
        hiding = not mask.all()
        before = one_blas_thread()
        for bh in prange(B * H):
            b, h = bh // H, bh % H
            shown = head_mask(mask, b, h)
            one_head(q[b, :, h], k[b, :, h], v[b, :, h], shown, hiding, causal, y[b, :, h], L[b, h])
        set_blas_threads(before)
        return y, L

    @attention_backward.loops
    def attention_backward(dy, q, k, v, y, L, mask, causal):
        B, _, H, _ = q.shape
        dq, dk, dv = np.empty_like(q), np.zeros_like(k), np.zeros_like(v)
        hiding = not mask.all()
        before = one_blas_thread()
        for bh in prange(B * H):
            b, h = bh // H, bh % H
            one_head_backward(
                dy[b, :, h], q[b, :, h], k[b, :, h], v[b, :, h], y[b, :, h], L[b, h],
                head_mask(mask, b, h), hiding, causal, dq[b, :, h], dk[b, :, h], dv[b, :, h],
            )  # fmt: skip
        set_blas_threads(before)
        return dq, dk, dv


def head_mask(mask, b, h):
    """The mask (T or 1, S) of one head; an axis of length 1 serves all."""
    return mask[min(b, mask.shape[0] - 1), min(h, mask.shape[1] - 1)]


def one_head(q, k, v, mask, hiding, causal, y, L):
    """y = softmax(q kᵀ / √D) v   q, y (T, D)   k, v (S, D)   L (T,)"""
    T = q.shape[0]
    for start in range(0, T, BLOCK):
        stop = min(start + BLOCK, T)
        s = block_scores(q[start:stop], k, mask, hiding, start, T, causal)
        for t in range(stop - start):
            L[start + t] = softmax_row(s[t])
        blas_product(s, False, v[: s.shape[1]], False, 0, y[start:stop])


def softmax_row(s):
    """s ← eˢ / Σ eˢ, of which this returns L = ln Σ eˢ"""
    highest = largest(s)
    if highest == -np.inf:
        highest = np.float32(0)
    total = np.float32(0)
    for i in range(s.size):
        s[i] = exp(s[i] - highest)
        total += s[i]
    inverse = np.float32(1) / total if total != 0 else np.float32(0)
    for i in range(s.size):
        s[i] *= inverse
    return highest + np.log(total) if total != 0 else np.float32(np.inf)


def largest(x):
    """The largest number of x.

    Floats compare like the integers that their bits spell, negative ones the other way round; and of integers, among
    which is no NaN, the compiler compares a whole vector at once.
    """
    highest = np.int32(-(2**31))
    for i in range(x.size):
        highest = max(highest, in_order(np.float32(x[i]).view(np.int32)))
    return np.int32(in_order(highest)).view(np.float32)


def in_order(bits):
    """The bits of a float32 as an integer that is larger where the float is, and back."""
    return np.int32(bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF)))


def one_head_backward(dy, q, k, v, y, L, mask, hiding, causal, dq, dk, dv):
    T, D = q.shape
    scale = np.float32(1 / math.sqrt(D))
    for start in range(0, T, BLOCK):
        stop = min(start + BLOCK, T)
        p = block_scores(q[start:stop], k, mask, hiding, start, T, causal)
        seen = p.shape[1]
        ds = np.empty_like(p)
        blas_product(dy[start:stop], False, v[:seen], True, 0, ds)  # dP, which becomes dS in place
        for t in range(stop - start):
            mean = np.float32(0)
            for d in range(D):
                mean += dy[start + t, d] * y[start + t, d]
            for s in range(seen):
                p[t, s] = exp(p[t, s] - L[start + t])
                ds[t, s] = p[t, s] * (ds[t, s] - mean) * scale
        blas_product(ds, False, k[:seen], False, 0, dq[start:stop])
        blas_product(ds, True, q[start:stop], False, 1, dk[:seen])
        blas_product(p, True, dy[start:stop], False, 1, dv[:seen])


def block_scores(queries, k, mask, hiding, start, T, causal):
    """S for a block of queries, number `start` and on, out of T, up to the last key that one of them may see.

    queries (rows, D)   k (S, D)   ->   (rows, seen)
    What a query may not see is computed with the rest and then -∞: whole vectors are faster than fewer numbers.
    """
    rows, S = queries.shape[0], k.shape[0]
    seen = max(min(start + rows + S - T, S), 0) if causal else S
    s = np.empty((rows, seen), np.float32)
    blas_product(queries, False, k[:seen], True, 0, s)
    scale, hidden = np.float32(1 / math.sqrt(queries.shape[1])), np.float32(-np.inf)
    for i in range(rows):
        limit = max(min(start + i + 1 + S - T, S), 0) if causal else S
        shown = mask[min(start + i, mask.shape[0] - 1)]
        for j in range(seen):
            s[i, j] *= scale
        if hiding:
            for j in range(limit):
                s[i, j] = s[i, j] if shown[j] else hidden
        for j in range(limit, seen):
            s[i, j] = hidden
    return s
