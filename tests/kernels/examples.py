"""An example call of every kernel: `EXAMPLES[name](rng, dtype)` returns its arguments."""

import numpy as np

from minilm import kernels

EXAMPLES = {}


def example(function):
    EXAMPLES[function.__name__] = function
    return function


def normal(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


def uniform(rng, dtype, *shape):
    return rng.random(shape).astype(dtype)


@example
def linear(rng, dtype):
    return normal(rng, dtype, 37, 24), normal(rng, dtype, 24, 13) / 5, normal(rng, dtype, 13)


@example
def linear_backward(rng, dtype):
    x, W, _ = linear(rng, dtype)
    return normal(rng, dtype, 37, 13) / 5, x, W


@example
def frozen_linear_backward(rng, dtype):
    return normal(rng, dtype, 37, 13) / 5, normal(rng, dtype, 24, 13)


@example
def quantized_linear(rng, dtype):
    """A matrix of four tiles, three of them cut."""
    q = rng.integers(-127, 128, (300, 270)).astype(np.int8)
    return normal(rng, dtype, 5, 300), q, uniform(rng, dtype, 270) / 1000, normal(rng, dtype, 270)


@example
def softmax(rng, dtype):
    return (5 * normal(rng, dtype, 7, 13),)


@example
def softmax_backward(rng, dtype):
    y = uniform(rng, dtype, 7, 13)
    return normal(rng, dtype, 7, 13), y / y.sum(axis=1, keepdims=True)


@example
def log_softmax(rng, dtype):
    return softmax(rng, dtype)


@example
def log_softmax_backward(rng, dtype):
    dy, y = softmax_backward(rng, dtype)
    return dy, np.log(y)


@example
def cross_entropy(rng, dtype):
    targets = rng.integers(0, 13, 7)
    targets[2] = -1
    return normal(rng, dtype, 7, 13), targets, -1, 0.1


@example
def cross_entropy_backward(rng, dtype):
    x, *rest = cross_entropy(rng, dtype)
    highest = x.max(axis=1)
    return normal(rng, dtype, 7), x, highest, np.exp(x - highest[:, None]).sum(axis=1), *rest


@example
def layer_norm(rng, dtype):
    return normal(rng, dtype, 7, 33), normal(rng, dtype, 33), normal(rng, dtype, 33), 1e-5


@example
def layer_norm_backward(rng, dtype):
    x = normal(rng, dtype, 7, 33)
    return normal(rng, dtype, 7, 33), x, normal(rng, dtype, 33), x.mean(axis=1), 1 / x.std(axis=1)


@example
def rms_norm(rng, dtype):
    return normal(rng, dtype, 7, 33), normal(rng, dtype, 33), 1e-5


@example
def rms_norm_backward(rng, dtype):
    x = normal(rng, dtype, 7, 33)
    return normal(rng, dtype, 7, 33), x, normal(rng, dtype, 33), 1 / np.sqrt((x * x).mean(axis=1))


@example
def gelu(rng, dtype):
    return (3 * normal(rng, dtype, 7, 33),)


@example
def gelu_backward(rng, dtype):
    return normal(rng, dtype, 7, 33), 3 * normal(rng, dtype, 7, 33)


@example
def gelu_exact(rng, dtype):
    return (3 * normal(rng, dtype, 7, 33),)


@example
def gelu_exact_backward(rng, dtype):
    return normal(rng, dtype, 7, 33), 3 * normal(rng, dtype, 7, 33)


@example
def swiglu(rng, dtype):
    return 3 * normal(rng, dtype, 7, 33), normal(rng, dtype, 7, 33)


@example
def swiglu_backward(rng, dtype):
    return normal(rng, dtype, 7, 33), *swiglu(rng, dtype)


@example
def gather(rng, dtype):
    return normal(rng, dtype, 9, 4), rng.integers(0, 9, 20)


@example
def scatter_add(rng, dtype):
    return normal(rng, dtype, 20, 4), rng.integers(0, 9, 20), 9


@example
def attention(rng, dtype):
    q, k, v = (normal(rng, dtype, 2, n, 3, 8) for n in (69, 71, 71))
    mask = rng.random((2, 1, 69, 71)) < 0.8
    return q, k, v, mask, True


@example
def attention_backward(rng, dtype):
    q, k, v, mask, causal = attention(rng, dtype)
    y, L = kernels.attention.reference(q, k, v, mask, causal)
    return normal(rng, dtype, *q.shape), q, k, v, y, L, mask, causal


@example
def rotate(rng, dtype):
    angle = uniform(rng, dtype, 5, 4)
    return normal(rng, dtype, 2, 5, 3, 8), np.cos(angle), np.sin(angle)


@example
def rnn(rng, dtype):
    return normal(rng, dtype, 3, 5, 8), normal(rng, dtype, 3, 8), normal(rng, dtype, 8, 8) / 3


@example
def rnn_backward(rng, dtype):
    h = np.tanh(normal(rng, dtype, 3, 5, 8))
    return normal(rng, dtype, 3, 5, 8), h, normal(rng, dtype, 3, 8), normal(rng, dtype, 8, 8) / 3


@example
def gru(rng, dtype):
    return normal(rng, dtype, 3, 5, 24), normal(rng, dtype, 3, 8), normal(rng, dtype, 8, 24) / 3, normal(rng, dtype, 24)


@example
def gru_backward(rng, dtype):
    gates = np.concatenate([uniform(rng, dtype, 3, 5, 16), np.tanh(normal(rng, dtype, 3, 5, 8))], axis=2)
    start, U = normal(rng, dtype, 3, 8), normal(rng, dtype, 8, 24) / 3
    return normal(rng, dtype, 3, 5, 8), normal(rng, dtype, 3, 5, 8), gates, normal(rng, dtype, 3, 5, 24), start, U


@example
def lstm(rng, dtype):
    start_h, start_c = normal(rng, dtype, 2, 3, 8)
    return normal(rng, dtype, 3, 5, 32), start_h, start_c, normal(rng, dtype, 8, 32) / 3


@example
def lstm_backward(rng, dtype):
    _, *start_and_U = lstm(rng, dtype)
    return *normal(rng, dtype, 2, 2, 3, 5, 8), uniform(rng, dtype, 3, 5, 32), *start_and_U


@example
def adamw(rng, dtype):
    p, g, m = (normal(rng, dtype, 50) for _ in range(3))
    return p, g, m, uniform(rng, dtype, 50), 3, 1e-2, 0.9, 0.99, 1e-8, 0.1
