"""The gradient check calls right rules right, and wrong ones wrong, with the reason."""

import sys
from pathlib import Path

import numpy as np
import pytest

from minilm.autograd import OPERATIONS, Tensor, operation
from minilm.check.gradient import LARGEST, SAMPLE, gradient

sys.path.insert(0, str(Path(__file__).parent.parent / "autograd"))
from operation_examples import EXAMPLES

RNG = np.random.default_rng(3)
SQUARE, MATRIX, ROW, VECTOR = (RNG.standard_normal(shape) for shape in ((3, 3), (4, 3), (3,), (7,)))


def multiply(a, b):
    return a * b, lambda dy: (dy * b, (dy * a).sum(axis=0))


def times_two_arrays(change):
    """The rule of a * b for a of shape (4, 3) and b of shape (3,), its gradients changed."""
    return lambda a, b: (a * b, lambda dy: change(*multiply(a, b)[1](dy)))


def tanh_with(change):
    """The rule of tanh, its gradient changed."""

    def rule(x):
        y = np.tanh(x)
        return y, lambda dy: (change(dy * (1 - y * y)),)

    return rule


def set_first(array, number):
    array = array.copy()
    array.flat[0] = number
    return array


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_operation_passes(name):
    arrays, settings = EXAMPLES[name](np.random.default_rng(0))
    report = gradient(lambda *a: OPERATIONS[name].rule(*a, **settings), *arrays)
    assert report.correct, report
    assert not report.notes


@pytest.mark.parametrize("name", sorted(EXAMPLES))
@pytest.mark.parametrize("factor", [-1, 1.01])
def test_every_operation_with_its_last_gradient_changed_fails(name, factor):
    arrays, settings = EXAMPLES[name](np.random.default_rng(0))

    def rule(*a):
        value, backward = OPERATIONS[name].rule(*a, **settings)

        def wrong(dy):
            *others, last = backward(dy)
            return (*others, factor * last)

        return value, wrong

    report = gradient(rule, *arrays)
    assert not report.correct
    assert report.argument == len(arrays) - 1


def test_one_wrong_element_is_named_and_not_explained():
    report = gradient(tanh_with(lambda d: d + np.eye(4, 3)[[1, 1, 2, 1]] * [0, 0, 1e-3]), MATRIX)
    slope = 1 - np.tanh(MATRIX[2, 2]) ** 2
    assert (report.correct, report.explanation, report.argument, report.index) == (False, "", 0, (2, 2))
    assert report.analytic == pytest.approx(report.numeric + 1e-3)
    assert report.numeric / slope == pytest.approx(np.random.default_rng(0).standard_normal((4, 3))[2, 2])
    assert "differs, in 1 of 12 elements, most at [2, 2]: analytic" in report.sentence


def test_an_error_in_the_last_argument_alone_is_found_and_the_first_called_right():
    report = gradient(times_two_arrays(lambda da, db: (da, -db)), MATRIX, ROW)
    assert (report.correct, report.argument) == (False, 1)
    assert repr(report).splitlines()[1:] == ["  It has the wrong sign everywhere.", "  arrays[0] (a): right."]


def test_the_worst_of_two_wrong_arrays_comes_first():
    report = gradient(times_two_arrays(lambda da, db: (1.001 * da, 9 * db)), MATRIX, ROW)
    assert report.argument == 1
    assert "arrays[0] (a): wrong too. It is 1.001 times what it should be, everywhere." in report.notes


def test_dy_is_not_all_ones():
    def softmax_without_its_sum(x):
        y = np.exp(x) / np.exp(x).sum()
        return y, lambda dy: (y * (dy - dy.mean()),)  # right for dy = 1

    assert not gradient(softmax_without_its_sum, VECTOR).correct


