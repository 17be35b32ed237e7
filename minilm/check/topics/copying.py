"""Copying: a distribution over the vocabulary and over the words of a source, and what it costs to look twice."""

import numpy as np

from minilm import Tensor, autograd
from minilm.check.exercise import Exercise
from minilm.models.pointer import PointerGenerator, looked_again

# copy_distribution


def _mixture_cases(rng):
    yield 0.5, np.array([0.25, 0.75, 0.0]), np.array([0.5, 0.25, 0.25]), np.array([1, 3, 1]), 4
    for V, S, size in ((3, 1, 4), (5, 6, 7), (4, 5, 4), (6, 9, 9), (2, 4, 6)):
        source = rng.integers(0, size, S)
        source[-1] = source[0]  # a word that stands in two places
        yield rng.uniform(0.2, 0.8), rng.dirichlet(np.ones(V)), rng.dirichlet(np.ones(S)), source, size


def _mixture_answer(p_gen, p_vocab, weights, source, size):
    copied = autograd.scatter(Tensor(weights[None, None]), ids=source[None], size=size).data[0, 0]
    return p_gen * np.pad(p_vocab, (0, size - len(p_vocab))) + (1 - p_gen) * copied


copy_distribution = Exercise(
    name="copy_distribution",
    statement="P(w) = p_gen P_vocab(w) + (1 - p_gen) Σ weightₛ over the places s where sourceₛ = w (See et al. 2017, "
    "equation 9). Words from V on are not in the vocabulary: their P_vocab is 0, and they can only be copied.",
    arguments={
        "p_gen": "a number from 0 to 1",
        "p_vocab": "(V,), a distribution over the vocabulary",
        "weights": "(S,), a distribution over the places of the source",
        "source": "(S,) int, the word at each place, from 0 to size - 1",
        "size": "int, V or more: how many words there are, those of the source included",
    },
    returns="P, (size,)",
    reference=PointerGenerator._extend,
    answer=_mixture_answer,
    cases=_mixture_cases,
    hints=(
        "What should P sum to? What do its two parts sum to?",
        "A word that stands at three places of the source gets the weight of all three.",
        "P = np.zeros(size); P[:V] = p_gen * p_vocab; then for each place s: P[source[s]] += (1 - p_gen) * weights[s].",
    ),
)


def _wide(p_vocab, size):
    return np.concatenate([p_vocab, np.zeros(size - len(p_vocab))])


def _copied(weights, source, size):
    return np.bincount(source, weights, size)


@copy_distribution.variant
def place_by_place(p_gen, p_vocab, weights, source, size):
    P = np.zeros(size)
    P[: len(p_vocab)] = p_gen * p_vocab
    for s, word in enumerate(source):
        P[word] += (1 - p_gen) * weights[s]
    return P


@copy_distribution.variant
def with_one_hot(p_gen, p_vocab, weights, source, size):
    return p_gen * _wide(p_vocab, size) + (1 - p_gen) * weights @ np.eye(size)[source]


@copy_distribution.variant
def with_add_at(p_gen, p_vocab, weights, source, size):
    P = p_gen * _wide(p_vocab, size)
    np.add.at(P, source, (1 - p_gen) * weights)
    return P


@copy_distribution.misconception(
    "both distributions were added without weighing them", "What does P sum to, if each of its parts sums to 1?"
)
def not_normalised(p_gen, p_vocab, weights, source, size):
    return _wide(p_vocab, size) + _copied(weights, source, size)


@copy_distribution.misconception("the attention were added whole", "Which share of P is left for copying?")
def copying_not_weighed(p_gen, p_vocab, weights, source, size):
    return p_gen * _wide(p_vocab, size) + _copied(weights, source, size)


@copy_distribution.misconception(
    "a sum that is not 1 were divided by itself", "p_gen says how much is copied. Does it still, after the division?"
)
def normalised_afterwards(p_gen, p_vocab, weights, source, size):
    return (_wide(p_vocab, size) + _copied(weights, source, size)) / 2


@copy_distribution.misconception(
    "a word that stands twice in the source were counted once", "What does P[source] += weights do with equal ids?"
)
def last_place_only(p_gen, p_vocab, weights, source, size):
    P = p_gen * _wide(p_vocab, size)
    P[source] += (1 - p_gen) * weights
    return P


@copy_distribution.misconception(
    "a word had the weight of its best place",
    "If the decoder looks at two places with the same word, what does it say?",
)
def best_place_only(p_gen, p_vocab, weights, source, size):
    P = p_gen * _wide(p_vocab, size)
    best = np.zeros(size)
    np.maximum.at(best, source, weights)
    return P + (1 - p_gen) * best


