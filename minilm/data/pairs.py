"""Sentence pairs for encoder-decoders: teacher forcing, batches of unequal lengths, and a split that does not leak."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .batches import length_mask, pad
from .by_length import Rows
from .texts import split


def teacher_forcing(sentences: Sequence[ArrayLike], start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """What a decoder reads, and what it is to say after each token of it: y₁ … yₙ becomes

        ids      start  y₁ … yₙ₋₁  yₙ
        targets  y₁     y₂ … yₙ    end

    both (B, T), where T is the longest n + 1. Beyond a sentence's end ids are `end` and targets -1, which does not
    count. (Williams and Zipser 1989: the decoder is forced to go on from the right token, not from its own.)

    >>> ids, targets = teacher_forcing([[5, 6, 7], [8]], start=1, end=2)
    >>> ids.tolist(), targets.tolist()
    ([[1, 5, 6, 7], [1, 8, 2, 2]], [[5, 6, 7, 2], [8, 2, -1, -1]])
    """
    texts, lengths = pad([[start, *sentence, end] for sentence in sentences], end)
    counted = length_mask(lengths - 1, texts.shape[1] - 1)
    return texts[:, :-1], np.where(counted, texts[:, 1:], -1)


class Pairs(Rows):
    """Random batches of sentence pairs, for the `loss(source, ids, targets)` of an encoder-decoder.

    A batch is sources (B, S), the decoder's ids (B, T) and its targets (B, T), of about equal length (see `Rows`).

    Parameters
    ----------
    sources, targets : sequences of N sequences of ids
        targets[i] is the translation of sources[i].
    pad : int
        An id of the source's vocabulary that fills up shorter sources.
    start, end : int
        Ids of the target's vocabulary that begin and end every sentence.
    batch : int
        B, pairs per batch; the last N mod B pairs of an epoch's order are left out.
    seed : int
        Of the orders.

    Raises
    ------
    ValueError
        If sources and targets are not equally many, or fewer than a batch; if a source is empty, or a sentence holds
        one of the special ids.

    >>> pairs = Pairs([[3, 4, 5], [6]], [[3, 3], [4]], pad=0, start=1, end=2, batch=2, seed=0)
    >>> source, ids, targets = pairs.batch(0)
    >>> source.tolist(), ids.tolist(), targets.tolist()
    ([[6, 0, 0], [3, 4, 5]], [[1, 4, 2], [1, 3, 3]], [[4, 2, -1], [3, 3, 2]])
    """

    def __init__(
        self,
        sources: Sequence[ArrayLike],
        targets: Sequence[ArrayLike],
        *,
        pad: int,
        start: int,
        end: int,
        batch: int,
        seed: int,
    ):
        _check_pairs(sources, targets)
        _check_special("sources", sources, {"pad": pad})
        _check_special("targets", targets, {"start": start, "end": end})
        self.sources, self.targets = list(sources), list(targets)
        self.pad, self.start, self.end = pad, start, end
        lengths = [[len(sentence) for sentence in side] for side in (sources, targets)]
        super().__init__(lengths, batch, seed)
        self.tokens_per_batch = round(batch * (np.mean(lengths[1]) + 1))  # targets that count, on average, for the log

    def _of(self, rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        source, _ = pad([self.sources[i] for i in rows], self.pad)
        return source, *teacher_forcing([self.targets[i] for i in rows], self.start, self.end)


def _check_pairs(sources, targets):
    if len(sources) != len(targets):
        raise ValueError(f"there are {len(sources)} sources but {len(targets)} targets; expected one for each")
    empty = [i for i, source in enumerate(sources) if len(source) == 0]
    if empty:
        raise ValueError(f"source {empty[0]} is empty; leave out pairs without a text to translate")


def _check_special(side, sentences, special):
    for name, value in special.items():
        holding = [i for i, sentence in enumerate(sentences) if value in np.asarray(sentence)]
        if holding:
            raise ValueError(
                f"{side}: sentence {holding[0]} holds {value}, the id of {name}; choose an id that no symbol has: "
                "the first after a tokenizer's own is len(tokenizer)"
            )


# which pairs are held out


class _Pair(NamedTuple):
    """What `split` wants of a document, for a pair of sentences: a text, the same for all pairs that are related."""

    title: str
    text: str
    record: NamedTuple


def split_pairs(
    records: Iterable[NamedTuple], held_out: float, sides: tuple[str, str] = ("chinese", "english")
) -> tuple[list, list]:
    """Training and validation pairs that share no sentence, on neither side.

    A Chinese sentence has several translations, each of which may translate others again. All pairs that are so
    connected go to the same side, together; for ever, unless a new pair connects them to others. Sentences that differ
    in punctuation and capitals alone count as one.

    Parameters
    ----------
    records : iterable of SentencePair, or others
    held_out : float
        Their fraction for validation, near enough: see `split`.
    sides
        The names of a record's two sentences.

    Raises
    ------
    ValueError
        As `split`.

    >>> from minilm.data.readers import Message
    >>> records = [Message("", "Open", "打开"), Message("", "open!", "开启"), Message("", "Close", "关闭")]
    >>> train, validation = split_pairs(records, 0.5)
    >>> [record.chinese for record in train], [record.chinese for record in validation]
    (['打开', '开启'], ['关闭'])
    """
    records = list(records)
    leaders = connected([tuple(_letters(getattr(record, side)) for side in sides) for record in records])
    pairs = [_Pair("", leader, record) for leader, record in zip(leaders, records, strict=True)]
    train, validation = split(pairs, held_out)
    return [pair.record for pair in train], [pair.record for pair in validation]


def connected(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """For each pair the least left side of all that it is connected to, by a chain of pairs that share a side.

    >>> connected([("b", "x"), ("a", "x"), ("a", "y"), ("c", "z")])
    ['a', 'a', 'a', 'c']
    """
    leader: dict[tuple[int, str], tuple[int, str]] = {}

    def find(sentence):
        while leader.setdefault(sentence, sentence) != sentence:
            leader[sentence] = leader[leader[sentence]]  # half the way for those who come later
            sentence = leader[sentence]
        return sentence

    for left, right in pairs:
        least, other = sorted((find((0, left)), find((1, right))))
        leader[other] = least
    return [find((0, left))[1] for left, _ in pairs]


def _letters(sentence):
    return re.sub(r"\W", "", sentence.casefold()) or sentence
