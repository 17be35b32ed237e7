"""Automatic differentiation: the rules of single operations, and the walk back through a graph of them."""

import operator

import numpy as np

from minilm import autograd
from minilm.autograd import Tensor, operations
from minilm.check.exercise import Exercise


def _gradients(operation, dy, *arrays, **settings):
    """What an operation's rule passes back: an array, or a tuple of them."""
    gradients = operation.rule(*arrays, **settings)[1](dy)
    return gradients if len(gradients) > 1 else gradients[0]


def _elementwise_cases(rng, scale=1, of=lambda z: z):
    for N, C, dtype in ((1, 2, float), (1, 1, float), (3, 1, float), (2, 4, np.float32), (4, 3, float)):
        dy, z = rng.standard_normal((2, N, C))
        yield dy.astype(dtype), of(z).astype(dtype)
    z[1:] *= scale
    yield dy, of(z)


# exp_backward

exp_backward = Exercise(
    name="exp_backward",
    statement="The gradient of Y = eᴬ, element by element: dA = Y dY.",
    arguments={"dy": "(N, C), the gradient of the loss with respect to Y", "a": "(N, C)"},
    returns="(N, C)",
    reference=operations.exp.rule,
    answer=lambda dy, a: _gradients(operations.exp, dy, a),
    cases=lambda rng: _elementwise_cases(rng, scale=10),
    hints=(
        "If A grows by a small h, by how much does Y grow, and by how much does the loss?",
        "The derivative of eᴬ is eᴬ itself; the chain rule multiplies it by the gradient that arrives.",
        "dy times np.exp(a).",
    ),
)


@exp_backward.variant
def exp_through_its_value(dy, a):
    y = np.exp(a)
    return dy * y


@exp_backward.variant
def exp_as_a_power(dy, a):
    return np.e**a * dy


@exp_backward.variant
def exp_one_by_one(dy, a):
    da = np.empty_like(a)
    for place in np.ndindex(a.shape):
        da[place] = dy[place] / np.exp(-a[place])
    return da


@exp_backward.misconception(
    "the derivative of eᴬ were A eᴬ⁻¹", "Which of the two is the variable in A³, and which in eᴬ: base or exponent?"
)
def power_rule(dy, a):
    return dy * a * np.exp(a - 1)


@exp_backward.misconception(
    "dY were 1 everywhere", "What does the chain rule do with the gradient that arrives from above?"
)
def exp_without_dy(dy, a):
    return np.exp(a)


@exp_backward.misconception(
    "dY were multiplied by A, not by Y", "Is it what went into exp or what came out that equals its slope?"
)
def input_for_output(dy, a):
    return dy * a


@exp_backward.misconception("dY were divided by Y", "Is Y steep or flat where A is large?")
def divided_by_y(dy, a):
    return dy / np.exp(a)


@exp_backward.misconception("dY and A had changed places", "Which of the two arguments went through exp on the way up?")
def arguments_swapped(dy, a):
    return a * np.exp(dy)


# log_backward

log_backward = Exercise(
    name="log_backward",
    statement="The gradient of Y = ln A, element by element: dA = dY / A.",
    arguments={"dy": "(N, C), the gradient of the loss with respect to Y", "a": "(N, C), all above zero"},
    returns="(N, C)",
    reference=operations.log.rule,
    answer=lambda dy, a: _gradients(operations.log, dy, a),
    cases=lambda rng: _elementwise_cases(rng, scale=8, of=np.exp),
    hints=(
        "Draw ln: where is it steep, where flat?",
        "The slope of ln at A is 1 / A; the chain rule multiplies it by the gradient that arrives.",
        "dy divided by a.",
    ),
)


@log_backward.variant
def log_by_division(dy, a):
    return dy / a


@log_backward.variant
def log_by_the_reciprocal(dy, a):
    return np.reciprocal(a) * dy


@log_backward.variant
def log_as_the_inverse_of_exp(dy, a):
    return dy * np.exp(-np.log(a))


