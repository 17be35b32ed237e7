"""Judge a solution: run it on the cases, compare with the reference, and if it is wrong find what it behaves like."""

import copy
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .compare import Difference, difference, tolerance, worst_error
from .exercise import Exercise, Misconception
from .verdict import Verdict

PACKAGE = str(Path(__file__).parents[1])
OURS = str(Path(__file__).parent)
SLOW_SECONDS, SLOW_RATIO = 2.0, 200  # more than both is far too slow


class Case(NamedTuple):
    """Arguments, and what the reference makes of them."""

    arguments: tuple
    expected: Any
    tol: float

    @property
    def size(self) -> int:
        """How many numbers a reader of the case looks at."""
        return _numbers_in(self.arguments)


def _numbers_in(value) -> int:
    if isinstance(value, dict):
        return _numbers_in(list(value.values()))
    if isinstance(value, tuple | list):
        return sum(map(_numbers_in, value))
    return len(value) if isinstance(value, str) else np.size(value)


class Outcome(NamedTuple):
    """What a function did with a case: a value, or the exception it raised; and whether it changed its arguments."""

    value: Any = None
    error: BaseException | None = None
    changed: str | None = None


def judge(exercise: Exercise, function: Callable, seed: int = 0) -> Verdict:
    """The verdict on `function` as a solution of `exercise`, on the cases of `seed`."""
    if not callable(function):
        return Verdict(exercise, "not attempted", f"{exercise.name} is {function!r}, not a function yet.")
    cases = cases_of(exercise, seed)
    first = run(function, cases[0].arguments)
    if _did_nothing(first):
        return Verdict(exercise, "not attempted", "It does nothing yet: write the body and run the check again.")
    started = time.perf_counter()
    outcomes = [run(function, case.arguments) for case in cases]
    seconds = time.perf_counter() - started
    wrong = [i for i, case in enumerate(cases) if not agrees(outcomes[i], case)]
    if wrong:
        smallest = min(wrong, key=lambda i: (cases[i].size, i))
        return _wrong(exercise, cases, outcomes, smallest)
    return _correct(exercise, function, cases, outcomes, seconds)


def _did_nothing(outcome) -> bool:
    if outcome.error:
        return isinstance(outcome.error, NotImplementedError)
    return outcome.value is None or outcome.value is ...


def cases_of(exercise: Exercise, seed: int) -> list[Case]:
    """The exercise's cases, with the reference's answers."""
    found = []
    for arguments in exercise.cases(np.random.default_rng(seed)):
        with np.errstate(all="ignore"):
            expected = exercise.expected(*copy.deepcopy(arguments))
        found.append(Case(arguments, expected, tolerance(arguments, expected)))
    return found


def run(function: Callable, arguments: tuple) -> Outcome:
    """Call it with copies of the arguments, and see what becomes of them."""
    given = copy.deepcopy(arguments)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = function(*given)
    except Exception as error:
        return Outcome(error=error)
    return Outcome(value, changed=_changed(given, arguments))


def _changed(given, arguments) -> str | None:
    for number, (now, before) in enumerate(zip(given, arguments, strict=True)):
        if isinstance(before, np.ndarray | list | dict) and difference(now, before, 0.0):
            return str(number)
    return None


def agrees(outcome: Outcome, case: Case) -> bool:
    """Whether it is the expected result."""
    return outcome.error is None and difference(outcome.value, case.expected, case.tol) is None


def matching(exercise: Exercise, cases: list[Case], outcomes: list[Outcome]) -> Misconception | None:
    """The misconception that does the same on every case."""
    for misconception in exercise.misconceptions:
        if all(
            alike(outcome, run(misconception.wrong, case.arguments), case.tol)
            for case, outcome in zip(cases, outcomes, strict=True)
        ):
            return misconception
    return None


def alike(a: Outcome, b: Outcome, tol: float) -> bool:
    """Whether two functions did the same with a case."""
    if a.error is not None or b.error is not None:
        return type(a.error) is type(b.error)
    try:
        return difference(a.value, b.value, tol) is None
    except (TypeError, ValueError):  # values of kinds that cannot be compared
        return False


