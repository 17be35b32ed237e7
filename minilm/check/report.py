"""The proof: every misconception, correct variant and empty solution of the catalogue is judged, and counted."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from minilm.files import replacing

from .exercise import Exercise
from .judge import judge
from .topics import exercises


@dataclass
class Row:
    """What became of one exercise's wrong, right and empty solutions."""

    exercise: str
    misconceptions: int
    detected: int
    named: int
    variants: int
    false_alarms: int
    stubs: int
    empty_points: int


def row_of(exercise: Exercise, seed: int = 0) -> Row:
    """Judge all that the exercise knows."""
    wrong = [(m.name, judge(exercise, m.wrong, seed)) for m in exercise.misconceptions]
    right = [judge(exercise, variant, seed) for variant in exercise.variants]
    empty = [judge(exercise, stub, seed) for stub in stubs(exercise)]
    return Row(
        exercise.name,
        misconceptions=len(wrong),
        detected=sum(not verdict.correct for _, verdict in wrong),
        named=sum(verdict.misconception == name for name, verdict in wrong),
        variants=len(right),
        false_alarms=sum(not verdict.correct for verdict in right),
        stubs=len(empty),
        empty_points=sum(verdict.correct for verdict in empty),
    )


def stubs(exercise: Exercise) -> Iterator[Callable]:
    """What is handed in by someone who has not solved it: nothing, zeros, the input, or an exception swallowed."""

    def not_implemented(*arguments):
        raise NotImplementedError

    def catches_everything(*arguments):
        try:
            raise NotImplementedError
        except Exception:
            return 0

    def half(*arguments):
        copy.deepcopy(arguments)
        raise NotImplementedError("the second half is to come")

    yield from (not_implemented, catches_everything, half)
    yield lambda *arguments: None
    yield lambda *arguments: ...
    yield lambda *arguments: arguments
    yield lambda *arguments: zeros_like(exercise.expected(*arguments))
    for i in range(len(exercise.arguments)):
        yield lambda *arguments, i=i: arguments[i]


def zeros_like(value):
    """Zeros in the place of every number."""
    if isinstance(value, dict):
        return {key: zeros_like(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(zeros_like, value))
    return value if isinstance(value, str | bytes | None) else value * 0


def report() -> list[Row]:
    """A row for each exercise."""
    return [row_of(exercise) for exercise in exercises().values()]


def total(rows: list[Row]) -> Row:
    """All rows added up."""
    names = [name for name in asdict(rows[0]) if name != "exercise"]
    return Row("total", **{name: sum(getattr(row, name) for row in rows) for name in names})


def markdown(rows: list[Row]) -> str:
    """The rows and their total as a table."""
    columns = list(asdict(rows[0]))
    lines = [" | ".join(name.replace("_", " ") for name in columns), " | ".join(["---"] + ["--:"] * (len(columns) - 1))]
    lines += [" | ".join(str(value) for value in asdict(row).values()) for row in [*rows, total(rows)]]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def summary(rows: list[Row]) -> dict[str, int]:
    """The total as the figures that the catalogue is held to."""
    whole = asdict(total(rows))
    names = ("misconceptions", "detected", "named", "false_alarms", "empty_points")
    return {"exercises": len(rows)} | {name: whole[name] for name in names}


def kept(figures: dict[str, int]) -> bool:
    """All detected, at least 97 % named, no false alarm, and no point for nothing."""
    return (
        figures["detected"] == figures["misconceptions"]
        and figures["named"] >= 0.97 * figures["misconceptions"]
        and figures["false_alarms"] == 0
        and figures["empty_points"] == 0
    )


def write(path: Path, text: str) -> None:
    """Whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, figures: dict[str, int]) -> None:
    """The figures, for other programs."""
    write(path, json.dumps(figures, indent=2) + "\n")
