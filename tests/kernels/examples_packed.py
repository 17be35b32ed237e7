"""Example calls with packed weights: every format, and a Llama of two blocks whose matrices have different ones."""

import numpy as np

from minilm.kernels.blocks import FORMATS
from minilm.kernels.decode import NOWHERE
from minilm.kernels.decode_llama import DOUBLES, FLOATS
from minilm.kernels.packed import Q4_0, Q4_1, Q8_0

C, H, KV, F, L, V, CONTEXT = 64, 4, 2, 96, 2, 7, 6
D = C // H


def packed(rng, kind, outputs, inputs):
    """The blocks of a matrix as they lie in a file, (outputs, bytes), its weights about 1 / √inputs."""
    form = FORMATS[kind]
    blocks = np.zeros((outputs, inputs // 32), form.block)
    whole = np.iinfo(form.block["q"].base.type)
    blocks["q"] = rng.integers(whole.min, whole.max, blocks["q"].shape, endpoint=True)
    scale = 1 / np.sqrt(inputs) / (64 if kind == Q8_0 else 8)
    blocks["d"] = scale * rng.standard_normal(blocks.shape)
    if kind == Q4_1:
        blocks["m"] = -8 * blocks["d"] * rng.random(blocks.shape)
    return blocks.view(np.uint8).reshape(outputs, -1)


def packed_linear(rng, dtype):
    """Of nine rows, for which tiles are made, the last of them cut."""
    kind = (Q4_0, Q4_1, Q8_0)[rng.integers(3)]
    return rng.standard_normal((9, 96)).astype(dtype), packed(rng, kind, 70, 96), kind


def decode_llama(rng, dtype):
    """Two texts, of which the second shares the first's beginning and is shorter."""
    memory, numbers = [], [np.ones(3)]

    def norm():
        numbers.append(1 + 0.3 * rng.standard_normal(C))
        return [sum(map(len, numbers)) - C, 0, C]

    def matrix(outputs, kind, inputs=C):
        start = sum(array.size for array in memory)
        floats = (rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)).astype(dtype)
        array = floats.view(np.uint8) if kind == FLOATS else packed(rng, kind, outputs, inputs)
        memory.append(array.ravel())
        return [start, DOUBLES if kind == FLOATS and dtype == np.float64 else kind, outputs]

    def block(kind):
        attention = [matrix(outputs, kind) for outputs in (C, KV * D, KV * D, C)]
        return [norm(), *attention, norm(), matrix(F, Q4_0), matrix(F, Q8_0), matrix(C, kind, F)]

    places, last = [block(FLOATS), block(Q4_1)], [norm(), matrix(V, Q8_0)]
    angles = rng.standard_normal((CONTEXT, D // 2))
    keys, values = rng.standard_normal((2, L, 2, KV, CONTEXT, D)).astype(dtype)
    origin = np.array([[0, 0, 0, 0], [0, 0, 1, NOWHERE]])
    return (
        rng.standard_normal((2, C)).astype(dtype), np.concatenate(memory), np.concatenate(numbers).astype(dtype),
        np.array(places), np.array(last), 1e-5, True, np.cos(angles).astype(dtype), np.sin(angles).astype(dtype),
        keys, values, origin,
    )  # fmt: skip


EXAMPLES = {"packed_linear": packed_linear, "decode_llama": decode_llama}
