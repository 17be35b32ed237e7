"""What all neural language models share: the loss, the summary, and the protocol that decoding speaks."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, nn
from minilm.autograd import Tensor, no_grad


class LanguageModel(nn.Module, ABC):
    """P(x₁ ... x_T) = Πₜ P(xₜ | x₁ ... xₜ₋₁), one distribution over the vocabulary for each next token.

    Attributes
    ----------
    vocabulary : int
        V, the number of different tokens.
    window : int
        T, how many tokens of text one training example holds.
    settings : dict
        The arguments, apart from rng, that build the same model again.
    """

    vocabulary: int
    window: int
    settings: dict[str, Any]

    @abstractmethod
    def __call__(self, ids: ArrayLike) -> Tensor:
        """Logits of the token after each.   ids (B, T)   ->   (B, T, V)"""

    @abstractmethod
    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, Any]:
        """Read prompts (B, T).   ->   log-probabilities of the next token (B, V), and the state to go on from"""

    @abstractmethod
    def step(self, ids: ArrayLike, state: Any) -> tuple[np.ndarray, Any]:
        """Append the chosen tokens (B,).   ->   as `start`"""

    @abstractmethod
    def reorder(self, state: Any, rows: ArrayLike) -> Any:
        """The state of the sequences `rows`, in that order: those that live on in beam search."""

    def join(self, states: list[Any]) -> Any:
        """One state of the sequences of several, which may differ in length: they are then stepped together."""
        raise NotImplementedError(f"{type(self).__name__} has no join; step its states one by one")

    def loss(self, ids: ArrayLike, targets: ArrayLike) -> Tensor:
        """Mean of -ln P(target | the tokens before), in nats.   ids, targets (B, T); a target of -1 does not count"""
        return autograd.cross_entropy(self(ids), targets=targets)

    def summary(self) -> str:
        """Layers, shapes and numbers of parameters, as a table."""
        return nn.summary(self)

    def _checked(self, ids) -> np.ndarray:
        ids = np.asarray(ids)
        if ids.ndim != 2 or ids.shape[1] == 0:
            raise ValueError(f"ids has shape {ids.shape}, expected (B, T) with at least one token in each sequence")
        return autograd.check_ids("ids", ids, self.vocabulary)

    def _checked_next(self, ids, B) -> np.ndarray:
        """The tokens that were chosen for each of B sequences, as a column (B, 1)."""
        ids = np.asarray(ids)
        if ids.shape != (B,):
            raise ValueError(f"ids has shape {ids.shape}, expected ({B},), a token for each sequence of the state")
        return self._checked(ids[:, None])


def next_log_probs(logits: Tensor) -> np.ndarray:
    """ln softmax of the last position's logits.   (B, T, V) -> (B, V)"""
    with no_grad():
        return autograd.log_softmax(logits[:, -1]).data
