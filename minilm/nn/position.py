"""Where a token stands: learned, sinusoidal and rotary positions. Attention alone would not know the order."""

import numpy as np

from minilm import autograd
from minilm.autograd import Tensor

from .module import Module, normal


class LearnedPositions(Module):
    """y[t] = x[t] + table[offset + t]   x (B, T, C)   table (context, C)"""

    def __init__(self, context: int, width: int, *, rng: np.random.Generator):
        self.table = normal(rng, context, width, std=0.02)

    def __call__(self, x: Tensor, offset: int = 0) -> Tensor:
        check_context(offset + x.shape[1], len(self.table))
        if x.shape[2] != self.table.shape[1]:
            raise ValueError(f"x has shape {x.shape}, expected its last axis to be the {self.table.shape[1]} channels")
        return x + self.table[offset : offset + x.shape[1]]

    def at(self, places: np.ndarray) -> np.ndarray:
        """What is added at each of these places.   (B,) -> (B, C)"""
        return self.table.data[places]


class SinusoidalPositions(Module):
    """y[t] = x[t] + p[t] with p[t, 2i] = sin(t / 10000^(2i/C)), p[t, 2i+1] = cos(same) (Vaswani et al. 2017, 3.5)"""

    def __init__(self, context: int, width: int):
        angles = rotation_angles(context, width)
        self.waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(context, -1)[:, :width]

    def __call__(self, x: Tensor, offset: int = 0) -> Tensor:
        check_context(offset + x.shape[1], len(self.waves))
        return x + self.waves[offset : offset + x.shape[1]].astype(x.dtype)

    def at(self, places: np.ndarray) -> np.ndarray:
        """What is added at each of these places.   (B,) -> (B, C)"""
        return self.waves[places]


class RotaryPositions(Module):
    """Turns the pair (xᵢ, xᵢ₊ᴅ⸝₂) of a query or key at place t by t / base^(2i/D), so that their product depends on
    the distance alone (Su et al. 2021, arXiv:2104.09864, equation 34).   x (B, H, T, D)"""

    def __init__(self, context: int, head_width: int, *, base: float = 10_000.0):
        if head_width % 2:
            raise ValueError(f"rotary positions turn pairs: the width of a head, {head_width}, must be even")
        self.head_width = head_width
        angles = rotation_angles(context, head_width, base)
        self.cos, self.sin = np.cos(angles), np.sin(angles)

    def __call__(self, x: Tensor, offset: int = 0) -> Tensor:
        check_context(offset + x.shape[2], len(self.cos))
        here = slice(offset, offset + x.shape[2])
        return autograd.rotary(x, cos=self.cos[here].astype(x.dtype), sin=self.sin[here].astype(x.dtype))


def rotation_angles(context: int, width: int, base: float = 10_000.0) -> np.ndarray:
    """t / base^(2i/width) for each place t and pair i   ->   (context, ⌈width/2⌉)"""
    return np.arange(context)[:, None] / base ** (np.arange(0, width, 2) / width)


def check_context(length: int, context: int) -> None:
    """Raise a ValueError if a sequence does not fit."""
    if length > context:
        raise ValueError(
            f"a sequence of {length} tokens is longer than the context of {context}; shorten it, or build the model "
            "with a larger context"
        )
