"""RNN, GRU and LSTM over time, and back-propagation through time.

The steps must follow one another; their gates' inner loops are kernels (gates.py) and their products h U are left to
BLAS. What does not depend on the order is done for all steps at once: by the caller the products of the inputs,
here the gradient of U.  Time comes first in every array: x (T, B, ...), h (T, B, H), start (B, H).
"""

import numpy as np

from .blas import product
from .gates import (
    gru_gates,
    gru_gates_backward,
    lstm_gates,
    lstm_gates_backward,
    rnn_gates,
    rnn_gates_backward,
)


def rnn(x, start, U):
    """hₜ = tanh(xₜ + hₜ₋₁ U)   x (T, B, H)   U (H, H)   ->   h (T, B, H)"""
    h, state = np.empty_like(x), start
    for t in range(len(x)):
        state = h[t] = rnn_gates(x[t] + product(state, U))
    return h


def rnn_backward(dh, h, start, U):
    """dh (T, B, H)   ->   dx, d start, dU"""
    dx, carry = np.empty_like(h), np.zeros_like(start)
    for t in reversed(range(len(h))):
        dx[t] = rnn_gates_backward(dh[t] + carry, h[t])
        carry = product(dx[t], U.T)
    return dx, carry, steps_product(before(h, start), dx)


def gru(x, start, U, b):
    """hₜ = gates(xₜ, hₜ₋₁ U + b, hₜ₋₁)   x (T, B, 3H)   U (H, 3H)   b (3H,)   ->   h, and gates, s for backward"""
    T, B, H3 = x.shape
    h, gates, s, state = np.empty((T, B, H3 // 3), x.dtype), np.empty_like(x), np.empty_like(x), start
    for t in range(T):
        s[t] = product(state, U) + b
        gates[t], state = gru_gates(x[t], s[t], state)
        h[t] = state
    return h, gates, s


def gru_backward(dh, h, gates, s, start, U):
    """dh (T, B, H)   ->   dx, d start, dU, db"""
    dx, ds, carry = np.empty_like(gates), np.empty_like(gates), np.zeros_like(start)
    h_before = before(h, start)
    for t in reversed(range(len(h))):
        dx[t], ds[t], carry = gru_gates_backward(dh[t] + carry, gates[t], s[t], h_before[t])
        carry = carry + product(ds[t], U.T)
    return dx, carry, steps_product(h_before, ds), ds.sum(axis=(0, 1))


def lstm(x, start_h, start_c, U):
    """hₜ, cₜ = gates(xₜ + hₜ₋₁ U, cₜ₋₁)   x (T, B, 4H)   U (H, 4H)   ->   h, c, and gates for backward"""
    T, B, H4 = x.shape
    h, c, gates = np.empty((T, B, H4 // 4), x.dtype), np.empty((T, B, H4 // 4), x.dtype), np.empty_like(x)
    state, cell = start_h, start_c
    for t in range(T):
        gates[t], state, cell = lstm_gates(x[t] + product(state, U), cell)
        h[t], c[t] = state, cell
    return h, c, gates


def lstm_backward(dh, dc, h, c, gates, start_h, start_c, U):
    """dh, dc (T, B, H)   ->   dx, d start_h, d start_c, dU"""
    dx, carry_h, carry_c = np.empty_like(gates), np.zeros_like(start_h), np.zeros_like(start_c)
    c_before = before(c, start_c)
    for t in reversed(range(len(h))):
        dx[t], carry_c = lstm_gates_backward(dh[t] + carry_h, dc[t] + carry_c, gates[t], c_before[t], c[t])
        carry_h = product(dx[t], U.T)
    return dx, carry_h, carry_c, steps_product(before(h, start_h), dx)


def before(h, start):
    """The states each step started from."""
    return np.concatenate([start[None], h[:-1]])


def steps_product(h, dz):
    """dU = Σₜ hₜ₋₁ᵀ dzₜ, all steps in one product."""
    return h.reshape(-1, h.shape[-1]).T @ dz.reshape(-1, dz.shape[-1])
