"""The block and its stacks: where the norms stand, who sees whom, and that a cache changes nothing."""

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import Tensor

B, T, S, C, H = 2, 5, 6, 8, 2


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def normal(rng, *shape):
    return Tensor(rng.standard_normal(shape))


def made(kind, rng, *arguments, **settings):
    return kind(*arguments, C, H, rng=rng, **settings).astype(np.float64)


def changed(x, place, rng):
    data = x.data.copy()
    data[:, place] = 10 * rng.standard_normal(data[:, place].shape)
    return Tensor(data)


def influence(f, x, rng):
    """Whether token s can change output t, for all pairs.   ->   (T outputs, T tokens)"""
    before = f(x).data
    return np.array([(f(changed(x, s, rng)).data != before).any(axis=(0, 2)) for s in range(x.shape[1])]).T


# the block


def test_pre_norm_adds_to_an_untouched_stream(rng):
    block, x = made(nn.Block, rng, cross=True), normal(rng, B, T, C)
    memory = normal(rng, B, S, C)
    a = x + block.attention(block.attention_norm(x))
    b = a + block.cross(block.cross_norm(a), memory)
    c = b + block.feed_forward(block.feed_forward_norm(b))
    np.testing.assert_allclose(block(x, memory).data, c.data, atol=1e-12)


def test_post_norm_normalises_the_sum(rng):
    block, x = made(nn.Block, rng, cross=True, pre_norm=False), normal(rng, B, T, C)
    memory = normal(rng, B, S, C)
    a = block.attention_norm(x + block.attention(x))
    b = block.cross_norm(a + block.cross(a, memory))
    c = block.feed_forward_norm(b + block.feed_forward(b))
    np.testing.assert_allclose(block(x, memory).data, c.data, atol=1e-12)


def test_only_post_norm_bounds_what_a_block_returns(rng):
    x = Tensor(100 * rng.standard_normal((B, T, C)))
    assert made(nn.Block, rng)(x).data.std() > 50
    y = made(nn.Block, rng, pre_norm=False)(x).data
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-9)
    np.testing.assert_allclose(y.std(axis=-1), 1, atol=1e-4)


def test_dropout_acts_on_every_sublayer_and_only_in_training(rng):
    block, x = made(nn.Block, rng, cross=True, dropout=0.999999), normal(rng, B, T, C)
    memory = normal(rng, B, S, C)
    np.testing.assert_array_equal(block(x, memory).data, x.data)  # all three are dropped
    still = block.eval()(x, memory).data
    assert (still != x.data).all()
    np.testing.assert_array_equal(block(x, memory).data, still)


def test_the_hidden_width_is_four_times_the_width_unless_asked_otherwise(rng):
    assert made(nn.Block, rng).feed_forward.inner.W.shape == (C, 4 * C)
    assert made(nn.Block, rng, hidden=3).feed_forward.inner.W.shape == (C, 3)


# the stacks


@pytest.mark.parametrize("pre_norm", [True, False])
def test_in_an_encoder_any_token_can_change_any_output(rng, pre_norm):
    encode = made(nn.Encoder, rng, 1, pre_norm=pre_norm)
    assert influence(encode, normal(rng, B, T, C), rng).all()


