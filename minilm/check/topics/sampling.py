"""Sampling: temperature, top-k, top-p, repetition penalty, and the draw itself."""

import numpy as np

from minilm import generate
from minilm.check.exercise import Exercise
from minilm.generate import write


def _normalised(x):
    """log softmax(x)"""
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def _some(rng, B, V, dtype=float):
    return _normalised(rng.standard_normal((B, V))).astype(dtype)


# with_temperature


def _temperature_cases(rng):
    for B, V, temperature, dtype in (
        (1, 2, 0.5, float),
        (1, 3, 2.0, float),
        (1, 1, 0.5, float),
        (2, 4, 0.7, float),
        (3, 5, 1.3, np.float32),
        (2, 4, 10.0, float),
    ):
        yield _some(rng, B, V, dtype), temperature
    yield _normalised(0.5 * rng.random((2, 4))), 0.001  # cold: here p^(1/τ) is below the smallest float


with_temperature = Exercise(
    name="with_temperature",
    statement="log of p(v)^(1/τ) / Σ p^(1/τ), where p = e^log_probs: τ < 1 sharpens, τ > 1 flattens.",
    arguments={"log_probs": "(B, V)", "temperature": "float, τ > 0"},
    returns="(B, V)",
    reference=generate.with_temperature,
    cases=_temperature_cases,
    hints=(
        "What is the logarithm of p^(1/τ), if you know log p?",
        "Divide, then make the probabilities of each row sum to one again: subtract the logarithm of their sum.",
        "x = log_probs / τ; subtract the row's maximum; subtract the log of the row's sum of exp(x).",
    ),
)


@with_temperature.variant
def log_softmax_of_quotient(log_probs, temperature):
    return _normalised(log_probs / temperature)


@with_temperature.variant
def by_logaddexp(log_probs, temperature):
    x = log_probs * (1 / temperature)
    return x - np.logaddexp.reduce(x, axis=-1, keepdims=True)


@with_temperature.variant
def ratios_to_the_best(log_probs, temperature):
    ratios = np.exp(log_probs - log_probs.max(axis=-1, keepdims=True)) ** (1 / temperature)
    return np.stack([np.log(row / row.sum()) for row in ratios])


@with_temperature.misconception("it multiplied by τ", "Should τ = 0.5 make the likeliest token more likely, or less?")
def multiplied(log_probs, temperature):
    return _normalised(log_probs * temperature)


@with_temperature.misconception(
    "the result were not normalised again", "What do the new probabilities of a row sum to?"
)
def temperature_not_normalised(log_probs, temperature):
    return log_probs / temperature


@with_temperature.misconception(
    "the probabilities were divided by τ and normalised", "What is left of a factor when you divide by the sum?"
)
def probabilities_divided(log_probs, temperature):
    p = np.exp(log_probs) / temperature
    return np.log(p / p.sum(axis=-1, keepdims=True))


@with_temperature.misconception(
    "the softmax were taken of probabilities over τ", "With τ = 1 nothing should change: does anything in your answer?"
)
def softmax_of_probabilities(log_probs, temperature):
    return _normalised(np.exp(log_probs) / temperature)


@with_temperature.misconception("the result were probabilities", "Of what is the result to be the logarithm?")
def no_logarithm(log_probs, temperature):
    return np.exp(_normalised(log_probs / temperature))


@with_temperature.misconception(
    "p^(1/τ) were computed as it stands, which underflows", "What is 0.3¹⁰⁰⁰ for a computer, and what 0 / 0?"
)
def underflowing(log_probs, temperature):
    p = np.exp(log_probs / temperature)
    return np.log(p / p.sum(axis=-1, keepdims=True))


# keep_top_k


def _top_k_cases(rng):
    yield _shares(rng.permutation([1, 2, 3, 5])), 2
    yield _shares(rng.permutation([1, 2, 2, 2, 4])), 2  # ties
    yield _shares([int(rng.integers(1, 9))] * 4), 3
    yield np.ones((1, 1)), 1
    yield np.exp(_some(rng, 3, 6)), 3
    yield np.exp(_some(rng, 2, 4)), 1
    yield np.exp(_some(rng, 2, 3)), 3
    yield np.exp(_some(rng, 2, 8, np.float32)), 5


def _shares(*counts):
    """Probabilities as counts, (B, V)."""
    return np.array(counts) / np.sum(counts, axis=1, keepdims=True)


