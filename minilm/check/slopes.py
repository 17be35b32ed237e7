"""Slopes by differences: move one element a little to the left and to the right, and see how the value changes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minilm.autograd import Tensor


class Slopes(NamedTuple):
    """Of Σ dy · f with respect to one element: central, to the left, to the right; and central with dy = 1."""

    central: float
    left: float
    right: float
    plain: float


class Differences(NamedTuple):
    """A rule, and the arrays around which its value is differentiated.

    >>> square = Differences(lambda x: (x**2, None), [np.array([3.0])], np.array([9.0]), dy=np.array([1.0]), eps=1e-6)
    >>> print(round(square.slopes(0, 0).central, 6))
    6.0
    """

    rule: Callable
    arrays: list[np.ndarray]
    value: np.ndarray
    dy: np.ndarray
    eps: float

    def slopes(self, i: int, place: int, scale: float = 1.0) -> Slopes:
        """With respect to the element of arrays[i] at the flat index `place`."""
        x = self.arrays[i].flat[place]
        h = scale * self.eps * max(1.0, abs(x))
        low, high = x - h, x + h  # rounded, so that the step made is not exactly h
        below, above = self._moved(i, place, low), self._moved(i, place, high)
        central = _change(below, above) / (high - low)
        left, right = _change(below, self.value) / (x - low), _change(self.value, above) / (high - x)
        return Slopes(*((self.dy * slope).sum() for slope in (central, left, right)), central.sum())

    def _moved(self, i, place, x) -> np.ndarray:
        arrays = [array.copy() for array in self.arrays]
        arrays[i].flat[place] = x
        return np.asarray(self.rule(*arrays)[0])

    def is_kink(self, i: int, place: int) -> bool:
        """Whether left and right disagree, and not because of curvature: that grows tenfold with a tenfold step."""
        near, far = self.slopes(i, place), self.slopes(i, place, scale=10)
        gap, far_gap = abs(near.right - near.left), abs(far.right - far.left)
        if not np.isfinite(gap):  # f ends here
            return True
        return gap > 1e-4 * max(abs(near.left), abs(near.right)) + 10 * self.noise and not far_gap > 5 * gap

    @property
    def noise(self) -> float:
        """What the rounding of the value does to a slope, generously."""
        weighted = self.dy * self.value
        return 1e-14 * float(np.linalg.norm(weighted[np.isfinite(weighted)])) / self.eps


def _change(before, after):
    return np.where(before == after, 0.0, after - before)  # -inf behind a mask stays what it is


def as_rule(f: Callable, arrays: list[np.ndarray]) -> Callable:
    """A rule as it is, and a function of Tensors as a rule."""
    if hasattr(f, "rule"):  # one of minilm's operations
        return f.rule
    outcomes = []
    for kind in (np.array, Tensor):
        try:
            result = f(*(kind(array.copy()) for array in arrays))
        except Exception as error:
            outcomes.append(f"raised {type(error).__name__} ({error})")
            continue
        if kind is np.array and isinstance(result, tuple) and len(result) == 2 and callable(result[1]):
            return f
        if isinstance(result, Tensor):
            return _taped(f)
        outcomes.append(f"returned {type(result).__name__}")
    raise ValueError(
        f"f {outcomes[0]} for arrays, and {outcomes[1]} for Tensors; expected (value, backward) for arrays, or a "
        "Tensor for Tensors. All arguments are made float64: ids belong inside the function, lambda x: f(x, ids)"
    )


def _taped(f) -> Callable:
    def rule(*arrays):
        tensors = [Tensor(array, requires_grad=True) for array in arrays]
        y = f(*tensors)

        def backward(dy):
            if y.requires_grad:
                y.backward(dy)
            return [np.zeros(x.shape) if x.grad is None else x.grad for x in tensors]

        return y.data, backward

    return rule


def value_of(rule: Callable, arrays: list[np.ndarray]) -> np.ndarray:
    """The value, after a look that differences can be taken of it."""
    value, again = (np.asarray(rule(*(array.copy() for array in arrays))[0]) for _ in range(2))
    if value.dtype != np.float64:
        raise ValueError(
            f"the value of f holds {value.dtype}; expected float64, as differences drown in rounding otherwise: "
            "convert constants and parameters, model.astype(np.float64)"
        )
    if np.isnan(value).any():
        raise ValueError("the value of f is NaN in places; expected arrays for which f is defined")
    if not np.array_equal(value, again):
        raise ValueError(
            "f gave another value the second time; expected the same for the same arrays: "
            "switch dropout off, or draw random numbers outside of f"
        )
    return value
