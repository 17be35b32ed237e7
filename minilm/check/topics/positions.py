"""Positions: sinusoidal, learned and rotary."""

import numpy as np

from minilm import Tensor, autograd, kernels, nn
from minilm.check.exercise import Exercise

# sinusoidal_positions


def _sizes(rng):
    yield 2, 4
    yield 1, 2
    yield 4, 2
    yield 1, 8
    for _ in range(3):
        yield int(rng.integers(3, 60)), 2 * int(rng.integers(2, 40))


sinusoidal_positions = Exercise(
    name="sinusoidal_positions",
    statement="p[t, 2i] = sin(t / 10000^(2i/C)), p[t, 2i+1] = cos(same): sine and cosine of a pair are neighbours.",
    arguments={"T": "int, places 0 ... T - 1", "C": "int, even"},
    returns="(T, C)",
    reference=nn.SinusoidalPositions,
    answer=lambda T, C: nn.SinusoidalPositions(T, C).waves,
    cases=_sizes,
    hints=(
        "Write the table for T = 2 and C = 4: its first row is 0 1 0 1.",
        "There are C/2 angles at each place, t / 10000^(2i/C) for i = 0 ... C/2 - 1; each fills two channels.",
        "angles = np.arange(T)[:, None] / 10000 ** (np.arange(0, C, 2) / C); p[:, 0::2] and p[:, 1::2] are their sine "
        "and cosine.",
    ),
)


