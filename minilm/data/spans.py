"""Extractive question answering: a question and a passage as a model reads them, and the span that answers.

(Rajpurkar et al. 2016, arXiv:1606.05250: SQuAD; questions without an answer: version 2.0, arXiv:1806.03822; as BERT
reads both: Devlin et al. 2019, arXiv:1810.04805, sections 4.2 and 4.3.)
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm.expect import expect, expect_count

from .framing import Examples, Special, framed
from .tokenizers import HAN
from .wordpiece import WordPieceTokenizer

WORD = re.compile(rf"[^\W{HAN}]+|\S|\n")  # runs of letters and digits; single marks, Chinese characters, line ends
LINES = 8  # of a passage, that have segments of their own; all after them share the last
SEGMENTS = 1 + 2 * LINES  # 0 the question, 1 to 8 the passage's lines, 9 to 16 words in them that the question has too
KEPT = 100_000  # lines whose tokens are remembered
NO_ANSWER = (0, 0)  # the place of [CLS]


class Question(NamedTuple):
    """A question, the passage that it is about, and the right answers, which are spans of the passage.

    `start` is the character at which the first of the answers begins. A question that the passage does not answer has
    no answers, and `start` -1. `kind` and `title` (of the play, or the article) are for those who count.
    """

    question: str
    passage: str
    answers: tuple[str, ...] = ()
    start: int = -1
    kind: str = ""
    title: str = ""


class Window(NamedTuple):
    """A question and as much of its passage as fits: ids (T,), segments (T,), and where each token is from.

    places (T, 2): the first character of its word in the passage, and the one after the last; -1 outside the passage.
    """

    ids: np.ndarray
    segments: np.ndarray
    places: np.ndarray


class Tokens(NamedTuple):
    """A text as tokens: ids (T,), their words' places (T, 2), the lines that they are on (T,), and the words."""

    ids: np.ndarray
    places: np.ndarray
    lines: np.ndarray
    words: list[str]


