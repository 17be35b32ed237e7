"""The float32 loops stay within bounds of the float64 formula, also where arithmetic is hard, and hide no NaN."""

import importlib.util
import os

import numpy as np
import pytest
from calls import EXAMPLES, is_float, results
from precision import BOUND, HARD, NAMES, bound, cases, error

from minilm import kernels

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed"),
    pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="loops in plain Python take minutes"),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_loops_are_as_right_as_float32_can_be(name):
    for case, arguments in cases(name):
        assert error(kernels.ALL[name].compiled, name, arguments) <= bound(name, case, arguments), case


def test_hard_cases_are_of_kernels_that_there_are():
    assert set(HARD) <= set(NAMES)


def naive_softmax(x):
    e = np.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def naive_layer_norm(x, gamma, beta, eps):
    mean, variance = x.mean(axis=1), (x * x).mean(axis=1) - x.mean(axis=1) ** 2
    rstd = 1 / np.sqrt(np.maximum(variance, 0) + np.float32(eps))
    return gamma * (x - mean[:, None]) * rstd[:, None] + beta, mean, rstd


@pytest.mark.parametrize(
    ("name", "case", "naive"),
    [
        ("softmax", "logits to ±1e4", naive_softmax),
        ("layer_norm", "mean 30 and variance 1", naive_layer_norm),
        ("gelu_backward", "from -1e30 to 1e30", kernels.gelu_backward.reference),
    ],
)
def test_arithmetic_that_overflows_or_cancels_is_caught(name, case, naive):
    with np.errstate(all="ignore"):
        assert error(naive, name, HARD[name][case]) > BOUND


@pytest.mark.parametrize("name", NAMES)
def test_a_nan_that_goes_in_comes_out(name):
    example = EXAMPLES[name](np.random.default_rng(0), np.float32)
    for place in (i for i, argument in enumerate(example) if is_float(argument)):
        arguments = EXAMPLES[name](np.random.default_rng(0), np.float32)
        arguments[place].flat[-1] = np.nan
        expected, got = (
            any(np.isnan(array).any() for array in results(f, arguments)[: -len(arguments)])
            for f in (kernels.ALL[name].reference, kernels.ALL[name].compiled)
        )
        assert got or not expected, place
