"""Every notebook as it is committed: executed in order, without errors, small, and true to the form of the course."""

import functools
import re

from reading import CHECK, COURSE, FOLDER, NOTEBOOKS, code, complaints, outputs, prose, read, stubs, text_of

import minilm
from minilm.check.topics import exercises

MACHINE = re.compile(r"/(?:home|root|tmp|Users|work)/\w|\b[A-Z]:\\\\")
WARNED = re.compile(r":\d+: \w*Warning: ")  # as Python tells it
ROOMS = "autograd|check|data|generate|kernels|metrics|models|nn|plots|training"


def test_it_was_run_from_top_to_bottom_in_a_clean_kernel(path):
    counts = [cell["execution_count"] for cell in code(read(path)) if cell["source"].strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_it_has_no_errors_and_no_warnings(path):
    notebook = read(path)
    assert outputs(notebook, "error") == []
    assert complaints(notebook) == []
    assert not WARNED.search("".join(text_of(output) for output in outputs(notebook, "stream")))


def test_a_warning_is_told_from_a_text_about_one():
    assert WARNED.search("cell.py:3: UserWarning: too small\n")
    assert not WARNED.search("NonInteractiveExampleWarning: Emitted when it is used elsewhere.\n")


def test_it_is_small_and_names_no_machine(path):
    assert path.stat().st_size < 500_000
    assert not MACHINE.search(path.read_text(encoding="utf-8"))


def test_it_opens_with_a_question_and_the_time_it_takes(path):
    first = read(path)["cells"][0]
    assert first["cell_type"] == "markdown"
    assert first["source"].startswith("# ")
    told = int(re.search(r"about (\d+) s", first["source"])[1])
    measured = read(path)["metadata"]["minilm"]["seconds"]
    assert measured <= 120
    assert 0.5 <= told / measured <= 2


def test_it_has_three_exercises_that_nobody_has_attempted(path):
    notebook = read(path)
    assert len(list(stubs(notebook))) >= 3
    for cell in code(notebook):
        if CHECK.search(cell["source"]):
            assert "○ not attempted" in "".join(text_of(output) for output in cell["outputs"]), cell["source"]


def test_a_stub_asks_for_what_the_exercise_is_about(stub):
    _, name, cell = stub
    arguments = re.search(rf"def {name}\((.*?)\)", cell)[1]
    assert [part.strip() for part in arguments.split(",")] == list(exercises()[name].arguments)


def test_each_exercise_offers_hints(stub):
    path, name, _ = stub
    assert f'check.hint("{name}")' in prose(read(path))


def test_every_picture_has_words(path):
    for kind in ("display_data", "execute_result"):
        for output in outputs(read(path), kind):
            if "image/png" in output["data"]:
                assert output["metadata"]["image/png"]["alt"].strip()


def test_its_links_lead_somewhere(path):
    links = set(re.findall(r"\]\(([^)#:\s]+)\)", prose(read(path))))
    assert links
    assert [link for link in links if not (FOLDER / link).exists()] == []


def test_the_names_in_its_prose_exist(path):
    names = re.findall(rf"`((?:{ROOMS})(?:\.\w+)+)", prose(read(path)))
    for name in names:
        if not name.endswith((".py", ".md")):
            assert functools.reduce(getattr, name.split("."), minilm)


def test_the_course_is_whole_and_runs_in_twenty_minutes():
    assert [path.stem for path in NOTEBOOKS] == list(COURSE)
    assert sum(read(path)["metadata"]["minilm"]["seconds"] for path in NOTEBOOKS) <= 20 * 60


def test_a_warning_is_a_complaint_and_a_progress_bar_is_none():
    text = "  3% |#   | step 1\r100% |####| step 2\nfetching hsk: package hsk 1.0.0, 0.9 MB\nUserWarning: beware\n"
    output = {"output_type": "stream", "name": "stderr", "text": [text]}
    assert complaints({"cells": [{"cell_type": "code", "outputs": [output]}]}) == ["UserWarning: beware"]
