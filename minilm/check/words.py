"""A verdict in plain text."""

import numpy as np

TITLE = {"correct": "✓ correct", "not attempted": "○ not attempted"}
NOT_YET = "✗ not yet"


def describe(verdict) -> str:
    """The sentence, the smallest case that shows it, and the question."""
    lines = [f"{verdict.exercise.name}: {TITLE.get(verdict.kind, NOT_YET)}. {verdict.sentence}"]
    if verdict.arguments is not None:
        lines.append("  Smallest case that shows it:")
        lines += [f"    {line}" for line in case_lines(verdict)]
    lines += [f"  {text}" for text in (verdict.question, verdict.note) if text]
    return "\n".join(lines)


def case_lines(verdict) -> list[str]:
    """Each argument, what is expected, and what came."""
    names = verdict.exercise.arguments.items()
    lines = [
        f"{name} {shape} = {value_text(value)}" for (name, shape), value in zip(names, verdict.arguments, strict=True)
    ]
    if verdict.expected is not None:
        lines += [f"expected {value_text(verdict.expected)}", f"yours    {value_text(verdict.got)}"]
    if verdict.index:
        lines.append(f"differs first at [{', '.join(map(str, verdict.index))}]")
    return lines


def value_text(value) -> str:
    """A value in one line: all of a small array, the shape of a large one."""
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, np.ndarray) and value.size > 16:
        return f"{value.dtype} array of shape {value.shape}, {_numbers(value.reshape(-1)[:4])[:-1]}, ...]"
    if isinstance(value, np.ndarray):
        return f"{_numbers(value)}" if value.ndim == 1 else f"{_numbers(value)} of shape {value.shape}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(value_text, value)) + ")"
    return f"{value:.6g}" if isinstance(value, float | np.floating) else repr(value)


def _numbers(array) -> str:
    return " ".join(np.array2string(array, precision=4, separator=", ", suppress_small=True).split())


class Text(str):
    """Text that shows itself without quotes, in a terminal and in a notebook."""

    def __repr__(self) -> str:
        return str(self)
