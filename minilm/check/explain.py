"""What a wrong gradient looks like as a whole: a sum left out, a sign, a factor, a transposition."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minilm.autograd import unbroadcast


class Comparison(NamedTuple):
    """One array's gradient as it was given, and the slopes at the places (flat indices) where it was compared."""

    given: np.ndarray
    array: np.ndarray
    value: np.ndarray  # of the function
    places: np.ndarray
    numeric: np.ndarray
    plain: np.ndarray  # the slopes with dy = 1
    tol: np.ndarray
    smooth: np.ndarray  # whether f has a slope there

    def at_places(self, candidate: np.ndarray) -> np.ndarray:
        """The elements of an array as large as the gradient should be that are compared."""
        return candidate.ravel()[self.places]

    def errors(self, candidate: np.ndarray) -> np.ndarray:
        """How far off a gradient is, in units of what is tolerable; all of it if its shape is not the array's."""
        if candidate.shape != self.array.shape:
            return np.full(len(self.places), np.inf)
        distance = np.abs(self.at_places(candidate) - self.numeric) / self.tol
        return np.where(self.smooth, np.nan_to_num(distance, nan=np.inf), 0.0)

    def fits(self, candidate: np.ndarray) -> bool:
        """Whether this would have been the right gradient."""
        return candidate.shape == self.array.shape and bool((self.errors(candidate) <= 1).all())

    @property
    def correct(self) -> bool:
        """Whether the gradient that was given is the right one."""
        return self.fits(self.given)


def explain(found: Comparison) -> str:
    """The first simple error that makes the whole gradient what it is; an empty string if there is none."""
    return next(_explanations(found), "")


def _explanations(found) -> Iterator[str]:
    given, shape = found.given, found.array.shape
    if given.shape != shape:
        yield from _of_shape(found)
    if given.ndim >= 2 and found.fits(given.swapaxes(-1, -2)):
        yield "It is transposed."
    if given.shape == shape:
        yield from _of_values(found)


def _of_shape(found) -> Iterator[str]:
    given, shape = found.given, found.array.shape
    if given.size == found.array.size and found.fits(given.reshape(shape)):
        yield f"The numbers are right, in another shape: reshape to {shape}."
    elif _spreads(shape, given.shape) and found.fits(unbroadcast(given, shape)):
        yield f"The sum over {_axes(shape, given.shape)} is missing, along which the array was repeated (broadcast)."
    elif _spreads(given.shape, shape) and found.fits(np.broadcast_to(given, shape)):
        yield f"It is not yet spread over the array: broadcast it to {shape}."


def _spreads(small, large) -> bool:
    """Whether an array of the shape `small` broadcasts to `large`."""
    aligned = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(a in (1, b) for a, b in aligned)


def _axes(small, large) -> str:
    """The axes of `large` along which `small` is repeated."""
    padded = (1,) * (len(large) - len(small)) + small
    axes = [str(axis) for axis, (a, b) in enumerate(zip(padded, large, strict=True)) if a != b]
    return f"ax{'i' if len(axes) == 1 else 'e'}s {' and '.join(axes)}"


def _of_values(found) -> Iterator[str]:
    given = found.given
    if not np.isfinite(given).all():
        yield f"It is NaN or infinite at {(~np.isfinite(given)).sum()} of {given.size} elements."
        return
    if not given.any():
        yield "It is zero everywhere: was the graph cut, by .data, .detach() or no_grad()?"
    if found.fits(-given):
        yield "It has the wrong sign everywhere."
    if found._replace(numeric=found.plain).correct:
        yield "It is the gradient of Σ f: dy plays no part in it."
    yield from _of_factor(found)


def _of_factor(found) -> Iterator[str]:
    given, numeric = found.at_places(found.given)[found.smooth], found.numeric[found.smooth]
    factor = (given @ numeric) / (given @ given or 1.0)  # by least squares
    if not factor or not found.fits(factor * found.given):
        return
    for ratio, words in ((1 / factor, "{} times"), (factor, "1/{} of")):
        n = round(ratio)
        if abs(n) >= 2 and abs(ratio - n) < 1e-4 * abs(n):
            yield f"It is {words.format(n)} what it should be, everywhere.{_hint(abs(n), found)}"
    if np.count_nonzero(given) >= 3:  # one number is always some multiple of another
        yield f"It is {1 / factor:.4g} times what it should be, everywhere."


def _hint(n, found) -> str:
    if n == 2 or n not in {*found.value.shape, *found.array.shape, found.value.size, found.array.size}:
        return ""  # 2 is more often that of a square
    return f" {n} is also how many elements there are: was a mean taken for a sum, or a sum for a mean?"
