"""A Llama whose matrices stay where they are: in the blocks of a GGUF file that is mapped into memory."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minilm import nn
from minilm.kernels.blocks import FORMATS
from minilm.kernels.packed import PACKED
from minilm.models import Llama

from .gguf_llama import Turned
from .names import Names, Published


class PackedPlace(NamedTuple):
    """The layer that an array in blocks replaces, (outputs, inputs) as such an array has it."""

    model: Llama
    layer: str
    shape: tuple[int, ...]

    def put(self, array: Published) -> None:
        """Let a packed layer take over the blocks; embeddings that were tied to it are so still."""
        stored, pairs_in = (array.stored, array.heads) if isinstance(array, Turned) else (array, 0)
        packed = stored.blocks.view(np.uint8).reshape(len(stored.blocks), -1), _kind(stored)
        tied = self.layer == "head" and isinstance(self.model.embedding, nn.TiedEmbedding)
        if tied or self.layer == "embedding":
            self.model.exchange("embedding", nn.PackedEmbedding(*packed))
        if self.layer != "embedding":
            self.model.exchange(self.layer, nn.PackedLinear(*packed, pairs_in=pairs_in))


def packed_places(model: Llama, names: Names, arrays: Mapping[str, Published]) -> dict[str, PackedPlace]:
    """The places of all matrices by their published names, if all are packed, and none otherwise."""
    layers = {f"{theirs}.weight": ours for ours, theirs in names.items()}
    found = {name: layer for name, layer in layers.items() if isinstance(model.part(layer), nn.Linear | nn.Embedding)}
    if any(name in arrays and not _packed(arrays[name]) for name in found):
        return {}
    return {name: PackedPlace(model, layer, _shape(model.part(layer))) for name, layer in found.items()}


def _shape(layer) -> tuple[int, ...]:
    return layer.table.shape if isinstance(layer, nn.Embedding) else layer.W.shape[::-1]


def _packed(array) -> bool:
    stored = array.stored if isinstance(array, Turned) else array
    return hasattr(stored, "format") and _kind(stored) in PACKED


def _kind(stored) -> int:
    """Which blocks they are: their format's key."""
    return next(kind for kind, known in FORMATS.items() if known is stored.format)
