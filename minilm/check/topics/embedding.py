"""Embedding: rows of a table looked up, the gradient that adds up where a row was used, and a tied output."""

import math

import numpy as np

from minilm import autograd, kernels
from minilm.autograd import Tensor
from minilm.check.exercise import Exercise

SHAPES = ((1, 2, 2, 2, float), (1, 1, 1, 1, float), (2, 1, 4, 3, float), (2, 3, 3, 2, float), (3, 4, 5, 2, np.float32))


def _ids(rng, B, T, V):
    """Ids with repeats; some never occur, and if V allows the last is among those."""
    ids = rng.integers(0, max(1, V - 1), (B, T))
    ids[-1, -1] = ids[0, 0]
    return ids


# embedding


def _embedding_cases(rng):
    for B, T, V, C, dtype in SHAPES:
        yield rng.standard_normal((V, C)).astype(dtype), _ids(rng, B, T, V)
    yield rng.standard_normal((4, 4)), np.array([[3, 0], [1, 1]])


embedding = Exercise(
    name="embedding",
    statement="Y[b, t] = table[ids[b, t]]: for each token its row of the table.",
    arguments={"table": "(V, C)", "ids": "(B, T) int"},
    returns="(B, T, C)",
    reference=kernels.gather.reference,
    cases=_embedding_cases,
    hints=(
        "The table has one row for each token of the vocabulary. What does an id choose?",
        "NumPy takes a whole array of indices at once; the result has its shape, with a row in each place.",
        "table, indexed with ids.",
    ),
)


@embedding.variant
def indexed(table, ids):
    return table[ids]


@embedding.variant
def one_hot_product(table, ids):
    return np.eye(len(table), dtype=table.dtype)[ids] @ table


@embedding.variant
def taken(table, ids):
    return np.take(table, ids.ravel(), axis=0).reshape(*ids.shape, -1)


@embedding.variant
def token_by_token(table, ids):
    return np.array([[table[i] for i in sequence] for sequence in ids])


@embedding.misconception("an id chose a column of the table", "The table is (V, C): which axis counts tokens?")
def columns(table, ids):
    return table.T[ids]


@embedding.misconception("ids were counted from 1", "Which row belongs to id 0?")
def counted_from_one(table, ids):
    return table[ids - 1]


@embedding.misconception(
    "a token's place in the sequence chose its row, not its id", "Should one token have two rows, in two places?"
)
def by_position(table, ids):
    return np.broadcast_to(table[: ids.shape[1]], (*ids.shape, table.shape[1]))


@embedding.misconception("batch and time were one axis", "Which axes must the result have in front of C?")
def flattened(table, ids):
    return table[ids.ravel()]


@embedding.misconception(
    "the rows of a sequence were added up, as in a bag of words",
    "How many vectors shall a sequence of T tokens become?",
)
def bag_of_words(table, ids):
    return table[ids].sum(axis=1)


@embedding.misconception("rows were multiplied by √C", "Does the statement ask for a scale, as one model's paper does?")
def scaled(table, ids):
    return table[ids] * math.sqrt(table.shape[1])


# embedding_backward


def _backward_cases(rng):
    for B, T, V, C, dtype in SHAPES:
        yield rng.standard_normal((B, T, C)).astype(dtype), _ids(rng, B, T, V), V
    yield rng.standard_normal((2, 2, 3)), np.array([[4, 0], [2, 4]]), 6


embedding_backward = Exercise(
    name="embedding_backward",
    statement="The gradient of Y = table[ids]: d table[i] = Σ dY[b, t] over all places where ids[b, t] = i.",
    arguments={"dy": "(B, T, C)", "ids": "(B, T) int", "V": "int, the number of rows of the table"},
    returns="(V, C)",
    reference=kernels.scatter_add.reference,
    answer=lambda dy, ids, V: kernels.scatter_add.reference(dy.reshape(-1, dy.shape[-1]), ids.reshape(-1), V),
    cases=_backward_cases,
    hints=(
        "A row that was looked up twice changed two places of Y. What is its gradient? And that of a row never used?",
        "Begin with zeros of the table's shape and add each dY[b, t] to the row of its id.",
        "np.add.at(zeros, ids, dy): unlike zeros[ids] += dy it adds each time that an id is repeated.",
    ),
)


@embedding_backward.variant
def add_at(dy, ids, V):
    table = np.zeros((V, dy.shape[-1]), dy.dtype)
    np.add.at(table, ids, dy)
    return table


@embedding_backward.variant
def place_by_place(dy, ids, V):
    table = np.zeros((V, dy.shape[-1]), dy.dtype)
    for place in np.ndindex(ids.shape):
        table[ids[place]] += dy[place]
    return table


@embedding_backward.variant
def one_hot_transposed(dy, ids, V):
    one_hot = np.eye(V, dtype=dy.dtype)[ids]
    return np.einsum("btv,btc->vc", one_hot, dy)


