"""One answer: which token comes next, and what its client is told of it."""

from typing import NamedTuple, Self

import numpy as np

from minilm.generate.beam import highest
from minilm.generate.filters import keep_top_p, with_temperature
from minilm.generate.protocol import sound
from minilm.generate.write import draw

from .served import Served
from .stream import TextStream

LEAST = -9999.0  # JSON has no -∞; this is what OpenAI writes


class Settings(NamedTuple):
    """How answers are to be drawn; the names are those of OpenAI's interface."""

    max_tokens: int = 16
    temperature: float = 1.0
    top_p: float = 1.0
    n: int = 1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = (
        None  # how many of the likeliest tokens to tell at each place; None: no log-probabilities
    )


class Candidate(NamedTuple):
    """A token that is or might have been written, and ln p of it, before temperature and top-p."""

    id: int
    bytes: bytes
    logprob: float


class Written(NamedTuple):
    """One more token of an answer."""

    index: int  # of the answer among those to its prompt
    text: str  # what is certain now; it may be empty, or hold characters that were held back before
    finish_reason: str | None  # "stop", "length", or None: it goes on
    token: Candidate | None = None  # with log-probabilities only
    top: tuple[Candidate, ...] = ()
    offset: int = 0  # how many characters were written before the token


class Answer:
    """An answer that is being written."""

    def __init__(self, task, index: int, uniform: np.ndarray, served: Served):
        self.task, self.index, self.last, self.count = task, index, -1, 0
        self._uniform, self._ends = uniform, served.ends
        self._stream = TextStream(served.tokenizer, task.prompt.tolist(), task.settings.stop)

    @classmethod
    def of(cls, task, served: Served) -> list[Self]:
        """The answers to a task. With a seed they are what `generate.sample` writes with `default_rng(seed)`."""
        settings = task.settings
        seed = None if settings.seed is None else settings.seed % 2**64
        uniform = np.random.default_rng(seed).random((settings.n, settings.max_tokens))
        return [cls(task, index, row, served) for index, row in enumerate(uniform)]

    def take(self, log_probs: np.ndarray) -> Written:
        """Choose the next token by its log-probabilities (V,)."""
        log_probs = sound(log_probs[None])
        self.last = int(self._choice(log_probs)[0])
        told = self._told(log_probs[0])
        self.count += 1
        text = "" if self.last in self._ends else self._stream.feed(self.last)
        reason = self._finish_reason()
        return Written(self.index, text + (self._stream.rest() if reason else ""), reason, *told)

    def _choice(self, log_probs):
        settings = self.task.settings
        if settings.temperature == 0 or settings.top_p == 0:
            return log_probs.argmax(axis=-1)
        log_probs = with_temperature(log_probs, settings.temperature)
        log_probs = log_probs if settings.top_p == 1 else keep_top_p(log_probs, settings.top_p)
        return draw(log_probs, self._uniform[[self.count]])

    def _finish_reason(self):
        if self._stream.stopped or self.last in self._ends:
            return "stop"
        return "length" if self.count == self.task.settings.max_tokens else None

    def _told(self, log_probs):
        """The token and the likeliest, if log-probabilities are wanted."""
        k = self.task.settings.top_logprobs
        if k is None:
            return ()
        best = highest(log_probs, k) if k else np.array([], int)
        chosen, *top = (
            Candidate(id, self._bytes_of(id), max(float(log_probs[id]), LEAST)) for id in (self.last, *best.tolist())
        )
        return chosen, tuple(top), self._stream.length

    def _bytes_of(self, id):
        return b"" if id in self._ends else self._stream.bytes_of(id)
