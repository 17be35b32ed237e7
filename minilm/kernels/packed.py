"""Products with matrices that stay as a GGUF file has them: rows of blocks, each of 32 weights (blocks.py).

Decoding reads every weight once for each token, so what is read should be small, and nothing larger be made of it. A
row's product with x is a sum over its blocks b, whose scales d and least weights m come after the sums:

    y_f = Σ_b (d_fb Σ_j q_fbj x_bj + m_fb Σ_j x_bj)

The last sum is the same for all rows of W. The others are of products of whole numbers (lanes.py), as x is rounded:

    x ≈ s (coarse + fine / 2¹⁵)   with one s for a row of x, and two whole numbers of 16 bits for each number in it

The error, 2⁻³¹ of the row's largest number, is less than that of a sum in floats: it is rounded to 2⁻²⁴ at each step.
"""

import numpy as np

from .blas import BLAS, blas_product, one_blas_thread, set_blas_threads
from .blocks import FORMATS
from .linear import share
from .pair import Inlined, Kernel, prange, thread_count

PACKED = Q4_0, Q4_1, Q8_0 = 2, 3, 8  # formats whose blocks have 32 weights
WEIGHTS, HALF = 32, np.uint64(16)
LANES, FINE, ZERO = 8, np.float32(2**15), np.float32(0)
FEW = 8  # rows of x for which no floats are made of W
TILE = 64  # rows of W that are floats at a time, if x has more
FLOAT16 = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)  # by its bits the number
add_halves, add_bytes = Inlined("add_halves"), Inlined("add_bytes")


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
    """The weights of a row: w ← d q + m.   blocks, w (C/32, bytes and 32)

    Indices are unsigned, for vectors' sake: a sum of signed ones might be negative, and count from the end.
    """
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
    first, m = first_weight(blocks[0, 0]), 1 if kind == Q4_1 else 0  # where they stand in a block
    q, scales, lanes = blocks[:, :, first:], blocks.view(np.uint16), np.empty(LANES, np.float32)
    coarse, fine, s = whole_numbers(x)
    sums = sums_of_blocks(x, np.float32(1 if kind == Q4_1 else -8))
    for f in range(start, stop):
        for n in range(x.shape[0]):
            lanes[:] = 0
            if kind == Q8_0:
                add_row_of_bytes(lanes, q[f], coarse[n], fine[n], scales[f])
                y[n, f] = s[n] * lanes.sum()
            else:
                least = add_row_of_halves(lanes, q[f], coarse[n], fine[n], scales[f], m, sums[n])
                y[n, f] = s[n] * lanes.sum() + least


def add_row_of_bytes(lanes, q, coarse, fine, scales):
    """Weights of 8 bits: to the lanes, in all, Σ d Σ q (coarse + fine / 2¹⁵)"""
    for b in range(len(q)):
        add_bytes(lanes, q[b], coarse[b], fine[b], FLOAT16[scales[b, 0]])


def add_row_of_halves(lanes, q, coarse, fine, scales, m, sums):
    """The same for weights of 4 bits.   ->   Σ m Σ x, where a format without m has -8 d"""
    least = ZERO
    for b in range(len(q)):
        add_halves(lanes, q[b], coarse[b], fine[b], FLOAT16[scales[b, 0]])
        least += FLOAT16[scales[b, m]] * sums[b]
    return least


def sums_of_blocks(x, factor):
    """factor Σ x of each block.   x (N, C)   ->   (N, C/32)"""
    N, C = x.shape
    sums = np.empty((N, C // WEIGHTS), np.float32)
    for n in range(N):
        for b in range(C // WEIGHTS):
            total = ZERO
            for c in range(WEIGHTS * b, WEIGHTS * (b + 1)):
                total += x[n, c]
            sums[n, b] = factor * total
    return sums


def whole_numbers(x):
    """x ≈ s (coarse + fine / 2¹⁵)   x (N, C)   ->   coarse, fine (N, C/32, 32) of 16 bits, s (N,)"""
    N, C = x.shape
    coarse, fine, s = np.empty((N, C), np.int16), np.empty((N, C), np.int16), np.empty(N, np.float32)
    for n in range(N):
        factor = min(np.float32(2**15 - 1) / largest(x[n]), np.float32(2.0**127))  # of zeros, it would be infinite
        s[n] = np.float32(1) / factor
        for c in range(C):
            number = factor * x[n, c]
            whole = np.rint(number)
            coarse[n, c], fine[n, c] = np.int32(whole), np.int32(np.rint(FINE * (number - whole)))
    blocks = N, C // WEIGHTS, WEIGHTS
    return coarse.reshape(blocks), fine.reshape(blocks), s


def largest(x):
    """max |x|, or NaN if there is one: without their signs, numbers are in the order of their bits, NaN last."""
    bits, most = x.view(np.int32), np.int32(0)
    for c in range(len(x)):
        most = max(most, np.int32(bits[c] & np.int32(0x7FFFFFFF)))
    return np.int32(most).view(np.float32)


def first_weight(block):
    """Before the weights of a block stand d, or d and m, of two bytes each."""
    return np.uint64(4 if len(block) == 20 else 2)


def low(n):
    """The weight in the low half of a byte."""
    return np.float32(np.int32(n) & np.int32(15))


def high(n):
    """The weight in its high half."""
    return np.float32(np.int32(n) >> np.int32(4))
