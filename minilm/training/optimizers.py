"""Optimizers: SGD, RMSProp, Adam, AdamW. Each reads `.grad` of the parameters and changes their arrays in place."""

from collections.abc import Iterable, Mapping

import numpy as np

from minilm import kernels
from minilm.autograd import Tensor


class Optimizer:
    """Parameters, the learning rate, and what an update remembers of the past: arrays like each parameter.

    Decoupled weight decay, p ← p - lr · weight_decay · p, is for matrices only: gains and biases (one axis) are few,
    and pulling them to zero does not make a model simpler.
    """

    memories: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float = 0.0):
        if lr <= 0:
            raise ValueError(f"lr is {lr}, expected a positive learning rate")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("parameters is empty: there is nothing to optimize")
        self.lr, self.weight_decay, self.steps = lr, weight_decay, 0
        self.memory = [{name: np.zeros_like(p.data) for name in self.memories} for p in self.parameters]

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        self.steps += 1
        for p, memory in zip(self.parameters, self.memory, strict=True):
            if p.grad is not None:
                decay = self.weight_decay if p.ndim > 1 else 0.0
                self.update(p.data, p.grad, decay, **memory)

    def update(self, p, g, decay, **memory) -> None:
        """Change the array p of one parameter in place, given its gradient g; the formula is the class's."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget the gradients; `backward` adds to what is there."""
        for p in self.parameters:
            p.grad = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """The number of steps and all memories, for a checkpoint."""
        named = {f"{i}.{name}": array.copy() for i, m in enumerate(self.memory) for name, array in m.items()}
        return named | {"steps": np.array([self.steps])}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state_dict()` of the same optimizer over the same parameters."""
        own = self.state_dict()
        if {n: a.shape for n, a in own.items()} != {n: a.shape for n, a in state.items()}:
            raise ValueError("the optimizer's state belongs to another optimizer or to other parameters")
        self.steps = int(state["steps"][0])
        for i, memory in enumerate(self.memory):
            for name in memory:
                memory[name][...] = state[f"{i}.{name}"]


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
        self.betas, self.eps = betas, eps

    def update(self, p, g, decay, m, v):
        flat = (array.reshape(-1) for array in (p, g, m, v))
        kernels.adamw(*flat, self.steps, self.lr, *self.betas, self.eps, decay)


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
    """Shorten the gradient, all parameters' as one vector, to at most `max_norm`; returns the length it had.

    g ← g · min(1, max_norm / |g|)  (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1)
    """
    with_gradient = [p for p in parameters if p.grad is not None]
    norm = float(np.sqrt(sum(float(np.vdot(p.grad, p.grad)) for p in with_gradient)))
    if norm > max_norm:
        for p in with_gradient:
            p.grad = p.grad * p.dtype.type(max_norm / norm)
    return norm
