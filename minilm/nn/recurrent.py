"""Recurrent cells, one step at a time as the formulas say, and the layer that runs them over time as one operation."""

import math
from typing import Any

import numpy as np

from minilm import autograd
from minilm.autograd import Tensor
from minilm.expect import expect_count

from .module import Module, normal, parameter


class Cell(Module):
    """The weights of a recurrent unit with G gates: W (inputs, G H), U (H, G H), b (G H,)."""

    gates: int

    def __init__(self, inputs: int, width: int, *, rng: np.random.Generator):
        self.width = width
        self.W = normal(rng, inputs, self.gates * width, std=1 / math.sqrt(inputs))
        self.U = parameter(np.concatenate([orthogonal(rng, width) for _ in range(self.gates)], axis=1))
        self.b = parameter(np.zeros(self.gates * width))

    def zero_state(self, B: int) -> Any:
        """The state before the first token."""
        return self._zeros(B)

    def of_inputs(self, x: Tensor, ids: np.ndarray | None = None) -> Tensor:
        """xₜ W + b of all steps; given ids, that of x[ids], x being a table: each of its rows is multiplied once."""
        y = autograd.linear(x, self.W, self.b)
        return y if ids is None else autograd.gather(y, ids=ids)

    def _zeros(self, B):
        return Tensor(np.zeros((B, self.width), self.U.dtype))


class RNNCell(Cell):
    """h′ = tanh(x W + h U + b) (Elman 1990)

    >>> cell = RNNCell(3, 4, rng=np.random.default_rng(0))
    >>> cell(Tensor(np.ones((2, 3))), cell.zero_state(2)).shape
    (2, 4)
    """

    gates = 1

    def __call__(self, x: Tensor, h: Tensor) -> Tensor:
        return (x @ self.W + h @ self.U + self.b).tanh()

    def over_time(self, x: Tensor, h: Tensor, ids: np.ndarray | None = None) -> tuple[Tensor, Any]:
        """All hₜ (B, T, H), and the state after each step as a function of its index.   x, ids as in `of_inputs`"""
        hs = autograd.rnn(self.of_inputs(x, ids), h, self.U)
        return hs, lambda t: hs[t]


class GRUCell(Cell):
    """r, u = σ(x W + h U + b), n = tanh(x Wₙ + bₙ + r (h Uₙ + b_state,ₙ)), h′ = (1 - u) n + u h

    (Cho et al. 2014, arXiv:1406.1078, with the reset gate after the product, as PyTorch and cuDNN have it)
    """

    gates = 3

    def __init__(self, inputs: int, width: int, *, rng: np.random.Generator):
        super().__init__(inputs, width, rng=rng)
        self.b_state = parameter(np.zeros(3 * width))

    def __call__(self, x: Tensor, h: Tensor) -> Tensor:
        H = self.width
        from_x, from_h = x @ self.W + self.b, h @ self.U + self.b_state
        r = (from_x[:, :H] + from_h[:, :H]).sigmoid()
        u = (from_x[:, H : 2 * H] + from_h[:, H : 2 * H]).sigmoid()
        n = (from_x[:, 2 * H :] + r * from_h[:, 2 * H :]).tanh()
        return (1 - u) * n + u * h

    def over_time(self, x: Tensor, h: Tensor, ids: np.ndarray | None = None) -> tuple[Tensor, Any]:
        """All hₜ (B, T, H), and the state after each step as a function of its index.   x, ids as in `of_inputs`"""
        hs = autograd.gru(self.of_inputs(x, ids), h, self.U, self.b_state)
        return hs, lambda t: hs[t]


class LSTMCell(Cell):
    """i, f, o = σ(x W + h U + b), g = tanh(same), c′ = f c + i g, h′ = o tanh(c′)

    (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000, its bias starting at 1: Jozefowicz et al. 2015)
    """

    gates = 4

    def __init__(self, inputs: int, width: int, *, rng: np.random.Generator):
        super().__init__(inputs, width, rng=rng)
        self.b.data[width : 2 * width] = 1  # remember, until there is a reason to forget

    def zero_state(self, B: int) -> tuple[Tensor, Tensor]:
        return self._zeros(B), self._zeros(B)

    def __call__(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        H, (h, c) = self.width, state
        z = x @ self.W + h @ self.U + self.b
        i, f, o = z[:, :H].sigmoid(), z[:, H : 2 * H].sigmoid(), z[:, 3 * H :].sigmoid()
        g = z[:, 2 * H : 3 * H].tanh()
        c = f * c + i * g
        return o * c.tanh(), c

    def over_time(self, x: Tensor, state: tuple[Tensor, Tensor], ids: np.ndarray | None = None) -> tuple[Tensor, Any]:
        """All hₜ (B, T, H), and the state after each step as a function of its index.   x, ids as in `of_inputs`"""
        hs_cs = autograd.lstm(self.of_inputs(x, ids), *state, self.U)
        hs, cs = hs_cs[0], hs_cs[1]
        return hs, lambda t: (hs[t], cs[t])


CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}


