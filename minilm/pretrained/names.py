"""Two names for the same numbers: ours and those of a file; and how they are carried from one to the other."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from tqdm import tqdm

from minilm.autograd import Tensor
from minilm.nn import Module

Names = dict[str, str]  # our layer -> theirs; "query key value" -> theirs, where one of theirs is several side by side

PARTS = {"W": "weight", "table": "weight", "gamma": "weight", "b": "bias", "beta": "bias"}  # of a layer


class Published(Protocol):
    """An array of a file, that need not be in memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def floats(self) -> np.ndarray:
        """A copy in float32."""


class Place(NamedTuple):
    """Where the numbers of a published array belong: in tensors of ours, side by side."""

    tensors: list[Tensor]
    turned: bool  # PyTorch's linear layer has W transposed, (outputs, inputs)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the published array."""
        shape = (*self.tensors[0].shape[:-1], sum(tensor.shape[-1] for tensor in self.tensors))
        return shape[::-1] if self.turned else shape

    def put(self, array: Published) -> None:
        """Let the tensors hold these numbers."""
        ends, floats = np.cumsum([tensor.shape[-1] for tensor in self.tensors])[:-1], array.floats()
        parts = np.split(floats.T if self.turned else floats, ends, axis=-1)
        for tensor, part in zip(self.tensors, parts, strict=True):
            tensor.data = np.ascontiguousarray(part)

    def array(self) -> np.ndarray:
        """These numbers as they are published."""
        array = np.concatenate([tensor.data for tensor in self.tensors], axis=-1)
        return array.T if self.turned else array


def in_blocks(count: int, ours: str, theirs: str, block: Names) -> Names:
    """The names of a block's layers, for each of `count` blocks.

    >>> in_blocks(2, "blocks", "h", {"query key": "qk"})
    {'blocks.0.query blocks.0.key': 'h.0.qk', 'blocks.1.query blocks.1.key': 'h.1.qk'}
    """
    return {
        " ".join(f"{ours}.{i}.{layer}" for layer in own.split()): f"{theirs}.{i}.{other}"
        for i in range(count)
        for own, other in block.items()
    }


def places(model: Module, names: Names, straight: tuple[str, ...] = ()) -> dict[str, Place]:
    """The place of each array by its published name.

    Matrices of linear layers are transposed but for those whose names end as `straight` says.
    """
    found = {}
    for ours, theirs in names.items():
        layers = [model.part(name) for name in ours.split()]
        if isinstance(layers[0], Tensor):
            found[theirs] = Place(layers, turned=False)
            continue
        for part, name in PARTS.items():
            tensors = [getattr(layer, part, None) for layer in layers]
            if isinstance(tensors[0], Tensor):
                found[f"{theirs}.{name}"] = Place(tensors, part == "W" and not theirs.endswith(straight))
    return found


def take_over(places: Mapping[str, Place], arrays: Mapping[str, Published], show_progress: bool = False) -> None:
    """Put each array into its place.

    Raises
    ------
    ValueError
        With all names that are missing or unexpected and all shapes that differ, before anything is allocated.
    """
    problems = [f"missing: {name} {place.shape}" for name, place in places.items() if name not in arrays]
    problems += [f"unexpected: {name} {array.shape}" for name, array in arrays.items() if name not in places]
    problems += [
        f"{name}: shape {arrays[name].shape}, expected {place.shape}"
        for name, place in places.items()
        if name in arrays and arrays[name].shape != place.shape
    ]
    if problems:
        raise ValueError("the weights do not fit the configuration:\n  " + "\n  ".join(problems))
    bar = tqdm(places.items(), desc="weights", delay=1, leave=False, disable=not show_progress)
    for name, place in bar:
        place.put(arrays[name])
