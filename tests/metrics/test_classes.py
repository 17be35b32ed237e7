"""Measures of classifiers against loops that say what they mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.metrics import calibration_error, confusion, f1_of_classes, reliability

pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


@given(pairs)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(rows):
    predictions, labels = zip(*rows, strict=True)
    table = confusion(predictions, labels, 3)
    for c, f1 in enumerate(f1_of_classes(predictions, labels, 3)):
        right = sum(p == y == c for p, y in rows)
        given_c, true_c = predictions.count(c), labels.count(c)
        precision, recall = right / max(given_c, 1), right / max(true_c, 1)
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall) if right else 0)
        assert [table[c, other] for other in range(3)] == [rows.count((other, c)) for other in range(3)]


def test_calibration_error_by_a_loop_over_texts():
    rng = np.random.default_rng(0)
    p, labels = rng.dirichlet([0.5] * 3, 200), rng.integers(0, 3, 200)
    bins = [[] for _ in range(10)]
    for row, y in zip(p, labels, strict=True):
        place = next(b for b in range(10) if b / 10 < max(row) <= (b + 1) / 10)
        bins[place].append((max(row), row.tolist().index(max(row)) == y))
    expected = sum(abs(sum(c for c, _ in b) - sum(r for _, r in b)) for b in bins) / 200
    assert calibration_error(p, labels) == pytest.approx(expected)
    assert reliability(p, labels).counts.tolist() == [len(b) for b in bins]


def test_who_is_right_as_often_as_sure_is_calibrated_and_who_is_always_certain_is_not():
    labels = np.array([0] * 80 + [1] * 20)
    assert calibration_error(np.tile([0.8, 0.2], (100, 1)), labels) == pytest.approx(0, abs=1e-12)
    assert calibration_error(np.tile([1.0, 0.0], (100, 1)), labels) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: confusion([2], [0], 2), "predictions runs from 2 to 2; expected classes 0 to 1"),
        (lambda: confusion([1, 0], [0], 2), r"labels has shape \(1,\); expected \(2,\)"),
        (lambda: f1_of_classes([0.5], [0], 2), "predictions is float64"),
        (lambda: reliability([[2.0, 3.0]], [0]), "a row does not sum to 1; expected the softmax of logits"),
        (lambda: calibration_error([[0.5, 0.5]], [0, 1]), r"labels has shape \(2,\); expected \(1,\)"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
