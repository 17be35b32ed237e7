"""One more token through all blocks of a Llama, compiled as one function, as decode.py is for a GPT.

Its matrices are floats, (C, F) as models train them, or rows of blocks (packed.py), as they lie in a file that is
mapped into memory. Either way they are read where they are: `matrices` is all that memory, as bytes.

Shapes as in decode.py; K = kv_heads · D channels of the keys, and of the values.
"""

import numpy as np

from .activation import SHUT, swiglu
from .attention import weights as attention_weights
from .decode import NOWHERE, add_to, last_place, last_places, linear_to, look, note, seen, turn_heads
from .elementary import sigmoid
from .linear import share
from .norm import rms_norm
from .packed import FEW, WEIGHTS, bytes_of, in_blocks, product_of_many, rows_to, unpacked
from .pair import Kernel, prange, thread_count
from .rotary import turn
from .softmax import log_softmax, log_softmax_row

# Rows of `places[block]`; of a norm (start in `numbers`, 0, C), of a matrix (first byte, format, outputs).
NORM_1, QUERY, KEY, VALUE, OUT, NORM_2, GATE, INNER, OUTER = range(9)
NORM, HEAD = range(2)  # rows of `last`
FLOATS, DOUBLES = 0, 28  # formats of matrices (C, F), float32 and float64, which loops never see; the others: packed.py


@Kernel
def decode_llama(x, matrices, numbers, places, last, eps, pairs, cos, sin, keys, values, origin):
    """Log-probabilities of the token after the new one; its keys and values are noted on the way.

    x ← x + attention(norm x),  x ← x + (g σ(g) ⊙ y W₁) W₂ with y = norm x, g = y W₀;  log softmax(norm(x) W)

    x (B, C): the new tokens' embeddings. matrices (N,) uint8; numbers: the norms' gains. places (L, 9, 3) and
    last (2, 3): where each starts, its format, its outputs. eps: of the norms. pairs: whether the channels of queries
    and keys that are turned together come as neighbours, and not D/2 apart. cos, sin (context, D/2). keys, values
    (L, R, kv_heads, places, D); origin (B, T) says in which of R rows the t-th token of text b is.   ->   (B, V)
    """
    B, D = len(x), keys.shape[4]
    texts, t, there = np.arange(B), last_places(origin), origin != NOWHERE
    for block, at in enumerate(places):
        y = norm(x, numbers, at[NORM_1], eps)
        q, k, v = (linear(y, matrices, at[part]).reshape(B, -1, 1, D) for part in (QUERY, KEY, VALUE))
        q, k = (turn(halves(a) if pairs else a, cos[t, None, None], sin[t, None, None]) for a in (q, k))
        for new, a in ((k, keys), (v, values)):
            a[block, origin[texts, t], :, t] = new[:, :, 0]
        group = q.shape[1] // keys.shape[2]
        seen_k, seen_v = (seen(a[block], origin).swapaxes(1, 2).repeat(group, axis=1) for a in (keys, values))
        y = attention_weights(q, seen_k, there[:, None, None], causal=False) @ seen_v
        x = x + linear(y.reshape(B, -1), matrices, at[OUT])
        y = norm(x, numbers, at[NORM_2], eps)
        y = swiglu.reference(linear(y, matrices, at[GATE]), linear(y, matrices, at[INNER]))
        x = x + linear(y, matrices, at[OUTER])
    return log_softmax.reference(linear(norm(x, numbers, last[NORM], eps), matrices, last[HEAD]))


def norm(x, numbers, place, eps):
    start, _, C = place
    return rms_norm.reference(x, numbers[start : start + C], eps)[0]


