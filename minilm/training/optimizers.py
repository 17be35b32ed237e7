"""Optimizers: SGD, RMSProp, Adam, AdamW. Each reads `.grad` of the parameters and changes their arrays in place."""

import math
from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np

from minilm import kernels
from minilm.autograd import Tensor, move, pieces
from minilm.expect import expect


class Optimizer:
    """Parameters, the learning rate, and what an update remembers of the past: numbers beside each parameter's.

    Decoupled weight decay, p ← p - lr · weight_decay · p, is for matrices only: gains and biases (one axis) are few,
    and pulling them to zero does not make a model simpler.

    The formulas are about one long vector p, and so is the code: an update is one pass over all parameters, not a call
    for each of a hundred. The parameters' arrays are pieces of it, and `backward` lays the gradients side by side in
    another. Matrices come first, as decay is for them.
    """

    memories: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float = 0.0):
        expect("lr", lr, 0 < lr < math.inf, "a positive learning rate, such as 1e-3")
        expect("weight_decay", weight_decay, 0 <= weight_decay < math.inf, "0 or more, such as 0.1")
        self.parameters = sorted(parameters, key=lambda p: p.ndim <= 1)
        if not self.parameters:
            raise ValueError("parameters is empty: there is nothing to optimize")
        self.lr, self.weight_decay, self.steps = lr, weight_decay, 0
        self.dtype = _common_dtype(self.parameters)
        self.vector = np.zeros(sum(p.size for p in self.parameters), self.dtype)
        self.gradient = np.zeros_like(self.vector)
        self.data_places = pieces(self.vector, self.parameters)
        self.grad_places = pieces(self.gradient, self.parameters)
        self.memory = {name: np.zeros_like(self.vector) for name in self.memories}
        move(self.parameters, self.data_places)
        for p, place in zip(self.parameters, self.grad_places, strict=True):
            p.grad_place = place

    def gather(self) -> np.ndarray:
        """All gradients as one vector (N,), 0 for parameters that have none.

        Parameters and gradients that somebody has put elsewhere come back to their place.
        """
        if _common_dtype(self.parameters) != self.dtype:
            raise ValueError(
                f"the parameters are {self.parameters[0].dtype}, but were {self.dtype} when the optimizer was made; "
                "make it after `astype`"
            )
        move(self.parameters, self.data_places)
        for p, place in zip(self.parameters, self.grad_places, strict=True):
            if p.grad is None:
                place[...] = 0
            elif p.grad is not place:
                place[...] = _checked_gradient(p)
                p.grad = place
        return self.gradient

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        self.steps += 1
        self.gather()
        end = 0
        for (has_gradient, is_matrix), run in groupby(self.parameters, key=lambda p: (p.grad is not None, p.ndim > 1)):
            start, end = end, end + sum(p.size for p in run)
            if has_gradient:  # neighbours are updated together
                memory = {name: array[start:end] for name, array in self.memory.items()}
                decay = self.weight_decay if is_matrix else 0.0
                self.update(self.vector[start:end], self.gradient[start:end], decay, **memory)

    def update(self, p, g, decay, **memory) -> None:
        """Change p (N,) in place, given its gradient g; the formula is the class's."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget the gradients; `backward` adds to what is there."""
        for p in self.parameters:
            p.grad = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """The number of steps and all memories, for a checkpoint."""
        return {name: array.copy() for name, array in self.memory.items()} | {"steps": np.array([self.steps])}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state_dict()` of the same optimizer over the same parameters."""
        own, given = ({name: array.shape for name, array in d.items()} for d in (self.state_dict(), state))
        if own != given:
            raise ValueError(
                f"the optimizer's state has {given}, expected {own}: it belongs to another optimizer or to other "
                "parameters; make the optimizer as it was when the state was saved"
            )
        self.steps = int(state["steps"][0])
        for name, array in self.memory.items():
            array[...] = state[name]


class SGD(Optimizer):
    """v ← μ v + g,  p ← p - lr v;  with Nesterov's look ahead p ← p - lr (g + μ v)  (Sutskever et al. 2013)"""

    memories = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.1,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, lr, weight_decay)
        expect("momentum", momentum, 0 <= momentum < 1, "0 <= momentum < 1, such as 0.9")
        expect("nesterov", nesterov, momentum > 0 or not nesterov, "False without momentum: it looks along it")
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, p, g, decay, velocity):
        velocity *= self.momentum
        velocity += g
        p -= self.lr * ((g + self.momentum * velocity if self.nesterov else velocity) + decay * p)


class RMSProp(Optimizer):
    """s ← α s + (1-α) g²,  p ← p - lr g / (√s + ε)  (Tieleman and Hinton 2012)"""

    memories = ("square",)

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, lr, weight_decay)
        expect("alpha", alpha, 0 <= alpha < 1, "0 <= alpha < 1, such as 0.99")
        self.alpha, self.eps = alpha, eps

    def update(self, p, g, decay, square):
        square *= self.alpha
        square += (1 - self.alpha) * g * g
        p -= self.lr * (g / (np.sqrt(square) + self.eps) + decay * p)


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2)

    m ← β₁ m + (1-β₁) g,  v ← β₂ v + (1-β₂) g²,  p ← p - lr (m̂ / (√v̂ + ε) + weight_decay p)
    """

    memories = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(parameters, lr, weight_decay)
        expect("betas", betas, all(0 <= beta < 1 for beta in betas), "two numbers from 0 to below 1, as (0.9, 0.999)")
        self.betas, self.eps = betas, eps

    def update(self, p, g, decay, m, v):
        kernels.adamw(p, g, m, v, self.steps, self.lr, *self.betas, self.eps, decay)


class Adam(AdamW):
    """m̂ / (√v̂ + ε) as the step: momentum, divided by the gradient's usual size (Kingma and Ba 2015, algorithm 1)"""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ):
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=0.0)


def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Shorten the gradient in place, all parameters' as one vector, to at most `max_norm`; returns the length it had.

    g ← g · min(1, max_norm / |g|)  (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1)
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = float(np.sqrt(sum(float(np.vdot(grad, grad)) for grad in gradients)))
    if norm > max_norm:
        for grad in gradients:
            grad *= grad.dtype.type(max_norm / norm)
    return norm


def _common_dtype(parameters) -> np.dtype:
    dtypes = {p.dtype for p in parameters}
    if len(dtypes) > 1:
        names = " and ".join(sorted(map(str, dtypes)))
        raise ValueError(f"parameters are of the types {names}; expected one: `model.astype(np.float32)`")
    return dtypes.pop()


def _checked_gradient(parameter) -> np.ndarray:
    if parameter.grad.shape != parameter.shape:
        raise ValueError(f"a gradient has shape {parameter.grad.shape}, expected its parameter's {parameter.shape}")
    return parameter.grad
