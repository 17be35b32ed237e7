"""Positions: sinusoids are the formula's, rotations make scores depend on the distance alone."""

import math

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import Tensor

CONTEXT = 12


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("width", [4, 5])
def test_sinusoids_are_those_of_the_paper(width):
    waves = nn.SinusoidalPositions(CONTEXT, width)(Tensor(np.zeros((1, CONTEXT, width)))).data[0]
    for t in range(CONTEXT):
        for c in range(width):
            angle = t / 10_000 ** (2 * (c // 2) / width)
            assert waves[t, c] == pytest.approx(math.cos(angle) if c % 2 else math.sin(angle), abs=1e-12)


def test_learned_positions_add_the_rows_of_their_table(rng):
    layer, x = nn.LearnedPositions(CONTEXT, 4, rng=rng), rng.standard_normal((2, 3, 4))
    np.testing.assert_array_equal(layer(Tensor(x), offset=5).data, x + layer.table.data[5:8])


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: nn.LearnedPositions(CONTEXT, 4, rng=rng),
        lambda rng: nn.SinusoidalPositions(CONTEXT, 4),
    ],
)
def test_an_offset_goes_on_where_the_past_ended(rng, make):
    layer, x = make(rng), Tensor(rng.standard_normal((2, CONTEXT, 4)))
    np.testing.assert_array_equal(layer(x[:, 7:], offset=7).data, layer(x).data[:, 7:])


def test_an_offset_turns_on_where_the_past_ended(rng):
    layer, x = nn.RotaryPositions(CONTEXT, 4), Tensor(rng.standard_normal((2, 3, CONTEXT, 4)))
    np.testing.assert_array_equal(layer(x[:, :, 7:], offset=7).data, layer(x).data[:, :, 7:])


def test_the_first_pair_turns_by_one_radian_a_place():
    x = np.tile([1.0, 5.0, 0.0, 0.0], (1, 1, 4, 1))  # the pairs are (1, 0) and (5, 0)
    y = nn.RotaryPositions(4, 4)(Tensor(x)).data[0, 0]
    for t in range(4):
        slow = t / 10_000**0.5
        np.testing.assert_allclose(y[t], [math.cos(t), 5 * math.cos(slow), math.sin(t), 5 * math.sin(slow)])


def scores(layer, q, k):
    """q · k for one query and one key content at all pairs of places.   ->   (context, context)"""
    q, k = (layer(Tensor(np.tile(row, (1, 1, CONTEXT, 1)))).data[0, 0] for row in (q, k))
    return q @ k.T


def test_rotary_scores_depend_on_the_distance_alone(rng):
    table = scores(nn.RotaryPositions(CONTEXT, 6), *rng.standard_normal((2, 6)))
    for distance in range(-CONTEXT + 1, CONTEXT):
        same = np.diagonal(table, distance)
        np.testing.assert_allclose(same, same[0], atol=1e-12)
    assert len(np.unique(table[0].round(6))) == CONTEXT  # and they do depend on it


def test_sinusoidal_scores_depend_on_more_than_the_distance(rng):
    """Negative control of the test above."""

    def add(x):
        return Tensor(nn.SinusoidalPositions(CONTEXT, 6)(x[:, 0]).data[:, None])

    table = scores(add, *rng.standard_normal((2, 6)))
    assert np.ptp(np.diagonal(table)) > 0.1


def test_turning_changes_no_length(rng):
    x = rng.standard_normal((2, 3, CONTEXT, 4))
    y = nn.RotaryPositions(CONTEXT, 4)(Tensor(x)).data
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1))


@pytest.mark.parametrize("offset", [0, 4])
def test_a_sequence_longer_than_the_context_is_refused(rng, offset):
    message = "a sequence of 13 tokens is longer than the context of 12; shorten it, or build"
    for layer in (nn.LearnedPositions(CONTEXT, 4, rng=rng), nn.SinusoidalPositions(CONTEXT, 4)):
        layer(Tensor(np.ones((1, CONTEXT - offset, 4))), offset=offset)
        with pytest.raises(ValueError, match=message):
            layer(Tensor(np.ones((1, CONTEXT + 1 - offset, 4))), offset=offset)
    layer = nn.RotaryPositions(CONTEXT, 4)
    layer(Tensor(np.ones((1, 2, CONTEXT - offset, 4))), offset=offset)
    with pytest.raises(ValueError, match=message):
        layer(Tensor(np.ones((1, 2, CONTEXT + 1 - offset, 4))), offset=offset)


def test_rotary_positions_refuse_an_odd_width():
    with pytest.raises(ValueError, match="turn pairs: the width of a head, 5, must be even"):
        nn.RotaryPositions(CONTEXT, 5)
