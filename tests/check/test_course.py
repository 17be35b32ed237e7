"""Courses: what students get, what they lose points for, and that nobody takes others down. nbgrader runs as a program
of its own, on fourteen submissions at once."""

import csv
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from minilm import check
from minilm.check import answers, course, grading
from minilm.check.__main__ import main
from minilm.check.judge import alike, cases_of, run
from minilm.check.topics import exercises, find
from minilm.kernels import attend

NAMES = ["attention", "linear_schedule", "softmax"]
STUBS = {name: find(name).stub() for name in NAMES}
SOLVED = {name: answers.solved(STUBS[name], name, find(name)) for name in NAMES}
TIMEOUT = 15

ATTENTION = """
import math
import numpy as np

def attention(q, k, v, mask):
    scores = np.where(mask, q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1]), -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True) @ v
"""


def defined(source):
    """The names that a cell leaves."""
    names = {"check": check}
    exec(source, names)
    return names


def verdict(source=ATTENTION, function=None):
    names = defined(source)
    return grading.verdict("attention", function or names["attention"], (5, 6), names)


# without nbgrader


@pytest.mark.parametrize("exercise", exercises().values(), ids=exercises())
def test_a_correct_variant_fits_into_the_stub(exercise):
    cell = answers.solved(exercise.stub(), exercise.name, exercise)
    assert cell.startswith(exercise.stub().removesuffix("    ..."))
    assert cell.count("### BEGIN SOLUTION") == cell.count("### END SOLUTION") == 1


def test_a_stub_with_other_names_of_arguments_and_its_own_body_is_filled():
    stub = 'x = 1\n\ndef mine(a, b, c):\n    """Mine."""\n    raise NotImplementedError\n\ny = 2'
    cell = answers.solved(stub, "mine", find("linear_schedule"))
    assert "progress, warmup, final = a, b, c" in cell
    assert "NotImplementedError" not in cell
    assert cell.startswith("x = 1") and cell.endswith("y = 2")


def test_every_variant_and_misconception_does_the_same_in_the_stub():
    """Also those that call themselves, or helpers of their file."""
    for exercise in exercises().values():
        for function in (*exercise.variants, *(m.wrong for m in exercise.misconceptions)):
            names = {}
            cell = answers.fill(exercise.stub(), exercise.name, answers.body(function, list(exercise.arguments)))
            exec(f"import math\nimport numpy as np\n{cell}", names)
            case = cases_of(exercise, 0)[0]
            assert alike(run(names[exercise.name], case.arguments), run(function, case.arguments), case.tol), cell


def test_a_cell_that_does_not_define_the_function_is_refused():
    with pytest.raises(ValueError, match="defines attention"):
        answers.solved("x = 1", "attention", find("attention"))


def test_hidden_seeds_follow_from_the_secret_and_are_not_the_learners():
    seeds = course.hidden_seeds(1, "ps1", "attention")
    assert seeds == course.hidden_seeds(1, "ps1", "attention")
    others = [course.hidden_seeds(*key) for key in ((2, "ps1", "attention"), (1, "ps2", "attention"), (1, "ps1", "x"))]
    assert seeds not in others
    assert min(seeds) >= 1000


def test_a_right_answer_passes_and_leaves_minilm_as_it_was_loaded():
    before = {name: module for name, module in sys.modules.items() if name.startswith("minilm")}
    path, finders = sys.path[:], sys.meta_path[:]
    names = defined(ATTENTION)
    grading.grade("attention", names["attention"], (5, 6), names)
    assert before == {name: module for name, module in sys.modules.items() if name.startswith("minilm")}
    assert (path, finders) == (sys.path, sys.meta_path)


