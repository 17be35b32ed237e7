"""Operators and methods of Tensor: which operation each one is."""

from . import operations
from .tensor import Tensor

Axes = int | tuple[int, ...] | None


def _axes_of(axes):
    return axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list) else axes


def _sum(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Σ over the axes, all if none is given."""
    return operations.sum(self, axis=axis, keepdims=keepdims)


def _mean(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The mean over the axes, all if none is given."""
    return operations.mean(self, axis=axis, keepdims=keepdims)


def _max(self: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The maximum over the axes, all if none is given."""
    return operations.max(self, axis=axis, keepdims=keepdims)


def _reshape(self: Tensor, *shape: int) -> Tensor:
    """The same elements in another shape."""
    return operations.reshape(self, shape=_axes_of(shape))


def _transpose(self: Tensor, *axes: int) -> Tensor:
    """The axes in another order, reversed if none is given."""
    return operations.transpose(self, axes=_axes_of(axes) or None)


def _swapaxes(self: Tensor, first: int, second: int) -> Tensor:
    """Two axes exchanged."""
    return operations.swapaxes(self, first=first, second=second)


METHODS = {
    "__add__": operations.add,
    "__radd__": lambda self, other: operations.add(other, self),
    "__sub__": operations.subtract,
    "__rsub__": lambda self, other: operations.subtract(other, self),
    "__mul__": operations.multiply,
    "__rmul__": lambda self, other: operations.multiply(other, self),
    "__truediv__": operations.divide,
    "__rtruediv__": lambda self, other: operations.divide(other, self),
    "__pow__": lambda self, exponent: operations.power(self, exponent=exponent),
    "__neg__": operations.negative,
    "__matmul__": operations.matmul,
    "__rmatmul__": lambda self, other: operations.matmul(other, self),
    "__getitem__": lambda self, index: operations.getitem(self, index=index),
    "exp": operations.exp,
    "log": operations.log,
    "sqrt": operations.sqrt,
    "tanh": operations.tanh,
    "sigmoid": operations.sigmoid,
    "relu": operations.relu,
    "softmax": operations.softmax,
    "log_softmax": operations.log_softmax,
    "sum": _sum,
    "mean": _mean,
    "max": _max,
    "reshape": _reshape,
    "transpose": _transpose,
    "swapaxes": _swapaxes,
    "T": property(lambda self: operations.transpose(self)),
}

for _name, _method in METHODS.items():
    setattr(Tensor, _name, _method)
