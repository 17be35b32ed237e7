"""What a GPT remembers of the texts it is writing: the keys and values of their tokens, in every block."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from minilm.kernels.decode import NOWHERE

from .attention import KeyValues


@dataclass
class Store:
    """Keys and values (L, R, H, places, D) in R rows, of which the first used (R,) places are taken."""

    keys: np.ndarray
    values: np.ndarray
    used: np.ndarray


@dataclass(frozen=True)
class Cache:
    """B texts of up to T tokens: the t-th token of text b is in row origin[b, t] of the store, NOWHERE after its end.

    In beam search texts share their beginnings, and which of them live on changes with every token: only `origin`
    does. Several caches may share a store, like slices of a list: the first that grows takes its free places, any
    other gets a store of its own. So a cache never changes for who holds it.
    """

    store: Store
    origin: np.ndarray

    @classmethod
    def of(cls, past: list[KeyValues]) -> Self:
        """The keys and values of all blocks, (B, H, T, D) each."""
        B, H, T, D = past[0].keys.shape
        store = _room(len(past), B, H, T, D, past[0].keys.dtype)
        for block, (keys, values) in enumerate(past):
            store.keys[block, :, :, :T], store.values[block, :, :, :T] = keys, values
        store.used[:] = T
        return cls(store, np.repeat(np.arange(B)[:, None], T, axis=1))

    @property
    def lengths(self) -> np.ndarray:
        """How many tokens each text has (B,)."""
        return (self.origin != NOWHERE).sum(axis=1)

    def with_room(self) -> Self:
        """This cache with a free place for the next token of each text, which `decode` will fill."""
        B, lengths = len(self.origin), self.lengths
        free = len(self.store.used) >= B and (self.store.used[:B] <= lengths).all()
        free &= lengths.max(initial=0) < self.store.keys.shape[3]
        cache = self if free else self.join()
        cache.store.used[:B] = lengths + 1
        return Cache(cache.store, append(cache.origin, np.arange(B)))

    def reorder(self, rows: ArrayLike) -> Self:
        """The texts `rows`, in that order."""
        return Cache(self.store, self.origin[rows])

    def join(self, *others: Self) -> Self:
        """These texts and those of the others, in a store of their own."""
        caches = (self, *others)
        L, _, H, _, D = self.store.keys.shape
        origin = stack([cache.origin for cache in caches])
        store = _room(L, len(origin), H, origin.shape[1], D, self.store.keys.dtype)
        for cache, rows in zip(caches, _shares(caches), strict=True):
            T = cache.origin.shape[1]
            for old, new in ((cache.store.keys, store.keys), (cache.store.values, store.values)):
                copied = old[:, cache.origin, :, np.arange(T)]  # (B, T, L, H, D)
                new[:, rows, :, :T] = copied.transpose(2, 0, 3, 1, 4)
            store.used[rows] = cache.lengths
        return Cache(store, np.where(origin == NOWHERE, NOWHERE, np.arange(len(origin))[:, None]))


def append(texts: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Each text (B, T) with a new token (B,) at its end; NOWHERE is what there is behind that.

    >>> append(np.array([[5, 6, 7], [8, -1, -1]]), np.array([1, 2]))
    array([[ 5,  6,  7,  1],
           [ 8,  2, -1, -1]])
    """
    lengths = (texts != NOWHERE).sum(axis=1)
    longer = np.full((len(texts), lengths.max() + 1), NOWHERE)
    longer[:, :-1] = texts[:, : longer.shape[1] - 1]
    longer[np.arange(len(texts)), lengths] = new
    return longer


def stack(parts: list[np.ndarray]) -> np.ndarray:
    """Texts of several arrays (B, T) in one, as long as the longest.

    >>> stack([np.array([[5, 6, 7]]), np.array([[8], [9]])])
    array([[ 5,  6,  7],
           [ 8, -1, -1],
           [ 9, -1, -1]])
    """
    longest = max(part.shape[1] for part in parts)
    rows = [np.pad(part, ((0, 0), (0, longest - part.shape[1])), constant_values=NOWHERE) for part in parts]
    return np.concatenate(rows)


def _shares(caches):
    """The rows of each cache in a store for all."""
    ends = np.cumsum([len(cache.origin) for cache in caches])
    return [slice(end - len(cache.origin), end) for cache, end in zip(caches, ends, strict=True)]


def _room(L, R, H, T, D, dtype) -> Store:
    """For texts of T tokens, and for some more: a text that grows is copied each time that it is twice as long."""
    places = max(32, 2 ** T.bit_length())
    return Store(*(np.empty((L, R, H, places, D), dtype) for _ in range(2)), used=np.zeros(R, np.int64))
