"""Recurrence: one step of three cells, many steps, the way back, and sequences of unequal length."""

import math
from itertools import accumulate
from types import SimpleNamespace

import numpy as np

from minilm import kernels, nn
from minilm.autograd import Tensor
from minilm.check.exercise import Exercise
from minilm.nn.recurrent import GRUCell, LSTMCell, RNNCell, _reversed_steps


def _normal(rng, dtype, *shapes):
    return tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)


def _step_cases(gates, states=1, biases=1):
    """x, the states, W, U and the biases of a cell with so many gates."""

    def cases(rng):
        for B, C, H, dtype in (
            (1, 1, 1, float),
            (1, 2, 2, float),
            (2, 1, 3, np.float32),
            (3, 3, 3, float),
            (2, 3, 2, float),
        ):
            weights = (C, gates * H), (H, gates * H), *[(gates * H,)] * biases
            x, *rest = _normal(rng, dtype, (B, C), *[(B, H)] * states, *weights)
            yield x, *rest
        yield 1e6 * np.stack([x[0], -x[0]]), *rest  # saturated: an exp that overflows shows here

    return cases


def _cell_answer(cell, *names):
    """A cell called with arrays: x, its state, and its weights under these names."""

    @kernels.reference_only()
    def answer(x, *arrays):
        state, weights = arrays[: -len(names)], arrays[-len(names) :]
        state = tuple(map(Tensor, state))
        named = {name: Tensor(array) for name, array in zip(names, weights, strict=True)}
        self = SimpleNamespace(width=len(weights[1]), **named)
        result = cell.__call__(self, Tensor(x), state if len(state) > 1 else state[0])
        return tuple(part.data for part in result) if isinstance(result, tuple) else result.data

    return answer


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


# rnn_step

_CELL = {"x": "(B, C)", "h": "(B, H), the state so far", "W": "(C, H)", "U": "(H, H)", "b": "(H,)"}

rnn_step = Exercise(
    name="rnn_step",
    statement="One step of a plain recurrent network: h′ = tanh(x W + h U + b).",
    arguments=_CELL,
    returns="(B, H)",
    reference=RNNCell.__call__,
    answer=_cell_answer(RNNCell, "W", "U", "b"),
    cases=_step_cases(1),
    hints=(
        "Two things arrive, the input x and the state h, and each has its own matrix.",
        "Add x W, h U and the bias; the tanh is around all of it.",
        "return np.tanh(x @ W + h @ U + b)",
    ),
)


@rnn_step.variant
def two_products(x, h, W, U, b):
    return np.tanh(x @ W + h @ U + b)


@rnn_step.variant
def one_product(x, h, W, U, b):
    z = np.hstack([x, h]) @ np.vstack([W, U]) + b
    return 2 / (1 + np.exp(-2 * z)) - 1


@rnn_step.variant
def number_by_number(x, h, W, U, b):
    y = np.empty_like(h)
    for i, j in np.ndindex(h.shape):
        z = b[j] + sum(x[i, c] * W[c, j] for c in range(len(W)))
        y[i, j] = math.tanh(z + sum(h[i, k] * U[k, j] for k in range(len(U))))
    return y


@rnn_step.misconception("there were no state", "If the word before were another, would your h′ be another?")
def state_ignored(x, h, W, U, b):
    return np.tanh(x @ W + b)


@rnn_step.misconception("there were no tanh", "After a thousand steps, what keeps the state between -1 and 1?")
def without_tanh(x, h, W, U, b):
    return x @ W + h @ U + b


@rnn_step.misconception("the tanh were a sigmoid", "Can a number of your state be negative, and should it?")
def sigmoid_for_tanh(x, h, W, U, b):
    return _sigmoid(x @ W + h @ U + b)


@rnn_step.misconception("h U were added after the tanh", "How large can your h′ become, and how large a tanh?")
def state_outside(x, h, W, U, b):
    return np.tanh(x @ W + b) + h @ U


@rnn_step.misconception("the transpose of U were multiplied", "Which axis of U belongs to the old state?")
def U_transposed(x, h, W, U, b):
    return np.tanh(x @ W + h @ U.T + b)


