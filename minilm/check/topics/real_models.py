"""What published models are made of: blocks of 4 bits, SwiGLU, grouped queries, rotary rows, and LoRA."""

import numpy as np

from minilm import Tensor, autograd, nn
from minilm.check.exercise import Exercise
from minilm.kernels import blocks
from minilm.nn.position import pairs_apart

# q4_1_weights


def _q4_1_cases(rng):
    yield np.array([0.5]), np.array([1.0]), np.full((1, 16), 0x21, np.uint8)
    yield (
        np.array([1.0]),
        np.array([-2.0]),
        (np.arange(16, dtype=np.uint8) * 16 + 15 - np.arange(16, dtype=np.uint8))[None],
    )
    yield np.array([0.25, 2.0]), np.array([0.0, 0.5]), np.array([[0xF0] * 16, [0x0F] * 16], np.uint8)
    for N in (1, 3, 4):
        d, m = (rng.normal(size=N).astype(np.float16).astype(float) for _ in range(2))
        yield np.abs(d), m, rng.integers(0, 256, (N, 16)).astype(np.uint8)


def _q4_1(d, m, q):
    stored = np.empty(len(d), blocks.Q4_1)
    stored["d"], stored["m"], stored["q"] = d, m, q
    return blocks.q4_1(stored)


q4_1_weights = Exercise(
    name="q4_1_weights",
    statement="Weights from blocks of 4 bits: w = d q + m, with q from 0 to 15. The j-th byte of a block holds the q "
    "of its j-th weight in its low half, and that of its (j + 16)-th in its high half.",
    arguments={"d": "(N,), the scale of each block", "m": "(N,), its least weight", "q": "(N, 16) uint8, its bytes"},
    returns="(N, 32)",
    reference=blocks.q4_1,
    answer=_q4_1,
    cases=_q4_1_cases,
    hints=(
        "The byte 0x21 is 2 · 16 + 1: which of its halves is the low one?",
        "q & 15 keeps the low four bits of a byte, q >> 4 moves the high four down.",
        "np.concatenate([q & 15, q >> 4], axis=1) are the whole numbers (N, 32); d and m need one more axis.",
    ),
)


@q4_1_weights.variant
def joined_halves(d, m, q):
    return d[:, None] * np.concatenate([q & 15, q >> 4], axis=1) + m[:, None]


@q4_1_weights.variant
def by_division(d, m, q):
    w = np.empty((len(q), 32))
    w[:, 16:], w[:, :16] = np.divmod(q, 16)
    return w * d[:, None] + m[:, None]


