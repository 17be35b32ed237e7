"""Every operation's gradient is the slope of its value, found by central differences in float64."""

import numpy as np
import pytest
from operation_examples import EXAMPLES

from minilm.autograd import OPERATIONS, Tensor, operation, operations


def worst_slope_error(rule, arrays, settings, dy, step=1e-6):
    """The largest difference between `rule`'s gradients of Σ dy · value and central differences."""
    gradients = rule(*arrays, **settings)[1](dy)
    worst = 0.0
    for array, gradient in zip(arrays, gradients, strict=True):
        assert gradient.shape == array.shape
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + step
            above = (dy * rule(*arrays, **settings)[0]).sum()
            array[place] = kept - step
            below = (dy * rule(*arrays, **settings)[0]).sum()
            array[place] = kept
            worst = max(worst, abs((above - below) / (2 * step) - gradient[place]))
    return worst


def test_every_operation_has_an_example():
    assert set(EXAMPLES) == set(OPERATIONS)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_gradient_equals_central_differences(name):
    rng = np.random.default_rng(0)
    arrays, settings = EXAMPLES[name](rng)
    rule = OPERATIONS[name].rule
    dy = rng.standard_normal(np.shape(rule(*arrays, **settings)[0]))
    assert worst_slope_error(rule, arrays, settings, dy) < 1e-7


def test_the_gradient_check_rejects_a_wrong_gradient():
    def tanh_with_the_wrong_sign(a):
        y = np.tanh(a)
        return y, lambda dy: (dy * (1 + y * y),)

    assert worst_slope_error(tanh_with_the_wrong_sign, [np.array([0.5])], {}, np.ones(1)) > 1e-2


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_float32_in_gives_float32_out_and_back(name):
    arrays, settings = EXAMPLES[name](np.random.default_rng(0))
    arrays = [array.astype(np.float32) for array in arrays]
    settings = {k: v.astype(np.float32) if k in ("cos", "sin", "W", "b") else v for k, v in settings.items()}
    value, backward = OPERATIONS[name].rule(*arrays, **settings)
    assert np.asarray(value).dtype == np.float32
    assert {gradient.dtype for gradient in backward(np.ones_like(value))} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_operation_leaves_its_arguments_as_they_were(name):
    arrays, settings = EXAMPLES[name](np.random.default_rng(0))
    before = [array.copy() for array in arrays]
    value, backward = OPERATIONS[name].rule(*arrays, **settings)
    dy = np.ones_like(value)
    backward(dy)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))
    assert np.array_equal(dy, np.ones_like(value))


def test_the_gradient_of_a_maximum_is_shared_by_ties():
    x = Tensor([3.0, 1.0, 3.0], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5]


def test_dropout_keeps_the_mean():
    x = Tensor(np.ones(100_000, np.float32))
    y = operations.dropout(x, probability=0.25, rng=np.random.default_rng(0)).data
    assert set(np.unique(y)) == {np.float32(0), np.float32(1) / np.float32(0.75)}
    assert abs(y.mean() - 1) < 0.01


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3))), ValueError, r"\(2, 3\) and \(2, 3\) do not fit"),
        (lambda: OPERATIONS["linear"](np.ones((2, 3)), np.ones((2, 3))), ValueError, r"W \(2, 3\) do not fit"),
        (lambda: OPERATIONS["linear"](np.ones((2, 3)), np.ones((3, 4)), np.ones(1)), ValueError, r"b has shape \(1,\)"),
        (lambda: operations.gather(np.ones((4, 2)), ids=[0, 4]), ValueError, "4 is outside the vocabulary of 4"),
        (
            lambda: OPERATIONS["cross_entropy"](np.ones((2, 3)), targets=[0, 3]),
            ValueError,
            "3 is outside the vocabulary",
        ),
        (lambda: OPERATIONS["cross_entropy"](np.ones((2, 3)), targets=[0]), ValueError, r"targets has shape \(1,\)"),
        (
            lambda: OPERATIONS["cross_entropy"](np.ones((2, 3)), targets=[-1, -1]),
            ValueError,
            "every one is ignore_index",
        ),
        (lambda: OPERATIONS["attention"](*[np.ones((1, 2, 3, s)) for s in (4, 4, 5)]), ValueError, "do not fit"),
        (
            lambda: OPERATIONS["attention"](*[np.ones((1, 2, 3, 4))] * 3, mask=np.ones((3, 3))),
            TypeError,
            "mask has dtype float64, expected bool",
        ),
        (
            lambda: OPERATIONS["attention"](*[np.ones((1, 2, 3, 4))] * 3, mask=np.ones((3, 5), bool)),
            ValueError,
            r"mask has shape \(3, 5\)",
        ),
        (
            lambda: OPERATIONS["layer_norm"](np.ones((2, 3)), np.ones(3), np.ones(1)),
            ValueError,
            r"beta has shape \(1,\), expected that of gamma, \(3,\)",
        ),
        (
            lambda: OPERATIONS["rotary"](np.ones((1, 2, 3, 4)), cos=np.ones((2, 2)), sin=np.ones((2, 2))),
            ValueError,
            r"cos \(2, 2\) and sin \(2, 2\) do not fit x \(1, 2, 3, 4\); expected \(T, D/2\) = \(3, 2\)",
        ),
        (
            lambda: OPERATIONS["cross_entropy"](np.ones((2, 3)), targets=np.array([0, 1]), label_smoothing=2),
            ValueError,
            "label_smoothing is 2, expected 0 <= label_smoothing < 1",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_operation_can_be_defined_outside():
    @operation
    def cube(a):
        return a**3, lambda dy: (3 * a * a * dy,)

    try:
        x = Tensor([2.0], requires_grad=True)
        cube(x).sum().backward()
        assert x.grad.tolist() == [12.0]
    finally:
        del OPERATIONS["cube"]
