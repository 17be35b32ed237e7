"""Filters: log-probabilities (..., V) in, log-probabilities (..., V) of a changed distribution out."""

import math

import numpy as np

from minilm.expect import expect, expect_count


def with_temperature(log_probs: np.ndarray, temperature: float) -> np.ndarray:
    """p(v)^(1/τ), renormalised: τ < 1 sharpens, τ > 1 flattens, τ = 0 is the limit, all on the best token.

    >>> np.exp(with_temperature(np.log([0.8, 0.2]), 0.5)).round(4).tolist()  # 0.64 and 0.04, renormalised
    [0.9412, 0.0588]
    """
    expect("temperature", temperature, 0 <= temperature < math.inf, "0 or more: 0 is greedy, 1 changes nothing")
    if temperature == 0:
        return keep_top_k(log_probs, 1)
    with np.errstate(over="ignore"):  # a tiny τ sends all but the best to −∞, as it should
        return _normalised((log_probs - log_probs.max(axis=-1, keepdims=True)) / temperature)


def keep_top_k(log_probs: np.ndarray, top_k: int) -> np.ndarray:
    """The k likeliest tokens, the lower id first among equals, renormalised (Fan et al. 2018, arXiv:1805.04833).

    >>> np.exp(keep_top_k(np.log([0.5, 0.1, 0.3, 0.1]), 2)).round(3).tolist()
    [0.625, 0.0, 0.375, 0.0]
    """
    expect_count("top_k", top_k, 1)
    order = _best_first(log_probs)
    return _keep(log_probs, order, np.arange(log_probs.shape[-1]) < top_k)


def keep_top_p(log_probs: np.ndarray, top_p: float) -> np.ndarray:
    """The fewest likeliest tokens that together reach probability p, renormalised: the token that crosses p stays.

    Nucleus sampling, Holtzman et al. 2020, arXiv:1904.09751, equation 2.

    >>> np.exp(keep_top_p(np.log([0.5, 0.1, 0.3, 0.1]), 0.6)).round(3).tolist()
    [0.625, 0.0, 0.375, 0.0]
    """
    expect("top_p", top_p, 0 < top_p <= 1, "more than 0 and at most 1: 1 keeps every token")
    if top_p == 1:
        return _normalised(log_probs)
    V = log_probs.shape[-1]
    likely = (log_probs >= math.log((1 - top_p) / 2 / V)).reshape(-1, V).any(axis=0)  # others: (1 - p)/2 at most
    some = log_probs[..., likely]  # fewer to be sorted
    order = _best_first(some)
    ranked = np.exp(np.take_along_axis(some, order, axis=-1))
    better = np.concatenate([np.zeros_like(ranked[..., :1]), ranked.cumsum(axis=-1)[..., :-1]], axis=-1)
    kept = np.full(log_probs.shape, -np.inf, log_probs.dtype)
    kept[..., likely] = _keep(some, order, better < top_p)  # kept while those before do not reach p yet
    return kept


def penalise_repetition(log_probs: np.ndarray, ids: np.ndarray, repetition_penalty: float) -> np.ndarray:
    """p(v)^θ for every token v that is in `ids` (..., T), p(v) for the others, renormalised.

    Keskar et al. 2019 (CTRL, arXiv:1909.05858, section 4.1) divide a score by θ ≈ 1.2; a logarithm of a probability
    is negative, so it is multiplied.

    >>> np.exp(penalise_repetition(np.log([0.5, 0.5]), np.array([1]), 2.0)).round(4).tolist()  # 0.5 and 0.25
    [0.6667, 0.3333]
    """
    in_range = 0 < repetition_penalty < math.inf
    expect("repetition_penalty", repetition_penalty, in_range, "more than 0: 1 is no penalty, 1.2 is common")
    if repetition_penalty == 1:
        return log_probs
    penalty = np.ones(log_probs.shape)
    np.put_along_axis(penalty, ids, repetition_penalty, axis=-1)
    return _normalised(log_probs * penalty)


def block_repeats(log_probs: np.ndarray, ids: np.ndarray, no_repeat_ngram_size: int) -> np.ndarray:
    """p(v) = 0 for every token v that would complete an n-gram which `ids` (B, T) has already; n = 0 blocks nothing.

    The others keep their p(v), so that a hypothesis is still scored by the model (Paulus et al. 2017, arXiv:1705.04304,
    section 2.5: no trigram twice in a summary).

    >>> log_probs = np.log([[0.2, 0.3, 0.5]])
    >>> np.exp(block_repeats(log_probs, np.array([[0, 1, 2, 0, 1]]), 3)).round(3).tolist()  # 0 1 2 was there
    [[0.2, 0.3, 0.0]]
    """
    expect_count("no_repeat_ngram_size", no_repeat_ngram_size, 0)
    n, T = no_repeat_ngram_size, ids.shape[1]
    if n == 0 or n > T:
        return log_probs
    ngrams = np.lib.stride_tricks.sliding_window_view(ids, n, axis=1)  # (B, T - n + 1, n)
    same = (ngrams[..., :-1] == ids[:, None, T - n + 1 :]).all(axis=2)
    rows, places = np.nonzero(same)
    log_probs = log_probs.copy()
    log_probs[rows, ngrams[rows, places, -1]] = -np.inf
    return log_probs


def _normalised(log_probs):
    log_probs = log_probs - log_probs.max(axis=-1, keepdims=True)
    return log_probs - np.log(np.exp(log_probs).sum(axis=-1, keepdims=True))


def _best_first(log_probs):
    return np.argsort(-log_probs, axis=-1, kind="stable")  # stable: the lower id first among equals, as argmax has it


def _keep(log_probs, order, kept):
    """Make all but the ranks `kept` impossible."""
    mask = np.empty(log_probs.shape, bool)
    np.put_along_axis(mask, order, np.broadcast_to(kept, mask.shape), axis=-1)
    return _normalised(np.where(mask, log_probs, -np.inf))
