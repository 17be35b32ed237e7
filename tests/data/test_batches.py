"""Batches: windows that depend on the step alone, every prediction once, padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.data import Windows, consecutive, length_mask, pad


def test_targets_are_the_inputs_one_further_on():
    inputs, targets = Windows(np.arange(1000, 1100), context=7, batch=3, seed=1).batch(2)
    assert inputs.shape == targets.shape == (3, 7)
    assert (np.diff(inputs, axis=1) == 1).all()
    assert (targets == inputs + 1).all()


def test_an_epoch_shows_no_window_twice_and_nearly_all():
    windows = Windows(np.arange(103), context=5, batch=2, seed=0)
    assert len(windows) == (103 - 5) // 5 // 2
    starts = np.concatenate([windows.batch(step)[0][:, 0] for step in range(len(windows))])
    assert len(set(starts // 5)) == len(starts) == 2 * len(windows)
    assert len(set(starts % 5)) == 1


def test_every_epoch_has_its_own_offset_and_order():
    windows = Windows(np.arange(500), context=10, batch=4, seed=0)
    firsts = [windows.batch(epoch * len(windows))[0] for epoch in range(30)]
    assert len({first[0, 0] % 10 for first in firsts}) > 5
    assert len({first.tobytes() for first in firsts}) == 30


def test_a_resumed_run_sees_what_it_would_have_seen():
    ids = np.random.default_rng(3).integers(50, size=300)
    through = Windows(ids, context=8, batch=4, seed=5)
    seen = [through.batch(step) for step in range(3 * len(through))]
    for step in (20, 3, len(through), 0):
        np.testing.assert_array_equal(Windows(ids, context=8, batch=4, seed=5).batch(step), seen[step])


def test_another_seed_gives_other_batches():
    one, other = (Windows(np.arange(500), context=10, batch=4, seed=seed).batch(0)[0] for seed in (0, 1))
    assert not np.array_equal(one, other)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 40), st.integers(0, 9))
def test_windows_never_leave_the_text(context, batch, more, seed):
    windows = Windows(np.arange(context * (batch + 1) + more), context, batch, seed)
    for step in range(2 * len(windows)):
        inputs, targets = windows.batch(step)
        assert inputs.shape == (batch, context)
        assert (targets == inputs + 1).all()


def test_a_text_shorter_than_a_batch_is_refused():
    Windows(np.arange(40), context=10, batch=3, seed=0)
    with pytest.raises(
        ValueError, match=r"text of 39 ids is too short for a batch of 3 windows of 10 ids: it takes 40"
    ):
        Windows(np.arange(39), context=10, batch=3, seed=0)


@pytest.mark.parametrize("name", ["context", "batch"])
def test_sizes_below_one_are_refused(name):
    sizes = {"context": 2, "batch": 2, name: 0}
    with pytest.raises(ValueError, match=f"{name} is 0, expected at least 1"):
        Windows(np.arange(40), **sizes, seed=0)
    with pytest.raises(ValueError, match=f"{name} is 0, expected at least 1"):
        consecutive(np.arange(40), **sizes)


def test_a_negative_step_is_refused():
    with pytest.raises(ValueError, match="step -1 is negative"):
        Windows(np.arange(40), context=2, batch=2, seed=0).batch(-1)


def test_ids_in_rows_are_refused():
    with pytest.raises(ValueError, match=r"ids have shape \(4, 10\), expected one sequence"):
        Windows(np.zeros((4, 10), int), context=2, batch=2, seed=0)


@given(st.integers(2, 60), st.integers(1, 9), st.integers(1, 5))
def test_consecutive_predicts_each_id_but_the_first_once(N, context, batch):
    batches = list(consecutive(np.arange(N), context, batch))
    assert np.concatenate([targets.ravel() for _, targets in batches]).tolist() == list(range(1, N))
    for inputs, targets in batches:
        assert (targets == inputs + 1).all()
        assert inputs.shape[0] <= batch
        assert inputs.shape[1] <= context
    assert all(inputs.shape[1] == context for inputs, _ in batches[:-1])


def test_nothing_to_predict_is_refused_at_once():
    with pytest.raises(ValueError, match="text of 1 ids has nothing to predict"):
        consecutive([7], context=2, batch=2)


def test_padding_fills_up_to_the_longest():
    ids, lengths = pad([[1, 2], [], [3]], value=9)
    assert ids.tolist() == [[1, 2], [9, 9], [3, 9]]
    assert lengths.tolist() == [2, 0, 1]
    assert pad([])[0].shape == (0, 0)


@given(st.lists(st.lists(st.integers(0, 99), max_size=6), max_size=5))
def test_padding_is_undone_by_its_mask(sequences):
    ids, lengths = pad(sequences)
    mask = length_mask(lengths, ids.shape[1])
    assert [row[seen].tolist() for row, seen in zip(ids, mask, strict=True)] == sequences
    assert not ids[~mask].any()


@pytest.mark.parametrize("lengths", [[1, 4], [-1, 2]])
def test_lengths_that_do_not_fit_are_refused(lengths):
    with pytest.raises(ValueError, match=rf"lengths go from {lengths[0]} to {lengths[1]}, expected 0 to T = 3"):
        length_mask(lengths, 3)
