"""What a model consists of, as a table."""

import re
from collections import Counter, defaultdict

from .module import Module


def summary(model: Module) -> str:
    """Layers, the shapes of their parameters, and how many numbers these hold; each tensor is counted once.

    Layers that repeat share a row, with * for their number.

    >>> import numpy as np
    >>> from minilm.nn import Encoder
    >>> print(summary(Encoder(layers=2, width=4, heads=2, rng=np.random.default_rng(0))))
    Encoder
    layer                         kind       shapes            numbers
    blocks.*.attention.query      Linear     (4, 4) (4,)    2 ×     20
    blocks.*.attention.key        Linear     (4, 4) (4,)    2 ×     20
    blocks.*.attention.value      Linear     (4, 4) (4,)    2 ×     20
    blocks.*.attention.out        Linear     (4, 4) (4,)    2 ×     20
    blocks.*.attention_norm       LayerNorm  (4,) (4,)      2 ×      8
    blocks.*.feed_forward.inner   Linear     (4, 16) (16,)  2 ×     80
    blocks.*.feed_forward.outer   Linear     (16, 4) (4,)   2 ×     68
    blocks.*.feed_forward_norm    LayerNorm  (4,) (4,)      2 ×      8
    norm                          LayerNorm  (4,) (4,)               8
    total                                                          496
    """
    rows = [
        (layer, kind, shapes, f"{copies} ×" if copies > 1 else "", f"{numbers:,}")
        for (layer, kind, shapes, numbers), copies in Counter(_layers(model)).items()
    ]
    total = sum(tensor.size for tensor in model.parameters())
    rows = [("layer", "kind", "shapes", "", "numbers"), *rows, ("total", "", "", "", f"{total:,}")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join([type(model).__name__, *(_line(row, widths) for row in rows)])


def _line(row, widths):
    layer, kind, shapes, copies, numbers = (
        f"{cell:{side}{width}}" for cell, side, width in zip(row, "<<<>>", widths, strict=True)
    )
    return f"{layer}  {kind}  {shapes}  {copies} {numbers}"


def _layers(model):
    """(name with * for numbers, kind, shapes, how many numbers) of each module that holds tensors of its own."""
    kinds = {name: type(module).__name__ for name, module in model.named_modules()}
    tensors = defaultdict(list)
    for name, tensor in model.named_parameters():
        tensors[name.rpartition(".")[0]].append(tensor)
    for name, own in tensors.items():
        shapes = " ".join(str(tensor.shape) for tensor in own)
        yield re.sub(r"(^|\.)\d+(?=\.|$)", r"\1*", name), kinds[name], shapes, sum(tensor.size for tensor in own)
