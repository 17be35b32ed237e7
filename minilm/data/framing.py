"""What BERT reads: [CLS] a text [SEP], or [CLS] a text [SEP] another [SEP], as ids and segments."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .batches import pad
from .by_length import Rows
from .tokenizers import Tokenizer

IGNORED = -1  # a target that does not count


class Special(NamedTuple):
    """The ids of BERT's special symbols."""

    pad: int
    cls: int
    sep: int
    mask: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "Special":
        """Those of a tokenizer whose vocabulary has them, as every WordPieceTokenizer that is trained here.

        Raises
        ------
        ValueError
            If it lacks one.
        """
        symbols = [f"[{name.upper()}]" for name in cls._fields]
        lacking = [symbol for symbol in symbols if symbol not in tokenizer.vocabulary]
        if lacking:
            raise ValueError(f"the tokenizer has no symbol {', '.join(lacking)}; a WordPieceTokenizer has them all")
        return cls(*tokenizer.vocabulary.ids(symbols).tolist())


Framed = tuple[np.ndarray, np.ndarray]


def framed(first: ArrayLike, second: ArrayLike | None = None, *, special: Special, longest: int) -> Framed:
    """ids [CLS] first [SEP] second [SEP] and segments 0 ... 0 1 ... 1, of which the first [SEP] is the last 0.

    What is too long for `longest` ids is cut: of two texts the ends of the second, then of the first.

    >>> ids, segments = framed([7, 8], [9], special=Special(pad=0, cls=2, sep=3, mask=4), longest=8)
    >>> ids.tolist(), segments.tolist()
    ([2, 7, 8, 3, 9, 3], [0, 0, 0, 0, 1, 1])
    """
    room = longest - (2 if second is None else 3)
    if room < 1:
        raise ValueError(f"longest is {longest}: no room for a text beside the special symbols; give more")
    first = np.asarray(first, np.int64)[:room]
    ids = [special.cls, *first, special.sep]
    if second is None:
        return np.array(ids), np.zeros(len(ids), np.int64)
    second = np.asarray(second, np.int64)[: room - len(first)]
    segments = np.repeat([0, 1], [len(ids), len(second) + 1])
    return np.array([*ids, *second, special.sep]), segments


class Examples(Rows):
    """Random batches of framed texts and what is asked of them, for the `loss(ids, segments, targets)` of a head.

    A batch is ids (B, T), segments (B, T) and targets (B, ...).

    Parameters
    ----------
    texts : sequence of N (ids, segments)
        See `framed`.
    targets : array_like (N,) or (N, 2)
        The label of each, or the first and last place of its answer.
    pad, batch, seed : int
        As of `Pairs`.

    Raises
    ------
    ValueError
        If texts and targets are not equally many, or fewer than a batch.

    >>> special = Special(pad=0, cls=2, sep=3, mask=4)
    >>> texts = [framed(text, special=special, longest=8) for text in ([7, 8], [9])]
    >>> ids, segments, labels = Examples(texts, [1, 0], pad=0, batch=2, seed=0).batch(0)
    >>> ids.tolist(), labels.tolist()
    ([[2, 9, 3, 0], [2, 7, 8, 3]], [0, 1])
    """

    def __init__(self, texts: Sequence[Framed], targets: ArrayLike, *, pad: int, batch: int, seed: int):
        self.texts, self.targets, self.pad = list(texts), np.asarray(targets), pad
        if len(self.texts) != len(self.targets):
            raise ValueError(
                f"there are {len(self.texts)} texts but {len(self.targets)} targets; expected equally many"
            )
        lengths = [len(ids) for ids, _ in self.texts]
        super().__init__(lengths, batch, seed)
        self.tokens_per_batch = round(batch * np.mean(lengths))

    def _of(self, rows):
        return *padded([self.texts[i] for i in rows], self.pad), self.targets[rows]


def padded(texts: Sequence[Framed], value: int) -> Framed:
    """Framed texts as ids (B, T), filled up with `value`, and segments (B, T), filled up with 0."""
    ids, segments = zip(*texts, strict=True)
    return pad(ids, value)[0], pad(segments)[0]