@log_backward.misconception("dY were multiplied by A", "If A is ten times as large, is ln steeper there, or flatter?")
def multiplied_by_a(dy, a):
    return dy * a


@log_backward.misconception(
    "dY were 1 everywhere", "What does the chain rule do with the gradient that arrives from above?"
)
def log_without_dy(dy, a):
    return 1 / a


@log_backward.misconception("dY were divided by Y, not by A", "What is Y where A is 1, and how steep is ln there?")
def divided_by_output(dy, a):
    return dy / np.log(a)


@log_backward.misconception("the logarithm had base 2", "For which base is the derivative of log A simply 1 / A?")
def base_two(dy, a):
    return (dy / (a * np.log(2))).astype(a.dtype)


@log_backward.misconception("the slope of ln A were that of 1 / A", "Is 1 / A the function, or already its derivative?")
def differentiated_twice(dy, a):
    return -dy / a**2


# tanh_backward

tanh_backward = Exercise(
    name="tanh_backward",
    statement="The gradient of Y = tanh A, element by element: dA = (1 - Y²) dY.",
    arguments={"dy": "(N, C), the gradient of the loss with respect to Y", "a": "(N, C)"},
    returns="(N, C)",
    reference=operations.tanh.rule,
    answer=lambda dy, a: _gradients(operations.tanh, dy, a),
    cases=lambda rng: _elementwise_cases(rng, scale=3000),
    hints=(
        "Where is tanh steepest, and what becomes of its slope far out on either side?",
        "The slope follows from the value alone: it is 1 at Y = 0 and 0 at Y = ±1.",
        "y = np.tanh(a), then dy times one minus the square of y.",
    ),
)


@tanh_backward.variant
def tanh_through_its_value(dy, a):
    y = np.tanh(a)
    return dy * (1 - y * y)


@tanh_backward.variant
def tanh_by_cosh(dy, a):
    return dy / np.cosh(a) ** 2


@tanh_backward.variant
def tanh_as_two_factors(dy, a):
    y = np.tanh(a)
    return (1 + y) * (1 - y) * dy


@tanh_backward.misconception(
    "the slope were 1 - A², with A where Y should be", "The slope is 1 - Y²: what came out of tanh, or what went in?"
)
def square_of_input(dy, a):
    return dy * (1 - a * a)


@tanh_backward.misconception("the slope were 1 - Y, without the square", "How steep is tanh far out on the left?")
def not_squared(dy, a):
    return dy * (1 - np.tanh(a))


@tanh_backward.misconception("the slope were Y (1 - Y), the sigmoid's", "How steep is tanh at zero, where Y = 0?")
def slope_of_sigmoid(dy, a):
    y = np.tanh(a)
    return dy * y * (1 - y)


@tanh_backward.misconception(
    "dY were 1 everywhere", "What does the chain rule do with the gradient that arrives from above?"
)
def tanh_without_dy(dy, a):
    return 1 - np.tanh(a) ** 2


@tanh_backward.misconception("e²ᴬ were computed even where it overflows", "What is (e²ᴬ - 1) / (e²ᴬ + 1) for A = 1000?")
def tanh_overflows(dy, a):
    y = (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1)
    return dy * (1 - y * y)


# unbroadcast


def _unbroadcast_cases(rng):
    for full, shape, dtype in (
        ((2, 2), (2,), float),
        ((2, 3), (2, 1), float),
        ((1, 1), (1,), float),
        ((3, 2), (3, 2), float),
        ((4,), (), float),
        ((2, 3, 4), (3, 1), float),
        ((3, 1, 2, 3), (1, 2, 1), np.float32),
    ):
        yield rng.standard_normal(full).astype(dtype), shape


