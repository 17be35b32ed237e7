"""Twenty updates of each optimizer give the numbers of PyTorch's; so does clipping."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from minilm import training
from minilm.autograd import Tensor

SHAPES = [(4, 3), (3,)]  # a matrix, and a vector as gains and biases are
DECAY = {"weight_decay": 0.3}
PAIRS = {
    "plain": (training.SGD, torch.optim.SGD, {"lr": 0.1}, {}),
    "momentum": (training.SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, {}),
    "Nesterov": (training.SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, {}),
    "RMSProp": (training.RMSProp, torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-3}, {}),
    "Adam": (training.Adam, torch.optim.Adam, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3}, {}),
    "AdamW": (training.AdamW, torch.optim.AdamW, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3}, DECAY),
}  # fmt: skip
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


def drawn(dtype):
    """Parameters, and twenty gradients for each."""
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
    return start, [[rng.standard_normal(shape).astype(dtype) for shape in SHAPES] for _ in range(20)]


def our_path(optimizer_class, settings, dtype):
    start, gradients = drawn(dtype)
    parameters = [Tensor(array, requires_grad=True) for array in start]
    optimizer = optimizer_class(parameters, **settings)
    for step in gradients:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = gradient
        optimizer.step()
        yield np.concatenate([parameter.data.ravel() for parameter in parameters])


def their_path(optimizer_class, settings, decay, dtype):
    start, gradients = drawn(dtype)
    parameters = [torch.tensor(array, requires_grad=True) for array in start]
    matrix, vector = parameters  # only the matrix decays
    optimizer = optimizer_class([{"params": [matrix], **decay}, {"params": [vector], "weight_decay": 0.0}], **settings)
    for step in gradients:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
        yield np.concatenate([parameter.detach().numpy().ravel() for parameter in parameters])


def disagreement(ours, theirs):
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", PAIRS)
def test_twenty_updates_equal_those_of_pytorch(name, dtype):
    ours, theirs, settings, decay = PAIRS[name]
    paths = our_path(ours, settings | decay, dtype), their_path(theirs, settings, decay, dtype)
    assert disagreement(*paths) < TOLERANCE[dtype]


@pytest.mark.parametrize(
    ("name", "change"),
    [("AdamW", {"weight_decay": 0.0}), ("Adam", {"eps": 2e-3}), ("Nesterov", {"nesterov": False})],
)
def test_another_setting_is_told_apart(name, change):
    ours, theirs, settings, decay = PAIRS[name]
    paths = our_path(ours, settings | decay | change, "float64"), their_path(theirs, settings, decay, "float64")
    assert disagreement(*paths) > 1e-4


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_equals_that_of_pytorch(max_norm):
    _, (gradients, *_) = drawn("float64")
    ours = [Tensor(np.zeros_like(gradient), requires_grad=True) for gradient in gradients]
    theirs = [torch.zeros(gradient.shape, dtype=torch.float64, requires_grad=True) for gradient in gradients]
    for tensor, their, gradient in zip(ours, theirs, gradients, strict=True):
        tensor.grad, their.grad = gradient.copy(), torch.tensor(gradient)
    length = training.clip_gradients(ours, max_norm)
    assert length == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, max_norm).item(), rel=1e-12)
    for tensor, their in zip(ours, theirs, strict=True):  # PyTorch divides by the length + 1e-6
        np.testing.assert_allclose(tensor.grad, their.grad, rtol=2e-6)