def test_a_misconception_fails_with_its_name():
    names = defined(ATTENTION.replace(" / math.sqrt(q.shape[-1])", ""))
    with pytest.raises(AssertionError, match="not divided by √D"):
        grading.grade("attention", names["attention"], (5, 6), names)


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(check, "solution", lambda *_: None),
        lambda patch: patch.setattr(sys.modules["minilm.check.judge"], "judge", lambda *_: None),
        lambda patch: (
            patch.setattr(sys.modules["minilm.check.compare"], "TOLERANCE_", 1e9, raising=False)
            or patch.setattr(sys.modules["minilm.check.judge"], "SLOW_SECONDS", 1e9)
        ),
        lambda patch: patch.setattr(check.Verdict, "correct", property(lambda _: True)),
        lambda patch: patch.setattr(sys.modules["minilm.check.compare"], "difference", lambda *_: None),
        lambda patch: patch.setitem(sys.modules, "minilm.check.judge", types.ModuleType("judge")),
        lambda patch: patch.setitem(sys.modules, "minilm.check", types.SimpleNamespace(solution=print)),
        lambda patch: patch.setattr(np, "isclose", lambda a, *_, **__: np.ones(np.shape(a), bool)),
    ],
)
def test_a_changed_check_is_reported_even_if_the_answer_is_right(change, monkeypatch):
    names = defined(ATTENTION)
    with monkeypatch.context() as patch:
        change(patch)
        with pytest.raises(AssertionError, match=r"^REPORTED .*No points"):
            grading.grade("attention", names["attention"], (5, 6), names)
    assert verdict().correct


def test_another_thing_called_check_is_reported():
    names = defined(ATTENTION) | {"check": types.SimpleNamespace(solution=lambda *_: None)}
    assert grading.verdict("attention", names["attention"], (5,), names).kind == "changed"


@pytest.mark.parametrize(
    "function",
    [
        lambda q, k, v, mask: attend(q, k, v, mask, False),
        find("attention").variants[0],
        lambda *arguments: find("attention").variants[0](*arguments),
        lambda *arguments: sys.setprofile(None) or find("attention").variants[0](*arguments),
    ],
)
def test_minilms_own_code_is_reported(function):
    assert verdict(function=function).kind == "borrowed"


def test_results_for_gradescope_have_all_points_or_none():
    right, wrong = verdict(), verdict(function=lambda *_: None)
    tests = json.loads(grading.results_json([right, wrong], {"attention": 3}, "after_published"))["tests"]
    assert [(test["score"], test["max_score"], test["status"]) for test in tests] == [
        (3, 3, "passed"),
        (0, 3, "failed"),
    ]
    assert {test["name"] for test in tests} == {"attention"}
    assert {test["visibility"] for test in tests} == {"after_published"}
    assert "not attempted" in tests[1]["output"]


def test_a_notebook_is_run_past_cells_that_fail(tmp_path):
    cells = ["%matplotlib inline\na = 1", "raise SystemExit", "1 / 0", ["b = (\n", "    2)"]]
    notebook = {"cells": [{"cell_type": "code", "source": source} for source in cells]}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    names = grading.run_notebook(path)
    assert (names["a"], names["b"]) == (1, 2)


# with nbformat


@pytest.fixture
def notebook(tmp_path):
    pytest.importorskip("nbformat")
    course.write_sample(tmp_path / "week1.ipynb", NAMES)
    return tmp_path / "week1.ipynb"


def test_a_course_is_written_with_the_settings_and_its_secret(notebook, tmp_path):
    students = tmp_path / "roll.csv"
    students.write_text("\ufeffid,last_name\nana,Ångström\n", encoding="utf-8")
    told = course.build(tmp_path / "c", [notebook], points={"softmax": 4}, students=students, seed=7, timeout=99)
    assert "nbgrader autograde ps1" in told
    assert (tmp_path / "c" / "students.csv").read_text(encoding="utf-8").startswith("id,")
    assert (tmp_path / "c" / "seed.txt").read_text(encoding="utf-8") == "7\n"
    settings = (tmp_path / "c" / "nbgrader_config.py").read_text(encoding="utf-8")
    compile(settings, "nbgrader_config.py", "exec")
    assert "timeout = 99" in settings
    cells = json.loads((tmp_path / "c" / "source" / "ps1" / "week1.ipynb").read_text(encoding="utf-8"))["cells"]
    worth = {cell["metadata"]["nbgrader"]["grade_id"]: cell["metadata"]["nbgrader"]["points"]
             for cell in cells if course.is_graded(cell)}  # fmt: skip
    assert worth == {"attention-check": 1, "linear_schedule-check": 1, "softmax-check": 4}