@rnn_step.misconception("tanh z were (e²ᶻ - 1) / (e²ᶻ + 1), also where e²ᶻ is ∞", "What is ∞ / ∞ in floating point?")
def tanh_overflows(x, h, W, U, b):
    e = np.exp(2 * (x @ W + h @ U + b))
    return (e - 1) / (e + 1)


# rnn_over_time


def _over_time_cases(rng):
    for B, T, C, H, dtype in (
        (1, 2, 1, 1, float),
        (2, 1, 2, 1, float),
        (2, 3, 1, 2, float),
        (3, 2, 2, 2, np.float32),
        (2, 4, 3, 2, float),
    ):
        x, *rest = _normal(rng, dtype, (B, T, C), (B, H), (C, H), (H, H), (H,))
        yield x, *rest
    yield 1e4 * x, *rest


@kernels.reference_only()
def _over_time_answer(x, start, W, U, b):
    return kernels.rnn(x @ W + b, start, U)


rnn_over_time = Exercise(
    name="rnn_over_time",
    statement="hₜ = tanh(xₜ W + hₜ₋₁ U + b) for every step t of B sentences, with h₋₁ = start.",
    arguments={"x": "(B, T, C)", "start": "(B, H), the states before the first step"}
    | {name: _CELL[name] for name in "WUb"},
    returns="(B, T, H), the state after each step",
    reference=kernels.rnn,
    answer=_over_time_answer,
    cases=_over_time_cases,
    hints=(
        "The steps must follow one another; the sentences are independent, and a step is made for all of them at once.",
        "Keep one variable h, (B, H), which is `start` at first; x[:, t] is what all sentences say at step t.",
        "h = start; for t in range(T): h = np.tanh(x[:, t] @ W + h @ U + b), and this h goes to place [:, t].",
    ),
)


@rnn_over_time.variant
def appended(x, start, W, U, b):
    h, states = start, []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W + h @ U + b)
        states.append(h)
    return np.stack(states, axis=1)


@rnn_over_time.variant
def accumulated(x, start, W, U, b):
    z = np.einsum("btc,ch->tbh", x, W) + b
    states = list(accumulate(z, lambda h, z_t: np.tanh(z_t + h @ U), initial=start))
    return np.array(states[1:]).transpose(1, 0, 2)


@rnn_over_time.variant
def sentence_by_sentence(x, start, W, U, b):
    hs = np.zeros((*x.shape[:2], len(U)), x.dtype)
    for i, t in np.ndindex(x.shape[:2]):
        before = hs[i, t - 1] if t > 0 else start[i]
        hs[i, t] = np.tanh(W.T @ x[i, t] + U.T @ before + b)
    return hs


@rnn_over_time.misconception("start were zeros", "A text cut in two: what should the second half begin with?")
def from_zeros(x, start, W, U, b):
    return appended(x, np.zeros_like(start), W, U, b)


@rnn_over_time.misconception("every step began from `start`", "Which h does your step t + 1 read, and who wrote it?")
def always_from_start(x, start, W, U, b):
    return np.tanh(x @ W + (start @ U)[:, None] + b)


@rnn_over_time.misconception("there were no state", "Does what was said at step 0 change anything at step 1?")
def without_state(x, start, W, U, b):
    return np.tanh(x @ W + b)


@rnn_over_time.misconception(
    "a sentence began with the last state of the sentence before", "What has sentence 1 to do with 0?"
)
def carried_across(x, start, W, U, b):
    hs, h = [], start[:1]
    for sentence in x:
        hs.append(appended(sentence[None], h, W, U, b)[0])
        h = hs[-1][-1:]
    return np.array(hs)


@rnn_over_time.misconception(
    "every place held the last state", "Are the arrays in your list T arrays, or one array T times?"
)
def all_the_last(x, start, W, U, b):
    hs = appended(x, start, W, U, b)
    return np.repeat(hs[:, -1:], x.shape[1], axis=1)


@rnn_over_time.misconception("place t held the state before step t", "Has the state in your place 0 seen x₀?")
def one_step_late(x, start, W, U, b):
    return np.concatenate([start[:, None], appended(x, start, W, U, b)[:, :-1]], axis=1)


# gru_step

