"""What a learner has solved, in a JSON file that belongs to the learner."""

import json
import os
import warnings
from datetime import date
from html import escape
from pathlib import Path

from minilm.files import replacing

from .topics import exercises
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
    """The exercises with a mark for each: ✓ solved, … tried, ○ to do."""

    def __init__(self, entries: dict[str, dict]):
        self.rows = [(name, *_state(entries.get(name))) for name in exercises()]
        self.solved = sum(mark == "✓" for _, mark, _ in self.rows)

    def __repr__(self) -> str:
        width = max(len(name) for name, _, _ in self.rows)
        lines = [f"{mark} {name:<{width}}  {told}".rstrip() for name, mark, told in self.rows]
        return "\n".join([f"{self.solved} of {len(self.rows)} exercises solved ({progress_file()})", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{mark}</td><td>{escape(name)}</td><td>{escape(told)}</td></tr>" for name, mark, told in self.rows
        )
        told = f"{self.solved} of {len(self.rows)} exercises solved, kept in {escape(str(progress_file()))}"
        bar = f'<progress value="{self.solved}" max="{len(self.rows)}" aria-label="exercises solved"></progress> {told}'
        return f"<div>{bar}</div><table>{rows}</table>"


def _state(entry) -> tuple[str, str]:
    if entry is None:
        return "○", ""
    tries = f"{entry['tries']} {'try' if entry['tries'] == 1 else 'tries'}"
    return ("✓", f"{entry['solved']}, {tries}") if entry["solved"] else ("…", tries)
