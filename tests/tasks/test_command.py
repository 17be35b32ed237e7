"""The command that all tasks share: it refuses what would lose work, before any is done, and says what it learned."""

import re

import pytest

from minilm.__main__ import main
from minilm.tasks import TASKS


@pytest.fixture
def reviews(tmp_path):
    rows = [f"{mood}\tthe film of day {day} was {mood}" for day in range(40) for mood in ("good", "bad")]
    (tmp_path / "rows.tsv").write_text("\n".join(rows), encoding="utf-8")
    return str(tmp_path / "rows.tsv")


def test_it_learns_says_how_well_and_answers(reviews, tmp_path, capsys):
    assert main(["classify", "train", reviews, "--out", str(tmp_path / "run"), "--steps", "30"]) == 0
    assert "held out: accuracy" in capsys.readouterr().out
    assert main(["classify", str(tmp_path / "run"), "the film was bad"]) == 0
    assert capsys.readouterr().out.startswith("bad (")


def test_where_measuring_takes_long_a_part_is_measured_and_that_is_told(reviews, tmp_path, capsys, monkeypatch):
    def told(name):
        assert main(["classify", "train", reviews, "--out", str(tmp_path / name), "--steps", "1"]) == 0
        return capsys.readouterr().out

    assert "evenly spaced" not in told("whole")
    monkeypatch.setattr(TASKS["classify"], "MEASURED", 3, raising=False)
    assert re.search(r"held out: accuracy .* \(of [23] of them, evenly spaced\)\n", told("part"))


def test_without_a_folder_nothing_is_learned(reviews, capsys):
    assert main(["classify", "train", reviews]) == 1
    assert "--out is missing" in capsys.readouterr().err


@pytest.mark.parametrize("task", TASKS)
def test_help_says_what_a_file_must_look_like(task, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        main([task, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"{TASKS[task].ABOUT}. {TASKS[task].FORMAT}" in told
    assert "UTF-8" in told and "the name of a corpus: " in told and ("<tab>" in told or "SQuAD" in told)


@pytest.mark.parametrize("task", TASKS)
def test_a_folder_that_holds_something_is_left_alone(task, reviews, tmp_path, capsys):
    before = sorted(tmp_path.iterdir())
    assert main([task, "train", reviews, "--out", str(tmp_path)]) == 1
    assert "expected a new or empty folder" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("task", TASKS)
def test_a_folder_without_a_run_is_told_how_to_make_one(task, tmp_path, capsys):
    assert main([task, str(tmp_path), "text"]) == 1
    assert f"{task} train FILE --out RUN" in capsys.readouterr().err


@pytest.mark.parametrize("flag", [["--out", "run"], ["--steps", "5"], ["--seed", "0"], ["--skip-bad"]])
def test_what_only_training_heeds_is_refused_elsewhere(flag, tmp_path, capsys):
    assert main(["translate", str(tmp_path), "text", *flag]) == 1
    assert f"{flag[0]} is" in (told := capsys.readouterr().err) and "write the word train in front of a file" in told


def test_what_training_does_not_heed_is_refused_there(reviews, tmp_path, capsys):
    assert main(["answer", "train", reviews, "--out", str(tmp_path / "run"), "--passage", reviews]) == 1
    assert "training does not take it" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_ctrl_c_says_that_there_is_no_run_yet(reviews, tmp_path, capsys, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt("stopped after step 3")

    monkeypatch.setattr(TASKS["classify"].Task, "train", stopped)
    assert main(["classify", "train", reviews, "--out", str(tmp_path / "run")]) == 130
    assert "stopped after step 3; it is no run yet: begin again, with another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "row"), [("classify", "good\tyes"), ("translate", "我\tI"), ("summarize", "long\tshort")]
)
def test_a_file_of_which_nothing_can_be_held_out_is_named(task, row, tmp_path, capsys):
    (tmp_path / "rows.tsv").write_text("\n".join([row] * 20), encoding="utf-8")
    assert main([task, "train", str(tmp_path / "rows.tsv"), "--out", str(tmp_path / "run")]) == 1
    assert "rows.tsv has too little in it: something must be held out" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_limit_that_is_none_is_refused(reviews, capsys):
    with pytest.raises(SystemExit):
        main(["classify", "train", reviews, "--out", "run", "--steps", "0"])
    assert "'0' is not a whole number, 1 or more" in capsys.readouterr().err
