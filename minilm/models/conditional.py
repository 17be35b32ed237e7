"""What encoder-decoders share: a language model of texts that each answer a source, such as translations."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect

from .language_model import LanguageModel, next_log_probs
from .padding import checked_rows


class ConditionalModel(LanguageModel):
    """P(y₁ ... y_T | x) = Πₜ P(yₜ | x, y₁ ... yₜ₋₁), a distribution for each next token of a text given its source x.

    Attributes
    ----------
    source_vocabulary, vocabulary : int
        V of the source, and of the text.
    pad : int
        The id that fills up shorter sources, at their end.
    settings : dict
        The arguments, apart from rng, that build the same model again.
    """

    source_vocabulary: int
    pad: int

    def _set_vocabularies(self, source_vocabulary: int, vocabulary: int, pad: int) -> None:
        known = 0 <= pad < source_vocabulary
        expect("pad", pad, known, f"an id of the source's vocabulary, from 0 to {source_vocabulary - 1}")
        self.source_vocabulary, self.vocabulary, self.pad = source_vocabulary, vocabulary, pad

    @abstractmethod
    def _encode(self, source: np.ndarray) -> Any:
        """What the decoder needs to know of sources (B, S): its state before the first token."""

    @abstractmethod
    def _extend(self, ids: np.ndarray, state: Any) -> tuple[Tensor, Any]:
        """Logits (B, T, V) of the tokens after each of ids (B, T), which follow those of the state; the state then."""

    @abstractmethod
    def attention_weights(self, source: ArrayLike, ids: ArrayLike) -> np.ndarray:
        """How much each of ids (B, T), when the next is chosen, looks at each of source (B, S).   ->   (..., T, S)"""

    def __call__(self, source: ArrayLike, ids: ArrayLike) -> Tensor:
        """Logits of the token after each of ids.   source (B, S), filled up with `pad`   ids (B, T)   ->   (B, T, V)"""
        source, ids = self._checked_pair(source, ids)
        return self._extend(ids, self._encode(source))[0]

    def loss(self, source: ArrayLike, ids: ArrayLike, targets: ArrayLike) -> Tensor:
        """Mean of -ln P(target | source, the ids so far), in nats: teacher forcing.

        source (B, S), filled up with `pad`   ids, targets (B, T), see `data.teacher_forcing`; a target of -1 does not
        count.
        """
        return autograd.cross_entropy(self(source, ids), targets=targets)

    def given(self, source: ArrayLike) -> "Given":
        """This model with these sources, (S,) or (B, S): what greedy, sample and beam_search continue texts with.

        >>> from minilm import generate, models
        >>> model = models.Seq2Seq(9, 7, pad=8, rng=np.random.default_rng(0))
        >>> text = generate.greedy(model.given([3, 1, 4]), [5], 4)  # 5: the start token
        >>> best, second = generate.beam_search(model.given([3, 1, 4]), [5], 4, num_beams=3, num_return_sequences=2)
        >>> text.shape, best.score >= second.score
        ((4,), True)
        """
        return Given(self, self._checked_source(np.atleast_2d(source)))

    def start(self, prompt: ArrayLike, source: ArrayLike) -> tuple[np.ndarray, Any]:
        """Read sources (B, S) and the texts' beginnings (B, T).

        ->   log-probabilities of the next token (B, V), and the state to go on from
        """
        source, prompt = self._checked_pair(source, prompt)
        with no_grad():
            return self._next(prompt, self._encode(source))

    def step(self, ids: ArrayLike, state: Any) -> tuple[np.ndarray, Any]:
        return self._next(self._checked_next(ids, len(state.memory_mask)), state)

    def reorder(self, state: Any, rows: ArrayLike) -> Any:
        return take(state, rows)

    def _next(self, ids, state):
        with no_grad():
            logits, state = self._extend(ids, state)
            return next_log_probs(logits), state

    def _checked_pair(self, source, ids):
        source, ids = self._checked_source(source), self._checked(ids)
        if len(source) != len(ids):
            raise ValueError(f"there are {len(source)} sources but {len(ids)} rows of ids; expected one for each")
        return source, ids

    def _checked_source(self, source) -> np.ndarray:
        return checked_rows("source", source, self.source_vocabulary, self.pad)


class Given:
    """A model with sources (B, S), which speaks the decoding protocol: row b of a prompt (B, T) answers source b."""

    def __init__(self, model: ConditionalModel, source: np.ndarray):
        self.model, self.source, self.vocabulary = model, source, model.vocabulary

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, Any]:
        """As `LanguageModel.start`, with the sources read before."""
        return self.model.start(prompt, self.source)

    def step(self, ids: ArrayLike, state: Any) -> tuple[np.ndarray, Any]:
        """As `LanguageModel.step`."""
        return self.model.step(ids, state)

    def reorder(self, state: Any, rows: ArrayLike) -> Any:
        """As `LanguageModel.reorder`; what is known of a source goes with its row."""
        return self.model.reorder(state, rows)


def take(state: Any, rows: ArrayLike) -> Any:
    """These rows of every array and Tensor in nested lists and (named) tuples.

    >>> take((np.array([5, 6, 7]), [None]), [2, 0, 0])
    (array([7, 5, 5]), [None])
    """
    if state is None:
        return None
    if not isinstance(state, list | tuple):
        return state[rows]
    parts = [take(part, rows) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
