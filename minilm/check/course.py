"""Notebooks with exercises into an nbgrader course: solutions, locked checks, cases that learners never see.

An exercise in a notebook is a stub, in a code cell tagged "exercise", and after it a cell with
`check.solution("NAME", NAME)`. TEACHING.md walks from there to grades.csv.
"""

import hashlib
import json
import re
import secrets
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from .answers import solved
from .topics import find

CHECK = re.compile(r"""check\.solution\(\s*["'](\w+)["']\s*,\s*(\w+)\s*\)""")
WHERE = "import importlib.util as u; print(u.find_spec('minilm').origin)"
CONFIG = '''\
"""nbgrader's settings for this course; run nbgrader in this folder."""

import os

c = get_config()

# A notebook is all that students get. Anything else in source/ is copied to them too, unless its name is here; and of
# what they hand in, a numpy.py beside the notebook would be imported in place of NumPy.
c.CourseDirectory.ignore = {ignore}

c.ClearSolutions.code_stub = {{"python": "..."}}  # what an unsolved exercise's body is

# Seconds for a cell (nbgrader's own limit is 30, and the first call of a compiled kernel may take that long).
# The interrupt costs only the cell, unless the code refuses it: then the submission is set aside.
c.Execute.timeout = {timeout}
c.Execute.interrupt_on_timeout = True

# nbgrader gives no points to a check that anything was printed under to stderr, be it a progress bar.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = "(?s).*"

os.environ["MINILM_PROGRESS"] = "minilm-progress.json"  # beside the graded notebook, not in the teacher's home
'''
IGNORE = [
    ".*", "__pycache__", "feedback", "*~", "*.py", "*.py[cdiowx]", "*.so", "*.dll", "*.md", "*.rst", "*.Rmd", "*.qmd",
    "*.html", "*.pdf", "*.tex", "*.csv", "*.json", "*.toml", "*.yml", "*.yaml", "*.zip", "*.gz", "*.bak", "*.db",
]  # fmt: skip
HIDDEN = '''

### BEGIN HIDDEN TESTS
def _judge():
    """minilm's judge, read from where a Python of its own finds it: nothing that this notebook did matters."""
    import subprocess
    import sys
    from pathlib import Path

    command = [sys.executable, "-EP", "-X", "utf8", "-c", "{where}"]
    found = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    path = Path(found.strip()).parent / "check" / "grading.py"
    names = {{"__name__": "grading", "__file__": str(path)}}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    return names["grade"]


_judge()("{name}", {function}, {seeds}, globals())
### END HIDDEN TESTS'''


def build(
    out: Path,
    notebooks: Iterable[Path],
    *,
    assignment: str = "ps1",
    points: float | dict[str, float] = 1,
    students: Path | None = None,
    seed: int | None = None,
    timeout: int = 180,
) -> str:
    """Write an nbgrader course, or one more assignment into a course; returns what to do next.

    Parameters
    ----------
    out : Path
        The course's folder. Its `seed.txt` and `source` are the teacher's alone.
    notebooks : paths
        With exercises; left as they are.
    assignment : str
        Its name in nbgrader, and the folder in `source`.
    points : number, or a number for each exercise's name
        What a solved exercise is worth.
    students : Path, optional
        A CSV table that nbgrader imports: id, and if you like last_name, first_name, email.
    seed : int, optional
        The number that the hidden cases' seeds derive from; otherwise the one in `seed.txt`, or a new one.
    timeout : int
        Seconds that a cell may take while grading.

    Raises
    ------
    ValueError
        If the assignment exists, minilm is not installed, or a notebook has no exercise or one that is not as expected.
    """
    out, notebooks = Path(out), [Path(notebook) for notebook in notebooks]
    folder = out / "source" / assignment
    _refuse(folder, notebooks)
    secret = _secret(out, seed)
    made = {path.name: prepare(_read(path), path.name, secret, assignment, points) for path in notebooks}
    roll = _students(students) if students else ""
    folder.mkdir(parents=True)
    for name, notebook in made.items():
        _write(folder / name, notebook)
    _write_text(out / "seed.txt", f"{secret}\n")
    _write_text(out / "nbgrader_config.py", CONFIG.format(ignore=_in_lines(IGNORE), timeout=timeout))
    if students:
        _write_text(out / "students.csv", roll)
    return _next_steps(out, assignment, made, bool(students))


def _refuse(folder, notebooks):
    if folder.exists():
        raise ValueError(f"{folder} exists already; remove it, or choose another name for the assignment")
    if len({path.name for path in notebooks}) < len(notebooks):
        raise ValueError("two notebooks have the same name, and an assignment is one folder")
    if subprocess.run([sys.executable, "-EP", "-c", WHERE], capture_output=True, check=False).returncode:
        raise ValueError(
            "minilm is not installed (a grade cell finds it only so): pip install minilm, or -e its folder"
        )


def _secret(out, seed) -> int:
    stored = out / "seed.txt"
    if seed is None and stored.exists():
        return int(stored.read_text(encoding="utf-8"))
    return secrets.randbits(64) if seed is None else seed


