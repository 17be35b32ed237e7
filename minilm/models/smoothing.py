"""Counting n-grams, and what the three smoothings make of the counts.

The n-grams of a text form a tree. Each has a number within its order, and an n-gram is written as one integer:

    key = (number of its first n − 1 tokens) · V + its last token

so that counting is sorting integers, and looking one up is a binary search, for any order and any vocabulary.
"""

import numpy as np

UNSEEN = -1  # the number of an n-gram that the text does not contain
SHORT = -2  # the number of a context that would reach back beyond the beginning


def count(ids: np.ndarray, vocabulary: int, order: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The sorted keys of the n-grams of a text and their counts, for n = 1 … order.   ids (N,)

    >>> count(np.array([0, 1, 0, 1, 1]), vocabulary=2, order=2)[1]  # 01 twice, 10 and 11 once
    (array([1, 2, 3]), array([2, 1, 1]))
    """
    levels = []
    grams = np.zeros(len(ids) + 1, np.int64)  # the number of the n-gram that begins at each place: the empty 0-gram
    for n in range(order):
        possible = vocabulary * (len(levels[-1][0]) if levels else 1)
        keys, grams, counts = distinct(grams[:-1] * vocabulary + ids[n:], possible)
        levels.append((keys, counts))
    return levels


def distinct(keys: np.ndarray, possible: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct keys, sorted, the place of each key among them, and how often each occurs. All are below `possible`.

    >>> distinct(np.array([7, 2, 7]), possible=9)
    (array([2, 7]), array([1, 0, 1]), array([1, 2]))
    """
    if possible > 4 * len(keys):
        return np.unique(keys, return_inverse=True, return_counts=True)
    counts = np.bincount(keys, minlength=possible)  # a table of all there could be: ten times as fast as sorting
    occurring = np.flatnonzero(counts)
    place = np.cumsum(counts > 0) - 1
    return occurring, place[keys], counts[occurring]


class Level:
    """The distinct n-grams of one order, with `lower` those of the order below.

    prefix, suffix (U,): the numbers of the first and the last n − 1 tokens of each.
    gain (U + 2,), back (contexts + 2,): the mixture that a smoothing makes; the last two entries are for SHORT, UNSEEN.
    """

    def __init__(self, keys, counts, lower, vocabulary):
        self.keys, self.counts, self.vocabulary = keys, counts, vocabulary
        self.prefix, last = np.divmod(keys, vocabulary)
        self.suffix = lower.find(lower.suffix[self.prefix], last) if lower else np.zeros_like(keys)
        self.contexts = len(lower.keys) if lower else 1

    def find(self, context: np.ndarray, token: np.ndarray) -> np.ndarray:
        """The numbers of context + token; UNSEEN if the text has no such n-gram, SHORT after a SHORT context."""
        key = context * self.vocabulary + token
        number = np.searchsorted(self.keys, key)
        found = self.keys.take(number, mode="clip") == key
        return np.where(found, number, np.minimum(context, UNSEEN))

    def per_context(self, values: np.ndarray) -> np.ndarray:
        """The sum of values (U,) over the n-grams that share a context.   ->   (contexts,)"""
        return np.bincount(self.prefix, weights=values, minlength=self.contexts)

    def mix(self, gain: np.ndarray, back: np.ndarray) -> None:
        """pₙ(w | h) = gain(h w) + back(h) · pₙ₋₁(w | h′); what the text has not gains 0 and backs off wholly."""
        self.gain, self.back = np.append(gain, [0, 0]), np.append(back, [1, 1])


def kneser_ney(model) -> None:
    """gain = max(c(hw) − Dₙ, 0) / c(h), back = Dₙ · |{v : c(hv) > 0}| / c(h)"""
    for level, higher in zip(model.levels, [*model.levels[1:], None], strict=True):
        c = np.bincount(higher.suffix, minlength=len(level.keys)) if higher else level.counts
        total = level.per_context(c)
        D, c_h = discount(c), np.maximum(total, 1)  # a total of 0: a context that only ends the text
        level.mix(np.maximum(c - D, 0) / c_h[level.prefix], np.where(total > 0, D * level.per_context(c > 0) / c_h, 1))


def discount(counts: np.ndarray) -> float:
    """D = n₁ / (n₁ + 2 n₂), where n₁ and n₂ are how many counts are 1 and 2; ½ if none is 1."""
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    return float(once / (once + 2 * twice)) if once else 0.5


def add_k(model) -> None:
    """gain = c(hw) / (c(h) + k V), back = k V / (c(h) + k V)"""
    added = model.k * model.vocabulary
    for level in model.levels:
        total = level.per_context(level.counts) + added
        level.mix(level.counts / total[level.prefix], added / total)


def jelinek_mercer(model) -> None:
    """gain = λₙ c(hw) / c(h), back = 1 − λₙ"""
    for level, weight in zip(model.levels, mixture_weights(*left_out(model.levels), 1 / model.vocabulary), strict=True):
        total = level.per_context(level.counts)
        level.mix(weight * level.counts / total[level.prefix], np.where(total > 0, 1 - weight, 1))


def left_out(levels: list[Level]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each n-gram of the highest order, predicted by the counts without one occurrence of it.

    Returns p (order, U), the relative frequencies by order; known (order, U), whether the context is there at all
    without it; and how often the n-gram occurs (U,).
    """
    p, known, gram = [], [], np.arange(len(levels[-1].keys))
    for level in reversed(levels):
        others = level.per_context(level.counts)[level.prefix[gram]] - 1
        p.append((level.counts[gram] - 1) / np.maximum(others, 1))
        known.append(others > 0)
        gram = level.suffix[gram]
    return np.array(p[::-1]), np.array(known[::-1]), levels[-1].counts


def mixture_weights(p, known, often, uniform, rounds=10):
    """λₙ by expectation maximisation: from the highest order down, λₙ is the chance to stop at order n, if its context
    is known, and to draw the token from its frequencies.   p, known (order, U)   often (U,)   ->   (order,)
    """
    weights = np.full(len(p), 0.5)
    for _ in range(rounds):
        stop = weights[:, None] * known
        arrive = np.ones_like(stop)
        arrive[:-1] = np.cumprod(1 - stop[:0:-1], axis=0)[::-1]  # did not stop at any order above
        stopped = arrive * stop * p
        fell_through = arrive[0] * (1 - stop[0]) * uniform
        likelihood = stopped.sum(axis=0) + fell_through
        reached = np.cumsum(stopped, axis=0) + fell_through  # stopped here or further down
        stops, arrivals = stopped @ (often / likelihood), (known * reached) @ (often / likelihood)
        weights = (stops + 1) / (arrivals + 2)  # as if each had been seen once: neither 0 nor 1
    return weights
