"""Golden cases of the recurrent cells, and of the layer that runs them over time."""

import numpy as np

from minilm import nn
from minilm.data import length_mask

from .case import golden, part

LENGTHS = np.array([5, 2, 4])
SHOWN = length_mask(LENGTHS, 5)[:, :, None]  # what a layer puts out beyond a sequence's length means nothing


def their_weights(torch, p, suffix=""):
    """PyTorch keeps the transposes, and two biases whose sum counts, unless the unit has two itself (GRU)."""
    return {
        f"weight_ih{suffix}": p["W"].T,
        f"weight_hh{suffix}": p["U"].T,
        f"bias_ih{suffix}": p["b"],
        f"bias_hh{suffix}": p["b_state"] if "b_state" in p else torch.zeros_like(p["b"]),
    }


def run_cell(torch, cell, p, x, state):
    return torch.func.functional_call(cell(3, 4, dtype=x.dtype), their_weights(torch, p), (x, state))


@golden(lambda rng: nn.RNNCell(3, 4, rng=rng), x=(2, 3), h=(2, 4))
def rnn_cell(torch, p, x, h):
    return run_cell(torch, torch.nn.RNNCell, p, x, h)


@golden(lambda rng: nn.GRUCell(3, 4, rng=rng), x=(2, 3), h=(2, 4))
def gru_cell(torch, p, x, h):
    return run_cell(torch, torch.nn.GRUCell, p, x, h)


@golden(
    lambda rng: nn.LSTMCell(3, 4, rng=rng),
    lambda layer, x, h, c: layer(x, (h, c)),
    x=(2, 3), h=(2, 4), c=(2, 4),
)  # fmt: skip
def lstm_cell(torch, p, x, h, c):
    return run_cell(torch, torch.nn.LSTMCell, p, x, (h, c))


def run_layer(torch, kind, p, x, state=None, layers=1, directions=1, lengths=None):
    """PyTorch's layer over time: outputs, zero beyond the lengths, and the last state of each cell: h, or h and c."""
    inputs, width = len(p["cells.0.W"]), len(p["cells.0.U"])
    layer = kind(inputs, width, num_layers=layers, bidirectional=directions == 2, batch_first=True, dtype=x.dtype)
    weights = {}
    for number in range(layers * directions):
        suffix = f"_l{number // directions}" + ("_reverse" if number % directions else "")
        weights |= their_weights(torch, part(p, f"cells.{number}"), suffix)
    if lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    ys, state = torch.func.functional_call(layer, weights, (x, state))
    if lengths is not None:
        ys, _ = torch.nn.utils.rnn.pad_packed_sequence(ys, batch_first=True)
    return ys, list(zip(*state, strict=True)) if kind is torch.nn.LSTM else list(state)


@golden(lambda rng: nn.Recurrent("rnn", 3, 4, rng=rng), x=(2, 5, 3))
def rnn_over_time(torch, p, x):
    return run_layer(torch, torch.nn.RNN, p, x)


@golden(lambda rng: nn.Recurrent("gru", 3, 4, rng=rng), x=(2, 5, 3))
def gru_over_time(torch, p, x):
    return run_layer(torch, torch.nn.GRU, p, x)


@golden(lambda rng: nn.Recurrent("lstm", 3, 4, rng=rng), x=(2, 5, 3))
def lstm_over_time(torch, p, x):
    return run_layer(torch, torch.nn.LSTM, p, x)


def run_to_lengths(layer, x, h, c=None):
    """minilm's layer from the states h (and c) of 2 layers · 2 directions on, each sequence to its own length."""
    ys, state = layer(x, [h[i] if c is None else (h[i], c[i]) for i in range(4)], LENGTHS)
    return ys * SHOWN.astype(ys.dtype), state


def deep(cell):
    return lambda rng: nn.Recurrent(cell, 3, 4, layers=2, bidirectional=True, rng=rng)


def run_deep(torch, kind, p, x, state):
    return run_layer(torch, kind, p, x, state, layers=2, directions=2, lengths=torch.from_numpy(LENGTHS))


@golden(deep("rnn"), run_to_lengths, x=(3, 5, 3), h=(4, 3, 4))
def deep_bidirectional_rnn(torch, p, x, h):
    return run_deep(torch, torch.nn.RNN, p, x, h)


@golden(deep("gru"), run_to_lengths, x=(3, 5, 3), h=(4, 3, 4))
def deep_bidirectional_gru(torch, p, x, h):
    return run_deep(torch, torch.nn.GRU, p, x, h)


@golden(deep("lstm"), run_to_lengths, x=(3, 5, 3), h=(4, 3, 4), c=(4, 3, 4))
def deep_bidirectional_lstm(torch, p, x, h, c):
    return run_deep(torch, torch.nn.LSTM, p, x, (h, c))
