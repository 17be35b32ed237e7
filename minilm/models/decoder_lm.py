"""What GPT and Llama share: they read a prompt at once, then a token at a time with all keys and values remembered."""

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm import nn
from minilm.autograd import Tensor, no_grad

from .language_model import LanguageModel, next_log_probs


class DecoderState(NamedTuple):
    """The tokens so far (B, T), NOWHERE after the end of a shorter text, their keys and values in each block, and where
    the weights are for the next."""

    ids: np.ndarray
    cache: nn.Cache
    weights: NamedTuple


class DecoderLM(LanguageModel):
    """logits = norm(blocks(embedding[ids])) W

    A subclass has the attributes `decoder` and `head`, embeds, and decodes a token in one call of a kernel.
    """

    decoder: nn.Decoder
    head: nn.Module
    window: int

    @abstractmethod
    def weights(self) -> NamedTuple:
        """The weights as the kernel takes them: not copied, once they lie in one vector."""

    @abstractmethod
    def _embedded(self, ids) -> Tensor:
        """What the blocks are given.   ids (B, T)   ->   (B, T, C)"""

    @abstractmethod
    def _decode(self, new, places, cache, weights) -> np.ndarray:
        """Log-probabilities after the new tokens (B,) at these places (B,), for which the cache has room."""

    def __call__(self, ids: ArrayLike) -> Tensor:
        return self.head(self._hidden(ids)[0])

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, DecoderState]:
        """Of a prompt longer than the context the last `context` tokens count."""
        return self._read(self._checked(prompt)[:, -self.window :], self.weights())

    def step(self, ids: ArrayLike, state: DecoderState) -> tuple[np.ndarray, DecoderState]:
        """When a text's context is full, it goes on from the last half of it."""
        new, places = self._checked_next(ids, len(state.ids))[:, 0], state.cache.lengths
        full = places == self.window
        if full.any() and not full.all():
            return self._step_apart(new, state, full)
        ids = nn.append(state.ids, new)
        if full.all():
            return self._read(ids[:, -max(self.window // 2, 1) :], state.weights)
        cache = state.cache.with_room()
        return self._decode(new, places, cache, state.weights), DecoderState(ids, cache, state.weights)

    def reorder(self, state: DecoderState, rows: ArrayLike) -> DecoderState:
        return DecoderState(state.ids[rows], state.cache.reorder(rows), state.weights)

    def join(self, states: list[DecoderState]) -> DecoderState:
        first, *others = (state.cache for state in states)
        return DecoderState(nn.stack([state.ids for state in states]), first.join(*others), states[0].weights)

    def attention_weights(self, ids: ArrayLike) -> list[np.ndarray]:
        """How much each token looks at each before it, block by block.   (B, T)   ->   L of (B, H, T, T)"""
        with no_grad():
            return self.decoder.weights(self._embedded(self._fitting(ids)))

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
            cache = nn.Cache.of(past)
            return next_log_probs(self.head(hidden[:, -1:])), DecoderState(ids, cache, weights)

    def _hidden(self, ids):
        """The decoder's output (B, T, C), and the keys and values in each block."""
        return self.decoder.extend(self._embedded(self._fitting(ids)))

    def _fitting(self, ids):
        ids = self._checked(ids)
        nn.check_context(ids.shape[1], self.window)
        return ids
