"""The Transformer block: norms, GELU, dropout, residual connections."""

import math
from types import SimpleNamespace

import numpy as np

from minilm import Tensor, autograd, kernels, nn
from minilm.check.exercise import Exercise

# layer_norm


def _rows(rng):
    for N, C, scale, eps, dtype in (
        (1, 2, 1, 0.1, float),
        (2, 3, 1, 1e-5, float),
        (1, 1, 1, 1e-5, float),
        (3, 4, 0.01, 1e-3, float),
        (4, 4, 1000, 1e-5, float),
        (3, 6, 1, 1e-5, np.float32),
    ):
        x = scale * (rng.standard_normal((N, C)) + 1)
        yield x.astype(dtype), (1.5 + rng.random(C)).astype(dtype), eps


def _layer_norm_cases(rng):
    for x, gamma, eps in _rows(rng):
        yield x, gamma, rng.standard_normal(gamma.shape).astype(x.dtype), eps


layer_norm = Exercise(
    name="layer_norm",
    statement="y = γ (x - mean) / √(variance + eps) + β, mean and variance those of each row: mean of squares, over C.",
    arguments={"x": "(N, C)", "gamma": "(C,)", "beta": "(C,)", "eps": "float"},
    returns="(N, C)",
    reference=kernels.layer_norm.reference,
    answer=lambda *arguments: kernels.layer_norm.reference(*arguments)[0],
    cases=_layer_norm_cases,
    hints=(
        "Each row is normed alone: how many means are there for x (N, C)?",
        "Keep the axis you reduce (keepdims=True), so that (N, 1) broadcasts against (N, C).",
        "gamma * (x - x.mean(axis=-1, keepdims=True)) / √(x.var(axis=-1, keepdims=True) + eps) + beta.",
    ),
)


def _centred(x, axis=-1):
    return x - x.mean(axis=axis, keepdims=True)


def _variance(x, axis=-1, ddof=0):
    return x.var(axis=axis, keepdims=True, ddof=ddof)


@layer_norm.variant
def by_formula(x, gamma, beta, eps):
    return gamma * _centred(x) / np.sqrt(_variance(x) + eps) + beta


@layer_norm.variant
def row_after_row(x, gamma, beta, eps):
    rows = []
    for row in x:
        mean = sum(row) / len(row)
        variance = sum((number - mean) ** 2 for number in row) / len(row)
        rows.append(gamma * (row - mean) * (variance + eps) ** -0.5 + beta)
    return np.array(rows)


@layer_norm.variant
def centred_by_a_matrix(x, gamma, beta, eps):
    C = x.shape[1]
    z = x @ (np.eye(C) - np.ones((C, C)) / C)
    return z / np.sqrt(np.einsum("nc,nc->n", z, z) / C + eps)[:, None] * gamma + beta


@layer_norm.misconception(
    "mean and variance were taken over the rows", "Should a token's result change with the other texts of the batch?"
)
def over_the_batch(x, gamma, beta, eps):
    return gamma * _centred(x, 0) / np.sqrt(_variance(x, 0) + eps) + beta


@layer_norm.misconception("the variance were divided by C - 1", "What does that give for a row with a single channel?")
def unbiased(x, gamma, beta, eps):
    return gamma * _centred(x) / np.sqrt(_variance(x, ddof=1) + eps) + beta


@layer_norm.misconception("eps stood outside the root", "In the formula, what exactly is under the root?")
def eps_outside(x, gamma, beta, eps):
    return gamma * _centred(x) / (np.sqrt(_variance(x)) + eps) + beta


@layer_norm.misconception("there were no γ", "Which of your arguments have you not used?")
def no_gain(x, gamma, beta, eps):
    return _centred(x) / np.sqrt(_variance(x) + eps) + beta


@layer_norm.misconception(
    "the mean were not subtracted", "What is the mean of a row after the norm, when γ = 1 and β = 0?"
)
def mean_kept(x, gamma, beta, eps):
    return gamma * x / np.sqrt(_variance(x) + eps) + beta


@layer_norm.misconception("there were no root", "If x is measured in metres, in what is its variance measured?")
def no_root(x, gamma, beta, eps):
    return gamma * _centred(x) / (_variance(x) + eps) + beta


# rms_norm