@pytest.mark.parametrize(
    ("backward", "sentence"),
    [
        (lambda dy: dy, "backward returned ndarray, expected a tuple"),
        (lambda dy: (dy, dy), "backward returned 2 gradients, expected 1"),
        (lambda dy: (None,), "is None"),
    ],
)
def test_missing_gradients_are_named(backward, sentence):
    report = gradient(lambda x: (x + 1, backward), MATRIX)
    assert not report.correct
    assert sentence in report.sentence


# functions of Tensors


def test_a_function_of_tensors_passes():
    assert gradient(lambda x, w: (x @ w).tanh().mean(), MATRIX, SQUARE).correct
    assert gradient(OPERATIONS["softmax"], MATRIX).correct
    assert gradient(lambda x: x, MATRIX).correct


def test_a_wrong_operation_within_a_function_of_tensors_fails():
    try:

        @operation
        def cube(a):
            return a**3, lambda dy: (2 * a * a * dy,)

        report = gradient(lambda x: cube(x).sum(), MATRIX)
    finally:
        del OPERATIONS["cube"]
    assert report.explanation == "It is 0.6667 times what it should be, everywhere."


@pytest.mark.parametrize("cut", [lambda x: x.detach() * 2, lambda x: Tensor(x.data) * 2])
def test_a_graph_that_was_cut_is_recognised(cut):
    assert gradient(cut, MATRIX).explanation.startswith("It is zero everywhere: was the graph cut")


def test_an_argument_that_has_no_influence_needs_no_gradient():
    assert gradient(lambda x, y: x * 2, MATRIX, ROW).correct


# awkward arrays


def test_integers_and_lists_are_converted_and_nothing_is_changed():
    ids, before = np.arange(6).reshape(2, 3), MATRIX.copy()
    assert gradient(lambda x: (x**2, lambda dy: (2 * x * dy,)), ids).correct
    assert gradient(lambda x: (x**2, lambda dy: (2 * x * dy,)), [1, 2, 3]).correct
    assert gradient(lambda x: (x**2, lambda dy: (2 * x * dy,)), 3).correct
    gradient(tanh_with(lambda d: -d), MATRIX)
    assert ids.dtype.kind == "i"
    np.testing.assert_array_equal(MATRIX, before)


def test_an_empty_array_is_checked_for_its_shape():
    report = gradient(multiply, np.ones((0, 3)), ROW)
    assert report.correct
    assert report.notes == ("arrays[0] (a) has no elements: only the shape of its gradient was checked.",)
    assert not gradient(lambda x: (x * 2, lambda dy: (np.ones(3),)), np.ones((0, 3))).correct


def relu(sign):
    return lambda x: (np.maximum(x, 0), lambda dy: (sign * dy * (x > 0),))


def test_a_kink_is_left_out_and_said_to_be_one():
    report = gradient(relu(1), [-1.0, 0.0, 2.0])
    assert report.correct
    assert "arrays[0] (x) at [1]: the slopes to the left and to the right disagree." in report.notes[0]
    assert report.sentence.startswith("2 elements")


def test_a_kink_excuses_no_error_elsewhere():
    report = gradient(relu(-1), [-1.0, 0.0, 2.0])
    assert (report.correct, report.index) == (False, (2,))
    assert report.explanation == "It has the wrong sign everywhere."


def test_nothing_but_kinks_is_not_called_correct():
    assert not gradient(relu(1), np.zeros(3)).correct


def test_curvature_is_no_kink():
    assert gradient(lambda x: (x**2, lambda dy: (dy,)), 0.0).index == ()


def test_the_edge_of_where_a_function_is_defined_is_left_out():
    report = gradient(lambda x: (np.sqrt(x), lambda dy: (dy / (2 * np.sqrt(x)),)), [0.0, 4.0])
    assert report.correct
    assert report.notes


def test_minus_infinity_behind_a_mask_is_no_slope():
    mask = np.tri(3, dtype=bool)
    assert gradient(lambda x: (np.where(mask, x, -np.inf), lambda dy: (dy * mask,)), SQUARE).correct
    assert not gradient(lambda x: (np.where(mask, x, -np.inf), lambda dy: (dy,)), SQUARE).correct


