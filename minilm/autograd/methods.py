"""Operators and methods of Tensor: which operation each one is."""

from . import operations
from .tensor import Tensor


def _axes_of(axes):
    return axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list) else axes


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
    "sum": lambda self, axis=None, keepdims=False: operations.sum(self, axis=axis, keepdims=keepdims),
    "mean": lambda self, axis=None, keepdims=False: operations.mean(self, axis=axis, keepdims=keepdims),
    "max": lambda self, axis=None, keepdims=False: operations.max(self, axis=axis, keepdims=keepdims),
    "reshape": lambda self, *shape: operations.reshape(self, shape=_axes_of(shape)),
    "transpose": lambda self, *axes: operations.transpose(self, axes=_axes_of(axes) or None),
    "swapaxes": lambda self, first, second: operations.swapaxes(self, first=first, second=second),
    "T": property(lambda self: operations.transpose(self)),
}

for _name, _method in METHODS.items():
    setattr(Tensor, _name, _method)
