"""Counting: the chain rule, n-grams, and what to do about pairs that never occurred."""

import math
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from minilm import metrics
from minilm.check.exercise import Exercise
from minilm.models import NGram, smoothing


def _pairs(ids, V):
    """c[a, b]: how often b follows a."""
    c = np.zeros((V, V))
    np.add.at(c, (ids[:-1], ids[1:]), 1)
    return c


def _after_each_token(model):
    """p[a, b] = p(b | a) of a model."""
    return np.exp(model.log_probs(np.arange(model.vocabulary)[:, None])[:, 0])


def _text(rng, N, used, V):
    """Ids of which some pairs are frequent. At most `used` of the V tokens occur, and one more only at the end."""
    names = rng.permutation(V)
    ids = names[np.cumsum(rng.choice([1, 1, 1, 2, 4], N)) % used]
    ids[-1] = names[used] if used < V else ids[-1]
    return ids


# log_probability


def _log_probability_cases(rng):
    for T, V in ((1, 2), (2, 3), (4, 3), (9, 6), (1500, 4)):  # of the last, p is far below 10⁻³²³
        ids, table = rng.integers(1, V, T), rng.dirichlet(np.ones(V), V)
        yield ids, table
    yield ids[:7], table.astype(np.float32)


def _steps(ids, table):
    return table[np.append(0, ids[:-1]), ids]


log_probability = Exercise(
    name="log_probability",
    statement="ln p(w₁ … w_T) = Σₜ ln p(wₜ | wₜ₋₁), in nats: each token depends on the one before, w₁ on the start.",
    arguments={
        "ids": "(T,) the tokens w₁ … w_T; the start symbol w₀ is not among them: it has id 0",
        "table": "(V, V) table[a, b] = p(b | a)",
    },
    returns="a number",
    reference=metrics.total_nats,
    answer=lambda ids, table: -metrics.total_nats(np.log(table[np.append(0, ids[:-1])]), ids)[0],
    cases=_log_probability_cases,
    hints=(
        "How many factors has the probability of a text of T tokens? Write them all down for T = 2.",
        "Put id 0 before the text; then every token has one before it. And ln of a product is a sum.",
        "before = 0; for each w in ids: total += ln table[before, w], and then before = w.",
    ),
)


@log_probability.variant
def token_by_token(ids, table):
    total, before = 0.0, 0
    for w in ids:
        total += math.log(table[before, w])
        before = w
    return total


@log_probability.variant
def with_indices(ids, table):
    return np.log(table)[np.concatenate([[0], ids])[:-1], ids].sum()


@log_probability.variant
def counting_pairs(ids, table):
    return (_pairs(np.append(0, ids), len(table)) * np.log(table)).sum()


@log_probability.misconception("the first token cost nothing", "Which probability says how likely a text begins so?")
def start_left_out(ids, table):
    return np.log(table[ids[:-1], ids[1:]]).sum()


@log_probability.misconception(
    "the token before the first were the last", "What does Python read at ids[t - 1] where t is 0?"
)
def first_after_last(ids, table):
    return np.log(table[np.roll(ids, 1), ids]).sum()


@log_probability.misconception(
    "the probabilities were multiplied before the logarithm was taken",
    "What is 0.1 to the power of 400 for a computer, and what is 400 · ln 0.1?",
)
def product_first(ids, table):
    return np.log(np.prod(_steps(ids, table)))


@log_probability.misconception(
    "the probabilities were multiplied, and the logarithm taken of what was left of them",
    "What is 0.1 to the power of 400 for a computer, and what is 400 · ln 0.1?",
)
def product_with_math_log(ids, table):
    return math.log(np.prod(_steps(ids, table)))


@log_probability.misconception("the logarithms were averaged", "Is a longer text as likely as a shorter one?")
def mean_instead_of_sum(ids, table):
    return np.log(_steps(ids, table)).mean()


