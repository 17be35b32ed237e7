"""Rows of unequal length in one array: what stands where, checked before a model reads it."""

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd


def checked_rows(name: str, ids: ArrayLike, vocabulary: int, pad: int) -> np.ndarray:
    """ids (B, T) as int64, where each row is a text and then nothing but `pad`.

    Raises
    ------
    ValueError
        If they are not (B, T), not of the vocabulary, a row begins with padding, or goes on after it.

    >>> checked_rows("ids", [[5, 6], [7, 0]], vocabulary=9, pad=0).shape
    (2, 2)
    """
    ids = np.asarray(ids)
    if ids.ndim != 2 or ids.size == 0:
        raise ValueError(f"{name} has shape {ids.shape}, expected two axes, with at least one token in each row")
    ids = autograd.check_ids(name, ids, vocabulary)
    text = ids != pad
    if not text[:, 0].all():
        raise ValueError(f"{name}: row {text[:, 0].argmin()} begins with pad = {pad}; expected a text first")
    if (text[:, 1:] & ~text[:, :-1]).any():
        raise ValueError(f"{name}: a token follows pad = {pad}; expected padding at the end of a row only")
    return ids


def checked_segments(segments: ArrayLike | None, ids: np.ndarray, kinds: int) -> np.ndarray:
    """segments (B, T), one for each of ids (B, T); all 0 if not given.

    Raises
    ------
    ValueError
        If they are not of the ids' shape, or not from 0 to `kinds` - 1.

    >>> checked_segments(None, np.array([[5, 6]]), kinds=2).tolist()
    [[0, 0]]
    """
    segments = np.zeros_like(ids) if segments is None else np.asarray(segments)
    if segments.shape != ids.shape:
        raise ValueError(f"segments has shape {segments.shape}, expected that of ids, {ids.shape}")
    return autograd.check_ids("segments", segments, kinds)
