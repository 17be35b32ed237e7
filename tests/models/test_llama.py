"""Llama: every parameter has its gradient, tied ones of both uses; places count by distance; a full context goes on."""

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import no_grad
from minilm.models import Llama

V, SIZE = 11, {"width": 16, "layers": 2, "heads": 4, "kv_heads": 2, "context": 8}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def model(request, rng):
    return Llama(V, **SIZE, tied=request.param, rng=rng)


def test_gradients_equal_central_differences(model, worst_slope_error, rng):
    ids, targets = rng.integers(V, size=(2, 3, 7))
    assert worst_slope_error(model.astype(np.float64), ids, targets) < 1e-7


def test_a_tied_embedding_whose_gradient_forgot_one_use_would_be_noticed(worst_slope_error, rng):
    class Forgetful(nn.TiedEmbedding):
        def __call__(self, ids):
            return super().__call__(ids).detach()

    model = Llama(V, **SIZE, rng=rng).astype(np.float64)
    model.embedding = Forgetful(model.head)
    assert worst_slope_error(model, *rng.integers(V, size=(2, 3, 7))) > 1e-3


def test_embeddings_are_the_columns_of_the_head_only_where_they_are_tied(model):
    same = np.shares_memory(model.embedding.table.data, model.head.W.data)
    assert same == model.settings["tied"]
    assert sum(tensor.shape in ((16, V), (V, 16)) for tensor in model.parameters()) == 2 - same


def test_what_comes_first_is_known_by_its_distance_alone(model, rng):
    """With rotary positions nothing tells where a text begins: only its order counts."""
    ids = rng.integers(V, size=(1, 5))
    with no_grad():
        x = model.embedding(ids)
        early = model.decoder(x).data
        rotary = model.decoder.blocks[0].attention.rotary  # of all blocks
        rotary.cos, rotary.sin = rotary.cos[3:], rotary.sin[3:]
        np.testing.assert_allclose(model.decoder(x).data, early, atol=2e-6)
        assert np.abs(model(ids[:, ::-1]).data[:, -1] - model(ids).data[:, -1]).max() > 1e-3


def test_a_full_context_goes_on_from_its_last_half(model, rng):
    ids = rng.integers(V, size=(2, 9))
    _, state = model.start(ids[:, :8])
    log_probs, state = model.step(ids[:, 8], state)
    np.testing.assert_allclose(log_probs, model.start(ids[:, 5:])[0], atol=2e-6)
    again, _ = model.step(ids[:, 0], state)
    np.testing.assert_allclose(again, model.start(np.hstack([ids[:, 5:], ids[:, :1]]))[0], atol=2e-6)


def test_theta_and_eps_count(rng):
    ids = rng.integers(V, size=(1, 8))
    usual, *others = (
        Llama(V, **SIZE, **settings, rng=np.random.default_rng(1))(ids).data
        for settings in ({}, {"theta": 50.0}, {"eps": 0.1})
    )
    assert all(np.abs(other - usual).max() > 1e-3 for other in others)