keep_top_k = Exercise(
    name="keep_top_k",
    statement="The k likeliest tokens of each row, the lower id first among equals, their probabilities divided by "
    "their sum; 0 for the others.",
    arguments={"p": "(B, V), probabilities", "top_k": "int, 1 ≤ k ≤ V"},
    returns="(B, V)",
    reference=generate.keep_top_k,
    answer=lambda p, top_k: np.exp(generate.keep_top_k(np.log(p), top_k)),
    cases=_top_k_cases,
    hints=(
        "Exactly k tokens stay, also when the k-th is as likely as the next.",
        "Sort the ids of each row by falling probability with a sort that keeps equals in order (kind='stable').",
        "kept = np.argsort(-row, kind='stable')[:k]; in a row of zeros, new[kept] = row[kept] / row[kept].sum().",
    ),
)


def _sums_to_one(p):
    return p / p.sum(axis=-1, keepdims=True)


def _falling(p):
    return np.argsort(-p, axis=-1, kind="stable")


def _first(p, order, k):
    """p at the first k of each row's order, 0 elsewhere"""
    return np.where(np.argsort(order, axis=-1) < k, p, 0)


@keep_top_k.variant
def by_rank(p, top_k):
    return _sums_to_one(_first(p, _falling(p), top_k))


@keep_top_k.variant
def best_removed_k_times(p, top_k):
    left, y = p.copy(), np.zeros_like(p)
    for row, rest in zip(y, left, strict=True):
        for _ in range(top_k):
            v = int(np.argmax(rest))
            row[v], rest[v] = rest[v], -1
        row /= row.sum()
    return y


@keep_top_k.variant
def sorted_in_python(p, top_k):
    rows = []
    for row in p.tolist():
        best = sorted(range(len(row)), key=lambda v: (-row[v], v))[:top_k]
        rows.append([row[v] / sum(row[u] for u in best) if v in best else 0.0 for v in range(len(row))])
    return np.array(rows)


@keep_top_k.misconception("the rest were not normalised again", "What do the probabilities that are left sum to?")
def top_k_not_normalised(p, top_k):
    return _first(p, _falling(p), top_k)


@keep_top_k.misconception(
    "all tokens as likely as the k-th were kept", "With four equal tokens and k = 3, how many does your answer keep?"
)
def ties_kept(p, top_k):
    return _sums_to_one(np.where(p >= np.sort(p, axis=-1)[:, [-top_k]], p, 0))


@keep_top_k.misconception(
    "the higher id came first among equals", "Which of two equal tokens stands first in the order?"
)
def higher_id_first(p, top_k):
    return _sums_to_one(_first(p, np.argsort(p, axis=-1, kind="stable")[:, ::-1], top_k))


@keep_top_k.misconception("the least likely tokens were kept", "In which direction does argsort sort?")
def least_likely(p, top_k):
    return _sums_to_one(_first(p, np.argsort(p, axis=-1, kind="stable"), top_k))


@keep_top_k.misconception(
    "the softmax were taken of the probabilities that are left", "What is e⁰: what does it make of a token with p = 0?"
)
def softmax_again(p, top_k):
    return _sums_to_one(np.exp(_first(p, _falling(p), top_k)))


# keep_top_p


def _top_p_cases(rng):
    yield _shares(rng.permutation([1, 2, 3, 5])), 0.6  # 5 and 3 of 11 stay
    yield _shares([1, 1, 1, 10], [2, 9, 1, 4]), 0.55
    yield _shares([int(rng.integers(1, 9))] * 4), 0.6  # ties: ids 0, 1, 2
    yield np.ones((1, 1)), 0.5
    yield _shares(rng.permutation([1, 2, 3, 5])), 0.727  # just below 8/11,
    yield _shares(rng.permutation([1, 2, 3, 5])), 0.728  # just above
    yield np.exp(_some(rng, 3, 6)), 0.8
    yield np.exp(_some(rng, 2, 5, np.float32)), 0.3
    yield _shares(rng.permutation([10, 11, 12, 13])), 0.999


keep_top_p = Exercise(
    name="keep_top_p",
    statement="The fewest likeliest tokens that together reach probability top_p (the one that crosses it stays), the "
    "lower id first among equals, their probabilities divided by their sum; 0 for the others.",
    arguments={"p": "(B, V), probabilities", "top_p": "float, 0 < top_p < 1"},
    returns="(B, V)",
    reference=generate.keep_top_p,
    answer=lambda p, top_p: np.exp(generate.keep_top_p(np.log(p), top_p)),
    cases=_top_p_cases,
    hints=(
        "Sort by falling probability and add up: 0.5, 0.8, 1. For top_p = 0.6, which tokens are needed?",
        "A token stays if those before it do not reach top_p yet.",
        "With the ranked probabilities, keep = ranked.cumsum(axis=-1) - ranked < top_p; put them back into the order "
        "of the ids, and divide by their sum.",
    ),
)


def _before(p, order):
    """For each token the probability of those before it in its row's order."""
    ranked = np.take_along_axis(p, order, axis=-1)
    return np.take_along_axis(ranked.cumsum(axis=-1) - ranked, np.argsort(order, axis=-1), axis=-1)


