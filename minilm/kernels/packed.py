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
from .pair import Inlined, Kernel, prange, thread_count

PACKED = Q4_0, Q4_1, Q8_0 = 2, 3, 8  # formats whose blocks have 32 weights
WEIGHTS, HALF = 32, np.uint64(16)
FEW = 6  # rows of x for which no floats are made of W
TILE = 64  # rows of W that are floats at a time, if x has more
ZERO = np.float32(0)
LANES = 8
add_halves, add_bytes = Inlined("add_halves"), Inlined("add_bytes")
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
    first, K = first_weight(blocks[0, 0]), blocks.shape[1]
    weights, scales, lanes = blocks[:, :, first:], blocks.view(np.uint16), np.empty(LANES, np.float32)
    high, low, s = whole_numbers(x)
    least = sums_of_blocks(x, np.float32(1 if kind == Q4_1 else -8))
    m = 1 if kind == Q4_1 else 0  # where it stands in a block
    for f in range(start, stop):
        for n in range(x.shape[0]):
            lanes[:] = 0
            rest = ZERO
            if kind == Q8_0:
                for b in range(K):
                    add_bytes(lanes, weights[f, b], high[n, b], low[n, b], FLOAT16[scales[f, b, 0]])
            else:
                for b in range(K):
                    add_halves(lanes, weights[f, b], high[n, b], low[n, b], FLOAT16[scales[f, b, 0]])
                    rest += FLOAT16[scales[f, b, m]] * least[n, b]
            y[n, f] = s[n] * lanes.sum() + rest


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
    """x ≈ s (high + low / 2¹⁵), both of 16 bits.   x (N, C)   ->   high, low (N, C/32, 32), s (N,)"""
    N, C = x.shape
    high, low, s = np.empty((N, C), np.int16), np.empty((N, C), np.int16), np.empty(N, np.float32)
    for n in range(N):
        factor = min(np.float32(2**15 - 1) / largest(x[n]), np.float32(2.0**127))
        s[n] = np.float32(1) / factor
        for c in range(C):
            number = x[n, c] * factor
            whole = np.rint(number)
            high[n, c] = np.int32(whole)
            low[n, c] = np.int32(np.rint((number - whole) * np.float32(2**15)))
    blocks = N, C // WEIGHTS, WEIGHTS
    return high.reshape(blocks), low.reshape(blocks), s


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
