"""How far the float32 loops are from the float64 formula: `python tests/kernels/precision.py` writes PRECISION.md.

Every kernel of floating-point numbers is called with its example, all of whose numbers are made large, tiny, denormal
or zero (but for results of the forward kernel, which could not be so), and with cases of its own that are hard for it (hard_cases.py). An error is the largest difference in a row,
divided by the largest number of the row, or of the whole array where that has one axis. Results below 1e-30 count as
zero; NaN or infinity where the formula has a number counts as an infinite error.

The bound is 1e-5, 84 units in the last place. In two cases a result depends so much on the inputs that rounding them
once moves it by more: the norm of a row whose numbers differ in their last digits only, and the gradients of attention,
dP - Σ dO O, which cancel to nothing where a query sees a single key. There the bound is 16 such movements.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from calls import EXAMPLES, is_float, results
from hard_cases import HARD

from minilm import kernels

EPS = 2.0**-23  # from 1 to the next float32
BOUND, ROUNDINGS, COUNTS_AS_ZERO = 1e-5, 16, 1e-30
SCALES = {"ordinary": 1, "1e4": 1e4, "1e-15": 1e-15, "1e-40": 1e-40, "zero": 0}
FROM_FORWARD = {  # whose arguments after dy are what the forward kernel gave or was given, and fit each other
    f"{name}_backward" for name in ("attention", "cross_entropy", "gru", "lstm", "rnn")
}
NAMES = [name for name in sorted(EXAMPLES) if any(map(is_float, EXAMPLES[name](np.random.default_rng(0), np.float32)))]


def cases(name: str) -> Iterator[tuple[str, tuple]]:
    """Names and float32 arguments of the calls of one kernel."""
    for scale, factor in SCALES.items():
        arguments = EXAMPLES[name](np.random.default_rng(0), np.float32)
        count = 1 if name in FROM_FORWARD else len(arguments)
        scaled = (a * np.float32(factor) if is_float(a) else a for a in arguments[:count])
        yield scale, (*scaled, *arguments[count:])
    yield from HARD[name].items()


def error(loops, name: str, arguments) -> float:
    """Of loops in float32, against the formula in float64."""
    return difference(results(loops, arguments), exact(name, arguments))


def exact(name: str, arguments) -> list[np.ndarray]:
    """What the formula gives in float64."""
    with np.errstate(all="ignore"):
        arguments = tuple(a.astype(np.float64) if is_float(a) else a for a in arguments)
        return results(kernels.ALL[name].reference, arguments)


def difference(got, true) -> float:
    """The largest of all arrays, relative to the row."""
    return max(relative(g.astype(float), t.astype(float)) for g, t in zip(got, true, strict=True))


def relative(got, true) -> float:
    finite = np.isfinite(true)
    if not np.array_equal(got[~finite], true[~finite]) or not np.isfinite(got[finite]).all():
        return np.inf
    got, true = np.where(finite, got, 0), np.where(finite, true, 0)
    size = np.abs(true).max(axis=-1, keepdims=True) if true.ndim > 1 else np.abs(true).max()
    return float((np.abs(got - true) / np.maximum(size, COUNTS_AS_ZERO)).max())


def bound(name: str, case: str, arguments) -> float:
    """The largest error that will do."""
    ill_conditioned = name == "attention_backward" or case == "numbers that differ in their last digits"
    return max(BOUND, ROUNDINGS * one_rounding(name, arguments)) if ill_conditioned else BOUND


def one_rounding(name: str, arguments) -> float:
    """How far the result moves when the inputs move by half a unit in the last place, up or down at random."""
    rng, true = np.random.default_rng(0), exact(name, arguments)

    def rounded(a):
        return a * (1 + EPS / 2 * rng.choice([-1.0, 1.0], a.shape)) if is_float(a) else a

    return max(difference(exact(name, tuple(map(rounded, arguments))), true) for _ in range(3))


def line(name: str) -> str:
    """The errors of a kernel, its own cases last."""
    errors = {case: f"{error(kernels.ALL[name].compiled, name, a):.0e}" for case, a in cases(name)}
    cells = [name, *(errors.pop(scale) for scale in SCALES), "; ".join(f"{case}: {e}" for case, e in errors.items())]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    head = f"# Errors of the float32 loops\n\n{__doc__}\n"
    table = [
        f"| kernel | {' | '.join(SCALES)} | its own cases |",
        "| --- " * (len(SCALES) + 2) + "|",
        *map(line, NAMES),
    ]
    Path(__file__).with_name("PRECISION.md").write_text(head + "\n".join(table) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
