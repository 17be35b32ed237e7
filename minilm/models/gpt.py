"""GPT: a decoder of Transformer blocks that predicts the next token."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, kernels, nn
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect_count
from minilm.kernels.decode import NOWHERE

from .language_model import LanguageModel, next_log_probs


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


class GPTState(NamedTuple):
    """The tokens so far (B, T), NOWHERE after the end of a shorter text, their keys and values in each block, and where
    the weights are for the next."""

    ids: np.ndarray
    cache: nn.Cache
    weights: Weights


class GPT(LanguageModel):
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

    def __call__(self, ids: ArrayLike) -> Tensor:
        return self.head(self._hidden(ids)[0])

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, GPTState]:
        """Of a prompt longer than the context the last `context` tokens count."""
        return self._read(self._checked(prompt)[:, -self.window :], self.weights())

    def step(self, ids: ArrayLike, state: GPTState) -> tuple[np.ndarray, GPTState]:
        """When a text's context is full, it goes on from the last half of it."""
        new, places = self._checked_next(ids, len(state.ids))[:, 0], state.cache.lengths
        full = places == self.window
        if full.any() and not full.all():
            return self._step_apart(new, state, full)
        ids = nn.append(state.ids, new)
        if full.all():
            return self._read(ids[:, -max(self.window // 2, 1) :], state.weights)
        cache = state.cache.with_room()
        return self._decode(new, places, cache, state.weights), GPTState(ids, cache, state.weights)

    def reorder(self, state: GPTState, rows: ArrayLike) -> GPTState:
        return GPTState(state.ids[rows], state.cache.reorder(rows), state.weights)

    def join(self, states: list[GPTState]) -> GPTState:
        first, *others = (state.cache for state in states)
        return GPTState(nn.stack([state.ids for state in states]), first.join(*others), states[0].weights)

    def attention_weights(self, ids: ArrayLike) -> list[np.ndarray]:
        """How much each token looks at each before it, block by block.   (B, T)   ->   L of (B, H, T, T)"""
        with no_grad():
            return self.decoder.weights(self._embedded(ids))

    def weights(self) -> Weights:
        """The weights as `kernels.decode` takes them: not copied, once they lie in one vector."""
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

    def _step_apart(self, ids, state, full):
        """A step of the texts whose context is full, and one of the others."""
        parts = [np.flatnonzero(full), np.flatnonzero(~full)]
        log_probs, states = zip(*(self.step(ids[rows], self.reorder(state, rows)) for rows in parts), strict=True)
        back = np.argsort(np.concatenate(parts))
        return np.concatenate(log_probs)[back], self.reorder(self.join(states), back)

    def _read(self, ids, weights):
        """Log-probabilities after `ids`, all computed at once."""
        with no_grad():
            hidden, past = self._hidden(ids)
            cache = nn.Cache.of(past, self.window)
            return next_log_probs(self.head(hidden[:, -1:])), GPTState(ids, cache, weights)

    def _decode(self, new, places, cache, weights):
        """Log-probabilities after the new tokens (B,) at these places (B,), for which the cache has room."""
        x = self.embedding.table.data[new]
        if self.positions:
            x = x + self.positions.at(places).astype(x.dtype)
        return kernels.decode(x, *weights, cache.store.keys, cache.store.values, cache.origin)

    def _hidden(self, ids):
        """The decoder's output (B, T, C), and the keys and values in each block."""
        return self.decoder.extend(self._embedded(ids))

    def _embedded(self, ids):
        ids = self._checked(ids)
        nn.check_context(ids.shape[1], self.window)
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