unbroadcast = Exercise(
    name="unbroadcast",
    statement="dA[i] = Σ dY over all places that broadcasting copied A[i] to, for an A of the given shape.",
    arguments={"gradient": "array dY of the shape after broadcasting", "shape": "tuple, the shape of A before it"},
    returns="array of that shape",
    reference=autograd.unbroadcast,
    cases=_unbroadcast_cases,
    hints=(
        "Write the two shapes below each other, aligned at the right: along which axes was A repeated?",
        "Axes that A lacks, and axes where A has length 1: each copy passes its gradient back, and they add up.",
        "Sum over axis 0 until gradient.ndim == len(shape), then over each axis where shape has 1, with keepdims=True.",
    ),
)


def _sum_to(gradient, shape):
    padded = (1,) * (gradient.ndim - len(shape)) + shape
    axes = tuple(axis for axis, size in enumerate(padded) if size == 1)
    return gradient.sum(axis=axes, keepdims=True).reshape(shape)


@unbroadcast.variant
def with_padded_shape(gradient, shape):
    return _sum_to(gradient, shape)


@unbroadcast.variant
def axis_by_axis(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


@unbroadcast.variant
def place_by_place(gradient, shape):
    total = np.zeros(shape, gradient.dtype)
    for place in np.ndindex(gradient.shape):
        own = place[len(place) - len(shape) :]
        total[tuple(i if size > 1 else 0 for i, size in zip(own, shape, strict=True))] += gradient[place]
    return total


@unbroadcast.misconception(
    "only the axes that A lacks had been summed", "What did broadcasting do along an axis where A has length 1?"
)
def leading_axes_only(gradient, shape):
    return gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))


@unbroadcast.misconception(
    "only the axes where A has length 1 had been summed", "What did broadcasting do in front, if A has fewer axes?"
)
def ones_only(gradient, shape):
    added = gradient.ndim - len(shape)
    axes = tuple(added + axis for axis, size in enumerate(shape) if size == 1)
    return gradient.sum(axis=axes, keepdims=True)


@unbroadcast.misconception(
    "summed axes always vanished, even those where A has length 1", "What does keepdims do, and which axes need it?"
)
def ones_dropped(gradient, shape):
    return _sum_to(gradient, shape).reshape([size for size in shape if size != 1])


@unbroadcast.misconception(
    "each number of A received the mean of its copies' gradients",
    "If two copies each raise the loss by 1, by how much do both?",
)
def mean_of_copies(gradient, shape):
    total = _sum_to(gradient, shape)
    return total * total.dtype.type(total.size / gradient.size)


@unbroadcast.misconception("only the first copy passed its gradient back", "Do the other copies not change the loss?")
def first_copy(gradient, shape):
    first = gradient[(0,) * (gradient.ndim - len(shape))]
    return first[tuple(slice(0, size) for size in shape)] if shape else first


# multiply_backward


def _multiply_cases(rng):
    for first, second, dtype in (
        ((2,), (2,), float),
        ((2, 2), (2,), float),
        ((1,), (1,), float),
        ((2, 1), (1, 3), float),
        ((1,), (2, 2), float),
        ((2, 3, 2), (3, 1), np.float32),
    ):
        shapes = np.broadcast_shapes(first, second), first, second
        yield tuple(np.asarray(rng.standard_normal(shape), dtype) for shape in shapes)


multiply_backward = Exercise(
    name="multiply_backward",
    statement="The gradients of Y = A · B, element by element with broadcasting: dA = dY · B, dB = dY · A, each summed "
    "to the shape of its argument.",
    arguments={"dy": "array, the shape of A · B", "a": "array", "b": "array that broadcasts with a"},
    returns="(da, db), of the shapes of a and b",
    reference=operations.multiply.rule,
    answer=lambda dy, a, b: _gradients(operations.multiply, dy, a, b),
    cases=_multiply_cases,
    hints=(
        "If one number of A grows by h, by how much does each number of Y that it is a factor of grow?",
        "First the product at full size, as if nothing had been broadcast; then add up what belongs to one number.",
        "da is dy * b, summed over the axes along which a was repeated; db likewise with dy * a.",
    ),
)


@multiply_backward.variant
def full_size_then_sum(dy, a, b):
    return _sum_to(dy * b, a.shape), _sum_to(dy * a, b.shape)


