"""The layers without memory, against their formulas in NumPy."""

import math

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import Tensor


def ids(*values):
    return np.array(values)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 3, 4))


def test_linear_is_a_product_and_a_bias(rng, x):
    layer = nn.Linear(4, 5, rng=rng).astype(np.float64)
    layer.b.data = rng.standard_normal(5)
    expected = [[[sum(row[i] * layer.W.data[i, j] for i in range(4)) + layer.b.data[j] for j in range(5)] for row in m]
                for m in x]  # fmt: skip
    np.testing.assert_allclose(layer(Tensor(x)).data, expected)


def test_linear_starts_so_that_the_output_varies_as_the_input(rng):
    layer = nn.Linear(400, 300, rng=rng)
    assert layer.b.data.tolist() == [0] * 300
    y = layer(Tensor(rng.standard_normal((50, 400), dtype=np.float32))).data
    assert abs(y.std() - 1) < 0.05


def test_embedding_takes_rows_of_its_table(rng):
    layer = nn.Embedding(5, 3, rng=rng)
    np.testing.assert_array_equal(layer([[4, 0, 4]]).data, layer.table.data[[[4, 0, 4]]])


def test_embedding_starts_with_unit_variance(rng):
    assert abs(nn.Embedding(300, 100, rng=rng).table.data.std() - 1) < 0.02


def test_layer_norm_has_the_asked_mean_and_spread(rng, x):
    layer = nn.LayerNorm(4, eps=1e-3).astype(np.float64)
    layer.gamma.data, layer.beta.data = rng.standard_normal((2, 4))
    for got, row in zip(layer(Tensor(x)).data.reshape(-1, 4), x.reshape(-1, 4), strict=True):
        mean = sum(row) / 4
        variance = sum((v - mean) ** 2 for v in row) / 4
        np.testing.assert_allclose(got, layer.gamma.data * (row - mean) / math.sqrt(variance + 1e-3) + layer.beta.data)


def test_rms_norm_has_the_asked_length(rng, x):
    layer = nn.RMSNorm(4, eps=1e-3).astype(np.float64)
    layer.gamma.data = rng.standard_normal(4)
    for got, row in zip(layer(Tensor(x)).data.reshape(-1, 4), x.reshape(-1, 4), strict=True):
        np.testing.assert_allclose(got, layer.gamma.data * row / math.sqrt(sum(row * row) / 4 + 1e-3))


def test_feed_forward_looks_at_each_position_alone(rng, x):
    layer = nn.FeedForward(4, 6, rng=rng).astype(np.float64)
    a = x @ layer.inner.W.data
    hidden = 0.5 * a * (1 + np.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)))
    np.testing.assert_allclose(layer(Tensor(x)).data, hidden @ layer.outer.W.data)


def test_dropout_zeroes_some_and_stretches_the_rest(rng):
    y = nn.Dropout(0.25, rng=rng)(Tensor(np.full(100_000, 3.0, np.float32))).data
    assert set(np.unique(y)) == {0, 4}
    assert abs((y == 0).mean() - 0.25) < 0.01


def test_dropout_is_off_outside_training(rng):
    layer, x = nn.Dropout(0.9, rng=rng), Tensor(np.ones(100))
    assert layer.eval()(x) is x
    assert layer.train()(x) is not x


def test_dropout_with_probability_zero_draws_nothing(rng):
    layer, x = nn.Dropout(0.0, rng=rng), Tensor(np.ones(3))
    before = rng.bit_generator.state
    assert layer(x) is x
    assert rng.bit_generator.state == before


def test_dropout_draws_anew_each_time(rng):
    layer, x = nn.Dropout(0.5, rng=rng), Tensor(np.ones(100))
    assert layer(x).data.tolist() != layer(x).data.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: nn.Linear(4, 5, rng=rng)(Tensor(np.ones((2, 3)))), r"\(2, 3\); expected .* the 4 inputs"),
        (lambda rng: nn.Embedding(5, 3, rng=rng)(ids(0, 5)), "5 is outside the vocabulary of 5; expected 0 <= id < 5"),
        (lambda rng: nn.Embedding(5, 3, rng=rng)(ids(-1)), "-1 is outside the vocabulary of 5"),
        (lambda rng: nn.Dropout(1.0, rng=rng), "probability of dropout is 1.0, expected 0 <= probability < 1"),
        (lambda rng: nn.Dropout(-0.1, rng=rng), "probability of dropout is -0.1"),
        (lambda rng: nn.Dropout(math.nan, rng=rng), "probability of dropout is nan"),
    ],
)
def test_bad_input_is_named(rng, call, message):
    with pytest.raises(ValueError, match=message):
        call(rng)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: nn.LayerNorm(4)(Tensor(np.ones((2, 8), np.float32))), r"x has shape \(2, 8\)"),
        (lambda rng: nn.RMSNorm(4)(Tensor(np.ones((2, 8), np.float32))), r"x has shape \(2, 8\)"),
        (lambda rng: nn.Embedding(5, 3, rng=rng)(ids(1.7)), "ids has dtype float64, expected integers"),
        (lambda rng: nn.LearnedPositions(5, 1, rng=rng)(Tensor(np.ones((2, 3, 4)))), r"x has shape \(2, 3, 4\)"),
    ],
    ids=["layer norm", "RMS norm", "embedding", "positions"],
)
def test_more_bad_input_is_named(rng, call, message):
    with pytest.raises(ValueError, match=message):
        call(rng)
