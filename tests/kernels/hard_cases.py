"""Float32 arguments that are hard for a kernel: `HARD[kernel][case]`."""

from collections import defaultdict

import numpy as np
from examples_packed import packed

from minilm import kernels
from minilm.kernels.packed import Q4_1

LONG = 100_000
RNG = np.random.default_rng(0)
HARD = defaultdict(dict)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def positive(*shape):
    """Numbers whose sums do not cancel."""
    return np.abs(normal(*shape))


def floats(*arrays):
    return tuple(np.asarray(a, np.float32) for a in arrays)


def note(case, calls):
    """Keep the arguments of a case for each kernel."""
    for kernel, arguments in calls.items():
        HARD[kernel][case] = arguments


# softmax and all that contain it

LOGITS = {
    "long row": normal(2, LONG),
    "long row of equal logits": np.zeros((2, LONG)),
    "logits to ±1e4": RNG.uniform(-1e4, 1e4, (7, 13)),
    "close logits near 1e4": 1e4 + normal(7, 13),
    "some logits -inf": np.where((np.arange(13) + np.arange(7)[:, None]) % 3, -np.inf, normal(7, 13)),
    "all logits but one -inf": np.where(np.arange(13) == np.arange(7)[:, None], 0, -np.inf),
}


def on_logits(x):
    dy, ones, likeliest = normal(*x.shape), np.ones(len(x), np.float32), x.argmax(axis=1)
    _, *sums = kernels.cross_entropy.reference(x.astype(float), likeliest, -1, 0.0)
    return {
        "softmax": (x,),
        "softmax_backward": (dy, *floats(kernels.softmax.reference(x.astype(float)))),
        "log_softmax": (x,),
        "log_softmax_backward": (dy, *floats(kernels.log_softmax.reference(x.astype(float)))),
        "cross_entropy": (x, likeliest, -1, 0.0),
        "cross_entropy_backward": (ones, x, *floats(*sums), likeliest, -1, 0.1),
    }


for case, x in LOGITS.items():
    note(case, on_logits(np.asarray(x, np.float32)))

# norms

ROWS = {
    "long row": 3 + normal(2, LONG),
    "equal numbers": np.full((3, 33), 1.1),
    "mean 30 and variance 1": 30 + normal(3, 33),
    "numbers that differ in their last digits": 1e4 + 1e-2 * normal(3, 33),
    "variance of 1e-12": 1e-6 * normal(3, 33),
    "numbers to 1e15": 1e15 * normal(3, 33),
    "one number of 1e4 among ordinary ones": normal(3, 33) + 1e4 * (np.arange(33) == 5),
}


def on_rows(x):
    C, eps = x.shape[1], 1e-5
    dy, gamma, beta = normal(*x.shape), normal(C), normal(C)
    _, mean, rstd = kernels.layer_norm.reference(x.astype(float), gamma, beta, eps)
    _, rms = kernels.rms_norm.reference(x.astype(float), gamma, eps)
    return {
        "layer_norm": (x, gamma, beta, eps),
        "layer_norm_backward": (dy, x, gamma, *floats(mean, rstd)),
        "rms_norm": (x, gamma, eps),
        "rms_norm_backward": (dy, x, gamma, *floats(rms)),
    }


for case, x in ROWS.items():
    note(case, on_rows(np.asarray(x, np.float32)))

# activations and gates, over everything that saturates them; a number in each row, so that each counts

SWEEP = np.concatenate([np.linspace(-20, 20, 401), np.linspace(-1e4, 1e4, 101), [1e-40, 1e15, -1e15, 1e30, -1e30]])
column = np.asarray(SWEEP[:, None], np.float32)
ones = np.ones_like(column)
beside_one = np.hstack([column, ones])  # where 1 + tanh u cancels, GELU's formula itself has no more digits than that


def one_step(gates):
    """The column for every gate of a unit of width 1, as a text of one step.   ->   (B, 1, gates)"""
    return np.repeat(column, gates, axis=1)[:, None]


note(
    "from -1e30 to 1e30",
    {
        "gelu": (beside_one,),
        "gelu_backward": (np.ones_like(beside_one), beside_one),
        "gelu_exact": (beside_one,),
        "gelu_exact_backward": (np.ones_like(beside_one), beside_one),
        "swiglu": (beside_one, np.ones_like(beside_one)),
        "swiglu_backward": (np.ones_like(beside_one), beside_one, np.ones_like(beside_one)),
        "rnn": (one_step(1), ones, np.zeros((1, 1), np.float32)),
        "gru": (one_step(3), ones, np.zeros((1, 3), np.float32), np.zeros(3, np.float32)),
        "lstm": (one_step(4), ones, ones / 2, np.zeros((1, 4), np.float32)),
    },
)

# attention

T = 35


def qkv(T, S, scale=1.0):
    """Queries and keys of this scale, and values whose sums do not cancel."""
    return (*floats(scale * normal(1, T, 2, 8), scale * normal(1, S, 2, 8)), positive(1, S, 2, 8))


def mask(of_queries, S):
    return np.broadcast_to(of_queries, (1, 1, len(of_queries), S)).copy()


ATTENTION = {
    "scores to ±1e4": (*qkv(T, T, scale=60), mask([[True]], T), True),
    "rows that see nothing": (*qkv(T, T), mask(np.arange(T)[:, None] % 2 > 0, T), False),
    "one key that may be seen": (*qkv(T, T), mask(np.eye(T, dtype=bool), T), False),
    "long, keys alike": (*qkv(2, LONG, scale=0.1), mask([[True]], LONG), False),
}
for case, (q, k, v, *shown) in ATTENTION.items():
    dy, any_v = normal(*q.shape), normal(*v.shape)
    found = floats(*kernels.attention.reference(*(a.astype(float) for a in (q, k, any_v)), *shown))
    note(case, {"attention": (q, k, v, *shown), "attention_backward": (dy, q, k, any_v, *found, *shown)})

# products and updates

note("long products", {"linear": (positive(2, LONG), positive(LONG, 3), positive(3))})
note("long products", {"linear_backward": (positive(LONG, 3), positive(LONG, 2), positive(2, 3))})
note("100,000 rows for one id", {"scatter_add": (positive(LONG, 2), np.zeros(LONG, np.int64), 3)})
GRADIENTS = np.concatenate([10.0 ** np.arange(-40, 16), [0.0]]).astype(np.float32)
memories = (np.zeros_like(GRADIENTS), np.zeros_like(GRADIENTS))
note(
    "first step, gradients from 1e-40 to 1e15",
    {"adamw": (np.ones_like(GRADIENTS), GRADIENTS, *memories, 1, 1e-3, 0.9, 0.999, 1e-8, 0.1)},
)
X = normal(3, 96)
note("few rows", {"packed_linear": (X.copy(), packed(RNG, Q4_1, 7, 96), Q4_1)})
X[:, 40] = 1e4
note("few rows, one number of 1e4 among ordinary ones", {"packed_linear": (X, packed(RNG, Q4_1, 7, 96), Q4_1)})
