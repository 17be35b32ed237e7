"""What holds for every layer: shapes, gradients, types, and that the sequences of a batch do not touch each other."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import Tensor, no_grad

B, T, S, C = 3, 5, 6, 4


class Example(NamedTuple):
    layer: nn.Module
    inputs: tuple  # arrays, batch first, that the layer is called with; all have gradients
    settings: dict[str, Any]  # the rest of the call; arrays among it are batch first too
    shape: tuple[int, ...]  # of the first output


def normal(rng, *shape):
    return rng.standard_normal(shape)


def visible(rng, *shape):
    return rng.random(shape) < 0.7


def packed(rng, rows):
    """Rows of 32 weights of 8 bits, whose scale is 1/64."""
    weights = rng.integers(-127, 128, (rows, 32)).astype(np.int8)
    return np.hstack([np.full((rows, 1), 1 / 64, np.float16).view(np.uint8), weights.view(np.uint8)])


EXAMPLES = {
    "Linear": lambda rng: Example(nn.Linear(C, 2, rng=rng), (normal(rng, B, T, C),), {}, (B, T, 2)),
    "Linear, no bias": lambda rng: Example(nn.Linear(C, 2, bias=False, rng=rng), (normal(rng, B, C),), {}, (B, 2)),
    "LoRA": lambda rng: Example(
        nn.LoRA(nn.Linear(C, 6, rng=rng), rank=2, alpha=3.0, rng=rng), (normal(rng, B, T, C),), {}, (B, T, 6)
    ),
    "Embedding": lambda rng: Example(nn.Embedding(7, C, rng=rng), (), {"ids": rng.integers(7, size=(B, T))}, (B, T, C)),
    "LayerNorm": lambda rng: Example(nn.LayerNorm(C), (normal(rng, B, T, C),), {}, (B, T, C)),
    "RMSNorm": lambda rng: Example(nn.RMSNorm(C), (normal(rng, B, T, C),), {}, (B, T, C)),
    "Dropout": lambda rng: Example(nn.Dropout(0.4, rng=rng), (normal(rng, B, T, C),), {}, (B, T, C)),
    "FeedForward": lambda rng: Example(nn.FeedForward(C, 6, rng=rng), (normal(rng, B, T, C),), {}, (B, T, C)),
    "SwiGLU": lambda rng: Example(nn.SwiGLU(C, 6, rng=rng), (normal(rng, B, T, C),), {}, (B, T, C)),
    "TiedEmbedding": lambda rng: Example(
        nn.TiedEmbedding(nn.Linear(C, 7, rng=rng)), (), {"ids": rng.integers(7, size=(B, T))}, (B, T, C)
    ),
    "PackedLinear": lambda rng: Example(
        nn.PackedLinear(packed(rng, 8), kind=8, pairs_in=2), (normal(rng, B, T, 32),), {}, (B, T, 8)
    ),
    "PackedEmbedding": lambda rng: Example(
        nn.PackedEmbedding(packed(rng, 7), kind=8), (), {"ids": rng.integers(7, size=(B, T))}, (B, T, 32)
    ),
    "LearnedPositions": lambda rng: Example(
        nn.LearnedPositions(9, C, rng=rng), (normal(rng, B, T, C),), {"offset": 2}, (B, T, C)
    ),
    "SinusoidalPositions": lambda rng: Example(
        nn.SinusoidalPositions(9, C), (normal(rng, B, T, C),), {"offset": 2}, (B, T, C)
    ),
    "RotaryPositions": lambda rng: Example(
        nn.RotaryPositions(9, C), (normal(rng, B, 2, T, C),), {"offset": 2}, (B, 2, T, C)
    ),
    "RNNCell": lambda rng: Example(nn.RNNCell(2, C, rng=rng), (normal(rng, B, 2), normal(rng, B, C)), {}, (B, C)),
    "GRUCell": lambda rng: Example(nn.GRUCell(2, C, rng=rng), (normal(rng, B, 2), normal(rng, B, C)), {}, (B, C)),
    "LSTMCell": lambda rng: Example(
        nn.LSTMCell(2, C, rng=rng), (normal(rng, B, 2), (normal(rng, B, C), normal(rng, B, C))), {}, (B, C)
    ),
    "Recurrent, rnn": lambda rng: Example(nn.Recurrent("rnn", 2, C, rng=rng), (normal(rng, B, T, 2),), {}, (B, T, C)),
    "Recurrent, gru, two layers, both directions": lambda rng: Example(
        nn.Recurrent("gru", 2, C, layers=2, bidirectional=True, rng=rng),
        (normal(rng, B, T, 2), [normal(rng, B, C) for _ in range(4)]),
        {"lengths": np.array([5, 2, 1])},
        (B, T, 2 * C),
    ),
    "Recurrent, lstm, two layers": lambda rng: Example(
        nn.Recurrent("lstm", 2, C, layers=2, rng=rng),
        (normal(rng, B, T, 2), [(normal(rng, B, C), normal(rng, B, C)) for _ in range(2)]),
        {},
        (B, T, C),
    ),
    "AdditiveAttention": lambda rng: Example(
        nn.AdditiveAttention(C, 3, 5, rng=rng),
        (normal(rng, B, T, C), normal(rng, B, S, 3)),
        {"mask": np.arange(S) < np.array([[6], [2], [1]])},
        (B, T, 3),
    ),
    "DotAttention": lambda rng: Example(
        nn.DotAttention(),
        (normal(rng, B, T, C), normal(rng, B, S, C)),
        {"mask": np.arange(S) < np.array([[6], [2], [1]])},
        (B, T, C),
    ),
    "MultiHeadAttention": lambda rng: Example(
        nn.MultiHeadAttention(C, 2, rng=rng),
        (normal(rng, B, T, C), normal(rng, B, S, C)),
        {"mask": visible(rng, B, 1, T, S)},
        (B, T, C),
    ),
    "MultiHeadAttention, rotary and causal": lambda rng: Example(
        nn.MultiHeadAttention(C, 2, rotary=nn.RotaryPositions(T, C // 2), rng=rng),
        (normal(rng, B, T, C),),
        {"causal": True},
        (B, T, C),
    ),
    "MultiHeadAttention, grouped": lambda rng: Example(
        nn.MultiHeadAttention(C, 4, kv_heads=2, bias=False, rng=rng), (normal(rng, B, T, C),), {}, (B, T, C)
    ),
    "Block": lambda rng: Example(
        nn.Block(C, 2, dropout=0.3, rng=rng), (normal(rng, B, T, C),), {"mask": visible(rng, B, 1, T, T)}, (B, T, C)
    ),
    "Block, post-norm, with a memory": lambda rng: Example(
        nn.Block(C, 2, hidden=5, pre_norm=False, cross=True, dropout=0.3, rng=rng),
        (normal(rng, B, T, C), normal(rng, B, S, C)),
        {"memory_mask": visible(rng, B, 1, 1, S), "causal": True},
        (B, T, C),
    ),
    "Block, of a Llama": lambda rng: Example(
        nn.Block(C, 2, kv_heads=1, bias=False, norm=nn.RMSNorm, feed_forward=nn.SwiGLU, rng=rng),
        (normal(rng, B, T, C),),
        {"causal": True},
        (B, T, C),
    ),
    "Encoder": lambda rng: Example(
        nn.Encoder(2, C, 2, rng=rng), (normal(rng, B, T, C),), {"mask": visible(rng, B, 1, 1, T)}, (B, T, C)
    ),
    "Decoder, with a memory": lambda rng: Example(
        nn.Decoder(2, C, 2, cross=True, dropout=0.3, rng=rng),
        (normal(rng, B, T, C), normal(rng, B, S, C)),
        {},
        (B, T, C),
    ),
}
every_layer = pytest.mark.parametrize("name", sorted(EXAMPLES))


def build(name):
    """The example in float64, with parameters that are all different."""
    rng = np.random.default_rng(0)
    example = EXAMPLES[name](rng)
    for tensor in example.layer.astype(np.float64).parameters():
        tensor.data = tensor.data + 0.3 * rng.standard_normal(tensor.shape)
    return example


def each(function, nested):
    """The function of each leaf of nested tuples and lists."""
    if isinstance(nested, tuple | list):
        return type(nested)(each(function, part) for part in nested)
    return function(nested)


def leaves(nested):
    return [leaf for part in nested for leaf in leaves(part)] if isinstance(nested, tuple | list) else [nested]


def outputs(example, inputs):
    """All tensors that the layer returns; dropout draws the same numbers each time, so that slopes exist."""
    example.layer.reseed(1)
    return leaves(example.layer(*inputs, **example.settings))


def learned(example, inputs):
    """All that gets a gradient."""
    return [tensor for tensor in [*example.layer.parameters(), *leaves(inputs)] if tensor.requires_grad]


def worst_slope_error(example):
    """How far the gradients of Σ dy · y are from central differences, at worst; y is all that the layer returns.

    Each parameter and input is moved along one random direction: a wrong gradient has the right slope along it with
    probability zero.
    """
    rng = np.random.default_rng(1)
    inputs = each(lambda array: Tensor(array, requires_grad=True), example.inputs)
    ys = outputs(example, inputs)
    if not learned(example, inputs):
        return 0.0
    dys = [rng.standard_normal(y.shape) for y in ys]
    sum((y * dy).sum() for y, dy in zip(ys, dys, strict=True)).backward()

    def slope(tensor, direction, step=1e-6):
        kept, sums = tensor.data, []
        for sign in (1, -1):
            tensor.data = kept + sign * step * direction
            with no_grad():
                sums.append(sum((y.data * dy).sum() for y, dy in zip(outputs(example, inputs), dys, strict=True)))
        tensor.data = kept
        return (sums[0] - sums[1]) / (2 * step)

    worst = 0.0
    for tensor in learned(example, inputs):
        direction = rng.standard_normal(tensor.shape)
        worst = max(worst, abs(slope(tensor, direction) - (tensor.grad * direction).sum()))
    return worst


def batch_dependence(example, rows):
    """How much the outputs of some rows change, at worst, when these rows are the whole batch, in this order."""

    def take(part):
        return part[rows] if isinstance(part, np.ndarray) else part

    alone = example._replace(settings={name: take(value) for name, value in example.settings.items()})
    example.layer.eval()
    with no_grad():
        together = outputs(example, each(Tensor, example.inputs))
        apart = outputs(alone, each(Tensor, each(take, example.inputs)))
    return max(np.abs(a.data[rows] - b.data).max() for a, b in zip(together, apart, strict=True))


def test_every_layer_has_an_example():
    public = {name: getattr(nn, name) for name in nn.__all__}
    layers = {name for name, kind in public.items() if isinstance(kind, type) and issubclass(kind, nn.Module)}
    assert {name.split(",")[0] for name in EXAMPLES} == layers - {"Module"}


@every_layer
def test_the_output_has_the_documented_shape(name):
    example = build(name)
    assert outputs(example, each(Tensor, example.inputs))[0].shape == example.shape


@every_layer
def test_gradients_of_parameters_and_inputs_equal_central_differences(name):
    assert worst_slope_error(build(name)) < 1e-7


def test_the_gradient_check_rejects_a_forgotten_path():
    class Forgetful(nn.LayerNorm):
        """As if the mean did not depend on x."""

        def __call__(self, x):
            centred = x - x.mean(axis=-1, keepdims=True).detach()
            return centred / (centred**2).mean(axis=-1, keepdims=True).sqrt() * self.gamma + self.beta

    example = build("LayerNorm")
    wrong = Forgetful(C).astype(np.float64)
    assert worst_slope_error(example._replace(layer=wrong)) > 1e-3


@every_layer
@pytest.mark.parametrize("rows", [[2, 0, 1], [1], [2, 2, 0, 1]], ids=["other order", "one alone", "one twice"])
def test_batch_order_and_batch_size_change_nothing(name, rows):
    assert batch_dependence(build(name), rows) < 1e-12


def test_the_batch_check_rejects_a_norm_over_the_batch():
    class BatchNorm(nn.LayerNorm):
        def __call__(self, x):
            return x - x.mean(axis=0, keepdims=True)

    assert batch_dependence(build("LayerNorm")._replace(layer=BatchNorm(C)), [1]) > 1e-3


@every_layer
def test_float32_stays_float32_forward_and_backward(name):
    example = build(name)
    example.layer.astype(np.float32)
    inputs = each(lambda array: Tensor(array.astype(np.float32), requires_grad=True), example.inputs)
    ys = outputs(example, inputs)
    if learned(example, inputs):  # nothing of a packed embedding is
        sum(y.sum() for y in ys).backward()
    gradients = [tensor.grad for tensor in learned(example, inputs)]
    assert {array.dtype for array in [*(y.data for y in ys), *gradients]} == {np.dtype(np.float32)}
