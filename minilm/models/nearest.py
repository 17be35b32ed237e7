"""The nearest example: answer a source as the most similar known one was answered. A baseline that only copies."""

from collections.abc import Hashable, Sequence

import numpy as np

from minilm.metrics import ngrams


class Nearest:
    """argmaxᵢ cos(v(x), v(xᵢ)), where v counts n-grams, each weighted by idf(g) = ln(N / number of sources with g).

    The cosine of weighted counts is the vector space model (Salton et al. 1975). For each n-gram the sources that have
    it are listed, so a search looks at those alone that share one with x.

    Parameters
    ----------
    sources : sequence of N sequences
        Of characters (a string is one) or of words.
    order : int
        The longest n-grams.

    >>> nearest = Nearest(["我喜欢读书。", "他在睡觉。", "我喜欢你。"])
    >>> nearest.find("他喜欢读书！")
    0
    """

    def __init__(self, sources: Sequence[Sequence[Hashable]], order: int = 3):
        if not len(sources):
            raise ValueError("there are no sources; expected at least one")
        self.order, self.N = order, len(sources)
        counts = [self._counts(source) for source in sources]
        places: dict[Hashable, list[int]] = {}
        for i, count in enumerate(counts):
            for gram in count:
                places.setdefault(gram, []).append(i)
        self.idf = {gram: np.log(self.N / len(where)) for gram, where in places.items()}
        lengths = np.array([self._length(count) for count in counts])
        self.listed = {
            gram: (np.array(where), self.idf[gram] * np.array([counts[i][gram] for i in where]) / lengths[where])
            for gram, where in places.items()
        }  # n-gram -> the sources that have it, and its share in their vectors of length 1

    def find(self, source: Sequence[Hashable]) -> int:
        """The number of the nearest source: of equally near ones the first, and 0 if none has anything in common."""
        similarity = np.zeros(self.N)
        for gram, count in self._counts(source).items():
            if gram in self.listed:
                where, share = self.listed[gram]
                similarity[where] += self.idf[gram] * count * share
        return int(similarity.argmax())

    def _counts(self, source):
        return sum((ngrams(source, n) for n in range(2, self.order + 1)), ngrams(source, 1))

    def _length(self, count) -> float:
        return np.sqrt(sum((self.idf[gram] * c) ** 2 for gram, c in count.items())) or 1.0
