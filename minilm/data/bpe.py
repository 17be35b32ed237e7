"""Byte-pair encoding over bytes: no symbol is ever unknown, and frequent words are one token."""

import numpy as np
from numpy.typing import ArrayLike

from minilm.kernels.merges import END, apply_merges, learn_merges
from minilm.kernels.words import number_words

from .cut import cuts
from .tokenizers import Tokenizer, utf8
from .vocabulary import checked_ids

BYTES = 256


class ByteTokenizer(Tokenizer):
    """A tokenizer whose symbols are strings of bytes: `tokens` has that of each id."""

    tokens: list[bytes]

    def decode(self, ids: ArrayLike) -> str:
        """The text of ids (T,); bytes that are no whole character become �.

        Raises
        ------
        ValueError, TypeError
            If `ids` is not one sequence of ids of this tokenizer.
        """
        return b"".join([self.tokens[i] for i in checked_ids(ids, len(self))]).decode("utf-8", errors="replace")

    def bytes_after(self, previous: int, id: int) -> bytes:
        return self.tokens[id]

    def __len__(self) -> int:
        return len(self.tokens)


class BPETokenizer(ByteTokenizer):
    """Ids 0 to 255 are the bytes of UTF-8; id 256 + k is the k-th merge of two earlier ones.

    `decode(encode(text)) == text` for every Unicode text. Byte-level BPE: Radford et al. 2019 (GPT-2), section 2.2;
    Sennrich et al. 2016, arXiv:1508.07909.

    Parameters
    ----------
    merges : array_like (M, 2)
        Pairs of ids, in the order in which they were learned.

    Raises
    ------
    ValueError
        If a merge names an id that is not made before it.

    >>> tokenizer = BPETokenizer.train("low low low lower lowest 我喜欢我", size=262)
    >>> tokenizer.tokens[256:259]
    [b'lo', b'low', b' low']
    >>> tokenizer.encode("lower")
    array([257, 101, 114])
    >>> tokenizer.decode(tokenizer.encode("猫 is lower 🐈"))
    '猫 is lower 🐈'
    """

    name = "bpe"

    def __init__(self, merges: ArrayLike):
        self.merges = np.asarray(merges, np.int32).reshape(-1, 2)
        self.tokens = [bytes([byte]) for byte in range(BYTES)]
        for left, right in self.merges.tolist():
            if not (0 <= left < len(self) and 0 <= right < len(self)):
                raise ValueError(f"merges[{len(self) - BYTES}] is ({left}, {right}), expected ids below {len(self)}")
            self.tokens.append(self.tokens[left] + self.tokens[right])

    @classmethod
    def train(cls, text: str, size: int = 4096) -> "BPETokenizer":
        """Merge the most frequent pair of neighbours (of several the smallest) until there are `size` symbols.

        There will be fewer if before that no pair occurs twice.

        Raises
        ------
        ValueError
            If `size` is less than the 256 bytes, or `text` holds half a surrogate pair.
        """
        if size < BYTES:
            raise ValueError(f"size {size} is less than the {BYTES} bytes, which are always symbols; give more")
        words, number = _distinct_words(text)
        return cls(learn_merges(words, np.bincount(number), BYTES, size - BYTES))

    def encode(self, text: str) -> np.ndarray:
        """The ids (T,) of `text`, int64."""
        words, number = _distinct_words(text)
        ids = apply_merges(words, self.merges, BYTES)
        ends = np.flatnonzero(ids == END)
        starts = np.append(0, ends + 1)[:-1]
        return runs(ids, starts[number], (ends - starts)[number]).astype(np.int64)

    def to_json(self) -> dict:
        """What `from_json` takes, of types that JSON has."""
        return {"merges": self.merges.tolist()}

    @classmethod
    def from_json(cls, content: dict) -> "BPETokenizer":
        """The tokenizer that `to_json` wrote."""
        return cls(content["merges"])


def _distinct_words(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of the distinct words, each closed by END, and for each word of the text which of them it is."""
    data = np.frombuffer(utf8(text), np.uint8)
    begins = data & 0b1100_0000 != 0b1000_0000  # the first byte of a character: its others are 10xxxxxx
    begins[begins] = cuts(text)
    return number_words(data, np.flatnonzero(begins))


def runs(values: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Runs of values, one after the other.

    >>> runs(np.array([5, 6, 7, 8]), starts=np.array([2, 0]), lengths=np.array([2, 3]))
    array([7, 8, 5, 6, 7])
    """
    ends = np.cumsum(lengths)
    return values[np.repeat(starts - ends + lengths, lengths) + np.arange(lengths.sum())]
