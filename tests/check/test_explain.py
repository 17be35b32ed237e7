"""A gradient that is wrong in a simple way is told which way that is."""

import numpy as np
import pytest

from minilm.check.gradient import gradient

RNG = np.random.default_rng(3)
SQUARE, MATRIX, ROW, VECTOR = (RNG.standard_normal(shape) for shape in ((3, 3), (4, 3), (3,), (7,)))


def tanh_with(change):
    """The rule of tanh, its gradient changed."""

    def rule(x):
        y = np.tanh(x)
        return y, lambda dy: (change(dy * (1 - y * y)),)

    return rule


def with_nan(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 0, np.nan, array)


@pytest.mark.parametrize(
    ("rule", "arrays", "explanation"),
    [
        (tanh_with(lambda d: -d), [MATRIX], "It has the wrong sign everywhere."),
        (tanh_with(lambda d: 2 * d), [MATRIX], "It is 2 times what it should be, everywhere."),
        (tanh_with(lambda d: d / 2), [MATRIX], "It is 1/2 of what it should be, everywhere."),
        (tanh_with(lambda d: 0.7 * d), [MATRIX], "It is 0.7 times what it should be, everywhere."),
        (tanh_with(lambda d: 0 * d), [MATRIX], "It is zero everywhere"),
        (tanh_with(with_nan), [MATRIX], "It is NaN or infinite at 1 of 12 elements."),
        (tanh_with(lambda d: d[None]), [MATRIX], "The numbers are right, in another shape: reshape to (4, 3)."),
        (lambda x: (x.T @ MATRIX, lambda dy: (dy @ MATRIX.T,)), [MATRIX], "It is transposed."),
        (lambda x: (x.T @ SQUARE, lambda dy: (dy @ SQUARE.T,)), [SQUARE], "It is transposed."),
        (lambda x: (x**2, lambda dy: (2 * x,)), [MATRIX], "It is the gradient of Σ f: dy plays no part in it."),
        (lambda x: (x.sum(), lambda dy: (dy,)), [MATRIX], "It is not yet spread over the array"),
        (
            lambda x: (x.mean(), lambda dy: (dy * np.ones_like(x),)),
            [VECTOR],
            "It is 7 times what it should be, everywhere. 7 is also how many elements there are",
        ),
        (lambda a, b: (a * b, lambda dy: (dy * b, dy * a)), [MATRIX, ROW], "The sum over axis 0 is missing"),
        (
            lambda a, b: (a * b, lambda dy: (dy * b, dy * a)),
            [np.ones((2, 4, 3)), MATRIX[:, :1]],
            "The sum over axes 0 and 2 is missing",
        ),
        (lambda a, b: (a * b, lambda dy: (dy * b, None)), [MATRIX, ROW], "A gradient is given for arrays[0] (a) only."),
    ],
    ids=["sign", "factor 2", "factor 1/2", "factor 0.7", "zero", "nan", "axis too many", "transposed",
         "transposed square", "no dy", "not spread", "mean", "missing sum", "missing sums", "none"],
)  # fmt: skip
def test_a_wrong_rule_is_explained(rule, arrays, explanation):
    report = gradient(rule, *arrays)
    assert not report.correct
    assert report.explanation.startswith(explanation)


@pytest.mark.parametrize("seed", range(5))
def test_no_explanation_is_found_for_random_numbers(seed):
    noise = np.random.default_rng(seed).standard_normal((4, 3))
    report = gradient(lambda x: (np.tanh(x), lambda dy: (noise,)), MATRIX, seed=seed)
    assert (report.correct, report.explanation) == (False, "")
