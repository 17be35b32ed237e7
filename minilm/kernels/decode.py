"""One more token through all blocks of a GPT, compiled as one function.

In training a weight that was read from memory serves a thousand tokens, and arithmetic takes the time. Here it serves
one for each text that is being written: reading takes the time, and besides it whatever happens between the products.
So there is one compiled call a token; the weights are read where they lie, in one vector, and `places` says where each
piece starts. A matrix may also be stored in whole numbers of 8 bits, and is then a quarter to read.

Shapes: B texts, C channels, H heads of D, L blocks, T tokens so far, the new one included, V vocabulary.
"""

import math

import numpy as np

from .activation import CUBIC, SLOPE, gelu
from .attention import weights as attention_weights
from .elementary import exp, sigmoid
from .norm import layer_norm
from .pair import Kernel, prange, thread_count
from .rotary import turn
from .softmax import log_softmax, log_softmax_row

EPS = 1e-5
COLUMNS = 512  # of eight rows that serve all texts before the next: 16 kB
SHARED = 100_000  # weights of a product from which on another thread is worth its wake-up

# Rows of `places[block]`: where a norm's gamma and beta start, or a matrix, its bias and its scales.
NORM_1, QUERY, KEY, VALUE, OUT, NORM_2, INNER, OUTER = range(8)
NORM, HEAD = range(2)  # rows of `last`
NOWHERE = -1  # the start of what there is not


@Kernel
def decode(x, matrices, numbers, places, last, hidden, vocabulary, cos, sin, keys, values, origin):
    """Log-probabilities of the token after the new one; its keys and values are noted on the way.

    x ← x + attention(norm x),  x ← x + W₂ GELU(W₁ norm x),  for each block;  log softmax(norm(x) W)

    x (B, C): the new tokens' embeddings. matrices (N,): float32, or int8 and then multiplied by a scale for each
    column. numbers (N,): gains, biases and scales. places (L, 8, 3) and last (2, 3): where in these two vectors each
    starts. cos, sin (context, D/2), or (0, 0) if nothing is turned. keys, values (L, R, H, places, D)
    in R rows; origin (B, T) says in which row the t-th token of text b is, NOWHERE after the end of a shorter text; the
    last that is somewhere is the new one.   ->   (B, V)
    """
    (B, C), H = x.shape, keys.shape[2]
    texts, t, there = np.arange(B), last_places(origin), origin != NOWHERE
    for block, at in enumerate(places):
        y = norm(x, numbers, at[NORM_1])
        q, k, v = (linear(y, matrices, numbers, at[part], C).reshape(B, H, 1, -1) for part in (QUERY, KEY, VALUE))
        if cos.size:
            q, k = (turn(a, cos[t, None, None], sin[t, None, None]) for a in (q, k))
        for new, a in ((k, keys), (v, values)):
            a[block, origin[texts, t], :, t] = new[:, :, 0]
        seen_k, seen_v = (seen(a[block], origin).swapaxes(1, 2) for a in (keys, values))
        y = attention_weights(q, seen_k, there[:, None, None], causal=False) @ seen_v
        x = x + linear(y.reshape(B, C), matrices, numbers, at[OUT], C)
        y = linear(norm(x, numbers, at[NORM_2]), matrices, numbers, at[INNER], hidden)
        x = x + linear(gelu.reference(y), matrices, numbers, at[OUTER], C)
    return log_softmax.reference(linear(norm(x, numbers, last[NORM]), matrices, numbers, last[HEAD], vocabulary))


def last_places(origin):
    """Where the last token of each text is.   origin (B, T)   ->   (B,)"""
    return (origin != NOWHERE).sum(axis=1) - 1


def seen(a, origin):
    """The keys or values of each text, 0 after its end.   a (R, H, context, D)   ->   (B, T, H, D)"""
    there = (origin != NOWHERE)[:, :, None, None]
    return np.where(there, a[origin, :, np.arange(origin.shape[1])], 0)


def norm(x, numbers, place):
    gamma, beta = (numbers[start : start + x.shape[1]] for start in place[:2])
    return layer_norm.reference(x, gamma, beta, EPS)[0]


