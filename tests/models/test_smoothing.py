import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.models import smoothing
from minilm.models.ngram import NGram
from minilm.models.smoothing import SHORT, UNSEEN, Level, count, discount, distinct, left_out, mixture_weights

TEXT = np.array([0, 1, 0, 2, 0, 1, 1, 2])  # 01 twice; 02, 10, 11, 12, 20 once


def test_keys_number_the_tree_of_ngrams():
    (keys_1, counts_1), (keys_2, counts_2), (keys_3, counts_3) = count(TEXT, vocabulary=4, order=3)
    assert (keys_1.tolist(), counts_1.tolist()) == ([0, 1, 2], [3, 3, 2])
    assert keys_2.tolist() == [0 * 4 + 1, 0 * 4 + 2, 1 * 4 + 0, 1 * 4 + 1, 1 * 4 + 2, 2 * 4 + 0]
    assert counts_2.tolist() == [2, 1, 1, 1, 1, 1]
    # 010, 011, 020, 102, 112, 201: the pairs are numbered 01 = 0, 02 = 1, 10 = 2, 11 = 3, 12 = 4, 20 = 5
    assert keys_3.tolist() == [0 * 4 + 0, 0 * 4 + 1, 1 * 4 + 0, 2 * 4 + 2, 3 * 4 + 2, 5 * 4 + 1]
    assert counts_3.tolist() == [1] * 6


