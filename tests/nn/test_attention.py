"""Attention: the formula head by head; weights sum to one; what is masked has no influence; caches change nothing."""

import math

import numpy as np
import pytest

from minilm import autograd, nn
from minilm.autograd import Tensor

B, T, S, C, H = 2, 5, 6, 8, 2


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def attend(rng):
    return nn.MultiHeadAttention(C, H, rng=rng).astype(np.float64)


@pytest.fixture
def look(rng):
    return nn.AdditiveAttention(C, 3, 4, rng=rng).astype(np.float64)


def normal(rng, *shape):
    return Tensor(rng.standard_normal(shape))


def random_mask(rng, *shape):
    """Every query may look somewhere."""
    mask = rng.random(shape) < 0.5
    mask[..., 0] = True
    return mask


def changed(x, place, rng):
    """x with other numbers at one place in time."""
    data = x.data.copy()
    data[:, place] = 10 * rng.standard_normal(data[:, place].shape)
    return Tensor(data)


def test_multi_head_attention_is_the_formula_head_by_head(rng, attend):
    x, memory, mask = normal(rng, B, T, C), normal(rng, B, S, C), random_mask(rng, B, 1, T, S)
    q, k, v = attend.query(x).data, attend.key(memory).data, attend.value(memory).data
    heads = np.zeros((B, T, C))
    for b in range(B):
        for channels in (slice(0, 4), slice(4, 8)):
            for t in range(T):
                scores = np.array([q[b, t, channels] @ k[b, s, channels] / math.sqrt(4) for s in range(S)])
                weights = np.exp(scores) * mask[b, 0, t]
                heads[b, t, channels] = weights / weights.sum() @ v[b, :, channels]
    np.testing.assert_allclose(attend(x, memory, mask).data, attend.out(Tensor(heads)).data, rtol=1e-10)


def grouped(rng, spread):
    """Two heads of keys for four of queries, and a layer of four whose keys and values are those two, as spread."""
    few = nn.MultiHeadAttention(C, 4, kv_heads=2, rotary=nn.RotaryPositions(T, 2), rng=rng).astype(np.float64)
    many = nn.MultiHeadAttention(C, 4, rotary=nn.RotaryPositions(T, 2), rng=rng).astype(np.float64)
    many.query, many.out = few.query, few.out
    for one, other in ((few.key, many.key), (few.value, many.value)):
        heads = np.split(one.W.data, 2, axis=1)
        other.W.data = np.concatenate([heads[head] for head in spread], axis=1)
    return few, many


@pytest.mark.parametrize(("spread", "same"), [([0, 0, 1, 1], True), ([0, 1, 0, 1], False)])
def test_heads_of_a_group_look_at_the_same_keys(rng, spread, same):
    (few, many), x = grouped(rng, spread), normal(rng, B, T, C)
    assert np.allclose(few(x, causal=True).data, many(x, causal=True).data, atol=1e-12) == same
    assert np.allclose(few.weights(x), many.weights(x), atol=1e-12) == same
    assert few.remember(x).keys.shape == (B, 2, T, 2)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_weights_sum_to_one(rng, attend, causal, masked):
    for layer, W, b in [(attend.value, np.zeros((C, C)), np.ones(C)), (attend.out, np.eye(C), np.zeros(C))]:
        layer.W.data, layer.b.data = W, b  # every value is a vector of ones, and so then is every mean of them
    mask = random_mask(rng, B, H, T, T) if masked else None
    np.testing.assert_allclose(attend(normal(rng, B, T, C), mask=mask, causal=causal).data, 1, atol=1e-12)


def test_weights_that_do_not_sum_to_one_would_be_noticed(rng, attend, monkeypatch):
    right = autograd.attention
    monkeypatch.setattr(autograd, "attention", lambda *qkv, **settings: right(*qkv, **settings) * 0.99)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        test_weights_sum_to_one(rng, attend, causal=False, masked=False)


def test_a_masked_key_has_no_influence(rng, attend):
    x, memory, mask = normal(rng, B, T, C), normal(rng, B, S, C), np.arange(S) != 2
    before = attend(x, memory, mask).data
    np.testing.assert_array_equal(attend(x, changed(memory, 2, rng), mask).data, before)
    assert (attend(x, changed(memory, 3, rng), mask).data != before).all()  # but the others have


def test_each_sequence_has_its_own_padding(rng, attend):
    memory = normal(rng, B, S, C)
    mask = np.arange(S) < np.array([S, 2])[:, None, None, None]  # (B, 1, 1, S)
    x = normal(rng, B, T, C)
    short = attend(x[1:], memory[1:, :2]).data[0]
    np.testing.assert_allclose(attend(x, memory, mask).data[1], short, atol=1e-12)


