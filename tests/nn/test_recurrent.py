"""Recurrent layers: the cells are the formulas, and the fused layer is the cells, one step after another."""

import numpy as np
import pytest

from minilm import autograd, nn
from minilm.autograd import Tensor
from minilm.kernels import Kernel

B, T, C, H = 3, 5, 2, 4
LENGTHS = np.array([5, 3, 1])
every_cell = pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def layer_of(cell, rng, **settings):
    """In float64, with biases that are not all equal."""
    layer = nn.Recurrent(cell, C, H, rng=rng, **settings).astype(np.float64)
    for tensor in layer.parameters():
        tensor.data = tensor.data + 0.1 * rng.standard_normal(tensor.shape)
    return layer


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# the cells


def arrays(cell):
    return {name: tensor.data for name, tensor in cell.named_parameters()}


def test_an_elman_cell_is_its_formula(rng):
    cell = layer_of("rnn", rng).cells[0]
    x, h, p = rng.standard_normal((B, C)), rng.standard_normal((B, H)), arrays(cell)
    np.testing.assert_allclose(cell(Tensor(x), Tensor(h)).data, np.tanh(x @ p["W"] + h @ p["U"] + p["b"]))


def test_a_gru_cell_is_its_formula(rng):
    cell = layer_of("gru", rng).cells[0]
    x, h, p = rng.standard_normal((B, C)), rng.standard_normal((B, H)), arrays(cell)
    (Wr, Wu, Wn), (Ur, Uu, Un) = np.split(p["W"], 3, axis=1), np.split(p["U"], 3, axis=1)
    (br, bu, bn), (cr, cu, cn) = np.split(p["b"], 3), np.split(p["b_state"], 3)
    r, u = sigmoid(x @ Wr + br + h @ Ur + cr), sigmoid(x @ Wu + bu + h @ Uu + cu)
    n = np.tanh(x @ Wn + bn + r * (h @ Un + cn))
    np.testing.assert_allclose(cell(Tensor(x), Tensor(h)).data, (1 - u) * n + u * h)


def test_an_lstm_cell_is_its_formula(rng):
    cell = layer_of("lstm", rng).cells[0]
    x, h, c, p = rng.standard_normal((B, C)), *rng.standard_normal((2, B, H)), arrays(cell)
    i, f, g, o = np.split(x @ p["W"] + h @ p["U"] + p["b"], 4, axis=1)
    c_new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    got_h, got_c = cell(Tensor(x), (Tensor(h), Tensor(c)))
    np.testing.assert_allclose(got_c.data, c_new)
    np.testing.assert_allclose(got_h.data, sigmoid(o) * np.tanh(c_new))


@every_cell
def test_the_weights_of_the_state_start_as_rotations(rng, cell):
    for U in np.split(nn.Recurrent(cell, C, H, rng=rng).cells[0].U.data, {"rnn": 1, "gru": 3, "lstm": 4}[cell], axis=1):
        np.testing.assert_allclose(U.T @ U, np.eye(H), atol=1e-6)


def test_an_lstm_starts_with_open_forget_gates(rng):
    assert nn.LSTMCell(C, H, rng=rng).b.data.tolist() == [0] * H + [1] * H + [0] * 2 * H


# the layer


def parts(state):
    """The tensors of one cell's state."""
    return state if isinstance(state, tuple) else (state,)


def step_by_step(layer, x, state, lengths):
    """What the layer should return, sequence by sequence and step by step: outputs (length, ...) and states of each."""
    outputs, states = [], []
    for b, length in enumerate(lengths):
        steps, ends = [x[b : b + 1, t] for t in range(length)], []
        for below in range(0, len(layer.cells), layer.directions):
            read = []
            for number in range(below, below + layer.directions):
                backward = number > below
                h = tuple(part[b : b + 1] for part in parts(state[number]))
                hs = []
                for step in reversed(steps) if backward else steps:
                    h = parts(layer.cells[number](step, h if len(h) > 1 else h[0]))
                    hs.append(h[0])
                read.append(hs[::-1] if backward else hs)
                ends.append(h)
            steps = [autograd.concatenate(*both, axis=1) for both in zip(*read, strict=True)]
        outputs.append(autograd.concatenate(*steps, axis=0))
        states.append(ends)
    return outputs, states