@keep_top_p.variant
def those_before_do_not_reach_it(p, top_p):
    return _sums_to_one(np.where(_before(p, _falling(p)) < top_p, p, 0))


@keep_top_p.variant
def taken_until_reached(p, top_p):
    y = np.zeros_like(p)
    for row, new in zip(p, y, strict=True):
        for v in sorted(range(row.size), key=lambda v: -row[v]):
            new[v] = row[v]
            if new.sum() >= top_p:
                break
        new /= new.sum()
    return y


@keep_top_p.variant
def by_searchsorted(p, top_p):
    rows = []
    for row in p:
        order = np.argsort(-row, kind="stable")
        kept = order[: np.searchsorted(np.cumsum(row[order]), top_p) + 1]
        rows.append(np.isin(np.arange(row.size), kept) * row / row[kept].sum())
    return np.stack(rows)


@keep_top_p.misconception(
    "the token that crosses p were dropped", "What does your answer keep if the best token has 0.9?"
)
def crossing_dropped(p, top_p):
    return _sums_to_one(np.where(_before(p, _falling(p)) + p <= top_p, p, 0))


@keep_top_p.misconception(
    "the tokens were added up in the order of their ids", "Which token must be the first to stay?"
)
def not_sorted(p, top_p):
    return _sums_to_one(np.where(p.cumsum(axis=-1) - p < top_p, p, 0))


@keep_top_p.misconception("the rest were not normalised again", "What do the probabilities that are left sum to?")
def top_p_not_normalised(p, top_p):
    return np.where(_before(p, _falling(p)) < top_p, p, 0)


@keep_top_p.misconception("the least likely tokens were added up first", "In which direction does argsort sort?")
def least_likely_first(p, top_p):
    return _sums_to_one(np.where(_before(p, np.argsort(p, axis=-1, kind="stable")) < top_p, p, 0))


@keep_top_p.misconception("one token too many were kept", "Do the tokens before the last one you keep reach p already?")
def one_too_many(p, top_p):
    kept = _before(p, _falling(p)) < top_p
    return _sums_to_one(_first(p, _falling(p), kept.sum(axis=-1, keepdims=True) + 1))


# penalise_repetition


def _penalty_cases(rng):
    yield _some(rng, 1, 2), np.array([[1]]), 2.0
    yield _some(rng, 1, 3), np.array([[0, 0]]), 1.5  # twice the same
    yield _some(rng, 1, 1), np.array([[0]]), 1.2
    for B, V, penalty, dtype in ((2, 5, 1.2, float), (3, 6, 3.0, np.float32), (2, 5, 0.5, float)):
        ids = np.stack([rng.permutation(V)[[0, 1, 0, 2]] for _ in range(B)])
        yield _some(rng, B, V, dtype), ids, penalty


penalise_repetition = Exercise(
    name="penalise_repetition",
    statement="log of p(v)^θ for every token v that is among the row's ids, once however often, and of p(v) for the "
    "others, normalised again.",
    arguments={"log_probs": "(B, V)", "ids": "(B, T) int, written so far", "repetition_penalty": "float, θ > 0"},
    returns="(B, V)",
    reference=generate.penalise_repetition,
    cases=_penalty_cases,
    hints=(
        "A logarithm of a probability is negative: what makes it smaller, dividing by 1.2 or multiplying?",
        "Make an array of factors, 1 everywhere, and θ at each row's own ids: setting θ twice is setting it once.",
        "for each row b: factor[b, ids[b]] = θ; then log_probs * factor, and subtract log Σ exp of each row.",
    ),
)


def _written(log_probs, ids):
    """How often each token occurs in its row's ids."""
    return (ids[:, :, None] == np.arange(log_probs.shape[1])).sum(axis=1)


@penalise_repetition.variant
def by_factors(log_probs, ids, repetition_penalty):
    factors = np.ones_like(log_probs)
    factors[np.arange(len(ids))[:, None], ids] = repetition_penalty
    return _normalised(log_probs * factors)


@penalise_repetition.variant
def by_sets(log_probs, ids, repetition_penalty):
    y = log_probs.copy()
    for row, written in zip(y, ids, strict=True):
        for v in set(written.tolist()):
            row[v] *= repetition_penalty
        row -= np.log(np.exp(row).sum())
    return y


@penalise_repetition.variant
def by_powers(log_probs, ids, repetition_penalty):
    p = np.exp(log_probs) ** np.where(_written(log_probs, ids) > 0, repetition_penalty, 1)
    return np.log(p / p.sum(axis=1, keepdims=True))