def _students(path) -> str:
    text = Path(path).read_text(encoding="utf-8-sig")  # spreadsheets begin their CSV with a byte order mark
    if "id" not in text.split("\n")[0].strip().split(","):
        raise ValueError(f"{path} has no column `id`; its first line should be id,last_name,first_name,email")
    return text


def _in_lines(words) -> str:
    listed = textwrap.fill(json.dumps(words)[1:-1], 116, initial_indent="    ", subsequent_indent="    ")
    return f"[\n{listed},\n]"


def _next_steps(out, assignment, made, roll) -> str:
    names = [cell.metadata.nbgrader.grade_id for nb in made.values() for cell in nb.cells if is_graded(cell)]
    return "\n".join(
        [f"{out}: assignment {assignment}, {len(names)} exercises in {', '.join(made)}", f"next, in {out}:"]
        + ["  nbgrader db student import students.csv"] * roll
        + [f"  nbgrader generate_assignment {assignment}     # then hand out release/{assignment}"]
        + [f"  nbgrader autograde {assignment}               # what is in submitted/STUDENT/{assignment}"]
        + ["  nbgrader export                      # grades.csv"]
    )


def is_graded(cell: dict) -> bool:
    """Whether nbgrader gives points for the cell."""
    return cell["metadata"].get("nbgrader", {}).get("grade", False)


def prepare(notebook, title: str, secret: int, assignment: str, points: float | dict[str, float] = 1):
    """A notebook of nbformat, with a solution in each stub and the hidden cases under each check.

    Raises
    ------
    ValueError
        If there is no exercise, or one that is not as expected.
    """
    stub, found = None, 0
    for cell in notebook.cells:
        if "exercise" in cell.metadata.get("tags", []):
            stub = cell
        elif cell.cell_type == "code" and (called := CHECK.search(cell.source)):
            if stub is None:
                raise ValueError(f'{title}: no cell tagged "exercise" before the check of {called[1]}')
            _pair(stub, cell, *called.groups(), hidden_seeds(secret, assignment, called[1]), points)
            stub, found = None, found + 1
    if not found:
        raise ValueError(f'{title} has no exercise: a stub tagged "exercise", then check.solution("NAME", NAME)')
    notebook.metadata.setdefault("kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"})
    return notebook


def _pair(stub, check, name, function, seeds, points):
    worth = points.get(name, 1) if isinstance(points, dict) else points
    stub.source = solved(stub.source, function, find(name), seeds)
    check.source = check.source.rstrip() + HIDDEN.format(where=WHERE, name=name, function=function, seeds=seeds)
    common = {"schema_version": 3, "task": False}
    stub.metadata.nbgrader = {"grade_id": name, "grade": False, "solution": True, "locked": False, **common}
    check.metadata.nbgrader = {
        "grade_id": f"{name}-check", "grade": True, "solution": False, "locked": True, "points": worth, **common,
    }  # fmt: skip


def hidden_seeds(secret: int, assignment: str, name: str) -> tuple[int, int]:
    """Two seeds that follow from the secret, and that learners' checks never use."""
    digest = hashlib.sha256(f"{secret} {assignment} {name}".encode()).digest()
    return tuple(1000 + int.from_bytes(digest[i : i + 4], "big") for i in (0, 4))


def sample(names: Iterable[str]):
    """A small notebook of nbformat with these exercises: statement, stub and check of each."""
    from nbformat import v4

    cells = [v4.new_code_cell("import numpy as np\n\nfrom minilm import check")]
    for exercise in map(find, names):
        cells += [
            v4.new_markdown_cell(f"## {exercise.name}\n\n{exercise.statement}"),
            v4.new_code_cell(exercise.stub(), metadata={"tags": ["exercise"]}),
            v4.new_code_cell(f'check.solution("{exercise.name}", {exercise.name})'),
        ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def write_sample(path: Path, names: Iterable[str]) -> None:
    """Write such a notebook."""
    _write(Path(path), sample(names))


def reported(course: Path, assignment: str) -> list[str]:
    """What a teacher should look at after autograding, a line for each: who, where, and what was found."""
    lines = []
    for folder in sorted(path for path in Path(course, "submitted").glob(f"*/{assignment}") if path.is_dir()):
        student = folder.parent.name
        graded = Path(course, "autograded", student, assignment)
        if not graded.is_dir():
            lines.append(f"{student}: not graded (the kernel died, or a cell could not be interrupted)")
        lines += [f"{student}: {line}" for path in sorted(graded.glob("*.ipynb")) for line in _of_notebook(path)]
    return lines


def _of_notebook(path) -> list[str]:
    for_teacher = ("REPORTED", "CellTimeoutError", "KeyboardInterrupt")
    return [
        f"{path.name}, {cell.metadata.get('nbgrader', {}).get('grade_id', 'a cell')}: {told}"
        for cell in _read(path).cells
        for output in cell.get("outputs", [])
        if output.output_type == "error" and (told := f"{output.ename}: {output.evalue}".splitlines()[0])
        and any(word in told for word in for_teacher)
    ]  # fmt: skip


def _read(path):
    import nbformat

    return nbformat.read(path, as_version=4)


def _write(path, notebook):
    import nbformat

    _write_text(path, nbformat.writes(notebook) + "\n")


def _write_text(path, text):
    path.write_text(text, encoding="utf-8", newline="\n")