gru_step = Exercise(
    name="gru_step",
    statement="One step of a GRU. Gates r, u = σ(x W + b + h U + b_state); candidate n = tanh(xₙ + r sₙ), where "
    "xₙ is n's part of x W + b and sₙ that of h U + b_state; then h′ = (1 - u) n + u h. "
    "Columns: r in the first H, then u, then n.",
    arguments=_CELL | {"W": "(C, 3H)", "U": "(H, 3H)", "b": "(3H,)", "b_state": "(3H,)"},
    returns="(B, H)",
    reference=GRUCell.__call__,
    answer=_cell_answer(GRUCell, "W", "U", "b", "b_state"),
    cases=_step_cases(3, biases=2),
    hints=(
        "Compute x W + b and h U + b_state for all three at once, (B, 3H) each, and cut them into three.",
        "r decides how much of the state the candidate sees; u how much of the old state stays.",
        "r = σ(xr + sr); u = σ(xu + su); n = tanh(xn + r * sn); return (1 - u) * n + u * h.",
    ),
)


def _gru_parts(x, h, W, U, b, b_state):
    return *np.split(x @ W + b, 3, axis=1), *np.split(h @ U + b_state, 3, axis=1)


@gru_step.variant
def gru_in_thirds(x, h, W, U, b, b_state):
    xr, xu, xn, sr, su, sn = _gru_parts(x, h, W, U, b, b_state)
    r, u = _sigmoid(xr + sr), _sigmoid(xu + su)
    return (1 - u) * np.tanh(xn + r * sn) + u * h


@gru_step.variant
def gru_by_slices(x, h, W, U, b, b_state):
    H = h.shape[1]
    r, u = (0.5 + 0.5 * np.tanh(0.5 * (x @ W + h @ U + b + b_state)[:, k * H : (k + 1) * H]) for k in (0, 1))
    n = np.tanh(x @ W[:, 2 * H :] + b[2 * H :] + r * (h @ U[:, 2 * H :] + b_state[2 * H :]))
    return n + u * (h - n)


@gru_step.variant
def gru_stacked(x, h, W, U, b, b_state):
    into = (-1, 3, h.shape[1])
    from_x = np.einsum("bc,cgh->gbh", x, W.reshape(into)) + b.reshape(into).swapaxes(0, 1)
    from_h = np.einsum("bk,kgh->gbh", h, U.reshape(into)) + b_state.reshape(into).swapaxes(0, 1)
    r, u = 1 / (1 + np.exp(-(from_x + from_h)[:2]))
    candidate = np.tanh(from_x[2] + r * from_h[2])
    return candidate - u * candidate + u * h


@gru_step.misconception("u and 1 - u had changed places", "If u is 1, is your h′ the old state or the candidate?")
def gru_update_turned(x, h, W, U, b, b_state):
    xr, xu, xn, sr, su, sn = _gru_parts(x, h, W, U, b, b_state)
    u = _sigmoid(xu + su)
    return u * np.tanh(xn + _sigmoid(xr + sr) * sn) + (1 - u) * h


@gru_step.misconception("the columns were u, r, n", "Which gate does the statement say is in the first H columns?")
def gru_columns_swapped(x, h, W, U, b, b_state):
    xu, xr, xn, su, sr, sn = _gru_parts(x, h, W, U, b, b_state)
    u = _sigmoid(xu + su)
    return (1 - u) * np.tanh(xn + _sigmoid(xr + sr) * sn) + u * h


@gru_step.misconception("r were multiplied with h before the product with U", "Is (r h) U the same as r (h U)?")
def gru_reset_first(x, h, W, U, b, b_state):
    H = h.shape[1]
    xr, xu, xn, sr, su, _ = _gru_parts(x, h, W, U, b, b_state)
    u, n = _sigmoid(xu + su), np.tanh(xn + (_sigmoid(xr + sr) * h) @ U[:, 2 * H :] + b_state[2 * H :])
    return (1 - u) * n + u * h


@gru_step.misconception("b_state's part for n were outside r", "Is the bias a part of sₙ, which r multiplies?")
def gru_bias_outside(x, h, W, U, b, b_state):
    H = h.shape[1]
    xr, xu, xn, sr, su, sn = _gru_parts(x, h, W, U, b, b_state)
    bias, u = b_state[2 * H :], _sigmoid(xu + su)
    return (1 - u) * np.tanh(xn + _sigmoid(xr + sr) * (sn - bias) + bias) + u * h