def linear(x, matrices, place):
    """x W"""
    (start, kind, F), C = place, x.shape[1]
    if kind in (FLOATS, DOUBLES):
        dtype = np.dtype(np.float32 if kind == FLOATS else np.float64)
        return x @ matrices[start : start + C * F * dtype.itemsize].view(dtype).reshape(C, F)
    packed = matrices[start : start + F * C // WEIGHTS * bytes_of(kind)].reshape(F, -1)
    return x @ unpacked(packed, kind).astype(x.dtype).T


def halves(x):
    """Channels 2i and 2i + 1 as i and i + D/2.   x (..., D)

    >>> halves(np.array([1, 10, 2, 20]))
    array([ 1,  2, 10, 20])
    """
    return x.reshape(*x.shape[:-1], -1, 2).swapaxes(-1, -2).reshape(x.shape)


@decode_llama.loops
def decode_llama(x, matrices, numbers, places, last, eps, pairs, cos, sin, keys, values, origin):
    (B, C), D, F = x.shape, keys.shape[4], places[0, INNER, 2]
    K = keys.shape[2] * D
    t = np.empty(B, np.int64)
    for b in range(B):
        t[b] = last_place(origin[b])
    x, y, z = x.copy(), np.empty_like(x), np.empty_like(x)
    qkv, within = np.empty(B * (C + 2 * K), np.float32), np.empty(2 * B * F, np.float32)
    q, k, v = piece(qkv, B, 0, C), piece(qkv, B, C, K), piece(qkv, B, C + K, K)
    gate, inner = piece(within, B, 0, F), piece(within, B, F, F)
    log_probs = np.empty((B, last[HEAD, 2]), np.float32)
    for block in range(places.shape[0]):
        at = places[block]
        rms_norm_to(x, numbers, at[NORM_1], eps, y)
        linears_to(y, matrices, at[QUERY : VALUE + 1], qkv)
        if pairs:
            part_pairs(q, D)
            part_pairs(k, D)
        turn_heads(q, cos, sin, t)
        turn_heads(k, cos, sin, t)
        note(k, v, keys[block], values[block], origin, t)
        look(q, keys[block], values[block], origin, t, y)
        linears_to(y, matrices, at[OUT : OUT + 1], z.reshape(-1))
        add_to(x, z)
        rms_norm_to(x, numbers, at[NORM_2], eps, y)
        linears_to(y, matrices, at[GATE : INNER + 1], within)
        swiglu_of(gate, inner)
        linears_to(inner, matrices, at[OUTER : OUTER + 1], z.reshape(-1))
        add_to(x, z)
    rms_norm_to(x, numbers, last[NORM], eps, y)
    linears_to(y, matrices, last[HEAD : HEAD + 1], log_probs.reshape(-1))
    for b in range(B):
        log_softmax_row(log_probs[b], log_probs[b])
    return log_probs


def piece(ys, B, first, F):
    """What one of several matrices gives, (B, F), of results that lie one after another."""
    return ys[B * first : B * (first + F)].reshape(B, F)


def rms_norm_to(x, numbers, place, eps, y):
    """y ← γ x / √(mean(x²) + eps)"""
    B, C = x.shape
    gamma = numbers[place[0] : place[0] + C]
    for b in range(B):
        squares = np.float32(0)
        for c in range(C):
            squares += x[b, c] * x[b, c]
        rstd = np.float32(1) / np.sqrt(squares / np.float32(C) + np.float32(eps))
        for c in range(C):
            y[b, c] = gamma[c] * x[b, c] * rstd


def linears_to(x, matrices, places, ys):
    """y ← x W for all matrices that need the same x; their results one after another."""
    B, first = x.shape[0], 0
    if B <= FEW:
        packed_to(x, matrices, places, ys)
    for i in range(len(places)):
        y = piece(ys, B, first, places[i, 2])
        if places[i, 1] == FLOATS:
            floats_to(x, matrices, places[i], y)
        elif B > FEW:
            product_of_many(x, blocks_at(matrices, places[i], x.shape[1]), places[i, 1], y)
        first += places[i, 2]


def packed_to(x, matrices, places, ys):
    """Each thread its share of the rows of each packed matrix: it is woken once for all."""
    parts = thread_count() if any_packed(places) else 0
    for part in prange(parts):
        first = 0
        for i in range(len(places)):
            start, stop = share(places[i, 2], part, parts)
            if places[i, 1] != FLOATS:
                blocks = blocks_at(matrices, places[i], x.shape[1])
                rows_to(x, blocks, places[i, 1], start, stop, piece(ys, x.shape[0], first, places[i, 2]))
            first += places[i, 2]


def any_packed(places):
    """Whether a matrix is not stored in floats."""
    found = False
    for i in range(len(places)):
        found |= places[i, 1] != FLOATS
    return found


def floats_to(x, matrices, place, y):
    """y ← x W for a matrix in floats."""
    start, size = place[0], 4 * x.shape[1] * place[2]
    linear_to(x, matrices[start : start + size].view(np.float32), x[0], (0, NOWHERE, NOWHERE), y)


def blocks_at(matrices, place, C):
    """The matrix that starts there, (F, C/32, bytes of a block)"""
    start, kind, F = place
    size = F * C // WEIGHTS * bytes_of(kind)
    return in_blocks(matrices[start : start + size].reshape(F, size // F), C)


def part_pairs(x, D):
    """Channels 2i and 2i + 1 of each head to i and i + D/2, in place.   x (B, heads · D)"""
    old = np.empty(D, np.float32)
    for b in range(x.shape[0]):
        for start in range(0, x.shape[1], D):
            for i in range(D):
                old[i] = x[b, start + i]
            for i in range(D // 2):
                x[b, start + i], x[b, start + D // 2 + i] = old[2 * i], old[2 * i + 1]


def swiglu_of(gate, x):
    """x ← g σ(g) x, in place"""
    for b in range(x.shape[0]):
        for f in range(x.shape[1]):
            g = max(gate[b, f], SHUT)
            x[b, f] *= g * sigmoid(g)