def test_a_second_assignment_joins_the_course_and_keeps_its_secret(notebook, tmp_path):
    course.build(tmp_path / "c", [notebook], seed=7)
    course.build(tmp_path / "c", [notebook], assignment="ps2")
    assert (tmp_path / "c" / "seed.txt").read_text(encoding="utf-8") == "7\n"
    with pytest.raises(ValueError, match="exists already"):
        course.build(tmp_path / "c", [notebook])


def test_a_notebook_that_is_not_as_expected_is_refused_and_nothing_is_written(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    for cells, told in (([], "has no exercise"), (['check.solution("softmax", softmax)'], "no cell tagged")):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        nbformat.write(book, tmp_path / "n.ipynb")
        with pytest.raises(ValueError, match=told):
            course.build(tmp_path / "c", [tmp_path / "n.ipynb"])
    assert not (tmp_path / "c").exists()


def test_the_command_line_makes_a_sample_and_a_course_and_reports(tmp_path, capsys):
    pytest.importorskip("nbformat")
    notebook, folder = str(tmp_path / "week1.ipynb"), str(tmp_path / "c")
    assert main(["sample", notebook, "attention", "softmax"]) == 0
    assert main(["course", folder, "--notebooks", notebook]) == 0
    assert "2 exercises in week1.ipynb" in capsys.readouterr().out
    assert main(["reported", folder]) == 0
    assert capsys.readouterr().out == "nothing to report\n"
    assert main(["course", folder, "--notebooks", notebook]) == 1
    assert "exists already" in capsys.readouterr().err


# with nbgrader


def wrong(name, number=0):
    """The stub, filled with a misconception."""
    function = find(name).misconceptions[number].wrong
    return answers.fill(STUBS[name], name, answers.body(function, list(find(name).arguments)))


FAKE = """
import sys, types
fake = types.ModuleType("minilm.check")
fake.solution = fake.judge = lambda *_: None
sys.modules["minilm.check"] = sys.modules["minilm.check.judge"] = check = fake
"""
BORROWED = {
    "attention": "from minilm.check.topics.attention import with_where as attention",
    "linear_schedule": "from minilm.training.schedules import linear\n"
    "def linear_schedule(progress, warmup, final):\n    return linear(warmup, final)(progress)",
    "softmax": "from minilm.check.topics import find\nsoftmax = find('softmax').expected",
}
NOISE = "import sys\n    print(1, file=sys.stderr)\n    "
LOOP = "def attention(q, k, v, mask):\n    while True:\n        "
STUBBORN = LOOP + "try:\n            sum(range(1000))\n        except BaseException:\n            pass"
SUBMISSIONS = {
    "empty": ({}, 0),
    "reference": (SOLVED, 3),
    **{f"mistaken-{name}": (SOLVED | {name: wrong(name)}, 2) for name in NAMES},
    "overwrites": (SOLVED | {"first": "check.solution = check._judge = lambda *_: None"}, 0),
    "fakes": ({"first": FAKE}, 0),
    "numpy": (SOLVED | {"first": "np.isclose = lambda a, *_, **__: np.ones(np.shape(a), bool)"}, 0),
    "borrows": (BORROWED, 0),
    "prints": (SOLVED | {"attention": SOLVED["attention"].replace("import math", NOISE + "import math"),
                         "softmax": STUBS["softmax"].replace("...", "get_ipython().displayhook(1.0)")}, 2),
    "endless": (SOLVED | {"attention": LOOP + "pass"}, 2),
    "stubborn": (SOLVED | {"attention": STUBBORN}, 0),
    "exits": (SOLVED | {"linear_schedule": "import os\ndef linear_schedule(*_):\n    os._exit(1)"}, 0),
    "killed": (SOLVED | {"softmax": "import os\ndef softmax(x):\n    os.kill(os.getpid(), 9)"}, 0),
}  # fmt: skip


def submit(folder, student, cells):
    """Hand in the released notebook with some cells rewritten; "first" goes under the imports."""
    book = json.loads((folder / "release" / "ps1" / "week1.ipynb").read_text(encoding="utf-8"))
    for cell in book["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = cells.get(name, "".join(cell["source"]))
    book["cells"][0]["source"] += "\n" + cells.get("first", "")
    target = folder / "submitted" / student / "ps1"
    target.mkdir(parents=True)
    (target / "week1.ipynb").write_text(json.dumps(book), encoding="utf-8")
    (target / "numpy.py").write_text("raise ImportError('the submitted file in place of NumPy')", encoding="utf-8")


def nbgrader(folder, *arguments):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader runs alembic
    environment = os.environ | {"PYTHONUTF8": "1", "PATH": path}
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", env=environment, check=False)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course's folder after grading, and what nbgrader said."""
    pytest.importorskip("nbgrader")
    folder = tmp_path_factory.mktemp("teacher") / "course"
    course.write_sample(folder.parent / "week1.ipynb", NAMES)
    course.build(folder, [folder.parent / "week1.ipynb"], seed=11, timeout=TIMEOUT)
    for name in ("week1.py", "week1.md", "week1.html", "answers.json", "week1.ipynb.bak"):
        (folder / "source" / "ps1" / name).write_text("the solution", encoding="utf-8")
    said = nbgrader(folder, "generate_assignment", "ps1")
    assert said.returncode == 0, said.stderr
    for student, (cells, _) in SUBMISSIONS.items():
        submit(folder, student, cells)
    said = nbgrader(folder, "autograde", "ps1")
    assert nbgrader(folder, "export").returncode == 0
    return folder, said.stderr


@pytest.mark.slow
def test_students_get_notebooks_with_stubs_and_nothing_of_the_solution(graded):
    folder = graded[0] / "release"
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["week1.ipynb"]
    text = (folder / "ps1" / "week1.ipynb").read_text(encoding="utf-8")
    cells = json.loads(text)["cells"]
    assert [cell for cell in cells if "".join(cell["source"]) in STUBS.values()] != []
    assert {"".join(c["source"]) for c in cells if c["metadata"].get("nbgrader", {}).get("solution")} == {
        *STUBS.values()
    }
    seeds = [str(seed) for name in NAMES for seed in course.hidden_seeds(11, "ps1", name)]
    for word in ("BEGIN", "_judge", "grading", "_scores", *seeds):
        assert word not in text


@pytest.mark.slow
def test_checks_are_locked_and_scored(graded):
    cells = json.loads((graded[0] / "release" / "ps1" / "week1.ipynb").read_text(encoding="utf-8"))["cells"]
    checks = [cell for cell in cells if course.is_graded(cell)]
    assert ["".join(cell["source"]).strip() for cell in checks] == [f'check.solution("{n}", {n})' for n in NAMES]
    assert not any(cell["metadata"]["editable"] or cell["metadata"]["deletable"] for cell in checks)


@pytest.mark.slow
def test_every_submission_gets_its_points(graded):
    with (graded[0] / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert rows == {student: (points, 3) for student, (_, points) in SUBMISSIONS.items()}


@pytest.mark.slow
def test_the_teacher_is_told_who_cheated_and_what_could_not_be_graded(graded):
    lines = course.reported(graded[0], "ps1")
    of = {student: [line for line in lines if line.startswith(f"{student}: ")] for student in SUBMISSIONS}
    for student in ("overwrites", "fakes", "numpy", "borrows"):
        assert ["REPORTED" in line for line in of[student]] == [True] * 3, of[student]
    for student in ("stubborn", "exits", "killed"):
        assert len(of[student]) == 1 and "not graded" in of[student][0]
        assert f"There was an error processing assignment 'ps1' for student '{student}'" in graded[1]
    assert len(of["endless"]) >= 1
    assert not any(of[student] for student in ("empty", "reference", "mistaken-attention", "prints"))


@pytest.mark.slow
def test_the_name_of_the_misconception_is_in_the_graded_notebook(graded):
    text = (graded[0] / "autograded" / "mistaken-attention" / "ps1" / "week1.ipynb").read_text(encoding="utf-8")
    assert find("attention").misconceptions[0].says in text


@pytest.mark.slow
def test_grading_leaves_the_teachers_own_progress_alone(graded):
    assert (graded[0] / "autograded" / "reference" / "ps1" / "minilm-progress.json").exists()
    assert Path("minilm-progress.json").exists() is False
