"""GPT: a decoder of Transformer blocks that predicts the next token."""

from typing import NamedTuple

import numpy as np

from minilm import autograd, kernels, nn
from minilm.autograd import Tensor
from minilm.expect import expect_count
from minilm.kernels.decode import NOWHERE

from .decoder_lm import DecoderLM


class Weights(NamedTuple):
    """All of a GPT that is the same for every token: what `kernels.decode` says of its arguments."""

    matrices: np.ndarray
    numbers: np.ndarray
    places: np.ndarray
    last: np.ndarray
    hidden: int
    vocabulary: int
    cos: np.ndarray
    sin: np.ndarray


class GPT(DecoderLM):
    """logits = norm(blocks(embedding[ids])) W (Radford et al. 2018 and 2019)

    Positions are rotary (Su et al. 2021) unless asked for otherwise; the blocks are pre-norm, as in GPT-2.

    Parameters
    ----------
    vocabulary, width, layers, heads, context : int
        V, C, L, H, and the largest T.
    dropout : float
    positions : {"rotary", "learned", "sinusoidal"}
    tied : bool
        Whether the embeddings are the columns of W, as in GPT-2.

    Examples
    --------
    >>> model = GPT(65, width=16, layers=2, heads=2, context=8, rng=np.random.default_rng(0))
    >>> model(np.zeros((1, 5), int)).shape
    (1, 5, 65)
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        context: int = 128,
        dropout: float = 0.0,
        positions: str = "rotary",
        tied: bool = False,
        rng: np.random.Generator | None,
    ):
        if positions not in ("rotary", "learned", "sinusoidal"):
            raise ValueError(f"positions is {positions!r}, expected 'rotary', 'learned' or 'sinusoidal'")
        expect_count("context", context)
        self.vocabulary, self.window = vocabulary, context
        self.settings = {
            "vocabulary": vocabulary, "width": width, "layers": layers, "heads": heads, "context": context,
            "dropout": dropout, "positions": positions, "tied": tied,
        }  # fmt: skip
        rotary = nn.RotaryPositions(context, nn.head_width(width, heads)) if positions == "rotary" else None
        self.embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.positions = {
            "rotary": lambda: None,
            "learned": lambda: nn.LearnedPositions(context, width, rng=rng),
            "sinusoidal": lambda: nn.SinusoidalPositions(context, width),
        }[positions]()
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.decoder = nn.Decoder(layers, width, heads, dropout=dropout, rotary=rotary, rng=rng)
        self.head = nn.Linear(width, vocabulary, bias=False, rng=rng)
        if tied:
            self.embedding = nn.TiedEmbedding(self.head)

    def weights(self) -> Weights:
        blocks, last = [_layers(block) for block in self.decoder.blocks], (self.decoder.norm, self.head)
        tensors = [tensor for layers in (*blocks, last) for layer in layers for tensor in _tensors(layer)]
        matrices = [tensor for tensor in tensors if tensor is not None and tensor.ndim == 2]
        numbers = [tensor for tensor in tensors if tensor is not None and tensor.ndim == 1]
        (matrix_vector, matrix_starts), (vector, starts) = map(autograd.in_one_vector, (matrices, numbers))
        start_of = dict(zip(map(id, matrices + numbers), matrix_starts + starts, strict=True))

        def places(layers):
            return [[start_of.get(id(tensor), NOWHERE) for tensor in _tensors(layer)] for layer in layers]

        rotary = self.decoder.blocks[0].attention.rotary
        turns = [a.astype(vector.dtype) for a in ((rotary.cos, rotary.sin) if rotary else np.zeros((2, 0, 0)))]
        hidden = self.decoder.blocks[0].feed_forward.inner.b.size
        all_places = np.array([places(layers) for layers in blocks]), np.array(places(last))
        return Weights(matrix_vector, vector, *all_places, hidden, self.vocabulary, *turns)

    def _decode(self, new, places, cache, weights):
        x = self.embedding.table.data[new]
        if self.positions:
            x = x + self.positions.at(places).astype(x.dtype)
        return kernels.decode(x, *weights, cache.store.keys, cache.store.values, cache.origin)

    def _embedded(self, ids):
        x = self.embedding(ids)  # (B, T) -> (B, T, C)
        if self.positions:
            x = self.positions(x)
        return self.dropout(x)


def _layers(block) -> tuple[nn.Module, ...]:
    """In the order in which `kernels.decode` has them."""
    attention, feed_forward = block.attention, block.feed_forward
    return (
        block.attention_norm, attention.query, attention.key, attention.value, attention.out,
        block.feed_forward_norm, feed_forward.inner, feed_forward.outer,
    )  # fmt: skip


def _tensors(layer) -> tuple[Tensor | None, ...]:
    """The three of a layer's places; None for what it has not."""
    if isinstance(layer, nn.LayerNorm):
        return layer.gamma, layer.beta, None
    return layer.W, layer.b, getattr(layer, "scale", None)