@log_probability.misconception("the logarithm had base 2", "Which base do nats have?")
def in_bits(ids, table):
    return np.log2(_steps(ids, table)).sum()


@log_probability.misconception("the table were read p(row | column)", "Along which axis does the table sum to one?")
def table_transposed(ids, table):
    return np.log(_steps(ids, table.T)).sum()


# count_ngrams


def _count_ngrams_cases(rng):
    words = ["the", "cat", "sat", "on"]
    for tokens, n in (([*rng.choice(words, 1)] * 3, 2), (list("我喜欢我喜欢她"), 2), (rng.choice(words, 2), 3)):
        yield list(map(str, tokens)), n
    for N, n in ((4, 1), (12, 2), (20, 3), (15, 4)):
        yield rng.choice(words[: n + 1], N).tolist(), n
    yield ["no", "no", "yes"] * int(rng.integers(2, 5)), 2


def _from_tree(tokens, n):
    words, grams = sorted(set(tokens)), [()]
    levels = smoothing.count(np.array([words.index(token) for token in tokens]), len(words), n)
    for keys, _ in levels:
        grams = [(*grams[key // len(words)], words[key % len(words)]) for key in keys]
    return dict(zip(grams, levels[-1][1].tolist(), strict=True))


count_ngrams = Exercise(
    name="count_ngrams",
    statement="c(w₁ … wₙ): how often each sequence of n neighbouring tokens occurs in the text, wherever it begins.",
    arguments={"tokens": "a list of strings, at least one", "n": "a whole number, 1 or more"},
    returns="a dictionary from each n-gram, a tuple of n tokens, to its count; no n-gram with the count 0",
    reference=smoothing.count,
    answer=_from_tree,
    cases=_count_ngrams_cases,
    hints=(
        "Write down the pairs of the text a b c d: how many are there? And how many triples?",
        "A text of N tokens has N − n + 1 places where an n-gram can begin.",
        "For i in range(N - n + 1): add 1 to the count of tuple(tokens[i : i + n]).",
    ),
)


@count_ngrams.variant
def with_slices(tokens, n):
    counts = {}
    for i in range(len(tokens) - n + 1):
        gram = tuple(tokens[i : i + n])
        counts[gram] = counts.get(gram, 0) + 1
    return counts


@count_ngrams.variant
def with_zip(tokens, n):
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


@count_ngrams.variant
def with_a_window(tokens, n):
    counts, window = defaultdict(int), []
    for token in tokens:
        window = [*window, token][-n:]
        if len(window) == n:
            counts[tuple(window)] += 1
    return counts


@count_ngrams.misconception("the next n-gram began where the last one ended", "Are b c neighbours in the text a b c d?")
def side_by_side(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(0, len(tokens) - n + 1, n))


@count_ngrams.misconception("the last n-gram did not count", "At which index does the last n-gram begin?")
def last_left_out(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n))


@count_ngrams.misconception("shorter pieces at the end counted too", "How long is tokens[i : i + n] near the end?")
def short_at_the_end(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens)))


@count_ngrams.misconception("the order of the tokens did not matter", "Are 'dog bites' and 'bites dog' one pair?")
def order_ignored(tokens, n):
    return Counter(tuple(sorted(gram)) for gram in zip(*(tokens[i:] for i in range(n)), strict=False))


@count_ngrams.misconception("every n-gram occurred once", "What happens to a count when its n-gram comes again?")
def seen_or_not(tokens, n):
    return dict.fromkeys(zip(*(tokens[i:] for i in range(n)), strict=False), 1)


# add_k


def _add_k_cases(rng):
    for N, used, V, k in ((3, 2, 2, 1.0), (2, 2, 3, 0.5), (8, 3, 4, 1.0), (30, 4, 6, 0.1), (25, 5, 5, 3.0)):
        yield _text(rng, N, used, V), V, k
    yield np.zeros(4, int), 1, 0.25