def linear(x, matrices, numbers, place, columns):
    """x W scale + b"""
    start, b, scale = place
    y = x @ matrices[start : start + x.shape[1] * columns].reshape(-1, columns)
    y = y if scale == NOWHERE else y * numbers[scale : scale + columns]
    return y if b == NOWHERE else y + numbers[b : b + columns]


@decode.loops
def decode(x, matrices, numbers, places, last, hidden, vocabulary, cos, sin, keys, values, origin):
    B = origin.shape[0]
    t = np.empty(B, np.int64)
    for b in range(B):
        t[b] = last_place(origin[b])
    x, y, q, k, v = x.copy(), np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    z = np.empty((B, hidden), np.float32)
    log_probs = np.empty((B, vocabulary), np.float32)
    for block in range(places.shape[0]):
        at = places[block]
        norm_to(x, numbers, at[NORM_1], y)
        linear_to(y, matrices, numbers, at[QUERY], q)
        linear_to(y, matrices, numbers, at[KEY], k)
        linear_to(y, matrices, numbers, at[VALUE], v)
        if cos.size:
            turn_heads(q, cos, sin, t)
            turn_heads(k, cos, sin, t)
        note(k, v, keys[block], values[block], origin, t)
        look(q, keys[block], values[block], origin, t, y)
        linear_to(y, matrices, numbers, at[OUT], q)
        add_to(x, q)
        norm_to(x, numbers, at[NORM_2], y)
        linear_to(y, matrices, numbers, at[INNER], z)
        gelu_of(z)
        linear_to(z, matrices, numbers, at[OUTER], q)
        add_to(x, q)
    norm_to(x, numbers, last[NORM], y)
    linear_to(y, matrices, numbers, last[HEAD], log_probs)
    for b in range(B):
        log_softmax_row(log_probs[b], log_probs[b])
    return log_probs


def last_place(origin):
    """Where the last token of a text is.   origin (T,)"""
    t = origin.shape[0] - 1
    while origin[t] == NOWHERE:
        t -= 1
    return t


def norm_to(x, numbers, place, y):
    """y ← γ (x - mean) / √(variance + eps) + β"""
    B, C = x.shape
    gamma, beta = numbers[place[0] : place[0] + C], numbers[place[1] : place[1] + C]
    for b in range(B):
        total = np.float32(0)
        for c in range(C):
            total += x[b, c]
        mean, variance = total / np.float32(C), np.float32(0)
        for c in range(C):
            variance += (x[b, c] - mean) * (x[b, c] - mean)
        rstd = np.float32(1) / np.sqrt(variance / np.float32(C) + np.float32(EPS))
        for c in range(C):
            y[b, c] = gamma[c] * (x[b, c] - mean) * rstd + beta[c]


def linear_to(x, matrices, numbers, place, y):
    """y ← x W scale + b; of a large matrix each thread reads its share of the rows."""
    (B, C), F = x.shape, y.shape[1]
    W = matrices[place[0] : place[0] + C * F].reshape(C, F)
    parts = thread_count() if C * F > SHARED else 1
    sums = np.zeros((parts, B, F), np.float32)
    if parts == 1:
        add_product(x, W, 0, C, sums[0])
    else:
        add_products(x, W, sums)
    for b in range(B):
        for f in range(F):
            total = sums[0, b, f]
            for part in range(1, parts):
                total += sums[part, b, f]
            scale = np.float32(1) if place[2] == NOWHERE else numbers[place[2] + f]
            y[b, f] = total * scale + (np.float32(0) if place[1] == NOWHERE else numbers[place[1] + f])


