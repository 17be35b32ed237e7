"""Optimizers: one update each, as functions that return new arrays; and the clipping before it."""

import math
from types import SimpleNamespace

import numpy as np

from minilm import kernels
from minilm.autograd import Tensor
from minilm.check.exercise import Exercise
from minilm.training import SGD, AdamW, RMSProp, clip_gradients


def _update_cases(memories, *settings):
    """Parameters, gradients and memories (N,), the second moments positive; then each of the settings."""

    def cases(rng):
        for N, dtype, setting in zip(
            (1, 3, 1, 4, 5), (float, float, np.float32, float, np.float32), settings, strict=True
        ):
            p, g, *memory = rng.standard_normal((2 + len(memories), N)).astype(dtype)
            yield p, g, *(np.abs(m) if name in "sv" else m for name, m in zip(memories, memory, strict=True)), *setting
        yield p, 1000 * g, *(0 * m for m in memory), *settings[0]  # the first step of all
        yield p.astype(float), 0 * g.astype(float), *(0 * m.astype(float) for m in memory), *settings[1]  # g = 0

    return cases


def _in_place(update, places):
    """The reference changes its arguments: call it with them and return what has become of those in `places`."""

    def answer(*arguments):
        update(*arguments)
        return tuple(arguments[i] for i in places)

    return answer


_VECTORS = {"p": "(N,) parameters", "g": "(N,) their gradient"}

# sgd_momentum

_RATES = (0.5, 0.5), (0.1, 0.9), (0.01, 0.99), (0.3, 0.0), (1.0, 0.8)

_MOMENTUM = _VECTORS | {"v": "(N,) velocity", "lr": "float", "momentum": "float, the μ of the formula"}


def _sgd_answer(nesterov):
    def update(p, g, v, lr, momentum):
        SGD.update(SimpleNamespace(lr=lr, momentum=momentum, nesterov=nesterov), p, g, 0.0, v)

    return _in_place(update, (0, 2))


sgd_momentum = Exercise(
    name="sgd_momentum",
    statement="One step of gradient descent with momentum: v′ = μ v + g, then p′ = p - lr v′.",
    arguments=_MOMENTUM,
    returns="(p′, v′), two new arrays (N,)",
    reference=SGD.update,
    answer=_sgd_answer(nesterov=False),
    cases=_update_cases("m", *_RATES),
    hints=(
        "A ball rolls downhill: it keeps a part μ of its velocity, and the gradient is added to that.",
        "The velocity first, then the parameters with the new velocity. Return both.",
        "v_new = momentum * v + g; p_new = p - lr * v_new; return p_new, v_new.",
    ),
)


@sgd_momentum.variant
def velocity_first(p, g, v, lr, momentum):
    v = momentum * v + g
    return p - lr * v, v


@sgd_momentum.variant
def in_copies(p, g, v, lr, momentum):
    p, v = p.copy(), v.copy()
    v *= momentum
    v += g
    p -= lr * v
    return p, v


@sgd_momentum.variant
def one_parameter_at_a_time(p, g, v, lr, momentum):
    velocities = [momentum * v_i + g_i for g_i, v_i in zip(g, v, strict=True)]
    return np.array([p_i - lr * v_i for p_i, v_i in zip(p, velocities, strict=True)]), np.array(velocities)


@sgd_momentum.misconception("μ were 0", "What is left in your update of where the ball was rolling before?")
def without_momentum(p, g, v, lr, momentum):
    return p - lr * g, g


@sgd_momentum.misconception("the velocity were a mean, μ v + (1 - μ) g", "How large does v become if g stays the same?")
def velocity_as_mean(p, g, v, lr, momentum):
    v = momentum * v + (1 - momentum) * g
    return p - lr * v, v


@sgd_momentum.misconception("the learning rate went into the velocity", "Does v still have the units of g?")
def rate_in_velocity(p, g, v, lr, momentum):
    v = momentum * v + lr * g
    return p - v, v


