"""The minimum of a smooth convex function of one vector, by L-BFGS."""

from collections import deque
from collections.abc import Callable

import numpy as np

MEMORY = 10  # steps that tell of the curvature

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]


def minimise(function: Function, x: np.ndarray, *, steps: int = 100, tolerance: float = 1e-5) -> np.ndarray:
    """x ← x - t H g, H from the last ten steps, t = 1, 1/2, 1/4 ... until the function has fallen enough.

    Nocedal and Wright, *Numerical Optimization*, 2nd edition, 2006: algorithm 7.5, with the condition of equation 3.4
    (c₁ = 10⁻⁴).

    Parameters
    ----------
    function : from x (N,) to its value and its gradient (N,)
    x : (N,)
        Where to begin.
    steps : int
        The most to make.
    tolerance : float
        The length of the gradient, as a part of its first, at which to end.

    >>> minimise(lambda x: (float(((x - 3) ** 2).sum()), 2 * (x - 3)), np.zeros(2)).round(4).tolist()
    [3.0, 3.0]
    """
    value, g = function(x)
    enough, memory = tolerance * np.linalg.norm(g), deque(maxlen=MEMORY)
    for _ in range(steps):
        if np.linalg.norm(g) <= enough:
            break
        direction = -_times_inverse_curvature(memory, g)
        t = 1.0 if memory else min(1.0, 1 / np.abs(g).sum())
        slope = g @ direction
        while (found := function(x + t * direction))[0] > value + 1e-4 * t * slope and t > 1e-10:
            t /= 2
        value, new_g = found
        memory.append((t * direction, new_g - g))
        x, g = x + t * direction, new_g
    return x


def _times_inverse_curvature(memory, g) -> np.ndarray:
    """H g, by algorithm 7.4: s are steps, y what they changed the gradient by."""
    q, shares = g.copy(), []
    for s, y in reversed(memory):
        shares.append(s @ q / (s @ y))
        q -= shares[-1] * y
    if memory:
        s, y = memory[-1]
        q *= s @ y / (y @ y)
    for (s, y), share in zip(memory, reversed(shares), strict=True):
        q += (share - y @ q / (s @ y)) * s
    return q
