"""WordPiece, BERT's tokenizer: words are cut into the longest pieces that the vocabulary has; ## marks what goes on.

Devlin et al. 2019, arXiv:1810.04805; Wu et al. 2016, arXiv:1609.08144, section 4.1; the training goes back to Schuster
and Nakajima 2012, "Japanese and Korean Voice Search".
"""

import functools
import string
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from .pieces import GOES_ON, learn_pieces
from .texts import read_text
from .tokenizers import Tokenizer, utf8
from .vocabulary import Vocabulary

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # padding, unknown, start, end of a sentence, hidden
UNKNOWN = "[UNK]"
# First and last of the blocks that BERT counts as Chinese characters, a word each.
HAN = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
       (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))  # fmt: skip


class WordPieceTokenizer(Tokenizer):
    """Ids of the pieces of words; white space is forgotten, and so are case and accents if `lowercase`.

    `decode` sets words apart as people write them, so `encode(decode(ids))` gives `ids` again (but for unknown words).

    Parameters
    ----------
    vocabulary : Vocabulary
        Pieces, those within words with ## in front; its unknown symbol stands for words that it cannot make up.
    lowercase : bool
        Whether to read Résumé as resume, as BERT's "uncased" models do.
    longest : int
        Words of more characters are unknown.

    Raises
    ------
    ValueError
        If the vocabulary has no unknown symbol.

    >>> symbols = ["[UNK]", "un", "##afford", "##able", "##a", "aff", ",", "读", "书"]
    >>> tokenizer = WordPieceTokenizer(Vocabulary(symbols, unknown="[UNK]"))
    >>> tokenizer.pieces("Unaffordable, 读书 xyz")
    ['un', '##afford', '##able', ',', '读', '书', '[UNK]']
    >>> tokenizer.decode(tokenizer.encode("UNAFFORDABLE,读书"))
    'unaffordable,读书'
    """

    name = "wordpiece"

    def __init__(self, vocabulary: Vocabulary, lowercase: bool = True, longest: int = 100):
        if vocabulary.unknown is None:
            raise ValueError(f"the vocabulary has no unknown symbol; name one, such as unknown={UNKNOWN!r}")
        self.vocabulary, self.lowercase, self.longest = vocabulary, lowercase, longest

    @classmethod
    def train(
        cls, text: str, size: int = 4096, lowercase: bool = True, score: str = "likelihood", least: int = 2
    ) -> "WordPieceTokenizer":
        """Start from characters, merge the pair of neighbours with the highest score, until there are `size` symbols.

        "likelihood" is count(ab) ln(N count(ab) / (count(a) count(b))), N the number of all symbols in the text: about
        what ln P(text) gains if each symbol has its share as probability. "ratio" is count(ab) / (count(a) count(b)),
        which is often given as WordPiece's: how much oftener a and b stand together than by chance. It loves rare
        pairs of rare symbols, so its pieces are short in common words. (BPE takes the highest count(ab).)

        Only pairs that occur `least` times are merged, so there may be fewer symbols than `size`. Of equals the pair is
        taken whose left, then right symbol entered the vocabulary first. Characters that are too many are left out, the
        rarest first.

        Raises
        ------
        ValueError
            If `size` leaves no room beside the special symbols, `score` is another, or `text` holds half a surrogate
            pair.
        """
        if size <= len(SPECIAL):
            raise ValueError(f"size {size} has no room beside the {len(SPECIAL)} special symbols; give more")
        symbols = learn_pieces(Counter(words(text, lowercase)), size - len(SPECIAL), score, least)
        return cls(Vocabulary([*SPECIAL, *symbols], unknown=UNKNOWN), lowercase)

    @classmethod
    def read(cls, path: str | Path, lowercase: bool = True) -> "WordPieceTokenizer":
        """The tokenizer of a `vocab.txt`, a piece on each line, as BERT models are published with.

        Raises
        ------
        OSError, ValueError
            If there is no such file, or it is no such vocabulary.
        """
        return cls(Vocabulary(read_text(path).rstrip("\n").split("\n"), unknown=UNKNOWN), lowercase)

    def pieces(self, text: str) -> list[str]:
        """The symbols that `encode` numbers."""
        found = words(text, self.lowercase)
        cut = {word: self._cut(word) for word in set(found)}
        return [piece for word in found for piece in cut[word]]

    def unknown(self, text: str) -> list[str]:
        """The words of `text` that the vocabulary cannot make up."""
        return [word for word in words(text, self.lowercase) if self._cut(word) == [self.vocabulary.unknown]]

    def encode(self, text: str) -> np.ndarray:
        """The ids (T,) of `text`, int64; [CLS] and [SEP] are the model's business."""
        return self.vocabulary.ids(self.pieces(text))

    def decode(self, ids: ArrayLike) -> str:
        """The text of ids (T,): no space beside Chinese characters and before closing punctuation.

        Raises
        ------
        ValueError, TypeError
            If `ids` is not one sequence of ids of this vocabulary.
        """
        text = ""
        for piece in self.vocabulary.symbols(ids):
            apart = text and not piece.startswith(GOES_ON) and not stand_close(text[-1], piece[0])
            text += " " * bool(apart) + piece.removeprefix(GOES_ON)
        return text

    def to_json(self) -> dict:
        """What `from_json` takes, of types that JSON has."""
        return {**self.vocabulary.to_json(), "lowercase": self.lowercase, "longest": self.longest}

    @classmethod
    def from_json(cls, content: dict) -> "WordPieceTokenizer":
        """The tokenizer that `to_json` wrote."""
        return cls(Vocabulary.from_json(content), content["lowercase"], content["longest"])

    def __len__(self) -> int:
        return len(self.vocabulary)

    def _cut(self, word) -> list[str]:
        found = longest_match(word, self.vocabulary) if len(word) <= self.longest else None
        return [self.vocabulary.unknown] if found is None else found


