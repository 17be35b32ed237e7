"""A Llama whose matrices stay in a GGUF file's blocks: the same model as its floats, and nothing is copied."""

from collections import Counter

import numpy as np
import pytest
from tiny import gguf, llama

from minilm import generate, nn, pretrained
from minilm.kernels import Kernel

IDS = np.random.default_rng(1).integers(0, 200, (8, 12))
KINDS = ["Q4_0", "Q4_1", "Q8_0"]


@pytest.fixture
def loaded(tmp_path):
    """A model from a file whose matrices have this format."""

    def loaded(kind="Q4_1", packed=True, tied=True):
        (tmp_path / "model.gguf").write_bytes(gguf(llama(tied), kind))
        return pretrained.load(tmp_path / "model.gguf", packed=packed, show_progress=False).model

    return loaded


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_model_is_the_model_of_its_floats(loaded, kind, tied):
    packed, floats = loaded(kind, tied=tied), loaded(kind, packed=False, tied=tied)
    assert isinstance(packed.head, nn.PackedLinear)
    np.testing.assert_allclose(packed(IDS).data, floats(IDS).data, atol=2e-6)
    assert generate.greedy(packed, IDS[0], 5).tolist() == generate.greedy(floats, IDS[0], 5).tolist()


@pytest.mark.parametrize("rows", [1, 3, 8])  # 8: so many that tiles are multiplied
def test_a_step_equals_the_full_pass(loaded, rows):
    model, ids = loaded(), IDS[:rows]
    _, state = model.start(ids[:, :5])
    for t in range(5, 12):
        log_probs, state = model.step(ids[:, t], state)
        np.testing.assert_allclose(log_probs, model.start(ids[:, : t + 1])[0], atol=1e-5)


def test_the_comparison_notices_channels_that_are_not_turned_in_pairs(loaded):
    model = loaded()
    _, state = model.start(IDS[:1, :5])
    wrong = state._replace(weights=state.weights._replace(pairs=False))
    right, _ = model.step(IDS[:1, 5], state)
    assert np.abs(model.step(IDS[:1, 5], wrong)[0] - right).max() > 1e-3


def test_matrices_are_read_in_the_file_and_a_token_takes_one_kernel_call(loaded, monkeypatch):
    model, calls, call = loaded(), Counter(), Kernel.__call__
    _, state = model.start(IDS[:1])
    assert np.shares_memory(state.weights.matrices, model.decoder.blocks[1].feed_forward.gate.packed)
    assert not state.weights.matrices.flags.writeable
    monkeypatch.setattr(Kernel, "__call__", lambda kernel, *a: calls.update([kernel.__name__]) or call(kernel, *a))
    model.step(IDS[:1, 0], state)
    assert calls == {"decode_llama": 1}


def test_a_model_with_a_matrix_in_floats_is_loaded_in_floats(loaded):
    assert isinstance(loaded("F16").head, nn.Linear)


def test_matrices_of_several_memories_are_put_into_one(loaded):
    model = loaded()
    layer = model.decoder.blocks[0].attention.out
    before = generate.greedy(model, IDS[0], 5).tolist()
    layer.packed = layer.packed.copy()
    assert generate.greedy(model, IDS[0], 5).tolist() == before
    layer.packed = layer.packed[::-1].copy()
    assert generate.greedy(model, IDS[0], 5).tolist() != before


def test_what_a_packed_model_cannot_do_is_refused(loaded, tmp_path):
    model = loaded()
    with pytest.raises(ValueError, match="load it with packed=False to have floats"):
        pretrained.save_pretrained(tmp_path / "saved", model)
    with pytest.raises(ValueError, match="is no linear layer of this model"):
        nn.adapt(model, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="expected its last axis to be the 32 inputs"):
        model.head(nn.parameter(np.ones((2, 64))))
