"""What a learner has solved, in a JSON file that belongs to the learner."""

import json
import os
import warnings
from datetime import date
from html import escape
from pathlib import Path

from minilm.files import replacing

from .topics import by_topic
from .verdict import Verdict


def progress_file() -> Path:
    """`minilm-progress.json` in the home folder; the environment variable MINILM_PROGRESS names another."""
    return Path(os.environ.get("MINILM_PROGRESS", Path.home() / "minilm-progress.json")).expanduser()


def read() -> dict[str, dict]:
    """Tries and the day of success, for each exercise that was tried.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    path = progress_file()
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: {"tries": int(entry["tries"]), "solved": entry["solved"]} for name, entry in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is damaged ({type(error).__name__}: {error}); mend it, or move it away to start anew"
        ) from error


def record(verdict: Verdict) -> None:
    """Note a try, and the day of the first success. A file that cannot be read or written is no reason to stop."""
    if verdict.kind == "not attempted":
        return
    try:
        entries = read()
        entry = entries.setdefault(verdict.exercise.name, {"tries": 0, "solved": None})
        if not entry["solved"]:
            entry["tries"] += 1
            entry["solved"] = date.today().isoformat() if verdict.correct else None
        with replacing(progress_file()) as temporary:
            temporary.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        warnings.warn(f"progress was not recorded: {error}", stacklevel=3)


class Progress:
    """The exercises by topic, with a mark for each: ✓ solved, … tried, ○ to do."""

    def __init__(self, entries: dict[str, dict]):
        self.topics = {
            topic: [f"{_mark(entries.get(exercise.name))} {exercise.name}" for exercise in found]
            for topic, found in by_topic().items()
        }
        marks = [told[0] for found in self.topics.values() for told in found]
        self.solved, self.total = marks.count("✓"), len(marks)

    @property
    def sentence(self) -> str:
        """How far, and where that is kept."""
        return f"{self.solved} of {self.total} exercises solved, kept in {progress_file()}"

    def __repr__(self) -> str:
        width = max(map(len, self.topics))
        lines = [f"{topic:<{width}}  {'  '.join(told)}" for topic, told in self.topics.items()]
        return "\n".join([self.sentence, *lines])

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'
        rows = "".join(
            f'<tr><th scope="row" {left}>{topic}</th><td {left}>{escape(", ".join(told))}</td></tr>'
            for topic, told in self.topics.items()
        )
        bar = f'<progress value="{self.solved}" max="{self.total}" aria-label="exercises solved"></progress>'
        return f"<div>{bar} {escape(self.sentence)}</div><table>{rows}</table>"


def _mark(entry) -> str:
    if entry is None:
        return "○"
    return "✓" if entry["solved"] else "…"