add_k = Exercise(
    name="add_k",
    statement="p(b | a) = (c(a b) + k) / (c(a ·) + k V), where c(a b) is how often b follows a; c(a ·) = Σᵥ c(a v).",
    arguments={"ids": "(N,) the text", "V": "the number of tokens there are, seen or not", "k": "a number above 0"},
    returns="(V, V) with p(b | a) at [a, b]",
    reference=smoothing.add_k,
    answer=lambda ids, V, k: _after_each_token(NGram(V, 2, "add-k", k=k).fit(ids)),
    cases=_add_k_cases,
    hints=(
        "Work out the row of one token by hand, and check that it sums to one.",
        "Every one of the V possible successors gets k, seen or not; by how much does that raise the row's sum?",
        "Count pairs into c (V, V), add k to all of it, and divide each row by its own sum.",
    ),
)


@add_k.variant
def by_row_sums(ids, V, k):
    c = _pairs(ids, V) + k
    return c / c.sum(axis=1, keepdims=True)


@add_k.variant
def with_counters(ids, V, k):
    text = ids.tolist()
    pairs, contexts = Counter(pairwise(text)), Counter(text[:-1])
    return [[(pairs[a, b] + k) / (contexts[a] + k * V) for b in range(V)] for a in range(V)]


@add_k.variant
def with_one_number_per_pair(ids, V, k):
    c = np.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)
    return (c + k) / (np.bincount(ids[:-1], minlength=V)[:, None] + V * k)


@add_k.misconception("k were added above the line only", "To what does a row of your table sum?")
def denominator_unchanged(ids, V, k):
    c = _pairs(ids, V)
    return (c + k) / c.sum(axis=1, keepdims=True)


@add_k.misconception("k were added once below the line", "How many numbers of the row received k?")
def k_below_once(ids, V, k):
    c = _pairs(ids, V)
    return (c + k) / (c.sum(axis=1, keepdims=True) + k)


@add_k.misconception(
    "the V below the line counted the tokens that occur", "Whom is smoothing for, if not the tokens never seen?"
)
def seen_vocabulary(ids, V, k):
    c = _pairs(ids, V)
    return (c + k) / (c.sum(axis=1, keepdims=True) + k * len(set(ids.tolist())))


@add_k.misconception("c(a ·) counted every a in the text", "What follows the last token of the text?")
def last_token_has_a_successor(ids, V, k):
    return (_pairs(ids, V) + k) / (np.bincount(ids, minlength=V)[:, None] + k * V)


@add_k.misconception("k were 1", "Where does your code use its third argument?")
def always_laplace(ids, V, k):
    return by_row_sums(ids, V, 1)


# interpolation


def _smoothing_cases(rng, constants):
    for N, used, V in ((4, 2, 2), (2, 2, 3), (12, 4, 4), (40, 5, 7), (60, 6, 6), (60, 9, 9)):
        ids = _text(rng, N, used, V)
        yield ids, V, constants(ids, V)


def _weights(ids, V):
    return smoothing.mixture_weights(*smoothing.left_out(NGram(V, 2, "interpolation").fit(ids).levels), 1 / V)


interpolation = Exercise(
    name="interpolation",
    statement="p(b | a) = λ₂ c(a b)/c(a ·) + (1 − λ₂) p₁(b), but p₁(b) alone if c(a ·) = Σᵥ c(a v) is 0, if nothing "
    "follows a; p₁(b) = λ₁ c(b)/N + (1 − λ₁)/V.",
    arguments={"ids": "(N,) the text", "V": "the number of tokens there are", "weights": "(2,) λ₁ and λ₂"},
    returns="(V, V) with p(b | a) at [a, b]",
    reference=smoothing.jelinek_mercer,
    answer=lambda ids, V, weights: _after_each_token(NGram(V, 2, "interpolation").fit(ids)),  # it finds these weights
    cases=lambda rng: _smoothing_cases(rng, _weights),
    hints=(
        "Begin with p₁, one number for each b. Does it sum to one? Then build p on it.",
        "A row a mixes two distributions with λ₂ and 1 − λ₂; a row of zeros is no distribution, so treat it apart.",
        "p1 = λ₁ · bincount(ids)/N + (1 − λ₁)/V; where c(a ·) > 0: λ₂ · c/c(a ·) + (1 − λ₂) · p1, elsewhere p1.",
    ),
)


