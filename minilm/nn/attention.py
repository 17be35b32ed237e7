"""Attention as layers: additive (Bahdanau), dot-product (Luong) and multi-head (Vaswani), with masks and a cache."""

from typing import NamedTuple

import numpy as np

from minilm import autograd
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect, expect_count
from minilm.kernels.attention import weights as attention_weights

from .layers import Linear
from .module import Module, normal
from .position import RotaryPositions


class KeyValues(NamedTuple):
    """Keys and values (B, kv_heads, S, D) of the tokens so far, or of a memory: what a step need not compute again."""

    keys: np.ndarray | Tensor  # Tensors where a gradient is to flow through them
    values: np.ndarray | Tensor

    def reorder(self, rows: np.ndarray) -> "KeyValues":
        """Those of the sequences `rows`, in that order."""
        return KeyValues(self.keys[rows], self.values[rows])


class MultiHeadAttention(Module):
    """H attentions in parallel, each on its own D = C/H channels (Vaswani et al. 2017, arXiv:1706.03762, 3.2.2).

    head_h = softmax(q_h k_hᵀ / √D) v_h,  y = [head_1 ... head_H] W_out + b_out

    Parameters
    ----------
    width, heads : int
        C and H; H divides C.
    kv_heads : int, optional
        Of keys and values so many heads, each for a group of H / kv_heads queries (Ainslie et al. 2023,
        arXiv:2305.13245): less to remember of a text. H if not given.
    bias : bool
    rotary : RotaryPositions, optional
        Turns queries and keys by their places.

    Examples
    --------
    >>> attend = MultiHeadAttention(width=8, heads=2, rng=np.random.default_rng(0))
    >>> attend(Tensor(np.zeros((1, 5, 8)))).shape
    (1, 5, 8)
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        bias: bool = True,
        rotary: RotaryPositions | None = None,
        rng: np.random.Generator,
    ):
        D = head_width(width, heads)
        if rotary and rotary.head_width != D:
            raise ValueError(f"rotary is for heads of width {rotary.head_width}, but width / heads is {D}")
        self.heads, self.kv_heads, self.rotary = heads, heads if kv_heads is None else kv_heads, rotary
        expect_count("kv_heads", self.kv_heads)
        expect("kv_heads", kv_heads, heads % self.kv_heads == 0, f"a divisor of heads, {heads}")
        widths = (width, self.kv_heads * D, self.kv_heads * D, width)
        self.query, self.key, self.value, self.out = (Linear(width, F, bias=bias, rng=rng) for F in widths)

    def __call__(self, x: Tensor, memory: Tensor | KeyValues | None = None, mask=None, causal=False) -> Tensor:
        """x (B, T, C)   memory (B, S, C), x itself if not given   mask, to (B, H, T, S), True: may look"""
        return self.extend(x, memory, mask, causal)[0]

    def remember(self, memory: Tensor) -> KeyValues:
        """Keys and values of a memory (B, S, C): a call takes them in its place, as often as one likes."""
        return KeyValues(*(split_heads(layer(memory), self.kv_heads) for layer in (self.key, self.value)))

    def weights(self, x: Tensor, memory: Tensor | KeyValues | None = None, mask=None) -> np.ndarray:
        """How much each query looks at each key, softmax(q kᵀ / √D), for pictures.   ->   (B, H, T, S)"""
        with no_grad():
            q = split_heads(self.query(x), self.heads)
            k = memory.keys if isinstance(memory, KeyValues) else self.remember(x if memory is None else memory).keys
            if self.rotary:
                q, k = self.rotary(q), self.rotary(k)
            keys = k.data.repeat(self.heads // self.kv_heads, axis=1)
            return attention_weights(q.data, keys, np.asarray(True if mask is None else mask), causal=False)

    def extend(self, x, memory=None, mask=None, causal=False, past: KeyValues | None = None):
        """As a call, for tokens that follow those of `past`; also returns the keys and values of all tokens so far."""
        offset = 0 if past is None else past.keys.shape[2]
        q = split_heads(self.query(x), self.heads)  # (B, T, C) -> (B, H, T, D)
        k, v = memory if isinstance(memory, KeyValues) else self.remember(x if memory is None else memory)
        if self.rotary:
            q, k = self.rotary(q, offset), self.rotary(k, offset)
        if past is not None:
            k, v = (autograd.concatenate(old, new, axis=2) for old, new in zip(past, (k, v), strict=True))
        y = join_heads(autograd.attention(q, k, v, mask=mask, causal=causal))
        return self.out(y), KeyValues(k.data, v.data)


def head_width(width: int, heads: int) -> int:
    """D = C / H"""
    expect_count("width", width)
    expect_count("heads", heads)
    if width % heads:
        raise ValueError(f"width {width} is not a multiple of heads {heads}")
    return width // heads


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, C) -> (B, H, T, D)"""
    B, T, C = x.shape
    return x.reshape(B, T, heads, C // heads).swapaxes(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, H, T, D) -> (B, T, C)"""
    B, H, T, D = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * D)


