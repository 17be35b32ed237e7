"""The file of a study's results: short to read in a diff, and never half written."""

import json
from pathlib import Path

from minilm.files import replacing

FOLDER = Path(__file__).parents[2] / "notebooks" / "results"


class Results:
    """notebooks/results/NAME.json. Read it again just before writing: another run may have written meanwhile.

    Parameters
    ----------
    name : str
        Of the study.
    empty : dict
        What it holds before the first run.
    """

    def __init__(self, name: str, empty: dict):
        self.path, self.empty = FOLDER / f"{name}.json", empty

    def read(self) -> dict:
        return self.empty | (json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {})

    def write(self, content: dict) -> None:
        with replacing(self.path) as temporary:
            temporary.write_text(laid_out(content) + "\n", encoding="utf-8", newline="\n")


def laid_out(content: dict) -> str:
    """JSON with a line for each entry, and for each run of a list of runs."""
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {_entry(value)}" for name, value in content.items()) + "\n}"


def _entry(value) -> str:
    if isinstance(value, list):
        return "[" + ",".join("\n" + _line(run) for run in value) + "\n]"
    return _line(value)


def _line(value) -> str:
    return json.dumps(value, ensure_ascii=False)