@embedding_backward.variant
def id_by_id(dy, ids, V):
    return np.array([dy[ids == i].sum(axis=0) for i in range(V)])


@embedding_backward.misconception(
    "a repeated id kept only its last gradient", "What does table[[0, 0]] += 1 do to row 0: is it 1 or 2 afterwards?"
)
def last_gradient(dy, ids, V):
    table = np.zeros((V, dy.shape[-1]), dy.dtype)
    table[ids] += dy
    return table


@embedding_backward.misconception(
    "a repeated id received the mean of its gradients", "If two uses each raise the loss by 1, by how much do both?"
)
def mean_of_gradients(dy, ids, V):
    counts = np.bincount(ids.ravel(), minlength=V)
    return add_at(dy, ids, V) / np.maximum(counts, 1).astype(dy.dtype)[:, None]


@embedding_backward.misconception(
    "the table ended at the largest id of the batch", "How many rows has the table, whatever the batch uses?"
)
def largest_id(dy, ids, V):
    return add_at(dy, ids, ids.max() + 1)


@embedding_backward.misconception("there were one row for each token of the batch", "Whose shape must a gradient have?")
def row_for_each_token(dy, ids, V):
    return dy.reshape(-1, dy.shape[-1])


@embedding_backward.misconception("ids were counted from 1", "Which row belongs to id 0?")
def gradient_counted_from_one(dy, ids, V):
    return add_at(dy, ids - 1, V)


# tied_backward


def _tied_cases(rng):
    for N, V, C, dtype in (
        (1, 2, 2, float),
        (1, 1, 1, float),
        (3, 2, 1, float),
        (4, 5, 3, float),
        (5, 3, 3, np.float32),
    ):
        shapes = (N, C), (N, C), (N, V)
        dx, h, dlogits = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
        yield dx, _ids(rng, 1, N, V)[0], h, dlogits


def _by_minilm(dx, ids, h, dlogits):
    """One table on the tape twice; its gradients meet in `.grad`."""
    table = Tensor(np.zeros((dlogits.shape[1], h.shape[1]), h.dtype), requires_grad=True)
    with kernels.reference_only():
        autograd.gather(table, ids=ids).backward(dx)
    (h @ table.T).backward(dlogits)
    return table.grad


tied_backward = Exercise(
    name="tied_backward",
    statement="One table is used twice: X = table[ids] at the bottom, logits = h tableᵀ on top. Its gradient is the "
    "sum of both: d table[i] = Σ dX[n] where ids[n] = i, plus row i of dlogitsᵀ h.",
    arguments={"dx": "(N, C)", "ids": "(N,) int", "h": "(N, C)", "dlogits": "(N, V)"},
    returns="(V, C)",
    reference=Tensor.backward,
    answer=_by_minilm,
    cases=_tied_cases,
    hints=(
        "In how many places does a change of one row of the table change the loss?",
        "Compute each use's gradient as if it were the only one; both have the table's shape, (V, C).",
        "dlogits.T @ h, and to its row ids[n] add dx[n], for every n.",
    ),
)


@tied_backward.variant
def product_then_add(dx, ids, h, dlogits):
    table = dlogits.T @ h
    np.add.at(table, ids, dx)
    return table


@tied_backward.variant
def two_products(dx, ids, h, dlogits):
    one_hot = (ids[:, None] == np.arange(dlogits.shape[1])).astype(dx.dtype)
    return np.concatenate([one_hot, dlogits]).T @ np.concatenate([dx, h])


@tied_backward.variant
def token_after_token(dx, ids, h, dlogits):
    table = np.zeros((dlogits.shape[1], h.shape[1]), h.dtype)
    for n, i in enumerate(ids):
        table += np.outer(dlogits[n], h[n])
        table[i] += dx[n]
    return table


@tied_backward.misconception("the table were used at the bottom only", "What multiplies h to give the logits?")
def bottom_only(dx, ids, h, dlogits):
    return add_at(dx, ids, dlogits.shape[1])


@tied_backward.misconception("the table were used on top only", "Where do the vectors of the tokens come from?")
def top_only(dx, ids, h, dlogits):
    return dlogits.T @ h


@tied_backward.misconception("the gradients of both uses were averaged", "In d(f + g), is there a factor ½?")
def mean_of_both(dx, ids, h, dlogits):
    return product_then_add(dx, ids, h, dlogits) / 2


@tied_backward.misconception(
    "a row that was looked up forgot its gradient from the top", "At a row with two uses: = or +=, which do you need?"
)
def top_overwritten(dx, ids, h, dlogits):
    top, bottom = dlogits.T @ h, bottom_only(dx, ids, h, dlogits)
    return np.where(np.isin(np.arange(len(top)), ids)[:, None], bottom, top)


@tied_backward.misconception(
    "a repeated id kept only its last gradient", "What does table[[0, 0]] += 1 do to row 0: is it 1 or 2 afterwards?"
)
def repeats_lost(dx, ids, h, dlogits):
    table = dlogits.T @ h
    table[ids] += dx
    return table
