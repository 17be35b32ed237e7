"""Rotary positions: each pair of channels turned by an angle that grows with the place of the token."""

import numpy as np

from .pair import Kernel, prange


def turn(x, cos, sin):
    """(a, b) -> (a cos - b sin, b cos + a sin), a the first and b the second half of the channels.

    x (..., T, D)   cos, sin (T, D/2)
    """
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


@Kernel
def rotate(x, cos, sin):
    """Every head turned.   x (B, T, H, D), as attention has it   cos, sin (T, D/2)"""
    return turn(x, cos[:, None], sin[:, None])


@rotate.loops
def rotate(x, cos, sin):
    B, T, H, D = x.shape
    half = D // 2
    y = np.empty_like(x)
    for bt in prange(B * T):
        b, t = bt // T, bt % T
        for h in range(H):
            for i in range(half):
                first, second = x[b, t, h, i], x[b, t, h, half + i]
                y[b, t, h, i] = first * cos[t, i] - second * sin[t, i]
                y[b, t, h, half + i] = second * cos[t, i] + first * sin[t, i]
    return y