rms_norm = Exercise(
    name="rms_norm",
    statement="y = γ x / √(mean(x²) + eps), the mean over the C channels of each row.",
    arguments={"x": "(N, C)", "gamma": "(C,)", "eps": "float"},
    returns="(N, C)",
    reference=kernels.rms_norm.reference,
    answer=lambda *arguments: kernels.rms_norm.reference(*arguments)[0],
    cases=_rows,
    hints=(
        "It is a layer norm with two things left out: which?",
        "Read the name backwards: square, then mean, then root.",
        "gamma * x / √((x ** 2).mean(axis=-1, keepdims=True) + eps).",
    ),
)


def _mean_square(x, axis=-1):
    return (x * x).mean(axis=axis, keepdims=True)


@rms_norm.variant
def rms_by_formula(x, gamma, eps):
    return x / np.sqrt(_mean_square(x) + eps) * gamma


@rms_norm.variant
def by_length(x, gamma, eps):
    C = x.shape[1]
    return gamma * x * math.sqrt(C) / np.sqrt(np.linalg.norm(x, axis=1, keepdims=True) ** 2 + C * eps)


@rms_norm.variant
def rms_by_rows(x, gamma, eps):
    return np.stack([gamma * row / math.sqrt(np.dot(row, row) / row.size + eps) for row in x])


@rms_norm.misconception("the mean were subtracted first", "Which norm centres x, and does the formula here do so?")
def centred_too(x, gamma, eps):
    return gamma * _centred(x) / np.sqrt(_variance(x) + eps)


@rms_norm.misconception("the root were taken of the variance", "Is the mean of the squares the same as the variance?")
def root_of_variance(x, gamma, eps):
    return gamma * x / np.sqrt(_variance(x) + eps)


@rms_norm.misconception("eps stood outside the root", "In the formula, what exactly is under the root?")
def rms_eps_outside(x, gamma, eps):
    return gamma * x / (np.sqrt(_mean_square(x)) + eps)


@rms_norm.misconception("the squares were summed", "What happens to the size of y when C is four times as large?")
def sum_of_squares(x, gamma, eps):
    return gamma * x / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)


@rms_norm.misconception("the mean were taken over the rows", "Should a token's result change with the other tokens?")
def mean_over_rows(x, gamma, eps):
    return gamma * x / np.sqrt(_mean_square(x, 0) + eps)


@rms_norm.misconception("there were no γ", "Which of your arguments have you not used?")
def rms_without_gain(x, gamma, eps):
    return x / np.sqrt(_mean_square(x) + eps)


# gelu


def _gelu_cases(rng):
    yield (rng.standard_normal((1, 3)),)
    yield (2 * rng.standard_normal((3, 4)),)
    yield (rng.random((1, 1)) + 0.5,)
    yield (rng.uniform(-4, 4, (2, 5)).astype(np.float32),)
    yield (rng.uniform(40, 60, (1, 4)) * [1, -1, 1, -1],)  # here e^u overflows
    yield (np.zeros((2, 1)),)


gelu = Exercise(
    name="gelu",
    statement="y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), element by element.",
    arguments={"x": "(N, C)"},
    returns="(N, C)",
    reference=kernels.gelu.reference,
    cases=_gelu_cases,
    hints=(
        "For large x the result is x, for very negative x it is 0: check these two first.",
        "Write u = √(2/π) (x + 0.044715 x³) on a line of its own; np.tanh knows what to do with large u.",
        "0.5 * x * (1 + np.tanh(u)).",
    ),
)
SLOPE = math.sqrt(2 / math.pi)


def _gelu(x, slope=SLOPE, cubic=0.044715):
    return x * (1 + np.tanh(slope * (x + cubic * x**3))) / 2


@gelu.variant
def by_tanh(x):
    return _gelu(x)


@gelu.variant
def by_sigmoid(x):
    return x / (1 + np.exp(-2 * SLOPE * (x + 0.044715 * x * x * x)))


@gelu.variant
def number_by_number(x):
    return [[z * (0.5 + 0.5 * math.tanh(SLOPE * z * (1 + 0.044715 * z * z))) for z in row] for row in x]


