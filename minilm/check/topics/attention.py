"""Attention: scores, scale, masks, heads."""

import math

import numpy as np

from minilm import Tensor, data, kernels, nn
from minilm.check.exercise import Exercise

# attention


def _attention_cases(rng):
    for B, H, T, S, D, dtype in (
        (1, 1, 1, 2, 4, float),
        (1, 1, 2, 3, 4, float),
        (1, 1, 1, 1, 1, float),
        (2, 3, 4, 4, 2, float),
        (2, 1, 3, 5, 8, np.float32),
    ):
        q, k, v = (rng.standard_normal((B, H, n, D)).astype(dtype) for n in (T, S, S))
        mask = rng.random((B, H, T, S)) < 0.7
        mask[..., 0] = True  # every query may look somewhere
        yield q, k, v, mask
    yield 40 * q, 40 * k, v, mask  # large scores: a softmax that overflows shows here


attention = Exercise(
    name="attention",
    statement="softmax(Q Kᵀ / √D) V: each query's mean of the values, over the keys that its row of the mask allows.",
    arguments={
        "q": "(B, H, T, D)",
        "k": "(B, H, S, D)",
        "v": "(B, H, S, D)",
        "mask": "(B, H, T, S) bool, True where a query may look",
    },
    returns="(B, H, T, D)",
    reference=kernels.attend,
    cases=_attention_cases,
    hints=(
        "Write the shapes beside each line: the scores are (B, H, T, S), one number for each query and key.",
        "A hidden key must get weight 0 and the others must still sum to 1: so hide it before the softmax, with -∞.",
        "scores = q @ k.swapaxes(-1, -2) / √D; where the mask is False set -∞; subtract the row's maximum, take exp, "
        "divide by the row's sum; multiply by v.",
    ),
)


def _softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _scores(q, k):
    return q @ np.swapaxes(k, -1, -2)


@attention.variant
def with_where(q, k, v, mask):
    scores = np.where(mask, _scores(q, k) / math.sqrt(q.shape[-1]), -np.inf)
    return _softmax(scores) @ v


@attention.variant
def with_einsum(q, k, v, mask):
    scores = np.einsum("bhtd,bhsd->bhts", q, k) * q.shape[-1] ** -0.5
    scores[~mask] = -1e30
    return np.einsum("bhts,bhsd->bhtd", _softmax(scores), v)


@attention.variant
def row_by_row(q, k, v, mask):
    y = np.zeros_like(q)
    for place in np.ndindex(q.shape[:-1]):
        head, allowed = place[:-1], mask[place]
        scores = k[head][allowed] @ q[place] / math.sqrt(q.shape[-1])
        weights = np.exp(scores - scores.max())
        y[place] = weights / weights.sum() @ v[head][allowed]
    return y


@attention.misconception("the scores were not divided by √D", "What happens to the softmax when D grows?")
def unscaled(q, k, v, mask):
    return _softmax(np.where(mask, _scores(q, k), -np.inf)) @ v


@attention.misconception(
    "the scores were divided by D instead of √D",
    "If q and k have entries of variance 1, what is the variance of their product, and what is its square root?",
)
def scaled_by_d(q, k, v, mask):
    return _softmax(np.where(mask, _scores(q, k) / q.shape[-1], -np.inf)) @ v


@attention.misconception(
    "the mask's True meant 'hidden'",
    "Read the mask's line in the statement again: what may a query do where it is True?",
)
def mask_inverted(q, k, v, mask):
    return _softmax(np.where(mask, -np.inf, _scores(q, k) / math.sqrt(q.shape[-1]))) @ v


@attention.misconception(
    "the mask was applied after the softmax", "Do the weights that are left still sum to one in every row?"
)
def masked_after_softmax(q, k, v, mask):
    return _softmax(_scores(q, k) / math.sqrt(q.shape[-1])) * mask @ v


@attention.misconception("hidden scores were set to 0", "What is e⁰, and so the weight of a hidden key?")
def masked_with_zero(q, k, v, mask):
    return _softmax(np.where(mask, _scores(q, k) / math.sqrt(q.shape[-1]), 0)) @ v


@attention.misconception(
    "the softmax ran over the queries",
    "Whose weights must sum to one: all queries' for a key, or all keys' for a query?",
)
def softmax_over_queries(q, k, v, mask):
    return np.nan_to_num(_softmax(np.where(mask, _scores(q, k) / math.sqrt(q.shape[-1]), -np.inf), axis=-2)) @ v


