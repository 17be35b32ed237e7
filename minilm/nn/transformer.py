"""The Transformer block and its stacks: encoder, decoder, and decoder with a memory (Vaswani et al. 2017)."""

from collections.abc import Callable

import numpy as np

from minilm.autograd import Tensor
from minilm.expect import expect_count

from .attention import KeyValues, MultiHeadAttention
from .layers import Dropout, FeedForward, LayerNorm
from .module import Module
from .position import RotaryPositions


class Block(Module):
    """Self-attention, attention to a memory if `cross`, and a feed-forward layer, each around a residual connection.

    Pre-norm: x + f(norm(x)), which trains stably without warm-up (Xiong et al. 2020, arXiv:2002.04745).
    Post-norm: norm(x + f(x)), as in 2017.

    What `norm(width, eps=eps)` and `feed_forward(width, hidden, rng=rng)` make takes the places of these layers.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
        pre_norm: bool = True,
        cross: bool = False,
        kv_heads: int | None = None,
        bias: bool = True,
        rotary: RotaryPositions | None = None,
        norm: Callable[..., Module] = LayerNorm,
        feed_forward: Callable[..., Module] = FeedForward,
        eps: float = 1e-5,
        rng: np.random.Generator,
    ):
        self.pre_norm = pre_norm
        self.attention = MultiHeadAttention(width, heads, kv_heads=kv_heads, bias=bias, rotary=rotary, rng=rng)
        self.attention_norm = norm(width, eps=eps)
        self.cross = MultiHeadAttention(width, heads, rng=rng) if cross else None
        self.cross_norm = norm(width, eps=eps) if cross else None
        self.feed_forward = feed_forward(width, hidden or 4 * width, rng=rng)
        self.feed_forward_norm = norm(width, eps=eps)
        self.dropout = Dropout(dropout, rng=rng)

    def __call__(self, x: Tensor, memory=None, mask=None, memory_mask=None, causal=False) -> Tensor:
        """x (B, T, C)   memory (B, S, C)   mask (B, H, T, T), memory_mask (B, H, T, S), broadcast, True: may look"""
        return self.extend(x, memory, mask, memory_mask, causal)[0]

    def extend(self, x, memory=None, mask=None, memory_mask=None, causal=False, past: KeyValues | None = None):
        """As a call, for tokens that follow those of `past`; also returns the keys and values of all tokens so far.

        The memory may also be its keys and values: `self.cross.remember(memory)`.
        """
        if (memory is None) == (self.cross is not None):
            raise ValueError(f"memory is {'missing' if memory is None else 'given'}, but cross is {bool(self.cross)}")
        x, seen = self._attend(x, mask, causal, past)
        if self.cross:
            y = self.cross(self._before(x, self.cross_norm), memory, memory_mask)
            x = self._after(x, y, self.cross_norm)
        y = self.feed_forward(self._before(x, self.feed_forward_norm))
        return self._after(x, y, self.feed_forward_norm), seen

    def weights(self, x: Tensor, mask=None) -> np.ndarray:
        """How much each token looks at each, for pictures.   ->   (B, H, T, T)"""
        return self.attention.weights(self._before(x, self.attention_norm), mask=mask)

    def cross_weights(self, x: Tensor, memory, memory_mask=None, mask=None, causal=False) -> np.ndarray:
        """How much each token looks at each of the memory, for pictures.   ->   (B, H, T, S)"""
        x, _ = self._attend(x, mask, causal, None)
        return self.cross.weights(self._before(x, self.cross_norm), memory, memory_mask)

    def _attend(self, x, mask, causal, past):
        y, seen = self.attention.extend(self._before(x, self.attention_norm), mask=mask, causal=causal, past=past)
        return self._after(x, y, self.attention_norm), seen

    def _before(self, x, norm):
        return norm(x) if self.pre_norm else x

    def _after(self, x, y, norm):
        x = x + self.dropout(y)
        return x if self.pre_norm else norm(x)


class Stack(Module):
    """L blocks one after another, and with pre-norm a last norm, as nothing else would bound their sum."""

    def __init__(
        self,
        layers: int,
        width: int,
        heads: int,
        *,
        pre_norm: bool = True,
        norm: Callable[..., Module] = LayerNorm,
        eps: float = 1e-5,
        rng: np.random.Generator | None,
        **block,
    ):
        expect_count("layers", layers)
        block |= {"pre_norm": pre_norm, "norm": norm, "eps": eps, "rng": rng}
        self.blocks = [Block(width, heads, **block) for _ in range(layers)]
        self.norm = norm(width, eps=eps) if pre_norm else None
        if rng:
            self._soften_residuals(2 * layers + layers * bool(block.get("cross")))

    def _soften_residuals(self, sublayers):
        """Divide what each of the n sublayers adds by √n, so that their sum starts as large as one (GPT-2, 2.3)."""
        for block in self.blocks:
            for linear in (block.attention.out, block.feed_forward.outer, *([block.cross.out] if block.cross else [])):
                linear.W.data /= np.float32(np.sqrt(sublayers))

    def __call__(self, x: Tensor, memory=None, mask=None, memory_mask=None) -> Tensor:
        return self.extend(x, memory, mask, memory_mask)[0]

    def extend(self, x, memory=None, mask=None, memory_mask=None, past=None):
        """As a call, for tokens that follow those of `past`, one `KeyValues` a block; also returns all so far.

        The memory may also be what `remember` makes of it.
        """
        seen, L = [], len(self.blocks)
        memories = memory if isinstance(memory, list) else [memory] * L
        for block, block_memory, block_past in zip(self.blocks, memories, past or [None] * L, strict=True):
            x, keys_and_values = block.extend(x, block_memory, mask, memory_mask, self.causal, block_past)
            seen.append(keys_and_values)
        return (self.norm(x) if self.norm else x), seen

    def weights(self, x: Tensor, mask=None) -> list[np.ndarray]:
        """How much each token looks at each, block by block, for pictures.   x (B, T, C)   ->   L of (B, H, T, T)"""
        if self.causal:
            mask = np.tri(x.shape[1], dtype=bool) & (True if mask is None else mask)
        found = []
        for block in self.blocks:
            found.append(block.weights(x, mask))
            x = block(x, mask=mask)
        return found


class Encoder(Stack):
    """Every token sees every other.

    >>> encode = Encoder(layers=2, width=8, heads=2, rng=np.random.default_rng(0))
    >>> encode(Tensor(np.zeros((1, 5, 8)))).shape
    (1, 5, 8)
    """

    causal = False


class Decoder(Stack):
    """A token sees those up to itself, and with `cross=True` also all of a memory (B, S, C)."""

    causal = True

    def remember(self, memory: Tensor) -> list[KeyValues]:
        """Keys and values of a memory (B, S, C) in each block: `extend` takes them in its place, step after step."""
        return [block.cross.remember(memory) for block in self.blocks]
