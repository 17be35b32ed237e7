"""Rotary positions: each pair of channels turned by an angle that grows with the place of the token."""

import numpy as np

from .pair import Kernel, prange


@Kernel
def rotate(x, cos, sin):
    """(a, b) -> (a cos - b sin, b cos + a sin), a the first and b the second half of the channels.

    x (B, H, T, D)   cos, sin (T, D/2)
    """
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


@rotate.loops
def rotate(x, cos, sin):
    B, H, T, D = x.shape
    half = D // 2
    y = np.empty_like(x)
    for bh in prange(B * H):
        b, h = bh // H, bh % H
        for t in range(T):
            for i in range(half):
                first, second = x[b, h, t, i], x[b, h, t, half + i]
                y[b, h, t, i] = first * cos[t, i] - second * sin[t, i]
                y[b, h, t, half + i] = second * cos[t, i] + first * sin[t, i]
    return y
