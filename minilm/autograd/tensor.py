"""The tape: a Tensor remembers the operation it came from, and `backward` walks these memories from last to first.

This file knows no operation. An operation is a *rule*: arrays in, the value out, together with a function that maps
the gradient of the value to one gradient per positional argument.

    @operation
    def multiply(a, b):
        def backward(dy):
            return unbroadcast(dy * b, a.shape), unbroadcast(dy * a, b.shape)

        return a * b, backward
"""

import functools
import heapq
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import ArrayLike

OPERATIONS: dict[str, Callable] = {}
_births = itertools.count()
_recording = ContextVar("recording", default=True)


class Tensor:
    """An array, and how it was computed.

    Parameters
    ----------
    data : array_like
        Arrays keep their type; numbers and lists become float32.
    requires_grad : bool
        Whether `backward` shall compute the gradient of its end point with respect to this tensor.
    name : str
        How pictures and messages call it.

    Examples
    --------
    >>> w = Tensor([2.0, 3.0], requires_grad=True)
    >>> loss = (w * w).sum()
    >>> loss.backward()
    >>> w.grad
    array([4., 6.], dtype=float32)
    """

    __slots__ = ("_backward", "_born", "data", "grad", "grad_place", "name", "operation", "parents", "requires_grad")
    __array_ufunc__ = None  # array * tensor asks the Tensor, instead of multiplying element by element

    def __init__(self, data: ArrayLike, requires_grad: bool = False, name: str = ""):
        if isinstance(data, Tensor):
            raise TypeError("data is already a Tensor; use it as it is, or its .detach()")
        self.data = np.asarray(data, dtype=None if isinstance(data, np.ndarray | np.generic) else np.float32)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"only floating-point tensors have gradients; data has dtype {self.data.dtype}")
        self.grad: np.ndarray | None = None
        self.grad_place: np.ndarray | None = None  # where an optimizer wants the gradient to lie
        self.requires_grad = requires_grad
        self.name = name
        self.operation = ""
        self.parents: tuple[Tensor, ...] = ()
        self._backward = None
        self._born = next(_births)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    def __reduce__(self):
        """A copy, or what arrives in another process, is a leaf born then: two of one birth would mix up `backward`."""
        return Tensor, (self.data, self.requires_grad, self.name)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        made_by = f", operation={self.operation}" if self.operation else ""
        return f"Tensor({self.data}{', requires_grad=True' if self.requires_grad else ''}{made_by})"

    def item(self) -> float:
        """The one number that it holds."""
        return self.data.item()

    def numpy(self) -> np.ndarray:
        """The array itself, not a copy."""
        return self.data

    def detach(self) -> "Tensor":
        """The same array without its history: no gradient flows through it."""
        return Tensor(self.data)

    def backward(self, dy: ArrayLike | None = None) -> None:
        """Add d self / d leaf to the `.grad` of every leaf that requires it, and free the graph on the way.

        A tensor is born after those it is computed from, so going from the latest born to the earliest meets each
        one when all its gradients have arrived: a topological order that needs no recursion.

        Parameters
        ----------
        dy : array_like, optional
            The gradient to start with, of this tensor's shape; 1 for a single number.

        Raises
        ------
        RuntimeError
            If nothing was recorded: no argument requires a gradient, it ran under `no_grad`, or `backward` was
            called already.
        ValueError
            If this is not a single number and dy is not given, or has another shape.
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward: no gradient was recorded; either no tensor it was computed from has requires_grad=True, "
                "or it was computed under no_grad()"
            )
        waiting, gradients = [(-self._born, self)], {self._born: self._first_gradient(dy)}
        while waiting:
            _, tensor = heapq.heappop(waiting)
            gradient = gradients.pop(tensor._born)
            if tensor._backward is None:
                tensor._accumulate(gradient)
                continue
            for parent, d_parent in zip(tensor.parents, tensor._backward(gradient), strict=True):
                if not parent.requires_grad:
                    continue
                if d_parent.shape != parent.shape:
                    raise RuntimeError(
                        f"the backward of {tensor.operation} gave a gradient of shape {d_parent.shape} "
                        f"for an argument of shape {parent.shape}"
                    )
                if parent._born in gradients:
                    gradients[parent._born] = gradients[parent._born] + d_parent
                else:
                    gradients[parent._born] = d_parent
                    heapq.heappush(waiting, (-parent._born, parent))
            tensor._backward, tensor.parents = _already_walked, ()

    def _first_gradient(self, dy) -> np.ndarray:
        if dy is None:
            if self.size != 1:
                raise ValueError(
                    f"backward starts from a single number, a loss; this tensor has shape {self.shape}: "
                    "reduce it with .sum() or .mean(), or pass dy"
                )
            return np.ones_like(self.data)
        dy = np.asarray(dy, dtype=self.dtype)
        if dy.shape != self.shape:
            raise ValueError(f"dy has shape {dy.shape}, expected the tensor's own, {self.shape}")
        return dy

    def _accumulate(self, gradient: np.ndarray) -> None:
        if self.grad is not None:
            self.grad = self.grad + gradient
        elif self.grad_place is None:
            self.grad = gradient.copy()  # others may hold the array
        else:
            self.grad_place[...] = gradient
            self.grad = self.grad_place


def _already_walked(dy):
    raise RuntimeError("backward was called already, and freed the graph; compute the loss again before the next call")


def operation(rule: Callable) -> Callable:
    """Turn a rule for arrays into a function of Tensors that records what it did.

    Positional arguments are Tensors, or constants: numbers and arrays, which get no gradient. Keyword arguments are
    settings. The rule itself stays reachable as `.rule`.
    """

    @functools.wraps(rule)
    def apply(*arguments, **settings):
        arrays = [a.data if isinstance(a, Tensor) else a for a in arguments]
        value, backward = rule(*arrays, **settings)
        result = Tensor(np.asarray(value))
        if _recording.get() and any(isinstance(a, Tensor) and a.requires_grad for a in arguments):
            result.requires_grad = True
            result.operation = rule.__name__
            result.parents = tuple(a if isinstance(a, Tensor) else _constant for a in arguments)
            result._backward = backward
        return result

    apply.rule = rule
    OPERATIONS[rule.__name__] = apply
    return apply


_constant = Tensor(0.0, name="constant")


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing inside: for evaluation and generation.

    >>> w = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     (w * 2).requires_grad
    False
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum over the axes along which an argument of `shape` was repeated: each copy passes its gradient back.

    >>> unbroadcast(np.ones((4, 3)), (3,))
    array([4., 4., 4.])
    """
    added = gradient.ndim - len(shape)
    stretched = tuple(added + axis for axis, size in enumerate(shape) if size == 1 < gradient.shape[added + axis])
    axes = (*range(added), *stretched)
    return gradient.sum(axis=axes).reshape(shape) if axes else gradient