@multiply_backward.variant
def factors_axis_by_axis(dy, a, b):
    return axis_by_axis(np.multiply(b, dy), np.shape(a)), axis_by_axis(np.multiply(a, dy), np.shape(b))


@multiply_backward.variant
def add_where_it_came_from(dy, a, b):
    gradients = []
    for own, other in ((a, b), (b, a)):
        source = np.broadcast_to(np.arange(own.size).reshape(own.shape), dy.shape)
        total = np.bincount(source.ravel(), (dy * other).ravel(), minlength=own.size)
        gradients.append(total.reshape(own.shape).astype(dy.dtype))
    return tuple(gradients)


@multiply_backward.misconception(
    "each factor were multiplied by itself, not by the other", "In Y = A · B, what is the slope of Y as A changes?"
)
def own_factor(dy, a, b):
    return _sum_to(dy * a, a.shape), _sum_to(dy * b, b.shape)


@multiply_backward.misconception(
    "copies made by broadcasting were arguments of their own", "Which shape must da have, so that a - rate * da fits a?"
)
def not_summed(dy, a, b):
    return dy * b, dy * a


@multiply_backward.misconception(
    "dY were 1 everywhere", "What does the chain rule do with the gradient that arrives from above?"
)
def product_without_dy(dy, a, b):
    return _sum_to(np.broadcast_to(b, dy.shape), a.shape), _sum_to(np.broadcast_to(a, dy.shape), b.shape)


@multiply_backward.misconception(
    "the gradients of copies were averaged", "If two copies each raise the loss by 1, by how much do both together?"
)
def averaged(dy, a, b):
    return mean_of_copies(dy * b, a.shape), mean_of_copies(dy * a, b.shape)


# matmul_backward


def _matmul_cases(rng):
    for B, T, C, F, dtype in (
        (1, 2, 2, 2, float),
        (1, 1, 1, 1, float),
        (2, 1, 3, 1, float),
        (2, 3, 2, 4, float),
        (3, 3, 3, 3, np.float32),
    ):
        yield tuple(rng.standard_normal(shape).astype(dtype) for shape in ((B, T, F), (B, T, C), (C, F)))


matmul_backward = Exercise(
    name="matmul_backward",
    statement="The gradients of Y = A B: dA = dY Bᵀ, dB = Aᵀ dY, the second summed over the batch, which shares one B.",
    arguments={"dy": "(B, T, F)", "a": "(B, T, C)", "b": "(C, F)"},
    returns="(da, db): (B, T, C) and (C, F)",
    reference=operations.matmul.rule,
    answer=lambda dy, a, b: _gradients(operations.matmul, dy, a, b),
    cases=_matmul_cases,
    hints=(
        "Write the shapes down: only one product of dy (T, F) and b (C, F) has the shape (T, C) of a.",
        "A transpose in each product; and b, which every sequence of the batch uses, gets gradients from all of them.",
        "da = dy @ b.T; db = (a.swapaxes(-1, -2) @ dy), summed over its first axis.",
    ),
)


@matmul_backward.variant
def two_products(dy, a, b):
    return dy @ b.T, (a.swapaxes(-1, -2) @ dy).sum(axis=0)


@matmul_backward.variant
def matmul_by_einsum(dy, a, b):
    return np.einsum("btf,cf->btc", dy, b), np.einsum("btc,btf->cf", a, dy)


@matmul_backward.variant
def all_rows_at_once(dy, a, b):
    rows = dy.reshape(-1, dy.shape[-1])
    return (rows @ b.T).reshape(a.shape), a.reshape(-1, a.shape[-1]).T @ rows


@matmul_backward.variant
def row_by_row(dy, a, b):
    da, db = np.zeros_like(a), np.zeros_like(b)
    for place in np.ndindex(a.shape[:2]):
        da[place] = b @ dy[place]
        db += np.outer(a[place], dy[place])
    return da, db


@matmul_backward.misconception("nothing had been transposed", "Do the inner sizes of dy (T, F) and b (C, F) meet?")
def not_transposed(dy, a, b):
    return dy @ b, (a @ dy).sum(axis=0)


