"""Softmax and cross-entropy: what overflows, what a row is, and what the mean runs over."""

import numpy as np

from minilm import autograd, kernels
from minilm.check.exercise import Exercise

SHAPES = ((1, 2, float), (1, 1, float), (3, 1, float), (2, 3, float), (4, 5, np.float32))


def _rows_cases(rng):
    for N, V, dtype in SHAPES:
        yield (rng.standard_normal((N, V)).astype(dtype),)
    x = rng.standard_normal((3, 4))
    yield (x + np.array([[0], [900], [-900]]),)  # exp of one row overflows, of another vanishes
    yield (5000 * x,)


# softmax

softmax = Exercise(
    name="softmax",
    statement="yᵥ = eˣᵛ / Σ eˣ in each row: weights above 0 that sum to 1, however large x is.",
    arguments={"x": "(N, V)"},
    returns="(N, V)",
    reference=kernels.softmax.reference,
    cases=_rows_cases,
    hints=(
        "Try it on [[1000, 1000]]: the answer must be a half and a half.",
        "Adding a constant to a whole row changes nothing; so choose it such that exp cannot overflow, in each row.",
        "e = np.exp(x - x.max(axis=1, keepdims=True)), then e divided by its row's sum.",
    ),
)


def _shifted(x):
    return x - x.max(axis=1, keepdims=True)


def _softmax(x):
    e = np.exp(_shifted(x))
    return e / e.sum(axis=1, keepdims=True)


@softmax.variant
def shifted_by_maximum(x):
    return _softmax(x)


@softmax.variant
def row_after_row(x):
    return np.array([np.exp(row - max(row)) / sum(np.exp(row - max(row))) for row in x])


@softmax.variant
def by_logarithms(x):
    return np.exp(x - np.logaddexp.reduce(x, axis=1, keepdims=True))


@softmax.variant
def by_differences(x):
    return 1 / np.exp(x[:, None, :] - x[:, :, None]).sum(axis=2)


