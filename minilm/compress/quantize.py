"""Matrices in whole numbers of 8 bits, with a scale for each output: a quarter to store, and to read for each token."""

import copy
from typing import Self

import numpy as np

from minilm import autograd, nn
from minilm.autograd import Tensor
from minilm.models import GPT


def quantize(W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """W[c, f] ≈ scale[f] q[c, f],  scale[f] = max over c of |W[c, f]| / 127,  q = round(W / scale)

    Parameters
    ----------
    W : (C, F)

    Returns
    -------
    q : int8 (C, F)
        From -127 to 127.
    scale : (F,)
        No number is off by more than half of it.

    Raises
    ------
    ValueError
        If W is no matrix, or holds NaN or infinity.

    Notes
    -----
    T. Dettmers et al., *LLM.int8()*, 2022, arXiv:2208.07339, section 2.1 (absmax quantization, by column).

    >>> q, scale = quantize(np.array([[1.0, 0.0], [-2.0, 0.0]]))
    >>> q.tolist(), (scale * 127).tolist()
    ([[64, 0], [-127, 0]], [2.0, 127.0])
    """
    if np.ndim(W) != 2 or not np.isfinite(W).all():
        raise ValueError(f"W has shape {np.shape(W)}; expected a matrix (C, F) of finite numbers: train it anew")
    scale = np.abs(W).max(axis=0) / 127
    scale[scale == 0] = 1  # a column of zeros stays one with any scale
    return np.rint(W / scale).astype(np.int8), scale.astype(W.dtype)


class QuantizedLinear(nn.Module):
    """y = (x q) scale + b: q is stored as `W`, in whole numbers, and nothing can be learned."""

    def __init__(self, W: np.ndarray, b: np.ndarray | None):
        q, scale = quantize(W)
        self.W, self.scale, self.b = Tensor(q), Tensor(scale), None if b is None else Tensor(b.copy())

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        """This layer, quantized."""
        return cls(layer.W.data, None if layer.b is None else layer.b.data)

    def __call__(self, x: Tensor) -> Tensor:
        b = np.zeros_like(self.scale.data) if self.b is None else self.b.data
        return autograd.quantized_linear(x, q=self.W.data, scale=self.scale.data, b=b)


def quantized(model: GPT) -> GPT:
    """A copy whose linear layers are quantized; it decodes like the model, from a quarter of the memory.

    Embeddings, norms and biases stay as they are. The model itself is left alone, and so is its training: quantized
    layers cannot learn. Its `state_dict` can be saved, and loaded into a model that has been quantized too.

    >>> from minilm import generate, models
    >>> model = models.GPT(65, width=16, layers=2, heads=2, context=8, rng=np.random.default_rng(0))
    >>> small = quantized(model)
    >>> generate.greedy(small, [1, 2, 3], 4).shape
    (4,)
    """
    if not isinstance(model, GPT):
        raise TypeError(f"model is a {type(model).__name__}, expected a GPT: only its decoder reads 8-bit weights")
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    # deepcopy looks up here what it has copied already: it takes these in the layers' places
    return copy.deepcopy(model, {id(layer): QuantizedLinear.of(layer) for layer in layers})
