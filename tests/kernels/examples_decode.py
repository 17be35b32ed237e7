"""An example call of decode: three texts in a GPT of two blocks; the second shares the first's beginning, the third is
short."""

import numpy as np

from minilm.kernels.decode import NOWHERE

C, H, F, L, V, CONTEXT, T = 12, 3, 20, 2, 7, 6, 4


def decode(rng, dtype):
    size = [0]

    def place(*sizes):
        """Where a layer's three pieces start, one after another; a size of 0 is not there."""
        starts = [size[0] + sum(sizes[:n]) if sizes[n] else NOWHERE for n in range(3)]
        size[0] += sum(sizes)
        return starts

    def linear(inputs, outputs, bias=True):
        return place(inputs * outputs, outputs * bias, 0)

    places = [
        [place(C, C, 0), *(linear(C, C) for _ in range(4)), place(C, C, 0), linear(C, F), linear(F, C)]
        for _ in range(L)
    ]
    last = [place(C, C, 0), linear(C, V, bias=False)]
    numbers = (0.3 * rng.standard_normal(size[0])).astype(dtype)
    angles = rng.standard_normal((CONTEXT, C // H // 2))
    keys, values = rng.standard_normal((2, L, 3, H, CONTEXT, C // H)).astype(dtype)
    origin = np.array([[0, 0, 0, 0], [0, 0, 1, 1], [2, 2, NOWHERE, NOWHERE]])
    return (
        rng.standard_normal((3, C)).astype(dtype), numbers, numbers, np.array(places), np.array(last), F, V,
        np.cos(angles).astype(dtype), np.sin(angles).astype(dtype), keys, values, origin,
    )  # fmt: skip


EXAMPLES = {"decode": decode}