def _unigrams(ids, V, weight):
    return weight * np.bincount(ids, minlength=V) / len(ids) + (1 - weight) / V


@interpolation.variant
def with_where(ids, V, weights):
    c, p1 = _pairs(ids, V), _unigrams(ids, V, weights[0])
    total = c.sum(axis=1, keepdims=True)
    return np.where(total > 0, weights[1] * c / np.maximum(total, 1) + (1 - weights[1]) * p1, p1)


@interpolation.variant
def pair_by_pair(ids, V, weights):
    text, p = ids.tolist(), np.zeros((V, V))
    pairs, contexts, tokens = Counter(pairwise(text)), Counter(text[:-1]), Counter(text)
    for a, b in np.ndindex(V, V):
        p[a, b] = weights[0] * tokens[b] / len(text) + (1 - weights[0]) / V
        if contexts[a]:
            p[a, b] = weights[1] * pairs[a, b] / contexts[a] + (1 - weights[1]) * p[a, b]
    return p


@interpolation.variant
def with_a_weight_per_row(ids, V, weights):
    one_hot = np.eye(V)[ids]
    c = one_hot[:-1].T @ one_hot[1:]
    total = c.sum(axis=1)
    row = np.where(total > 0, weights[1], 0)
    p1 = weights[0] * one_hot.mean(axis=0) + (1 - weights[0]) / V
    return (row / np.maximum(total, 1))[:, None] * c + np.outer(1 - row, p1)


@interpolation.misconception("λ₁ and λ₂ were exchanged", "Which of the two weights comes first in the argument?")
def weights_swapped(ids, V, weights):
    return with_where(ids, V, weights[::-1])


@interpolation.misconception(
    "p₁(b) were c(b)/N", "Which probability does your table give a token that the text does not have?"
)
def uniform_left_out(ids, V, weights):
    return with_where(ids, V, [1.0, weights[1]])


@interpolation.misconception(
    "a token with no successor kept its share λ₂ for nothing", "To what does the row of the text's last token sum?"
)
def share_lost(ids, V, weights):
    c = _pairs(ids, V)
    shares = c / np.maximum(c.sum(axis=1, keepdims=True), 1)
    return weights[1] * shares + (1 - weights[1]) * _unigrams(ids, V, weights[0])


@interpolation.misconception(
    "p₁ helped only where the pair never occurred", "To what does a row sum if seen pairs keep all of c(a b)/c(a ·)?"
)
def backing_off(ids, V, weights):
    c = _pairs(ids, V)
    return np.where(c > 0, c / np.maximum(c.sum(axis=1, keepdims=True), 1), _unigrams(ids, V, weights[0]))


# kneser_ney


def _discounts(ids, V):
    c = _pairs(ids, V)
    return np.array([smoothing.discount((c > 0).sum(axis=0)), smoothing.discount(c)])


