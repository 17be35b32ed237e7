"""What a GPT remembers of the texts it is writing: the keys and values of their tokens, in every block."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from .attention import KeyValues


@dataclass
class Store:
    """Keys and values (L, R, H, context, D) of R texts, of which the first `used` places are taken."""

    keys: np.ndarray
    values: np.ndarray
    used: int


@dataclass(frozen=True)
class Cache:
    """B texts of T tokens: the t-th token of text b is in row origin[b, t] of the store.

    In beam search texts share their beginnings, and which of them live on changes with every token: only `origin`
    does. Several caches may share a store, like slices of a list: the first that grows takes its free places, any
    other gets a store of its own. So a cache never changes for who holds it.
    """

    store: Store
    origin: np.ndarray

    @classmethod
    def of(cls, past: list[KeyValues], context: int) -> Self:
        """The keys and values of all blocks, (B, H, T, D) each, with room for `context` tokens."""
        B, H, T, D = past[0].keys.shape
        store = _room(len(past), B, H, context, D, past[0].keys.dtype)
        for block, (keys, values) in enumerate(past):
            store.keys[block, :, :, :T], store.values[block, :, :, :T] = keys, values
        store.used = T
        return cls(store, np.repeat(np.arange(B)[:, None], T, axis=1))

    def with_room(self) -> Self:
        """This cache with a free place for the next token of each text, which `decode` will fill."""
        B, T = self.origin.shape
        free = self.store.used == T and self.store.keys.shape[1] >= B
        cache = self if free else self._copy()
        cache.store.used = T + 1
        return Cache(cache.store, np.concatenate([cache.origin, np.arange(B)[:, None]], axis=1))

    def reorder(self, rows: ArrayLike) -> Self:
        """The texts `rows`, in that order."""
        return Cache(self.store, self.origin[rows])

    def _copy(self) -> Self:
        (B, T), (L, _, H, context, D) = self.origin.shape, self.store.keys.shape
        store = _room(L, B, H, context, D, self.store.keys.dtype)
        for old, new in ((self.store.keys, store.keys), (self.store.values, store.values)):
            new[:, :, :, :T] = old[:, self.origin, :, np.arange(T)].transpose(2, 0, 3, 1, 4)  # from (B, T, L, H, D)
        return Cache(store, np.repeat(np.arange(B)[:, None], T, axis=1))


def _room(L, R, H, context, D, dtype) -> Store:
    return Store(*(np.empty((L, R, H, context, D), dtype) for _ in range(2)), used=0)
