"""Is a gradient right? The analytic one beside central differences in float64; if not, what is the error like?"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from minilm.autograd import Tensor

from .explain import Comparison, explain
from .finding import Finding
from .slopes import Differences, as_rule, value_of

SAMPLE, LARGEST = 200, 20  # elements of an array that are compared: drawn at random, and those of largest gradient


@dataclass(repr=False)
class GradientReport(Finding):
    """What `gradient` found, and the worst element: its array, its index, and the two numbers that should be equal."""

    argument: int | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    explanation: str = ""  # of all that differs in this array; empty if no simple one fits


def gradient(f: Callable, *arrays: ArrayLike, eps: float = 1e-6, seed: int = 0) -> GradientReport:
    """Compare the gradients of Σ dy · f(arrays) with (f(x + ε) - f(x - ε)) / 2ε, element by element.

    dy is random: with dy = 1 everywhere, a rule that forgets dy or transposes it would look right.

    Parameters
    ----------
    f : callable
        A rule, f(*arrays) -> (value, backward) with backward(dy) -> a tuple, one gradient per array; or a function of
        Tensors that returns a Tensor.
    *arrays : array_like
        Converted to float64, and not changed. Of an array larger than 200 a random sample is compared, and besides
        the elements of largest gradient.
    eps : float
        ε, for numbers up to 1; relative to those that are larger.
    seed : int
        Of dy and of the sample.

    Raises
    ------
    ValueError
        If f is of neither form, has no float64 value, or gives another value the second time.

    Examples
    --------
    >>> def square(x):
    ...     return x**2, lambda dy: (dy * x,)
    >>> gradient(square, [1.0, 2.0, 3.0]).explanation
    'It is 1/2 of what it should be, everywhere.'
    """
    names = _names(f, len(arrays))
    if not eps > 0:
        raise ValueError(f"eps is {eps}; expected a small step above 0, such as 1e-6")
    arrays = [_as_floats(name, array) for name, array in zip(names, arrays, strict=True)]
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        rule = as_rule(f, arrays)
        value = value_of(rule, arrays)
        differences = Differences(rule, arrays, value, np.asarray(rng.standard_normal(value.shape)), eps)
        gradients, changed = _analytic(differences, names)
        if fault := _missing(gradients, names):
            return fault
        parts = [_compare(differences, i, given, rng) for i, given in enumerate(gradients)]
        return _report(parts, names, changed)


def _names(f, count) -> list[str]:
    if not callable(f) or not count:
        raise ValueError(f"f is {f!r} with {count} arrays; expected a function and its arrays: gradient(f, x, y)")
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # some compiled functions have none
        parameters = ()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [f"arrays[{i}]" + (f" ({names[i]})" if i < len(names) else "") for i in range(count)]


def _as_floats(name, array) -> np.ndarray:
    array = np.asarray(array.data if isinstance(array, Tensor) else array)
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} holds {array.dtype}; expected real numbers: "
            "what is not differentiated belongs inside the function, lambda x: f(x, mask)"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected numbers around which f has a slope")
    return array.astype(np.float64)


def _analytic(differences, names):
    """What backward gives, and the names of what was changed on the way."""
    before = [*differences.arrays, differences.dy]
    *arrays, dy = after = [array.copy() for array in before]
    gradients = differences.rule(*arrays)[1](dy)
    if isinstance(gradients, tuple | list):
        gradients = [_as_gradient(given) for given in gradients]
    trios = zip([*names, "dy"], before, after, strict=True)
    return gradients, [name for name, old, new in trios if not np.array_equal(old, new)]


def _as_gradient(given) -> np.ndarray | None:
    try:
        return None if given is None else np.array(given, float)
    except (TypeError, ValueError):
        raise ValueError(f"backward gave {given!r}; expected an array of real numbers for each array") from None


def _missing(gradients, names) -> GradientReport | None:
    """The report on gradients that are not there; None if all are."""
    if not isinstance(gradients, list):
        sentence = f"backward returned {type(gradients).__name__}, expected a tuple: one gradient for each array."
        return GradientReport("gradient", False, sentence)
    if len(gradients) != len(names):
        sentence = f"backward returned {len(gradients)} gradients, expected {len(names)}: one for each array."
        return GradientReport("gradient", False, sentence)
    given = [name for name, array in zip(names, gradients, strict=True) if array is not None]
    if len(given) == len(names):
        return None
    i = next(i for i, array in enumerate(gradients) if array is None)
    why = f"A gradient is given for {' and '.join(given)} only." if given else "No gradient is given at all."
    sentence = f"The gradient for {names[i]} is None."
    return GradientReport("gradient", False, sentence, (why,), argument=i, explanation=why)


def _compare(differences, i, given, rng) -> Comparison:
    array = differences.arrays[i]
    places = _places(array, given, rng)
    slopes = [differences.slopes(i, place) for place in places]
    numeric, plain = (np.array([getattr(s, name) for s in slopes]) for name in ("central", "plain"))
    largest = np.abs(numeric[np.isfinite(numeric)]).max(initial=0.0)
    tol = 1e-5 * np.abs(numeric) + 1e-7 * largest + differences.noise + 1e-12
    found = Comparison(given, array, differences.value, places, numeric, plain, tol, np.ones(len(places), bool))
    doubtful = found.errors(given) > 1
    smooth = [not (doubt and differences.is_kink(i, place)) for doubt, place in zip(doubtful, places, strict=True)]
    return found._replace(smooth=np.array(smooth, bool))


def _places(array, given, rng) -> np.ndarray:
    """The flat indices that are compared."""
    if array.size <= SAMPLE:
        return np.arange(array.size)
    drawn = rng.choice(array.size, SAMPLE, replace=False)
    if given.shape != array.shape:
        return np.sort(drawn)
    size = np.nan_to_num(np.abs(given.ravel()), nan=np.inf)
    return np.union1d(drawn, np.argsort(size)[-LARGEST:])


def _report(parts, names, changed) -> GradientReport:
    notes = tuple(remark for part, name in zip(parts, names, strict=True) for remark in _remarks(part, name))
    if not all(part.correct for part in parts):
        return _wrong(parts, names, notes)
    if changed:
        sentence = f"The numbers are right, but f or its backward changes {' and '.join(changed)} in place."
        return GradientReport("gradient", False, sentence, notes)
    count = sum(int(part.smooth.sum()) for part in parts)
    if not count and any(part.array.size for part in parts):
        return GradientReport("gradient", False, "No element could be compared: choose other arrays.", notes)
    return GradientReport("gradient", True, f"{count} elements equal central differences.", notes)


def _remarks(part, name) -> Iterator[str]:
    if not part.array.size:
        yield f"{name} has no elements: only the shape of its gradient was checked."
    if not part.smooth.all():
        kinks = part.places[~part.smooth]
        yield (
            f"{name} at {list(_index(part, kinks[0]))}: the slopes to the left and to the right disagree. Near such a "
            f"kink central differences mean nothing. Left out: {len(kinks)} of {len(part.places)} elements."
        )


def _index(part, place) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(place, part.array.shape))


def _wrong(parts, names, notes) -> GradientReport:
    """The report on the worst array, with a line on each of the others."""
    worst = max(range(len(parts)), key=lambda i: parts[i].errors(parts[i].given).max(initial=-float(parts[i].correct)))
    part, name, explanation = parts[worst], names[worst], explain(parts[worst])
    others = [f"{names[i]}: {_in_short(parts[i])}" for i in range(len(parts)) if i != worst]
    notes = (*filter(None, [explanation]), *others, *notes)
    if part.given.shape != part.array.shape:
        sentence = f"The gradient for {name} has shape {part.given.shape}, expected {part.array.shape}, the array's."
        return GradientReport("gradient", False, sentence, notes, argument=worst, explanation=explanation)
    errors = part.errors(part.given)
    k = int(errors.argmax())
    index, analytic, numeric = (
        _index(part, part.places[k]),
        float(part.at_places(part.given)[k]),
        float(part.numeric[k]),
    )
    where = f", most at {list(index)}" if index else ""
    sentence = (
        f"The gradient for {name} differs, in {(errors > 1).sum()} of {len(errors)} elements{where}: "
        f"analytic {analytic:.6g}, numeric {numeric:.6g}."
    )
    return GradientReport("gradient", False, sentence, notes, worst, index, analytic, numeric, explanation)


def _in_short(part) -> str:
    return "right." if part.correct else f"wrong too. {explain(part)}".strip()
