"""An example call of every kernel: `EXAMPLES[name](rng, dtype)` returns its arguments."""

import numpy as np

EXAMPLES = {}


def example(function):
    EXAMPLES[function.__name__] = function
    return function


def normal(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


@example
def attention(rng, dtype):
    q, k, v = normal(rng, dtype, 2, 3, 35, 8), normal(rng, dtype, 2, 3, 37, 8), normal(rng, dtype, 2, 3, 37, 8)
    mask = rng.random((2, 1, 35, 37)) < 0.8
    return q, k, v, mask, True


@example
def attention_backward(rng, dtype):
    return (normal(rng, dtype, 2, 3, 35, 8), *attention(rng, dtype))
