"""What a check of a gradient or of a model found: one sentence, as plain text and as a panel for a notebook."""

from dataclasses import dataclass
from html import escape

from .panel import COLOUR
from .words import NOT_YET, TITLE


@dataclass(repr=False)
class Finding:
    """The outcome of a check, in one sentence, and remarks.

    >>> Finding("causal", True, "No later token changes an earlier output.")
    causal: ✓ correct. No later token changes an earlier output.
    """

    name: str
    correct: bool
    sentence: str
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Correct or not yet, with a sign for those who see no colours."""
        return TITLE["correct"] if self.correct else NOT_YET

    def __repr__(self) -> str:
        return "\n  ".join([f"{self.name}: {self.title}. {self.sentence}", *self.notes])

    def _repr_html_(self) -> str:
        colour = COLOUR["correct"] if self.correct else "#cf222e"
        lines = [f"<b>{escape(self.name)}: {self.title}</b>", escape(self.sentence), *map(escape, self.notes)]
        body = "".join(f"<div>{line}</div>" for line in lines)
        return f'<div role="status" style="border-left:6px solid {colour};padding:0.4em 1em">{body}</div>'