def add_products(x, W, sums):
    C, parts = x.shape[1], len(sums)
    for part in prange(parts):
        add_product(x, W, C * part // parts, C * (part + 1) // parts, sums[part])


def add_product(x, W, start, stop, y):
    """y += x W over some rows of W: eight at once, each read from start to end, as memory likes it.

    So many columns at a time that what all texts need of the eight rows stays in the nearest cache. They are taken as
    arrays of their own: over indices that do not start at 0 the compiler makes no vectors.

    x (B, C)   W (C, F)   y (B, F)
    """
    B, F = y.shape
    for c in range(start, stop - 7, 8):
        for first in range(0, F, COLUMNS):
            here = slice(first, min(first + COLUMNS, F))
            w0, w1, w2, w3 = W[c][here], W[c + 1][here], W[c + 2][here], W[c + 3][here]
            w4, w5, w6, w7 = W[c + 4][here], W[c + 5][here], W[c + 6][here], W[c + 7][here]
            for b in range(B):
                x0, x1, x2, x3 = x[b, c], x[b, c + 1], x[b, c + 2], x[b, c + 3]
                x4, x5, x6, x7 = x[b, c + 4], x[b, c + 5], x[b, c + 6], x[b, c + 7]
                row = y[b][here]
                for f in range(len(row)):
                    row[f] += (
                        x0 * np.float32(w0[f]) + x1 * np.float32(w1[f])
                        + x2 * np.float32(w2[f]) + x3 * np.float32(w3[f])
                        + x4 * np.float32(w4[f]) + x5 * np.float32(w5[f])
                        + x6 * np.float32(w6[f]) + x7 * np.float32(w7[f])
                    )  # fmt: skip
    for c in range(stop - (stop - start) % 8, stop):
        for b in range(B):
            for f in range(F):
                y[b, f] += x[b, c] * np.float32(W[c, f])


def turn_heads(x, cos, sin, places):
    """Each pair (xᵢ, xᵢ₊ᴅ⸝₂) of each head by its angle, in place.   x (B, C)   cos, sin (context, D/2)   places (B,)"""
    half = cos.shape[1]
    for b in range(x.shape[0]):
        cosine, sine = cos[places[b]], sin[places[b]]
        for start in range(0, x.shape[1], 2 * half):
            for i in range(start, start + half):
                a, c = x[b, i], x[b, i + half]
                x[b, i] = a * cosine[i - start] - c * sine[i - start]
                x[b, i + half] = c * cosine[i - start] + a * sine[i - start]


def note(k, v, keys, values, origin, places):
    """Put the new token's keys and values (B, C) where they are looked for from now on."""
    _, H, _, D = keys.shape
    for b in range(k.shape[0]):
        t = places[b]
        for h in range(H):
            for d in range(D):
                keys[origin[b, t], h, t, d] = k[b, h * D + d]
                values[origin[b, t], h, t, d] = v[b, h * D + d]


def look(q, keys, values, origin, places, y):
    """y ← softmax(q kᵀ / √D) v for the one query of each text and head, over places up to its own.   q, y (B, C)"""
    D, H = keys.shape[3], q.shape[1] // keys.shape[3]
    group = H // keys.shape[1]  # heads that share keys and values
    p = np.empty(origin.shape[1], np.float32)
    scale = np.float32(1 / math.sqrt(D))
    for b in range(origin.shape[0]):
        T = places[b] + 1
        for h in range(H):
            highest = np.float32(-np.inf)
            for t in range(T):
                key, score = keys[origin[b, t], h // group, t], np.float32(0)
                for d in range(D):
                    score += q[b, h * D + d] * key[d]
                p[t] = score * scale
                highest = max(highest, p[t])
            total = np.float32(0)
            for t in range(T):
                p[t] = exp(p[t] - highest)
                total += p[t]
            for d in range(D):
                y[b, h * D + d] = 0
            for t in range(T):
                value, weight = values[origin[b, t], h // group, t], p[t] / total
                for d in range(D):
                    y[b, h * D + d] += weight * value[d]


def add_to(x, y):
    """x += y"""
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            x[b, c] += y[b, c]


def gelu_of(z):
    """z ← z σ(2u), which is ½ z (1 + tanh u), in place"""
    slope, cubic = np.float32(2 * SLOPE), np.float32(CUBIC)
    for b in range(z.shape[0]):
        for f in range(z.shape[1]):
            z[b, f] *= sigmoid(slope * (z[b, f] + cubic * z[b, f] * z[b, f] * z[b, f]))