@copy_distribution.misconception(
    "p_gen were the probability of copying",
    "What is P of a word of the vocabulary that the source lacks, if p_gen = 1?",
)
def the_other_way_round(p_gen, p_vocab, weights, source, size):
    return (1 - p_gen) * _wide(p_vocab, size) + p_gen * _copied(weights, source, size)


@copy_distribution.misconception(
    "only words that the vocabulary lacks were copied", "May a known word that the source has be copied too?"
)
def unknown_words_only(p_gen, p_vocab, weights, source, size):
    return p_gen * _wide(p_vocab, size) + (1 - p_gen) * _copied(weights * (source >= len(p_vocab)), source, size)


# coverage_loss


def _coverage_cases(rng):
    yield np.array([[0.5, 0.5, 0.0], [0.25, 0.0, 0.75], [0.5, 0.5, 0.0]]), np.array([True, True, True])
    for T, S, counted in ((1, 3, 1), (4, 5, 4), (5, 3, 3), (6, 4, 5), (3, 2, 2)):
        yield rng.dirichlet(np.ones(S), size=T), np.arange(T) < counted


def _coverage_answer(weights, counted):
    return float((looked_again(Tensor(weights[None])).data[0] * counted).sum() / counted.sum())


coverage_loss = Exercise(
    name="coverage_loss",
    statement="The mean over the steps t that count of Σₛ min(aₜₛ, cₜₛ), where the coverage cₜ = a₁ + … + aₜ₋₁ is how "
    "much the steps before have looked at each place (See et al. 2017, equations 10 and 12). The first costs nothing.",
    arguments={
        "weights": "(T, S), the attention aₜ of each step; each row sums to 1",
        "counted": "(T,) bool, False at the padding behind a text's end",
    },
    returns="a number",
    reference=looked_again,
    answer=_coverage_answer,
    cases=_coverage_cases,
    hints=(
        "What has the second step to compare itself with? And the first?",
        "Begin with c = zeros(S). In each step first take min(a, c), and only then add a to c.",
        "c = np.cumsum(weights, axis=0) - weights; then the mean of np.minimum(weights, c).sum(axis=1)[counted].",
    ),
)


def _before(weights):
    return np.cumsum(weights, axis=0) - weights


def _mean_where(weights, coverage, counted):
    return np.minimum(weights, coverage).sum(axis=1)[counted].mean()


@coverage_loss.variant
def step_by_step(weights, counted):
    c, total = np.zeros(weights.shape[1]), 0.0
    for a, counts in zip(weights, counted, strict=True):
        total += sum(min(x, y) for x, y in zip(a, c, strict=True)) if counts else 0.0
        c = c + a
    return total / sum(counted)


@coverage_loss.variant
def with_cumulative_sums(weights, counted):
    return _mean_where(weights, _before(weights), counted)


@coverage_loss.variant
def with_a_triangle(weights, counted):
    return _mean_where(weights, np.tri(len(weights), k=-1) @ weights, counted)


@coverage_loss.misconception(
    "a step were covered by itself", "What should the first step cost, when nothing has been looked at?"
)
def own_step_included(weights, counted):
    return _mean_where(weights, np.cumsum(weights, axis=0), counted)


@coverage_loss.misconception("padding counted", "Does anybody read what is written behind the end of a text?")
def padding_in_the_loss(weights, counted):
    return np.minimum(weights, _before(weights)).sum(axis=1).mean()


@coverage_loss.misconception(
    "padding cost nothing, but counted in the mean", "Over how many steps is the mean: all, or those that count?"
)
def divided_by_all(weights, counted):
    return (np.minimum(weights, _before(weights)).sum(axis=1) * counted).mean()


@coverage_loss.misconception(
    "only the step just before counted", "May the decoder come back to a place after two steps elsewhere?"
)
def last_step_only(weights, counted):
    return _mean_where(weights, np.concatenate([np.zeros_like(weights[:1]), weights[:-1]]), counted)


@coverage_loss.misconception(
    "the places were averaged, not summed", "Would a longer source make looking twice cheaper?"
)
def mean_over_places(weights, counted):
    return np.minimum(weights, _before(weights)).mean(axis=1)[counted].mean()


@coverage_loss.misconception(
    "the larger of the two were the cost",
    "What does a step cost that looks where nobody has looked, if it is max(a, c)?",
)
def maximum(weights, counted):
    return np.maximum(weights, _before(weights)).sum(axis=1)[counted].mean()
