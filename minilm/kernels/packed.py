"""Products with matrices that stay as a GGUF file has them: rows of blocks, each of 32 weights (blocks.py).

Decoding reads every weight once for each token, so what is read should be small, and nothing larger be made of it. A
row's product with x is a sum over its blocks b, whose scales d and least weights m come after the sums:

    y_f = Σ_b (d_fb Σ_j q_fbj x_bj + m_fb Σ_j x_bj)

The last sum is the same for all rows. Two weights of 4 bits, n = low + 16 high, are multiplied without a shift:

    low x_j + high x_{j+16} = low u_j + n v_j   with   v_j = x_{j+16} / 16,  u_j = x_j - v_j

Two things let the compiler make vectors of the innermost loops. Four rows come at once: a loop over the bytes of one
block is so short that it would be unrolled before. And indices are unsigned: a sum of signed ones might be negative,
which NumPy's rules would have count from the end.
"""

import numpy as np

from .blas import BLAS, blas_product, one_blas_thread, set_blas_threads
from .blocks import FORMATS
from .linear import share
from .pair import Kernel, prange, thread_count

PACKED = Q4_0, Q4_1, Q8_0 = 2, 3, 8  # formats whose blocks have 32 weights
WEIGHTS, HALF = 32, np.uint64(16)
FEW = 6  # rows of x for which no floats are made of W
TILE = 64  # rows of W that are floats at a time, if x has more
ZERO = np.float32(0)
FLOAT16 = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)  # by its bits the number


@Kernel
def packed_linear(x, packed, kind):
    """Y = X Wᵀ   x (N, C)   packed (F, bytes): the blocks of W (F, C), as FORMATS[kind] has them   ->   (N, F)"""
    return x @ unpacked(packed, kind).astype(x.dtype).T


def unpacked(packed, kind):
    """W (F, C), by the formula of its format."""
    form = FORMATS[kind]
    return form.floats(packed.view(form.block)).reshape(len(packed), -1)


@packed_linear.loops
def packed_linear(x, packed, kind):
    y, blocks = np.empty((x.shape[0], packed.shape[0]), np.float32), in_blocks(packed, x.shape[1])
    if x.shape[0] > FEW:
        product_of_many(x, blocks, kind, y)
    else:
        product_by_rows(x, blocks, kind, y)
    return y


def bytes_of(kind):
    """Of a block: d, m if there is one, and the weights."""
    if kind == Q8_0:
        return 2 + 32
    return 4 + 16 if kind == Q4_1 else 2 + 16


