"""A compiled kernel gives what its NumPy formula gives; the formula gives what the definition says."""

import importlib.util
import os
import warnings

import numpy as np
import pytest
from calls import EXAMPLES, results

from minilm import kernels
from minilm.kernels import blas, pair
from minilm.kernels.elementary import exp, sigmoid, tanh
from minilm.kernels.pair import Kernel, compile_loops, prange

RECURRENT = {name for unit in ("rnn", "gru", "lstm") for name in (unit, f"{unit}_backward")}
CALL_BLAS = {
    "attention",
    "attention_backward",
    "linear",
    "linear_backward",
    "frozen_linear_backward",
    "quantized_linear",
} | RECURRENT
CALL_C = CALL_BLAS | {"layer_norm_backward", "rms_norm_backward", "packed_linear", "decode_llama"}
with_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")


def disagreement(kernel, arguments):
    """The largest difference between formula and loops, relative to the largest number where that exceeds 1."""
    worst = 0.0
    for formula, loops in zip(results(kernel.reference, arguments), results(kernel.compiled, arguments), strict=True):
        assert formula.shape == loops.shape
        if formula.size:
            formula, loops = formula.astype(float), loops.astype(float)
            worst = max(worst, np.abs(formula - loops).max() / max(1.0, np.abs(formula).max()))
    return worst


def test_every_kernel_has_an_example():
    assert set(EXAMPLES) == set(kernels.ALL)


@with_numba
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_compiled_kernel_equals_its_reference(name):
    if name in CALL_C and os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        pytest.skip("only compiled loops can call C functions")
    if name in CALL_BLAS and blas.BLAS is None:
        pytest.skip("only the BLAS in NumPy's wheels can be called")
    for seed in range(3):
        assert disagreement(kernels.ALL[name], EXAMPLES[name](np.random.default_rng(seed), np.float32)) < 5e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_kernel_keeps_the_type_it_is_given(name, dtype):
    arguments = EXAMPLES[name](np.random.default_rng(0), dtype)
    floats = {array.dtype for array in results(kernels.ALL[name], arguments) if array.dtype.kind == "f" and array.ndim}
    assert floats <= {np.dtype(dtype)}


@with_numba
def test_a_wrong_twin_is_caught():
    @Kernel
    def double(x):
        return 2 * x

    @double.loops
    def double(x):
        y = np.empty_like(x)
        for i in prange(x.size):
            y[i] = 2 * x[i] + np.float32(1e-3)
        return y

    try:
        assert disagreement(double, (np.ones(3, np.float32),)) > 5e-6
    finally:
        del kernels.ALL["double"]


def test_reference_only_runs_the_formula():
    calls = []

    @Kernel
    def told(x):
        calls.append("formula")
        return x

    @told.loops
    def told(x):
        return x

    try:
        with kernels.reference_only():
            told(np.ones(1, np.float32))
        told(np.ones(1))  # float64 is for checking, and always runs the formula
        assert calls == ["formula", "formula"]
    finally:
        del kernels.ALL["told"]


@with_numba
def test_a_small_call_wakes_no_thread(monkeypatch):
    import numba

    seen, threads = [], numba.get_num_threads()
    monkeypatch.setattr(pair, "_formulas_only", False)
    monkeypatch.setattr(pair, "compile_loops", lambda loops: lambda x: seen.append(numba.get_num_threads()))
    for rows in (1, pair.WORTH_A_THREAD):
        kernels.softmax(np.zeros((rows, 2), np.float32))
    assert seen == [1, threads]
    assert numba.get_num_threads() == threads


def test_a_kernel_without_loops_runs_its_formula():
    @Kernel
    def half(x):
        return x / 2

    try:
        assert half(np.ones(2, np.float32)).tolist() == [0.5, 0.5]
    finally:
        del kernels.ALL["half"]


