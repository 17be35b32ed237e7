"""A toy model for all decoding, and a broken one."""

import math

import numpy as np
import pytest


class Table:
    """A toy model: the distribution after each whole history is drawn once, by a generator seeded with the history.
    Its state is the histories, so that a lost or swapped row shows at once."""

    def __init__(self, vocabulary, seed=0, impossible=0.0):
        self.vocabulary, self.seed, self.impossible = vocabulary, seed, impossible

    def probabilities(self, history):
        rng = np.random.default_rng([self.seed, *map(int, history)])
        possible = rng.random(self.vocabulary) >= self.impossible
        possible[rng.integers(self.vocabulary)] = True
        weights = rng.random(self.vocabulary) ** 2 * possible
        return weights / weights.sum()

    def log_prob_of(self, prompt, ids):
        return sum(math.log(self.probabilities([*prompt, *ids[:t]])[i]) for t, i in enumerate(ids))

    def log_probs(self, histories):
        with np.errstate(divide="ignore"):
            return np.log([self.probabilities(history) for history in histories])

    def start(self, prompt):
        return self.log_probs(prompt), prompt

    def step(self, ids, state):
        state = np.hstack([state, ids[:, None]])
        return self.log_probs(state), state

    def reorder(self, state, rows):
        return state[rows]


class ForgetsToReorder(Table):
    def reorder(self, state, rows):
        return np.resize(state, (len(rows), state.shape[1]))


@pytest.fixture(name="Table")
def _table():
    return Table


@pytest.fixture(name="ForgetsToReorder")
def _forgets_to_reorder():
    return ForgetsToReorder