@gru_step.misconception("there were no reset gate", "What does the candidate see of the old state when r is 0?")
def gru_without_reset(x, h, W, U, b, b_state):
    _, xu, xn, _, su, sn = _gru_parts(x, h, W, U, b, b_state)
    u = _sigmoid(xu + su)
    return (1 - u) * np.tanh(xn + sn) + u * h


@gru_step.misconception("the candidate's tanh were a sigmoid", "Can your candidate be negative, and should it?")
def gru_sigmoid_candidate(x, h, W, U, b, b_state):
    xr, xu, xn, sr, su, sn = _gru_parts(x, h, W, U, b, b_state)
    u = _sigmoid(xu + su)
    return (1 - u) * _sigmoid(xn + _sigmoid(xr + sr) * sn) + u * h


# lstm_step


lstm_step = Exercise(
    name="lstm_step",
    statement="One step of an LSTM. z = x W + h U + b, cut into i, f, g, o by columns, in this order, H each; σ for i, "
    "f and o, tanh for g; then c′ = f c + i g and h′ = o tanh(c′).",
    arguments={"x": "(B, C)", "h": "(B, H), the state so far", "c": "(B, H), the cell so far"}
    | {"W": "(C, 4H)", "U": "(H, 4H)", "b": "(4H,)"},
    returns="(h′, c′), (B, H) each",
    reference=LSTMCell.__call__,
    answer=_cell_answer(LSTMCell, "W", "U", "b"),
    cases=_step_cases(4, states=2),
    hints=(
        "One product gives z (B, 4H) for all four; np.split(z, 4, axis=1) cuts it.",
        "The cell keeps the part f of itself and takes in the part i of g; the state shows the part o of it.",
        "c_new = σ(f) * c + σ(i) * tanh(g); h_new = σ(o) * tanh(c_new); return h_new, c_new.",
    ),
)


def _lstm_parts(x, h, W, U, b):
    return np.split(x @ W + h @ U + b, 4, axis=1)


@lstm_step.variant
def lstm_in_quarters(x, h, c, W, U, b):
    i, f, g, o = _lstm_parts(x, h, W, U, b)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


@lstm_step.variant
def lstm_by_slices(x, h, c, W, U, b):
    H, z = h.shape[1], np.concatenate([x, h], axis=1) @ np.concatenate([W, U]) + b
    gates = 0.5 * (1 + np.tanh(z / 2))
    c_next = gates[:, H : 2 * H] * c + gates[:, :H] * (2 / (1 + np.exp(-2 * z[:, 2 * H : 3 * H])) - 1)
    return gates[:, 3 * H :] * np.tanh(c_next), c_next


@lstm_step.variant
def lstm_unit_by_unit(x, h, c, W, U, b):
    H, h_next, c_next = h.shape[1], np.empty_like(h), np.empty_like(c)
    for k, j in np.ndindex(h.shape):
        i, f, g, o = (x[k] @ W[:, n] + h[k] @ U[:, n] + b[n] for n in range(j, 4 * H, H))
        c_next[k, j] = c[k, j] * _sigmoid(f) + math.tanh(g) * _sigmoid(i)
        h_next[k, j] = math.tanh(c_next[k, j]) * _sigmoid(o)
    return h_next, c_next


@lstm_step.misconception("the columns were i, f, o, g", "In which order does the statement name the four parts of z?")
def lstm_columns_swapped(x, h, c, W, U, b):
    i, f, o, g = _lstm_parts(x, h, W, U, b)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


@lstm_step.misconception("the tanh of g were a sigmoid", "Can your cell ever go down, if all it takes in is positive?")
def lstm_sigmoid_candidate(x, h, c, W, U, b):
    i, f, g, o = _lstm_parts(x, h, W, U, b)
    c = _sigmoid(f) * c + _sigmoid(i) * _sigmoid(g)
    return _sigmoid(o) * np.tanh(c), c


@lstm_step.misconception("there were no tanh around c′ in h′", "How large can c′ become, and how large should h′?")
def lstm_without_output_tanh(x, h, c, W, U, b):
    i, f, g, o = _lstm_parts(x, h, W, U, b)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * c, c


