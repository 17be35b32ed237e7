"""Exact match and F1 equal SQuAD's, as torchmetrics has them from the official script."""

import pytest

pytest.importorskip("torchmetrics")

from collections import Counter

import numpy as np
from generated_texts import pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.text import squad

from minilm.metrics import exact_match, f1

WORDS = "the a an An THE cat Cat, cat. mat (mat) it's its U.S. US 3.5 35 — of _a_ a-b théâtre 的"


def assert_equal(prediction, answers):
    other = squad(
        [{"prediction_text": prediction, "id": "1"}],
        [{"answers": {"answer_start": [0] * len(answers), "text": answers}, "id": "1"}],
    )
    mine = exact_match(prediction, answers), f1(prediction, answers)
    expected = float(other["exact_match"]) / 100, float(other["f1"]) / 100
    assert mine == pytest.approx(expected, abs=2e-7), (prediction, answers)  # theirs is float32
    return mine


def test_it_equals_squads_on_400_generated_questions():
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(400):
        answers = [" ".join(rng.choice(WORDS.split(), rng.integers(0, 5))) for _ in range(rng.integers(1, 4))]
        other = " ".join(rng.choice(WORDS.split(), rng.integers(0, 5)))
        scores.append(
            assert_equal([*answers, other][rng.integers(len(answers) + 1)] + " the"[: rng.integers(5)], answers)
        )
    matches, overlaps = np.array(scores).T
    assert 100 < matches.sum() < 350
    assert np.sum((overlaps > 0) & (overlaps < 1)) > 80


def test_it_equals_squads_on_300_pairs_of_sentences():
    for prediction, answer in pairs(3, "English", 300, 10):
        assert_equal(prediction, [answer])


@given(st.text(max_size=15), st.lists(st.text(max_size=15), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_it_equals_squads_on_any_unicode(prediction, answers):
    assert_equal(prediction, answers)


def test_shared_words_that_count_once_are_noticed(monkeypatch):
    monkeypatch.setitem(f1.__globals__, "Counter", lambda words: Counter(set(words)))
    with pytest.raises(AssertionError):
        assert_equal("cat cat mat", ["cat cat sat"])
