"""A vocabulary: symbols and their numbers."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike


class Vocabulary:
    """V symbols, each with an id: its position, 0 to V - 1.

    Parameters
    ----------
    symbols : iterable of str
        All different; special ones such as `"<pad>"` or `"<eos>"` are symbols like the others.
    unknown : str, optional
        The one of the symbols that stands for all that the vocabulary lacks. Without it such a symbol is an error.

    Raises
    ------
    ValueError
        If a symbol occurs twice, or `unknown` is not one of them.

    >>> vocabulary = Vocabulary(["<unk>", "to", "be"], unknown="<unk>")
    >>> vocabulary.ids(["to", "be", "or", "to"])
    array([1, 2, 0, 1])
    >>> vocabulary.symbols([2, 0])
    ['be', '<unk>']
    >>> len(vocabulary), "be" in vocabulary, vocabulary.id("be")
    (3, True, 2)
    """

    def __init__(self, symbols: Iterable[str], unknown: str | None = None):
        self._symbols = list(symbols)
        self._ids = {symbol: i for i, symbol in enumerate(self._symbols)}
        self.unknown = unknown
        if len(self._ids) < len(self._symbols):
            twice = next(symbol for i, symbol in enumerate(self._symbols) if self._ids[symbol] != i)
            raise ValueError(f"symbol {twice!r} occurs twice in symbols; each must have one id")
        if unknown is not None and unknown not in self:
            raise ValueError(f"unknown {unknown!r} is not one of the symbols; add it to them")

    def ids(self, symbols: Sequence[str]) -> np.ndarray:
        """The ids of symbols, int64.

        Raises
        ------
        ValueError
            At a symbol that the vocabulary lacks, if none stands for the unknown.
        """
        unknown = -1 if self.unknown is None else self._ids[self.unknown]
        ids = np.fromiter((self._ids.get(symbol, unknown) for symbol in symbols), np.int64, len(symbols))
        if len(ids) and ids.min() < 0:
            position = int(ids.argmin())
            raise ValueError(
                f"symbol {symbols[position]!r} at position {position} is not among the {len(self)} of the vocabulary; "
                "build it from text that has the symbol, or give it an unknown symbol"
            )
        return ids

    def id(self, symbol: str) -> int:
        """The id of one symbol."""
        return int(self.ids([symbol])[0])

    def symbols(self, ids: ArrayLike) -> list[str]:
        """The symbols of ids.

        Raises
        ------
        ValueError, TypeError
            If `ids` is not one sequence of whole numbers from 0 to V - 1.
        """
        return [self._symbols[i] for i in checked_ids(ids, len(self))]

    def to_json(self) -> dict:
        """What `from_json` takes, of types that JSON has."""
        return {"symbols": self._symbols, "unknown": self.unknown}

    @classmethod
    def from_json(cls, content: dict) -> "Vocabulary":
        """The vocabulary that `to_json` wrote."""
        return cls(content["symbols"], content["unknown"])

    def __len__(self) -> int:
        return len(self._symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.to_json() == other.to_json()

    __hash__ = None  # equal by content, which is a list

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} symbols, unknown={self.unknown!r})"


def checked_ids(ids: ArrayLike, size: int) -> list[int]:
    """The ids as a list, if they are one sequence of whole numbers from 0 to size - 1."""
    ids = np.asarray(ids)
    if ids.ndim != 1:
        raise ValueError(f"ids have shape {ids.shape}, expected one sequence (T,); take the rows one by one")
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"ids are {ids.dtype}, expected whole numbers; round or convert them first")
    outside = np.flatnonzero((ids < 0) | (ids >= size))
    if outside.size:
        raise ValueError(
            f"id {ids[outside[0]]} at position {outside[0]} is not one of 0 to {size - 1}; "
            "were these ids made with another vocabulary?"
        )
    return ids.tolist()