@given(st.lists(st.integers(0, 40), min_size=1, max_size=50))
def test_counting_by_table_equals_counting_by_sorting(keys):
    keys = np.array(keys)
    for possible in (41, 10**12):
        expected = np.unique(keys, return_inverse=True, return_counts=True)
        for ours, theirs in zip(distinct(keys, possible), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_level_knows_prefixes_and_suffixes_and_what_it_never_saw():
    (pairs, triples) = count(TEXT, vocabulary=4, order=2)
    lower = Level(*pairs, None, 4)
    level = Level(*triples, lower, 4)
    assert level.prefix.tolist() == [0, 0, 1, 1, 1, 2]
    assert level.suffix.tolist() == [1, 2, 0, 1, 2, 0]
    found = level.find(np.array([0, 2, 0, UNSEEN, SHORT]), np.array([2, 0, 0, 3, 3]))
    assert found.tolist() == [1, 5, UNSEEN, UNSEEN, SHORT]


def test_the_discount_is_the_one_by_hand():
    assert discount(np.array([1, 1, 1, 2, 2, 3, 9])) == 3 / (3 + 2 * 2)
    assert discount(np.array([1, 1, 5])) == 1
    assert discount(np.array([2, 3])) == 0.5
    assert discount(np.array([0, 0, 7])) == 0.5


def test_kneser_ney_equals_the_arithmetic_by_hand():
    """Pairs: n₁ = 5, n₂ = 1, D₂ = 5/7. Each of 0, 1, 2 was seen after two different tokens, six in all; none after
    one, D₁ = 1/2. p₁(0) = p₁(1) = p₁(2) = 1.5/6 + 1/2 · 3/6 · 1/4 = 0.3125 and p₁(3) = 1/2 · 3/6 · 1/4 = 0.0625.
    0 was followed three times, by two different tokens: back(0) = 5/7 · 2/3 = 10/21."""
    model = NGram(4, 2).fit(TEXT)
    after_0 = [
        10 / 21 * 0.3125,
        (2 - 5 / 7) / 3 + 10 / 21 * 0.3125,
        (1 - 5 / 7) / 3 + 10 / 21 * 0.3125,
        10 / 21 * 0.0625,
    ]
    after_3 = [0.3125, 0.3125, 0.3125, 0.0625]  # never seen: the lower order alone
    np.testing.assert_allclose(np.exp(model.log_probs([[0], [3]]))[:, 0], [after_0, after_3], rtol=1e-12)


def test_add_k_equals_the_arithmetic_by_hand():
    model = NGram(4, 2, "add-k", k=0.5).fit(TEXT)
    expected = [np.array([0.5, 2.5, 1.5, 0.5]) / 5, [0.25] * 4]  # 0 is followed by 1, 2, 1; 3 by nothing
    np.testing.assert_allclose(np.exp(model.log_probs([[0], [3]]))[:, 0], expected, rtol=1e-12)


def test_interpolation_equals_the_arithmetic_by_hand(monkeypatch):
    monkeypatch.setattr(smoothing, "mixture_weights", lambda *_: [0.6, 0.3])
    p_1 = np.array([0.6 * 3 / 8 + 0.1, 0.6 * 3 / 8 + 0.1, 0.6 * 2 / 8 + 0.1, 0.1])
    expected = [0.3 * np.array([0, 2 / 3, 1 / 3, 0]) + 0.7 * p_1, p_1]
    model = NGram(4, 2, "interpolation").fit(TEXT)
    np.testing.assert_allclose(np.exp(model.log_probs([[0], [3]]))[:, 0], expected, rtol=1e-12)


def test_leaving_one_out_equals_the_arithmetic_by_hand():
    """Of 0 1 0 2 0 1 1 2, the pair 01 predicted without itself: 1 of the 2 others after 0, and 2 of 7 tokens are 1."""
    levels = NGram(4, 2).fit(TEXT).levels
    p, known, often = left_out(levels)
    np.testing.assert_allclose(p[:, 0], [2 / 7, 1 / 2])
    np.testing.assert_allclose(p[:, 5], [2 / 7, 0])  # 20: 2 has no other successor
    assert known[:, 0].tolist() == [True, True]
    assert known[:, 5].tolist() == [True, False]
    assert often.tolist() == [2, 1, 1, 1, 1, 1]


def log_likelihood(weights, p, known, often, uniform):
    """The mixture written as the recursion that the model runs."""
    mixture = np.full(p.shape[1], uniform)
    for weight, p_n, known_n in zip(weights, p, known, strict=True):
        mixture = np.where(known_n, weight * p_n + (1 - weight) * mixture, mixture)
    return often @ np.log(mixture)


def random_mixture(seed, order):
    rng = np.random.default_rng(seed)
    known = np.sort(rng.random((order, 40)) < 0.7, axis=0)[::-1]
    return rng.random((order, 40)) * known, known, rng.integers(1_000, 100_000, size=40), 0.1


@pytest.mark.parametrize("seed", range(5))
def test_every_round_of_expectation_maximisation_makes_the_text_likelier(seed):
    mixture = random_mixture(seed, order=3)
    values = [log_likelihood(mixture_weights(*mixture, rounds=r), *mixture) for r in range(12)]
    assert all(after >= before - 1e-9 * abs(before) for before, after in pairwise(values))
    assert values[-1] > values[0]


@pytest.mark.parametrize("seed", range(5))
def test_expectation_maximisation_finds_the_best_weights_of_a_fine_grid(seed):
    mixture = random_mixture(seed, order=2)
    grid = np.linspace(0.005, 0.995, 100)
    best = max(((a, b) for a in grid for b in grid), key=lambda weights: log_likelihood(weights, *mixture))
    np.testing.assert_allclose(mixture_weights(*mixture, rounds=2_000), best, atol=0.011)


def test_weights_of_a_hopeless_text_stay_between_0_and_1():
    always_right = np.ones((2, 1)), np.ones((2, 1), bool), np.array([10**6]), 0.01
    always_wrong = np.zeros((2, 1)), np.ones((2, 1), bool), np.array([10**6]), 0.01
    for mixture in (always_right, always_wrong):
        weights = mixture_weights(*mixture, rounds=200)
        assert (weights > 0).all()
        assert (weights < 1).all()
        assert math.isfinite(log_likelihood(weights, *mixture))