@lstm_step.misconception("h′ and c′ were returned in the other order", "Which of your two results can be above 1?")
def lstm_results_swapped(x, h, c, W, U, b):
    return lstm_in_quarters(x, h, c, W, U, b)[::-1]


@lstm_step.misconception("h and c had changed places", "Which of the two is multiplied by U, and which by f?")
def lstm_states_swapped(x, h, c, W, U, b):
    return lstm_in_quarters(x, c, h, W, U, b)


@lstm_step.misconception("h′ showed the old cell", "Does what is read at this step appear in your h′ at this step?")
def lstm_shows_old_cell(x, h, c, W, U, b):
    i, f, g, o = _lstm_parts(x, h, W, U, b)
    return _sigmoid(o) * np.tanh(c), _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)


# rnn_through_time


def _through_time_cases(rng):
    for T, B, H, dtype in (
        (2, 1, 1, float),
        (1, 2, 2, float),
        (3, 1, 2, float),
        (2, 3, 2, np.float32),
        (5, 2, 3, float),
    ):
        dh, h, start, U = _normal(rng, dtype, (T, B, H), (T, B, H), (B, H), (H, H))
        yield dh, np.tanh(h), start, U
    yield 1e6 * dh, np.sign(h), start, U  # saturated: nothing comes back
    yield 1e6 * dh, np.tanh(h), start, U


@kernels.reference_only()
def _through_time_answer(dh, h, start, U):
    dz, dstart, dU = kernels.rnn_backward(dh.swapaxes(0, 1), h.swapaxes(0, 1), start, U)
    return dz.swapaxes(0, 1), dstart, dU


rnn_through_time = Exercise(
    name="rnn_through_time",
    statement="Back-propagation through time of hₜ = tanh(zₜ), zₜ = xₜ + hₜ₋₁ U, h₋₁ = start, from the last step to "
    "the first: dzₜ = (dhₜ + dzₜ₊₁ Uᵀ) (1 - hₜ²), d start = dz₀ Uᵀ, dU = Σₜ hₜ₋₁ᵀ dzₜ. Time is the first axis.",
    arguments={
        "dh": "(T, B, H), the loss's gradient at each output, without what comes through later steps",
        "h": "(T, B, H), the states after each step",
        "start": "(B, H)",
        "U": "(H, H)",
    },
    returns="(dz (T, B, H), d start (B, H), dU (H, H))",
    reference=kernels.rnn_backward,
    answer=_through_time_answer,
    cases=_through_time_cases,
    hints=(
        "hₜ has two readers: the loss, at step t, and the step after. What comes back from both is added.",
        "Walk backward and carry what the later step sends to the earlier, (B, H): dz Uᵀ. It is zero at the end.",
        "for t in reversed(range(T)): dz[t] = (dh[t] + carry) * (1 - h[t]**2); carry = dz[t] @ U.T; "
        "dU += before.T @ dz[t], where before is h[t - 1], or start for t = 0.",
    ),
)


@rnn_through_time.variant
def step_by_step(dh, h, start, U):
    dz, carry, dU = np.zeros_like(h), np.zeros_like(start), np.zeros_like(U)
    for t in range(len(h) - 1, -1, -1):
        dz[t] = (dh[t] + carry) * (1 - h[t] ** 2)
        carry = dz[t] @ U.T
        dU += (h[t - 1] if t else start).T @ dz[t]
    return dz, carry, dU


@rnn_through_time.variant
def recursively(dh, h, start, U):
    if len(h) == 0:
        return h, np.zeros_like(start), np.zeros_like(U)
    later, carry, dU = recursively(dh[1:], h[1:], h[0], U)
    dz = (carry + dh[0]) * (1 + h[0]) * (1 - h[0])
    return np.concatenate([dz[None], later]), np.einsum("bj,ij->bi", dz, U), dU + np.einsum("bi,bj->ij", start, dz)