@q4_1_weights.variant
def byte_by_byte(d, m, q):
    w = np.zeros((len(q), 32))
    for n, block in enumerate(q):
        for j, byte in enumerate(block.tolist()):
            w[n, j] = d[n] * (byte % 16) + m[n]
            w[n, j + 16] = d[n] * (byte // 16) + m[n]
    return w


def _halves(q):
    return np.concatenate([q & 15, q >> 4], axis=1).astype(float)


@q4_1_weights.misconception(
    "the two weights of a byte were neighbours", "How far apart in the block are the weights that share a byte?"
)
def neighbours(d, m, q):
    return d[:, None] * np.stack([q & 15, q >> 4], axis=2).reshape(len(q), 32) + m[:, None]


@q4_1_weights.misconception("the high halves came first", "Which weight is in the low half of the first byte?")
def high_first(d, m, q):
    return np.roll(joined_halves(d, m, q), 16, axis=1)


@q4_1_weights.misconception("m were not added", "What is the weight of q = 0?")
def without_m(d, m, q):
    return d[:, None] * _halves(q)


@q4_1_weights.misconception("m were subtracted", "Which weight should be the least of a block?")
def m_subtracted(d, m, q):
    return d[:, None] * _halves(q) - m[:, None]


@q4_1_weights.misconception("m were scaled by d, too", "Is m a whole number, or a weight?")
def m_scaled(d, m, q):
    return d[:, None] * (_halves(q) + m[:, None])


@q4_1_weights.misconception(
    "the whole numbers ran from -8 to 7, as in Q4_0", "What says where the numbers begin in Q4_1, if not the number 8?"
)
def centred(d, m, q):
    return d[:, None] * (_halves(q) - 8) + m[:, None]


@q4_1_weights.misconception("the high halves were not moved down", "How large can a number of four bits be?")
def not_shifted(d, m, q):
    return d[:, None] * np.concatenate([q & 15, q & 0xF0], axis=1) + m[:, None]


@q4_1_weights.misconception("the low halves kept the high bits", "What else is in the byte of a low half?")
def not_masked(d, m, q):
    return d[:, None] * np.concatenate([q, q >> 4], axis=1) + m[:, None]


# swiglu


def _swiglu_cases(rng):
    yield np.array([[1.0]]), np.array([[2.0]]), np.array([[3.0]]), np.array([[1.0]])
    yield np.array([[1.0, -1.0]]), np.eye(2), np.array([[1.0, 2.0], [0.0, 1.0]]), np.eye(2)
    for N, C, F in ((1, 2, 3), (3, 4, 6), (5, 3, 3)):
        x, gate, inner, outer = (rng.normal(size=shape) for shape in ((N, C), (C, F), (C, F), (F, C)))
        yield 2 * x, gate, inner, outer


def _swiglu(x, gate, inner, outer):
    return autograd.swiglu(Tensor(x @ gate), Tensor(x @ inner)).data @ outer


swiglu = Exercise(
    name="swiglu",
    statement="The feed-forward layer of Llama: y = (g σ(g) ⊙ x W₁) W₂ with g = x W₀ and σ(g) = 1 / (1 + e⁻ᵍ).",
    arguments={"x": "(N, C)", "gate": "(C, F), W₀", "inner": "(C, F), W₁", "outer": "(F, C), W₂"},
    returns="(N, C)",
    reference=nn.SwiGLU,
    answer=_swiglu,
    cases=_swiglu_cases,
    hints=(
        "Three matrices: two are applied to x, and the third to what?",
        "g and x W₁ have the same shape (N, F); ⊙ multiplies them number by number.",
        "g = x @ gate; y = (g / (1 + np.exp(-g)) * (x @ inner)) @ outer",
    ),
)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@swiglu.variant
def in_one_line(x, gate, inner, outer):
    return (x @ gate * _sigmoid(x @ gate) * (x @ inner)) @ outer


@swiglu.variant
def as_quotient(x, gate, inner, outer):
    g = x @ gate
    return (g / (1 + np.exp(-g)) * (x @ inner)) @ outer


@swiglu.variant
def with_tanh(x, gate, inner, outer):
    g, h = np.split(x @ np.hstack([gate, inner]), 2, axis=1)
    return np.einsum("nf,nf,fc->nc", 0.5 * g * (1 + np.tanh(g / 2)), h, outer)


@swiglu.misconception("the gate were the other matrix", "To which of the two does σ belong?")
def exchanged(x, gate, inner, outer):
    return in_one_line(x, inner, gate, outer)


@swiglu.misconception("the gate were σ(g) alone, a GLU", "What becomes of the gate when g is large?")
def plain_glu(x, gate, inner, outer):
    return (_sigmoid(x @ gate) * (x @ inner)) @ outer


@swiglu.misconception("the gate were not activated", "What makes this layer more than products of x with itself?")
def bilinear(x, gate, inner, outer):
    return (x @ gate * (x @ inner)) @ outer


@swiglu.misconception("the gate were a ReLU", "What is g σ(g) for g = -1: nothing?")
def gated_by_relu(x, gate, inner, outer):
    return (np.maximum(x @ gate, 0) * (x @ inner)) @ outer


@swiglu.misconception("the gate were added", "Can a sum close a channel, as a gate does?")
def added(x, gate, inner, outer):
    return (x @ gate * _sigmoid(x @ gate) + x @ inner) @ outer


@swiglu.misconception("there were no W₁", "What does the gate let through?")
def without_inner(x, gate, inner, outer):
    return (x @ gate * _sigmoid(x @ gate)) @ outer


@swiglu.misconception("both were activated", "Which of the two factors has a σ in the formula?")
def both_activated(x, gate, inner, outer):
    g, h = x @ gate, x @ inner
    return (g * _sigmoid(g) * h * _sigmoid(h)) @ outer


@swiglu.misconception("the product were activated", "Is σ of g, or of g ⊙ x W₁?")
def product_activated(x, gate, inner, outer):
    z = x @ gate * (x @ inner)
    return (z * _sigmoid(z)) @ outer


# grouped_attention


def _grouped_cases(rng):
    yield np.zeros((2, 1, 1)), np.zeros((1, 2, 1)), np.array([[[1.0], [3.0]]])
    yield np.zeros((4, 1, 1)), np.zeros((2, 1, 1)), np.array([[[1.0]], [[2.0]]])
    for H, G, T, S, D in ((4, 2, 2, 3, 2), (9, 3, 1, 5, 3), (6, 2, 3, 4, 3), (2, 2, 3, 2, 4), (4, 1, 2, 2, 3)):
        yield tuple(1.5 * rng.normal(size=shape) for shape in ((H, T, D), (G, S, D), (G, S, D)))


def _grouped(q, k, v):
    return autograd.attention(*(Tensor(a[None]) for a in (q, k, v))).data[0]


grouped_attention = Exercise(
    name="grouped_attention",
    statement="softmax(Q Kᵀ / √D) V without a mask, in H heads whose keys and values come in G heads only: the first "
    "H/G heads of queries share the first of the keys and values, the next H/G the second, and so on.",
    arguments={"q": "(H, T, D)", "k": "(G, S, D), H a multiple of G", "v": "(G, S, D)"},
    returns="(H, T, D)",
    reference=autograd.attention.rule,
    answer=_grouped,
    cases=_grouped_cases,
    hints=(
        "With H = 9 and G = 3: which of the three does query head 4, counted from 0, look at?",
        "np.repeat(k, H // G, axis=0) has each head H/G times in a row; np.tile would have them in turns.",
        "k, v = (np.repeat(a, len(q) // len(k), axis=0) for a in (k, v)); then as in ordinary attention.",
    ),
)


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _attend(q, k, v, scale=None):
    return _softmax(q @ k.swapaxes(1, 2) / (np.sqrt(q.shape[-1]) if scale is None else scale)) @ v


@grouped_attention.variant
def with_repeats(q, k, v):
    k, v = (np.repeat(a, len(q) // len(k), axis=0) for a in (k, v))
    return _attend(q, k, v)


@grouped_attention.variant
def in_groups(q, k, v):
    queries = q.reshape(len(k), -1, q.shape[-1])  # those of a group, one head after another
    return _attend(queries, k, v).reshape(q.shape)


@grouped_attention.variant
def head_by_head(q, k, v):
    return np.stack([_attend(q[h : h + 1], *(a[[h * len(k) // len(q)]] for a in (k, v)))[0] for h in range(len(q))])


@grouped_attention.misconception("the heads of queries took turns", "Which queries share the first head of the keys?")
def tiled(q, k, v):
    k, v = (np.tile(a, (len(q) // len(k), 1, 1)) for a in (k, v))
    return _attend(q, k, v)


@grouped_attention.misconception("all queries shared the first head", "What are the other heads of the keys for?")
def first_only(q, k, v):
    return _attend(q, k[:1], v[:1])


@grouped_attention.misconception("keys and values were the mean of their heads", "How many means would be left of G?")
def mean_of_heads(q, k, v):
    return _attend(q, k.mean(axis=0, keepdims=True), v.mean(axis=0, keepdims=True))


@grouped_attention.misconception("values came in another order than their keys", "Whose value does a key stand for?")
def values_tiled(q, k, v):
    group = len(q) // len(k)
    return _attend(q, np.repeat(k, group, axis=0), np.tile(v, (group, 1, 1)))


@grouped_attention.misconception("the queries of a group were one", "Do those who share keys have to ask the same?")
def mean_query(q, k, v):
    means = q.reshape(len(k), -1, *q.shape[1:]).mean(axis=1)
    return np.repeat(_attend(means, k, v), len(q) // len(k), axis=0)


@grouped_attention.misconception("the last heads came first", "Which head of the keys is the first query's?")
def reversed_heads(q, k, v):
    return with_repeats(q, k[::-1], v[::-1])


@grouped_attention.misconception(
    "the scores were not divided by √D", "What does the softmax of large scores look like?"
)
def not_divided(q, k, v):
    k, v = (np.repeat(a, len(q) // len(k), axis=0) for a in (k, v))
    return _attend(q, k, v, scale=1)


# rotary_rows


def _row_cases(rng):
    yield np.arange(4.0)[:, None], 1
    yield np.arange(8.0)[:, None], 1
    yield np.arange(16.0)[:, None], 2
    for heads, D, C in ((1, 8, 8), (3, 4, 5), (2, 8, 16), (4, 6, 3)):
        yield rng.normal(size=(heads * D, C)), heads


rotary_rows = Exercise(
    name="rotary_rows",
    statement="The rows of W make the channels of the heads, one head after another. Rotary positions turn pairs of "
    "channels: in the file the neighbours 2i and 2i + 1 of a head, in minilm i and i + D/2. Put the rows into minilm's "
    "order: in each head first the even ones, and then the odd ones.",
    arguments={"W": "(heads D, C), D even", "heads": "int"},
    returns="(heads D, C)",
    reference=pairs_apart,
    cases=_row_cases,
    hints=(
        "Write down where the rows 0 1 2 3 of one head go.",
        "W.reshape(heads, D // 2, 2, C) has the axes head, pair, which of the pair, input.",
        "Exchange the axes 1 and 2 of that, and give it W's shape again.",
    ),
)


@rotary_rows.variant
def with_axes(W, heads):
    return W.reshape(heads, -1, 2, W.shape[1]).transpose(0, 2, 1, 3).reshape(W.shape)


@rotary_rows.variant
def by_index(W, heads):
    D = len(W) // heads
    one = [*range(0, D, 2), *range(1, D, 2)]
    return W[[h * D + d for h in range(heads) for d in one]]


@rotary_rows.variant
def split_and_joined(W, heads):
    return np.concatenate([part for head in np.split(W, heads) for part in (head[0::2], head[1::2])])


@rotary_rows.misconception(
    "the rows were put from minilm's order into the file's", "Which row of the file is to be minilm's second?"
)
def the_other_way(W, heads):
    return W.reshape(heads, 2, -1, W.shape[1]).swapaxes(1, 2).reshape(W.shape)


@rotary_rows.misconception("all heads were one", "May a row leave its head?")
def heads_as_one(W, heads):
    return with_axes(W, 1)


@rotary_rows.misconception("the odd rows came first", "Which of a pair is the first: 2i or 2i + 1?")
def odd_first(W, heads):
    return np.concatenate([part for head in np.split(W, heads) for part in (head[1::2], head[0::2])])


@rotary_rows.misconception("the halves of each head were exchanged", "Where are the two rows of a pair in the file?")
def halves_exchanged(W, heads):
    return W.reshape(heads, 2, -1, W.shape[1])[:, ::-1].reshape(W.shape)


@rotary_rows.misconception("each pair were exchanged", "How far apart is a pair to be in the end?")
def pairs_exchanged(W, heads):
    return W.reshape(-1, 2, W.shape[1])[:, ::-1].reshape(W.shape)


@rotary_rows.misconception("every heads-th row belonged to one head", "Which rows make the first head?")
def heads_in_turns(W, heads):
    return W.reshape(-1, 2, heads, W.shape[1]).swapaxes(0, 1).reshape(W.shape)


@rotary_rows.misconception("nothing were to be done", "Which rows would minilm turn together?")
def as_it_is(W, heads):
    return W


# merged_lora


def _lora_cases(rng):
    yield np.array([[1.0]]), np.array([[2.0]]), np.array([[3.0]]), 4.0
    yield np.eye(2), np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]), 3.0
    for C, F, r, alpha in ((3, 2, 2, 16.0), (4, 4, 3, 6.0), (5, 3, 2, 1.0)):
        yield *(rng.normal(size=shape) for shape in ((C, F), (C, r), (r, F))), alpha


def _merged(W, A, B, alpha):
    adapter = nn.LoRA(nn.Linear(*W.shape, bias=False, rng=None), rank=len(B), alpha=alpha, rng=None)
    adapter.layer.W, adapter.A, adapter.B = map(Tensor, (W.copy(), A, B))
    return adapter.merged().W.data


merged_lora = Exercise(
    name="merged_lora",
    statement="One matrix for a layer and its adapter: W + (α/r) A B, so that x times it is x W + (α/r) (x A) B.",
    arguments={"W": "(C, F)", "A": "(C, r)", "B": "(r, F)", "alpha": "float, α"},
    returns="(C, F), a new array",
    reference=nn.LoRA.merged,
    answer=_merged,
    cases=_lora_cases,
    hints=(
        "What has to be added to W so that x (W + ...) is x W + (α/r) (x A) B for every x?",
        "r is the rank: the number of columns of A, and of rows of B.",
        "W + alpha / len(B) * (A @ B)",
    ),
)


@merged_lora.variant
def as_the_formula(W, A, B, alpha):
    return W + alpha / A.shape[1] * (A @ B)


@merged_lora.variant
def from_the_identity(W, A, B, alpha):
    x = np.eye(len(W))
    return x @ W + (x @ A) @ B * (alpha / len(B))


@merged_lora.variant
def rank_by_rank(W, A, B, alpha):
    return W + sum(alpha * np.outer(a, b) for a, b in zip(A.T, B, strict=True)) / len(B)


@merged_lora.misconception("A B were not scaled", "What does α change?")
def not_scaled(W, A, B, alpha):
    return W + A @ B


@merged_lora.misconception("α were not divided by r", "What should stay alike when the rank is doubled?")
def without_rank(W, A, B, alpha):
    return W + alpha * (A @ B)


@merged_lora.misconception("α were divided by √r", "Which power of the rank is in the formula?")
def root_of_rank(W, A, B, alpha):
    return W + alpha / np.sqrt(len(B)) * (A @ B)


@merged_lora.misconception("α were divided by the width", "Is r the number of A's rows, or of its columns?")
def by_width(W, A, B, alpha):
    return W + alpha / len(A) * (A @ B)


@merged_lora.misconception("the scale were r/α", "Should a larger α make the update larger or smaller?")
def upside_down(W, A, B, alpha):
    return W + len(B) / alpha * (A @ B)


@merged_lora.misconception("the update took W's place", "What does the layer know before anything is learned?")
def without_W(W, A, B, alpha):
    return alpha / len(B) * (A @ B)


@merged_lora.misconception("W were scaled, too", "What is the sum to be where B is 0?")
def all_scaled(W, A, B, alpha):
    return alpha / len(B) * (W + A @ B)
