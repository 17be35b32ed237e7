"""Tokenizers: from text to ids and back, by characters or by words. (By bytes and their merges: bpe.py.)"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from minilm.files import replacing

from .vocabulary import Vocabulary

UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # � stands for all that a vocabulary lacks

HAN = "〇㐀-䶿一-鿿豈-\ufaff\U00020000-\U000323af"  # Chinese characters: a word each
WORD = rf"[^\W{HAN}]+(?:['’][^\W{HAN}]+)*"  # o'er, king's, 7
BETWEEN_WORDS = rf"(?<=[^\W{HAN}])\ (?=[^\W{HAN}])"
PIECE = re.compile(rf"{BETWEEN_WORDS} | ({WORD} | [\s\S])", re.VERBOSE)
IS_WORD = re.compile(rf"{WORD}|{UNKNOWN}")


class Tokenizer:
    """What the tokenizers have in common: `train`, `encode`, `decode`, `save`; their length is V, the symbols."""

    name: str

    def unknown(self, text: str) -> list[str]:
        """The pieces of `text` that have no symbol of their own; none where bytes are symbols."""
        return []

    def bytes_after(self, previous: int, id: int) -> bytes:
        """What a token adds to a text that ends with another, in UTF-8; it may end within a character.

        >>> WordTokenizer.train("to be, or not").bytes_after(previous=6, id=3)
        b' be'
        """
        before = self.decode([previous])
        return self.decode([previous, id])[len(before) :].encode("utf-8")

    def save(self, path: str | Path) -> None:
        """Write it as JSON; `load_tokenizer` reads it."""
        content = json.dumps({"tokenizer": self.name, **self.to_json()}, ensure_ascii=False)
        with replacing(path) as temporary:
            temporary.write_text(content + "\n", encoding="utf-8", newline="\n")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} symbols)"


class SymbolTokenizer(Tokenizer):
    """A text is cut into pieces, and each piece is a symbol of the vocabulary."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary

    @classmethod
    def train(cls, text: str, size: int | None = None) -> "SymbolTokenizer":
        """Learn the symbols of `text`: of more than `size` (the unknown one included) the most frequent.

        Ids follow frequency, and the alphabet where that is equal; 0 is the unknown symbol.

        Raises
        ------
        ValueError
            If `size` leaves no room beside the unknown symbol, or `text` holds half a surrogate pair.
        """
        if size is not None and size < 2:
            raise ValueError(f"size {size} has no room for a symbol beside the unknown one; 2 is the least")
        utf8(text)
        counts = Counter(cls.pieces(text))
        del counts[UNKNOWN]
        frequent = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        symbols = [UNKNOWN, *frequent][:size]
        return cls(Vocabulary(symbols, unknown=UNKNOWN))

    def encode(self, text: str) -> np.ndarray:
        """The ids (T,) of `text`, int64; what the vocabulary lacks gets the id of �."""
        utf8(text)
        return self.vocabulary.ids(self.pieces(text))

    def unknown(self, text: str) -> list[str]:
        """The pieces of `text` that the vocabulary lacks, in their order, each as often as it occurs.

        >>> CharTokenizer.train("to be").unknown("to beg!")
        ['g', '!']
        """
        return [piece for piece in self.pieces(text) if piece not in self.vocabulary]

    def decode(self, ids: ArrayLike) -> str:
        """The text of ids (T,).

        Raises
        ------
        ValueError, TypeError
            If `ids` is not one sequence of ids of this vocabulary.
        """
        return self.join(self.vocabulary.symbols(ids))

    def to_json(self) -> dict:
        """What `from_json` takes, of types that JSON has."""
        return self.vocabulary.to_json()

    @classmethod
    def from_json(cls, content: dict) -> "SymbolTokenizer":
        """The tokenizer that `to_json` wrote."""
        return cls(Vocabulary.from_json(content))

    def __len__(self) -> int:
        return len(self.vocabulary)


class CharTokenizer(SymbolTokenizer):
    """Every character (Unicode code point) is a symbol. `decode(encode(text)) == text` if all of them are known.

    >>> tokenizer = CharTokenizer.train("to be or not to be")
    >>> len(tokenizer), tokenizer.encode("bet")
    (8, array([4, 5, 3]))
    >>> tokenizer.decode(tokenizer.encode("to beg"))
    'to be�'
    """

    name = "char"

    @staticmethod
    def pieces(text: str) -> Sequence[str]:
        """The characters."""
        return text

    @staticmethod
    def join(pieces: Iterable[str]) -> str:
        """The text of these characters."""
        return "".join(pieces)


class WordTokenizer(SymbolTokenizer):
    """Every word, Chinese character, punctuation mark and white-space character is a symbol.

    A word is a run of letters and digits, which may hold apostrophes. One space between two words goes without saying:
    it gets no symbol, and `join` puts it back. So `decode(encode(text)) == text`, exactly, if all symbols are known.
    (A � counts as a word here, as most unknown symbols are.)

    >>> tokenizer = WordTokenizer.train("To be, or not to be.\\n我喜欢读书。")
    >>> tokenizer.pieces("To be, or not")
    ['To', 'be', ',', ' ', 'or', 'not']
    >>> tokenizer.pieces("读书。")
    ['读', '书', '。']
    >>> tokenizer.decode(tokenizer.encode("not to know, 我喜欢"))
    'not to �, 我喜欢'
    """

    name = "word"

    @staticmethod
    def pieces(text: str) -> Sequence[str]:
        """Words, and whatever stands between them but for single spaces."""
        return [piece for piece in PIECE.findall(text) if piece]

    @staticmethod
    def join(pieces: Iterable[str]) -> str:
        """The text of these pieces, with a space between two words."""
        text, after_word = [], False
        for piece in pieces:
            word = IS_WORD.fullmatch(piece) is not None
            text.append(" " + piece if word and after_word else piece)
            after_word = word
        return "".join(text)


def utf8(text: str) -> bytes:
    """The bytes of `text`, if it is one that has any: Python's strings may hold lone surrogates, Unicode's may not."""
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}, expected str; decode bytes, join lists first")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text has half a surrogate pair, {text[error.start]!r}, at position {error.start}, which is no Unicode "
            "character: it was probably read with the wrong encoding; read it as what it is, or remove the character"
        ) from None
