"""The report counts what it claims to count, and notices a catalogue that breaks its promises."""

import json

import numpy as np
import pytest

from minilm.check import report
from minilm.check.__main__ import main
from minilm.check.exercise import Exercise
from minilm.check.topics import exercises


@pytest.mark.slow
def test_the_whole_catalogue_keeps_its_promises(tmp_path, capsys):
    assert main(["report", "--json", str(tmp_path / "r.json"), "--markdown", str(tmp_path / "r.md")]) == 0
    figures = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert figures["exercises"] == len(exercises()) >= 40
    assert figures["misconceptions"] == figures["detected"] >= 150
    assert figures["named"] >= 0.97 * figures["misconceptions"]
    assert figures["false_alarms"] == figures["empty_points"] == 0
    table = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert table in capsys.readouterr().out
    assert "| attention |" in table


def test_a_defect_of_the_catalogue_shows_in_its_row():
    def double(x):
        return 2 * x

    faulty = Exercise("double", "2x", {"x": "(N,)"}, "(N,)", double, lambda rng: iter([(np.zeros(2),), (np.zeros(3),)]),
                      ("", "", ""), variants=[lambda x: 3 * x + 1])  # fmt: skip
    faulty.misconception("x were squared", "What is 2 · 2?")(lambda x: x * x)  # on zeros nothing tells them apart
    row = report.row_of(faulty)
    assert (row.misconceptions, row.detected, row.named, row.false_alarms) == (1, 0, 0, 1)
    assert row.empty_points >= 2  # zeros, and the input
    assert not report.kept(report.summary([row]))


def test_the_list_of_exercises_has_each_with_its_statement(capsys):
    assert main(["exercises"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(exercises())
