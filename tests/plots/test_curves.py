import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm.plots import loss_curve
from minilm.plots.curves import moving_mean
from minilm.plots.style import VERMILION

NAN = float("nan")
LOG = {
    "step": [10, 20, 30, 40],
    "train_loss": [4.0, 3.0, 2.5, 2.25],
    "validation_loss": [NAN, 3.5, NAN, 2.625],
    "seconds": [0.5, 1.0, 1.5, 2.0],
}


def line(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


def test_the_raw_training_loss_is_drawn_as_it_is():
    raw = loss_curve(LOG).lines[0]
    np.testing.assert_array_equal(raw.get_xydata(), np.column_stack([LOG["step"], LOG["train_loss"]]))


def test_validation_is_marked_where_it_was_measured_and_its_last_value_written():
    ax = loss_curve(LOG)
    validation = line(ax, "validation")
    np.testing.assert_array_equal(validation.get_xydata(), [[20, 3.5], [40, 2.625]])
    assert validation.get_marker() == "o" and validation.get_color() == VERMILION
    assert [text.get_text() for text in ax.texts] == ["2.625"]


def test_without_validation_only_training_is_drawn():
    ax = loss_curve(LOG | {"validation_loss": [NAN] * 4})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training (moving mean)"]


def test_labels_state_units_and_time():
    ax = loss_curve(LOG)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step (40 steps in 2 s)", "nats per token")


def test_the_curve_is_drawn_on_given_axes():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert loss_curve(LOG, ax=ax) is ax and len(ax.lines) == 3


def test_the_log_is_not_altered():
    log = {name: np.array(column) for name, column in LOG.items()}
    loss_curve(log)
    for name, column in LOG.items():
        np.testing.assert_array_equal(log[name], column)


@settings(max_examples=40)
@given(st.lists(st.floats(-1e3, 1e3), min_size=9, max_size=30), st.sampled_from([2, 4, 6]))
def test_moving_mean_is_a_convolution_where_the_window_is_whole(values, width):
    expected = np.convolve(values, np.full(width + 1, 1 / (width + 1)), mode="valid")
    inside = slice(width // 2, len(values) - width // 2)
    np.testing.assert_allclose(moving_mean(np.array(values), width)[inside], expected, atol=1e-9)


def test_moving_mean_of_a_falling_line_is_not_pulled_down_at_its_start():
    falling = np.arange(20.0, 0, -1)
    np.testing.assert_allclose(moving_mean(falling, 6)[:17], falling[:17])
    forward_only = [falling[i : i + 4].mean() for i in range(17)]
    assert not np.allclose(forward_only, falling[:17])


@pytest.mark.parametrize(
    "log, error, message",
    [
        ({"step": [1]}, ValueError, "lacks the columns .*train_loss"),
        ({name: [] for name in LOG}, ValueError, "log is empty: train for at least one step"),
        (LOG | {"seconds": [1.0]}, ValueError, r"have the shapes .*'seconds': \(1,\)"),
        ({name: np.ones((2, 2)) for name in LOG}, ValueError, "each needs one number per row"),
        (LOG | {"train_loss": [NAN] * 4}, ValueError, "train_loss of log holds no finite number"),
        (LOG | {"train_loss": ["", "", "", ""]}, TypeError, "column train_loss of log is a list that holds more than"),
    ],
)
def test_a_bad_log_is_refused(log, error, message):
    with pytest.raises(error, match=message):
        loss_curve(log)
