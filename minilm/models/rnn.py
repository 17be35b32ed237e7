"""The recurrent language model: what was read so far is held in a state of fixed size."""

import numpy as np
from numpy.typing import ArrayLike

from minilm import nn
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect_count

from .language_model import LanguageModel, next_log_probs


class RecurrentLM(LanguageModel):
    """hₜ = cell(e(xₜ), hₜ₋₁),  logits = hₜ W + b (Mikolov et al. 2010; LSTM: Sundermeyer et al. 2012)

    Parameters
    ----------
    vocabulary, embedding, width, layers : int
        V, channels of an embedding, H, and how many cells stand on each other.
    cell : {"rnn", "gru", "lstm"}
    context : int
        The window of training text, through which gradients flow back in time.

    Examples
    --------
    The model of the Keras tutorials, Embedding(10000, 256), LSTM(1024), Dense(10000):

    >>> model = RecurrentLM(10_000, embedding=256, width=1024, cell="lstm", rng=np.random.default_rng(0))
    >>> sum(tensor.size for tensor in model.parameters())
    18056976
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        embedding: int = 64,
        width: int = 256,
        layers: int = 1,
        cell: str = "lstm",
        context: int = 64,
        dropout: float = 0.0,
        rng: np.random.Generator,
    ):
        expect_count("context", context)
        self.vocabulary, self.window = vocabulary, context
        self.settings = {
            "vocabulary": vocabulary, "embedding": embedding, "width": width, "layers": layers, "cell": cell,
            "context": context, "dropout": dropout,
        }  # fmt: skip
        self.embedding = nn.Embedding(vocabulary, embedding, rng=rng)
        self.recurrent = nn.Recurrent(cell, embedding, width, layers=layers, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.head = nn.Linear(width, vocabulary, rng=rng)

    def __call__(self, ids: ArrayLike) -> Tensor:
        return self._extend(self._checked(ids))[0]

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, list]:
        return self._read(self._checked(prompt), None)

    def step(self, ids: ArrayLike, state: list) -> tuple[np.ndarray, list]:
        return self._read(self._checked_next(ids, self.recurrent.batch_of(state)), state)

    def reorder(self, state: list, rows: ArrayLike) -> list:
        return _mapped(lambda part: part[rows], state)

    def join(self, states: list[list]) -> list:
        return _mapped(lambda *parts: np.concatenate(parts), *states)

    def _read(self, ids, state):
        with no_grad():
            logits, state = self._extend(ids, state)
            return next_log_probs(logits), state

    def _extend(self, ids, state=None):
        hidden, state = self._recur(ids, state)
        return self.head(self.dropout(hidden)), state

    def _recur(self, ids, state):
        if self.dropout.active or 2 * self.vocabulary > ids.size:
            return self.recurrent(self.dropout(self.embedding(ids)), state)
        return self.recurrent(self.embedding.table, state, ids=ids)  # the same, with fewer multiplications


def _mapped(change, *states):
    """A state made of the same parts of others: lists of layers, a tuple of tensors (LSTM) or a tensor each."""
    if isinstance(states[0], list | tuple):
        return type(states[0])(_mapped(change, *parts) for parts in zip(*states, strict=True))
    return Tensor(change(*(state.data for state in states)))
