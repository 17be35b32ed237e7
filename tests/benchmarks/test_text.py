"""The rows of text.py compare what is equal, and would notice if it were not."""

import importlib.util
import sys
from pathlib import Path

import pytest
import workloads

PLAYS = "\n\n".join(f"To be, or not to be: {i}\nThat's the question.\n\n  Whether 'tis nobler" for i in range(400))


@pytest.fixture
def text(monkeypatch):
    """The script, with a small text in place of the plays."""
    path = Path(__file__).with_name("text.py")
    spec = importlib.util.spec_from_file_location("text_rows", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "text_rows", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "plays", lambda: PLAYS)
    return module


def test_every_row_has_a_peer(text):
    assert list(text.ROWS) == list(workloads.TEXT_PEERS)


def test_chunks_are_the_text_and_cut_no_word(text):
    chunks = text.chunks_of(PLAYS)
    assert "".join(chunks) == PLAYS
    assert len(chunks) > 30
    assert [word for chunk in chunks for word in text.pattern().findall(chunk)] == text.pattern().findall(PLAYS)


@pytest.mark.parametrize("name", ["bpe-train-python", "bpe-encode-python"])
def test_python_finds_the_same_and_is_timed(text, monkeypatch, name):
    monkeypatch.setattr(text, "MERGES", 100)
    monkeypatch.setattr(text, "PYTHON_TRAINS_ON", 2_000)
    monkeypatch.setattr(text, "PYTHON_MERGES", 20)
    (pair,) = text.ROWS[name](1)
    assert min(pair) > 0


def test_other_ids_are_noticed(text, monkeypatch):
    monkeypatch.setattr(text, "MERGES", 100)
    monkeypatch.setattr(text, "python_encode", lambda *_: [1, 2, 3])
    with pytest.raises(AssertionError, match="ids differ"):
        text.ROWS["bpe-encode-python"](1)


def test_nltk_gives_the_same_log_probabilities(text, monkeypatch):
    pytest.importorskip("nltk")
    monkeypatch.setattr(text, "NLTK_COUNTS", 3_000)
    text.assert_nltk_agrees()
    theirs = text.nltk_fitted
    monkeypatch.setattr(text, "nltk_fitted", lambda part: with_discount(theirs(part), 0.2))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        text.assert_nltk_agrees()


def with_discount(model, discount):
    model.estimator.discount = discount
    return model
