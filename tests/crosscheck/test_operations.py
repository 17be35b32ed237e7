"""Every operation gives PyTorch's value and gradients."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

from operation_examples import EXAMPLES

from minilm.autograd import OPERATIONS

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
DRAWS_AT_RANDOM = {"dropout"}


def attention(q, k, v, mask, causal):
    T, S = q.shape[2], k.shape[2]
    sees = torch.from_numpy(mask) & torch.ones(T, S).tril(S - T).bool()  # the last query stands at the last key
    y = F.scaled_dot_product_attention(q, k, v, sees)
    return y.where(sees.any(-1, keepdim=True), 0)  # a query that may look nowhere gets zeros


def rotary(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    cos, sin = torch.from_numpy(cos).to(x), torch.from_numpy(sin).to(x)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def run_over_time(layer, x, state, U, b=None):
    """One of PyTorch's recurrent functions, which has W = 1 and no bias of the inputs; its weights are transposed."""
    zeros = torch.zeros_like(U[0])
    weights = [torch.eye(len(zeros)).to(x), U.T, zeros, zeros if b is None else b]
    return layer(x, state, weights, True, 1, 0.0, False, False, True)  # one layer, one direction, batch first


def lstm(x, h, c, *weights):
    """All h and all c; PyTorch tells c only after the last step, so it reads 1, 2, ... T steps."""
    lengths = range(1, x.shape[1] + 1)
    states = [run_over_time(torch.lstm, x[:, :t], (h[None], c[None]), *weights)[1:] for t in lengths]
    return torch.stack([torch.cat(kind).swapaxes(0, 1) for kind in zip(*states, strict=True)])


COUNTERPARTS = {
    **{name: getattr(torch, name) for name in ("add", "subtract", "multiply", "divide", "negative", "exp", "log")},
    **{name: getattr(torch, name) for name in ("sqrt", "tanh", "sigmoid", "relu", "matmul")},
    "power": lambda a, exponent: a**exponent,
    "where": lambda a, b, condition: torch.where(torch.from_numpy(condition), a, b),
    "sum": lambda a, axis: a.sum(axis),
    "mean": lambda a, axis: a.mean(axis),
    "max": lambda a, axis: a.amax(axis),
    "softmax": lambda a: a.softmax(-1),
    "log_softmax": lambda a: a.log_softmax(-1),
    "getitem": lambda a, index: a[index],
    "gather": lambda table, ids: F.embedding(torch.from_numpy(ids), table),
    "scatter": lambda a, ids, size: a.new_zeros(*a.shape[:2], size).scatter_add(
        2, torch.from_numpy(ids)[:, None].expand(a.shape), a
    ),
    "swiglu": lambda gate, x: F.silu(gate) * x,
    "reshape": lambda a, shape: a.reshape(shape),
    "transpose": lambda a: a.T,
    "swapaxes": lambda a, first, second: a.swapaxes(first, second),
    "concatenate": lambda *arrays, axis: torch.cat(arrays, axis),
    "stack": lambda *arrays, axis: torch.stack(arrays, axis),
    "linear": lambda x, W, b: F.linear(x, W.T, b),
    "frozen_linear": lambda x, W, b: F.linear(x, torch.from_numpy(W.T).to(x), torch.from_numpy(b).to(x)),
    "packed_linear": lambda x, packed, kind: F.linear(x, torch.from_numpy(packed[:, 2:].view(np.int8)).to(x) / 64),
    "quantized_linear": lambda x, q, scale, b: F.linear(
        x, torch.from_numpy((q * scale.astype(float)).T).to(x), torch.from_numpy(b).to(x)
    ),
    "layer_norm": lambda x, gamma, beta: F.layer_norm(x, gamma.shape, gamma, beta),
    "rms_norm": lambda x, gamma: F.rms_norm(x, gamma.shape, gamma, 1e-5),
    "gelu": lambda a: F.gelu(a, approximate="tanh"),
    "gelu_exact": lambda a: F.gelu(a),
    "cross_entropy": lambda logits, targets, label_smoothing: F.cross_entropy(
        logits.flatten(0, 1), torch.from_numpy(targets).flatten(), ignore_index=-1, label_smoothing=label_smoothing
    ),
    "attention": attention,
    "rotary": rotary,
    "rnn": lambda x, h, *weights: run_over_time(torch.rnn_tanh, x, h[None], *weights)[0],
    "gru": lambda x, h, *weights: run_over_time(torch.gru, x, h[None], *weights)[0],
    "lstm": lstm,
}


def disagreement(ours, theirs, name, dtype):
    """The largest difference in value and gradients, relative where numbers exceed 1."""
    arrays, settings = EXAMPLES[name](np.random.default_rng(0))
    arrays = [array.astype(dtype) for array in arrays]
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    value, backward = ours(*arrays, **settings)
    expected = theirs(*leaves, **settings)
    dy = np.random.default_rng(1).standard_normal(np.shape(value)).astype(dtype)
    expected.backward(torch.from_numpy(np.asarray(dy)))
    found = [value, *backward(dy)]
    wanted = [array.numpy() for array in (expected.detach(), *(leaf.grad for leaf in leaves))]
    return max(np.max(abs(a - b) / np.maximum(1, abs(b))) for a, b in zip(found, wanted, strict=True))


def test_every_operation_has_a_counterpart():
    assert set(COUNTERPARTS) | DRAWS_AT_RANDOM == set(OPERATIONS)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", COUNTERPARTS)
def test_an_operation_gives_the_value_and_gradients_of_pytorch(name, dtype):
    assert disagreement(OPERATIONS[name].rule, COUNTERPARTS[name], name, dtype) < TOLERANCE[dtype]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gelu", lambda a: F.gelu(a)),  # the exact one, by the error function
        ("layer_norm", lambda x, gamma, beta: F.layer_norm(x, gamma.shape, gamma, beta, 1e-3)),
        ("cross_entropy", lambda logits, targets, label_smoothing: COUNTERPARTS["cross_entropy"](logits, targets, 0.1)),
        ("softmax", lambda a: a.softmax(0)),
        ("rnn", lambda x, h, *weights: run_over_time(torch.rnn_tanh, x, 0 * h[None], *weights)[0]),
    ],
)
def test_another_operation_is_told_apart(name, wrong):
    assert disagreement(OPERATIONS[name].rule, wrong, name, "float64") > 1e-6
