"""The catalogue: one file per topic, in the order of the course."""

import difflib
import functools
from importlib import import_module

from minilm.check.exercise import Exercise

TOPICS = (
    "counting", "perplexity", "autograd", "softmax", "embedding", "recurrent", "attention", "seq2seq", "positions",
    "block", "optimizers", "schedules", "bpe", "wordpiece", "sampling", "beam", "evaluation", "masking", "sentiment",
    "spans", "translation", "copying", "real_models", "deployment",
)  # fmt: skip


@functools.cache
def by_topic() -> dict[str, list[Exercise]]:
    """The exercises of each topic."""
    files = {topic: import_module(f"{__name__}.{topic}") for topic in TOPICS}
    return {topic: [v for v in vars(file).values() if isinstance(v, Exercise)] for topic, file in files.items()}


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by its name."""
    return {exercise.name: exercise for found in by_topic().values() for exercise in found}


def find(name: str) -> Exercise:
    """The exercise of that name.

    Raises
    ------
    ValueError
        If there is none; names those that sound like it.
    """
    if name not in exercises():
        near = difflib.get_close_matches(name, exercises(), 3, 0.4)
        raise ValueError(
            f"name is {name!r}, which is no exercise; "
            + (f"did you mean {' or '.join(map(repr, near))}?" if near else "check.exercises() lists them")
        )
    return exercises()[name]
