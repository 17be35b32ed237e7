"""For every operation a function of a generator that gives its arrays and its settings."""

import numpy as np

EXAMPLES = {}


def example(*names):
    def remember(function):
        EXAMPLES.update(dict.fromkeys(names or [function.__name__], function))
        return function

    return remember


def normal(rng, *shape):
    return rng.standard_normal(shape)


@example("add", "subtract", "multiply", "divide")
def two_broadcast(rng):
    return (normal(rng, 4, 1, 3), 2 + rng.random((5, 1))), {}


@example("negative", "exp", "tanh", "sigmoid", "softmax", "log_softmax", "gelu", "gelu_exact", "transpose")
def one(rng):
    return (normal(rng, 4, 3),), {}


@example("log", "sqrt")
def positive(rng):
    return (0.5 + rng.random((4, 3)),), {}


@example()
def relu(rng):
    return (np.array([-2.0, -0.5, 0.3, 4.0]),), {}


@example()
def power(rng):
    return (0.5 + rng.random((4, 3)),), {"exponent": 3}


@example()
def where(rng):
    return (normal(rng, 4, 3), normal(rng, 3)), {"condition": rng.random((4, 3)) < 0.5}


@example()
def dropout(rng):
    class Same:
        """A generator that draws the same numbers each time, so that a slope exists."""

        def random(self, shape, dtype):
            return np.random.default_rng(1).random(shape, dtype=dtype)

    return (normal(rng, 4, 3),), {"probability": 0.4, "rng": Same()}


@example()
def matmul(rng):
    return (normal(rng, 2, 1, 4, 3), normal(rng, 5, 3, 2)), {}


@example("sum", "mean", "max")
def reduction(rng):
    return (normal(rng, 4, 3, 2),), {"axis": 1}


@example()
def getitem(rng):
    return (normal(rng, 4, 3),), {"index": (np.array([0, 2, 2]), slice(1, 3))}


@example()
def swiglu(rng):
    return (normal(rng, 2, 4, 3), normal(rng, 2, 4, 3)), {}


@example()
def scatter(rng):
    return (normal(rng, 2, 3, 4),), {"ids": np.array([[1, 4, 1, 0], [2, 2, 2, 3]]), "size": 5}


@example()
def gather(rng):
    return (normal(rng, 5, 3),), {"ids": np.array([[0, 4], [4, 4]])}


@example()
def reshape(rng):
    return (normal(rng, 4, 3),), {"shape": (2, -1)}


@example()
def swapaxes(rng):
    return (normal(rng, 4, 3, 2),), {"first": 0, "second": -1}


@example()
def concatenate(rng):
    return (normal(rng, 4, 3), normal(rng, 4, 1), normal(rng, 4, 2)), {"axis": 1}


@example()
def stack(rng):
    return (normal(rng, 4, 3), normal(rng, 4, 3)), {"axis": 1}


@example()
def linear(rng):
    return (normal(rng, 2, 4, 3), normal(rng, 3, 5), normal(rng, 5)), {}


@example()
def frozen_linear(rng):
    return (normal(rng, 2, 4, 3),), {"W": normal(rng, 3, 5), "b": normal(rng, 5)}


@example()
def packed_linear(rng):
    blocks = rng.integers(0, 256, (5, 34)).astype(np.uint8)  # of 8 bits a weight
    blocks[:, :2] = np.full((5, 1), 1 / 64, np.float16).view(np.uint8)
    return (normal(rng, 2, 4, 32),), {"packed": blocks, "kind": 8}


@example()
def quantized_linear(rng):
    scale, b = normal(rng, 2, 5).astype(np.float32)
    return (normal(rng, 2, 4, 3),), {"q": rng.integers(-127, 128, (3, 5)).astype(np.int8), "scale": scale / 99, "b": b}


@example()
def layer_norm(rng):
    return (normal(rng, 2, 4, 3), normal(rng, 3), normal(rng, 3)), {}


@example()
def rms_norm(rng):
    return (normal(rng, 2, 4, 3), normal(rng, 3)), {}


@example()
def cross_entropy(rng):
    return (normal(rng, 2, 4, 6),), {"targets": np.array([[0, 5, -1, 2], [3, 3, 1, -1]]), "label_smoothing": 0.2}


@example()
def attention(rng):
    mask = rng.random((2, 1, 5, 6)) < 0.7
    return (normal(rng, 2, 3, 5, 4), normal(rng, 2, 3, 6, 4), normal(rng, 2, 3, 6, 4)), {"mask": mask, "causal": True}


@example()
def rotary(rng):
    angle = rng.random((5, 2))
    return (normal(rng, 2, 3, 5, 4),), {"cos": np.cos(angle), "sin": np.sin(angle)}


@example()
def rnn(rng):
    return (normal(rng, 2, 4, 5), normal(rng, 2, 5), normal(rng, 5, 5)), {}


@example()
def gru(rng):
    return (normal(rng, 2, 4, 15), normal(rng, 2, 5), normal(rng, 5, 15), normal(rng, 15)), {}


@example()
def lstm(rng):
    return (normal(rng, 2, 4, 20), normal(rng, 2, 5), normal(rng, 2, 5), normal(rng, 5, 20)), {}
