"""Byte-pair encoding over bytes: no symbol is ever unknown, and frequent words are one token."""

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from minilm.kernels.merges import END, apply_merges, learn_merges

from .tokenizers import Tokenizer, utf8
from .vocabulary import checked_ids

BYTES = 256

# Merges stay within these pieces: GPT-2's pattern, written for the standard library. Its \p{L} are letters here,
# numerals that are no decimal digits (², Ⅷ) included; its \p{N} are decimal digits.
WORD = re.compile(
    r"""'(?:[sdmt]|ll|ve|re)    # 's 'll, the endings of English
      | [ ]?[^\W\d_]+           # letters, with the space before them
      | [ ]?\d+
      | [ ]?(?:[^\s\w]|_)+      # punctuation
      | \s+(?!\S)               # white space, less the last space before a word
      | \s+""",
    re.VERBOSE,
)


class BPETokenizer(Tokenizer):
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
        utf8(text)
        words = Counter(WORD.findall(text))
        weights = np.fromiter(words.values(), np.int64, len(words))
        return cls(learn_merges(_bytes_of(words), weights, BYTES, size - BYTES))

    def encode(self, text: str) -> np.ndarray:
        """The ids (T,) of `text`, int64."""
        utf8(text)
        words = WORD.findall(text)
        distinct = {word: i for i, word in enumerate(dict.fromkeys(words))}
        ids = apply_merges(_bytes_of(distinct), self.merges, BYTES)
        pieces = np.split(ids, np.flatnonzero(ids == END) + 1)
        ids = np.concatenate([ids[:0], *(pieces[distinct[word]] for word in words)])
        return ids[ids != END].astype(np.int64)

    def decode(self, ids: ArrayLike) -> str:
        """The text of ids (T,); bytes that are no whole character become �.

        Raises
        ------
        ValueError, TypeError
            If `ids` is not one sequence of ids of this tokenizer.
        """
        return b"".join([self.tokens[i] for i in checked_ids(ids, len(self))]).decode("utf-8", errors="replace")

    def to_json(self) -> dict:
        """What `from_json` takes, of types that JSON has."""
        return {"merges": self.merges.tolist()}

    @classmethod
    def from_json(cls, content: dict) -> "BPETokenizer":
        """The tokenizer that `to_json` wrote."""
        return cls(content["merges"])

    def __len__(self) -> int:
        return len(self.tokens)


def _bytes_of(words: Iterable[str]) -> np.ndarray:
    """The bytes of words, each closed by END, as the kernels want them. (Byte 255 does not occur in UTF-8.)"""
    joined = b"".join(word.encode("utf-8") + b"\xff" for word in words)
    ids = np.frombuffer(joined, np.uint8).astype(np.int32)
    ids[ids == 255] = END
    return ids
