"""Layers whose matrices stay in the blocks of a file, 4 or 8 bits a weight, where they are read and cannot learn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd
from minilm.autograd import Tensor, check_ids
from minilm.kernels.packed import WEIGHTS, bytes_of, unpacked

from .layers import Linear
from .module import Module


class PackedLinear(Module):
    """y = x Wᵀ

    Parameters
    ----------
    packed : (F, bytes), uint8
        The rows of W (F, C) in blocks: a file that is mapped into memory need not be copied.
    kind : int
        Which blocks: a key of `kernels.blocks.FORMATS`.
    pairs_in : int
        Of so many heads, whose channels i and i + D/2 are rotary pairs, the file has 2i and 2i + 1 in their place; 0 if
        it has not.

    Examples
    --------
    >>> layer = PackedLinear(np.zeros((6, 2 * 34), np.uint8), kind=8)
    >>> layer(Tensor(np.ones((5, 64)))).shape
    (5, 6)
    """

    def __init__(self, packed: np.ndarray, kind: int, *, pairs_in: int = 0):
        self.packed, self.kind, self.pairs_in = packed, kind, pairs_in

    @property
    def inputs(self) -> int:
        """C"""
        return self.packed.shape[1] // bytes_of(self.kind) * WEIGHTS

    @property
    def outputs(self) -> int:
        """F"""
        return len(self.packed)

    @property
    def W(self) -> Tensor:
        """There is none that could learn, or be saved in floats."""
        raise ValueError(
            "the model's matrices are packed, 4 or 8 bits a weight; load it with packed=False to have floats"
        )

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.inputs:
            raise ValueError(f"x has shape {x.shape}; expected its last axis to be the {self.inputs} inputs")
        y = autograd.packed_linear(x, packed=self.packed, kind=self.kind)
        if self.pairs_in:
            y = y.reshape(*y.shape[:-1], self.pairs_in, -1, 2).swapaxes(-1, -2).reshape(y.shape)
        return y


class PackedEmbedding(Module):
    """y = W[ids]   ids (...)   W (V, C), packed as that of a `PackedLinear`   ->   (..., C)"""

    def __init__(self, packed: np.ndarray, kind: int):
        self.packed, self.kind = packed, kind

    def __call__(self, ids: ArrayLike) -> Tensor:
        ids = check_ids("ids", np.asarray(ids), len(self.packed))
        return Tensor(unpacked(self.packed[ids.reshape(-1)], self.kind).reshape(*ids.shape, -1))


def matrices_in_memory(layers: Sequence[Linear | PackedLinear]) -> tuple[np.ndarray, list[int]]:
    """The bytes in which the layers' matrices lie, and where each begins: not copied, if they have a place in common.

    That is a vector, into which matrices of floats are moved, or the file of packed ones.
    """
    if not any(isinstance(layer, PackedLinear) for layer in layers):
        vector, starts = autograd.in_one_vector([layer.W for layer in layers])
        return vector.view(np.uint8), [start * vector.itemsize for start in starts]
    arrays = [layer.packed if isinstance(layer, PackedLinear) else layer.W.data for layer in layers]
    owners = {id(owner): owner for owner in map(_owner, arrays)}
    if len(owners) > 1:
        ends = np.cumsum([array.nbytes for array in arrays]).tolist()
        return np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays]), [0, *ends[:-1]]
    memory = np.frombuffer(*owners.values(), np.uint8)
    return memory, [_address(array) - _address(memory) for array in arrays]


def _owner(array):
    """The array or the file whose memory this array is a part of."""
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


def _address(array) -> int:
    return array.__array_interface__["data"][0]
