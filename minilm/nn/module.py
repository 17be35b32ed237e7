"""Module: what all layers and models share. Parameters are found by looking, so there is nothing to register."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from minilm.autograd import Tensor


class Module:
    """Something with parameters: the Tensors among its attributes, and those of the modules and lists among them.

    >>> class Affine(Module):
    ...     def __init__(self):
    ...         self.W = Tensor(np.ones((2, 3)), requires_grad=True)
    ...         self.b = Tensor(np.zeros(3), requires_grad=True)
    >>> [name for name, _ in Affine().named_parameters()]
    ['W', 'b']
    """

    training = True

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) in the order of definition, each tensor once however many names it has."""
        seen = set()
        for name, value in _walk(self):
            if isinstance(value, Tensor) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def parameters(self) -> list[Tensor]:
        """All that is learned, in the order of definition."""
        return [tensor for _, tensor in self.named_parameters()]

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """(name, module): this one, whose name is empty, and all within it."""
        yield "", self
        yield from ((name, value) for name, value in _walk(self) if isinstance(value, Module))

    def modules(self) -> list["Module"]:
        """This module, and all within it."""
        return [module for _, module in self.named_modules()]

    def part(self, name: str) -> Any:
        """The module or tensor of a dotted name.

        >>> from minilm.nn import Encoder
        >>> Encoder(layers=2, width=4, heads=2, rng=np.random.default_rng(0)).part("blocks.1.attention.query.W").shape
        (4, 4)
        """
        found = self
        for step in name.split("."):
            found = found[int(step)] if isinstance(found, list | tuple) else getattr(found, step)
        return found

    def exchange(self, name: str, module: "Module") -> None:
        """Put another module in the place of the one that has this name."""
        owner, _, last = name.rpartition(".")
        owner = self.part(owner) if owner else self
        if isinstance(owner, list):
            owner[int(last)] = module
        else:
            setattr(owner, last, module)

    def train(self) -> Self:
        """Switch dropout on."""
        return self._set_training(True)

    def eval(self) -> Self:
        """Switch dropout off."""
        return self._set_training(False)

    def _set_training(self, training) -> Self:
        for module in self.modules():
            module.training = training
        return self

    def reseed(self, *seed: int) -> None:
        """Give each source of randomness within (dropout) a new generator that follows from `seed` alone."""
        for number, module in enumerate(self.modules()):
            if hasattr(module, "rng"):
                module.rng = np.random.default_rng([*seed, number])

    def zero_grad(self) -> None:
        """Forget the gradients; `backward` adds to what is there."""
        for tensor in self.parameters():
            tensor.grad = None

    def astype(self, dtype: np.typing.DTypeLike) -> Self:
        """Convert the parameters in place: float64 for checking, float32 for running."""
        for tensor in self.parameters():
            tensor.data, tensor.grad = tensor.data.astype(dtype), None
        return self

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name -> a copy of the array."""
        return {name: tensor.data.copy() for name, tensor in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over all arrays of `state`, whose names and shapes must be exactly those of `state_dict()`.

        Raises
        ------
        ValueError
            Listing every missing and unexpected name, and every shape that differs; or if weights of 8 bits meet
            others. Nothing is changed then.
        """
        own = dict(self.named_parameters())
        if _of_8_bits(own.values()) != _of_8_bits(state.values()):
            raise ValueError(
                "either the state or the model has weights of 8 bits, but not both: load such a state into "
                "compress.quantized(model), and any other into the model before it is quantized"
            )
        problems = [f"missing: {name} {own[name].shape}" for name in own if name not in state]
        problems += [f"unexpected: {name} {state[name].shape}" for name in state if name not in own]
        problems += [
            f"{name}: shape {state[name].shape}, expected {own[name].shape}"
            for name in own
            if name in state and state[name].shape != own[name].shape
        ]
        if problems:
            raise ValueError("the state does not fit this model:\n  " + "\n  ".join(problems))
        for name, tensor in own.items():
            tensor.data[...] = state[name]  # in place: an optimizer may hold all parameters in one vector


def _of_8_bits(arrays) -> bool:
    return any(array.dtype == np.int8 for array in arrays)


def _walk(container, prefix="") -> Iterator[tuple[str, object]]:
    """All that lies within, depth first, with dotted names."""
    if isinstance(container, Module):
        items = vars(container).items()
    else:
        items = ((str(number), value) for number, value in enumerate(container))
    for name, value in items:
        if isinstance(value, Module | Tensor):
            yield prefix + name, value
        if isinstance(value, Module | list | tuple):
            yield from _walk(value, f"{prefix}{name}.")


def parameter(array: np.ndarray) -> Tensor:
    """A float32 tensor that is to be learned."""
    return Tensor(np.ascontiguousarray(array, dtype=np.float32), requires_grad=True)


def normal(rng: np.random.Generator | None, *shape: int, std: float) -> Tensor:
    """A parameter that starts as N(0, std²); without rng zeros that take no memory, in whose place others will come."""
    if rng is None:
        return Tensor(np.broadcast_to(np.float32(0), shape), requires_grad=True)
    return parameter(std * rng.standard_normal(shape, dtype=np.float32))
