"""Tensors as pieces of one long vector: an optimizer updates it in one pass, a compiled decoder reads it as a whole."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from .tensor import Tensor


def pieces(vector: np.ndarray, tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Views of the vector, one after another, in the tensors' shapes.

    >>> matrix, gain = Tensor(np.ones((2, 3))), Tensor(np.ones(2))
    >>> [piece.tolist() for piece in pieces(np.arange(8), [matrix, gain])]
    [[[0, 1, 2], [3, 4, 5]], [6, 7]]
    """
    ends = accumulate(tensor.size for tensor in tensors)
    return [vector[end - tensor.size : end].reshape(tensor.shape) for tensor, end in zip(tensors, ends, strict=True)]


def move(tensors: Sequence[Tensor], places: Sequence[np.ndarray]) -> None:
    """Let each tensor's array lie in its place, which takes over the numbers unless it is there already."""
    for tensor, place in zip(tensors, places, strict=True):
        if tensor.data is not place:
            place[...] = tensor.data
            tensor.data = place


def in_one_vector(tensors: Sequence[Tensor]) -> tuple[np.ndarray, list[int]]:
    """The vector (N,) of which the tensors' arrays are pieces, and where in it each starts.

    If there is none, one is made and the arrays are moved there: what changes one then changes the other.
    """
    vector = tensors[0].data.base
    a_vector = isinstance(vector, np.ndarray) and vector.ndim == 1
    if not a_vector or any(tensor.data.base is not vector for tensor in tensors):
        vector = np.empty(sum(tensor.size for tensor in tensors), tensors[0].dtype)
        move(tensors, pieces(vector, tensors))
    return vector, [(_address(tensor.data) - _address(vector)) // vector.itemsize for tensor in tensors]


def _address(array) -> int:
    return array.__array_interface__["data"][0]