@pytest.mark.parametrize("rotary", [None, nn.RotaryPositions(T, C // H)], ids=["plain", "rotary"])
def test_causal_attention_does_not_see_the_future(rng, rotary):
    attend, x = nn.MultiHeadAttention(C, H, rotary=rotary, rng=rng).astype(np.float64), normal(rng, B, T, C)
    before, after = attend(x, causal=True).data, attend(changed(x, 3, rng), causal=True).data
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).all()
    assert (attend(changed(x, 3, rng)).data != attend(x).data).all()  # without the mask everything changes


@pytest.mark.parametrize("parts", [[1] * T, [2, 3], [3, 1, 1]])
@pytest.mark.parametrize("rotary", [None, nn.RotaryPositions(T, C // H)], ids=["plain", "rotary"])
def test_reading_in_parts_with_a_cache_equals_reading_at_once(rng, rotary, parts):
    attend, x = nn.MultiHeadAttention(C, H, rotary=rotary, rng=rng).astype(np.float64), normal(rng, B, T, C)
    past, outputs, start = None, [], 0
    for length in parts:
        y, past = attend.extend(x[:, start : start + length], causal=True, past=past)
        outputs.append(y.data)
        start += length
    np.testing.assert_allclose(np.concatenate(outputs, axis=1), attend(x, causal=True).data, atol=1e-12)
    assert past.keys.shape == past.values.shape == (B, H, T, C // H)


def test_keys_and_values_are_reordered_together(rng):
    past = nn.KeyValues(*rng.standard_normal((2, 3, H, T, 4)))
    again = past.reorder(np.array([2, 0, 0]))
    np.testing.assert_array_equal(again.keys, past.keys[[2, 0, 0]])
    np.testing.assert_array_equal(again.values, past.values[[2, 0, 0]])


def test_keys_and_values_of_a_memory_take_its_place_and_pass_gradients_on(rng, attend):
    x, mask = normal(rng, B, T, C), random_mask(rng, B, 1, T, S)
    memory, again = (Tensor(array, requires_grad=True) for array in [rng.standard_normal((B, S, C))] * 2)
    direct, remembered = attend(x, memory, mask), attend(x, attend.remember(again), mask)
    np.testing.assert_array_equal(remembered.data, direct.data)
    (direct * direct).sum().backward()
    (remembered * remembered).sum().backward()
    np.testing.assert_allclose(again.grad, memory.grad, atol=1e-12)


@pytest.mark.parametrize("rotary", [None, nn.RotaryPositions(S, C // H)], ids=["plain", "rotary"])
def test_the_weights_for_pictures_are_those_of_the_call(rng, rotary):
    attend = nn.MultiHeadAttention(C, H, rotary=rotary, rng=rng).astype(np.float64)
    x, memory, mask = normal(rng, B, T, C), normal(rng, B, S, C), random_mask(rng, B, 1, T, S)
    weights = attend.weights(x, memory, mask)
    assert not weights[~np.broadcast_to(mask, weights.shape)].any()
    y = nn.join_heads(Tensor(weights @ nn.split_heads(attend.value(memory), H).data))
    np.testing.assert_allclose(attend.out(y).data, attend(x, memory, mask).data, atol=1e-12)
    np.testing.assert_allclose(attend.weights(x).sum(axis=-1), 1)


def test_splitting_heads_and_joining_them_is_nothing(rng):
    x = normal(rng, B, T, C)
    heads = nn.split_heads(x, H)
    assert heads.shape == (B, H, T, C // H)
    np.testing.assert_array_equal(heads.data[:, 1], x.data[:, :, 4:])
    np.testing.assert_array_equal(nn.join_heads(heads).data, x.data)


# additive attention


def test_additive_attention_is_the_formula(rng, look):
    queries, memory, mask = normal(rng, B, T, C), normal(rng, B, S, 3), random_mask(rng, B, S)
    seen, weights = look(queries, memory, mask)
    for b in range(B):
        for t in range(T):
            terms = np.tanh(queries.data[b, t] @ look.query.W.data + memory.data[b] @ look.memory.W.data)
            e = np.exp(terms @ look.v.data[:, 0]) * mask[b]
            np.testing.assert_allclose(weights.data[b, t], e / e.sum(), atol=1e-12)
            np.testing.assert_allclose(seen.data[b, t], e / e.sum() @ memory.data[b], atol=1e-12)


@pytest.mark.parametrize("shape", [(B, S), (B, T, S)])
def test_additive_weights_sum_to_one_and_are_zero_where_masked(rng, look, shape):
    mask = random_mask(rng, *shape)
    weights = look(normal(rng, B, T, C), normal(rng, B, S, 3), mask)[1].data
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    mask = np.broadcast_to(mask if mask.ndim == 3 else mask[:, None], weights.shape)
    assert not weights[~mask].any()
    assert weights[mask].all()


def test_masked_memory_has_no_influence_on_additive_attention(rng, look):
    queries, memory = normal(rng, B, T, C), normal(rng, B, S, 3)
    mask = np.tile(np.arange(S) != 2, (B, 1))
    before = look(queries, memory, mask)[0].data
    np.testing.assert_array_equal(look(queries, changed(memory, 2, rng), mask)[0].data, before)
    assert (look(queries, changed(memory, 3, rng), mask)[0].data != before).all()


# dot-product attention


def test_dot_attention_is_the_formula(rng):
    queries, memory, mask = normal(rng, B, T, C), normal(rng, B, S, C), random_mask(rng, B, S)
    seen, weights = nn.DotAttention()(queries, memory, mask)
    for b in range(B):
        for t in range(T):
            e = np.exp(memory.data[b] @ queries.data[b, t]) * mask[b]
            np.testing.assert_allclose(weights.data[b, t], e / e.sum(), atol=1e-12)
            np.testing.assert_allclose(seen.data[b, t], e / e.sum() @ memory.data[b], atol=1e-12)


def test_masked_memory_has_no_influence_on_dot_attention(rng):
    queries, memory = normal(rng, B, T, C), normal(rng, B, S, C)
    mask = np.tile(np.arange(S) != 2, (B, 1))
    before = nn.DotAttention()(queries, memory, mask)[0].data
    np.testing.assert_array_equal(nn.DotAttention()(queries, changed(memory, 2, rng), mask)[0].data, before)
    assert (nn.DotAttention()(queries, changed(memory, 3, rng), mask)[0].data != before).all()


# bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda attend: nn.MultiHeadAttention(C, 3, rng=np.random.default_rng(0)), ValueError, "8 is not a multiple"),
        (lambda attend: attend(Tensor(np.ones((B, T, 7)))), ValueError, r"\(2, 5, 7\); expected .* 8 inputs"),
        (
            lambda attend: attend(Tensor(np.ones((B, T, C))), Tensor(np.ones((3, S, C)))),
            ValueError,
            "do not fit; expected",
        ),
        (
            lambda attend: attend(Tensor(np.ones((B, T, C))), mask=np.ones((T, S), bool)),
            ValueError,
            r"mask has shape \(5, 6\), which does not broadcast to .* \(2, 2, 5, 5\)",
        ),
        (
            lambda attend: attend(Tensor(np.ones((B, T, C))), mask=np.ones((T, T))),
            TypeError,
            "mask has dtype float64, expected bool",
        ),
    ],
    ids=["heads", "width", "batch of the memory", "shape of the mask", "type of the mask"],
)
def test_bad_input_is_named(attend, call, error, message):
    with pytest.raises(error, match=message):
        call(attend)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng, look: nn.MultiHeadAttention(C, 0, rng=rng), "heads"),
        (lambda rng, look: nn.MultiHeadAttention(C, 4, kv_heads=3, rng=rng), "kv_heads is 3; expected a divisor"),
        (lambda rng, look: nn.MultiHeadAttention(C, 4, kv_heads=0, rng=rng), "kv_heads is 0; expected an integer"),
        (lambda rng, look: nn.MultiHeadAttention(C, H, rotary=nn.RotaryPositions(T, 2), rng=rng), "head"),
        (lambda rng, look: look(normal(rng, B, T, C), normal(rng, 3, S, 3)), "memory"),
        (lambda rng, look: nn.DotAttention()(normal(rng, B, T, C), normal(rng, B, S, 3)), "memory has shape"),
        (lambda rng, look: nn.DotAttention()(normal(rng, B, T, C), normal(rng, 1, S, C)), "memory has shape"),
        (lambda rng, look: look(normal(rng, B, T, C), normal(rng, B, S, 3), np.ones((B, T), bool)), "mask has shape"),
        (lambda rng, look: look(normal(rng, B, T, C), normal(rng, B, S, 3), np.ones((B, S))), "mask has dtype"),
    ],
    ids=["no heads", "no divisor", "no heads of keys", "rotary of another width", "batch of the memory",
         "width of the memory", "one memory for all", "shape of the mask", "type of the mask"],
)  # fmt: skip
def test_more_bad_input_is_named(rng, look, call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(rng, look)
