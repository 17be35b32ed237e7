"""What a learner is told, case by case: each kind of verdict, from a solution that deserves it."""

import math
import re
import time

import numpy as np
import pytest

from minilm import check, kernels
from minilm.check.exercise import Exercise
from minilm.check.judge import judge


def softmax(x):
    """A correct solution of the exercise below."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cases(rng):
    yield (rng.standard_normal((1, 2)),)
    yield (rng.standard_normal((3, 4)),)
    yield (1000 * rng.standard_normal((2, 3)),)
    yield (rng.standard_normal((2, 3)).astype(np.float32),)


@pytest.fixture
def exercise():
    exercise = Exercise(
        name="softmax",
        statement="softmax(x) = eˣ / Σ eˣ, for each row.",
        arguments={"x": "(N, V)"},
        returns="(N, V)",
        reference=kernels.softmax.reference,
        cases=cases,
        hints=("one", "two", "three"),
    )

    @exercise.misconception("the sum ran over all rows", "What must every row sum to?")
    def over_everything(x):
        e = np.exp(x - x.max())
        return e / e.sum()

    @exercise.misconception("large scores could not overflow", "What is e¹⁰⁰⁰?")
    def overflow(x):
        e = np.exp(x)
        return e / e.sum(axis=-1, keepdims=True)

    return exercise


def test_a_correct_solution_is_told_how_many_cases_and_how_close(exercise):
    verdict = judge(exercise, softmax)
    assert verdict.correct
    assert "correct. 4 cases, largest relative difference" in repr(verdict)


@pytest.mark.parametrize("nothing", [None, ..., lambda x: None, lambda x: ..., "softmax"])
def test_nothing_is_not_attempted(exercise, nothing):
    assert judge(exercise, nothing).kind == "not attempted"


def test_not_implemented_is_not_attempted(exercise):
    def softmax(x):
        raise NotImplementedError

    assert judge(exercise, softmax).kind == "not attempted"


def test_a_misconception_is_named_with_a_case_and_a_question(exercise):
    verdict = judge(exercise, lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum())
    assert verdict.misconception == "over_everything"
    shown = repr(verdict)
    assert "behaves exactly as if the sum ran over all rows." in shown
    assert "Smallest case that shows it" in shown
    assert "What must every row sum to?" in shown


def test_a_mistake_that_shows_only_on_large_numbers_is_named_too(exercise):
    verdict = judge(exercise, lambda x: np.exp(x) / np.exp(x).sum(axis=1)[:, None])
    assert verdict.misconception == "overflow"
    assert verdict.arguments[0].shape == (2, 3)


@pytest.mark.parametrize(
    ("wrong", "kind", "told"),
    [
        (lambda x: softmax(x).T, "shape", r"its shape is \(2, 1\), expected \(N, V\) \(1, 2\)"),
        (lambda x: softmax(x)[0], "shape", "its shape is"),
        (lambda x: softmax(x).astype(complex), "type", "of type complex128, expected numbers"),
        (lambda x: "0.5", "type", "expected numbers"),
        (lambda x: [[1.0], [1.0, 2.0]], "type", "unequal length"),
        (lambda x: np.full_like(x, np.nan), "nan", "it is nan, expected 0"),
        (lambda x: softmax(x) + 0.01, "value", r"at \[0, 0\] it is 0\.\d+, expected 0\.\d+"),
        (lambda x: softmax(x) / (x.shape[0] - 1 / 0), "error", "raised ZeroDivisionError in line"),
    ],
)
def test_the_first_honest_difference_is_told(exercise, wrong, kind, told):
    verdict = judge(exercise, wrong)
    assert verdict.kind == kind
    assert re.search(told, verdict.sentence)


def test_an_argument_changed_in_place_is_noticed(exercise):
    def in_place(x):
        x -= x.max(axis=-1, keepdims=True)
        np.exp(x, out=x)
        return x / x.sum(axis=-1, keepdims=True)

    verdict = judge(exercise, in_place)
    assert verdict.kind == "changed"
    assert "x is not what it was" in verdict.sentence


def test_a_solution_that_is_right_only_the_first_time_is_noticed(exercise):
    calls = []

    def forgetful(x):
        calls.append(x)
        return softmax(x) + (1e-9 if len(calls) > 6 else 0)

    assert judge(exercise, forgetful).kind == "not deterministic"


@pytest.mark.parametrize(
    "solution",
    [kernels.softmax, kernels.softmax.reference, lambda x: kernels.softmax(x)],
    ids=["kernel", "formula", "call"],
)
def test_the_reference_is_no_solution(exercise, solution):
    verdict = judge(exercise, solution)
    assert verdict.kind == "borrowed"
    assert "kernels/" in verdict.sentence


def test_a_solution_that_takes_far_too_long_is_told_so(exercise, monkeypatch):
    monkeypatch.setattr("minilm.check.judge.SLOW_SECONDS", 0.01)
    verdict = judge(exercise, lambda x: [time.sleep(0.2), softmax(x)][1])
    assert verdict.kind == "slow"
    assert "times as long as the reference" in verdict.sentence


def test_float64_out_of_float32_is_a_remark_not_an_error(exercise):
    verdict = judge(exercise, lambda x: softmax(x.astype(float)))
    assert verdict.correct
    assert "float32 went in and float64 came out" in repr(verdict)


def test_lists_of_numbers_are_as_good_as_arrays(exercise):
    def plain(x):
        rows = [[math.exp(v - max(row)) for v in row] for row in x.tolist()]
        return [[v / sum(row) for v in row] for row in rows]

    assert judge(exercise, plain).correct


def test_the_panel_marks_what_differs_and_needs_no_network(exercise):
    panel = judge(exercise, lambda x: softmax(x) + np.eye(*x.shape) / 100)._repr_html_()
    assert "≠" in panel
    assert "target" in panel and "yours" in panel
    assert "http" not in panel and "<script" not in panel


def test_a_learners_text_cannot_break_the_panel(exercise):
    def nasty(x):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in judge(exercise, nasty)._repr_html_()


def test_an_unknown_name_suggests_one_that_exists():
    with pytest.raises(ValueError, match="did you mean 'attention'"):
        check.solution("atention", softmax)
