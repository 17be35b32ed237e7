"""A golden case: how minilm's layer is built and called, and how PyTorch computes the same from the same weights."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minilm.nn import Module

CASES: dict[str, "Case"] = {}


class Case(NamedTuple):
    """One layer and its arguments.

    `theirs(torch, p, **arguments)` is handed PyTorch rather than importing it, so that this table can be read without
    PyTorch. `p` are minilm's parameters by minilm's names. Whatever turns them into PyTorch's is differentiable, so
    PyTorch's gradients are already those of minilm's parameters.
    """

    build: Callable[[], Module]
    call: Callable[..., Any]  # (layer, **arguments) -> a Tensor, or a tuple of them
    inputs: dict[str, tuple[int, ...]]  # shapes of the arguments that have a gradient
    settings: dict[str, np.ndarray]  # arguments that have none: ids, lengths, masks
    theirs: Callable[..., Any]


def golden(build: Callable[..., Module], call: Callable[..., Any] | None = None, **arguments) -> Callable:
    """Enter the decorated function, PyTorch's side, into the table. A tuple is the shape of an input, an array is a
    setting; without `call` the layer is called with the arguments in their order."""

    def enter(theirs):
        CASES[theirs.__name__] = Case(
            lambda: build(rng=np.random.default_rng(0)),
            call or (lambda layer, **arguments: layer(*arguments.values())),
            {name: value for name, value in arguments.items() if isinstance(value, tuple)},
            {name: value for name, value in arguments.items() if not isinstance(value, tuple)},
            theirs,
        )
        return theirs

    return enter


def part(p: dict, name: str) -> dict:
    """The parameters of the module `name` within, by their names there."""
    return {key.removeprefix(f"{name}."): value for key, value in p.items() if key.startswith(f"{name}.")}


def flat(outputs) -> list:
    """The tensors within nested tuples and lists, in order."""
    return [tensor for each in outputs for tensor in flat(each)] if isinstance(outputs, tuple | list) else [outputs]


def waves(shape: tuple[int, ...]) -> np.ndarray:
    """A gradient for `backward` to start from, the same for both sides, in which no two numbers are alike."""
    return np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)