def fused(layer, x, state, lengths):
    """The same from the layer itself."""
    ys, last = layer(x, state, lengths)
    outputs = [ys[b, :length] for b, length in enumerate(lengths)]
    return outputs, [[tuple(part[b : b + 1] for part in parts(end)) for end in last] for b in range(len(lengths))]


def values_and_gradients(compute, layer, x, state, lengths, seed=5):
    """Outputs and final states, and the gradients of a random sum of them by parameters, x and initial state."""
    inputs = [x, *(part for cell_state in state for part in parts(cell_state))]
    for tensor in (*layer.parameters(), *inputs):
        tensor.grad = None
    outputs, states = compute(layer, x, state, lengths)
    values = [*outputs, *(part for ends in states for end in ends for part in end)]
    rng = np.random.default_rng(seed)
    sum((value * rng.standard_normal(value.shape)).sum() for value in values).backward()
    return [value.data for value in values], [tensor.grad for tensor in (*layer.parameters(), *inputs)]


def random_state(layer, rng):
    def of(part):
        return Tensor(rng.standard_normal(part.shape), requires_grad=True)

    zeros = layer.zero_state(B)
    return [tuple(map(of, state)) if isinstance(state, tuple) else of(state) for state in zeros]


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both directions"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("lengths", [np.full(B, T), LENGTHS], ids=["full", "padded"])
def test_the_layer_equals_its_cells_step_by_step(rng, cell, bidirectional, layers, lengths):
    layer = layer_of(cell, rng, layers=layers, bidirectional=bidirectional)
    x, state = Tensor(rng.standard_normal((B, T, C)), requires_grad=True), random_state(layer, rng)
    expected = values_and_gradients(step_by_step, layer, x, state, lengths)
    for got, wanted in zip(values_and_gradients(fused, layer, x, state, lengths), expected, strict=True):
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


def test_the_comparison_rejects_a_layer_that_forgets_its_initial_state(rng):
    layer = layer_of("gru", rng)
    x, state = Tensor(rng.standard_normal((B, T, C)), requires_grad=True), random_state(layer, rng)
    expected, _ = values_and_gradients(step_by_step, layer, x, state, LENGTHS)
    outputs, _ = fused(layer, x, None, LENGTHS)
    assert max(np.abs(a.data - b).max() for a, b in zip(outputs, expected[:B], strict=True)) > 1e-2


@every_cell
def test_without_a_state_it_starts_from_zeros(rng, cell):
    layer, x = layer_of(cell, rng, layers=2), Tensor(rng.standard_normal((B, T, C)))
    np.testing.assert_array_equal(layer(x)[0].data, layer(x, layer.zero_state(B))[0].data)


@every_cell
def test_a_text_can_be_read_in_two_parts(rng, cell):
    layer, x = layer_of(cell, rng, layers=2), Tensor(rng.standard_normal((B, T, C)))
    first, state = layer(x[:, :2])
    second, _ = layer(x[:, 2:], state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data], axis=1), layer(x)[0].data, atol=1e-12)


def calls_of_kernels(layer, steps, monkeypatch):
    """How many kernels are called, forward and backward."""
    calls, call = [], Kernel.__call__
    monkeypatch.setattr(Kernel, "__call__", lambda self, *arguments: calls.append(self) or call(self, *arguments))
    layer(Tensor(np.ones((B, steps, C))))[0].sum().backward()
    monkeypatch.undo()
    return len(calls)


@every_cell
def test_no_kernel_is_called_step_by_step(rng, cell, monkeypatch):
    layer = layer_of(cell, rng)
    few, many = (calls_of_kernels(layer, steps, monkeypatch) for steps in (2, 20))
    assert 0 < few == many