@penalise_repetition.misconception("it divided by θ", "Log-probabilities are negative: is -3 / 1.2 less than -3?")
def divided(log_probs, ids, repetition_penalty):
    return _normalised(np.where(_written(log_probs, ids), log_probs / repetition_penalty, log_probs))


@penalise_repetition.misconception(
    "each occurrence counted", "What happens to a word such as 'the' after it has been written ten times?"
)
def once_per_occurrence(log_probs, ids, repetition_penalty):
    return _normalised(log_probs * float(repetition_penalty) ** _written(log_probs, ids))


@penalise_repetition.misconception("the result were not normalised again", "What do the probabilities of a row sum to?")
def penalty_not_normalised(log_probs, ids, repetition_penalty):
    return np.where(_written(log_probs, ids), log_probs * repetition_penalty, log_probs)


@penalise_repetition.misconception("p were divided by θ", "Is the logarithm of p / θ the same as θ log p?")
def probability_divided(log_probs, ids, repetition_penalty):
    return _normalised(log_probs - np.log(repetition_penalty) * (_written(log_probs, ids) > 0))


@penalise_repetition.misconception("only the last token counted", "Which of the ids can be repeated: the last, or all?")
def last_token_only(log_probs, ids, repetition_penalty):
    return by_factors(log_probs, ids[:, -1:], repetition_penalty)


@penalise_repetition.misconception("a row's ids counted in all rows", "Does a text know what the others have written?")
def shared_by_rows(log_probs, ids, repetition_penalty):
    return by_factors(log_probs, np.tile(ids.reshape(1, -1), (len(ids), 1)), repetition_penalty)


# draw


def _draw_cases(rng):
    yield np.array([[1.0, 2.0, 1.0]]), rng.uniform(0.3, 0.7, 1)
    yield np.array([[3.0]]), rng.random(1)
    yield np.array([[0.0, 0.0, 2.0, 1.0]]), np.zeros(1)  # what has weight 0 is never drawn
    for B, V, scale in ((4, 3, 1), (8, 5, 0.01), (8, 5, 7), (6, 2, 1)):
        weights = scale * rng.uniform(0.5, 1.5, (B, V))
        yield weights, (rng.permutation(B) + rng.uniform(0.05, 0.95, B)) / B


draw = Exercise(
    name="draw",
    statement="Cut the length Σ w into V stretches, one after another, the v-th w[v] long: the token in whose stretch "
    "the number uniform · Σ w lies. A stretch includes its beginning, not its end.",
    arguments={"weights": "(B, V), w ≥ 0, not normalised", "uniform": "(B,) random numbers, 0 ≤ uniform < 1"},
    returns="(B,)",
    reference=write.draw,
    answer=lambda weights, uniform: write.draw(np.log(weights), uniform),
    cases=_draw_cases,
    hints=(
        "Draw the stretches of the weights 1, 2, 1 on a line from 0 to 4; where does uniform = 0.5 fall?",
        "The cumulative sum holds the ends of the stretches: count those that are not beyond the number.",
        "cumulative = weights.cumsum(axis=-1); (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=-1).",
    ),
)


def _ends(weights):
    return weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)


@draw.variant
def ends_counted(weights, uniform):
    return (_ends(weights) <= uniform[:, None]).sum(axis=1)


@draw.variant
def searched(weights, uniform):
    rows = zip(weights.cumsum(axis=1), uniform, strict=True)
    return np.array([np.searchsorted(ends, u * ends[-1], side="right") for ends, u in rows])


@draw.variant
def walked(weights, uniform):
    tokens = []
    for row, u in zip(weights, uniform, strict=True):
        left, v = u * sum(row), 0
        while left >= row[v]:
            left, v = left - row[v], v + 1
        tokens.append(v)
    return tokens


@draw.misconception(
    "the token after the right one were drawn", "Which token is it if the number lies before every end?"
)
def one_too_far(weights, uniform):
    return (_ends(weights) <= uniform[:, None]).sum(axis=1) + 1


@draw.misconception("the weights already summed to one", "How long is the whole line, and how far along it is uniform?")
def not_scaled(weights, uniform):
    return (weights.cumsum(axis=1) <= uniform[:, None]).sum(axis=1)


@draw.misconception("the heaviest token were taken", "Where does chance come in?")
def heaviest(weights, uniform):
    return weights.argmax(axis=1)


@draw.misconception("the first token with a probability above uniform were taken", "Where does a stretch begin?")
def not_cumulated(weights, uniform):
    return (weights / weights.sum(axis=1, keepdims=True) > uniform[:, None]).argmax(axis=1)


@draw.misconception(
    "a stretch included its end, not its beginning", "If uniform is 0 and the first weight is 0, what is drawn?"
)
def end_included(weights, uniform):
    return (_ends(weights) < uniform[:, None]).sum(axis=1)