kneser_ney = Exercise(
    name="kneser_ney",
    statement="p(b | a) = max(c(a b) − D₂, 0)/c(a ·) + D₂ N(a ·)/c(a ·) p₁(b), but p₁(b) alone if nothing follows a; "
    "p₁(b) = max(N(· b) − D₁, 0)/N(· ·) + D₁ M/N(· ·) · 1/V. N counts different pairs: N(a ·) those with a first, "
    "N(· b) those with b second, N(· ·) all; M is the number of tokens b with N(· b) > 0.",
    arguments={"ids": "(N,) the text", "V": "the number of tokens there are", "discounts": "(2,) D₁ and D₂"},
    returns="(V, V) with p(b | a) at [a, b]",
    reference=smoothing.kneser_ney,
    answer=lambda ids, V, discounts: _after_each_token(NGram(V, 2).fit(ids)),  # it finds these discounts
    cases=lambda rng: _smoothing_cases(rng, _discounts),
    hints=(
        "Both lines do the same: take D from every count that is not 0, and give it to a simpler distribution.",
        "N(· b) asks how many different tokens come before b, not how often b comes: (c > 0).sum(axis=0).",
        "n = (c > 0).sum(axis=0); p1 = (max(n − D₁, 0) + D₁ · (n > 0).sum()/V) / n.sum(); then the same with the rows "
        "of c, D₂ and p1.",
    ),
)


def _discounted(c, D, lower):
    total, types = c.sum(axis=-1, keepdims=True), (c > 0).sum(axis=-1, keepdims=True)
    return np.where(total > 0, (np.maximum(c - D, 0) + D * types * lower) / np.maximum(total, 1), lower)


@kneser_ney.variant
def twice_the_same(ids, V, discounts):
    c = _pairs(ids, V)
    return _discounted(c, discounts[1], _discounted((c > 0).sum(axis=0), discounts[0], 1 / V))


@kneser_ney.variant
def with_sets(ids, V, discounts):
    pairs = Counter(pairwise(ids.tolist()))
    contexts, after, before = Counter(ids[:-1].tolist()), Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    p = np.zeros((V, V))
    for a, b in np.ndindex(V, V):
        p[a, b] = (max(before[b] - discounts[0], 0) + discounts[0] * len(before) / V) / len(pairs)
        if contexts[a]:
            p[a, b] = (max(pairs[a, b] - discounts[1], 0) + discounts[1] * after[a] * p[a, b]) / contexts[a]
    return p


@kneser_ney.variant
def giving_what_is_left(ids, V, discounts):
    c = _pairs(ids, V)
    continuations = np.count_nonzero(c, axis=0)
    p1 = np.clip(continuations - discounts[0], 0, None) / continuations.sum()
    p1 += (1 - p1.sum()) / V
    kept = np.clip(c - discounts[1], 0, None) / np.clip(c.sum(axis=1), 1, None)[:, None]
    return kept + (1 - kept.sum(axis=1))[:, None] * p1


@kneser_ney.misconception(
    "p₁ rested on how often b occurs", "'Francisco' is frequent, but after how many different words does it come?"
)
def raw_unigrams(ids, V, discounts):
    return _discounted(_pairs(ids, V), discounts[1], _discounted(np.bincount(ids, minlength=V), discounts[0], 1 / V))


@kneser_ney.misconception(
    "the tokens after b were counted, not those before it",
    "In c[a, b], which axis is the token before, and over which did you sum?",
)
def followers(ids, V, discounts):
    c = _pairs(ids, V)
    return _discounted(c, discounts[1], _discounted((c > 0).sum(axis=1), discounts[0], 1 / V))


@kneser_ney.misconception("what the discount took were given to nobody", "To what does a row of your table sum?")
def nothing_given_back(ids, V, discounts):
    c, p = _pairs(ids, V), twice_the_same(ids, V, discounts)
    total = c.sum(axis=1, keepdims=True)
    return np.where(total > 0, np.maximum(c - discounts[1], 0) / np.maximum(total, 1), p)


@kneser_ney.misconception("p₁ were not discounted", "Which probability does your p₁ give a token that never occurred?")
def p1_not_discounted(ids, V, discounts):
    return twice_the_same(ids, V, [0, discounts[1]])


@kneser_ney.misconception(
    "the discounts D₁ and D₂ were exchanged", "Which of the two discounts comes first in the argument?"
)
def discounts_swapped(ids, V, discounts):
    return twice_the_same(ids, V, discounts[::-1])
