"""What runs inside a grade cell: minilm anew from disk, so that nothing a submission did to it counts.

A submission shares the process with its judge. It may have replaced `check.solution`, put a module of its own into
`sys.modules`, or changed NumPy. So this file is read from disk by the grade cell, imports only the standard library at
its top, and then

1. sets aside whatever is loaded as minilm, imports minilm again, and names what differs in minilm.check;
2. has a solution judged that is known to be wrong: where that passes, something else was changed;
3. judges the submission, and watches whether it runs minilm's own code.

This finds what students do; a program that knows this file can defeat it, which is why TEACHING.md says where to grade.
"""

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import PathFinder
from pathlib import Path
from types import FunctionType

PACKAGE = Path(__file__).resolve().parents[1]
CHECK = str(PACKAGE / "check")
REPORTED = ("changed", "borrowed")  # the kinds of verdict that a teacher wants to hear of


def grade(name: str, function, seeds: Iterable[int], notebook: dict) -> None:
    """Pass in silence, or raise the verdict, which costs the cell's points.

    Parameters
    ----------
    name : str
        Of the exercise.
    function : callable
        The student's; anything else is not a solution.
    seeds : whole numbers
        Of the hidden cases.
    notebook : dict
        The notebook's global names.

    Raises
    ------
    AssertionError
        With the verdict as text.
    """
    found = verdict(name, function, seeds, notebook)
    if not found.correct:
        _clear_output()
        raise AssertionError(f"{'REPORTED ' if found.kind in REPORTED else ''}{found!r}")


def verdict(name: str, function, seeds: Iterable[int], notebook: dict):
    """The verdict of a fresh minilm; its kind may also be "changed" (the check) and "borrowed" (minilm's code)."""
    with fresh() as loaded:
        from minilm.check.topics import find
        from minilm.check.verdict import Verdict

        exercise = find(name)
        if found := changed(loaded, notebook) or fooled(exercise):
            return Verdict(exercise, "changed", f"No points: {found}.")
        return _judged(exercise, function, tuple(seeds))


def _judged(exercise, function, seeds):
    from minilm.check.judge import judge
    from minilm.check.verdict import Verdict

    for seed in seeds:
        found = judge(exercise, function, seed)
        if not found.correct:
            return found
    if place := borrowed(exercise, function, seeds[0]):
        return Verdict(exercise, "borrowed", f"No points: it runs minilm's own {place} instead of code written here.")
    return found


def _clear_output() -> None:
    """nbgrader takes the first number that a cell shows for its points: show none but the verdict."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        sys.modules["IPython"].display.clear_output()


@contextmanager
def fresh() -> Iterator[dict]:
    """minilm as it stands on disk, whatever was loaded under its name; yields the latter, and puts it back."""
    loaded, path, finders = _set_aside(), sys.path[:], sys.meta_path[:]
    sys.path.insert(0, str(PACKAGE.parent))
    sys.meta_path.insert(0, PathFinder)
    try:
        if Path(importlib.import_module("minilm").__file__).resolve().parent != PACKAGE:
            raise AssertionError("REPORTED No points: another minilm than the installed one gets imported.")
        yield loaded
    finally:
        _set_aside()
        sys.path[:], sys.meta_path[:] = path, finders
        sys.modules.update(loaded)


def _set_aside() -> dict:
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "minilm"}


def changed(loaded: dict, notebook: dict) -> str:
    """What of minilm.check, as the submission left it, is not minilm's; empty if all is."""
    if "check" in notebook and notebook["check"] is not loaded.get("minilm.check"):
        return "the name `check` is not minilm.check"
    for name in (name for name in loaded if name.startswith("minilm.check") and "topics" not in name):
        with suppress(ImportError):
            ours = importlib.import_module(name)
            if getattr(loaded[name], "__file__", None) != ours.__file__:
                return f"{name} was replaced"
            theirs = vars(loaded[name])
            if odd := [
                key for key, value in vars(ours).items() if key[:2] != "__" and not same(theirs.get(key), value)
            ]:
                return f"{name}.{odd[0]} was changed"
    return ""


