"""An example call of every kernel of merges.py: `EXAMPLES[name](rng, dtype)` returns its arguments."""

import numpy as np

from minilm.kernels.merges import END

EXAMPLES = {}


def example(function):
    EXAMPLES[function.__name__] = function
    return function


def words(rng):
    """Forty words of up to eight letters, of an alphabet small enough for repeats such as aaa, and their weights."""
    return np.concatenate([np.append(rng.integers(0, 4, rng.integers(1, 9)), END) for _ in range(40)]).astype(np.int32)


def weights(rng):
    return rng.integers(1, 6, 40)


@example
def count_pairs(rng, dtype):
    return words(rng), weights(rng)


@example
def merge_pair(rng, dtype):
    return words(rng), 1, 1, 9


@example
def learn_merges(rng, dtype):
    return words(rng), weights(rng), 4, 60


@example
def apply_merges(rng, dtype):
    merges = np.array([[1, 1], [0, 3], [4, 2], [4, 1], [5, 5], [6, 7]], np.int32)
    return words(rng), merges, 4
