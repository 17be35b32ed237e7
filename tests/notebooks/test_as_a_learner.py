"""A learner works through the notebooks: every right answer is called right, every mistake is called by its name."""

import math

import numpy as np
import pytest
from reading import CHECK, code, quick_environment, read, stubs, text_of

from minilm.check.answers import body, fill, solved
from minilm.check.judge import judge
from minilm.check.topics import exercises


def defined(cell, name):
    """The function that a filled stub defines, in a notebook that has imported what all of them import."""
    names = {"np": np, "math": math}
    exec(cell, names)
    return names[name]


def test_every_correct_variant_and_every_misconception_is_told_from_the_stub(stub):
    _, name, cell = stub
    exercise = exercises()[name]
    parameters = list(exercise.arguments)
    for variant in exercise.variants:
        verdict = judge(exercise, defined(fill(cell, name, body(variant, parameters)), name))
        assert verdict.correct, verdict
    for misconception in exercise.misconceptions:
        verdict = judge(exercise, defined(fill(cell, name, body(misconception.wrong, parameters)), name))
        assert verdict.misconception == misconception.name, verdict


@pytest.mark.network
def test_a_solved_notebook_runs_to_its_end_with_every_exercise_correct(path, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    for name, stub in stubs(read(path)):
        (cell,) = [cell for cell in notebook.cells if cell.source == stub]
        cell.source = solved(stub, name, exercises()[name])
    client = nbclient.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(path.parent)}})
    client.execute(env=quick_environment(tmp_path))
    checks = [cell for cell in code(notebook) if CHECK.search(cell.source)]
    assert len(checks) >= 3
    for cell in checks:
        assert "✓ correct" in "".join(text_of(output) for output in cell.outputs)
