"""LoRA: at first nothing changes, then adapters alone do; merged, the model is the same with nothing beside it."""

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import Tensor, no_grad
from minilm.generate import greedy
from minilm.models import GPT, Bert, BertClassifier, Llama
from minilm.training import AdamW

SIZE = {"width": 16, "layers": 2, "heads": 2, "context": 12}
MODELS = {
    "llama": lambda rng: Llama(11, **SIZE, rng=rng),
    "gpt": lambda rng: GPT(11, **SIZE, rng=rng),
    "bert": lambda rng: BertClassifier(Bert(11, pad=0, **SIZE, dropout=0.0, rng=rng), 3, rng=rng),
}
LAYERS = ["attention.query", "attention.value", "feed_forward.outer"]
IDS = np.random.default_rng(0).integers(1, 11, size=(4, 9))
TARGETS = {"llama": (np.roll(IDS, 1, axis=1),), "gpt": (np.roll(IDS, 1, axis=1),), "bert": (None, [0, 1, 2, 0])}
every_model = pytest.mark.parametrize("name", MODELS)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def build(name):
    return MODELS[name](np.random.default_rng(0))


def outputs(model):
    with no_grad():
        return model(IDS).data


def trained(name, rng, steps=3):
    """A model with adapters that have learned a little."""
    model = build(name)
    optimizer = AdamW(nn.adapt(model, LAYERS, rank=3, alpha=6.0, rng=rng), 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(IDS, *TARGETS[name]).backward()
        optimizer.step()
    return model


@every_model
def test_a_model_with_new_adapters_is_what_it_was(name, rng):
    model = build(name)
    nn.adapt(model, LAYERS, rng=rng)
    assert len(nn.adapters(model)) == 6
    np.testing.assert_array_equal(outputs(model), outputs(build(name)))


@every_model
def test_adapters_alone_learn_and_they_do(name, rng):
    model, before = trained(name, rng), build(name).state_dict()
    for key, array in model.state_dict().items():
        if key.endswith((".A", ".B")):
            assert np.abs(array).max() > 0
        else:
            np.testing.assert_array_equal(array, before[key.replace(".layer.", ".")])
    loss = model.loss(IDS, *TARGETS[name]).item()
    assert loss < build(name).loss(IDS, *TARGETS[name]).item() - 0.01


def test_the_gradient_of_an_adapter_is_that_of_its_product(rng):
    """dA = s (dW) Bᵀ and dB = s Aᵀ (dW), with dW of the layer that is not frozen."""
    x, dy = rng.standard_normal((7, 5)), rng.standard_normal((7, 4))
    free = nn.Linear(5, 4, rng=rng).astype(float)
    adapted = nn.LoRA(nn.Linear(5, 4, rng=rng), rank=2, alpha=3.0, rng=rng).astype(float)
    adapted.B.data = rng.standard_normal((2, 4))
    (adapted(Tensor(x)) * dy).sum().backward()
    (free(Tensor(x)) * dy).sum().backward()
    np.testing.assert_allclose(adapted.A.grad, 1.5 * free.W.grad @ adapted.B.data.T)
    np.testing.assert_allclose(adapted.B.grad, 1.5 * adapted.A.data.T @ free.W.grad)


@every_model
def test_a_merged_model_gives_the_same_with_no_adapter_left(name, rng):
    model = trained(name, rng)
    before = outputs(model)
    nn.merge(model)
    np.testing.assert_allclose(outputs(model), before, atol=2e-6)
    assert np.abs(before - outputs(build(name))).max() > 0.01
    assert nn.adapters(model) == {}
    assert model.state_dict().keys() == build(name).state_dict().keys()
    assert all(tensor.requires_grad for tensor in model.parameters())


def test_a_merged_llama_writes_what_one_with_adapters_finds_likeliest(rng):
    model = trained("llama", rng, steps=20)
    likeliest = outputs(model)[0, -1].argmax()
    nn.merge(model)
    assert greedy(model, IDS[0], 1).item() == likeliest != greedy(build("llama"), IDS[0], 1).item()


def test_a_gpt_with_adapters_says_that_it_must_be_merged_to_decode(rng):
    model = trained("gpt", rng)
    with pytest.raises(ValueError, match=r"make one of both first: nn\.merge\(model\)"):
        greedy(model, IDS[0], 3)
    nn.merge(model)
    assert greedy(model, IDS[0], 3).shape == (3,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": ["attention.query", "attention.q"]}, "'attention.q' is no linear layer of this model"),
        ({"layers": ["decoder"]}, "'decoder' is no linear layer"),
        ({"layers": ["head"]}, "'head' is no linear layer of this model, or its matrix has a second use"),
        ({"rank": 0}, "rank is 0; expected an integer, 1 or more"),
        ({"rank": 17}, r"rank is 17; expected at most 16, the largest that a matrix \(16, 16\) can have"),
        ({"alpha": 0.0}, "alpha is 0.0; expected more than 0"),
    ],
)
def test_bad_settings_are_named_and_change_nothing(settings, message, rng):
    model = build("llama")
    with pytest.raises(ValueError, match=message):
        nn.adapt(model, **settings, rng=rng)
    assert nn.adapters(model) == {}
    assert all(tensor.requires_grad for name, tensor in model.named_parameters())
