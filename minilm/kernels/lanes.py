"""Sums of products of 16-bit numbers, written for LLVM itself: it has vectors, which Numba's loops cannot name.

A processor multiplies sixteen pairs of such numbers and adds neighbours in one instruction (AVX2's `vpmaddwd`): twice
as much as in floats, and weights need not be made floats first. Of loops LLVM makes eight products at a time, and a sum
over the vector for every block of weights: together no quicker than floats. Here the sums stay in eight lanes until a
row is done. LLVM finds the instructions of whatever processor there is; none is named here.

The file is read when the first loop that needs it is compiled (`pair.Inlined`).
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 8
BYTES, WORDS, PRODUCTS = (ir.VectorType(ir.IntType(bits), 2 * LANES) for bits in (8, 16, 32))
WHOLE, FLOATS = ir.VectorType(ir.IntType(32), LANES), ir.VectorType(ir.FloatType(), LANES)


def adding(weights_of):
    """lanes ← lanes + scale (Σ w coarse + Σ w fine / 2¹⁵)

    Each sum is over the 32 weights of a block and as many numbers. Four products fall to each lane, and their sum is
    exact, as a whole number and then as a float: 4 · 128 · 32767 < 2²⁴.
    """

    @intrinsic
    def add(typing, lanes, block, coarse, fine, scale):
        def write(context, builder, signature, arguments):
            *arrays, scale = arguments
            lanes, block, coarse, fine = map(address_in(context, builder), signature.args, arrays)
            weights = weights_of(builder, block)
            coarse, fine = (sum_of_products(builder, weights, x) for x in (coarse, fine))
            products = add_scaled(builder, coarse, fine, each(FLOATS, 2.0**-15))
            sums = add_scaled(builder, load(builder, lanes, FLOATS), products, everywhere(builder, scale))
            builder.store(sums, builder.bitcast(lanes, FLOATS.as_pointer()), align=4)
            return context.get_dummy_value()

        return types.void(lanes, block, coarse, fine, scale), write

    return add


def halves(builder, block):
    """Weights of 4 bits: a byte has the j-th in its low half and the (j + 16)-th in its high half."""
    n = builder.zext(load(builder, block, BYTES), WORDS)
    return builder.and_(n, each(WORDS, 15)), builder.lshr(n, each(WORDS, 4))


def whole(builder, block):
    """Weights of 8 bits, one in a byte."""
    return [builder.sext(load(builder, block, BYTES, start), WORDS) for start in (0, 16)]


add_halves, add_bytes = adding(halves), adding(whole)


def sum_of_products(builder, weights, x):
    """Σ w x in floats, of two vectors of weights."""
    first, second = (
        sum_of_neighbours(builder, builder.mul(wide(builder, w), wide(builder, load(builder, x, WORDS, start))))
        for w, start in zip(weights, (0, 16), strict=True)
    )
    return builder.sitofp(builder.add(first, second), FLOATS)


def wide(builder, words):
    """16 bits to 32."""
    return builder.sext(words, PRODUCTS)


def sum_of_neighbours(builder, p):
    """p₀ + p₁, p₂ + p₃, ...   After a product of words LLVM makes one instruction of both."""
    even, odd = (builder.shuffle_vector(p, p, ir.Constant(WHOLE, list(range(k, 2 * LANES, 2)))) for k in (0, 1))
    return builder.add(even, odd)


def add_scaled(builder, a, b, scale):
    """a + b scale, rounded once where the processor can."""
    once = ["contract"]
    return builder.fadd(a, builder.fmul(b, scale, flags=once), flags=once)


def each(vector, number):
    """A vector of a number that is known."""
    return ir.Constant(vector, [number] * vector.count)


def everywhere(builder, scale):
    """A float in every lane."""
    first = builder.insert_element(each(FLOATS, 0.0), scale, ir.IntType(32)(0))
    return builder.shuffle_vector(first, first, each(WHOLE, 0))


def load(builder, start, vector, offset=0):
    """Numbers from an address on, which may be any."""
    start = builder.gep(start, [ir.IntType(64)(offset)])
    return builder.load(builder.bitcast(start, vector.as_pointer()), align=1)


def address_in(context, builder):
    """A function that gives where an array's numbers begin."""
    return lambda kind, array: context.make_array(kind)(context, builder, array).data
