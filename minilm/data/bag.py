"""A text as the n-grams that are in it, each with its number of times, in no order: a bag."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .tokenizers import WordTokenizer


class Bags(NamedTuple):
    """A matrix X (N, V) that is nearly all 0: X[rows[k], columns[k]] = values[k]."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]

    def times(self, W: np.ndarray) -> np.ndarray:
        """X W.   W (V, C)   ->   (N, C)"""
        return _summed(self.rows, self.values, W[self.columns], self.shape[0])

    def transposed_times(self, G: np.ndarray) -> np.ndarray:
        """Xᵀ G.   G (N, C)   ->   (V, C)"""
        return _summed(self.columns, self.values, G[self.rows], self.shape[1])

    def presence(self) -> "Bags":
        """Whether an n-gram is there, 0 or 1, divided by the row's length √(Σ x²): long texts count like short ones."""
        there = np.bincount(self.rows, minlength=self.shape[0])
        return self._replace(values=1 / np.sqrt(there[self.rows]))


def _summed(places, values, factors, number):
    """y[places[k]] += values[k] factors[k], (number, C)"""
    columns = [np.bincount(places, values * factor, minlength=number) for factor in factors.T]
    return np.stack(columns, axis=1)


class BagOfNGrams:
    """The n-grams of some texts, as the columns of `Bags`.

    Parameters
    ----------
    texts : iterable of str
        Those to learn from: an n-gram that none of them holds has no column, and is passed over later.
    pieces : function
        From a text to its tokens: `characters` or `words`.
    longest : int
        n from 1 to this.
    least : int
        N-grams found fewer times have no column either.

    Raises
    ------
    ValueError
        If no n-gram is left.

    >>> bag = BagOfNGrams(["好书", "好好看"], characters, longest=2)
    >>> sorted(bag.columns)
    ['书', '好', '好书', '好好', '好看', '看']
    >>> bags = bag(["好好好"])
    >>> bags.shape, bags.values.tolist()  # 好 three times, 好好 twice
    ((1, 6), [3.0, 2.0])
    """

    def __init__(self, texts: Iterable[str], pieces: Callable[[str], Sequence[str]], *, longest: int, least: int = 1):
        self.pieces, self.longest = pieces, longest
        counts = Counter(gram for text in texts for gram in self.ngrams(text))
        kept = [gram for gram, count in counts.items() if count >= least]
        if not kept:
            raise ValueError(f"none of {len(counts)} n-grams occurs {least} times; give more texts, or a smaller least")
        self.columns = {gram: column for column, gram in enumerate(kept)}

    def ngrams(self, text: str) -> list[str]:
        """The n-grams of a text, n = 1 first; tokens of more than one character are set apart by a space."""
        tokens = self.pieces(text)
        join = "".join if isinstance(tokens, str) else " ".join
        return [
            join(tokens[i : i + n]) for n in range(1, self.longest + 1) for i in range(len(tokens) - n + 1)
        ]  # fmt: skip

    def __call__(self, texts: Iterable[str]) -> Bags:
        """How often each n-gram is in each text."""
        found = [Counter(gram for gram in self.ngrams(text) if gram in self.columns) for text in texts]
        rows = np.repeat(np.arange(len(found)), [len(counts) for counts in found])
        columns = np.array([self.columns[gram] for counts in found for gram in counts], np.int64)
        values = np.array([count for counts in found for count in counts.values()], float)
        return Bags(rows, columns, values, (len(found), len(self.columns)))


def characters(text: str) -> str:
    """The characters of a text, in lower case, without white space.

    >>> characters("我 OK")
    '我ok'
    """
    return "".join(text.lower().split())


def words(text: str) -> list[str]:
    """The words and signs of a text, in lower case; every Chinese character counts as a word.

    >>> words("A fine film, 很好")
    ['a', 'fine', 'film', ',', '很', '好']
    """
    return [piece for piece in WordTokenizer.pieces(text.lower()) if piece.strip()]
