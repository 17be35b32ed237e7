import numpy as np
import pytest

from minilm.plots import attention_heads, attention_map


def softmax_rows(*shape):
    scores = np.random.default_rng(0).normal(size=shape)
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def texts(labels):
    return [label.get_text() for label in labels]


def test_the_image_holds_the_weights_themselves():
    weights = softmax_rows(3, 4)
    before = weights.copy()
    ax = attention_map(weights, "abc", "wxyz")
    np.testing.assert_array_equal(ax.images[0].get_array(), before)
    np.testing.assert_array_equal(weights, before)


def test_queries_stand_beside_the_rows_and_keys_above_the_columns():
    ax = attention_map(softmax_rows(2, 3), ["I", " read"], ["a", "b", "\n"])
    assert texts(ax.get_yticklabels()) == ["I", "␣read"]
    assert [tick.label2.get_text() for tick in ax.xaxis.majorTicks] == ["a", "b", "↵"]
    assert all(tick.label2.get_visible() and not tick.label1.get_visible() for tick in ax.xaxis.majorTicks)


def test_small_maps_have_their_numbers_written_out(words):
    assert words(attention_map(np.array([[0.25, 0.75]]), "a", "bc")) == ["0.25", "0.75"]
    assert words(attention_map(softmax_rows(9, 9), "abcdefghi", "abcdefghi")) == []


def test_crowded_maps_label_every_second_token_in_its_place():
    tokens = [f"token{i}" for i in range(64)]
    ax = attention_map(softmax_rows(64, 64), tokens, tokens)
    shown = texts(ax.get_xticklabels())
    assert 10 < len(shown) < 64
    assert [tokens[int(place)] for place in ax.get_xticks()] == shown


def test_float32_weights_of_long_rows_are_accepted():
    attention_map(softmax_rows(2, 3000).astype(np.float32), "ab", ["k"] * 3000)


def test_every_head_is_drawn_on_one_scale():
    weights = softmax_rows(3, 2, 2)
    axes = attention_heads(weights, "ab", "cd")
    assert [ax.get_xlabel() for ax in axes] == ["head 0", "head 1", "head 2"]
    for ax, head in zip(axes, weights, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), head)
        assert ax.images[0].get_clim() == (0, weights.max())


def test_unused_places_of_the_grid_stay_empty():
    axes = attention_heads(softmax_rows(5, 2, 2), "ab", "cd")
    assert len(axes) == 5
    assert len(axes[0].figure.axes) == 6  # and the colour bar


@pytest.mark.parametrize(
    "weights, error, message",
    [
        (np.ones(3), ValueError, r"weights has the shape \(3,\), but \(T, S\) is needed"),
        (np.ones((0, 2)), ValueError, "there is nothing to draw"),
        ([[np.nan, 1.0], [0.5, 0.5]], ValueError, "weights holds 1 NaN or infinite"),
        ([[1.5, -0.5], [0.5, 0.5]], ValueError, "weights holds -0.5, but no attention is negative"),
        ([[0.5, 0.5], [0.5, 0.4]], ValueError, "row 1 of weights sums to 0.9, not 1"),
        (object(), TypeError, "weights is a object that holds more than numbers"),
    ],
)
def test_weights_that_are_no_distributions_are_refused(weights, error, message):
    with pytest.raises(error, match=message):
        attention_map(weights, "ab", "ab")


def test_the_row_of_a_head_that_does_not_sum_to_one_is_named():
    weights = softmax_rows(2, 3, 3)
    weights[1, 2] = 0
    with pytest.raises(ValueError, match="row 1, 2 of weights sums to 0, not 1"):
        attention_heads(weights, "abc", "abc")


def test_labels_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="queries holds 3 labels for 2 rows; give one label for each"):
        attention_map(softmax_rows(2, 2), "abc", "ab")
    with pytest.raises(ValueError, match="keys holds 1 labels for 2 columns"):
        attention_map(softmax_rows(2, 2), "ab", "a")