@gelu.misconception(
    "it were the exact x Φ(x), with erf", "Is the formula of the statement equal to that, or only close?"
)
def exact(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


@gelu.misconception(
    "it were x σ(1.702 x)", "Which of the two approximations in GELU's paper does the statement ask for?"
)
def sigmoid_approximation(x):
    return x / (1 + np.exp(-1.702 * x))


@gelu.misconception("the ½ were missing", "What should y be for a large x?")
def doubled(x):
    return 2 * _gelu(x)


@gelu.misconception("the term with x³ were missing", "Which number in the formula have you not used?")
def no_cube(x):
    return _gelu(x, cubic=0)


@gelu.misconception("√(2/π) multiplied x but not the x³", "What do the inner brackets hold together?")
def brackets_lost(x):
    return _gelu(x, cubic=0.044715 / SLOPE)


@gelu.misconception("tanh were (eᵘ - e⁻ᵘ) / (eᵘ + e⁻ᵘ), which overflows", "What is e¹⁰⁰⁰ for a computer, and ∞ / ∞?")
def overflowing(x):
    u = SLOPE * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + (np.exp(u) - np.exp(-u)) / (np.exp(u) + np.exp(-u)))


# dropout


def _dropout_cases(rng):
    for shape, probability, training, dtype in (
        ((1, 4), 0.5, True, float),
        ((1, 3), 0.5, False, float),
        ((4, 5), 0.2, True, float),
        ((1, 1), 0.0, True, float),
        ((3, 6), 0.75, True, np.float32),
        ((2, 4), 0.1, False, float),
    ):
        places = rng.permutation(np.arange(math.prod(shape))).reshape(shape)
        uniform = (places + rng.uniform(0.1, 0.9, shape)) / places.size  # some are small, some large,
        uniform[0, 1:3] = np.resize(
            [0.999 * probability, 1.001 * probability], uniform[0, 1:3].shape
        )  # some close to p
        yield rng.standard_normal(shape).astype(dtype), uniform, probability, training


class _Given:
    """A generator of random numbers that are known."""

    def __init__(self, numbers):
        self.numbers = numbers

    def random(self, shape, dtype):
        return self.numbers


def _dropout(x, uniform, probability, training):
    layer = nn.Dropout(probability, rng=_Given(uniform))
    layer.training = training
    return layer(Tensor(x)).data


dropout = Exercise(
    name="dropout",
    statement="In training 0 where uniform < p and x / (1 - p) elsewhere; in evaluation x.",
    arguments={
        "x": "(N, C)",
        "uniform": "(N, C) random numbers from 0 to 1",
        "p": "float, the probability to be dropped, 0 ≤ p < 1",
        "training": "bool",
    },
    returns="(N, C)",
    reference=autograd.dropout.rule,
    answer=_dropout,
    cases=_dropout_cases,
    hints=(
        "With p = 0.2, which part of the random numbers is below p, and what happens to those elements?",
        "On average an element must keep its size: what is left over has to grow by as much as is lost.",
        "If training: np.where(uniform < p, 0, x / (1 - p)); otherwise x.",
    ),
)


@dropout.variant
def by_where(x, uniform, p, training):
    return np.where(uniform < p, 0, x / (1 - p)) if training else x


@dropout.variant
def by_mask(x, uniform, p, training):
    keep = (uniform >= p) if training else np.ones(x.shape, bool)
    return x * keep / (1 - p * training)


@dropout.variant
def by_assignment(x, uniform, p, training):
    y = x.copy()
    if training:
        y[uniform < p] = 0
        y /= 1 - p
    return y


@dropout.misconception("what is kept were not rescaled", "What is the mean of y over many draws, compared with x?")
def not_rescaled(x, uniform, p, training):
    return x * (uniform >= p) if training else x


@dropout.misconception("evaluation dropped too", "Should a trained model answer the same question the same way twice?")
def always_on(x, uniform, p, training):
    return x * (uniform >= p) / (1 - p)


@dropout.misconception("p were the probability to be kept, but for the scale", "With p = 0.1, how much should be left?")
def inverted(x, uniform, p, training):
    return x * (uniform < p) / (1 - p) if training else x


@dropout.misconception("what is kept were divided by p", "With p = 0.1, how large would y become?")
def divided_by_p(x, uniform, p, training):
    return x * (uniform >= p) / p if training else x


@dropout.misconception(
    "evaluation were scaled instead of training",
    "In evaluation the formula leaves x as it is: so who must do the scaling?",
)
def scaled_in_evaluation(x, uniform, p, training):
    return x * (uniform >= p) if training else x * (1 - p)


# block


class _Layer:
    """A layer that stands in for a real one: arrays in, arrays out."""

    def __init__(self, name, function):
        self.name, self.function = name, function

    def __call__(self, x):
        return self.function(x)

    def __repr__(self):
        return self.name


