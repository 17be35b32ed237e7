"""Numbers in blocks: 32 weights of a row share a scale, so that each takes 4 or 8 bits and a little more.

A byte q of two weights holds the j-th of the block in its low half and the (j + 16)-th in its high half. Each function
gives the weights of blocks (...), as an array (..., weights). (The formats are ggml's: ggml/src/ggml-quants.c.)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Format(NamedTuple):
    """How weights are stored: a block as NumPy sees it, how many weights it has, and the weights by formula."""

    name: str
    block: np.dtype
    weights: int
    floats: Callable[[np.ndarray], np.ndarray]


def as_they_are(blocks: np.ndarray) -> np.ndarray:
    """w, one to a block.

    >>> as_they_are(np.array([0.5], "<f2"))
    array([[0.5]], dtype=float32)
    """
    return blocks[..., None].astype(np.float32)


def q4_0(blocks: np.ndarray) -> np.ndarray:
    """w = d (q - 8),   q = 0 ... 15

    >>> q4_0(np.array([(0.5, [0xF0] * 16)], Q4_0))[0, [0, 15, 16, 31]]
    array([-4. , -4. ,  3.5,  3.5], dtype=float32)
    """
    return _scale(blocks) * (_halves(blocks["q"]) - np.float32(8))


def q4_1(blocks: np.ndarray) -> np.ndarray:
    """w = d q + m,   q = 0 ... 15

    >>> q4_1(np.array([(0.5, 1, [0xF0] * 16)], Q4_1))[0, [0, 15, 16, 31]]
    array([1. , 1. , 8.5, 8.5], dtype=float32)
    """
    return _scale(blocks) * _halves(blocks["q"]) + blocks["m"][..., None].astype(np.float32)


def q8_0(blocks: np.ndarray) -> np.ndarray:
    """w = d q,   q = -128 ... 127

    >>> q8_0(np.array([(0.5, range(-2, 30))], Q8_0))[0, [0, 31]]
    array([-1. , 14.5], dtype=float32)
    """
    return _scale(blocks) * blocks["q"]


def _scale(blocks):
    return blocks["d"][..., None].astype(np.float32)


def _halves(q):
    """(..., 16) -> (..., 32)"""
    return np.concatenate([q & 15, q >> 4], axis=-1)


Q4_0 = np.dtype([("d", "<f2"), ("q", "u1", 16)])
Q4_1 = np.dtype([("d", "<f2"), ("m", "<f2"), ("q", "u1", 16)])
Q8_0 = np.dtype([("d", "<f2"), ("q", "i1", 32)])

FORMATS = {
    0: Format("F32", np.dtype("<f4"), 1, as_they_are),
    1: Format("F16", np.dtype("<f2"), 1, as_they_are),
    2: Format("Q4_0", Q4_0, 32, q4_0),
    3: Format("Q4_1", Q4_1, 32, q4_1),
    8: Format("Q8_0", Q8_0, 32, q8_0),
}