class SpanReader:
    """Questions and passages as windows of ids: [CLS] question [SEP] passage [SEP], also with [SEP] between its lines.

    A passage that is too long is read in several windows, each of which begins `stride` tokens after the one before.

    Parameters
    ----------
    tokenizer : WordPieceTokenizer
    longest : int
        T at most.
    stride : int, optional
        A quarter of `longest` if not given.
    mark : bool
        Whether words of the passage that the question has too, but for case, have segments of their own.

    Raises
    ------
    ValueError
        If `longest` or `stride` leaves no room.

    Examples
    --------
    >>> tokenizer = WordPieceTokenizer.train("who says: to be or not to be? hamlet." * 2)
    >>> reader = SpanReader(tokenizer, longest=20)
    >>> question = Question("Who says be?", "HAMLET: To be.", ("HAMLET",), 0)
    >>> window, = reader.windows(question)
    >>> " ".join(tokenizer.vocabulary.symbols(window.ids)), window.segments.tolist()
    ('[CLS] who says be ? [SEP] hamlet : to be . [SEP]', [0, 0, 0, 0, 0, 0, 1, 1, 1, 9, 1, 1])
    >>> reader.span(question, window), reader.text(question, window, 8, 9)
    ((6, 6), 'To be')
    """

    def __init__(
        self, tokenizer: WordPieceTokenizer, *, longest: int = 256, stride: int | None = None, mark: bool = True
    ):
        expect_count("longest", longest, least=16)
        stride = longest // 4 if stride is None else stride
        expect("stride", stride, 0 < stride <= longest // 2, f"1 to half of longest, {longest // 2}")
        self.tokenizer, self.longest, self.stride, self.mark = tokenizer, longest, stride, mark
        self.special = Special.of(tokenizer)
        self._ids = cache(lambda word: [self.special.sep] if word == "\n" else tokenizer.encode(word).tolist())
        self._line = lru_cache(KEPT)(self._line)  # a speech is read again and again, in other passages

    def windows(self, question: Question) -> list[Window]:
        """All windows of a question's passage, one if it is short enough. A question may take half of the room."""
        asked = self._tokens(question.question).ids[: self.longest // 2]
        tokens = self._tokens(question.passage)
        segments = 1 + np.minimum(tokens.lines, LINES - 1)
        if self.mark:
            segments += LINES * is_shared(tokens.words, question.question)
        room = self.longest - len(asked) - 3
        last = max(len(tokens.ids) - room, 0)
        starts = [*range(0, last, min(self.stride, room)), last]
        return [self._window(asked, tokens.ids, segments, tokens.places, slice(i, i + room)) for i in starts]

    def span(self, question: Question, window: Window) -> tuple[int, int]:
        """The first and the last token of the answer; [CLS] twice if there is none, or not within this window."""
        if question.start < 0:
            return NO_ANSWER
        return token_span(window.places, question.start, question.start + len(question.answers[0]))

    def text(self, question: Question, window: Window, first: int, last: int) -> str:
        """What stands in the passage from token `first` to token `last`; nothing for [CLS]."""
        start, stop = window.places[first, 0], window.places[last, 1]
        return question.passage[start:stop] if start >= 0 else ""

    def _window(self, asked, ids, segments, places, part) -> Window:
        framed_ids, kinds = framed(asked, ids[part], special=self.special, longest=self.longest)
        inside = slice(len(asked) + 2, -1)
        everywhere = np.full((len(framed_ids), 2), -1)
        kinds[inside], everywhere[inside] = segments[part], places[part]
        return Window(framed_ids, kinds, everywhere)

    def _tokens(self, text) -> Tokens:
        lines = text.splitlines(keepends=True) or [""]
        parts = [self._line(line) for line in lines]
        starts = accumulate((len(line) for line in lines[:-1]), initial=0)
        places = [part.places + start for part, start in zip(parts, starts, strict=True)]
        return Tokens(
            np.concatenate([part.ids for part in parts]),
            np.concatenate(places),
            np.repeat(np.arange(len(parts)), [len(part.ids) for part in parts]),
            list(chain(*(part.words for part in parts))),
        )

    def _line(self, line) -> Tokens:
        words = [(self._ids(word[0]), word.span(), word[0]) for word in WORD.finditer(line)]
        tokens = [(i, place, word) for ids, place, word in words for i in ids]
        ids, places, found = zip(*tokens, strict=True) if tokens else ((), (), ())
        places = np.array(places, np.int64).reshape(-1, 2)
        return Tokens(np.array(ids, np.int64), places, np.zeros(len(ids), np.int64), list(found))


def examples(questions: Sequence[Question], reader: SpanReader, *, batch: int, seed: int) -> Examples:
    """Every window of the questions with the span to be found in it, for the `loss` of a BertSpans."""
    windows = [(question, window) for question in questions for window in reader.windows(question)]
    texts = [(window.ids, window.segments) for _, window in windows]
    spans = [reader.span(question, window) for question, window in windows]
    return Examples(texts, spans, pad=reader.special.pad, batch=batch, seed=seed)


def is_shared(words: Sequence[str], question: str) -> np.ndarray:
    """Whether each of T words is one of the question's, but for case; punctuation never is.   ->   (T,)

    >>> is_shared(["The", "sea", "?", "Who", "?"], "Who sees the sea?").tolist()
    [True, True, False, True, False]
    """
    asked = {word.casefold() for word in WORD.findall(question) if word[0].isalnum()}
    return np.array([word.casefold() in asked for word in words], bool)


def token_span(places: ArrayLike, start: int, stop: int) -> tuple[int, int]:
    """The first and last of the tokens at places (T, 2) that hold characters from `start` to before `stop`.

    Tokens that are outside the passage have places -1. If the tokens do not hold all of it, (0, 0): that is [CLS],
    which stands for "no answer here".

    >>> token_span([[-1, -1], [0, 6], [6, 7], [8, 10], [-1, -1]], 0, 6)
    (1, 1)
    >>> token_span([[-1, -1], [0, 6], [6, 7], [8, 10], [-1, -1]], 9, 12)
    (0, 0)
    """
    places = np.asarray(places)
    inside = np.flatnonzero((places[:, 1] > start) & (places[:, 0] < stop) & (places[:, 0] >= 0))
    if not len(inside) or places[inside[0], 0] > start or places[inside[-1], 1] < stop:
        return NO_ANSWER
    return int(inside[0]), int(inside[-1])


def best_span(first: ArrayLike, last: ArrayLike, allowed: ArrayLike, longest: int = 30) -> tuple[int, int]:
    """argmax of first[i] + last[j] over allowed places i <= j < i + longest; no allowed place: (0, 0).

    first, last (T,): log-probabilities (or logits) that the answer begins, and that it ends, at each place.
    allowed (T,) bool: where the passage is.

    >>> best_span([0, 1, 5, 2], [0, 4, 1, 2], [False, True, True, True])
    (2, 3)
    """
    first, last, allowed = np.asarray(first), np.asarray(last), np.asarray(allowed)
    i, j = np.arange(len(first))[:, None], np.arange(len(first))
    possible = (i <= j) & (j < i + longest) & allowed[:, None] & allowed
    if not possible.any():
        return NO_ANSWER
    scores = np.where(possible, first[:, None] + last, -np.inf)
    i, j = np.unravel_index(scores.argmax(), scores.shape)
    return int(i), int(j)