def test_large_and_small_numbers_keep_their_precision():
    for scale in (1e-9, 1e9):
        assert gradient(lambda x: (x * x, lambda dy: (2 * x * dy,)), scale * VECTOR).correct
        assert gradient(lambda x, s=scale: (s * x**2, lambda dy: (2 * s * x * dy,)), VECTOR).correct
        assert not gradient(lambda x, s=scale: (s * x**2, lambda dy: (2.01 * s * x * dy,)), VECTOR).correct


def test_a_large_array_is_sampled_and_its_largest_gradients_always_compared():
    calls = []

    def rule(x, wrong=0.0):
        calls.append(1)
        return x**2, lambda dy: (set_first(2 * x * dy, wrong),)

    x = np.random.default_rng(1).standard_normal(5000)
    assert gradient(lambda x: rule(x, wrong=1e3), x).index == (0,)
    assert gradient(lambda x: rule(x, wrong=np.nan), x).index == (0,)
    assert len(calls) < 2 * (2 * (SAMPLE + LARGEST) + 20)


# functions that do what they should not


def in_place_forward(x):
    x *= 2
    return x + 0, lambda dy: (2 * dy,)


def in_place_backward(x):
    def backward(dy):
        dy *= 2
        return (dy,)

    return 2 * x, backward


@pytest.mark.parametrize(("rule", "what"), [(in_place_forward, "arrays[0] (x)"), (in_place_backward, "dy")])
def test_a_change_in_place_is_named(rule, what):
    report = gradient(rule, MATRIX)
    assert not report.correct
    assert report.sentence == f"The numbers are right, but f or its backward changes {what} in place."


@pytest.mark.parametrize(
    ("f", "arrays", "message"),
    [
        (None, [MATRIX], "f is None"),
        (multiply, [], "with 0 arrays"),
        (multiply, [MATRIX, ROW > 0], r"arrays\[1\] \(b\) holds bool; expected real numbers"),
        (multiply, [MATRIX, ROW + 0j], "holds complex128"),
        (multiply, [[np.nan], ROW], r"arrays\[0\] \(a\) holds NaN"),
        (lambda x: 3, [MATRIX], "returned int for arrays, and returned int for Tensors"),
        (lambda x: SQUARE[x], [1], r"raised IndexError .* ids belong inside the function"),
        (lambda x: (np.float32(x), None), [MATRIX], "f returned tuple for arrays"),
        (lambda x: (x.astype(np.float32), lambda dy: (dy,)), [MATRIX], "holds float32; expected float64"),
        (lambda x: (np.log(x), lambda dy: (dy / x,)), [-1.0], "the value of f is NaN"),
        (lambda x: (x, lambda dy: (["a"],)), [1.0], "expected an array of real numbers"),
    ],
)
def test_bad_input_is_named(f, arrays, message):
    with pytest.raises(ValueError, match=message):
        gradient(f, *arrays)


def test_a_step_of_zero_is_named():
    with pytest.raises(ValueError, match="eps is 0; expected"):
        gradient(multiply, MATRIX, ROW, eps=0)


def test_chance_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="another value the second time"):
        gradient(lambda x: x * Tensor(rng.random(3)), ROW)


def test_a_report_is_html_that_escapes_what_it_quotes():
    report = gradient(lambda x: (x * 2, lambda dy: (dy,)), MATRIX)
    assert "✗ not yet" in report._repr_html_()
    assert "<lambda>" not in report._repr_html_()
    assert "✓ correct" in gradient(multiply, MATRIX, ROW)._repr_html_()


def test_the_seed_decides_on_the_numbers():
    again, same, other = (gradient(tanh_with(lambda d: -d), MATRIX, seed=seed).numeric for seed in (0, 0, 1))
    assert again == same != other
