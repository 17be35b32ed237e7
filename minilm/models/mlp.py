"""Bengio's neural language model: a few words before, embedded side by side, through one hidden layer."""

import numpy as np
from numpy.typing import ArrayLike

from minilm import nn
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect_count

from .language_model import LanguageModel, next_log_probs


class MLP(LanguageModel):
    """logits = tanh([e(xₜ₋ₙ₊₁) ... e(xₜ)] W + b) U + d (Bengio et al. 2003, equation 1, without direct connections)

    Parameters
    ----------
    vocabulary, width, hidden : int
        V, channels of an embedding, and of the hidden layer.
    context : int
        n, how many tokens it sees. Before the first token stands a start symbol, number V of the embedding.

    Examples
    --------
    >>> model = MLP(65, width=8, hidden=16, context=3, rng=np.random.default_rng(0))
    >>> model(np.zeros((1, 5), int)).shape
    (1, 5, 65)
    """

    window = 64

    def __init__(
        self, vocabulary: int, *, width: int = 32, hidden: int = 256, context: int = 8, rng: np.random.Generator
    ):
        expect_count("context", context)
        self.vocabulary, self.context = vocabulary, context
        self.settings = {"vocabulary": vocabulary, "width": width, "hidden": hidden, "context": context}
        self.embedding = nn.Embedding(vocabulary + 1, width, rng=rng)
        self.inner = nn.Linear(context * width, hidden, rng=rng)
        self.outer = nn.Linear(hidden, vocabulary, rng=rng)

    def __call__(self, ids: ArrayLike) -> Tensor:
        return self._logits(self._before(self._checked(ids)))

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        return self._read(self._before(self._checked(prompt))[:, -1])

    def step(self, ids: ArrayLike, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._read(np.concatenate([state[:, 1:], self._checked_next(ids, len(state))], axis=1))

    def reorder(self, state: np.ndarray, rows: ArrayLike) -> np.ndarray:
        return state[rows]

    def join(self, states: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(states)

    def _read(self, last):
        """The state is the last n tokens (B, n)."""
        with no_grad():
            return next_log_probs(self._logits(last[:, None, :])), last

    def _before(self, ids):
        """For each place the n tokens up to it.   (B, T) -> (B, T, n)"""
        padding = np.full((len(ids), self.context - 1), self.vocabulary)
        return np.lib.stride_tricks.sliding_window_view(np.concatenate([padding, ids], axis=1), self.context, axis=1)

    def _logits(self, before):
        B, T, _ = before.shape
        return self.outer(self.inner(self.embedding(before).reshape(B, T, -1)).tanh())