@attention.misconception("there were no mask", "Which line of your code looks at the mask?")
def mask_ignored(q, k, v, mask):
    return _softmax(_scores(q, k) / math.sqrt(q.shape[-1])) @ v


# causal_mask


def _causal_cases(rng):
    yield 2, 2
    yield 3, 3
    yield 1, 1
    yield 1, int(rng.integers(2, 30))  # a step with a cache: the newest token alone
    for _ in range(3):
        T = int(rng.integers(2, 9))
        yield T, T + int(rng.integers(1, 30))
    yield T, T


causal_mask = Exercise(
    name="causal_mask",
    statement="mask[t, s] = (s ≤ t + S - T): the queries are the last T tokens; each sees itself and all before.",
    arguments={"T": "int, how many queries", "S": "int, how many keys, T ≤ S"},
    returns="(T, S) bool",
    reference=kernels.visible,
    answer=lambda T, S: kernels.visible(True, True, T, S),
    cases=_causal_cases,
    hints=(
        "Draw it for T = S = 3, then for T = 1 and S = 3: the last query always sees every key.",
        "Query t stands at place t + S - T of the S tokens; compare that with the keys' places 0 ... S - 1.",
        "A column of the queries' places against a row of the keys': np.arange(S) <= np.arange(T)[:, None] + S - T.",
    ),
)


@causal_mask.variant
def places_compared(T, S):
    return np.arange(S)[None, :] <= np.arange(S - T, S)[:, None]


@causal_mask.variant
def lower_triangle(T, S):
    return np.tril(np.ones((T, S), bool), S - T)


@causal_mask.variant
def last_rows_of_the_square(T, S):
    return ~np.triu(np.ones((S, S), bool), 1)[S - T :]


@causal_mask.variant
def filled_row_by_row(T, S):
    mask = np.zeros((T, S), bool)
    for t in range(T):
        mask[t, : S - T + t + 1] = True
    return mask


@causal_mask.misconception("a token did not see itself", "What would the very first token of a text look at?")
def blind_to_itself(T, S):
    return np.tri(T, S, S - T - 1, dtype=bool)


@causal_mask.misconception(
    "a token saw the one after it", "Which token is a query about to predict, and is that one in its sight?"
)
def sees_the_next(T, S):
    return np.tri(T, S, S - T + 1, dtype=bool)


@causal_mask.misconception(
    "a token saw itself and what comes after it, not what comes before",
    "Row t belongs to query t: which side of the diagonal holds its past?",
)
def sees_the_future(T, S):
    return np.triu(np.ones((T, S), bool), S - T)


@causal_mask.misconception("True meant 'hidden'", "What may a query do where its mask is True?")
def true_hides(T, S):
    return ~np.tri(T, S, S - T, dtype=bool)


@causal_mask.misconception(
    "the queries were the first T tokens",
    "With T = 1 and S = 5, which of the five tokens asks, and how many may it see?",
)
def queries_come_first(T, S):
    return np.tri(T, S, dtype=bool)


# padding_mask


def _padding_cases(rng):
    yield np.array([2, 1]), 3
    yield np.array([1]), 1
    yield np.array([0, 4, 2, 3]), 4
    for B, T in ((1, 7), (5, 12), (9, 9)):
        yield rng.integers(1, T, B), T


padding_mask = Exercise(
    name="padding_mask",
    statement="mask[b, t] = (t < lengths[b]): True on a text's own tokens, False on the padding after them.",
    arguments={"lengths": "(B,) int, from 0 to T", "T": "int"},
    returns="(B, T) bool",
    reference=data.length_mask,
    cases=_padding_cases,
    hints=(
        "Write the mask of lengths 2 and 1 with T = 3 by hand.",
        "Each place 0 ... T - 1 is compared with each length: a row against a column.",
        "np.arange(T) has shape (T,) and lengths[:, None] has shape (B, 1); < broadcasts them to (B, T).",
    ),
)


@padding_mask.variant
def row_against_column(lengths, T):
    return np.arange(T)[None, :] < lengths[:, None]


@padding_mask.variant
def list_of_rows(lengths, T):
    return [[True] * int(n) + [False] * (T - int(n)) for n in lengths]


