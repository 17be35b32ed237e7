import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minilm.generate import block_repeats, keep_top_k, keep_top_p, penalise_repetition, with_temperature


def random_log_probs(seed, *shape):
    return np.log(np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1]))


LOG_PROBS = hnp.arrays(np.float64, (3, 6), elements=st.floats(-20, 0)).map(
    lambda x: x - np.logaddexp.reduce(x, axis=-1, keepdims=True)
)


@settings(max_examples=30, deadline=None)
@given(LOG_PROBS, st.floats(0, 5), st.integers(1, 9), st.floats(0.01, 1), st.floats(0.5, 2))
def test_every_filter_gives_a_distribution_that_keeps_the_order(log_probs, temperature, top_k, top_p, penalty):
    ids = np.array([[0, 1], [1, 1], [5, 0]])
    for filtered in (
        with_temperature(log_probs, temperature),
        keep_top_k(log_probs, top_k),
        keep_top_p(log_probs, top_p),
        penalise_repetition(log_probs, ids, penalty),
    ):
        np.testing.assert_allclose(np.exp(filtered).sum(axis=-1), 1)
    for filtered in (keep_top_k(log_probs, top_k), keep_top_p(log_probs, top_p)):
        np.testing.assert_array_equal(filtered.argmax(axis=-1), log_probs.argmax(axis=-1))
        kept = filtered > -np.inf
        worst_kept = np.where(kept, log_probs, np.inf).min(axis=-1)
        assert (np.where(kept, -np.inf, log_probs).max(axis=-1) <= worst_kept).all()


def test_top_k_keeps_exactly_k_even_among_equals():
    kept = keep_top_k(np.log(np.full((2, 5), 0.2)), 2)
    np.testing.assert_allclose(np.exp(kept), [[0.5, 0.5, 0, 0, 0]] * 2)


def test_top_p_keeps_the_fewest_tokens_that_reach_p():
    log_probs = random_log_probs(3, 50, 8)
    for row, kept in zip(np.exp(log_probs), keep_top_p(log_probs, 0.75) > -np.inf, strict=True):
        assert row[kept].sum() >= 0.75
        assert row[kept].sum() - row[kept].min() < 0.75


def test_filters_equal_the_definitions_by_hand():
    log_probs = np.log([0.5, 0.3, 0.2])
    np.testing.assert_allclose(np.exp(with_temperature(log_probs, 0.5)), np.array([25, 9, 4]) / 38)
    np.testing.assert_allclose(np.exp(keep_top_p(log_probs, 0.5)), [1, 0, 0])
    np.testing.assert_allclose(np.exp(keep_top_p(log_probs, 0.51)), [5 / 8, 3 / 8, 0])
    repeated = penalise_repetition(log_probs, np.array([2, 0, 2]), 2)  # 0.25, 0.3, 0.04: a repeat counts once
    np.testing.assert_allclose(np.exp(repeated), np.array([25, 30, 4]) / 59)


def test_filters_leave_their_input_alone():
    log_probs = random_log_probs(0, 2, 5)
    before = log_probs.copy()
    with_temperature(log_probs, 0.3), keep_top_k(log_probs, 2), keep_top_p(log_probs, 0.3)
    penalise_repetition(log_probs, np.array([[0], [1]]), 1.5)
    np.testing.assert_array_equal(log_probs, before)


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.int64, (3, 9), elements=st.integers(0, 2)), st.integers(1, 4))
def test_what_would_repeat_an_ngram_is_blocked_and_nothing_else(ids, n):
    blocked = block_repeats(np.zeros((3, 3)), ids, n) == -np.inf
    for row, token in np.ndindex(3, 3):
        before = [tuple(ids[row, i : i + n]) for i in range(10 - n)]
        assert blocked[row, token] == ((*ids[row, 10 - n :], token) in before)


def test_nothing_is_blocked_in_a_short_text_or_when_it_is_not_asked_for():
    log_probs, ids = np.zeros((1, 3)), np.array([[1, 1]])
    assert block_repeats(log_probs, ids, 3) is log_probs
    assert block_repeats(log_probs, ids, 0) is log_probs
    with pytest.raises(ValueError, match="no_repeat_ngram_size is -1"):
        block_repeats(log_probs, ids, -1)