@matmul_backward.misconception(
    "the order of the factors did not matter: dA = Bᵀ dY, dB = dY Aᵀ",
    "On which side of the product Y = A B does B stand?",
)
def wrong_order(dy, a, b):
    return b.T @ dy, (dy @ a.swapaxes(-1, -2)).sum(axis=0)


@matmul_backward.misconception("each sequence of the batch had a B of its own", "How many axes has b, and how many db?")
def batch_not_summed(dy, a, b):
    return dy @ b.T, a.swapaxes(-1, -2) @ dy


@matmul_backward.misconception(
    "dB were the mean over the batch", "Where was a mean taken on the way up: in Y = A B, or later in the loss?"
)
def mean_over_batch(dy, a, b):
    return dy @ b.T, (a.swapaxes(-1, -2) @ dy).mean(axis=0)


@matmul_backward.misconception("dB were the gradient of Bᵀ", "Which axis of db must be as long as a's rows, C?")
def weight_transposed(dy, a, b):
    return dy @ b.T, (dy.swapaxes(-1, -2) @ a).sum(axis=0)


# mean_backward


def _reduced(rng, a, axis):
    """A gradient for what is left of `a` when the axis is reduced."""
    return rng.standard_normal(a.shape).take(0, axis).astype(a.dtype)


def _mean_cases(rng):
    for shape, axis, dtype in (
        ((2, 2), 1, float),
        ((1, 3), 1, float),
        ((2, 3), 0, float),
        ((1, 1), 0, float),
        ((2, 3, 4), 1, float),
        ((3, 2, 2), -1, np.float32),
    ):
        a = rng.standard_normal(shape).astype(dtype)
        yield _reduced(rng, a, axis), a, axis


mean_backward = Exercise(
    name="mean_backward",
    statement="The gradient of Y = Σ A / n over one axis of length n: dA = dY / n, repeated along that axis.",
    arguments={"dy": "array, the shape of a without that axis", "a": "array", "axis": "int"},
    returns="array of a's shape",
    reference=operations.mean.rule,
    answer=lambda dy, a, axis: _gradients(operations.mean, dy, a, axis=axis),
    cases=_mean_cases,
    hints=(
        "If one number of A grows by h, by how much does the mean that it is part of grow?",
        "Each number gets the same share 1 / n of its mean's gradient, so dY goes back to where the axis was.",
        "np.expand_dims(dy, axis) / a.shape[axis], repeated to a's shape.",
    ),
)


@mean_backward.variant
def expanded(dy, a, axis):
    return np.broadcast_to(np.expand_dims(dy, axis) / a.shape[axis], a.shape)


@mean_backward.variant
def stacked(dy, a, axis):
    n = a.shape[axis]
    return np.stack([dy / n] * n, axis=axis)


@mean_backward.variant
def with_moved_axis(dy, a, axis):
    da = np.zeros_like(a)
    np.moveaxis(da, axis, 0)[:] = dy
    return da / a.shape[axis]


@mean_backward.misconception("the mean were a sum", "How much does a mean of n numbers grow with one of them?")
def gradient_of_sum(dy, a, axis):
    return np.broadcast_to(np.expand_dims(dy, axis), a.shape)


@mean_backward.misconception("n were the number of all elements", "Over how many numbers does each single mean run?")
def n_of_everything(dy, a, axis):
    return np.broadcast_to(np.expand_dims(dy, axis) / a.size, a.shape)


@mean_backward.misconception("n were the number of means", "How many means are there, and how many numbers in each?")
def n_of_means(dy, a, axis):
    return np.broadcast_to(np.expand_dims(dy, axis) / dy.size, a.shape)


@mean_backward.misconception(
    "dY were repeated along the first axis, whichever the mean ran over",
    "Where in dy's shape is the axis that was lost?",
)
def wrong_axis(dy, a, axis):
    return np.broadcast_to(dy, a.shape) / a.shape[axis]