def same(theirs, ours) -> bool:
    """Whether it is the same function, class or constant; what is none of these may differ."""
    if isinstance(ours, type):
        return isinstance(theirs, type) and all(
            same(vars(theirs).get(key), value) for key, value in vars(ours).items() if not isinstance(value, type)
        )
    if isinstance(ours, property):
        return isinstance(theirs, property) and same(theirs.fget, ours.fget)
    ours, theirs = (inspect.unwrap(value) if callable(value) else value for value in (ours, theirs))
    if isinstance(ours, FunctionType):
        return isinstance(theirs, FunctionType) and theirs.__code__ == ours.__code__
    return not isinstance(ours, int | float | str) or theirs == ours


def fooled(exercise) -> str:
    """The negative control: empty if the judge refuses every solution that is known to be wrong."""
    from minilm.check.judge import judge

    for misconception in exercise.misconceptions:
        if judge(exercise, misconception.wrong).correct:
            return f"the check calls a wrong solution ({misconception.name}) correct, so something it uses was changed"
    return ""


def borrowed(exercise, function: Callable, seed: int) -> str:
    """The first function of the catalogue that a solution runs; empty if none (the judge looks for the rest of minilm).

    What the reference runs too came with the arguments, such as the model of a beam search.
    """
    from minilm.check.judge import cases_of

    cases = [case.arguments for case in cases_of(exercise, seed)[:3]]
    allowed = set(ran(exercise.expected, cases)) - {_place(exercise.answer or exercise.reference)}
    return next((place[0] for place in ran(function, cases) if place not in allowed), "")


def ran(function: Callable, cases: Iterable[tuple]) -> list[tuple[str, int]]:
    """Name and line of the catalogue's functions that run when it is called with the cases."""
    import copy

    seen = []

    def watch(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(CHECK):
            seen.append(_place(frame))

    before = sys.getprofile()
    for arguments in copy.deepcopy(list(cases)):
        sys.setprofile(watch)
        try:
            function(*arguments)
            if sys.getprofile() is not watch:
                seen.append(("code out of sight (it switches the watch off)", 0))
        finally:
            sys.setprofile(before)
    return seen


def _place(owner) -> tuple[str, int]:
    code = getattr(owner, "f_code", None) or getattr(inspect.unwrap(owner), "__code__", None)
    return (f"{code.co_name} ({Path(code.co_filename).name})", code.co_firstlineno) if code else ("", 0)


def run_notebook(path: Path) -> dict:
    """The global names after running a notebook's code cells, with no limit of time; a cell that fails is passed over.

    For graders that bring their own container and limit, such as Gradescope's; nbgrader runs notebooks itself.
    """
    names = {"__name__": "__main__"}
    for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            with suppress(Exception, SystemExit):
                exec("\n".join(line for line in lines if not line.startswith(("%", "!"))), names)
    return names


def results_json(verdicts: Iterable, points: float | dict[str, float] = 1, visibility: str = "visible") -> str:
    """What Gradescope reads from `results.json`: one test for each verdict, all of its points or none.

    Parameters
    ----------
    verdicts : verdicts
        Of `verdict`, or of `minilm.check.solution`.
    points : number, or a number for each exercise's name
        What a solved exercise is worth.
    visibility : {"visible", "hidden", "after_due_date", "after_published"}
        Who sees the tests, and when.
    """
    tests = [_gradescope_test(found, points, visibility) for found in verdicts]
    return json.dumps({"tests": tests}, indent=2, ensure_ascii=False) + "\n"


def _gradescope_test(found, points, visibility) -> dict:
    name = found.exercise.name
    worth = points[name] if isinstance(points, dict) else points
    return {
        "name": name,
        "score": worth if found.correct else 0,
        "max_score": worth,
        "status": "passed" if found.correct else "failed",
        "output": repr(found),
        "output_format": "text",
        "visibility": visibility,
    }