@padding_mask.variant
def rows_of_a_triangle(lengths, T):
    return np.tri(T + 1, T, -1, dtype=bool)[lengths]


@padding_mask.misconception(
    "a text were one token longer", "What is the place of the last token of a text of length 1?"
)
def one_too_long(lengths, T):
    return np.arange(T) <= lengths[:, None]


@padding_mask.misconception("a text were one token shorter", "How many True does the row of a text of length 2 need?")
def one_too_short(lengths, T):
    return np.arange(T) < lengths[:, None] - 1


@padding_mask.misconception("True marked the padding", "Which tokens may be looked at, and what does True say?")
def marks_the_padding(lengths, T):
    return np.arange(T) >= lengths[:, None]


@padding_mask.misconception("the padding came before the text", "At which end of a row does the text begin?")
def padded_on_the_left(lengths, T):
    return np.arange(T) >= T - lengths[:, None]


@padding_mask.misconception(
    "rows and columns were exchanged", "Which axis should count the texts, and which the places?"
)
def mask_transposed(lengths, T):
    return np.arange(T)[:, None] < lengths


# split_heads


def _head_cases(rng):
    for B, T, H, D, dtype in (
        (1, 2, 2, 1, float),
        (1, 2, 2, 2, float),
        (1, 1, 1, 1, float),
        (2, 3, 3, 3, float),
        (2, 4, 3, 2, np.float32),
        (1, 5, 1, 4, float),
    ):
        yield rng.standard_normal((B, T, H * D)).astype(dtype), H


split_heads = Exercise(
    name="split_heads",
    statement="y[b, h, t, d] = x[b, t, h D + d], D = C / H: head h takes the h-th run of D neighbouring channels.",
    arguments={"x": "(B, T, C)", "H": "int, divides C"},
    returns="(B, H, T, D)",
    reference=nn.split_heads,
    answer=lambda x, H: nn.split_heads(Tensor(x), H).data,
    cases=_head_cases,
    hints=(
        "A reshape never moves a number: it only reads the same row of numbers with other axes.",
        "First cut the channels of each token into H runs of D, then bring the axis of the heads to the front.",
        "x.reshape(B, T, H, D), then exchange the axes 1 and 2.",
    ),
)


