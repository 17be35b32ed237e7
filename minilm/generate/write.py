"""One token after another: the likeliest, or one drawn at random."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from minilm.expect import expect_count

from .filters import block_repeats, keep_top_k, keep_top_p, penalise_repetition, with_temperature
from .protocol import Model, as_batch, check_end, sound


def greedy(
    model: Model,
    prompt: ArrayLike,
    max_new_tokens: int,
    eos_token_id: int | None = None,
    repetition_penalty: float = 1.0,
    no_repeat_ngram_size: int = 0,
) -> np.ndarray | list[np.ndarray]:
    """Write the likeliest token, again and again:  yₜ = argmaxᵥ p(v | prompt, y₁ … yₜ₋₁), the lowest id among equals.

    Parameters
    ----------
    prompt : (T,) or (B, T)
        Ids to continue, at least one. The prompts of a batch have one length.
    max_new_tokens
        How many tokens to write at most.
    eos_token_id
        The token that ends a text; None writes on to the end.
    repetition_penalty
        See `penalise_repetition`.
    no_repeat_ngram_size
        See `block_repeats`.

    Returns
    -------
    ids or list of ids
        The new tokens (not the prompt), with the end token if it was written: an array for a prompt (T,), a list of
        B arrays for prompts (B, T).

    Raises
    ------
    ValueError
        If the prompt is empty, ragged or has ids outside the vocabulary; if a setting is out of its range; if the
        model gives NaN.
    """

    def choose(log_probs, written, rows):
        log_probs = penalise_repetition(log_probs, written, repetition_penalty)
        return block_repeats(log_probs, written, no_repeat_ngram_size).argmax(axis=-1)

    return _write(model, prompt, max_new_tokens, eos_token_id, choose)


def sample(
    model: Model,
    prompt: ArrayLike,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    eos_token_id: int | None = None,
    rng: np.random.Generator,
) -> np.ndarray | list[np.ndarray]:
    """Write tokens drawn at random:  yₜ ~ p(· | prompt, y₁ … yₜ₋₁), after the filters.

    The filters act in the order `penalise_repetition`, `with_temperature`, `keep_top_k`, `keep_top_p`. The other
    parameters, what is returned and the errors are those of `greedy`. A batch of prompts writes what its prompts
    would write one after another with the same generator.
    """
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {rng!r}; expected a generator of random numbers: np.random.default_rng(seed)")
    expect_count("max_new_tokens", max_new_tokens, 0)
    uniform = rng.random((len(as_batch(prompt, model.vocabulary)), max_new_tokens))  # one per row and token

    def choose(log_probs, written, rows):
        log_probs = penalise_repetition(log_probs, written, repetition_penalty)
        log_probs = with_temperature(log_probs, temperature)
        log_probs = log_probs if top_k is None else keep_top_k(log_probs, top_k)
        log_probs = log_probs if top_p == 1 else keep_top_p(log_probs, top_p)
        return draw(log_probs, uniform[rows, written.shape[1] - np.shape(prompt)[-1]])

    return _write(model, prompt, max_new_tokens, eos_token_id, choose)


def draw(log_probs: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The token in whose stretch of the cumulative probability the number falls.   log_probs (B, V)   uniform (B,)"""
    cumulative = np.exp(log_probs).cumsum(axis=-1)
    return (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=-1)


def _write(model, prompt, max_new_tokens, eos_token_id, choose: Callable):
    """Continue prompts by what `choose(log_probs, written, rows)` says; rows whose text has ended leave the batch."""
    prompts = as_batch(prompt, model.vocabulary)
    expect_count("max_new_tokens", max_new_tokens, 0)
    check_end(eos_token_id, model.vocabulary)
    B, T = prompts.shape
    written = np.hstack([prompts, np.zeros((B, max_new_tokens), np.int64)])
    length = np.full(B, T)
    rows, state = np.arange(B), None  # the prompts that are still written on, and what the model remembers of them
    for t in range(T, T + max_new_tokens):
        log_probs, state = model.start(prompts) if t == T else model.step(written[rows, t - 1], state)
        written[rows, t] = choose(sound(log_probs), written[rows, :t], rows)
        length[rows] += 1
        going = np.flatnonzero(written[rows, t] != eos_token_id)
        if not going.size:
            break
        if going.size < rows.size:
            rows, state = rows[going], model.reorder(state, going)
    texts = [ids[T:end] for ids, end in zip(written, length, strict=True)]
    return texts if np.ndim(prompt) == 2 else texts[0]