@sgd_momentum.misconception("the step used the old velocity", "Does your very first step, with v = 0, move at all?")
def old_velocity(p, g, v, lr, momentum):
    return p - lr * v, momentum * v + g


@sgd_momentum.misconception("the step went uphill", "Which way does the gradient point: to a larger loss or a smaller?")
def uphill(p, g, v, lr, momentum):
    v = momentum * v + g
    return p + lr * v, v


# nesterov

nesterov = Exercise(
    name="nesterov",
    statement="One step with Nesterov's look ahead: v′ = μ v + g, then p′ = p - lr (g + μ v′).",
    arguments=_MOMENTUM,
    returns="(p′, v′), two new arrays (N,)",
    reference=SGD.update,
    answer=_sgd_answer(nesterov=True),
    cases=_update_cases("m", *_RATES),
    hints=(
        "The velocity is that of plain momentum; only the step is another.",
        "The step is along the gradient and the part μ of the new velocity: where the ball will be going.",
        "v_new = momentum * v + g; p_new = p - lr * (g + momentum * v_new); return p_new, v_new.",
    ),
)


@nesterov.variant
def look_ahead(p, g, v, lr, momentum):
    v = momentum * v + g
    return p - lr * (g + momentum * v), v


@nesterov.variant
def multiplied_out(p, g, v, lr, momentum):
    return p - lr * (1 + momentum) * g - lr * momentum**2 * v, g + momentum * v


@nesterov.variant
def velocity_twice(p, g, v, lr, momentum):
    after_one, after_two = (momentum * v + g, momentum * (momentum * v + g) + g)
    return np.add(p, -lr * after_two), after_one


@nesterov.misconception("it were plain momentum", "Is g + μ v with the old v anything but the new velocity?")
def old_velocity_ahead(p, g, v, lr, momentum):
    return p - lr * (g + momentum * v), momentum * v + g


@nesterov.misconception("the look-ahead took all of the new velocity", "What part of v′ lies ahead?")
def all_of_velocity(p, g, v, lr, momentum):
    v = momentum * v + g
    return p - lr * (g + v), v


@nesterov.misconception("the gradient were left out of the step", "What does the step consist of, besides μ v′?")
def without_gradient(p, g, v, lr, momentum):
    v = momentum * v + g
    return p - lr * momentum * v, v


@nesterov.misconception(
    "the look-ahead were kept as the velocity", "Which of your two arrays does the next step call v?"
)
def keeps_look_ahead(p, g, v, lr, momentum):
    ahead = g + momentum * (momentum * v + g)
    return p - lr * ahead, ahead


# rmsprop


def _rmsprop_update(p, g, s, lr, alpha, eps):
    RMSProp.update(SimpleNamespace(lr=lr, alpha=alpha, eps=eps), p, g, 0.0, s)


rmsprop = Exercise(
    name="rmsprop",
    statement="One step of RMSProp: s′ = α s + (1 - α) g², then p′ = p - lr g / (√s′ + ε).",
    arguments=_VECTORS | {"s": "(N,) mean of squares", "lr": "float", "alpha": "float", "eps": "float"},
    returns="(p′, s′), two new arrays (N,)",
    reference=RMSProp.update,
    answer=_in_place(_rmsprop_update, (0, 2)),
    cases=_update_cases("s", (0.5, 0.75, 0.5), (0.1, 0.9, 0.1), (0.01, 0.99, 1e-8), (0.3, 0.8, 1e-2), (1.0, 0.6, 0.01)),
    hints=(
        "s is a running mean of g², so √s is the usual size of g, and g / √s is about ±1.",
        "Update s first; and look closely whether ε stands under the root.",
        "s_new = alpha * s + (1 - alpha) * g**2; p_new = p - lr * g / (np.sqrt(s_new) + eps); return p_new, s_new.",
    ),
)