def of_a_table(layer, ids, lengths, by_ids):
    """Values and gradients, that of the table among them, of a layer that reads table[ids], in either of two ways."""
    table = Tensor(np.random.default_rng(1).standard_normal((4, C)), requires_grad=True)

    def compute(layer, table, state, lengths):
        ys, last = layer(table, state, lengths, ids) if by_ids else layer(table[ids], state, lengths)
        return [ys[b, :length] for b, length in enumerate(lengths)], [[parts(end) for end in last]]

    values, gradients = values_and_gradients(compute, layer, table, layer.zero_state(B), lengths)
    return [*values, *(gradient for gradient in gradients if gradient is not None)]


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both directions"])
def test_a_table_read_by_ids_is_multiplied_row_by_row(rng, cell, bidirectional):
    layer, ids = layer_of(cell, rng, layers=2, bidirectional=bidirectional), rng.integers(4, size=(B, T))
    once, each_time = (of_a_table(layer, ids, LENGTHS, by_ids) for by_ids in (True, False))
    assert len(once) == len(each_time)
    for a, b in zip(once, each_time, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_the_comparison_rejects_another_table_row(rng):
    layer, ids = layer_of("gru", rng), rng.integers(4, size=(B, T))
    others = np.where(np.arange(T) == 0, 3 - ids, ids)
    pairs = zip(of_a_table(layer, ids, LENGTHS, True), of_a_table(layer, others, LENGTHS, False), strict=True)
    assert max(np.abs(a - b).max() for a, b in pairs) > 1e-2


def padding_matters(layer, rng, lengths):
    """How much outputs, states or gradients change, at worst, when what stands beyond LENGTHS is replaced."""
    x, found = rng.standard_normal((B, T, C)), []
    text = np.arange(T) < LENGTHS[:, None]
    for padding in (0.0, rng.standard_normal((B, T, C))):
        padded = Tensor(np.where(text[:, :, None], x, padding), requires_grad=True)
        values, gradients = values_and_gradients(fused, layer, padded, layer.zero_state(B), lengths)
        found.append([*values, *(gradient for gradient in gradients if gradient is not None)])
    return max(np.abs(a - b).max() for a, b in zip(*found, strict=True))


@every_cell
def test_padding_changes_neither_outputs_nor_states_nor_gradients(rng, cell):
    layer = layer_of(cell, rng, layers=2, bidirectional=True)
    assert padding_matters(layer, rng, LENGTHS) == 0


def test_the_padding_check_rejects_a_layer_that_does_not_know_the_lengths(rng):
    layer = layer_of("rnn", rng, layers=2, bidirectional=True)
    assert padding_matters(layer, rng, np.full(B, T)) > 1e-2


@every_cell
def test_no_gradient_reaches_the_padding(rng, cell):
    layer = layer_of(cell, rng, bidirectional=True)
    x = Tensor(rng.standard_normal((B, T, C)), requires_grad=True)
    _, gradients = values_and_gradients(fused, layer, x, layer.zero_state(B), LENGTHS)
    beyond = np.arange(T) >= LENGTHS[:, None]
    assert not x.grad[beyond].any()
    assert x.grad[~beyond].all()
    assert gradients


def test_forward_layers_do_not_see_the_future_and_backward_ones_do(rng):
    x = rng.standard_normal((1, T, C))
    later = x.copy()
    later[0, 3] += 1
    one_way, both_ways = layer_of("lstm", rng, layers=2), layer_of("lstm", rng, layers=2, bidirectional=True)
    before, after = (one_way(Tensor(text))[0].data for text in (x, later))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).all()
    before, after = (both_ways(Tensor(text))[0].data for text in (x, later))
    assert (before != after).all()


def test_an_unknown_cell_is_refused(rng):
    with pytest.raises(ValueError, match="cell is 'elman', expected one of rnn, gru, lstm"):
        nn.Recurrent("elman", C, H, rng=rng)


@pytest.mark.parametrize("lengths", [[0, 1], [6, 1], [5], [[5, 5]]])
def test_lengths_out_of_range_are_refused(rng, lengths):
    with pytest.raises(ValueError, match=r"lengths is \[.*\], expected 2 numbers from 1 to 5"):
        layer_of("gru", rng)(Tensor(np.ones((2, T, C))), lengths=lengths)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda layer, x: layer(Tensor(np.ones((B, T, C + 1)))), r"x has shape \(3, 5, 3\)"),
        (lambda layer, x: layer(x, layer.zero_state(B)[:1]), "state"),
        (lambda layer, x: layer(x, layer.zero_state(B) * 2), "state"),
        (lambda layer, x: layer(x, layer.zero_state(1)), "state"),
        (lambda layer, x: layer(x, lengths=[1.5, 2.0, 3.0]), "lengths"),
    ],
    ids=["width", "too few states", "too many states", "states of another batch", "lengths that are no integers"],
)
def test_more_bad_input_is_named(rng, call, message):
    with pytest.raises(ValueError, match=message):
        call(layer_of("gru", rng, layers=2), Tensor(np.ones((B, T, C))))