@softmax.misconception("exp could not overflow", "What is e¹⁰⁰⁰ on a computer, and what is ∞ / ∞?")
def overflows(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


@softmax.misconception("the weights of each column summed to 1", "Which axis has the V numbers of one row?")
def over_columns(x):
    e = np.exp(x - x.max(axis=0))
    return e / e.sum(axis=0)


@softmax.misconception("all rows together were one distribution", "What should each row sum to?")
def over_everything(x):
    e = np.exp(x - x.max())
    return e / e.sum()


@softmax.misconception(
    "one maximum, that of the whole array, suited every row",
    "What is left of exp in a row far below the largest number?",
)
def one_maximum(x):
    e = np.exp(x - x.max())
    return e / e.sum(axis=1, keepdims=True)


@softmax.misconception("the base were 2, not e", "Which function is its own derivative, 2ˣ or eˣ?")
def base_two(x):
    e = np.exp2(_shifted(x))
    return e / e.sum(axis=1, keepdims=True)


@softmax.misconception(
    "x were divided by its sum, with no exp", "Can your weights be negative, and does adding 1 to a row change them?"
)
def without_exp(x):
    return x / x.sum(axis=1, keepdims=True)


# log_softmax

log_softmax = Exercise(
    name="log_softmax",
    statement="yᵥ = xᵥ - ln Σ eˣ in each row, finite however large x is.",
    arguments={"x": "(N, V)"},
    returns="(N, V)",
    reference=kernels.log_softmax.reference,
    cases=_rows_cases,
    hints=(
        "Try it on [[0, 1000]]: the answer must be -1000 and 0.",
        "Do not take a logarithm of weights that may have vanished. ln Σ eˣ = m + ln Σ eˣ⁻ᵐ for every m.",
        "shifted = x - x.max(axis=1, keepdims=True); from it subtract the logarithm of its row's sum of exp.",
    ),
)


@log_softmax.variant
def shifted_first(x):
    shifted = _shifted(x)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@log_softmax.variant
def maximum_put_back(x):
    m = x.max(axis=1)
    return x - (m + np.log(np.exp(x.T - m).sum(axis=0)))[:, None]


@log_softmax.variant
def adding_in_logarithms(x):
    return x - np.logaddexp.reduce(x, axis=1, keepdims=True)


@log_softmax.misconception(
    "the logarithm were taken of a finished softmax",
    "What is the softmax of [0, 1000], and what is the logarithm of 0?",
)
def log_of_softmax(x):
    return np.log(_softmax(x))


@log_softmax.misconception("exp could not overflow", "What is e¹⁰⁰⁰ on a computer, and ln of it?")
def log_overflows(x):
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


@log_softmax.misconception(
    "exp could neither overflow nor vanish",
    "Which two kinds of row does ln(eˣ / Σ eˣ) fail on, and how does x - m help?",
)
def log_of_plain_softmax(x):
    return np.log(overflows(x))


@log_softmax.misconception(
    "the maximum were taken off x twice", "If the sum is that of eˣ⁻ᵐ, what must stand before the minus: x, or x - m?"
)
def shifted_twice(x):
    log_total = x.max(axis=1, keepdims=True) + np.log(np.exp(_shifted(x)).sum(axis=1, keepdims=True))
    return _shifted(x) - log_total


@log_softmax.misconception(
    "the maximum were taken off inside exp and never put back", "Is ln Σ eˣ⁻ᵐ the same as ln Σ eˣ, or m less?"
)
def never_put_back(x):
    return x - np.log(np.exp(_shifted(x)).sum(axis=1, keepdims=True))


@log_softmax.misconception("the sum ran down the columns", "Which axis has the V numbers of one row?")
def log_over_columns(x):
    return x - np.logaddexp.reduce(x, axis=0)


@log_softmax.misconception("the logarithm had base 2", "Which logarithm undoes eˣ?")
def in_bits(x):
    return shifted_first(x) / x.dtype.type(np.log(2))


# softmax_backward


def _softmax_backward_cases(rng):
    for N, V, dtype in SHAPES:
        dy, x = rng.standard_normal((2, N, V))
        yield dy.astype(dtype), _softmax(x).astype(dtype)
    yield rng.standard_normal((2, 4)), _softmax(3 * rng.standard_normal((2, 4)))


softmax_backward = Exercise(
    name="softmax_backward",
    statement="The gradient of y = softmax(x), row by row: dx = y (dy - Σ dy y).",
    arguments={"dy": "(N, V)", "y": "(N, V), what softmax returned"},
    returns="(N, V)",
    reference=kernels.softmax_backward.reference,
    cases=_softmax_backward_cases,
    hints=(
        "If one xᵥ grows, its own yᵥ grows; what must the others do, as they sum to 1?",
        "∂yᵤ/∂xᵥ is yᵤ (1 - yᵤ) for u = v, and -yᵤ yᵥ otherwise: add up dyᵤ ∂yᵤ/∂xᵥ over all u.",
        "y * (dy - (dy * y).sum(axis=1, keepdims=True)).",
    ),
)


@softmax_backward.variant
def less_its_mean(dy, y):
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


@softmax_backward.variant
def by_jacobian(dy, y):
    return np.stack([(np.diag(p) - np.outer(p, p)) @ d for d, p in zip(dy, y, strict=True)])


@softmax_backward.variant
def with_einsum(dy, y):
    return dy * y - np.einsum("nu,nu,nv->nv", dy, y, y)


@softmax_backward.misconception(
    "each output depended on its own input only", "When one logit grows, what happens to the other probabilities?"
)
def diagonal_only(dy, y):
    return dy * y * (1 - y)


@softmax_backward.misconception("softmax were exp", "What part does the denominator Σ eˣ play in the gradient?")
def as_if_exp(dy, y):
    return dy * y


@softmax_backward.misconception(
    "the plain sum of dy were subtracted", "By what is each dy weighted in the mean that is subtracted?"
)
def unweighted_sum(dy, y):
    return y * (dy - dy.sum(axis=1, keepdims=True))


@softmax_backward.misconception(
    "the plain mean of dy were subtracted", "By what is each dy weighted in the mean that is subtracted?"
)
def unweighted_mean(dy, y):
    return y * (dy - dy.mean(axis=1, keepdims=True))


@softmax_backward.misconception("the sum ran down the columns", "Which numbers share one denominator?")
def sum_over_columns(dy, y):
    return y * (dy - (dy * y).sum(axis=0))


@softmax_backward.misconception("the factor y were missing", "How much can a probability near 0 still change?")
def without_factor(dy, y):
    return dy - (dy * y).sum(axis=1, keepdims=True)


# cross_entropy_loss


def _rule(logits, targets, ignore_index, label_smoothing=0.0):
    """The value, and the function that passes gradients back."""
    settings = {"targets": targets, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
    with kernels.reference_only():
        value, backward = autograd.cross_entropy.rule(logits, **settings)
        return value, backward(1.0)[0]


def _batches(rng):
    """Logits, targets and ignore_index: the first target always counts."""
    for N, V, ignore_index, ignored, dtype in (
        (1, 2, -1, 0, float),
        (2, 2, -1, 0, float),
        (3, 3, -1, 1, float),
        (5, 4, 0, 2, float),
        (4, 3, -100, 3, float),
        (6, 5, -1, 2, np.float32),
    ):
        targets = rng.integers(1, V, N)
        targets[N - ignored :] = ignore_index
        yield rng.standard_normal((N, V)).astype(dtype), targets, ignore_index
    yield rng.standard_normal((1, 3)) - [900, 0, 0], np.array([0]), -1  # a probability that vanishes
    yield rng.standard_normal((2, 3)) + 900, np.array([1, 2]), -1  # an exp that overflows


def _cross_entropy_loss_cases(rng):
    for batch, smoothing in zip(_batches(rng), (0.0, 0.5, 0.0, 0.1, 0.2, 0.1, 0.1, 0.1), strict=True):
        yield *batch, smoothing


cross_entropy_loss = Exercise(
    name="cross_entropy_loss",
    statement="The mean of -Σ qᵥ ln softmax(logits)ᵥ over the rows whose target counts, in nats; q is ε / V "
    "everywhere, plus 1 - ε at the target.",
    arguments={
        "logits": "(N, V)",
        "targets": "(N,) int",
        "ignore_index": "int, the target of rows that do not count",
        "label_smoothing": "float ε, may be 0",
    },
    returns="float",
    reference=autograd.cross_entropy.rule,
    answer=lambda *arguments: _rule(*arguments)[0],
    cases=_cross_entropy_loss_cases,
    hints=(
        "Take ε = 0 first: then it is the mean of -ln p at the targets. Which rows does that mean run over?",
        "Log-softmax first; drop rows whose target is ignore_index; mix the target's loss with the row's mean loss.",
        "(1 - ε) * -log_p[n, target] + ε * -log_p[n].mean() for each row n that counts, and then the mean of these.",
    ),
)


@cross_entropy_loss.variant
def kept_rows(logits, targets, ignore_index, label_smoothing):
    keep = targets != ignore_index
    log_p, ids = shifted_first(logits[keep]), targets[keep]
    at_target = log_p[np.arange(len(ids)), ids].mean()
    return -(1 - label_smoothing) * at_target - label_smoothing * log_p.mean()


@cross_entropy_loss.variant
def one_row_at_a_time(logits, targets, ignore_index, label_smoothing):
    losses = []
    for row, target in zip(logits, targets, strict=True):
        if target != ignore_index:
            log_total = np.logaddexp.reduce(row)
            losses.append(log_total - (1 - label_smoothing) * row[target] - label_smoothing * row.mean())
    return sum(losses) / len(losses)


@cross_entropy_loss.variant
def with_mixed_targets(logits, targets, ignore_index, label_smoothing):
    keep = (targets != ignore_index).astype(logits.dtype)
    q = _mixed(logits, targets, label_smoothing)
    return -(keep @ (q * shifted_first(logits))).sum() / keep.sum()


def _mixed(logits, targets, smoothing):
    V = logits.shape[1]
    return ((1 - smoothing) * (targets[:, None] == np.arange(V)) + smoothing / V).astype(logits.dtype)


@cross_entropy_loss.misconception(
    "the mean ran over all rows, ignored ones too", "By how many losses is the sum divided?"
)
def mean_over_all(logits, targets, ignore_index, label_smoothing):
    return kept_rows(logits, targets, ignore_index, label_smoothing) * np.mean(targets != ignore_index)


@cross_entropy_loss.misconception(
    "ignore_index were a token like any other", "What is a loss for a padded place worth?"
)
def nothing_ignored(logits, targets, ignore_index, label_smoothing):
    log_p = shifted_first(logits)
    at_target = log_p[np.arange(len(targets)), targets].mean()
    return -(1 - label_smoothing) * at_target - label_smoothing * log_p.mean()


@cross_entropy_loss.misconception("the losses were summed", "Should the loss double when the batch does?")
def summed(logits, targets, ignore_index, label_smoothing):
    return kept_rows(logits, targets, ignore_index, label_smoothing) * np.sum(targets != ignore_index)


@cross_entropy_loss.misconception(
    "ε were shared by the other V - 1 tokens only", "In the statement, over how many tokens is ε spread, and which?"
)
def shared_by_the_others(logits, targets, ignore_index, label_smoothing):
    V = logits.shape[1]
    return kept_rows(logits, targets, ignore_index, label_smoothing * V / (V - 1))


@cross_entropy_loss.misconception("ε were 0", "Which line of your code looks at label_smoothing?")
def not_smoothed(logits, targets, ignore_index, label_smoothing):
    return kept_rows(logits, targets, ignore_index, 0)


@cross_entropy_loss.misconception(
    "ε were spread over all tokens and the target still had 1", "Does your mixed target still sum to 1?"
)
def more_than_one(logits, targets, ignore_index, label_smoothing):
    extra = kept_rows(logits, targets, ignore_index, 1)
    return kept_rows(logits, targets, ignore_index, 0) + label_smoothing * extra


def _from_log_p(log_p, targets, ignore_index, label_smoothing):
    keep = targets != ignore_index
    q = _mixed(log_p, targets, label_smoothing)
    return -np.where(q > 0, q * log_p, 0)[keep].sum() / keep.sum()


@cross_entropy_loss.misconception(
    "the logarithm were taken of a finished softmax",
    "What is the softmax of [0, 1000], and what is the logarithm of 0?",
)
def log_of_zero(logits, *others):
    return _from_log_p(np.log(_softmax(logits)), *others)


@cross_entropy_loss.misconception("exp could not overflow", "What is e⁹⁰⁰ on a computer, and ln of it?")
def log_of_infinity(logits, *others):
    return _from_log_p(log_overflows(logits), *others)


@cross_entropy_loss.misconception(
    "exp could neither overflow nor vanish",
    "Which two kinds of row does ln(eˣ / Σ eˣ) fail on, and how does x - m help?",
)
def log_of_ratio(logits, *others):
    return _from_log_p(log_of_plain_softmax(logits), *others)


@cross_entropy_loss.misconception("the loss were in bits, log base 2", "Which logarithm gives nats?")
def bits(logits, targets, ignore_index, label_smoothing):
    return kept_rows(logits, targets, ignore_index, label_smoothing) / np.log(2)


# cross_entropy_backward

cross_entropy_backward = Exercise(
    name="cross_entropy_backward",
    statement="The gradient of the mean cross-entropy by the logits: (softmax(logits) - y) / n in the n rows that "
    "count, with y the one-hot target; 0 in the others.",
    arguments={"logits": "(N, V)", "targets": "(N,) int", "ignore_index": "int, the target of rows that do not count"},
    returns="(N, V)",
    reference=autograd.cross_entropy.rule,
    answer=lambda *arguments: _rule(*arguments)[1],
    cases=_batches,
    hints=(
        "Which logit must grow to lower the loss? So which sign has its gradient?",
        "Probabilities minus one-hot targets; rows that do not count get zeros; the mean leaves a factor 1 / n.",
        "dx = softmax; dx[counted, targets[counted]] -= 1; dx[not counted] = 0; dx / number counted.",
    ),
)


def _p_minus_y(logits, targets):
    return _softmax(logits) - _mixed(logits, targets, 0)


@cross_entropy_backward.variant
def one_hot_subtracted(logits, targets, ignore_index):
    keep = (targets != ignore_index)[:, None]
    return (_p_minus_y(logits, targets) * keep / keep.sum()).astype(logits.dtype)


@cross_entropy_backward.variant
def subtracted_in_place(logits, targets, ignore_index):
    dx, counted = np.zeros_like(logits), np.flatnonzero(targets != ignore_index)
    dx[counted] = _softmax(logits[counted])
    dx[counted, targets[counted]] -= 1
    return dx / len(counted)


@cross_entropy_backward.variant
def through_log_softmax(logits, targets, ignore_index):
    keep = targets != ignore_index
    dy = _mixed(logits, targets, 0) * (-1 / int(keep.sum())) * keep[:, None]
    return dy - np.exp(shifted_first(logits)) * dy.sum(axis=1, keepdims=True)


@cross_entropy_backward.misconception("the losses were summed, not averaged", "Where does the mean's 1 / n go?")
def not_divided(logits, targets, ignore_index):
    return _p_minus_y(logits, targets) * (targets != ignore_index)[:, None]


@cross_entropy_backward.misconception(
    "the mean ran over all rows, ignored ones too", "How many losses are there in the mean that is differentiated?"
)
def divided_by_all(logits, targets, ignore_index):
    return not_divided(logits, targets, ignore_index) / len(targets)


@cross_entropy_backward.misconception(
    "it were the step downhill, not the gradient",
    "Raising the target's logit lowers the loss: which sign is its gradient?",
)
def downhill(logits, targets, ignore_index):
    return -one_hot_subtracted(logits, targets, ignore_index)


@cross_entropy_backward.misconception(
    "rows that do not count still pushed their logits down", "How does the loss change if an ignored row's logits do?"
)
def ignored_rows_stay(logits, targets, ignore_index):
    y = _mixed(logits, targets, 0) * (targets != ignore_index)[:, None]
    return (_softmax(logits) - y) / np.sum(targets != ignore_index)


@cross_entropy_backward.misconception(
    "the target were not subtracted from the probabilities", "Your gradient is never negative: which logit shall grow?"
)
def target_forgotten(logits, targets, ignore_index):
    keep = (targets != ignore_index)[:, None]
    return _softmax(logits) * keep / keep.sum()


@cross_entropy_backward.misconception(
    "exp could not overflow", "Does the softmax inside survive logits of 900? What must it subtract first?"
)
def gradient_overflows(logits, targets, ignore_index):
    keep = (targets != ignore_index)[:, None]
    return (overflows(logits) - _mixed(logits, targets, 0)) * keep / keep.sum()