@rmsprop.variant
def mean_of_squares(p, g, s, lr, alpha, eps):
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / (np.sqrt(s) + eps), s


@rmsprop.variant
def towards_the_square(p, g, s, lr, alpha, eps):
    s = s + (1 - alpha) * (np.square(g) - s)
    rate = lr / (s**0.5 + eps)
    return p - rate * g, s


@rmsprop.variant
def in_loops(p, g, s, lr, alpha, eps):
    p, s = np.array(p), np.array(s)
    for i in range(len(p)):
        s[i] = alpha * s[i] + (1 - alpha) * g[i] * g[i]
        p[i] -= lr * g[i] / (math.sqrt(s[i]) + eps)
    return p, s


@rmsprop.misconception("ε stood under the root", "How large is the divisor when s′ is 0: ε, or √ε?")
def eps_under_the_root(p, g, s, lr, alpha, eps):
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / np.sqrt(s + eps), s


@rmsprop.misconception("there were no root", "If all gradients were 10 times as large, should the step change?")
def without_root(p, g, s, lr, alpha, eps):
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / (s + eps), s


@rmsprop.misconception("the step used the old s", "What does the very first step, with s = 0, divide by?")
def old_square(p, g, s, lr, alpha, eps):
    return p - lr * g / (np.sqrt(s) + eps), alpha * s + (1 - alpha) * g**2


@rmsprop.misconception("α and 1 - α had changed places", "With α near 1, which counts for more: the past, or g²?")
def swapped_shares(p, g, s, lr, alpha, eps):
    s = (1 - alpha) * s + alpha * g**2
    return p - lr * g / (np.sqrt(s) + eps), s


@rmsprop.misconception("s were a sum of all squares, as in AdaGrad", "Can your s ever become smaller?")
def sum_of_squares(p, g, s, lr, alpha, eps):
    s = s + g**2
    return p - lr * g / (np.sqrt(s) + eps), s


@rmsprop.misconception("ε were 0", "What is 0 / 0, for a parameter that has had no gradient yet?")
def without_eps(p, g, s, lr, alpha, eps):
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / np.sqrt(s), s


# adam_step

_ADAM = _VECTORS | {
    "m": "(N,) mean of gradients",
    "v": "(N,) mean of squares",
    "t": "int, the number of this step: 1, 2, ...",
    "lr": "float",
    "beta1": "float",
    "beta2": "float",
    "eps": "float",
}

_BETAS = (
    (1, 0.5, 0.5, 0.75, 0.5),
    (2, 0.1, 0.9, 0.99, 0.1),
    (7, 0.01, 0.9, 0.999, 1e-8),
    (40, 0.3, 0.8, 0.95, 0.01),
    (3, 1.0, 0.6, 0.9, 0.1),
)

adam_step = Exercise(
    name="adam_step",
    statement="One step of Adam: m′ = β₁ m + (1 - β₁) g and v′ = β₂ v + (1 - β₂) g²; m̂ = m′ / (1 - β₁ᵗ) and "
    "v̂ = v′ / (1 - β₂ᵗ); then p′ = p - lr m̂ / (√v̂ + ε).",
    arguments=_ADAM,
    returns="(p′, m′, v′), three new arrays (N,)",
    reference=kernels.adamw.reference,
    answer=_in_place(lambda *arguments: kernels.adamw.reference(*arguments, 0.0), (0, 2, 3)),
    cases=_update_cases("mv", *_BETAS),
    hints=(
        "Momentum (m) divided by RMSProp's root (v), each put right for having started at zero.",
        "m′ and v′ are what the next step needs; m̂ and v̂ are used in this step only.",
        "m_hat = m_new / (1 - beta1**t), v_hat = v_new / (1 - beta2**t), "
        "p_new = p - lr * m_hat / (np.sqrt(v_hat) + eps); return p_new, m_new, v_new.",
    ),
)


def _moments(g, m, v, beta1, beta2):
    return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g