def in_blocks(packed, C):
    """(F, bytes) -> (F, C/32, bytes of a block)"""
    F, size = packed.shape
    return packed.reshape(F, C // WEIGHTS, size * WEIGHTS // C)


def product_by_rows(x, blocks, kind, y):
    """y ← x Wᵀ, each thread its share of the rows of W.   x (N, C)   blocks (F, C/32, bytes)   y (N, F)"""
    F, parts = blocks.shape[0], thread_count()
    for part in prange(parts):
        start, stop = share(F, part, parts)
        rows_to(x, blocks, kind, start, stop, y)


def product_by_tiles(x, blocks, kind, y):
    """The same for many rows of x: floats of some rows of W go from the second cache into BLAS's product."""
    F, C = blocks.shape[0], x.shape[1]
    before = one_blas_thread()
    for tile in prange((F + TILE - 1) // TILE):
        first, last = tile * TILE, min((tile + 1) * TILE, F)
        W = np.empty((last - first, C // WEIGHTS, WEIGHTS), np.float32)
        for f in range(first, last):
            floats_to(blocks[f], kind, W[f - first])
        blas_product(x, False, W.reshape(last - first, C), True, 0, y[:, first:last])
    set_blas_threads(before)


product_of_many = product_by_tiles if BLAS else product_by_rows


def floats_to(blocks, kind, w):
    """The weights of a row: w ← d q + m.   blocks, w (C/32, bytes and 32)"""
    scales, signed = blocks.view(np.uint16), blocks.view(np.int8)
    for b in range(blocks.shape[0]):
        d, n, q, row = FLOAT16[scales[b, 0]], blocks[b], signed[b], w[b]
        m = FLOAT16[scales[b, 1]] if kind == Q4_1 else np.float32(-8) * d
        first, size = first_weight(n), np.uint64(len(n))
        if kind == Q8_0:
            for j in range(first, size):
                row[j - first] = d * np.float32(q[j])
        else:
            for j in range(first, size):
                row[j - first], row[j - first + HALF] = d * low(n[j]) + m, d * high(n[j]) + m


def rows_to(x, blocks, kind, start, stop, y):
    """y ← x Wᵀ for some rows of W."""
    if kind == Q8_0:
        rows_of_bytes_to(x, blocks, start, stop, y)
    else:
        rows_of_halves_to(x, blocks, kind, start, stop, y)


def rows_of_bytes_to(x, blocks, start, stop, y):
    """Weights of 8 bits: y ← Σ d Σ q x"""
    N, C = x.shape
    parts, scales, signed = x.reshape(N, C // WEIGHTS, WEIGHTS), blocks.view(np.uint16), blocks.view(np.int8)
    first = first_weight(blocks[0, 0])
    far = (stop - start + 3) // 4
    for f0 in range(start, start + far):
        f1, f2, f3 = min(f0 + far, stop - 1), min(f0 + 2 * far, stop - 1), min(f0 + 3 * far, stop - 1)
        for n in range(N):
            y0 = y1 = y2 = y3 = np.float32(0)
            for b in range(blocks.shape[1]):
                q0, q1, q2, q3, part = signed[f0, b], signed[f1, b], signed[f2, b], signed[f3, b], parts[n, b]
                s0 = s1 = s2 = s3 = np.float32(0)
                for j in range(np.uint64(WEIGHTS)):
                    s0 += np.float32(q0[first + j]) * part[j]
                    s1 += np.float32(q1[first + j]) * part[j]
                    s2 += np.float32(q2[first + j]) * part[j]
                    s3 += np.float32(q3[first + j]) * part[j]
                y0 += FLOAT16[scales[f0, b, 0]] * s0
                y1 += FLOAT16[scales[f1, b, 0]] * s1
                y2 += FLOAT16[scales[f2, b, 0]] * s2
                y3 += FLOAT16[scales[f3, b, 0]] * s3
            y[n, f0], y[n, f1], y[n, f2], y[n, f3] = y0, y1, y2, y3


def rows_of_halves_to(x, blocks, kind, start, stop, y):
    """Weights of 4 bits, two in a byte n: y ← Σ d Σ (low u + n v) + m Σ x, where a format without m has -8 d."""
    N, scales, first = x.shape[0], blocks.view(np.uint16), first_weight(blocks[0, 0])
    u, v, sums = prepared(x, np.float32(1 if kind == Q4_1 else -8))
    m = np.uint64(1 if kind == Q4_1 else 0)  # where it stands in a block
    far = (stop - start + 3) // 4
    for f0 in range(start, start + far):
        f1, f2, f3 = min(f0 + far, stop - 1), min(f0 + 2 * far, stop - 1), min(f0 + 3 * far, stop - 1)
        for n in range(N):
            y0 = y1 = y2 = y3 = np.float32(0)
            for b in range(blocks.shape[1]):
                n0, n1, n2, n3 = blocks[f0, b], blocks[f1, b], blocks[f2, b], blocks[f3, b]
                ub, vb, s0, s1, s2, s3 = u[n, b], v[n, b], ZERO, ZERO, ZERO, ZERO
                for j in range(HALF):
                    s0 += low(n0[first + j]) * ub[j] + np.float32(n0[first + j]) * vb[j]
                    s1 += low(n1[first + j]) * ub[j] + np.float32(n1[first + j]) * vb[j]
                    s2 += low(n2[first + j]) * ub[j] + np.float32(n2[first + j]) * vb[j]
                    s3 += low(n3[first + j]) * ub[j] + np.float32(n3[first + j]) * vb[j]
                y0 += FLOAT16[scales[f0, b, 0]] * s0 + FLOAT16[scales[f0, b, m]] * sums[n, b]
                y1 += FLOAT16[scales[f1, b, 0]] * s1 + FLOAT16[scales[f1, b, m]] * sums[n, b]
                y2 += FLOAT16[scales[f2, b, 0]] * s2 + FLOAT16[scales[f2, b, m]] * sums[n, b]
                y3 += FLOAT16[scales[f3, b, 0]] * s3 + FLOAT16[scales[f3, b, m]] * sums[n, b]
            y[n, f0], y[n, f1], y[n, f2], y[n, f3] = y0, y1, y2, y3


def prepared(x, factor):
    """u and v (N, C/32, 16), and factor Σ x (N, C/32), of the blocks of x (N, C)"""
    N, C = x.shape
    shape = N, C // WEIGHTS, 16
    u, v, sums = np.empty(shape, np.float32), np.empty(shape, np.float32), np.zeros(shape[:2], np.float32)
    for n in range(N):
        for b in range(C // WEIGHTS):
            for j in range(16):
                front, back = x[n, 32 * b + j], x[n, 32 * b + 16 + j]
                v[n, b, j] = back / np.float32(16)
                u[n, b, j] = front - v[n, b, j]
                sums[n, b] += factor * (front + back)
    return u, v, sums


def first_weight(block):
    """Before the weights of a block stand d, or d and m, of two bytes each."""
    return np.uint64(4 if len(block) == 20 else 2)


def low(n):
    """The weight in the low half of a byte."""
    return np.float32(np.int32(n) & np.int32(15))


def high(n):
    """The weight in its high half."""
    return np.float32(np.int32(n) >> np.int32(4))
