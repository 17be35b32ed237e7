"""Each optimizer does what its formula says, worked out here by hand for two steps on one number."""

import math

import numpy as np
import pytest

from minilm.autograd import Tensor
from minilm.training import SGD, Adam, AdamW, RMSProp, clip_gradients, schedules


def after_two_steps(optimizer, start=1.0, gradients=(0.5, -0.2), **settings):
    """The value of one parameter, a 1 x 1 matrix, after two updates."""
    p = Tensor(np.array([[start]]), requires_grad=True)
    optimizer = optimizer([p], lr=0.1, **settings)
    for gradient in gradients:
        p.grad = np.array([[gradient]])
        optimizer.step()
    return p.data.item()


@pytest.mark.parametrize(
    ("optimizer", "settings", "expected"),
    [
        (SGD, {}, 1 - 0.1 * 0.5 + 0.1 * 0.2),
        (SGD, {"momentum": 0.9}, 1 - 0.1 * 0.5 - 0.1 * (0.9 * 0.5 - 0.2)),
        (
            SGD,
            {"momentum": 0.9, "nesterov": True},
            1 - 0.1 * (0.5 + 0.9 * 0.5) - 0.1 * (-0.2 + 0.9 * (0.9 * 0.5 - 0.2)),
        ),
        (SGD, {"weight_decay": 0.2}, (1 - 0.1 * (0.5 + 0.2)) - 0.1 * (-0.2 + 0.2 * (1 - 0.1 * 0.7))),
        (
            RMSProp,
            {"alpha": 0.5, "eps": 0.0},
            1 - 0.1 * 0.5 / (0.5 * 0.25) ** 0.5 + 0.1 * 0.2 / (0.5 * 0.5 * 0.25 + 0.5 * 0.04) ** 0.5,
        ),
        (
            Adam,  # m̂₁ / √v̂₁ = 1; m₂ = 0.9 · 0.05 - 0.1 · 0.2, v₂ = 0.99 · 0.0025 + 0.01 · 0.04
            {"betas": (0.9, 0.99), "eps": 0.0},
            1 - 0.1 - 0.1 * ((0.045 - 0.02) / (1 - 0.81)) / ((0.002475 + 0.0004) / (1 - 0.9801)) ** 0.5,
        ),
        (AdamW, {"eps": 0.0, "weight_decay": 0.5, "betas": (0.0, 0.0)}, (1 - 0.1 - 0.05) + 0.1 - 0.05 * 0.85),
    ],
)
def test_two_steps_equal_the_formula_worked_out_by_hand(optimizer, settings, expected):
    assert after_two_steps(optimizer, **settings) == pytest.approx(expected, rel=1e-12)


def test_the_comparison_notices_a_missing_bias_correction():
    class WithoutCorrection(AdamW):
        def update(self, p, g, decay, m, v):
            m += (1 - self.betas[0]) * (g - m)
            v += (1 - self.betas[1]) * (g * g - v)
            p -= self.lr * m / (np.sqrt(v) + self.eps)

    settings = {"betas": (0.9, 0.99), "eps": 0.0}
    assert after_two_steps(WithoutCorrection, **settings) != pytest.approx(after_two_steps(Adam, **settings), rel=1e-3)


def test_weight_decay_leaves_gains_and_biases_alone():
    matrix, gain = Tensor(np.ones((2, 2)), requires_grad=True), Tensor(np.ones(2), requires_grad=True)
    matrix.grad, gain.grad = np.zeros((2, 2)), np.zeros(2)
    AdamW([matrix, gain], lr=0.1, weight_decay=0.5).step()
    assert (matrix.data == 0.95).all()
    assert (gain.data == 1).all()


def test_a_parameter_without_gradient_is_left_alone():
    p = Tensor([1.0], requires_grad=True)
    AdamW([p], lr=0.1).step()
    assert p.data == 1


@pytest.mark.parametrize("make", [SGD, RMSProp, Adam, AdamW])
def test_an_optimizer_goes_on_exactly_from_its_state(make):
    def run(steps, p, optimizer):
        for step in steps:
            p.grad = np.random.default_rng(step).standard_normal(p.shape).astype(np.float32)
            optimizer.step()

    p = Tensor(np.ones((3, 2), np.float32), requires_grad=True)
    optimizer = make([p], lr=0.1)
    run(range(3), p, optimizer)
    q = Tensor(p.data.copy(), requires_grad=True)
    resumed = make([q], lr=0.1)
    resumed.load_state_dict(optimizer.state_dict())
    run(range(3, 6), p, optimizer)
    run(range(3, 6), q, resumed)
    assert np.array_equal(p.data, q.data)


def test_a_gradient_of_another_shape_is_refused():
    p = Tensor(np.ones((2, 3)), requires_grad=True)
    p.grad = np.ones((2, 2))
    with pytest.raises(ValueError, match=r"a gradient has shape \(2, 2\), expected its parameter's"):
        AdamW([p], lr=0.1).step()