def _angles(T, width, offset=0, step=2):
    pairs = np.arange(width // 2)
    return np.arange(offset, offset + T)[:, None] / 10_000 ** (step * pairs / width)


def _woven(even, odd):
    return np.stack([even, odd], axis=-1).reshape(*even.shape[:-1], -1)


@sinusoidal_positions.variant
def every_second_column(T, C):
    p = np.zeros((T, C))
    rates = np.exp(-np.log(10_000) * np.arange(0, C, 2) / C)
    p[:, 0::2] = np.sin(np.outer(np.arange(T), rates))
    p[:, 1::2] = np.cos(np.outer(np.arange(T), rates))
    return p


@sinusoidal_positions.variant
def cosine_as_shifted_sine(T, C):
    t, c = np.indices((T, C))
    return np.sin(t / 10_000 ** ((c - c % 2) / C) + c % 2 * np.pi / 2)


@sinusoidal_positions.variant
def powers_of_one_turn(T, C):
    turns = np.exp(1j * np.arange(T)[:, None] * 10_000.0 ** (-2 * np.arange(C // 2) / C))
    return _woven(turns.imag, turns.real)


@sinusoidal_positions.misconception(
    "all sines came first and then all cosines", "Which two columns of the statement's formula belong to i = 0?"
)
def in_halves(T, C):
    return np.concatenate([np.sin(_angles(T, C)), np.cos(_angles(T, C))], axis=1)


@sinusoidal_positions.misconception("sine and cosine were exchanged", "What is the first row of the table, at t = 0?")
def cosine_first(T, C):
    return _woven(np.cos(_angles(T, C)), np.sin(_angles(T, C)))


@sinusoidal_positions.misconception(
    "the exponent were i/C", "Over the pairs i = 0 ... C/2 - 1, how far does 2i/C go, and how far does i/C?"
)
def half_the_exponent(T, C):
    return _woven(np.sin(_angles(T, C, step=1)), np.cos(_angles(T, C, step=1)))


@sinusoidal_positions.misconception(
    "each channel had an exponent of its own, its number over C", "Do the sine and the cosine of a pair share an angle?"
)
def an_angle_for_each_channel(T, C):
    angles = np.arange(T)[:, None] / 10_000 ** (np.arange(C) / C)
    return np.where(np.arange(C) % 2, np.cos(angles), np.sin(angles))


@sinusoidal_positions.misconception("the places began at 1", "What is the place of the first token?")
def from_one(T, C):
    return _woven(np.sin(_angles(T, C, 1)), np.cos(_angles(T, C, 1)))


@sinusoidal_positions.misconception(
    "t were multiplied by 10000^(2i/C)", "Should the last channels turn faster than the first, or more slowly?"
)
def multiplied_by_the_power(T, C):
    angles = np.arange(T)[:, None] * 10_000 ** (np.arange(0, C, 2) / C)
    return _woven(np.sin(angles), np.cos(angles))


# add_positions


def _added_cases(rng):
    for B, T, C, offset, dtype in (
        (1, 2, 1, 0, float),
        (1, 1, 2, 1, float),
        (1, 1, 1, 0, float),
        (3, 2, 4, 3, float),
        (2, 3, 3, 5, np.float32),
        (3, 3, 2, 2, float),
    ):
        N = offset + max(B, T) + int(rng.integers(1, 4))
        yield rng.standard_normal((B, T, C)).astype(dtype), rng.standard_normal((N, C)).astype(dtype), offset


def _add_positions(x, table, offset):
    layer = nn.LearnedPositions(*table.shape, rng=np.random.default_rng(0))
    layer.table = Tensor(table)
    return layer(Tensor(x), offset).data


add_positions = Exercise(
    name="add_positions",
    statement="y[b, t] = x[b, t] + table[offset + t]: x holds the tokens after the `offset` ones in the cache.",
    arguments={"x": "(B, T, C)", "table": "(N, C), a row for each place", "offset": "int"},
    returns="(B, T, C)",
    reference=nn.LearnedPositions.__call__,
    answer=_add_positions,
    cases=_added_cases,
    hints=(
        "At which place of the whole text does the first token of x stand?",
        "The T rows of the table that you need follow each other; the same ones serve every text of the batch.",
        "Add table[offset : offset + T] to x: its shape (T, C) broadcasts over B.",
    ),
)


@add_positions.variant
def slice_of_the_table(x, table, offset):
    return x + table[offset : offset + x.shape[1]]


@add_positions.variant
def looked_up(x, table, offset):
    return x + np.take(table, offset + np.arange(x.shape[1]), axis=0)[None]


@add_positions.variant
def token_by_token(x, table, offset):
    y = x.copy()
    for b, t in np.ndindex(x.shape[:2]):
        y[b, t] += table[offset + t]
    return y


@add_positions.misconception("offset were 0", "What tells your code how many tokens came before x?")
def offset_ignored(x, table, offset):
    return x + table[: x.shape[1]]


@add_positions.misconception(
    "all tokens of x stood at the place `offset`", "How could attention tell two of them apart?"
)
def one_place_for_all(x, table, offset):
    return x + table[offset]


@add_positions.misconception("the places were counted along the batch", "Which axis of x is time?")
def places_of_texts(x, table, offset):
    return x + table[offset : offset + len(x)][:, None]


@add_positions.misconception(
    "the first token after the cache skipped a place", "With offset 0, which row is the first?"
)
def one_place_too_far(x, table, offset):
    return x + table[offset + 1 : offset + 1 + x.shape[1]]


@add_positions.misconception("the positions multiplied x", "What is done with the two vectors in the statement?")
def positions_multiplied(x, table, offset):
    return x * table[offset : offset + x.shape[1]]


# rotary


def _rotary_cases(rng):
    for B, H, T, D, offset, dtype in (
        (1, 1, 2, 2, 0, float),
        (1, 1, 1, 4, 1, float),
        (1, 1, 1, 2, 0, float),
        (2, 2, 3, 4, 0, float),
        (1, 3, 3, 6, int(rng.integers(2, 90)), float),
        (2, 1, 4, 8, 5, np.float32),
    ):
        yield rng.standard_normal((B, H, T, D)).astype(dtype), offset


def _turn(x, offset=0):
    with kernels.reference_only():
        return nn.RotaryPositions(offset + x.shape[2], x.shape[3])(Tensor(x), offset).data


rotary = Exercise(
    name="rotary",
    statement="With φ = (offset + t) / 10000^(2i/D), each pair (a, b) = (xᵢ, xᵢ₊ᴅ⸝₂), i < D/2, becomes "
    "(a cos φ - b sin φ, b cos φ + a sin φ).",
    arguments={"x": "(B, H, T, D), D even", "offset": "int, the place of the first token"},
    returns="(B, H, T, D)",
    reference=kernels.turn,
    answer=_turn,
    cases=_rotary_cases,
    hints=(
        "Take D = 2 and x = (1, 0): the result is (cos φ, sin φ), so the vector turns to the left.",
        "The angles are (T, D/2): a row for each place. Channel i's partner is channel i + D/2: cut x in halves.",
        "a, b = np.split(x, 2, axis=-1), then np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1).",
    ),
)


def _turned(x, angles):
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], axis=-1)


def _turned_neighbours(x, angles):
    a, b = x[..., 0::2], x[..., 1::2]
    return _woven(a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles))


@rotary.variant
def rotate_half(x, offset):
    T, D = x.shape[2:]
    angles = np.tile(_angles(T, D, offset), 2)
    return x * np.cos(angles) + np.concatenate([-x[..., D // 2 :], x[..., : D // 2]], axis=-1) * np.sin(angles)


@rotary.variant
def complex_numbers(x, offset):
    T, D = x.shape[2:]
    z = (x[..., : D // 2] + 1j * x[..., D // 2 :]) * np.exp(1j * _angles(T, D, offset))
    return np.concatenate([z.real, z.imag], axis=-1)


@rotary.variant
def pair_by_pair(x, offset):
    y, half = np.zeros_like(x), x.shape[3] // 2
    for t, i in np.ndindex(x.shape[2], half):
        angle = (offset + t) * 10_000 ** (-i / half)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        y[:, :, t, [i, i + half]] = x[:, :, t, [i, i + half]] @ turn.T
    return y


@rotary.misconception("the pairs were neighbouring channels", "Which channel does the statement pair with channel 0?")
def neighbours(x, offset):
    return _turned_neighbours(x, _angles(x.shape[2], x.shape[3], offset))


@rotary.misconception("the pairs turned the other way", "Where does (1, 0) go when it turns by a small angle φ > 0?")
def turned_back(x, offset):
    return _turned(x, -_angles(x.shape[2], x.shape[3], offset))


@rotary.misconception("offset were 0", "Which angle belongs to a token that comes after `offset` others?")
def cache_forgotten(x, offset):
    return _turned(x, _angles(x.shape[2], x.shape[3]))


@rotary.misconception("the exponent were i/D", "There are only D/2 pairs: what is the last pair's 2i/D?")
def half_the_rotary_exponent(x, offset):
    return _turned(x, _angles(x.shape[2], x.shape[3], offset, step=1))


@rotary.misconception("all pairs turned at the speed of the first", "Where in your code does the angle depend on i?")
def one_speed(x, offset):
    return _turned(x, _angles(x.shape[2], 2, offset))


@rotary.misconception("the places were counted along the heads", "Which axis of x (B, H, T, D) is time?")
def places_of_heads(x, offset):
    return _turned(x, _angles(x.shape[1], x.shape[3], offset)[:, None])


# rotary_attention


def _rotary_attention_cases(rng):
    for B, H, T, S, D, dtype in (
        (1, 1, 1, 2, 2, float),
        (1, 1, 2, 2, 4, float),
        (1, 1, 1, 1, 2, float),
        (2, 2, 3, 3, 4, float),
        (1, 2, 2, 5, 6, float),
        (2, 1, 3, 4, 4, np.float32),
    ):
        yield tuple(rng.standard_normal((B, H, n, D)).astype(dtype) for n in (T, S, S))
    yield tuple(40 * rng.standard_normal((1, 1, n, 4)) for n in (2, 3, 3))


def _rotary_attention(q, k, v):
    q, k = _turn(q, k.shape[2] - q.shape[2]), _turn(k)
    with kernels.reference_only():
        return autograd.attention(Tensor(q), Tensor(k), Tensor(v)).data


rotary_attention = Exercise(
    name="rotary_attention",
    statement="softmax(R(Q) R(K)ᵀ / √D) V without a mask; R turns the pairs (xᵢ, xᵢ₊ᴅ⸝₂) of the token at place p by "
    "p / 10000^(2i/D). The keys stand at 0 ... S - 1, the queries at the last T of these places.",
    arguments={"q": "(B, H, T, D)", "k": "(B, H, S, D), S ≥ T", "v": "(B, H, S, D)"},
    returns="(B, H, T, D)",
    reference=nn.MultiHeadAttention.extend,
    answer=_rotary_attention,
    cases=_rotary_attention_cases,
    hints=(
        "Positions matter for who looks at whom, not for what is seen there.",
        "Turn the queries and the keys, each by its own place in the whole text, and only then multiply them.",
        "Attention of R(q) with the angles of places S - T ... S - 1, R(k) with those of 0 ... S - 1, and v as it is.",
    ),
)


def _attend(q, k, v):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ v


def _both(q, k):
    angles = _angles(k.shape[2], k.shape[3])
    return angles[k.shape[2] - q.shape[2] :], angles


@rotary_attention.variant
def turn_then_attend(q, k, v):
    of_q, of_k = _both(q, k)
    return _attend(_turned(q, of_q), _turned(k, of_k), v)


@rotary_attention.variant
def seen_from_the_last_key(q, k, v):
    of_q, of_k = _both(q, k)
    return _attend(_turned(q, of_q - of_k[-1]), _turned(k, of_k - of_k[-1]), v)  # only distances matter


@rotary_attention.variant
def real_part_of_complex(q, k, v):
    half = q.shape[-1] // 2
    of_q, of_k = _both(q, k)
    z, w = (q[..., :half] + 1j * q[..., half:]) * np.exp(1j * of_q), (k[..., :half] - 1j * k[..., half:])
    scores = np.einsum("bhti,bhsi->bhts", z, w * np.exp(-1j * of_k)).real / np.sqrt(2 * half)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("bhts,bhsd->bhtd", weights, v) / weights.sum(axis=-1)[..., None]


@rotary_attention.misconception("the values were turned too", "What would a value's place do to the mean that is read?")
def values_turned(q, k, v):
    of_q, of_k = _both(q, k)
    return _attend(_turned(q, of_q), _turned(k, of_k), _turned(v, of_k))


@rotary_attention.misconception(
    "only the queries were turned", "When both move one place on, does your score stay what it was?"
)
def keys_not_turned(q, k, v):
    return _attend(_turned(q, _both(q, k)[0]), k, v)


@rotary_attention.misconception(
    "the queries stood at the first T places", "Where does the last query stand, and the last key?"
)
def queries_at_the_start(q, k, v):
    angles = _both(q, k)[1]
    return _attend(_turned(q, angles[: q.shape[2]]), _turned(k, angles), v)


@rotary_attention.misconception(
    "the keys turned against the queries", "Should a score depend on the difference of two places, or on their sum?"
)
def turned_against(q, k, v):
    of_q, of_k = _both(q, k)
    return _attend(_turned(q, of_q), _turned(k, -of_k), v)


@rotary_attention.misconception("nothing were turned", "What changes in your answer when two keys change places?")
def no_positions(q, k, v):
    return _attend(q, k, v)


@rotary_attention.misconception("the pairs were neighbouring channels", "Which channel is the partner of channel 0?")
def neighbours_turned(q, k, v):
    of_q, of_k = _both(q, k)
    return _attend(_turned_neighbours(q, of_q), _turned_neighbours(k, of_k), v)
