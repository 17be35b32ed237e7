"""What a check found, as text for a terminal and as a panel for a notebook."""

from dataclasses import dataclass
from typing import Any

from .exercise import Exercise
from .panel import panel
from .words import describe


@dataclass
class Verdict:
    """The outcome of one check.

    `kind` is "correct", "not attempted", "misconception", or the first honest difference: "error", "type", "shape",
    "nan", "value", "changed" (an argument in place), "not deterministic", "slow", "borrowed" (from minilm).
    """

    exercise: Exercise
    kind: str
    sentence: str
    question: str = ""
    misconception: str = ""
    note: str = ""
    arguments: tuple | None = None
    expected: Any = None
    got: Any = None
    index: tuple[int, ...] | None = None

    @property
    def correct(self) -> bool:
        """Whether the exercise is solved."""
        return self.kind == "correct"

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        return panel(self)