def test_parameters_with_and_without_gradient_keep_their_own_memories():
    """The long vector has gaps where a parameter took no part; its neighbours must not notice."""

    def trained(with_gradient):
        parameters = [Tensor(np.ones(shape), requires_grad=True) for shape in ((2, 2), (3,), (3, 2), (2,), (2, 1))]
        optimizer = AdamW(parameters, lr=0.1, weight_decay=0.1)
        for step in range(3):
            for number, p in enumerate(parameters):
                p.grad = np.full(p.shape, 1.0 + number + step) if number in with_gradient else None
            optimizer.step()
        return [p.data for p in parameters]

    together, apart = trained({0, 1, 3, 4}), [trained({number})[number] for number in (0, 1, 3, 4)]
    for number, alone in zip((0, 1, 3, 4), apart, strict=True):
        np.testing.assert_array_equal(together[number], alone)
    assert (together[2] == 1).all()


def test_clipping_shortens_all_gradients_together():
    a, b = Tensor([0.0, 0.0], requires_grad=True), Tensor([0.0], requires_grad=True)
    a.grad, b.grad = np.array([3.0, 0.0], np.float32), np.array([4.0], np.float32)
    assert clip_gradients([a, b], max_norm=1.0) == pytest.approx(5)
    np.testing.assert_allclose(np.concatenate([a.grad, b.grad]), [0.6, 0, 0.8], rtol=1e-6)
    assert clip_gradients([a, b], max_norm=2.0) == pytest.approx(1)  # short enough: left as it is
    np.testing.assert_allclose(b.grad, [0.8], rtol=1e-6)


@pytest.mark.parametrize("schedule", [schedules.linear(warmup=0.1), schedules.warmup_cosine(warmup=0.1)])
def test_a_schedule_rises_then_falls_without_a_jump(schedule):
    rates = np.array([schedule(progress) for progress in np.linspace(0, 1, 1001)])
    assert rates[0] == 0
    assert rates.argmax() == 100
    assert rates.max() == 1
    assert np.abs(np.diff(rates)).max() < 0.011
    assert (np.diff(rates[100:]) <= 1e-12).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SGD([], lr=0.1), "parameters is empty"),
        (lambda: SGD([Tensor([1.0])], lr=0), "lr is 0; expected a positive"),
        (lambda: AdamW([Tensor([1.0])], lr=math.nan), "lr is nan; expected a positive"),
        (lambda: AdamW([Tensor([1.0])], weight_decay=-1), "weight_decay is -1; expected 0 or more"),
        (lambda: AdamW([Tensor([1.0])], betas=(2, 3)), r"betas is \(2, 3\); expected two numbers"),
        (lambda: SGD([Tensor([1.0])], momentum=-1), "momentum is -1; expected"),
        (lambda: SGD([Tensor([1.0])], nesterov=True), "nesterov is True; expected False without momentum"),
        (lambda: RMSProp([Tensor([1.0])], alpha=1), "alpha is 1; expected"),
        (lambda: schedules.linear(warmup=1.0), "warmup is 1.0"),
        (lambda: schedules.warmup_cosine(final=-1), "final is -1, expected"),
        (lambda: AdamW([Tensor([1.0])]).load_state_dict({"steps": np.array([1])}), "another optimizer"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_parameters_and_gradients_lie_in_one_vector_each_and_find_their_way_back():
    a, b = (Tensor(np.ones(shape, np.float32), requires_grad=True) for shape in ((2,), (2, 2)))
    optimizer = SGD([a, b], lr=1.0)
    (a.sum() + (b * 2).sum()).backward()
    assert optimizer.vector.tolist() == [1] * 6
    assert np.shares_memory(a.data, optimizer.vector)
    assert a.grad is optimizer.grad_places[1]  # backward wrote it there: nothing is left to gather
    a.data, b.grad = np.full(2, 5, np.float32), np.full((2, 2), 3, np.float32)  # put elsewhere by somebody
    assert optimizer.gather().tolist() == [3, 3, 3, 3, 1, 1]
    optimizer.step()
    assert a.data.tolist() == [4, 4]
    assert b.data.tolist() == [[-2, -2], [-2, -2]]


def test_an_optimizer_for_another_type_than_the_parameters_is_refused():
    p = Tensor(np.ones(2, np.float32), requires_grad=True)
    optimizer = SGD([p], lr=1.0)
    p.data = p.data.astype(np.float64)
    with pytest.raises(ValueError, match="the parameters are float64, but were float32"):
        optimizer.step()
    with pytest.raises(ValueError, match="parameters are of the types float32 and float64"):
        SGD([p, Tensor(np.ones(2, np.float32), requires_grad=True)], lr=1.0)
