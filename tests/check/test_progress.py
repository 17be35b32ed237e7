"""What is kept between sessions, and the small services: hints, stubs, the reference's source."""

import json

import numpy as np
import pytest

from minilm import check
from minilm.check.topics import exercises

ATTENTION = exercises()["attention"]


def test_progress_is_kept_in_a_file(progress_file):
    check.solution("attention", lambda q, k, v, mask: q)
    check.solution("attention", ATTENTION.variants[0])
    check.solution("attention", ATTENTION.misconceptions[0].wrong)  # it stays solved
    entry = json.loads(progress_file.read_text(encoding="utf-8"))["attention"]
    assert entry["tries"] == 2
    assert entry["solved"]
    assert check.progress().solved == 1
    assert "✓ attention" in repr(check.progress())


def test_what_was_not_attempted_is_no_try(progress_file):
    check.solution("attention", None)
    assert not progress_file.exists()
    assert "○ attention" in repr(check.progress())


def test_a_wrong_try_shows_as_begun():
    check.solution("attention", lambda q, k, v, mask: q)
    assert "… attention" in repr(check.progress())
    assert "… attention" in check.progress()._repr_html_()


def test_a_damaged_file_is_named_and_does_not_stop_a_check(progress_file):
    progress_file.write_text("[1, 2", encoding="utf-8")
    with pytest.raises(ValueError, match=r"progress\.json is damaged .* move it away"):
        check.progress()
    with pytest.warns(UserWarning, match="progress was not recorded"):
        assert check.solution("attention", ATTENTION.variants[0]).correct
    assert progress_file.read_text(encoding="utf-8") == "[1, 2"


def test_a_folder_that_cannot_be_written_does_not_stop_a_check(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MINILM_PROGRESS", str(tmp_path / "file" / "progress.json"))
    with pytest.warns(UserWarning, match="progress was not recorded"):
        assert check.solution("attention", ATTENTION.variants[0]).correct


def test_hints_come_one_at_a_time_and_then_repeat_the_last():
    given = [check.hint("softmax") for _ in range(4)]
    assert [text[:11] for text in given] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    assert check.hint("softmax", 1) == given[0]
    with pytest.raises(ValueError, match="number is 4, expected 1 to 3"):
        check.hint("softmax", 4)


def test_revealing_shows_the_source_of_the_reference():
    source = check.reveal("attention")
    assert "def attend(q, k, v, mask, causal=False):" in source
    assert "def weights(q, k, mask, causal):" in source  # which it calls


def test_every_stub_runs_and_is_not_attempted():
    for name in check.exercises():
        scope = {"np": np}
        exec(check.stub(name), scope)
        assert check.solution(name, scope[name]).kind == "not attempted"
