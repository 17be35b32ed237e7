"""The reader that points: padding and neighbours change nothing, and it learns to find what stands before a mark."""

import numpy as np
import pytest

from minilm.models import RecurrentSpans
from minilm.training import AdamW


def reader(**settings):
    return RecurrentSpans(9, pad=0, width=16, heads=2, **settings, rng=np.random.default_rng(0))


def test_padding_and_neighbours_change_nothing():
    model = reader(layers=2).astype(np.float64).eval()
    alone = model(np.array([[5, 6, 7]]), np.array([[0, 1, 1]])).data
    together = model(np.array([[5, 6, 7, 0, 0], [8, 4, 3, 2, 8]]), np.array([[0, 1, 1, 0, 0], [0] * 5])).data
    np.testing.assert_allclose(together[:1, :, :3], alone, atol=1e-12)
    assert (together[0, :, 3:] < -1e8).all() and (together[1] > -1e8).all()
    assert not np.allclose(model(np.array([[5, 6, 7]])).data, alone)  # segments do change it


def test_its_gradients_are_central_differences(worst_slope_error):
    model = reader().astype(np.float64).eval()
    batch = np.array([[5, 6, 7, 3], [5, 8, 0, 0]]), np.array([[0, 1, 1, 0], [1, 0, 0, 0]]), np.array([[1, 2], [0, 0]])
    assert worst_slope_error(model, *batch) < 1e-6
    assert worst_slope_error(model, *batch) > 1e-3  # the control: those of the first call are still there, and add up


def test_it_learns_to_point_to_what_stands_before_a_mark():
    """The mark, 2, may be anywhere, and what it marks anything: only the place tells."""
    rng, model = np.random.default_rng(0), reader()
    optimizer = AdamW(model.parameters(), 1e-2)

    def batch(B=32):
        ids, place = rng.integers(3, 9, (B, 8)), rng.integers(1, 8, B)
        ids[np.arange(B), place] = 2
        return ids, None, np.stack([place - 1, place - 1], axis=1)

    for _ in range(60):
        optimizer.zero_grad()
        model.loss(*batch()).backward()
        optimizer.step()
    ids, _, spans = batch(200)
    assert (model(ids).data.argmax(axis=2) == spans).mean() > 0.95


@pytest.mark.parametrize(
    ("ids", "segments", "message"),
    [
        ([[5, 9]], None, "ids"),
        ([[0, 5]], None, "row 0 begins with pad = 0"),
        ([[5, 6]], [[0, 2]], "segments"),
        ([[5, 6]], [[0]], r"segments has shape \(1, 1\), expected that of ids, \(1, 2\)"),
    ],
)
def test_bad_input_is_refused_by_name(ids, segments, message):
    with pytest.raises(ValueError, match=message):
        reader()(np.array(ids), segments)