@adam_step.variant
def with_hats(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@adam_step.variant
def corrected_in_the_rate(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (np.square(g) - v)
    unbias = math.sqrt(1 - beta2**t)
    return p - lr * unbias / (1 - beta1**t) * m / (np.sqrt(v) + eps * unbias), m, v


@adam_step.variant
def each_parameter(p, g, m, v, t, lr, beta1, beta2, eps):
    new = np.empty((3, len(p)), p.dtype)
    for i in range(len(p)):
        new[1, i] = beta1 * m[i] + (1 - beta1) * g[i]
        new[2, i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2
        size = (new[2, i] / (1 - beta2**t)) ** 0.5
        new[0, i] = p[i] - lr / (1 - beta1**t) * new[1, i] / (size + eps)
    return new[0], new[1], new[2]


@adam_step.misconception("there were no bias correction", "How large is m′ after the first step from 0?")
def uncorrected(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _moments(g, m, v, beta1, beta2)
    return p - lr * m / (np.sqrt(v) + eps), m, v


@adam_step.misconception("the bias correction took t + 1", "Is the t of the first step 0 or 1?")
def step_too_many(p, g, m, v, t, lr, beta1, beta2, eps):
    return with_hats(p, g, m, v, t + 1, lr, beta1, beta2, eps)


@adam_step.misconception("ε stood under the root", "How large is the divisor when v̂ is 0: ε, or √ε?")
def eps_inside(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _moments(g, m, v, beta1, beta2)
    return p - lr * m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + eps), m, v


@adam_step.misconception("v were a mean of g, not of g²", "Can your v become negative, and what is its root then?")
def first_power(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


@adam_step.misconception("m̂ and v̂ were kept for the next step", "How often would a mean then be corrected?")
def hats_kept(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _moments(g, m, v, beta1, beta2)
    m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m / (np.sqrt(v) + eps), m, v


@adam_step.misconception("ε were added before the bias correction", "Which of v′ and v̂ stands beside ε?")
def eps_before_correction(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _moments(g, m, v, beta1, beta2)
    return p - lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + eps), m, v


# adamw_step


def _adamw_cases(rng):
    decays = 0.5, 0.1, 0.01, 0.2, 0.3
    shapes = ((1, 1), float), ((2,), float), ((2, 3), float), ((3, 1), np.float32), ((3, 2, 2), float)
    for (shape, dtype), setting, decay in zip(shapes, _BETAS, decays, strict=True):
        p, g, m, v = rng.standard_normal((4, *shape)).astype(dtype)
        yield p, g, m, np.abs(v), *setting, decay
    yield 10 * p, g, 0 * m, 0 * v, *_BETAS[0], 0.1  # the first step of all
    yield 10 * p, 0 * g, 0 * m, 0 * v, *_BETAS[1], 0.1  # no gradient, and yet a decay


@kernels.reference_only()
def _adamw_answer(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    parameter = Tensor(p)
    parameter.grad = g
    optimizer = AdamW([parameter], lr, betas=(beta1, beta2), eps=eps, weight_decay=decay)
    optimizer.memory, optimizer.steps = {"m": m.reshape(-1), "v": v.reshape(-1)}, t - 1
    optimizer.step()
    return parameter.data, *(optimizer.memory[name].reshape(p.shape) for name in "mv")


adamw_step = Exercise(
    name="adamw_step",
    statement="Adam with decoupled weight decay: p′ = p - lr (m̂ / (√v̂ + ε) + λ p), the rest as in Adam. "
    "λ is `decay` for matrices, and 0 for gains and biases, which have one axis.",
    arguments={name: what.replace("(N,)", "(C,) or (C, F) or more axes,") for name, what in _ADAM.items()}
    | {"decay": "float, the λ of the formula"},
    returns="(p′, m′, v′), three new arrays of p's shape",
    reference=kernels.adamw.reference,
    answer=_adamw_answer,
    cases=_adamw_cases,
    hints=(
        "The decay knows nothing of the gradient: it shrinks p by the part lr λ, in the same step.",
        "m′ and v′ are what they are without decay; λ p, with the old p, is added to m̂ / (√v̂ + ε).",
        "if p.ndim < 2: decay = 0; then p_new = p - lr * (m_hat / (np.sqrt(v_hat) + eps) + decay * p).",
    ),
)


def _adam_direction(g, m, v, t, beta1, beta2, eps):
    """m̂ / (√v̂ + ε), and the new m and v."""
    m, v = _moments(g, m, v, beta1, beta2)
    return m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


@adamw_step.variant
def decay_beside_the_step(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    step = m / (1 - beta1**t) / ((v / (1 - beta2**t)) ** 0.5 + eps)
    if p.ndim >= 2:
        step = step + decay * p
    return p - lr * step, m, v


@adamw_step.variant
def shrunk_first(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    step, m, v = _adam_direction(g, m, v, t, beta1, beta2, eps)
    return p * (1 - lr * decay * (len(p.shape) > 1)) - lr * step, m, v


@adamw_step.variant
def entry_by_entry(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    new_p, new_m, new_v = p.copy(), m.copy(), v.copy()
    for i in np.ndindex(p.shape):
        new_m[i] += (1 - beta1) * (g[i] - m[i])
        new_v[i] += (1 - beta2) * (g[i] * g[i] - v[i])
        new_p[i] -= lr * (new_m[i] / (1 - beta1**t)) / (math.sqrt(new_v[i] / (1 - beta2**t)) + eps)
        new_p[i] -= lr * decay * p[i] if len(i) > 1 else 0
    return new_p, new_m, new_v


@adamw_step.misconception(
    "the decay were a part of the gradient, an L2 penalty", "What does dividing by √v̂ do to it then?"
)
def decay_in_gradient(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    step, m, v = _adam_direction(g + decay * (p.ndim > 1) * p, m, v, t, beta1, beta2, eps)
    return p - lr * step, m, v


@adamw_step.misconception("gains and biases decayed too", "What does the statement say of parameters with one axis?")
def decays_gains(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    step, m, v = _adam_direction(g, m, v, t, beta1, beta2, eps)
    return p - lr * (step + decay * p), m, v


@adamw_step.misconception("the decay were not multiplied by lr", "What should remain of the decay when lr is 0?")
def decay_without_rate(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    step, m, v = _adam_direction(g, m, v, t, beta1, beta2, eps)
    return p - lr * step - decay * (p.ndim > 1) * p, m, v


@adamw_step.misconception("there were no decay", "Should a matrix without a gradient change?")
def without_decay(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    step, m, v = _adam_direction(g, m, v, t, beta1, beta2, eps)
    return p - lr * step, m, v


@adamw_step.misconception("the decay shrank the new p, not the old", "Which p stands beside λ in the formula?")
def decay_afterwards(p, g, m, v, t, lr, beta1, beta2, eps, decay):
    step, m, v = _adam_direction(g, m, v, t, beta1, beta2, eps)
    return (p - lr * step) * (1 - lr * decay * (p.ndim > 1)), m, v


# clip_by_norm


def _clip_cases(rng):
    yield np.array([[3.0]]), np.array([4.0]), 1.0
    yield rng.standard_normal((1, 1)), rng.standard_normal(1), 1e-3
    yield rng.standard_normal((2, 3)), rng.standard_normal(3), 100.0  # short enough
    yield np.zeros((2, 2)), np.zeros(2), 1.0
    yield rng.standard_normal((3, 2)), 0.01 * rng.standard_normal(2), 0.5
    dW, db = rng.standard_normal((3, 4)).astype(np.float32), rng.standard_normal(4).astype(np.float32)
    yield 1000 * dW, 1000 * db, 10.0
    yield rng.uniform(1, 1.1, (2, 2)), rng.uniform(1, 1.1, 2), 2.3  # each short enough, together too long


def _clip_answer(dW, db, max_norm):
    W, b = Tensor(np.zeros_like(dW)), Tensor(np.zeros_like(db))
    W.grad, b.grad = dW, db
    norm = clip_gradients([W, b], max_norm)
    return W.grad, b.grad, norm


clip_by_norm = Exercise(
    name="clip_by_norm",
    statement="Shorten the gradient g, which is the numbers of dW and db as one long vector, to at most max_norm: "
    "g min(1, max_norm / |g|).",
    arguments={"dW": "(C, F)", "db": "(F,)", "max_norm": "float"},
    returns="(dW, db, |g|): the two clipped gradients as new arrays, and the length before clipping, a float",
    reference=clip_gradients,
    answer=_clip_answer,
    cases=_clip_cases,
    hints=(
        "Clipping must not turn the gradient: every number of both arrays is multiplied by the same factor.",
        "|g|² is the sum of all squares in both arrays; a gradient that is short enough stays as it is.",
        "norm = np.sqrt((dW**2).sum() + (db**2).sum()); factor = max_norm / norm if norm > max_norm else 1; "
        "return dW * factor, db * factor, norm.",
    ),
)


@clip_by_norm.variant
def sum_of_all_squares(dW, db, max_norm):
    norm = math.sqrt((dW**2).sum() + (db**2).sum())
    factor = max_norm / norm if norm > max_norm else 1.0
    return dW * factor, db * factor, norm


@clip_by_norm.variant
def as_one_vector(dW, db, max_norm):
    g = np.concatenate([dW.ravel(), db])
    norm = np.linalg.norm(g)
    g = g / max(1, norm / max_norm)
    return g[: dW.size].reshape(dW.shape), g[dW.size :], norm


@clip_by_norm.variant
def norm_of_norms(dW, db, max_norm):
    clipped, norm = [dW.copy(), db.copy()], np.hypot(np.linalg.norm(dW), np.linalg.norm(db))
    if norm > max_norm:
        for g in clipped:
            g *= max_norm / norm
    return *clipped, norm


def _norm(*grads):
    return math.sqrt(sum(float(np.vdot(g, g)) for g in grads))


def _shortened(dW, db, max_norm, norm):
    factor = max_norm / norm if norm > max_norm else 1.0
    return dW * factor, db * factor, norm


@clip_by_norm.misconception("each array were clipped alone", "Does the gradient as a whole still point the way it did?")
def each_array_alone(dW, db, max_norm):
    return *(g * min(1, max_norm / (_norm(g) or 1)) for g in (dW, db)), _norm(dW, db)


@clip_by_norm.misconception("each number were clipped to ± max_norm", "How long is (1, 1, 1, 1), if max_norm is 1?")
def each_number_alone(dW, db, max_norm):
    return *(np.clip(g, -max_norm, max_norm) for g in (dW, db)), _norm(dW, db)


@clip_by_norm.misconception("every gradient got the length max_norm", "What should happen to a very short gradient?")
def stretches(dW, db, max_norm):
    norm = np.float64(_norm(dW, db))
    return dW * (max_norm / norm), db * (max_norm / norm), norm


@clip_by_norm.misconception("the length were the sum of the arrays' lengths", "How long is (3, 4): 7, or less?")
def sum_of_norms(dW, db, max_norm):
    return _shortened(dW, db, max_norm, _norm(dW) + _norm(db))


@clip_by_norm.misconception("the length were a sum of squares without its root", "How long is the vector (3, 4)?")
def without_the_root(dW, db, max_norm):
    return _shortened(dW, db, max_norm, _norm(dW, db) ** 2)


@clip_by_norm.misconception("the length were measured after clipping", "Which length tells of unstable training?")
def length_afterwards(dW, db, max_norm):
    dW, db, norm = _shortened(dW, db, max_norm, _norm(dW, db))
    return dW, db, min(norm, max_norm)
