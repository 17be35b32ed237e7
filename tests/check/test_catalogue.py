"""The catalogue's promises, exercise by exercise: what is right passes, what is wrong is called by its name."""

import copy
import itertools

import numpy as np
import pytest

from minilm.check.compare import difference
from minilm.check.judge import alike, cases_of, judge, run
from minilm.check.report import stubs
from minilm.check.topics import by_topic, exercises

EXERCISES = list(exercises().values())
VARIANTS = [pytest.param(e, v, id=f"{e.name}-{v.__name__}") for e in EXERCISES for v in e.variants]
MISCONCEPTIONS = [pytest.param(e, m, id=f"{e.name}-{m.name}") for e in EXERCISES for m in e.misconceptions]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=[e.name for e in EXERCISES])


@pytest.mark.parametrize(("exercise", "variant"), VARIANTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_correct_variant_is_called_correct(exercise, variant, seed):
    verdict = judge(exercise, variant, seed)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("exercise", "misconception"), MISCONCEPTIONS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_misconception_is_called_by_its_name(exercise, misconception, seed):
    verdict = judge(exercise, misconception.wrong, seed)
    assert not verdict.correct
    assert verdict.misconception == misconception.name, verdict


@each_exercise
def test_some_case_separates_every_two_misconceptions(exercise):
    cases = cases_of(exercise, seed=0)
    outcomes = {m.name: [run(m.wrong, case.arguments) for case in cases] for m in exercise.misconceptions}
    for (a, of_a), (b, of_b) in itertools.combinations(outcomes.items(), 2):
        same = [alike(x, y, case.tol) for x, y, case in zip(of_a, of_b, cases, strict=True)]
        assert not all(same), f"{a} and {b} do the same on every case"


@each_exercise
def test_a_stub_gets_no_points(exercise):
    for stub in stubs(exercise):
        assert not judge(exercise, stub).correct


@each_exercise
def test_it_has_enough_of_everything(exercise):
    assert len(exercise.variants) >= 3
    assert len(exercise.misconceptions) >= 3
    assert len(exercise.hints) == 3
    assert all(m.asks.endswith("?") for m in exercise.misconceptions)
    assert not any(m.says.endswith(".") for m in exercise.misconceptions)
    assert len(cases_of(exercise, seed=0)) >= 4
    assert "minilm" in exercise.reference.__module__
    compile(exercise.stub(), "stub", "exec")
    assert exercise.source()


@each_exercise
def test_other_seeds_ask_other_questions(exercise):
    first, second = (cases_of(exercise, seed) for seed in (0, 1))
    assert any(difference(a.arguments, b.arguments, 0.0) for a, b in zip(first, second, strict=False))


def composed(exercise):
    """Wrong answers that no one wrote down: two misconceptions at once, and wrong constants."""

    def change(value, how):
        if isinstance(value, dict):
            return {key: change(part, how) for key, part in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(change(part, how) for part in value)
        return value if isinstance(value, str | bytes | None) else how(value)

    def sum_of(a, b, expected):
        if isinstance(a, tuple | list):
            return type(a)(map(sum_of, a, b, expected))
        return a + b - expected  # both errors in one

    for factor in (0.5, 2, -1, 1.001):
        yield lambda *arguments, factor=factor: change(exercise.expected(*arguments), lambda x: factor * np.asarray(x))
    yield lambda *arguments: change(exercise.expected(*arguments), lambda x: np.asarray(x) + 1)
    for a, b in itertools.combinations(exercise.misconceptions, 2):
        yield lambda *arguments, a=a, b=b: sum_of(
            *(f(*copy.deepcopy(arguments)) for f in (a.wrong, b.wrong, exercise.expected))
        )
        yield lambda *arguments, a=a, b=b: (a.wrong if np.size(arguments[0]) % 2 else b.wrong)(*arguments)


@each_exercise
def test_a_randomly_composed_wrong_answer_is_never_called_correct(exercise):
    for wrong in composed(exercise):
        verdict = judge(exercise, wrong)
        assert not verdict.correct, verdict


def test_no_two_exercises_share_a_name():
    names = [exercise.name for found in by_topic().values() for exercise in found]
    assert len(names) == len(set(names)) == len(EXERCISES)


def test_the_catalogue_is_as_large_as_it_claims():
    assert len(EXERCISES) >= 40
    assert sum(len(e.misconceptions) for e in EXERCISES) >= 150