@mean_backward.misconception("dY had not been repeated", "How many numbers of A share one mean, and so its gradient?")
def not_repeated(dy, a, axis):
    return np.expand_dims(dy, axis) / a.shape[axis]


# max_backward


def _max_cases(rng):
    for shape, axis, copies, dtype in (
        ((1, 2), 1, 1, float),
        ((1, 2), 1, 2, float),
        ((1, 1), 0, 1, float),
        ((2, 3), 0, 3, float),
        ((2, 2, 3), -1, 2, float),
        ((3, 2), 1, 2, np.float32),
    ):
        a = np.concatenate([rng.standard_normal(shape).astype(dtype)] * copies, axis)  # so many tie for each maximum
        yield _reduced(rng, a, axis), a, axis


max_backward = Exercise(
    name="max_backward",
    statement="The gradient of Y = max A over one axis: dA = dY / k at the k places that reach the maximum (k is 1 "
    "unless several tie), 0 elsewhere.",
    arguments={"dy": "array, the shape of a without that axis", "a": "array", "axis": "int"},
    returns="array of a's shape",
    reference=operations.max.rule,
    answer=lambda dy, a, axis: _gradients(operations.max, dy, a, axis=axis),
    cases=_max_cases,
    hints=(
        "If a number that is not the largest grows a little, does the maximum notice?",
        "A mask of the places that equal their maximum; where several do, they share dY equally.",
        "highest = a == a.max(axis, keepdims=True); dy (axis put back) * highest / highest.sum(axis, keepdims=True).",
    ),
)


def _highest(a, axis):
    return a == a.max(axis=axis, keepdims=True)


@max_backward.variant
def mask_over_ties(dy, a, axis):
    highest = _highest(a, axis).astype(a.dtype)
    return np.expand_dims(dy, axis) * highest / highest.sum(axis=axis, keepdims=True)


@max_backward.variant
def max_with_where(dy, a, axis):
    highest = _highest(a, axis)
    share = dy / highest.sum(axis=axis, dtype=a.dtype)
    return np.where(highest, np.expand_dims(share, axis), 0)


@max_backward.variant
def line_by_line(dy, a, axis):
    da = np.zeros_like(a)
    lines, d_lines = np.moveaxis(a, axis, -1), np.moveaxis(da, axis, -1)
    for place in np.ndindex(dy.shape):
        winners = np.flatnonzero(lines[place] == max(lines[place]))
        d_lines[place][winners] = dy[place] / len(winners)
    return da


@max_backward.misconception("the first of several maxima took all of dY", "If two numbers tie, why prefer the first?")
def first_takes_all(dy, a, axis):
    da = np.zeros_like(a)
    np.put_along_axis(da, np.expand_dims(a.argmax(axis), axis), np.expand_dims(dy, axis), axis)
    return da


@max_backward.misconception(
    "each of several maxima received all of dY", "Is the sum of what is passed on still dY where two numbers tie?"
)
def all_take_all(dy, a, axis):
    return np.expand_dims(dy, axis) * _highest(a, axis)


@max_backward.misconception("there were one maximum for the whole array", "How many maxima does a.max(axis) return?")
def one_maximum(dy, a, axis):
    highest = (a == a.max()).astype(a.dtype)
    return np.expand_dims(dy, axis) * highest / highest.sum()


@max_backward.misconception("dY were shared by all numbers, as a mean's", "Does a number below the maximum change it?")
def shared_by_all(dy, a, axis):
    return np.broadcast_to(np.expand_dims(dy / a.shape[axis], axis), a.shape)


@max_backward.misconception(
    "dY were multiplied by the maximum itself", "By how much does the maximum grow if the largest number grows by h?"
)
def times_the_maximum(dy, a, axis):
    return mask_over_ties(dy, a, axis) * a


# backward

_NEURON = {"x": "", "w": "", "b": "", "a": "* x w", "s": "+ a b", "h": "tanh s", "loss": "* s h", "unused": ""}
_LADDER = {"x": "", "c": "", "y": "+ x x", "z": "* y y", "u": "+ y z", "v": "* u c", "end": "+ v u"}
_COMPUTE = {"+": operator.add, "*": operator.mul, "tanh": np.tanh}


