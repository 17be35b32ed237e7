"""Learn the pieces of words: the pair of neighbours with the highest score becomes one piece, again and again.

Schuster and Nakajima 2012, "Japanese and Korean Voice Search", section 3. Counts are kept while words are merged: only
those that hold the pair are looked at again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise

import numpy as np

GOES_ON = "##"  # in front of a piece that does not begin a word

# From count(ab) (P,), count(a) and count(b) (P,), and the number N of all symbols in the text.
SCORES: dict[str, Callable] = {
    "ratio": lambda together, a, b, n: together / (a * b),
    "likelihood": lambda together, a, b, n: together * np.log(n * together / (a * b)),
}


def learn_pieces(counts: Counter, size: int, score: str = "likelihood", least: int = 2) -> list[str]:
    """The `size` symbols, characters first, that words with these counts are made of; see `WordPieceTokenizer.train`.

    >>> learn_pieces(Counter({"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}), 10, score="ratio")
    ['##u', '##g', 'p', '##n', 'h', '##s', 'b', '##gs', '##ug', '##un']
    """
    if score not in SCORES:
        raise ValueError(f"score is {score!r}; expected one of {', '.join(SCORES)}")
    spelled = {word: [word[0], *(GOES_ON + character for character in word[1:])] for word in counts}
    symbols = _alphabet(spelled, counts)[:size]
    number = {symbol: i for i, symbol in enumerate(symbols)}
    known = [word for word, pieces in spelled.items() if all(piece in number for piece in pieces)]
    words = Words(
        [[number[piece] for piece in spelled[word]] for word in known], [counts[word] for word in known], size
    )
    while len(symbols) < size and (pair := words.best_pair(SCORES[score], least)):
        merged = symbols[pair[0]] + symbols[pair[1]].removeprefix(GOES_ON)
        if merged not in number:  # several pairs may give one piece
            number[merged] = len(symbols)
            symbols.append(merged)
        words.merge(pair, number[merged])
    return symbols


def _alphabet(spelled, counts) -> list[str]:
    """The characters, as first ones and as others, from the most frequent on."""
    characters = Counter()
    for word, pieces in spelled.items():
        for piece in pieces:
            characters[piece] += counts[word]
    return sorted(characters, key=lambda piece: (-characters[piece], piece))


class Words:
    """Words as lists of ids, and how often each id and each pair of neighbours occurs in the text.

    Pairs have places in the arrays `pairs` (P, 2) and `together` (P,); `homes` are the words that hold or held a pair.
    """

    def __init__(self, words: list[list[int]], weights: list[int], symbols: int):
        self.words, self.weights = words, weights
        self.alone = np.zeros(symbols)
        self.pairs, self.together = np.zeros((1024, 2), np.int64), np.zeros(1024)
        self.place: dict[tuple[int, int], int] = {}
        self.homes: dict[tuple[int, int], set[int]] = defaultdict(set)
        for w in range(len(words)):
            self._count(w, 1)

    def best_pair(self, score: Callable, least: int) -> tuple[int, int] | None:
        """The pair with the highest score of those that occur at least `least` times, if there is one."""
        often = np.flatnonzero(self.together >= max(least, 1))
        if not len(often):
            return None
        pairs = self.pairs[often]
        scores = score(self.together[often], *self.alone[pairs.T], self.alone.sum())
        return min(map(tuple, pairs[scores == scores.max()].tolist()))

    def merge(self, pair: tuple[int, int], new: int) -> None:
        """Make the pair one symbol in all words."""
        for w in self.homes.pop(pair):
            self._count(w, -1)
            self.words[w] = _merged(self.words[w], pair, new)
            self._count(w, 1)

    def _count(self, w, sign) -> None:
        for symbol in self.words[w]:
            self.alone[symbol] += sign * self.weights[w]
        for pair in pairwise(self.words[w]):
            place = self._place(pair)  # first: it may make the arrays anew
            self.together[place] += sign * self.weights[w]
            if sign > 0:
                self.homes[pair].add(w)

    def _place(self, pair) -> int:
        if pair not in self.place:
            place = self.place[pair] = len(self.place)
            if place == len(self.together):  # full: twice the room
                self.pairs = np.concatenate([self.pairs, np.zeros_like(self.pairs)])
                self.together = np.concatenate([self.together, np.zeros_like(self.together)])
            self.pairs[place] = pair
        return self.place[pair]


def _merged(word, pair, new) -> list[int]:
    """`word` with `new` wherever the pair stood, from left to right."""
    merged, i = [], 0
    while i < len(word):
        here = tuple(word[i : i + 2]) == pair
        merged.append(new if here else word[i])
        i += 1 + here
    return merged
