"""The Transformer as it was published, to translate: an encoder, and a decoder that looks at what it found."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, nn
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect_count

from .conditional import ConditionalModel

POSITIONS = {
    "sinusoidal": lambda context, width, rng: nn.SinusoidalPositions(context, width),
    "learned": lambda context, width, rng: nn.LearnedPositions(context, width, rng=rng),
    "rotary": lambda context, width, rng: None,  # they turn queries and keys, and add nothing to the embedding
}


class EncoderDecoderState(NamedTuple):
    """In each block of the decoder the keys and values of the source, and of the tokens so far."""

    memory: list[nn.KeyValues]
    memory_mask: np.ndarray  # (B, S), False at padding
    past: list[nn.KeyValues] | None


class EncoderDecoder(ConditionalModel):
    """m = encoder(e(x) + p),  logits = decoder(e(y) + p, m) W (Vaswani et al. 2017, arXiv:1706.03762)

    Pre-norm, with GELU, unless asked for otherwise; 2017 had post-norm and ReLU.

    Parameters
    ----------
    source_vocabulary, vocabulary : int
        V of the source, and of the text.
    pad : int
        The id that fills up shorter sources, at their end.
    width, layers, heads, context : int
        C, L on either side, H, and the largest S and T.
    dropout : float
    positions : {"sinusoidal", "learned", "rotary"}
    pre_norm : bool
    scaled : bool
        e(x) = √C E[x], where E starts √C times smaller (section 3.4): the same at first, but an optimizer such as Adam,
        whose steps are equally long for all parameters, then moves an embedding √C times as far.
    shared : bool
        Scaled, and one table E for a vocabulary that both sides have, which is also the output's: W = Eᵀ.

    Examples
    --------
    >>> model = EncoderDecoder(9, 7, pad=8, width=16, layers=2, heads=2, context=8, rng=np.random.default_rng(0))
    >>> source, ids = np.array([[3, 1, 4], [5, 8, 8]]), np.array([[5, 0], [5, 2]])
    >>> model(source, ids).shape, model.attention_weights(source, ids).shape
    ((2, 2, 7), (2, 2, 2, 2, 3))
    """

    def __init__(
        self,
        source_vocabulary: int,
        vocabulary: int,
        *,
        pad: int,
        width: int = 128,
        layers: int = 2,
        heads: int = 4,
        context: int = 64,
        dropout: float = 0.0,
        positions: str = "sinusoidal",
        pre_norm: bool = True,
        scaled: bool = False,
        shared: bool = False,
        rng: np.random.Generator,
    ):
        if positions not in POSITIONS:
            raise ValueError(f"positions is {positions!r}, expected one of {', '.join(map(repr, POSITIONS))}")
        expect_count("context", context)
        if shared and source_vocabulary != vocabulary:
            raise ValueError(
                f"shared needs one vocabulary, but the source has {source_vocabulary}, the text {vocabulary}"
            )
        self._set_vocabularies(source_vocabulary, vocabulary, pad)
        self.context = context
        self.settings = {
            "source_vocabulary": source_vocabulary, "vocabulary": vocabulary, "pad": pad, "width": width,
            "layers": layers, "heads": heads, "context": context, "dropout": dropout, "positions": positions,
            "pre_norm": pre_norm, "scaled": scaled, "shared": shared,
        }  # fmt: skip
        self.source_embedding = nn.Embedding(source_vocabulary, width, rng=rng)
        self.embedding = self.source_embedding if shared else nn.Embedding(vocabulary, width, rng=rng)
        self.head = None if shared else nn.Linear(width, vocabulary, bias=False, rng=rng)
        self.scale = math.sqrt(width) if scaled or shared else 1.0
        for embedding in {self.source_embedding, self.embedding}:
            embedding.table.data /= np.float32(self.scale)
        self.source_positions, self.positions = (POSITIONS[positions](context, width, rng) for _ in range(2))
        self.dropout = nn.Dropout(dropout, rng=rng)
        rotary = nn.RotaryPositions(context, nn.head_width(width, heads)) if positions == "rotary" else None
        block = {"dropout": dropout, "pre_norm": pre_norm, "rotary": rotary, "rng": rng}
        self.encoder = nn.Encoder(layers, width, heads, **block)
        self.decoder = nn.Decoder(layers, width, heads, cross=True, **block)

    def attention_weights(self, source: ArrayLike, ids: ArrayLike) -> np.ndarray:
        """How much each of ids (B, T) looks at each of source (B, S), in each block.   ->   (L, B, H, T, S)"""
        source, ids = self._checked_pair(source, ids)
        with no_grad():
            memory, mask, _ = self._encode(source)
            x, weights = self._embed(ids, self.embedding, self.positions), []
            for block, block_memory in zip(self.decoder.blocks, memory, strict=True):
                weights.append(block.cross_weights(x, block_memory, _over_heads(mask), causal=True))
                x = block(x, block_memory, memory_mask=_over_heads(mask), causal=True)
            return np.stack(weights)

    def _encode(self, source):
        text = source != self.pad
        x = self._embed(source, self.source_embedding, self.source_positions)
        memory = self.encoder(x, mask=_over_heads(text))
        return EncoderDecoderState(self.decoder.remember(memory), text, past=None)

    def _extend(self, ids, state):
        memory, mask, past = state
        offset = past[0].keys.shape[2] if past else 0
        x = self._embed(ids, self.embedding, self.positions, offset)
        hidden, past = self.decoder.extend(x, memory, memory_mask=_over_heads(mask), past=past)
        return self._logits(hidden), state._replace(past=past)

    def _embed(self, ids, embedding, positions, offset=0):
        nn.check_context(offset + ids.shape[1], self.context)
        x = embedding(ids) * self.scale  # (B, T) -> (B, T, C)
        return self.dropout(positions(x, offset) if positions else x)

    def _logits(self, hidden: Tensor) -> Tensor:
        return self.head(hidden) if self.head else autograd.linear(hidden, self.embedding.table.T)


def _over_heads(mask):
    """(B, S) -> (B, 1, 1, S), for every head and query"""
    return mask[:, None, None]
