"""Module: parameters are found in the order of definition, once each; states are copied whole or not at all."""

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import Tensor


class Nested(nn.Module):
    """Parameters in a module, a list, a tuple and a list of lists."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.first = nn.Linear(2, 3, rng=rng)
        self.scale = nn.parameter(np.ones(3))
        self.blocks = [nn.Linear(3, 3, bias=False, rng=rng), (nn.LayerNorm(3), nn.Dropout(0.5, rng=rng))]
        self.settings = {"width": 3}  # a dictionary is no place for parameters
        self.constant = np.ones(3)
        self.absent = None
        self.dropout = nn.Dropout(0.5, rng=rng)


class Tied(nn.Module):
    """The embedding's table is also the head's."""

    def __init__(self):
        self.embedding = nn.Embedding(5, 3, rng=np.random.default_rng(0))
        self.head = self.embedding.table


NAMES = ["first.W", "first.b", "scale", "blocks.0.W", "blocks.1.0.gamma", "blocks.1.0.beta"]


def test_names_come_in_the_order_of_definition():
    assert [name for name, _ in Nested().named_parameters()] == NAMES
    assert list(Nested().state_dict()) == NAMES


def test_modules_are_found_in_lists_and_tuples():
    model = Nested()
    assert dict(model.named_modules()) == {
        "": model, "first": model.first, "blocks.0": model.blocks[0], "blocks.1.0": model.blocks[1][0],
        "blocks.1.1": model.blocks[1][1], "dropout": model.dropout,
    }  # fmt: skip


def test_a_tied_weight_is_one_parameter():
    model = Tied()
    assert [name for name, _ in model.named_parameters()] == ["embedding.table"]
    model.load_state_dict({"embedding.table": np.full((5, 3), 7.0)})
    assert model.head.data is model.embedding.table.data
    (model.embedding([1]) * model.head[2]).sum().backward()
    assert model.head.grad[1:3].tolist() == [[7, 7, 7], [7, 7, 7]]


def test_a_state_is_a_copy():
    model = nn.LayerNorm(3)
    state = model.state_dict()
    state["gamma"][:] = 9
    assert model.gamma.data.tolist() == [1, 1, 1]
    model.load_state_dict(state)
    state["gamma"][:] = 5
    assert model.gamma.data.tolist() == [9, 9, 9]


def test_a_loaded_state_keeps_the_models_type_and_is_contiguous():
    model = nn.Linear(2, 3, bias=False, rng=np.random.default_rng(0))
    model.load_state_dict({"W": np.arange(6.0).reshape(3, 2).T})  # float64, columns first
    assert model.W.dtype == np.float32
    assert model.W.data.flags.c_contiguous
    assert model.W.data.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_all_that_does_not_fit_is_listed_and_nothing_is_changed():
    model = Nested()
    before, state = model.state_dict(), model.state_dict()
    del state["first.b"]
    state |= {"scale": np.zeros(4), "blocks.0.W": np.zeros((3, 3)), "first.c": np.zeros(2)}
    with pytest.raises(ValueError, match="the state does not fit this model") as error:
        model.load_state_dict(state)
    assert str(error.value).split("\n")[1:] == [
        "  missing: first.b (3,)",
        "  unexpected: first.c (2,)",
        "  scale: shape (4,), expected (3,)",
    ]
    assert all(np.array_equal(before[name], now) for name, now in model.state_dict().items())


def test_train_and_eval_reach_everything():
    model = Nested()
    assert model.eval() is model
    assert [module.training for module in model.modules()] == [False] * 6
    assert model.train() is model
    assert [module.training for module in model.modules()] == [True] * 6


def drawn(model):
    """What the two dropouts of the model do to ones."""
    ones = Tensor(np.ones(64, np.float32))
    return [dropout(ones).data.tolist() for dropout in (model.blocks[1][1], model.dropout)]


def test_reseeding_makes_the_future_independent_of_the_past():
    model, other = Nested(), Nested()
    drawn(other)
    model.reseed(3, 1)
    other.reseed(3, 1)
    first = drawn(model)
    assert drawn(other) == first
    assert first[0] != first[1]  # each dropout draws its own numbers
    other.reseed(3, 2)
    assert drawn(other) != first


def test_astype_converts_every_parameter_and_forgets_gradients():
    model = Nested()
    model.scale.grad = np.ones(3, np.float32)
    assert model.astype(np.float64) is model
    assert {tensor.dtype for tensor in model.parameters()} == {np.dtype(np.float64)}
    assert model.scale.grad is None


def test_zero_grad_forgets_every_gradient():
    model = Nested()
    for tensor in model.parameters():
        tensor.grad = np.ones(tensor.shape)
    model.zero_grad()
    assert [tensor.grad for tensor in model.parameters()] == [None] * len(NAMES)


def test_a_parameter_is_contiguous_float32_and_to_be_learned():
    made = nn.parameter(np.arange(6.0).reshape(2, 3).T)
    assert made.dtype == np.float32
    assert made.data.flags.c_contiguous
    assert made.requires_grad
