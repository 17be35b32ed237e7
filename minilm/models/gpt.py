"""GPT: a decoder of Transformer blocks that predicts the next token."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm import nn
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect_count

from .language_model import LanguageModel, next_log_probs


class GPTState(NamedTuple):
    """The tokens so far (B, T), and their keys and values in each block."""

    ids: np.ndarray
    past: list[nn.KeyValues]


class GPT(LanguageModel):
    """logits = norm(blocks(embedding[ids])) W (Radford et al. 2018 and 2019)

    Positions are rotary (Su et al. 2021) unless asked for otherwise; the blocks are pre-norm, as in GPT-2.

    Parameters
    ----------
    vocabulary, width, layers, heads, context : int
        V, C, L, H, and the largest T.
    dropout : float
    positions : {"rotary", "learned", "sinusoidal"}

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
        rng: np.random.Generator,
    ):
        if positions not in ("rotary", "learned", "sinusoidal"):
            raise ValueError(f"positions is {positions!r}, expected 'rotary', 'learned' or 'sinusoidal'")
        expect_count("context", context)
        self.vocabulary, self.window = vocabulary, context
        self.settings = {
            "vocabulary": vocabulary, "width": width, "layers": layers, "heads": heads, "context": context,
            "dropout": dropout, "positions": positions,
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

    def __call__(self, ids: ArrayLike) -> Tensor:
        return self.head(self._hidden(ids)[0])

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, GPTState]:
        """Of a prompt longer than the context the last `context` tokens count."""
        return self._read(self._checked(prompt)[:, -self.window :])

    def step(self, ids: ArrayLike, state: GPTState) -> tuple[np.ndarray, GPTState]:
        """When the context is full, it goes on from the last half of it."""
        ids = np.concatenate([state.ids, self._checked_next(ids, len(state.ids))], axis=1)
        if ids.shape[1] > self.window:
            return self._read(ids[:, -max(self.window // 2, 1) :])
        return self._read(ids, state.past)

    def reorder(self, state: GPTState, rows: ArrayLike) -> GPTState:
        return GPTState(state.ids[rows], [layer.reorder(rows) for layer in state.past])

    def _read(self, ids, past=None):
        """Log-probabilities after `ids`, of which the keys and values of all but the last are known if `past` is."""
        with no_grad():
            hidden, seen = self._hidden(ids[:, -1:] if past else ids, past)
            return next_log_probs(self.head(hidden[:, -1:])), GPTState(ids, seen)

    def _hidden(self, ids, past=None):
        ids = self._checked(ids)
        offset = past[0].keys.shape[2] if past else 0
        nn.check_context(offset + ids.shape[1], self.window)
        x = self.embedding(ids)  # (B, T) -> (B, T, C)
        if self.positions:
            x = self.positions(x, offset)
        return self.decoder.extend(self.dropout(x), past=past)
