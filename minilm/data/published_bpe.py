"""Byte-level BPE as GPT-2 and its followers publish it: symbols have ids and spellings of their own.

Merges are applied as in bpe.py, to numbers of our own: the bytes, then what each merge makes.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from minilm.kernels.merges import END, apply_merges

from .bpe import BYTES, ByteTokenizer
from .cut import cuts
from .tokenizers import utf8
from .vocabulary import Vocabulary

# A byte is spelled as the character of its number where that can be seen, and else as one of those from Ā on.
SEEN = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
UNSEEN = [byte for byte in range(BYTES) if byte not in SEEN]
BYTE_OF = {chr(byte): byte for byte in SEEN} | {chr(BYTES + i): byte for i, byte in enumerate(UNSEEN)}
SPELLING = {byte: character for character, byte in BYTE_OF.items()}
SETTINGS = ("symbols", "merges", "special", "digits_alone")
REMEMBERED = 2**22  # characters of words whose ids are kept


class PublishedBPE(ByteTokenizer):
    """Merges of bytes within pieces of text (Radford et al. 2019, section 2.2), and special symbols, which are no text.

    `decode(encode(text)) == text` if every byte has a symbol. Some vocabularies lack rare bytes, which are left out.

    Parameters
    ----------
    symbols : iterable of str
        V symbols in the order of their ids, spelled as GPT-2 spells bytes: Ġ is a space.
    merges : iterable of (str, str)
        Pairs of symbols, in the order in which they were learned.
    special : collection of str
        The symbols that steer a model, such as <|endoftext|>; spelled as they are.
    digits_alone : bool
        Whether each digit is a piece of its own, as in SmolLM2; in GPT-2 a run of them is one.

    Raises
    ------
    ValueError
        If a symbol occurs twice or spells no bytes, or a merge is of symbols that are not there, or makes none.

    Attributes
    ----------
    tokens : list of bytes
        The V symbols as the bytes that they stand for.
    lacking : bytes
        Those that have no symbol.

    >>> symbols = ["<|end|>", "l", "o", "w", "e", "r", "Ġ", "lo", "low", "Ġlow", "er"]
    >>> merges = [("l", "o"), ("lo", "w"), ("Ġ", "low"), ("e", "r")]
    >>> tokenizer = PublishedBPE(symbols, merges, special=["<|end|>"])
    >>> tokenizer.encode("low lower<|end|>")
    array([ 8,  9, 10,  0])
    >>> tokenizer.decode([8, 9, 10, 0]), tokenizer.tokens[9], tokenizer.unknown("löwe")
    ('low lower<|end|>', b' low', ['ö'])
    """

    name = "published-bpe"

    def __init__(
        self,
        symbols: Iterable[str],
        merges: Iterable[Sequence[str]],
        special: Collection[str] = (),
        digits_alone: bool = False,
    ):
        self.symbols, self.merges, self.digits_alone = list(symbols), list(map(tuple, merges)), digits_alone
        vocabulary = Vocabulary(self.symbols)
        self.special = {symbol: vocabulary.id(symbol) for symbol in special}
        self.tokens = [symbol.encode() if symbol in self.special else _bytes(symbol) for symbol in self.symbols]
        self._pairs, self._ids = _numbered(self.merges, self.symbols)
        self.lacking = bytes(np.flatnonzero(self._ids[:BYTES] < 0).tolist())
        longest_first = map(re.escape, sorted(self.special, key=len, reverse=True))
        self._special = re.compile(f"({'|'.join(longest_first)})" if self.special else "(?!)")
        self._remembered: dict[str, list[int]] = {}
        self._room = REMEMBERED

    def encode(self, text: str, shield: str = "") -> np.ndarray:
        """The ids (T,) of `text`, int64, in which special symbols have theirs.

        The character `shield` is left out, but only once these are found: see `shielded`.
        """
        utf8(text)
        ids = []
        for i, part in enumerate(self._special.split(text)):  # text, special symbol, text, and so on
            ids += [self.special[part]] if i % 2 else self._plain(part.replace(shield, "") if shield else part)
        return np.array(ids, np.int64)

    def shielded(self, text: str, shield: str) -> str:
        """`text` with that character around every character of special symbols, so that `encode` takes them for text.

        (Special symbols of one character, which published tokenizers hardly have, stay what they are.)
        """
        return self._special.sub(lambda found: shield.join(["", *found[0], ""]), text.replace(shield, ""))

    def unknown(self, text: str) -> list[str]:
        """The characters of `text` that have a byte without a symbol."""
        return [character for character in text if any(byte in self.lacking for byte in utf8(character))]

    def to_json(self) -> dict:
        """What `from_json` takes, of types that JSON has."""
        return {name: getattr(self, name) for name in SETTINGS} | {"special": list(self.special)}

    @classmethod
    def from_json(cls, content: dict) -> "PublishedBPE":
        """The tokenizer that `to_json` wrote."""
        return cls(**{name: content[name] for name in SETTINGS})

    def _plain(self, text) -> list[int]:
        """The ids of text without special symbols. Words are merged once, and then remembered."""
        places = [*np.flatnonzero(cuts(text, self.digits_alone)).tolist(), len(text)]
        words = [text[start:stop] for start, stop in pairwise(places)]
        known = self._remembered  # this one, also if another thread forgets it
        if new := [word for word in dict.fromkeys(words) if word not in known]:
            known |= zip(new, self._merged(new), strict=True)
        ids = [i for word in words for i in known[word]]
        self._room -= sum(map(len, new))
        if self._room < 0:  # forget all: what is frequent is soon there again
            self._remembered, self._room = {}, REMEMBERED
        return ids

    def _merged(self, words) -> Iterator[list[int]]:
        """The ids of each word."""
        numbers = [number for word in words for number in (*utf8(word).translate(None, self.lacking), END)]
        numbers = apply_merges(np.array(numbers, np.int32), self._pairs, BYTES)
        ends = np.flatnonzero(numbers == END).tolist()
        ids = self._ids[numbers].tolist()
        return (ids[start + 1 : stop] for start, stop in pairwise([-1, *ends]))


def _bytes(symbol) -> bytes:
    """The bytes that a symbol spells."""
    try:
        return bytes(BYTE_OF[character] for character in symbol)
    except KeyError as error:
        raise ValueError(
            f"symbol {symbol!r} has {error}, which spells no byte; expected GPT-2's spelling, or one of special"
        ) from None


def _numbered(merges, symbols) -> tuple[np.ndarray, np.ndarray]:
    """Merges as pairs of our numbers (M, 2), and the id of each number (256 + M,): -1 for a byte without symbol."""
    ids = {symbol: i for i, symbol in enumerate(symbols)}
    numbers = {SPELLING[byte]: byte for byte in range(BYTES)}
    pairs = np.empty((len(merges), 2), np.int32)
    for k, pair in enumerate(merges):
        made = "".join(pair)
        known = numbers.keys() >= set(pair) and ids.keys() >= {made, *pair}
        if len(pair) != 2 or not known or made in numbers:
            raise ValueError(f"merges[{k}] is {pair}, expected two symbols made before, which make another symbol")
        pairs[k] = numbers[pair[0]], numbers[pair[1]]
        numbers[made] = BYTES + k
    return pairs, np.array([ids.get(symbol, -1) for symbol in numbers])