@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("rotary", [None, nn.RotaryPositions(T, C // H)], ids=["plain", "rotary"])
def test_in_a_decoder_a_token_changes_its_own_output_and_later_ones(rng, pre_norm, rotary):
    decode = made(nn.Decoder, rng, 2, pre_norm=pre_norm, rotary=rotary)
    np.testing.assert_array_equal(influence(decode, normal(rng, B, T, C), rng), np.tri(T, dtype=bool))


def test_the_check_of_causality_rejects_a_leaking_decoder(rng):
    decode = made(nn.Decoder, rng, 2)
    decode.causal = False
    assert not np.array_equal(influence(decode, normal(rng, B, T, C), rng), np.tri(T, dtype=bool))


def test_any_token_of_the_memory_can_change_any_output(rng):
    decode, x, memory = made(nn.Decoder, rng, 1, cross=True), normal(rng, B, T, C), normal(rng, B, S, C)
    before = decode(x, memory).data
    for s in range(S):
        assert (decode(x, changed(memory, s, rng)).data != before).any(axis=-1).all()


def test_masked_tokens_and_masked_memory_have_no_influence(rng):
    x, memory = normal(rng, B, T, C), normal(rng, B, S, C)
    encode, decode = made(nn.Encoder, rng, 2), made(nn.Decoder, rng, 2, cross=True)
    shown, memory_shown = np.arange(T) != 4, np.arange(S) != 2
    before, after = (encode(text, mask=shown).data[:, :4] for text in (x, changed(x, 4, rng)))
    np.testing.assert_array_equal(after, before)
    before, after = (decode(x, text, memory_mask=memory_shown).data for text in (memory, changed(memory, 2, rng)))
    np.testing.assert_array_equal(after, before)


def test_padding_changes_nothing(rng):
    encode, x = made(nn.Encoder, rng, 2), normal(rng, B, T, C)
    mask = np.arange(T) < np.array([T, 3])[:, None, None, None]  # (B, 1, 1, T)
    np.testing.assert_allclose(encode(x, mask=mask).data[1, :3], encode(x[1:, :3]).data[0], atol=1e-12)


def test_padding_that_is_attended_to_would_be_noticed(rng, monkeypatch):
    right = nn.Encoder.__call__
    monkeypatch.setattr(nn.Encoder, "__call__", lambda self, x, mask=None: right(self, x))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        test_padding_changes_nothing(rng)


@pytest.mark.parametrize("parts", [[1] * T, [2, 3]])
@pytest.mark.parametrize("cross", [False, True], ids=["alone", "with a memory"])
def test_decoding_with_a_cache_equals_the_full_pass(rng, parts, cross):
    decode = made(nn.Decoder, rng, 2, cross=cross, rotary=nn.RotaryPositions(T, C // H))
    x, memory = normal(rng, B, T, C), normal(rng, B, S, C) if cross else None
    past, outputs, start = None, [], 0
    for length in parts:
        y, past = decode.extend(x[:, start : start + length], memory, past=past)
        outputs.append(y.data)
        start += length
    np.testing.assert_allclose(np.concatenate(outputs, axis=1), decode(x, memory).data, atol=1e-12)


def test_a_memory_remembered_once_equals_one_that_is_given_each_time(rng):
    decode = made(nn.Decoder, rng, 2, cross=True)
    x, memory, mask = normal(rng, B, T, C), normal(rng, B, S, C), np.arange(S) < 4
    found = decode(x, decode.remember(memory), memory_mask=mask).data
    np.testing.assert_array_equal(found, decode(x, memory, memory_mask=mask).data)


def test_a_pre_norm_stack_ends_with_a_norm(rng):
    y = made(nn.Encoder, rng, 3)(normal(rng, B, T, C)).data
    np.testing.assert_allclose(y.std(axis=-1), 1, atol=1e-4)
    assert made(nn.Encoder, rng, 3, pre_norm=False).norm is None


@pytest.mark.parametrize(("cross", "sublayers"), [(False, 8), (True, 12)])
def test_what_the_sublayers_add_starts_small(rng, cross, sublayers):
    stack = nn.Decoder(4, 64, H, cross=cross, rng=rng)
    for block in stack.blocks:
        assert block.attention.out.W.data.std() == pytest.approx(1 / np.sqrt(64 * sublayers), rel=0.05)
        assert block.attention.query.W.data.std() == pytest.approx(1 / np.sqrt(64), rel=0.05)


@pytest.mark.parametrize("cross", [True, False])
def test_a_memory_goes_with_cross_attention(rng, cross):
    block, x = made(nn.Block, rng, cross=cross), normal(rng, B, T, C)
    with pytest.raises(ValueError, match="memory"):
        block(x, None if cross else normal(rng, B, S, C))