class AdditiveAttention(Module):
    """weight(t, s) = softmax over s of vᵀ tanh(q_t W + m_s U),  y_t = Σₛ weight(t, s) m_s

    (Bahdanau et al. 2015, arXiv:1409.0473, appendix A.1.2)
    """

    def __init__(self, width: int, memory_width: int, hidden: int, *, rng: np.random.Generator):
        self.query = Linear(width, hidden, bias=False, rng=rng)
        self.memory = Linear(memory_width, hidden, bias=False, rng=rng)
        self.v = normal(rng, hidden, 1, std=1 / np.sqrt(hidden))

    def __call__(self, queries: Tensor, memory: Tensor, mask=None) -> tuple[Tensor, Tensor]:
        """queries (B, T, C)   memory (B, S, M)   mask (B, S) or (B, T, S), True: may look

        Returns what was looked at (B, T, M), and the weights (B, T, S).
        """
        B, T, S = *queries.shape[:2], memory.shape[1]
        if len(memory) != B:
            raise ValueError(f"memory has shape {memory.shape}, expected a batch of {B} as the queries {queries.shape}")
        q = self.query(queries).reshape(B, T, 1, -1)
        m = self.memory(memory).reshape(B, 1, S, -1)
        scores = ((q + m).tanh() @ self.v).reshape(B, T, S)
        return _look(scores, memory, mask)


class DotAttention(Module):
    """weight(t, s) = softmax over s of q_t · m_s,  y_t = Σₛ weight(t, s) m_s: nothing to learn

    (Luong et al. 2015, arXiv:1508.04025, equation 8, "dot")

    >>> queries, memory = Tensor([[[1.0, 0.0]]]), Tensor([[[3.0, 0.0], [0.0, 3.0], [3.0, 9.0]]])
    >>> looked_at, weights = DotAttention()(queries, memory, mask=np.array([[True, True, False]]))
    >>> weights.data.round(3), looked_at.data.round(3)
    (array([[[0.953, 0.047, 0.   ]]], dtype=float32), array([[[2.858, 0.142]]], dtype=float32))
    """

    def __call__(self, queries: Tensor, memory: Tensor, mask=None) -> tuple[Tensor, Tensor]:
        """queries (B, T, C)   memory (B, S, C)   mask (B, S) or (B, T, S), True: may look

        Returns what was looked at (B, T, C), and the weights (B, T, S).
        """
        if (len(memory), memory.shape[2]) != (len(queries), queries.shape[2]):
            raise ValueError(f"memory has shape {memory.shape}, expected the B and C of the queries {queries.shape}")
        return _look(queries @ memory.swapaxes(1, 2), memory, mask)


def _look(scores, memory, mask):
    """The mean of the memory weighted by softmax(scores) where the mask allows, and these weights."""
    if mask is not None:
        scores = autograd.where(scores, -1e9, condition=_mask_of_scores(mask, *scores.shape))
    weights = scores.softmax()
    return weights @ memory, weights


def _mask_of_scores(mask, B, T, S):
    """mask (B, S) or (B, T, S) as something that broadcasts to (B, T, S)."""
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise ValueError(f"mask has dtype {mask.dtype}, expected bool, True where a query may look")
    if mask.shape not in ((B, S), (B, T, S)):
        raise ValueError(f"mask has shape {mask.shape}, expected (B, S) = {(B, S)} or (B, T, S) = {(B, T, S)}")
    return mask[:, None, :] if mask.ndim == 2 else mask
