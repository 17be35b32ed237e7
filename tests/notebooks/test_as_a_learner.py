"""A learner works through the notebooks: every right answer is called right, every mistake is called by its name."""

import math
import time

import numpy as np
import pytest
from reading import complaints, quick_environment, read, stubs, text_of

from minilm.check.answers import body, fill, solved
from minilm.check.judge import judge
from minilm.check.topics import exercises

QUICK = 15  # seconds that a notebook may take in quick mode


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
def test_it_runs_to_its_end_as_shipped_and_then_each_exercise_can_be_solved(path, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    client = nbclient.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(path.parent)}})
    with client.setup_kernel(env=quick_environment(tmp_path)):
        seconds = -time.perf_counter()
        for i, cell in enumerate(cells):
            client.execute_cell(cell, i)
        seconds += time.perf_counter()
        assert complaints(notebook) == []
        for name, stub in stubs(read(path)):
            i = next(i for i, cell in enumerate(cells) if cell.source == stub)
            cells[i].source = solved(stub, name, exercises()[name])
            client.execute_cell(cells[i], i)
            i = next(i for i, cell in enumerate(cells) if f'check.solution("{name}", {name})' in cell.source)
            check = client.execute_cell(cells[i], i)
            assert "✓ correct" in "".join(text_of(output) for output in check.outputs), name
    assert seconds < 4 * QUICK  # it is 15 s on a machine that does nothing else
