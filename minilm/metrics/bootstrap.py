"""How sure is a score? Draw the test set again, from itself, many times, and see how much the score varies.

Efron 1979, "Bootstrap Methods: Another Look at the Jackknife"; for translations: Koehn 2004,
https://aclanthology.org/W04-3250.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from minilm.expect import expect, expect_count


def resamplings(items: int, rounds: int = 1000, *, rng: np.random.Generator) -> np.ndarray:
    """How often each of N items is drawn, when N are drawn with replacement; (rounds, N) whole numbers.

    Raises
    ------
    ValueError
        If there are no items or no rounds.
    """
    expect_count("items", items)
    expect_count("rounds", rounds)
    return rng.multinomial(items, np.full(items, 1 / items), rounds)


def bootstrap(counts: ArrayLike, score: Callable[[np.ndarray], float], draws: np.ndarray) -> np.ndarray:
    """The score of each resampling, (rounds,): s(Σᵢ wᵢ countsᵢ) for each row w of the draws.

    Two systems that are scored on the same draws can be compared sentence by sentence, hard ones and easy ones alike:
    the interval of the *difference* of their scores is far narrower than either's own (Koehn's paired bootstrap).

    Parameters
    ----------
    counts : (N, ...)
        What adds up over the items: `bleu_counts`, `chrf_counts`, right answers.
    score
        From a sum of counts to the score, such as `lambda total: bleu_of_counts(total).score`.
    draws : (rounds, N)
        From `resamplings`.

    Raises
    ------
    ValueError
        If the draws are of another number of items.

    >>> draws = resamplings(3, rounds=20_000, rng=np.random.default_rng(0))
    >>> shares = bootstrap([1, 1, 0], lambda right: right / 3, draws)
    >>> round(float((shares == 0).mean()), 2)  # 1 of 27: the wrong answer three times
    0.04
    """
    counts = np.asarray(counts)
    fits = draws.shape[1:] == counts.shape[:1]
    expect("draws", f"of shape {draws.shape}", fits, f"(rounds, {len(counts)}), as there are {len(counts)} counts")
    return np.array([score(total) for total in np.tensordot(draws, counts, axes=1)])


def interval(scores: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """The middle part of the scores that holds `level` of them: from its lower to its upper end.

    >>> interval(range(101), level=0.5)
    (25.0, 75.0)
    """
    expect("level", level, 0 < level < 1, "a share between 0 and 1, such as 0.95")
    low, high = np.quantile(scores, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
