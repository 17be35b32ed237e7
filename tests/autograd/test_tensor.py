"""The tape: backward visits every node once, after all its gradients have arrived, and frees memory on its way."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

from minilm.autograd import Tensor, no_grad, operation, unbroadcast
from minilm.autograd.tensor import OPERATIONS


def test_a_tensor_used_twice_receives_both_gradients():
    x = Tensor([3.0], requires_grad=True)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [7.0]


def test_a_diamond_is_walked_in_topological_order():
    x = Tensor([2.0], requires_grad=True)
    a = x * 3
    b = a * a  # a's gradient is complete only after b and c have passed theirs
    c = a + b
    (b * c).sum().backward()
    assert x.grad.tolist() == [3 * (2 * 6 * (6 + 36) + 36 * (1 + 2 * 6))]


def test_a_chain_of_20000_operations_needs_no_recursion():
    x = y = Tensor([1.0], requires_grad=True)
    for _ in range(20_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1.0]


def test_gradients_add_up_over_several_backward_calls():
    x = Tensor([1.0], requires_grad=True)
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0]


def test_backward_frees_what_it_has_passed():
    x = Tensor(np.ones(3), requires_grad=True)
    middle = x * 2
    loss = (middle * middle).sum()
    held = weakref.ref(middle.data)
    del middle
    assert held() is not None  # until backward the tape needs it
    loss.backward()
    gc.disable()
    try:
        assert held() is None  # and no cycle keeps it
    finally:
        gc.enable()


def test_memory_is_freed_while_backward_is_still_walking():
    alive = []

    @operation
    def watched(a):
        y = a.copy()
        reference = weakref.ref(y)

        def backward(dy):
            alive.append([r() is not None for r in references])
            return (dy + 0 * y,)

        references.append(reference)
        return y, backward

    references = []
    try:
        x = Tensor(np.ones(3), requires_grad=True)
        watched(watched(watched(x)) * 2).sum().backward()
    finally:
        del OPERATIONS["watched"]
    assert alive == [[True, True, True], [True, True, False], [True, False, False]]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda tensor: pickle.loads(pickle.dumps(tensor))])
def test_a_copy_and_its_original_receive_a_gradient_each(duplicate):
    x = Tensor([3.0], requires_grad=True, name="x")
    y = duplicate(x)
    (x * x * y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist(), y.name) == ([18.0], [9.0], "x")


def test_no_grad_records_nothing():
    x = Tensor([1.0], requires_grad=True)
    with no_grad():
        y = x * 2
    assert not y.requires_grad
    assert y.parents == ()
    assert (x * 2).requires_grad


def test_constants_receive_no_gradient():
    x, constant = Tensor([1.0], requires_grad=True), Tensor([4.0])
    (x * constant + np.float32(2) * x).sum().backward()
    assert x.grad.tolist() == [6.0]
    assert constant.grad is None


def test_operators_accept_numbers_and_arrays_on_either_side():
    x = Tensor([2.0])
    assert (1 + x).data == 3
    assert (1 - x).data == -1
    assert (8 / x).data == 4
    assert (np.array([5.0], np.float32) * x).data == 10
    assert isinstance(np.ones((1, 1), np.float32) @ x.reshape(1, 1), Tensor)
    assert (x * 0.5).dtype == np.float32


def test_unbroadcast_undoes_broadcasting():
    rng = np.random.default_rng(0)
    for shape in [(), (1,), (3,), (4, 1), (1, 3), (2, 1, 3), (2, 4, 3)]:
        gradient = rng.standard_normal((2, 4, 3))
        copies = np.broadcast_to(np.arange(np.prod(shape, dtype=int)).reshape(shape), gradient.shape)
        expected = [gradient[copies == i].sum() for i in range(np.prod(shape, dtype=int))]
        np.testing.assert_allclose(unbroadcast(gradient, shape).reshape(-1), expected)


def test_lists_become_float32_and_arrays_keep_their_type():
    assert Tensor([1, 2]).dtype == np.float32
    assert Tensor(np.ones(2)).dtype == np.float64


def test_a_wrong_shape_in_a_rule_is_not_repaired_in_silence():
    @operation
    def forgets_to_unbroadcast(a, b):
        return a + b, lambda dy: (dy, dy)

    try:
        x = Tensor(np.ones((2, 3)), requires_grad=True)
        bias = Tensor(np.ones(3), requires_grad=True)
        with pytest.raises(RuntimeError, match=r"forgets_to_unbroadcast gave a gradient of shape \(2, 3\)"):
            forgets_to_unbroadcast(x, bias).sum().backward()
    finally:
        del OPERATIONS["forgets_to_unbroadcast"]


def test_bad_calls_are_named():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"single number.*shape \(2,\)"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"dy has shape \(3,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(RuntimeError, match="no gradient was recorded"):
        Tensor([1.0]).sum().backward()
    with pytest.raises(TypeError, match="only floating-point tensors"):
        Tensor(np.array([1]), requires_grad=True)
    with pytest.raises(TypeError, match="already a Tensor"):
        Tensor(x)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="called already"):
        loss.backward()
