"""The elementary operations: each a formula, the value, and the gradient for each argument, side by side.

Positional arguments are differentiable arrays, keyword arguments are settings. methods.py makes them operators and
methods of Tensor.
"""

import numpy as np

from minilm import kernels

from .tensor import operation, unbroadcast

# element by element, with broadcasting


@operation
def add(a, b):
    """Y = A + B        dA = dY        dB = dY"""
    return a + b, lambda dy: (unbroadcast(dy, np.shape(a)), unbroadcast(dy, np.shape(b)))


@operation
def subtract(a, b):
    """Y = A - B        dA = dY        dB = -dY"""
    return a - b, lambda dy: (unbroadcast(dy, np.shape(a)), unbroadcast(-dy, np.shape(b)))


@operation
def multiply(a, b):
    """Y = A · B        dA = dY · B        dB = dY · A"""
    return a * b, lambda dy: (unbroadcast(dy * b, np.shape(a)), unbroadcast(dy * a, np.shape(b)))


@operation
def divide(a, b):
    """Y = A / B        dA = dY / B        dB = -dY A / B²"""
    return a / b, lambda dy: (unbroadcast(dy / b, np.shape(a)), unbroadcast(-dy * a / (b * b), np.shape(b)))


@operation
def power(a, *, exponent):
    """Y = Aⁿ        dA = n Aⁿ⁻¹ dY"""
    return a**exponent, lambda dy: (dy * exponent * a ** (exponent - 1),)


@operation
def negative(a):
    """Y = -A        dA = -dY"""
    return -a, lambda dy: (-dy,)


@operation
def exp(a):
    """Y = eᴬ        dA = Y dY"""
    y = np.exp(a)
    return y, lambda dy: (dy * y,)


@operation
def log(a):
    """Y = ln A        dA = dY / A"""
    return np.log(a), lambda dy: (dy / a,)


@operation
def sqrt(a):
    """Y = √A        dA = dY / 2Y"""
    y = np.sqrt(a)
    return y, lambda dy: (dy / (2 * y),)


@operation
def tanh(a):
    """Y = tanh A        dA = (1 - Y²) dY"""
    y = np.tanh(a)
    return y, lambda dy: (dy * (1 - y * y),)


@operation
def sigmoid(a):
    """Y = 1 / (1 + e⁻ᴬ)        dA = Y (1 - Y) dY"""
    y = 0.5 * (1 + np.tanh(0.5 * a))  # the same function, and it cannot overflow
    return y, lambda dy: (dy * y * (1 - y),)


@operation
def relu(a):
    """Y = max(A, 0)        dA = dY where A > 0"""
    return np.maximum(a, 0), lambda dy: (dy * (a > 0),)


@operation
def where(a, b, *, condition):
    """Y = A where the condition holds, else B"""

    def backward(dy):
        da, db = np.where(condition, dy, 0), np.where(condition, 0, dy)
        return unbroadcast(da, np.shape(a)), unbroadcast(db, np.shape(b))

    return np.where(condition, a, b), backward


@operation
def dropout(a, *, probability, rng):
    """Y = A · keep / (1 - p): each element is zero with probability p, and the mean stays what it was."""
    keep = (rng.random(a.shape, dtype=np.float32) >= probability) / a.dtype.type(1 - probability)
    return a * keep, lambda dy: (dy * keep,)


# products


@operation
def matmul(a, b):
    """Y = A B        dA = dY Bᵀ        dB = Aᵀ dY"""
    if min(a.ndim, b.ndim) < 2 or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not fit; (..., n, k) @ (..., k, m) needs equal k")

    def backward(dy):
        da = dy @ b.swapaxes(-1, -2)
        db = a.swapaxes(-1, -2) @ dy
        return unbroadcast(da, a.shape), unbroadcast(db, b.shape)

    return a @ b, backward


# reductions


def _spread(dy, shape, axis, keepdims):
    """A reduced array back at full size, each number repeated over what was reduced to it."""
    return np.broadcast_to(dy if keepdims or axis is None else np.expand_dims(dy, axis), shape)


