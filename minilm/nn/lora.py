"""LoRA: a large model learns something new in few numbers beside its own, which stay as they were (Hu et al. 2021)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from minilm import autograd
from minilm.autograd import Tensor
from minilm.expect import expect, expect_count

from .layers import Linear
from .module import Module, normal, parameter

ATTENTION = ("attention.query", "attention.value")  # the paper's choice, section 7.1


class LoRA(Module):
    """y = x W + b + (α/r) (x A) B   A (C, r)   B (r, F)   (Hu et al. 2021, arXiv:2106.09685, equation 3)

    W (C, F) and b are those of a layer, which `adapt` freezes. A starts as N(0, 1/C) and B as 0, so that at first y is
    what it was.

    Parameters
    ----------
    layer : Linear
    rank : int
        r: of C F numbers, r (C + F) learn.
    alpha : float
        α: dividing it by r lets one learning rate suit every rank.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer = LoRA(Linear(8, 6, rng=rng), rank=2, alpha=4.0, rng=rng)
    >>> layer(Tensor(np.ones((5, 8)))).shape
    (5, 6)
    """

    def __init__(self, layer: Linear, *, rank: int, alpha: float, rng: np.random.Generator | None):
        C, F = layer.W.shape
        expect_count("rank", rank)
        expect("rank", rank, rank <= min(C, F), f"at most {min(C, F)}, the largest that a matrix {(C, F)} can have")
        expect("alpha", alpha, 0 < alpha < np.inf, "more than 0, such as twice the rank")
        self.layer, self.alpha = layer, alpha
        self.A, self.B = normal(rng, C, rank, std=1 / np.sqrt(C)), parameter(np.zeros((rank, F)))

    def __call__(self, x: Tensor) -> Tensor:
        return self.layer(x) + autograd.linear(autograd.linear(x, self.A), self.B) * self.scale

    @property
    def scale(self) -> float:
        """α/r"""
        return self.alpha / self.B.shape[0]

    @property
    def W(self) -> Tensor:
        """There is none that one could decode with, or save under its published name."""
        raise ValueError("the model has adapters beside its matrices; make one of both first: nn.merge(model)")

    def merged(self) -> Linear:
        """The layer, now with W + (α/r) A B for its matrix."""
        self.layer.W.data += (self.A.data @ self.B.data) * self.layer.W.dtype.type(self.scale)
        return self.layer


def adapt(
    model: Module,
    layers: Sequence[str] = ATTENTION,
    *,
    rank: int = 8,
    alpha: float = 16.0,
    rng: np.random.Generator | None,
) -> list[Tensor]:
    """Give a model adapters, which alone will learn: it is changed in place, and all else in it frozen.

    Parameters
    ----------
    model : Module
    layers : sequence of str
        Linear layers by the end of their name, which `nn.summary` tells.

    Returns
    -------
    list of Tensor
        Each A and B, for an optimizer.

    Raises
    ------
    ValueError
        If a name is of no linear layer, or of one whose matrix has a second use; nothing is changed then.

    Examples
    --------
    >>> from minilm.models import GPT
    >>> model = GPT(65, width=16, layers=2, heads=2, context=8, rng=np.random.default_rng(0))
    >>> learned = adapt(model, ["attention.query", "head"], rank=2, rng=np.random.default_rng(1))
    >>> sum(tensor.size for tensor in learned), sum(tensor.size for tensor in model.parameters())
    (290, 8962)
    """
    found = {name: layer for end in layers for name, layer in _linear_layers(model, end).items()}
    added = {name: LoRA(layer, rank=rank, alpha=alpha, rng=rng) for name, layer in found.items()}
    _set_learning(model, False)
    for name, adapter in added.items():
        model.exchange(name, adapter)
    return [tensor for adapter in added.values() for tensor in (adapter.A, adapter.B)]


def merge(model: Module) -> None:
    """Add each adapter to its matrix: the model is as before `adapt`, but has learned; all of it can learn again."""
    for name, adapter in adapters(model).items():
        model.exchange(name, adapter.merged())
    _set_learning(model, True)


def adapters(model: Module) -> dict[str, LoRA]:
    """The adapted layers by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoRA)}


def _linear_layers(model, end) -> dict[str, Linear]:
    """Those whose name is, or ends with, `end`."""
    uses = Counter(id(tensor) for module in model.modules() for tensor in vars(module).values())
    found = {name: module for name, module in model.named_modules() if f".{name}".endswith(f".{end}")}
    if not found or not all(isinstance(module, Linear) and uses[id(module.W)] == 1 for module in found.values()):
        raise ValueError(
            f"layers: {end!r} is no linear layer of this model, or its matrix has a second use; "
            "`nn.summary(model)` tells their names"
        )
    return found


def _set_learning(module, learns):
    for tensor in module.parameters():
        tensor.requires_grad, tensor.grad = learns, None
