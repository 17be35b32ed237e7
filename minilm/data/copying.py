"""Words and ids for a model that copies: those of a vocabulary, and in each source those that the vocabulary lacks."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from minilm.expect import expect_count

from .tokenizers import utf8
from .vocabulary import Vocabulary, checked_ids
from .wordpiece import stand_close, words

OPENS, JOINS = "([{", "'_/-"  # no space after these; none on either side
UNKNOWN, PAD, START, END = SPECIAL = ("<unk>", "<pad>", "<start>", "<end>")


class CopyTokenizer:
    """Words, and ids of a vocabulary with room for what it lacks: V + k is the k-th unknown word of a source.

    So an id from V on means nothing without its source, and a model that points at a place of the source can write a
    word that it has never seen (See et al. 2017, arXiv:1704.04368, section 2.2). Words are in lower case; single
    punctuation marks and Chinese characters are words too.

    Parameters
    ----------
    vocabulary : Vocabulary
        V symbols, among them `<unk>`, `<pad>`, `<start>` and `<end>`.
    room : int
        Words of a source, at most, that get an id though the vocabulary lacks them; more are unknown.

    >>> tokenizer = CopyTokenizer.learn(["Sum the rows.", "Sum the columns."], least=2, room=2)
    >>> source = "Sum the frobnicated rows."
    >>> tokenizer.encode(source), tokenizer.lacking(source)
    (array([5, 6, 7, 8, 4]), ['frobnicated', 'rows'])
    >>> tokenizer.encode("Rows, summed", tokenizer.lacking(source))
    array([8, 0, 0])
    >>> tokenizer.decode([5, 8, 4], tokenizer.lacking(source))
    'sum rows.'
    """

    def __init__(self, vocabulary: Vocabulary, room: int = 32):
        missing = [symbol for symbol in SPECIAL if symbol not in vocabulary]
        if missing:
            raise ValueError(f"the vocabulary lacks {', '.join(missing)}; put them in front of its words")
        expect_count("room", room, 0)
        self.vocabulary, self.room = vocabulary, room
        self.unknown, self.pad, self.start, self.end = (vocabulary.id(symbol) for symbol in SPECIAL)

    @classmethod
    def learn(cls, texts: Iterable[str], *, least: int = 1, size: int | None = None, room: int = 32) -> "CopyTokenizer":
        """The words that occur `least` times, the most frequent first; of more than `size` - 4 those."""
        counts = Counter(word for text in texts for word in pieces(text))
        frequent = sorted((word for word in counts if counts[word] >= least), key=lambda word: (-counts[word], word))
        return cls(Vocabulary([*SPECIAL, *frequent][:size], unknown=UNKNOWN), room)

    def lacking(self, source: str) -> list[str]:
        """The words of a source that the vocabulary lacks, each once, as far as there is room."""
        return list(dict.fromkeys(word for word in pieces(source) if word not in self.vocabulary))[: self.room]

    def encode(self, text: str, lacking: Sequence[str] | None = None) -> np.ndarray:
        """Ids (T,) of a text whose source lacks these words; of a source itself, if they are not given."""
        own = {word: len(self) + k for k, word in enumerate(self.lacking(text) if lacking is None else lacking)}
        found = pieces(text)
        return np.array([own.get(w, i) for w, i in zip(found, self.vocabulary.ids(found), strict=True)], np.int64)

    def decode(self, ids: ArrayLike, lacking: Sequence[str]) -> str:
        """The text of ids (T,), the words that its source lacks being given; special symbols leave no trace."""
        found, V = [], len(self)
        for i in checked_ids(ids, V + self.room):
            if i >= V:
                found += lacking[i - V : i - V + 1]  # none, if this source lacks fewer
            elif i not in (self.unknown, self.pad, self.start, self.end):
                found += self.vocabulary.symbols([i])
        return join(found)

    def __len__(self) -> int:
        return len(self.vocabulary)


def pieces(text: str) -> list[str]:
    """The words of a text, in lower case.

    >>> pieces("Don't sum NaNs: 我读.")
    ['don', "'", 't', 'sum', 'nans', ':', '我', '读', '.']
    """
    utf8(text)
    return words(text.lower(), lowercase=False)


def join(pieces: Iterable[str]) -> str:
    """A text of these words, with spaces where people write them.

    >>> join(["don", "'", "t", "call", "set", "_", "x", "(", "y", ")", ".", "我", "读", "。"])
    "don't call set_x (y).我读。"
    """
    text = ""
    for piece in pieces:
        close = not text or text[-1] in OPENS + JOINS or piece in JOINS or stand_close(text[-1], piece[0])
        text += piece if close else " " + piece
    return text
