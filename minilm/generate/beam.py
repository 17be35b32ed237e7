"""Beam search: several continuations at once, the best of which survive each step.

A whole search is a list with, for each step, the list of its `Node`s: the expansions that were looked at, best first.
A node's `parent` is its index in the previous step's list, None where it follows the prompt.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm.expect import expect, expect_count

from .filters import block_repeats
from .protocol import Model, as_batch, check_end, sound


class Node(NamedTuple):
    """One expansion in a beam search."""

    parent: int | None  # index into the previous step's list; None: follows the prompt
    token: int
    log_prob: float  # of everything written since the prompt, this token included
    kept: bool  # stays in the search: competes by score if finished or in the last step, and else goes on in the beam
    finished: bool  # the token is the end token


class Hypothesis(NamedTuple):
    """A continuation found by beam search."""

    ids: np.ndarray  # the new tokens, with the end token if it was written
    log_prob: float  # the sum of their log-probabilities
    score: float  # log_prob / length ** length_penalty


def beam_search(
    model: Model,
    prompt: ArrayLike,
    max_new_tokens: int,
    *,
    num_beams: int = 5,
    length_penalty: float = 1.0,
    eos_token_id: int | None = None,
    no_repeat_ngram_size: int = 0,
    num_return_sequences: int = 1,
    return_search: bool = False,
) -> list:
    """Look for the continuation with the highest score:  Σₜ log p(yₜ | prompt, y₁ … yₜ₋₁) / length ** length_penalty.

    In each step every hypothesis of the beam is expanded by every token. Of all expansions, best log-probability
    first, the first `num_beams` unfinished ones are the next beam; those among the first `num_beams` that end with
    `eos_token_id` are finished and leave it. The search for a prompt stops when

    * `num_beams` hypotheses are finished, or none can go on (with probability 0 it does not): the best finished ones
      are returned;
    * `max_new_tokens` are written: finished and unfinished ones compete.

    That is `early_stopping=True` of Hugging Face's `generate`. With one beam it is greedy decoding; with a beam as
    wide as there are continuations it is exhaustive search; in between nothing guarantees the best continuation.

    Parameters
    ----------
    prompt, max_new_tokens, eos_token_id
        As for `greedy`.
    length_penalty
        0 compares log-probabilities, which favours short texts; 1 compares their means; more favours long texts.
    no_repeat_ngram_size
        See `block_repeats`.
    num_return_sequences
        How many hypotheses to return, at most `num_beams`; fewer are returned if the search has met fewer.
    return_search
        Whether to return the whole search too, see the top of this file.

    Returns
    -------
    list of Hypothesis, best score first; for prompts (B, T) a list of B such lists.
    With `return_search`, a pair: that, and the search (for prompts (B, T) a list of B searches).

    Raises
    ------
    ValueError
        As for `greedy`.

    Notes
    -----
    I. Sutskever, O. Vinyals, Q. Le, *Sequence to Sequence Learning with Neural Networks*, 2014, section 3.2.
    """
    prompts = as_batch(prompt, model.vocabulary)
    expect_count("max_new_tokens", max_new_tokens, 0)
    expect_count("num_beams", num_beams, 1)
    expect_count("num_return_sequences", num_return_sequences, 1)
    enough = num_return_sequences <= num_beams
    expect("num_return_sequences", num_return_sequences, enough, f"at most num_beams, which is {num_beams}")
    expect("length_penalty", length_penalty, math.isfinite(length_penalty), "a number such as 0, 1 or 2")
    check_end(eos_token_id, model.vocabulary)

    beams = [_Beam(num_beams, eos_token_id, prompt_ids, no_repeat_ngram_size) for prompt_ids in prompts]
    state = rows = ids = None
    for t in range(max_new_tokens):
        log_probs, state = model.start(prompts) if t == 0 else model.step(ids, model.reorder(state, rows))
        rows, ids = _grow(beams, sound(log_probs))
        if not rows.size:
            break
    found = [beam.hypotheses(length_penalty)[:num_return_sequences] for beam in beams]
    searches = [beam.search for beam in beams]
    if np.ndim(prompt) == 1:
        found, searches = found[0], searches[0]
    return (found, searches) if return_search else found


class _Beam:
    """The search for one prompt."""

    def __init__(self, num_beams, eos_token_id, prompt=(), no_repeat_ngram_size=0):
        self.num_beams, self.eos_token_id = num_beams, eos_token_id
        self.prompt, self.no_repeat_ngram_size = prompt, no_repeat_ngram_size
        self.search: list[list[Node]] = []
        self.live = [None]  # the beam: indices into the last step's nodes; None: the prompt with nothing written yet
        self.finished = []  # (step, index) of nodes

    def grow(self, log_probs) -> tuple[np.ndarray, np.ndarray]:
        """Expand the beam by one token: the row in the old beam each new member comes from, and its token."""
        so_far = np.array([0.0 if i is None else self.search[-1][i].log_prob for i in self.live])
        if self.no_repeat_ngram_size:
            log_probs = block_repeats(log_probs, self._written(), self.no_repeat_ngram_size)
        totals = (so_far[:, None] + log_probs).ravel()
        best = highest(totals, 2 * self.num_beams)  # a row can end in one way only: half of these suffice to go on
        best = best[totals[best] > -np.inf]
        rows, tokens = np.divmod(best, log_probs.shape[1])

        ends = tokens == self.eos_token_id
        finished = ends & (np.arange(best.size) < self.num_beams)
        self.finished += [(len(self.search), i) for i in np.flatnonzero(finished)]
        going = ~ends & (np.cumsum(~ends) <= self.num_beams) & (len(self.finished) < self.num_beams)
        self._note(rows, tokens, totals[best], going | finished, ends)
        return rows[going], tokens[going]

    def _note(self, rows, *columns):
        """Add a step to the search; `columns` are those of a node after its parent."""
        parents = [self.live[row] for row in rows]
        self.search.append([Node(*node) for node in zip(parents, *(c.tolist() for c in columns), strict=True)])
        self.live = [i for i, node in enumerate(self.search[-1]) if node.kept and not node.finished]

    def hypotheses(self, length_penalty) -> list[Hypothesis]:
        """What competes, best score first."""
        ends = self.finished + [(len(self.search) - 1, i) for i in self.live]
        found = [self._hypothesis(step, i, length_penalty) for step, i in ends]
        return sorted(found, key=lambda hypothesis: -hypothesis.score)

    def _hypothesis(self, step, i, length_penalty):
        log_prob = 0.0 if i is None else self.search[step][i].log_prob
        ids = self._ids(step, i)
        return Hypothesis(ids, log_prob, log_prob / max(len(ids), 1) ** length_penalty)

    def _ids(self, step, i):
        """The tokens from the prompt to a node."""
        ids = []
        while i is not None:
            node = self.search[step][i]
            ids.append(node.token)
            step, i = step - 1, node.parent
        return np.array(ids[::-1], np.int64)

    def _written(self):
        """The prompt and what each member of the beam has written after it.   ->   (members, T)"""
        return np.array([[*self.prompt, *self._ids(len(self.search) - 1, i)] for i in self.live])


def _grow(beams, log_probs):
    """Grow every beam by its rows of log_probs: which of these rows live on, and their new tokens."""
    first, rows, ids = 0, [], []
    for beam in [beam for beam in beams if beam.live]:
        after = first + len(beam.live)
        parents, tokens = beam.grow(log_probs[first:after])
        rows.append(first + parents)
        ids.append(tokens)
        first = after
    return np.concatenate(rows), np.concatenate(ids)


def highest(values: np.ndarray, n: int) -> np.ndarray:
    """Indices of the n highest values, best first, the lower index first among equals."""
    least = np.partition(values, -n)[-n] if n < values.size else -np.inf
    candidates = np.flatnonzero(values >= least)  # spares sorting the rest
    return candidates[np.argsort(-values[candidates], kind="stable")][:n]