@operation
def sum(a, *, axis=None, keepdims=False):
    """Y = Σ A        dA = dY, repeated"""
    return a.sum(axis=axis, keepdims=keepdims), lambda dy: (_spread(dy, a.shape, axis, keepdims),)


@operation
def mean(a, *, axis=None, keepdims=False):
    """Y = Σ A / n        dA = dY / n, repeated"""
    y = a.mean(axis=axis, keepdims=keepdims)
    n = a.size // y.size
    return y, lambda dy: (_spread(dy / n, a.shape, axis, keepdims),)


@operation
def max(a, *, axis=None, keepdims=False):
    """Y = max A        dA = dY at the maximum, shared equally where several tie"""
    y = a.max(axis=axis, keepdims=keepdims)

    def backward(dy):
        highest = a == _spread(y, a.shape, axis, keepdims)
        ties = highest.sum(axis=axis, keepdims=True)
        return (_spread(dy, a.shape, axis, keepdims) * highest / ties.astype(a.dtype),)

    return y, backward


# distributions over the last axis


def _rows(a):
    return a.reshape(-1, a.shape[-1])


@operation
def softmax(a):
    """Y = eᴬ / Σ eᴬ        dA = Y (dY - Σ dY Y)"""
    y = kernels.softmax(_rows(a))
    return y.reshape(a.shape), lambda dy: (kernels.softmax_backward(_rows(dy), y).reshape(a.shape),)


@operation
def log_softmax(a):
    """Y = A - ln Σ eᴬ        dA = dY - softmax(A) Σ dY"""
    y = kernels.log_softmax(_rows(a))
    return y.reshape(a.shape), lambda dy: (kernels.log_softmax_backward(_rows(dy), y).reshape(a.shape),)


# choosing


@operation
def getitem(a, *, index):
    """Y = A[index]        dA = dY added at index"""

    def backward(dy):
        da = np.zeros_like(a)
        if _is_slice(index):
            da[index] = dy
        else:
            np.add.at(da, index, dy)  # an element chosen twice receives both gradients
        return (da,)

    return a[index], backward


def _is_slice(index):
    return all(isinstance(i, int | slice | type(...) | None) for i in (index if isinstance(index, tuple) else (index,)))


@operation
def gather(table, *, ids):
    """Y = table[ids], an embedding look-up        d table[i] = Σ dY over the places that looked up i"""
    V, C = table.shape
    ids = np.asarray(ids)
    flat = check_ids("ids", ids, V).reshape(-1)
    y = kernels.gather(table, flat).reshape(*ids.shape, C)
    return y, lambda dy: (kernels.scatter_add(dy.reshape(-1, C), flat, V),)


def check_ids(name, ids, V):
    """ids as int64; a ValueError if one is no integer, or outside the vocabulary."""
    if ids.size and ids.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {ids.dtype}, expected integers: encode text with a tokenizer first")
    if ids.size and not 0 <= ids.min() <= ids.max() < V:
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise ValueError(f"{name}: {wrong} is outside the vocabulary of {V}; expected 0 <= id < {V}")
    return ids.astype(np.int64)


# shape


@operation
def reshape(a, *, shape):
    """Y = the same elements in another shape"""
    return a.reshape(shape), lambda dy: (dy.reshape(a.shape),)


@operation
def transpose(a, *, axes=None):
    """Y = A with its axes in another order; reversed if none is given"""
    back = None if axes is None else np.argsort(axes)
    return a.transpose(axes), lambda dy: (dy.transpose(back),)


@operation
def swapaxes(a, *, first, second):
    """Y = A with two axes exchanged"""
    return a.swapaxes(first, second), lambda dy: (dy.swapaxes(first, second),)


@operation
def concatenate(*arrays, axis=0):
    """Y = the arrays one after another along an axis they have"""
    ends = np.cumsum([a.shape[axis] for a in arrays])[:-1]
    return np.concatenate(arrays, axis=axis), lambda dy: np.split(dy, ends, axis=axis)


@operation
def stack(*arrays, axis=0):
    """Y = the arrays side by side along a new axis"""
    return np.stack(arrays, axis=axis), lambda dy: tuple(np.moveaxis(dy, axis, 0))
