"""What the README says can be done."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from minilm.__main__ import parser
from minilm.check.topics import exercises

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^(?:mpiexec .*?)?python -m minilm ([^#\n]+)", README, re.MULTILINE)


COURSE_ROW = re.compile(
    r"^\| \[(\w+)\]\(notebooks/\1\.ipynb\) \| .+ \| ([\d, ]+|-) \| (\d+) s \| (\d+) min \|$", re.MULTILINE
)


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_its_map_is_that_of_the_package():
    (drawn,) = re.findall(r"^minilm/\n((?:  .+\n)+)", README, re.MULTILINE)
    listed = [name.strip("/ ") for line in drawn.splitlines() for name in line[2:29].split(",")]
    rooms = {path.name for path in (ROOT / "minilm").iterdir()} - {"__init__.py", "__pycache__", "DESIGN.md"}
    assert set(listed) == rooms


def test_it_counts_the_exercises_and_misconceptions_as_they_are():
    found = exercises().values()
    told = re.search(r"`check` knows (\d+) exercises and (\d+) ways to get them wrong", README)
    assert (int(told[1]), int(told[2])) == (len(found), sum(len(exercise.misconceptions) for exercise in found))


def test_its_course_map_shows_every_notebook_with_what_it_needs_and_how_long_it_takes():
    rows = {name: told for name, *told in COURSE_ROW.findall(README)}
    assert list(rows) == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name, (needs, seconds, minutes) in rows.items():
        notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
        prose = " ".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
        exercises = sum("exercise" in cell["metadata"].get("tags", ()) for cell in notebook["cells"])
        assert 0.5 <= int(seconds) / notebook["metadata"]["minilm"]["seconds"] <= 2
        assert abs(int(minutes) - (len(prose.split()) / 150 + 10 * exercises)) <= 5
        assert all(need < name[:2] for need in needs.split(", ")) or needs == "-"


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_are_understood(command):
    assert parser().parse_args(shlex.split(command)).run


@pytest.mark.parametrize(
    "start", ["python3 -m venv .venv && .venv/bin/python", "py -m venv .venv; .venv\\Scripts\\python"]
)
@pytest.mark.parametrize("end", ["minilm", "pytest"])
def test_the_two_commands_are_one_line_each_on_every_system(start, end):
    lines = [line for line in README.splitlines() if line.startswith(start) and line.endswith(f"-m {end}")]
    assert len(lines) == 1
    assert "-m pip install -r requirements.txt" in lines[0]


@pytest.mark.network
def test_its_python_example_writes_speeches(capsys):
    example = next(example for example in EXAMPLES if "Trainer" in example)
    exec(example, {})
    shown = capsys.readouterr().out
    assert len(shown.strip()) > 100
    assert "\n" in shown


def test_its_example_of_a_check_shows_what_it_says(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MINILM_PROGRESS", str(tmp_path / "progress.json"))
    example = next(example for example in EXAMPLES if "check.solution" in example)
    exec(example, {"np": np})
    shown = capsys.readouterr().out
    told = re.search(r"```\n(attention: .*?)```", README, re.DOTALL)[1]
    assert [line for line in told.splitlines() if line.strip() != "..." and line not in shown.splitlines()] == []