def longest_match(word: str, vocabulary: Vocabulary | set[str]) -> list[str] | None:
    """Cut `word` from the left into the longest pieces there are; None if at some place there is none.

    >>> longest_match("lowest", {"low", "lo", "##w", "##est", "##e", "lowes"}), longest_match("west", {"we", "##s"})
    (None, None)
    >>> longest_match("lowest", {"low", "lo", "##w", "##est", "##e"})
    ['low', '##est']
    """
    pieces, start = [], 0
    while start < len(word):
        candidates = (GOES_ON * (start > 0) + word[start:stop] for stop in range(len(word), start, -1))
        piece = next((candidate for candidate in candidates if candidate in vocabulary), None)
        if piece is None:
            return None
        pieces.append(piece)
        start += len(piece) - len(GOES_ON) * (start > 0)
    return pieces


def words(text: str, lowercase: bool = True) -> list[str]:
    """What WordPiece cuts further: runs of letters and digits, single punctuation marks and Chinese characters.

    Control characters vanish, and if `lowercase` accents too.

    >>> words("Don't: 我读 Bücher\\u0007!")
    ['don', "'", 't', ':', '我', '读', 'bucher', '!']
    """
    utf8(text)
    text = text.translate({ord(c): _seen(c) for c in set(text)})
    if lowercase:
        text = unicodedata.normalize("NFD", text)  # é becomes e and an accent
        text = text.translate({ord(c): "" if unicodedata.category(c) == "Mn" else c.lower() for c in set(text)})
    return text.translate({ord(c): f" {c} " for c in set(text) if _stands_alone(c)}).split()


@functools.cache
def _seen(character) -> str:
    """A space for white space, nothing for control, format and private characters."""
    category = unicodedata.category(character)
    if character in "\t\n\r" or category[0] == "Z":
        return " "
    return "" if category in ("Cc", "Cf", "Co") or character == "\N{REPLACEMENT CHARACTER}" else character


@functools.cache
def _stands_alone(character) -> bool:
    return _is_punctuation(character) or _is_chinese(character)


def _is_chinese(character) -> bool:
    return any(first <= ord(character) <= last for first, last in HAN)


def _is_punctuation(character) -> bool:
    return character in string.punctuation or unicodedata.category(character)[0] == "P"


def stand_close(before, after) -> bool:
    """Whether people write no space between two characters."""
    wide = any(unicodedata.east_asian_width(c) in "WF" and _stands_alone(c) for c in (before, after))
    return wide or after in ",.;:!?)]}%"
