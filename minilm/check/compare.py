"""Are two results the same, but for rounding? And if not, what is the first honest difference?"""

from numbers import Number
from typing import Any, NamedTuple

import numpy as np

TOLERANCE = {"float32": 1e-4, "float64": 1e-8}  # of the largest number expected


class Difference(NamedTuple):
    """What differs: its kind ("type", "shape", "nan" or "value"), a sentence, and where in an array."""

    kind: str
    sentence: str
    index: tuple[int, ...] | None = None


def tolerance(arguments: Any, expected: Any) -> float:
    """Loose where float32 takes part, tight otherwise."""
    return TOLERANCE["float32" if _has_float32((arguments, expected)) else "float64"]


def _has_float32(value) -> bool:
    if isinstance(value, dict):
        return _has_float32(list(value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_float32, value))
    return getattr(value, "dtype", None) == np.float32


def difference(got: Any, expected: Any, tol: float, axes: str = "") -> Difference | None:
    """The first difference, None if there is none.

    Numbers, arrays, text, and tuples, lists and dictionaries of them. A list of numbers is as good as an array.

    >>> difference([1.0, 2.0], np.array([1.0, 2.5]), 1e-8).sentence
    'at [1] it is 2, expected 2.5'
    """
    if isinstance(expected, str | bytes | bool | type(None)):
        return None if _plain(got) == expected else Difference("value", f"it is {got!r}, expected {expected!r}")
    if isinstance(expected, dict):
        return _difference_of_dicts(got, expected, tol)
    if isinstance(expected, tuple | list) and not _is_numeric(expected):
        return _difference_of_parts(got, expected, tol)
    return _difference_of_arrays(got, np.asarray(expected), tol, axes)


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _is_numeric(value) -> bool:
    """Whether it is a list of numbers, or of such lists of equal length."""
    if isinstance(value, list | tuple) and value and all(isinstance(part, Number | np.generic) for part in value):
        return not any(isinstance(part, bool) for part in value)
    return False


def _difference_of_dicts(got, expected, tol):
    if not isinstance(got, dict):
        return Difference("type", f"it is a {type(got).__name__}, expected a dictionary")
    if set(got) != set(expected):
        odd = sorted(map(repr, set(got) ^ set(expected)))[0]
        return Difference("value", f"the key {odd} is {'not expected' if odd in map(repr, got) else 'missing'}")
    for key in expected:
        if found := difference(got[key], expected[key], tol):
            return Difference(found.kind, f"under {key!r}: {found.sentence}", found.index)
    return None


def _difference_of_parts(got, expected, tol):
    if not isinstance(got, tuple | list | np.ndarray) or (isinstance(got, np.ndarray) and got.ndim == 0):
        return Difference("type", f"it is a {type(got).__name__}, expected {len(expected)} values")
    if len(got) != len(expected):
        return Difference("shape", f"it has {len(got)} values, expected {len(expected)}")
    for i, (a, b) in enumerate(zip(got, expected, strict=True)):
        if found := difference(a, b, tol):
            return Difference(found.kind, f"value {i + 1} of {len(expected)}: {found.sentence}", found.index)
    return None


def _difference_of_arrays(got, expected, tol, axes):
    try:
        got = np.asarray(got)
    except ValueError:
        return Difference("type", "it is a list of lists of unequal length, expected an array")
    if got.dtype.kind not in "biuf":
        kind = got.dtype if got.ndim else type(got[()]).__name__
        return Difference("type", f"it is of type {kind}, expected numbers")
    if got.shape != expected.shape:
        named = f" {axes}" if axes.startswith("(") else ""
        return Difference("shape", f"its shape is {got.shape}, expected{named} {expected.shape}")
    if expected.dtype.kind == "b" and got.dtype.kind != "b":
        return Difference("type", f"its dtype is {got.dtype}, expected bool")
    wrong = ~np.isclose(got, expected, rtol=tol, atol=tol * _scale(expected), equal_nan=True)
    if not wrong.any():
        return None
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = f"at [{', '.join(map(str, index))}] " if index else ""
    kind = "nan" if np.isnan(got[index]) and not np.isnan(expected[index]) else "value"
    it, should_be = _told_apart(got[index], expected[index])
    return Difference(kind, f"{place}it is {it}, expected {should_be}", index)


def _told_apart(a, b) -> tuple[str, str]:
    """Two numbers in six digits, or in all where six are not enough to tell them apart."""
    short = f"{a:.6g}", f"{b:.6g}"
    return short if short[0] != short[1] else (str(a), str(b))


def _scale(expected) -> float:
    finite = np.abs(expected[np.isfinite(expected)].astype(float))
    return float(finite.max(initial=0.0)) or 1.0


def worst_error(got: Any, expected: Any) -> float:
    """The largest distance of two results that agree, as a part of the largest number expected."""
    if isinstance(expected, dict):
        return max((worst_error(got[key], expected[key]) for key in expected), default=0.0)
    if isinstance(expected, str | bytes | bool | type(None)):
        return 0.0
    if isinstance(expected, tuple | list) and not _is_numeric(expected):
        return max((worst_error(a, b) for a, b in zip(got, expected, strict=True)), default=0.0)
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    both = np.isfinite(got) & np.isfinite(expected)
    return float(np.abs(got[both] - expected[both]).max(initial=0.0)) / _scale(expected)