def _wrong(exercise, cases, outcomes, i) -> Verdict:
    case, outcome = cases[i], outcomes[i]
    shown = {"arguments": case.arguments, "expected": case.expected, "got": outcome.value}
    if found := matching(exercise, cases, outcomes):
        sentence = f"Your {exercise.name} behaves exactly as if {found.says}."
        index = None if outcome.error else _difference(exercise, outcome, case).index
        return Verdict(
            exercise, "misconception", sentence, question=found.asks, misconception=found.name, index=index, **shown
        )
    if outcome.error:
        shown["got"] = outcome.error
        return Verdict(exercise, "error", _of_error(exercise, outcome.error), **shown)
    found = _difference(exercise, outcome, case)
    return Verdict(exercise, found.kind, f"The result is not right: {found.sentence}.", index=found.index, **shown)


def _difference(exercise, outcome, case) -> Difference:
    return difference(outcome.value, case.expected, case.tol, exercise.returns)


def _of_error(exercise, error) -> str:
    """The exception, and the line of the learner's own code that it came from."""
    trace, line = error.__traceback__, None
    while trace:
        if not trace.tb_frame.f_code.co_filename.startswith(PACKAGE):
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f" in line {line} of the cell or file" if line else ""
    return f"{exercise.name} raised {type(error).__name__}{where}: {error}"


def _correct(exercise, function, cases, outcomes, seconds) -> Verdict:
    changed = next(((case, o.changed) for case, o in zip(cases, outcomes, strict=True) if o.changed), None)
    if changed:
        case, number = changed
        name = list(exercise.arguments)[int(number)]
        sentence = f"The values are right, but {name} is not what it was: your function changes its argument in place."
        return Verdict(exercise, "changed", sentence, arguments=case.arguments,
                       question="Who else may still need the array that was passed in?")  # fmt: skip
    for case, outcome in zip(cases, outcomes, strict=True):
        if not alike(run(function, case.arguments), outcome, 0.0):
            sentence = "The values are right, but a second call with the same arguments gives others."
            return Verdict(exercise, "not deterministic", sentence, arguments=case.arguments,
                           question="Where does chance, or a memory of the last call, come in?")  # fmt: skip
    if name := borrowed(function, cases):
        sentence = f"It calls minilm's own code ({name}). The check is about a function that you write yourself."
        return Verdict(exercise, "borrowed", sentence)
    started = time.perf_counter()
    for case in cases:
        run(exercise.expected, case.arguments)
    ratio = seconds / (time.perf_counter() - started)
    if seconds > SLOW_SECONDS and ratio > SLOW_RATIO:
        sentence = f"The values are right, but it takes {ratio:.0f} times as long as the reference."
        return Verdict(exercise, "slow", sentence, question="Which loop could be one operation on whole arrays?")
    worst = max(worst_error(o.value, case.expected) for case, o in zip(cases, outcomes, strict=True))
    sentence = f"{len(cases)} cases, largest relative difference {worst:.1e}."
    return Verdict(exercise, "correct", sentence, note=_note(cases, outcomes))


def _note(cases, outcomes) -> str:
    """A remark on a correct solution."""
    for case, outcome in zip(cases, outcomes, strict=True):
        if getattr(case.expected, "dtype", None) == np.float32 and getattr(outcome.value, "dtype", None) == np.float64:
            return "float32 went in and float64 came out (as from np.sqrt of a whole number, where math.sqrt would do)."
    return ""


def borrowed(function: Callable, cases: list[Case]) -> str | None:
    """The first file of minilm whose code a solution runs, if any: seen by watching it."""
    seen = []

    def watch(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE) and not code.co_filename.startswith(OURS):
            seen.append(Path(code.co_filename).relative_to(PACKAGE).as_posix())

    before = sys.getprofile()
    for case in cases[:3]:
        arguments = copy.deepcopy(case.arguments)
        sys.setprofile(watch)
        try:
            with np.errstate(all="ignore"):
                function(*arguments)
        finally:
            sys.setprofile(before)
    return seen[0] if seen else None