@rnn_through_time.variant
def with_jacobians(dh, h, start, U):
    dz, carry = [], 0 * start
    for slope, from_loss in zip((1 - h * h)[::-1], dh[::-1], strict=True):
        dz.insert(0, slope * from_loss + slope * carry)
        carry = np.stack([U @ row for row in dz[0]])
    before = np.concatenate([start[None], h[:-1]])
    return np.array(dz), carry, np.tensordot(before, dz, axes=([0, 1], [0, 1]))


def _through_time(dh, h, start, U, slope=lambda h: 1 - h * h, back=np.transpose, cut=1):
    dz, carry = np.zeros_like(h), np.zeros_like(start)
    for t in reversed(range(len(h))):
        dz[t] = (dh[t] + cut * carry) * slope(h[t])
        carry = dz[t] @ back(U)
    return dz, carry, _of_U(np.concatenate([start[None], h[:-1]]), dz)


def _of_U(before, dz):
    return np.einsum("tbi,tbj->ij", before, dz)


@rnn_through_time.misconception(
    "nothing came back through time", "Whom does hₜ influence, apart from the loss at step t?"
)
def time_cut(dh, h, start, U):
    return _through_time(dh, h, start, U, cut=0)


@rnn_through_time.misconception("the way back used U, not Uᵀ", "If y = h U, what is dh?")
def U_not_transposed(dh, h, start, U):
    return _through_time(dh, h, start, U, back=np.asarray)


@rnn_through_time.misconception(
    "h were z: the slope were 1 - tanh² h", "Is h what went into the tanh, or what came out?"
)
def tanh_twice(dh, h, start, U):
    return _through_time(dh, h, start, U, slope=lambda h: 1 - np.tanh(h) ** 2)


@rnn_through_time.misconception("the tanh had slope 1", "How much does h change with z where h is almost 1?")
def slope_forgotten(dh, h, start, U):
    return _through_time(dh, h, start, U, slope=np.ones_like)


@rnn_through_time.misconception("dU left out the first step", "Which state was multiplied by U at step 0?")
def start_left_out(dh, h, start, U):
    dz, carry, _ = _through_time(dh, h, start, U)
    return dz, carry, _of_U(h[:-1], dz[1:])


@rnn_through_time.misconception("dU took hₜ instead of hₜ₋₁", "Which state was multiplied by U to make zₜ?")
def same_step(dh, h, start, U):
    dz, carry, _ = _through_time(dh, h, start, U)
    return dz, carry, _of_U(h, dz)


@rnn_through_time.misconception("d start were dz₀", "What stands between start and z₀?")
def start_without_U(dh, h, start, U):
    dz, _, dU = _through_time(dh, h, start, U)
    return dz, dz[0], dU


# last_state


def _length_cases(rng):
    for lengths, T, C, dtype in (
        ([2], 3, 1, float),
        ([1], 1, 1, float),
        ([3, 1, 2], 3, 2, float),
        ([1, 4, 4], 5, 1, np.float32),
        ([5, 2], 7, 3, float),
        (rng.integers(1, 7, 5), 6, 2, float),
    ):
        (x,) = _normal(rng, dtype, (len(lengths), T, C))
        yield x, np.array(lengths)


def _last_state_answer(hs, lengths):
    as_it_is = SimpleNamespace(over_time=lambda x, state, ids: (x, lambda place: x[place]))
    return nn.Recurrent._run(SimpleNamespace(cells=[as_it_is]), hs, None, lengths, 0, backward=False)[1]


last_state = Exercise(
    name="last_state",
    statement="The state after each sequence's own last step: h at step length - 1, as the steps after it are padding.",
    arguments={"hs": "(B, T, H), the states after each step", "lengths": "(B,) int, from 1 to T"},
    returns="(B, H)",
    reference=nn.Recurrent._run,
    answer=_last_state_answer,
    cases=_length_cases,
    hints=(
        "Steps are counted from 0: which is the last of a sequence of length 2?",
        "Sequence 0 is read at one step, sequence 1 at another: two index arrays, one for rows and one for steps.",
        "hs[np.arange(B), lengths - 1]",
    ),
)


@last_state.variant
def two_index_arrays(hs, lengths):
    return hs[np.arange(len(hs)), lengths - 1]


@last_state.variant
def in_a_list(hs, lengths):
    return np.array([h[:length][-1] for h, length in zip(hs, lengths, strict=True)])


