"""Weights of 8 bits: how far they may be off, and that a quantized model is a model."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minilm import compress, generate, models
from minilm.kernels import Kernel
from minilm.training import load_arrays, save_arrays

MATRICES = arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e6, 1e6))


SIZE = {"width": 24, "layers": 2, "heads": 2, "context": 16}


def gpt():
    return models.GPT(31, **SIZE, rng=np.random.default_rng(0))


@given(MATRICES)
def test_no_weight_is_off_by_more_than_half_a_step(W):
    q, scale = compress.quantize(W)
    assert q.dtype == np.int8
    assert np.abs(q.astype(int)).max(initial=0) <= 127
    assert (np.abs(q * scale - W) <= scale * 0.5000001).all()


def test_the_bound_would_not_hold_with_seven_bits():
    W = np.random.default_rng(0).standard_normal((50, 3))
    q, scale = compress.quantize(W)
    assert (np.abs((q // 2 * 2) * scale - W) > scale * 0.5000001).any()


@pytest.mark.parametrize("rows", [1, 3])
def test_a_quantized_model_decodes_what_its_own_full_pass_says(rows):
    small, ids = compress.quantized(gpt()), np.random.default_rng(1).integers(0, 31, (rows, 12))
    _, state = small.start(ids[:, :5])
    assert state.weights.matrices.dtype == np.int8
    for t in range(5, 12):
        log_probs, state = small.step(ids[:, t], state)
        np.testing.assert_allclose(log_probs, small.start(ids[:, : t + 1])[0], atol=3e-6)


def test_a_prompt_makes_no_floats_of_whole_matrices(monkeypatch):
    calls, call = Counter(), Kernel.__call__
    monkeypatch.setattr(Kernel, "__call__", lambda kernel, *a: calls.update([kernel.__name__]) or call(kernel, *a))
    compress.quantized(gpt()).start([[1, 2, 3]])
    assert calls["quantized_linear"] == 2 * 6 + 1
    assert calls["linear"] == 0


def test_a_quantized_model_is_near_the_model_and_leaves_it_alone():
    model, ids = gpt(), np.random.default_rng(1).integers(0, 31, (4, 12))
    before, loss = model.state_dict(), model.loss(ids, ids).item()
    small = compress.quantized(model)
    assert 0 < abs(small.loss(ids, ids).item() - loss) < 0.01 * loss
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    assert generate.beam_search(small, ids[0], 3, num_beams=2)[0].ids.shape == (3,)


def test_matrices_take_a_quarter_of_the_memory():
    model = gpt()
    small = compress.quantized(model)
    bytes_of = {m: m.weights().matrices.nbytes for m in (model, small)}
    layers = [name for name in small.state_dict() if name.endswith(".W")]
    assert bytes_of[small] * 4 == sum(model.state_dict()[name].nbytes for name in layers)


def test_a_quantized_model_is_saved_and_loaded_like_any_other(tmp_path):
    small, other = compress.quantized(gpt()), models.GPT(31, **SIZE, rng=np.random.default_rng(1))
    save_arrays(tmp_path / "weights.safetensors", small.state_dict())
    state, _ = load_arrays(tmp_path / "weights.safetensors")
    loaded = compress.quantized(other)
    loaded.load_state_dict(state)
    assert generate.greedy(loaded, [1, 2], 8).tolist() == generate.greedy(small, [1, 2], 8).tolist()
    assert generate.greedy(compress.quantized(other), [1, 2], 8).tolist() != generate.greedy(small, [1, 2], 8).tolist()


@pytest.mark.parametrize(("model", "state"), [("8 bits", "floats"), ("floats", "8 bits")])
def test_weights_of_8_bits_and_others_are_not_mixed_up(model, state):
    made = {"floats": gpt(), "8 bits": compress.quantized(gpt())}
    before = made[model].state_dict()
    with pytest.raises(ValueError, match=r"load such a state into compress\.quantized\(model\)"):
        made[model].load_state_dict(made[state].state_dict())
    assert all(np.array_equal(before[name], array) for name, array in made[model].state_dict().items())


def test_what_cannot_be_quantized_is_refused():
    with pytest.raises(TypeError, match="model is a RecurrentLM, expected a GPT"):
        compress.quantized(models.RecurrentLM(5, embedding=2, width=3, rng=np.random.default_rng(0)))
    with pytest.raises(ValueError, match="expected a matrix"):
        compress.quantize(np.ones(3))
    with pytest.raises(ValueError, match="finite numbers"):
        compress.quantize(np.array([[np.nan]]))
