"""The nearest of many texts: a baseline that learns nothing, and shows whether a test set leaks."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from .copying import pieces


class Nearest:
    """Finds the text with the greatest cosine Σᵥ aᵥ bᵥ / |a| |b|, where aᵥ = (1 + ln count) ln(N / texts with word v).

    (tf-idf: Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval")

    >>> texts = Nearest(["open a file", "close a file", "sum the rows of an array"])
    >>> texts("which rows have a sum?"), texts("it is not open")
    (2, 0)
    """

    def __init__(self, texts: Sequence[str]):
        counts = [Counter(pieces(text)) for text in texts]
        having = Counter(word for count in counts for word in count)
        self.rarity = {word: np.log(len(texts) / n) for word, n in having.items()}
        places: dict[str, list] = defaultdict(list)  # of each word: in which texts, with which weight
        for i, count in enumerate(counts):
            for word, weight in self._unit(count).items():
                places[word].append((i, weight))
        self.places = {word: tuple(map(np.array, zip(*found, strict=True))) for word, found in places.items()}
        self.number = len(texts)

    def __call__(self, text: str) -> int:
        """The index of the nearest text; the first of equals, 0 if none shares a word."""
        score = np.zeros(self.number)
        for word, weight in self._unit(Counter(pieces(text))).items():
            rows, weights = self.places[word]
            score[rows] += weight * weights  # a text is listed once for each word
        return int(score.argmax())

    def _unit(self, count):
        weights = {word: (1 + np.log(n)) * self.rarity[word] for word, n in count.items() if self.rarity.get(word)}
        length = np.sqrt(sum(weight**2 for weight in weights.values()))
        return {word: weight / length for word, weight in weights.items()}