def _block_cases(rng):
    for B, T, C, dtype in (
        (1, 1, 2, float),
        (1, 2, 2, float),
        (2, 3, 4, float),
        (1, 4, 3, np.float32),
        (3, 1, 5, float),
    ):
        shapes = (B, T, C), (T, T), (C, C), (C,), (C,)
        x, mix, W, first, second = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
        yield x, *_layers(mix, W, first, second)


def _layers(mix, W, first, second):
    return (
        _Layer("norm_1", lambda x: first * _centred(x) / np.sqrt(_variance(x) + 0.1)),
        _Layer("attend", lambda x: mix @ x),
        _Layer("norm_2", lambda x: second * _centred(x) / np.sqrt(_variance(x) + 0.1)),
        _Layer("feed_forward", lambda x: np.tanh(x @ W) + 1),
    )


def _block(x, norm_1, attend, norm_2, feed_forward):
    block = nn.Block(x.shape[-1], 1, rng=np.random.default_rng(0))
    block.attention = SimpleNamespace(extend=lambda y, **_: (attend(y), None))
    block.attention_norm, block.feed_forward_norm, block.feed_forward = norm_1, norm_2, feed_forward
    return block(x)


block = Exercise(
    name="block",
    statement="A pre-norm Transformer block: x ← x + attend(norm_1(x)), and then x + feed_forward(norm_2(x)).",
    arguments={"x": "(B, T, C)"}
    | dict.fromkeys(("norm_1", "attend", "norm_2", "feed_forward"), "function of an array"),
    returns="(B, T, C)",
    reference=nn.Block,
    answer=_block,
    cases=_block_cases,
    hints=(
        "Draw a straight line from the input to the output: what joins it, and from where is that fetched?",
        "Each half reads the line through a norm and adds what it finds; no norm ever stands on the line itself.",
        "Two lines: x = x + attend(norm_1(x)), and the same with norm_2 and feed_forward.",
    ),
)


@block.variant
def two_lines(x, norm_1, attend, norm_2, feed_forward):
    x = x + attend(norm_1(x))
    return x + feed_forward(norm_2(x))


@block.variant
def in_a_loop(x, norm_1, attend, norm_2, feed_forward):
    y = np.array(x)
    for norm, layer in ((norm_1, attend), (norm_2, feed_forward)):
        y += layer(norm(y))
    return y


@block.variant
def as_a_sum(x, norm_1, attend, norm_2, feed_forward):
    seen = attend(norm_1(x))
    return sum([x, seen, feed_forward(norm_2(np.add(x, seen)))])


@block.misconception("there were no residual connections", "Where in your result is x itself?")
def no_residual(x, norm_1, attend, norm_2, feed_forward):
    return feed_forward(norm_2(attend(norm_1(x))))


@block.misconception("it were post-norm, as in 2017", "Does the norm come before a layer here, or after the sum?")
def post_norm(x, norm_1, attend, norm_2, feed_forward):
    x = norm_1(x + attend(x))
    return norm_2(x + feed_forward(x))


@block.misconception(
    "the normed x were carried on, not x", "Which of the two, x or norm(x), is the layer's result added to?"
)
def residual_from_the_norm(x, norm_1, attend, norm_2, feed_forward):
    x = norm_1(x)
    x = norm_2(x + attend(x))
    return x + feed_forward(x)


@block.misconception("the norms stood after the layers", "What is normed: what goes into a layer, or what comes out?")
def norm_of_the_result(x, norm_1, attend, norm_2, feed_forward):
    x = x + norm_1(attend(x))
    return x + norm_2(feed_forward(x))


@block.misconception("both halves read the block's input", "Can the feed-forward layer use what attention has found?")
def in_parallel(x, norm_1, attend, norm_2, feed_forward):
    return x + attend(norm_1(x)) + feed_forward(norm_2(x))


@block.misconception(
    "the second sum started from the block's input again",
    "What becomes of attention's result on its way to the output?",
)
def attention_lost(x, norm_1, attend, norm_2, feed_forward):
    return x + feed_forward(norm_2(x + attend(norm_1(x))))


@block.misconception("nothing were normed", "Which of the arguments have you not called?")
def no_norms(x, norm_1, attend, norm_2, feed_forward):
    x = x + attend(x)
    return x + feed_forward(x)
