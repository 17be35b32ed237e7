"""The catalogue: one file per topic, in the order of the course."""

import difflib
import functools
from importlib import import_module

from minilm.check.exercise import Exercise

TOPICS = (
    "counting", "perplexity", "autograd", "softmax", "embedding", "recurrent", "attention", "positions", "block",
    "optimizers", "schedules", "bpe", "sampling", "beam",
)  # fmt: skip


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by its name."""
    modules = [import_module(f"{__name__}.{topic}") for topic in TOPICS]
    return {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Exercise)}


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
