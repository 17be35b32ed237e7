"""The layers without memory: linear, embedding, norms, dropout, feed-forward."""

import math

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd
from minilm.autograd import Tensor
from minilm.expect import expect_count

from .module import Module, normal, parameter


class Linear(Module):
    """y = x W + b   x (..., inputs)   W (inputs, outputs)   b (outputs,)   ->   (..., outputs)

    W starts as N(0, 1 / inputs), so that y varies as much as x does (LeCun et al. 1998, section 4.6); b as 0.

    >>> Linear(3, 2, rng=np.random.default_rng(0))(Tensor(np.ones((5, 3)))).shape
    (5, 2)
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True, rng: np.random.Generator):
        expect_count("inputs", inputs)
        expect_count("outputs", outputs)
        self.W = normal(rng, inputs, outputs, std=1 / math.sqrt(inputs))
        self.b = parameter(np.zeros(outputs)) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.W.shape[0]:
            raise ValueError(f"x has shape {x.shape}; expected its last axis to be the {self.W.shape[0]} inputs")
        b = [] if self.b is None else [self.b]
        if not any(tensor.requires_grad for tensor in (self.W, *b)):
            return autograd.frozen_linear(x, W=self.W.data, b=b[0].data if b else None)
        return autograd.linear(x, self.W, *b)


class Embedding(Module):
    """y = table[ids]   ids (...)   table (V, C), which starts as N(0, std²)   ->   (..., C)

    >>> Embedding(10, 4, rng=np.random.default_rng(0))(np.array([[1, 2, 9]])).shape
    (1, 3, 4)
    """

    def __init__(self, vocabulary: int, width: int, *, std: float = 1.0, rng: np.random.Generator):
        expect_count("vocabulary", vocabulary)
        expect_count("width", width)
        self.table = normal(rng, vocabulary, width, std=std)

    def __call__(self, ids: ArrayLike) -> Tensor:
        return autograd.gather(self.table, ids=ids)


class TiedEmbedding(Module):
    """y = W[:, ids]ᵀ: of each id the column by which the head W (C, V) knows it   ids (...)   ->   (..., C)

    One matrix serves both ends of a language model (Press and Wolf 2017, arXiv:1608.05859).

    >>> head = Linear(4, 10, bias=False, rng=np.random.default_rng(0))
    >>> TiedEmbedding(head)(np.array([[1, 2, 9]])).shape
    (1, 3, 4)
    """

    def __init__(self, head: Linear):
        self.W = head.W

    @property
    def table(self) -> Tensor:
        """As an `Embedding` has it, (V, C)."""
        return self.W.T

    def __call__(self, ids: ArrayLike) -> Tensor:
        ids = autograd.check_ids("ids", np.asarray(ids), self.W.shape[1])
        return self.W[:, ids.reshape(-1)].T.reshape(*ids.shape, -1)


class LayerNorm(Module):
    """y = γ (x - mean) / √(variance + eps) + β over the last axis (Ba et al. 2016, arXiv:1607.06450)"""

    def __init__(self, width: int, *, eps: float = 1e-5):
        self.gamma, self.beta, self.eps = parameter(np.ones(width)), parameter(np.zeros(width)), eps

    def __call__(self, x: Tensor) -> Tensor:
        return autograd.layer_norm(x, self.gamma, self.beta, eps=self.eps)


class RMSNorm(Module):
    """y = γ x / √(mean(x²) + eps) over the last axis (Zhang and Sennrich 2019, arXiv:1910.07467, equation 4)"""

    def __init__(self, width: int, *, eps: float = 1e-5):
        self.gamma, self.eps = parameter(np.ones(width)), eps

    def __call__(self, x: Tensor) -> Tensor:
        return autograd.rms_norm(x, self.gamma, eps=self.eps)


class Dropout(Module):
    """In training, x with probability p replaced by 0 and otherwise divided by 1 - p (Srivastava et al. 2014)."""

    def __init__(self, probability: float, *, rng: np.random.Generator):
        if not 0 <= probability < 1:
            raise ValueError(f"probability of dropout is {probability}, expected 0 <= probability < 1")
        self.probability, self.rng = probability, rng

    @property
    def active(self) -> bool:
        """Whether it changes anything."""
        return self.training and self.probability > 0

    def __call__(self, x: Tensor) -> Tensor:
        return autograd.dropout(x, probability=self.probability, rng=self.rng) if self.active else x


ACTIVATIONS = {"gelu": autograd.gelu, "gelu_exact": autograd.gelu_exact}


class FeedForward(Module):
    """y = GELU(x W₁ + b₁) W₂ + b₂, at each position alone (Vaswani et al. 2017, equation 2, with GELU for ReLU)

    `activation` is "gelu", by the tanh of GPT-2, or "gelu_exact", as in BERT.
    """

    def __init__(self, width: int, hidden: int, *, activation: str = "gelu", rng: np.random.Generator):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}, expected one of {', '.join(map(repr, ACTIVATIONS))}")
        self.inner, self.outer = Linear(width, hidden, rng=rng), Linear(hidden, width, rng=rng)
        self.activation = activation

    def __call__(self, x: Tensor) -> Tensor:
        return self.outer(ACTIVATIONS[self.activation](self.inner(x)))


class SwiGLU(Module):
    """y = (g σ(g) ⊙ x W₁) W₂ with g = x W₀, at each position alone (Shazeer 2020, arXiv:2002.05202, equation 6)

    The feed-forward layer of Llama: a gate for each channel within, and no bias.

    >>> SwiGLU(4, 6, rng=np.random.default_rng(0))(Tensor(np.ones((1, 5, 4)))).shape
    (1, 5, 4)
    """

    def __init__(self, width: int, hidden: int, *, rng: np.random.Generator):
        self.gate, self.inner = (Linear(width, hidden, bias=False, rng=rng) for _ in range(2))
        self.outer = Linear(hidden, width, bias=False, rng=rng)

    def __call__(self, x: Tensor) -> Tensor:
        return self.outer(autograd.swiglu(self.gate(x), self.inner(x)))