def _graph(rng, recipe, order=None):
    """Node by node (op, parents, value), leaves random; then written down in another order."""
    nodes = {}
    for name, text in recipe.items():
        op, *parents = text.split() or [""]
        values = [nodes[parent][2] for parent in parents]
        value = float(_COMPUTE[op](*values)) if op else float(rng.standard_normal())
        nodes[name] = op, tuple(parents), value
    return {name: nodes[name] for name in order or recipe}


def _graph_cases(rng):
    yield _graph(rng, {"x": "", "w": "", "y": "* x w"}), ["y"]
    yield _graph(rng, {"x": "", "y": "* x x"}), ["y"]
    yield _graph(rng, {"x": ""}), ["x"]
    yield _graph(rng, _NEURON), ["loss"]
    yield _graph(rng, _NEURON, ("loss", "h", "x", "a", "w", "s", "unused", "b")), ["loss"]
    yield _graph(rng, _NEURON), ["h", "loss"]
    yield _graph(rng, _LADDER, ("end", "u", "x", "z", "c", "v", "y")), ["u", "end", "y"]


def _by_minilm(nodes, end):
    """Build the same graph of Tensors, and let minilm walk it."""
    operators = {"+": operations.add, "*": operations.multiply, "tanh": operations.tanh}
    tensors = {}

    def tensor(name):
        if name not in tensors:
            op, parents, value = nodes[name]
            leaf = Tensor(np.array(value), requires_grad=True)
            tensors[name] = operators[op](*map(tensor, parents)) if op else leaf
        return tensors[name]

    tensor(end).backward()
    grads = {name: tensors[name].grad if name in tensors else None for name in nodes if not nodes[name][1]}
    return {name: 0.0 if grad is None else grad.item() for name, grad in grads.items()}


backward = Exercise(
    name="backward",
    statement="Back-propagation: ∂end/∂x = Σ ∂end/∂y ∂y/∂x over every node y that x goes into, for each end by itself.",
    arguments={
        "nodes": "dict in any order: name -> (op, names of parents, value); op is '+', '*', 'tanh', or '' for a leaf",
        "ends": "list of names, each the end of a new pass",
    },
    returns="list: for each end a dict, leaf name -> d end / d leaf, 0.0 if end does not depend on it",
    reference=Tensor.backward,
    answer=lambda nodes, ends: [_by_minilm(nodes, end) for end in ends],
    cases=_graph_cases,
    hints=(
        "Work a small graph by hand: y = x · x. From how many places does x receive a gradient?",
        "Begin with 1 at the end. A node may pass its gradient on only when all that it goes into have passed theirs.",
        "For each end: zero all gradients; list nodes so that parents come first (a recursive walk); go through it "
        "backwards; for each parent grads[parent] += grads[node] * slope, with slope 1 for +, the other factor for *.",
    ),
)


def _slopes(nodes, name):
    """Each parent, with d node / d parent."""
    op, parents, value = nodes[name]
    if op == "*":
        return list(zip(parents, (nodes[parent][2] for parent in reversed(parents)), strict=True))
    return [(parent, 1.0 if op == "+" else 1 - value**2) for parent in parents]


def _children_first(nodes, end):
    order = []

    def visit(name):
        if name not in order:
            for parent in nodes[name][1]:
                visit(parent)
            order.append(name)

    visit(end)
    return order[::-1]


def _walk(nodes, order, grads, slopes=_slopes):
    for name in order:
        for parent, slope in slopes(nodes, name):
            grads[parent] += grads[name] * slope
    return _leaves(nodes, grads)


def _leaves(nodes, grads):
    return {name: grads[name] for name, (op, _, _) in nodes.items() if not op}


def _start(nodes, end, value=1.0):
    return dict.fromkeys(nodes, 0.0) | {end: value}


