"""Adapters in a file: another copy of the model learns from it what the first has learned, and no other model does."""

import numpy as np
import pytest

from minilm import nn, pretrained
from minilm.models import Llama
from minilm.training import load_arrays, save_arrays

LAYERS = ["attention.query", "feed_forward.inner"]
IDS = np.array([[1, 5, 2]])


def llama(width=8):
    return Llama(11, width=width, layers=2, heads=4, context=8, rng=np.random.default_rng(0))


@pytest.fixture
def adapted():
    rng, model = np.random.default_rng(1), llama()
    for tensor in nn.adapt(model, LAYERS, rank=2, alpha=5.0, rng=rng):
        tensor.data = rng.standard_normal(tensor.shape, dtype=np.float32)
    return model


@pytest.fixture
def path(adapted, tmp_path):
    pretrained.save_adapters(tmp_path / "adapters.safetensors", adapted)
    return tmp_path / "adapters.safetensors"


def test_what_is_saved_is_loaded_beside_the_same_weights(adapted, path):
    model = llama()
    assert np.abs(model(IDS).data - adapted(IDS).data).max() > 0.1
    pretrained.load_adapters(path, model)
    np.testing.assert_array_equal(model(IDS).data, adapted(IDS).data)
    model(IDS).sum().backward()
    assert {name[-2:] for name, tensor in model.named_parameters() if tensor.grad is not None} == {".A", ".B"}


def test_adapters_of_another_model_are_refused_and_change_nothing(path):
    model = llama(width=16)
    before = model(IDS).data
    shapes = r"of another model: (?s:.*)attention\.query\.A: shape \(8, 2\), expected \(16, 2\)"
    with pytest.raises(ValueError, match=shapes):
        pretrained.load_adapters(path, model)
    assert nn.adapters(model) == {}
    np.testing.assert_array_equal(model(IDS).data, before)


def test_a_model_that_has_adapters_already_is_left_as_it_is(adapted, path):
    before = adapted.state_dict()
    with pytest.raises(ValueError, match="has adapters already"):
        pretrained.load_adapters(path, adapted)
    after = adapted.state_dict()
    assert list(after) == list(before)
    assert all(np.array_equal(after[name], array) for name, array in before.items())


def test_a_file_that_holds_no_adapters_or_lacks_some_is_refused(path):
    arrays, _ = load_arrays(path)
    for changed, message in [
        ({"x": np.ones(1)}, "holds no adapters"),
        (arrays | {"alpha": np.ones(2)}, "holds no adapters"),
        (arrays | {"alpha": -np.ones(1)}, "alpha is -1.0; expected more than 0"),
        ({k: v for k, v in arrays.items() if not k.endswith("0.attention.query.B")}, r"missing: .*query\.B"),
        (arrays | {"decoder.blocks.7.attention.query.A": np.ones((8, 2))}, r"blocks\.7.* is no linear layer"),
    ]:
        save_arrays(path, changed)
        with pytest.raises(ValueError, match=message):
            pretrained.load_adapters(path, llama())


def test_a_model_without_adapters_has_none_to_save(tmp_path):
    with pytest.raises(ValueError, match="no adapters"):
        pretrained.save_adapters(tmp_path / "x", llama())


def test_a_model_is_saved_whole_once_its_adapters_are_merged(adapted, tmp_path):
    before = adapted(IDS).data
    with pytest.raises(ValueError, match=r"nn\.merge\(model\)"):
        pretrained.save_pretrained(tmp_path, adapted)
    nn.merge(adapted)
    pretrained.save_pretrained(tmp_path, adapted)
    np.testing.assert_allclose(pretrained.load_model(tmp_path)(IDS).data, before, atol=2e-6)