@last_state.variant
def along_the_axis(hs, lengths):
    return np.take_along_axis(hs, (lengths - 1)[:, None, None], axis=1).squeeze(1)


@last_state.variant
def picked_by_a_mask(hs, lengths):
    return hs[np.arange(hs.shape[1]) == lengths[:, None] - 1]


@last_state.misconception("all sequences had length T", "What stands at the last step of a short sequence?")
def at_the_end(hs, lengths):
    return hs[:, -1]


@last_state.misconception("the last step's index were the length", "Which index has the last of 2 steps?")
def length_as_index(hs, lengths):
    return hs[np.arange(len(hs)), lengths]


@last_state.misconception("the length were counted from the end", "What does a negative index count from?")
def counted_from_the_end(hs, lengths):
    return hs[np.arange(len(hs)), -lengths]


@last_state.misconception("all sequences ended with the longest", "Does your step depend on the sequence?")
def at_the_longest(hs, lengths):
    return hs[:, lengths.max() - 1]


@last_state.misconception("every sequence were read at every length", "What shape has hs[:, lengths - 1]?")
def all_by_all(hs, lengths):
    return hs[:, lengths - 1]


@last_state.misconception("the mean over all of its steps were asked for", "Which single step has seen all of it?")
def mean_of_steps(hs, lengths):
    return np.array([h[:length].mean(axis=0) for h, length in zip(hs, lengths, strict=True)])


# reverse_by_length


def _reverse_answer(x, lengths):
    return x[np.arange(len(x))[:, None], _reversed_steps(lengths, x.shape[1])]


reverse_by_length = Exercise(
    name="reverse_by_length",
    statement="Each sequence from its last step to its first, for a network that reads backward; padding stays where "
    "it is. y[b, t] = x[b, length - 1 - t] where t < length, x[b, t] after that.",
    arguments={"x": "(B, T, C)", "lengths": "(B,) int, from 1 to T"},
    returns="(B, T, C)",
    reference=_reversed_steps,
    answer=_reverse_answer,
    cases=_length_cases,
    hints=(
        "What should come first for a network that reads backward: the last word, or the padding?",
        "Turn round only the first `length` steps of each row, and leave the rest in place.",
        "For each b: y = x.copy(); y[b, :length] = x[b, :length][::-1].",
    ),
)


@reverse_by_length.variant
def row_by_row(x, lengths):
    y = x.copy()
    for b, length in enumerate(lengths):
        y[b, :length] = x[b, :length][::-1]
    return y


@reverse_by_length.variant
def by_index(x, lengths):
    t, last = np.arange(x.shape[1]), lengths[:, None] - 1
    steps = np.where(t <= last, last - t, t)
    return np.take_along_axis(x, steps[..., None], axis=1)


@reverse_by_length.variant
def by_sorting(x, lengths):
    t = np.arange(x.shape[1])
    order = np.argsort(np.where(t < lengths[:, None], -t, t + 1), axis=1)
    return np.stack([row[steps] for row, steps in zip(x, order, strict=True)])


@reverse_by_length.misconception("padding were reversed too", "What does the network that reads backward read first?")
def padding_reversed(x, lengths):
    return x[:, ::-1]


@reverse_by_length.misconception("padding became 0", "What does the statement say of steps from `length` on?")
def padding_zeroed(x, lengths):
    return row_by_row(x, lengths) * (np.arange(x.shape[1]) < lengths[:, None])[..., None]


@reverse_by_length.misconception("the padding came first, then the reversed text", "Where should the padding stay?")
def padding_in_front(x, lengths):
    return np.stack([np.concatenate([row[n:], row[:n][::-1]]) for row, n in zip(x, lengths, strict=True)])


@reverse_by_length.misconception("the first length held for all", "Does your number of steps depend on the sequence?")
def first_length(x, lengths):
    return row_by_row(x, np.full(len(x), lengths[0]))


@reverse_by_length.misconception("step 0 took step length, not length - 1", "Which index has the last of 2 steps?")
def from_the_length(x, lengths):
    t, lengths = np.arange(x.shape[1]), lengths[:, None]
    return np.take_along_axis(x, np.where(t < lengths, lengths - t, t)[..., None], axis=1)