class Recurrent(Module):
    """Cells run over time: several layers on top of each other, in one direction or both.

    Parameters
    ----------
    cell : {"rnn", "gru", "lstm"}
    inputs, width : int
        Channels of x, and H.
    layers : int
    bidirectional : bool
        Also run backward in time; outputs are [forward, backward], (B, T, 2 H).

    Examples
    --------
    >>> layer = Recurrent("gru", 3, 4, layers=2, bidirectional=True, rng=np.random.default_rng(0))
    >>> outputs, state = layer(Tensor(np.ones((2, 5, 3))))
    >>> outputs.shape, len(state)
    ((2, 5, 8), 4)
    """

    def __init__(
        self,
        cell: str,
        inputs: int,
        width: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        rng: np.random.Generator,
    ):
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}, expected one of {', '.join(CELLS)}")
        for name, value in {"inputs": inputs, "width": width, "layers": layers}.items():
            expect_count(name, value)
        self.directions = 2 if bidirectional else 1
        sizes = [inputs] + [self.directions * width] * (layers - 1)
        self.cells = [CELLS[cell](size, width, rng=rng) for size in sizes for _ in range(self.directions)]

    def zero_state(self, B: int) -> list:
        """One state for each layer and direction."""
        return [cell.zero_state(B) for cell in self.cells]

    def batch_of(self, state: list) -> int:
        """B, how many sequences a state is of."""
        return len(state[0][0]) if isinstance(state[0], tuple) else len(state[0])

    def __call__(
        self,
        x: Tensor,
        state: list | None = None,
        lengths: np.ndarray | None = None,
        ids: np.ndarray | None = None,
    ) -> tuple[Tensor, list]:
        """x (B, T, C)   lengths (B,): how many of the T steps are text, all if not given   ->   (B, T, H), state

        The state is that after each sequence's own last step; outputs beyond its length mean nothing. Given ids (B, T),
        x is a table (V, C), and what is read is x[ids]: quicker where V is much smaller than B T.
        """
        B, T = x.shape[:2] if ids is None else ids.shape
        if self.cells[0].W.shape[0] != x.shape[-1]:
            raise ValueError(
                f"x has shape {x.shape}, expected its last axis to be the {self.cells[0].W.shape[0]} inputs"
            )
        lengths = np.full(B, T) if lengths is None else _checked_lengths(lengths, B, T)
        states, last = self._checked_states(state, B), []
        for layer in range(0, len(self.cells), self.directions):
            outputs = []
            for direction in range(self.directions):
                number = layer + direction
                ys, end = self._run(x, states[number], lengths, number, backward=direction == 1, ids=ids)
                outputs.append(ys)
                last.append(end)
            x, ids = outputs[0] if self.directions == 1 else autograd.concatenate(*outputs, axis=2), None
        return x, last

    def _checked_states(self, states, B):
        zeros = self.zero_state(B)
        found, expected = [_shapes(state) for state in states or zeros], [_shapes(zero) for zero in zeros]
        if found != expected:
            raise ValueError(f"state has shapes {found}, expected one for each layer and direction: {expected}")
        return states or zeros

    def _run(self, x, state, lengths, number, backward, ids=None):
        B, T = x.shape[:2] if ids is None else ids.shape
        turned = T * np.arange(B)[:, None] + _reversed_steps(lengths, T)  # its own inverse
        if backward:
            x, ids = (_rows(x, turned), None) if ids is None else (x, ids.reshape(-1)[turned])
        ys, state_at = self.cells[number].over_time(x, state, ids)
        end = state_at((slice(None), -1) if (lengths == T).all() else (np.arange(B), lengths - 1))
        return (_rows(ys, turned) if backward else ys), end


def _rows(x, ids):
    """Rows of all sequences in another order.   x (B, T, C)   ids (B, T), from 0 to B T - 1   ->   (B, T, C)"""
    return autograd.gather(x.reshape(-1, x.shape[-1]), ids=ids)


def _reversed_steps(lengths, T):
    """For each sequence its steps from last to first, padding left in place.   ->   (B, T)"""
    steps, lengths = np.arange(T)[None, :], np.asarray(lengths)[:, None]
    return np.where(steps < lengths, lengths - 1 - steps, steps)


def _shapes(state):
    return [part.shape for part in state] if isinstance(state, tuple) else state.shape


def _checked_lengths(lengths, B, T):
    lengths = np.asarray(lengths)
    if lengths.dtype.kind not in "iu" or lengths.shape != (B,) or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths is {lengths}, expected {B} numbers from 1 to {T}")
    return lengths


def orthogonal(rng: np.random.Generator, width: int) -> np.ndarray:
    """A random rotation: it neither shrinks nor stretches the state (Saxe et al. 2014, arXiv:1312.6120)."""
    q, r = np.linalg.qr(rng.standard_normal((width, width)))
    return q * np.sign(np.diag(r))