@backward.variant
def sorted_first(nodes, ends):
    return [_walk(nodes, _children_first(nodes, end), _start(nodes, end)) for end in ends]


@backward.variant
def asking_the_children(nodes, ends):
    def gradient(name, end):
        uses = [(child, slope) for child in nodes for parent, slope in _slopes(nodes, child) if parent == name]
        return float(name == end) + sum(gradient(child, end) * slope for child, slope in uses)

    return [{name: gradient(name, end) for name, (op, _, _) in nodes.items() if not op} for end in ends]


@backward.variant
def path_by_path(nodes, ends):
    def push(name, gradient, grads):
        grads[name] += gradient
        for parent, slope in _slopes(nodes, name):
            push(parent, gradient * slope, grads)
        return grads

    return [_leaves(nodes, push(end, 1.0, dict.fromkeys(nodes, 0.0))) for end in ends]


@backward.variant
def forward_mode(nodes, ends):
    def change(name, leaf):
        return float(name == leaf) + sum(slope * change(parent, leaf) for parent, slope in _slopes(nodes, name))

    return [{leaf: change(end, leaf) for leaf in nodes if not nodes[leaf][0]} for end in ends]


@backward.misconception(
    "a node kept only the last gradient that reached it", "In y = x · x, what does x receive from each side?"
)
def overwritten(nodes, ends):
    def one(end):
        grads = _start(nodes, end)
        for name in _children_first(nodes, end):
            grads.update((parent, grads[name] * slope) for parent, slope in _slopes(nodes, name))
        return _leaves(nodes, grads)

    return [one(end) for end in ends]


@backward.misconception(
    "nodes were always written down after their parents", "In which order must nodes be visited, and who ensures it?"
)
def written_order(nodes, ends):
    return [_walk(nodes, reversed(nodes), _start(nodes, end)) for end in ends]


@backward.misconception(
    "a node passed its gradient on when it was first met", "Had everything the node goes into sent its part by then?"
)
def first_met(nodes, ends):
    def order(end):
        met = [end]
        for name in met:
            met += [parent for parent in dict.fromkeys(nodes[name][1]) if parent not in met]
        return met

    return [_walk(nodes, order(end), _start(nodes, end)) for end in ends]


@backward.misconception(
    "a node passed on all it had so far, each time that something reached it",
    "When a second gradient reaches a node, has the first not travelled on already?",
)
def passed_on_again(nodes, ends):
    def visit(name, grads):
        for parent, slope in _slopes(nodes, name):
            grads[parent] += grads[name] * slope
            visit(parent, grads)
        return _leaves(nodes, grads)

    return [visit(end, _start(nodes, end)) for end in ends]


@backward.misconception(
    "gradients of the end before were still there when the next pass began", "What must happen between two passes?"
)
def never_zeroed(nodes, ends):
    grads, found = dict.fromkeys(nodes, 0.0), []
    for end in ends:
        grads[end] = 1.0
        found.append(_walk(nodes, _children_first(nodes, end), grads))
    return found


@backward.misconception(
    "leaves added up the gradients of all ends so far", "What does zero_grad do, and when does a training loop call it?"
)
def leaves_never_zeroed(nodes, ends):
    each = sorted_first(nodes, ends)
    return [{name: sum(grads[name] for grads in each[: i + 1]) for name in each[i]} for i in range(len(each))]


@backward.misconception(
    "each factor of a product were multiplied by itself, not by the other", "In y = a · b, what is the slope along a?"
)
def slope_is_own_value(nodes, ends):
    def slopes(nodes, name):
        op, parents, _ = nodes[name]
        return [(parent, nodes[parent][2]) for parent in parents] if op == "*" else _slopes(nodes, name)

    return [_walk(nodes, _children_first(nodes, end), _start(nodes, end), slopes) for end in ends]


@backward.misconception("the pass began with the end's value, not with 1", "What is the derivative of end by end?")
def began_with_value(nodes, ends):
    return [_walk(nodes, _children_first(nodes, end), _start(nodes, end, nodes[end][2])) for end in ends]