@with_numba
def test_products_give_blas_its_threads_back():
    if blas.BLAS is None:
        pytest.skip("this NumPy has a BLAS that loops cannot call")
    before = blas.BLAS.scipy_openblas_get_num_threads64_()
    x, W = np.ones((600, 200), np.float32), np.ones((200, 300), np.float32)
    kernels.linear(x, W, W[0])
    kernels.linear_backward(np.ones((600, 300), np.float32), x, W)
    kernels.lstm(np.ones((2, 3, 400), np.float32), x[:2, :100], x[:2, :100], np.ones((100, 400), np.float32))
    assert blas.BLAS.scipy_openblas_get_num_threads64_() == before


def test_without_numba_the_formulas_run_and_it_is_said_once(monkeypatch):
    monkeypatch.setattr(pair.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(pair, "_formulas_only", False)
    pair.numba_installed.cache_clear()
    try:
        with pytest.warns(UserWarning, match="Numba is not installed"):
            kernels.softmax(np.zeros((1, 2), np.float32))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert kernels.softmax(np.zeros((1, 2), np.float32)).tolist() == [[0.5, 0.5]]
    finally:
        pair.numba_installed.cache_clear()


@with_numba
@pytest.mark.parametrize(("approximation", "truth"), [(exp, np.exp), (tanh, np.tanh), (sigmoid, None)])
def test_elementary_functions_are_right_to_six_digits_everywhere(approximation, truth):
    truth = truth or (lambda x: 1 / (1 + np.exp(-x)))
    x = np.concatenate([np.linspace(-87, 88, 20_001), np.linspace(-1, 1, 501), [1e-6, -1e-20]]).astype(np.float32)
    compiled = compile_loops(approximation)
    y, expected = np.array([compiled(value) for value in x], float), truth(x.astype(float))
    np.testing.assert_allclose(y, expected, rtol=5e-7, atol=1e-37)


@with_numba
def test_exp_keeps_nan_and_saturates():
    compiled = compile_loops(exp)
    with np.errstate(invalid="ignore"):  # the integer that NaN becomes is not used; plain Python warns of it
        assert np.isnan(compiled(np.float32(np.nan)))
    assert compiled(np.float32(-np.inf)) == 0
    assert compiled(np.float32(-100)) == 0
    assert compiled(np.float32(0)) == 1
    assert compiled(np.float32(1000)) > 3e38


@pytest.mark.parametrize("mode", ["formula", "loops"])
def test_softmax_survives_large_and_masked_logits(mode):
    softmax = kernels.softmax.reference if mode == "formula" else kernels.softmax
    p = softmax(np.array([[1000.0, 1000.0, -1000.0], [-np.inf, 0.0, -np.inf]], np.float32))
    np.testing.assert_allclose(p, [[0.5, 0.5, 0], [0, 1, 0]], atol=1e-7)


@pytest.mark.parametrize("mode", ["formula", "loops"])
def test_a_query_that_sees_nothing_attends_to_nothing(mode):
    attend = kernels.attention.reference if mode == "formula" else kernels.attention
    q = np.ones((1, 2, 1, 4), np.float32)
    mask = np.array([[False, False], [True, False]])[None, None]
    y, L = attend(q, q, np.arange(8, dtype=np.float32).reshape(1, 2, 1, 4), mask, False)
    assert y.tolist() == [[[[0, 0, 0, 0]], [[0, 1, 2, 3]]]]
    assert L.tolist() == [[[np.inf, 2]]]


@pytest.mark.parametrize("mode", ["formula", "loops"])
@pytest.mark.parametrize(("T", "S"), [(1, 1), (1, 9), (3, 9), (70, 70), (33, 65)])
def test_causal_attention_equals_attention_under_a_triangular_mask(T, S, mode):
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, n, 3, 8)).astype(np.float32) for n in (T, S, S))
    everywhere, triangle = np.ones((1, 1, 1, S), bool), np.tri(T, S, S - T, dtype=bool)[None, None]
    attend = kernels.attention.reference if mode == "formula" else kernels.attention
    for causal, masked in zip(attend(q, k, v, everywhere, True), attend(q, k, v, triangle, False), strict=True):
        np.testing.assert_allclose(causal, masked, atol=1e-6)