@split_heads.variant
def cut_and_swap(x, H):
    B, T, C = x.shape
    return x.reshape(B, T, H, C // H).transpose(0, 2, 1, 3)


@split_heads.variant
def stack_of_slices(x, H):
    D = x.shape[-1] // H
    return np.stack([x[..., h * D : (h + 1) * D] for h in range(H)], axis=1)


@split_heads.variant
def split_by_numpy(x, H):
    return np.array(np.split(x, H, axis=2)).swapaxes(0, 1)


@split_heads.misconception(
    "x were reshaped to (B, H, T, D) at once", "Which tokens do the first T × D numbers of x come from, in that order?"
)
def reshaped_at_once(x, H):
    B, T, C = x.shape
    return x.reshape(B, H, T, C // H)


@split_heads.misconception(
    "a head took every H-th channel", "Which channels does head 0 own: the first D, or one here and one there?"
)
def heads_interleaved(x, H):
    B, T, C = x.shape
    return x.reshape(B, T, C // H, H).transpose(0, 3, 1, 2)


@split_heads.misconception("the heads stayed behind the tokens", "Which two axes must be last for q @ kᵀ to be (T, S)?")
def axes_not_exchanged(x, H):
    B, T, C = x.shape
    return x.reshape(B, T, H, C // H)


@split_heads.misconception("the tokens came last", "Which two of the four axes need to change places, and which not?")
def tokens_last(x, H):
    B, T, C = x.shape
    return x.reshape(B, T, H, C // H).transpose(0, 2, 3, 1)


# additive_attention


def _additive_cases(rng):
    for B, T, S, C, F, dtype in (
        (1, 1, 2, 2, 2, float),
        (1, 2, 3, 2, 3, float),
        (1, 1, 1, 1, 1, float),
        (2, 3, 4, 3, 5, float),
        (2, 2, 5, 4, 3, np.float32),
    ):
        shapes = (B, T, C), (B, S, C), (C, F), (C, F), (F,)
        queries, memory, W, U, v = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
        mask = rng.random((B, S)) < 0.6
        mask[:, 0] = True  # something may be seen
        mask[0, 1:2] = False
        yield queries, memory, W, U, v, mask
    yield queries, memory, W, U, 500 * v, mask


def _additive(queries, memory, W, U, v, mask):
    attend = nn.AdditiveAttention(*W.shape[:1], *U.shape, rng=np.random.default_rng(0))
    attend.query.W, attend.memory.W, attend.v = Tensor(W), Tensor(U), Tensor(v[:, None])
    with kernels.reference_only():
        return attend(Tensor(queries), Tensor(memory), mask)[0].data


additive_attention = Exercise(
    name="additive_attention",
    statement="score(t, s) = vᵀ tanh(q_t W + m_s U); the softmax over the allowed s weighs the m_s (Bahdanau 2015).",
    arguments={
        "queries": "(B, T, C)",
        "memory": "(B, S, C)",
        "W": "(C, F), for the queries",
        "U": "(C, F), for the memory",
        "v": "(F,)",
        "mask": "(B, S) bool, True where a query may look",
    },
    returns="(B, T, C)",
    reference=nn.AdditiveAttention.__call__,
    answer=_additive,
    cases=_additive_cases,
    hints=(
        "Every query meets every memory: before the tanh you need an array (B, T, S, F).",
        "Give the projected queries an axis for s and the projected memory one for t, and add: they broadcast.",
        "scores = np.tanh((queries @ W)[:, :, None] + (memory @ U)[:, None]) @ v; hide with -∞; softmax over the last "
        "axis; multiply by memory.",
    ),
)


def _sums(queries, memory, W, U):
    return (queries @ W)[:, :, None] + (memory @ U)[:, None]


def _look(scores, memory, mask):
    return _softmax(np.where(mask[:, None], scores, -np.inf)) @ memory


@additive_attention.variant
def broadcast(queries, memory, W, U, v, mask):
    return _look(np.tanh(_sums(queries, memory, W, U)) @ v, memory, mask)


@additive_attention.variant
def additive_einsum(queries, memory, W, U, v, mask):
    q, m = np.einsum("btc,cf->btf", queries, W), np.einsum("bsc,cf->bsf", memory, U)
    scores = np.einsum("btsf,f->bts", np.tanh(np.expand_dims(q, 2) + np.expand_dims(m, 1)), v)
    scores += np.where(mask, 0, -1e9)[:, None]
    return np.einsum("bts,bsc->btc", _softmax(scores), memory)


@additive_attention.variant
def query_by_query(queries, memory, W, U, v, mask):
    y = np.zeros_like(queries)
    for b, t in np.ndindex(queries.shape[:2]):
        seen = memory[b][mask[b]]
        y[b, t] = _softmax(np.tanh(queries[b, t] @ W + seen @ U) @ v) @ seen
    return y


@additive_attention.misconception(
    "there were no tanh", "Without it, does what the query says still change the weights?"
)
def no_tanh(queries, memory, W, U, v, mask):
    return _look(_sums(queries, memory, W, U) @ v, memory, mask)


@additive_attention.misconception(
    "the tanh were taken of the score", "Between which two numbers can a score lie then, whatever v is?"
)
def tanh_of_the_score(queries, memory, W, U, v, mask):
    return _look(np.tanh(_sums(queries, memory, W, U) @ v), memory, mask)


@additive_attention.misconception(
    "the softmax ran over the queries", "For which axis of the scores (B, T, S) must the weights sum to one?"
)
def over_queries(queries, memory, W, U, v, mask):
    scores = np.where(mask[:, None], np.tanh(_sums(queries, memory, W, U)) @ v, -1e9)
    return _softmax(scores, axis=1) @ memory


@additive_attention.misconception("there were no mask", "What weight does padding get in your answer?")
def padding_seen(queries, memory, W, U, v, mask):
    return _softmax(np.tanh(_sums(queries, memory, W, U)) @ v) @ memory


@additive_attention.misconception(
    "W belonged to the memory and U to the queries", "Which of the two matrices meets which of the two inputs?"
)
def matrices_exchanged(queries, memory, W, U, v, mask):
    return _look(np.tanh(_sums(queries, memory, U, W)) @ v, memory, mask)


@additive_attention.misconception(
    "the scores were divided by √F", "Which attention needs that scale, and is a score here a product of q and k?"
)
def scaled_additive(queries, memory, W, U, v, mask):
    return _look(np.tanh(_sums(queries, memory, W, U)) @ v / math.sqrt(len(v)), memory, mask)
