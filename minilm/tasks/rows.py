"""Examples from a file of one's own: rows that are wrong are told by their line numbers, and skipped only if asked."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from minilm import data

Example = TypeVar("Example")
SHOWN = 5  # wrong rows that a message lists


class _Row(NamedTuple):
    """What `data.split` wants of a document, for any example."""

    title: str
    text: str
    example: object


def format_of(columns: Sequence[str], corpora: str) -> str:
    """What --help says of a file that `tsv` reads, or that is the name of a corpus."""
    line = " <tab> ".join(columns)
    return (
        f"Each line of FILE is {line}, in UTF-8, as they stand, without quotes around them; a first line of just these "
        f"words is passed over. Or FILE is the name of a corpus: {corpora}."
    )


def tsv(path: str | Path, columns: Sequence[str], *, skip_bad: bool = False) -> list[tuple[str, ...]]:
    """The rows of a UTF-8 file, one a line, with a tab between columns; empty lines are passed over.

    A first line that holds the names of the columns is no row. Quotes are characters like any others: there is no way
    to write a tab or a line's end within a cell.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read; if a row has more or fewer columns, or an empty one, unless `skip_bad`.
    """
    rows, wrong = [], []
    for number, line in enumerate(data.read_text(path).split("\n"), start=1):
        row = tuple(cell.strip() for cell in line.split("\t"))
        if not line.strip() or (number == 1 and tuple(map(str.lower, row)) == tuple(columns)):
            continue
        if problem := _problem(row, columns):
            wrong.append(f"line {number}: {problem}")
        else:
            rows.append(row)
    report(path, wrong, len(rows), f"{len(columns)} columns, {' <tab> '.join(columns)}", skip_bad)
    return rows


def _problem(row, columns) -> str | None:
    if len(row) != len(columns):
        return f"{len(row)} column{'s' * (len(row) != 1)} instead of {len(columns)}"
    empty = [name for name, cell in zip(columns, row, strict=True) if not any(map(str.isprintable, cell))]
    return f"{empty[0]} is empty" if empty else None


def report(path: str | Path, wrong: Sequence[str], right: int, expected: str, skip_bad: bool) -> None:
    """Raise a ValueError that lists what is wrong; or, if that is to be skipped, say how much of it there was."""
    listed = "\n  ".join([*wrong[:SHOWN], *([f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else [])])
    if wrong and not skip_bad:
        raise ValueError(f"{path}: {len(wrong)} wrong, expected {expected}\n  {listed}\nmend them, or --skip-bad")
    if not right:
        raise ValueError(f"{path} has nothing to learn from; expected {expected}")
    if wrong:
        print(f"{path}: skipped {len(wrong)}, {right} are left\n  {listed}", file=sys.stderr)


def tell_if_cut(length: int, longest: int, unit: str) -> None:
    """Say that a text is too long to be read to its end."""
    if length > longest:
        print(f"the text has {length:,} {unit}; only the first {longest:,} are read", file=sys.stderr)


def split(
    examples: Iterable[Example], text: Callable[[Example], str], held_out: float = 0.1
) -> tuple[list[Example], list[Example]]:
    """Examples to learn from, and a part to measure on: by the hash of a text, so those with equal texts stay together.

    Of few examples at least one is on either side (`data.split`).

    Raises
    ------
    ValueError
        If all texts are equal.
    """
    rows = [_Row("", text(example), example) for example in examples]
    kept, held = data.split(rows, held_out)
    return [row.example for row in kept], [row.example for row in held]
