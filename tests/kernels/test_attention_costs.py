"""How many products attention computes and how many numbers it holds, counted while its loops run as plain Python."""

import importlib

import numpy as np
import pytest

from minilm.kernels import attention_backward

loops = importlib.import_module("minilm.kernels.attention")  # the package has a kernel of this name
D = 4


@pytest.fixture
def counted(monkeypatch):
    """What BLAS is asked for: multiplications of all products, numbers in the largest result that is no argument's."""
    counts = {"multiplications": 0, "held": 0}

    def product(a, a_transposed, b, b_transposed, beta, y):
        a, b = a.T if a_transposed else a, b.T if b_transposed else b
        y[...] = a @ b + (beta * y if beta else 0)
        counts["multiplications"] += a.size * b.shape[1]
        counts["held"] = max(counts["held"], y.size if y.base is None else 0)

    monkeypatch.setattr(loops, "blas_product", product)
    monkeypatch.setattr(loops, "exp", np.exp)
    return counts


def head(T, causal):
    """One head there and back; what it returned, and what the formula returns."""
    rng = np.random.default_rng(0)
    dy, q, k, v = (rng.standard_normal((T, D)).astype(np.float32) for _ in range(4))
    y, L, dq = np.empty_like(q), np.empty(T, np.float32), np.empty_like(q)
    dk, dv = np.zeros_like(k), np.zeros_like(v)
    mask = np.ones((1, T), bool)
    loops.one_head(q, k, v, mask, False, causal, y, L)
    loops.one_head_backward(dy, q, k, v, y, L, mask, False, causal, dq, dk, dv)
    whole = [a[None, :, None] for a in (dy, q, k, v, y)]
    expected = attention_backward.reference(*whole, L[None, None], mask[None, None], causal)
    return (dq, dk, dv), [array[0, :, 0] for array in expected]


@pytest.mark.parametrize("T", [1, 64, 150])
def test_causal_attention_computes_the_triangle_and_half_a_block_beside_it(counted, T):
    for got, expected in zip(*head(T, causal=True), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)
    triangle = T * (T + 1) // 2
    assert counted["multiplications"] <= 7 * D * (triangle + T * loops.BLOCK // 2)  # two products there, five back


def test_without_a_causal_mask_it_computes_the_square(counted):
    head(150, causal=False)
    assert counted["multiplications"] == 7 * D * 150 * 150


def test_it_never_holds_the_weights_of_more_than_one_block_of_queries(counted):
    for T in (150, 300):
        head(T, causal=False)
        assert counted["held"] == loops.BLOCK * T
