"""RNN, GRU and LSTM over time, and back-propagation through time.

The steps must follow one another, but the sequences of a batch do not depend on each other: in the loops each thread
takes its share of the sequences through all steps, and no thread waits for another before the end. What does not depend
on the order is done for all steps at once: by the caller the products of the inputs, here the gradient of U.

x (B, T, ...)   h, c (B, T, H)   start (B, H)
"""

import numpy as np

from .blas import BLAS, blas_product, one_blas_thread, set_blas_threads
from .gates import (
    gru_gates,
    gru_gates_backward,
    gru_row,
    gru_row_backward,
    lstm_gates,
    lstm_gates_backward,
    lstm_row,
    lstm_row_backward,
    rnn_row,
    rnn_row_backward,
)
from .linear import share
from .pair import Kernel, prange, thread_count


@Kernel
def rnn(x, start, U):
    """hₜ = tanh(xₜ + hₜ₋₁ U)   x (B, T, H)   U (H, H)   ->   h (B, T, H)"""
    h, state = np.empty_like(x), start
    for t in range(x.shape[1]):
        state = h[:, t] = np.tanh(x[:, t] + state @ U)
    return h


@Kernel
def rnn_backward(dh, h, start, U):
    """dh (B, T, H)   ->   dx, d start, dU"""
    dx, carry = np.empty_like(h), np.zeros_like(start)
    for t in reversed(range(h.shape[1])):
        dx[:, t] = (dh[:, t] + carry) * (1 - h[:, t] * h[:, t])
        carry = dx[:, t] @ U.T
    return dx, carry, state_product(h, start, dx)


@Kernel
def gru(x, start, U, b):
    """hₜ = gates(xₜ, hₜ₋₁ U + b, hₜ₋₁)   x (B, T, 3H)   U (H, 3H)   b (3H,)   ->   h, and gates, s for backward"""
    B, T, H3 = x.shape
    h, gates, s, state = np.empty((B, T, H3 // 3), x.dtype), np.empty_like(x), np.empty_like(x), start
    for t in range(T):
        s[:, t] = state @ U + b
        gates[:, t], state = gru_gates(x[:, t], s[:, t], state)
        h[:, t] = state
    return h, gates, s


@Kernel
def gru_backward(dh, h, gates, s, start, U):
    """dh (B, T, H)   ->   dx, ds (B, T, 3H), d start, dU"""
    dx, ds, carry = np.empty_like(gates), np.empty_like(gates), np.zeros_like(start)
    for t in reversed(range(h.shape[1])):
        h_before = h[:, t - 1] if t else start
        dx[:, t], ds[:, t], carry = gru_gates_backward(dh[:, t] + carry, gates[:, t], s[:, t], h_before)
        carry = carry + ds[:, t] @ U.T
    return dx, ds, carry, state_product(h, start, ds)


@Kernel
def lstm(x, start_h, start_c, U):
    """hₜ, cₜ = gates(xₜ + hₜ₋₁ U, cₜ₋₁)   x (B, T, 4H)   U (H, 4H)   ->   h and c (2, B, T, H), gates for backward"""
    B, T, H4 = x.shape
    states, gates = np.empty((2, B, T, H4 // 4), x.dtype), np.empty_like(x)
    h, c = start_h, start_c
    for t in range(T):
        gates[:, t], h, c = lstm_gates(x[:, t] + h @ U, c)
        states[:, :, t] = h, c
    return states, gates


@Kernel
def lstm_backward(dstates, states, gates, start_h, start_c, U):
    """dstates (2, B, T, H)   ->   dx, d start_h, d start_c, dU"""
    (dh, dc), (h, c) = dstates, states
    dx, carry_h, carry_c = np.empty_like(gates), np.zeros_like(start_h), np.zeros_like(start_c)
    for t in reversed(range(h.shape[1])):
        c_before = c[:, t - 1] if t else start_c
        dx[:, t], carry_c = lstm_gates_backward(dh[:, t] + carry_h, dc[:, t] + carry_c, gates[:, t], c_before, c[:, t])
        carry_h = dx[:, t] @ U.T
    return dx, carry_h, carry_c, state_product(h, start_h, dx)


def state_product(h, start, dz):
    """dU = Σₜ hₜ₋₁ᵀ dzₜ, all steps in one product.   h (B, T, H)   dz (B, T, G)   ->   (H, G)"""
    before = np.concatenate([start[:, None], h[:, :-1]], axis=1)
    return before.reshape(-1, h.shape[2]).T @ dz.reshape(-1, dz.shape[2])


if BLAS:  # otherwise the formulas run, with whatever BLAS this NumPy has

    @rnn.loops
    def rnn(x, start, U):
        h = np.empty_like(x)
        before, parts = one_blas_thread(), thread_count()
        for part in prange(parts):
            rnn_steps(share(len(x), part, parts), x, start, U, h)
        set_blas_threads(before)
        return h

    @rnn_backward.loops
    def rnn_backward(dh, h, start, U):
        dx, carry = np.empty_like(h), np.zeros_like(start)
        U_T = np.ascontiguousarray(U.T)
        before, parts = one_blas_thread(), thread_count()
        for part in prange(parts):
            rnn_steps_backward(share(len(h), part, parts), dh, h, U_T, dx, carry)
        set_blas_threads(before)
        return dx, carry, shared_state_product(h, start, dx)

    @gru.loops
    def gru(x, start, U, b):
        B, T, H3 = x.shape
        h, gates, s = np.empty((B, T, H3 // 3), np.float32), np.empty_like(x), np.empty_like(x)
        before, parts = one_blas_thread(), thread_count()
        for part in prange(parts):
            gru_steps(share(B, part, parts), x, start, U, b, h, gates, s)
        set_blas_threads(before)
        return h, gates, s

    @gru_backward.loops
    def gru_backward(dh, h, gates, s, start, U):
        dx, ds, carry = np.empty_like(gates), np.empty_like(gates), np.zeros_like(start)
        U_T = np.ascontiguousarray(U.T)
        before, parts = one_blas_thread(), thread_count()
        for part in prange(parts):
            gru_steps_backward(share(len(h), part, parts), dh, h, gates, s, start, U_T, dx, ds, carry)
        set_blas_threads(before)
        return dx, ds, carry, shared_state_product(h, start, ds)

    @lstm.loops
    def lstm(x, start_h, start_c, U):
        B, T, H4 = x.shape
        states, gates = np.empty((2, B, T, H4 // 4), np.float32), np.empty_like(x)
        before, parts = one_blas_thread(), thread_count()
        for part in prange(parts):
            lstm_steps(share(B, part, parts), x, start_h, start_c, U, states[0], states[1], gates)
        set_blas_threads(before)
        return states, gates

    @lstm_backward.loops
    def lstm_backward(dstates, states, gates, start_h, start_c, U):
        dx, dh, dc = np.empty_like(gates), np.zeros_like(start_h), np.zeros_like(start_c)
        U_T = np.ascontiguousarray(U.T)
        before, parts = one_blas_thread(), thread_count()
        for part in prange(parts):
            rows = share(len(gates), part, parts)
            lstm_steps_backward(rows, dstates[0], dstates[1], states[1], gates, start_c, U_T, dx, dh, dc)
        set_blas_threads(before)
        return dx, dh, dc, shared_state_product(states[0], start_h, dx)

    def shared_state_product(h, start, dz):
        """`state_product` in loops: each thread computes its share of the columns of dU."""
        B, T, H = h.shape
        h_before, dz = np.empty((B * T, H), np.float32), dz.reshape(B * T, dz.shape[2])
        for b in prange(B):
            for t in range(T):
                copy(h[b, t - 1] if t else start[b], h_before[b * T + t])
        dU = np.empty((H, dz.shape[1]), np.float32)
        before, parts = one_blas_thread(), thread_count()
        for part in prange(parts):
            first, last = share(dz.shape[1], part, parts)
            blas_product(h_before, True, dz[:, first:last], False, 0, dU[:, first:last])
        set_blas_threads(before)
        return dU


# One thread's sequences, from row `first` of the batch to `last`, through all steps. On the way back Uᵀ lies row by
# row: BLAS takes a step's few rows times such a matrix a tenth quicker.


def rnn_steps(rows, x, start, U, h):
    first, last = rows
    for t in range(x.shape[1]):
        for b in range(first, last):
            copy(x[b, t], h[b, t])
        h_before = h[first:last, t - 1] if t else start[first:last]
        blas_product(h_before, False, U, False, 1, h[first:last, t])
        for b in range(first, last):
            rnn_row(h[b, t])


def rnn_steps_backward(rows, dh, h, U_T, dx, carry):
    first, last = rows
    for t in range(h.shape[1] - 1, -1, -1):
        for b in range(first, last):
            rnn_row_backward(dh[b, t], carry[b], h[b, t], dx[b, t])
        blas_product(dx[first:last, t], False, U_T, False, 0, carry[first:last])


def gru_steps(rows, x, start, U, bias, h, gates, s):
    first, last = rows
    for t in range(x.shape[1]):
        for b in range(first, last):
            copy(bias, s[b, t])
        h_before = h[first:last, t - 1] if t else start[first:last]
        blas_product(h_before, False, U, False, 1, s[first:last, t])
        for b in range(first, last):
            gru_row(x[b, t], s[b, t], h[b, t - 1] if t else start[b], gates[b, t], h[b, t])


def gru_steps_backward(rows, dh, h, gates, s, start, U_T, dx, ds, carry):
    first, last = rows
    for t in range(h.shape[1] - 1, -1, -1):
        for b in range(first, last):
            h_before = h[b, t - 1] if t else start[b]
            gru_row_backward(dh[b, t], gates[b, t], s[b, t], h_before, carry[b], dx[b, t], ds[b, t])
        blas_product(ds[first:last, t], False, U_T, False, 1, carry[first:last])


def lstm_steps(rows, x, start_h, start_c, U, h, c, gates):
    first, last = rows
    for t in range(x.shape[1]):
        for b in range(first, last):
            copy(x[b, t], gates[b, t])
        h_before = h[first:last, t - 1] if t else start_h[first:last]
        blas_product(h_before, False, U, False, 1, gates[first:last, t])
        for b in range(first, last):
            lstm_row(gates[b, t], c[b, t - 1] if t else start_c[b], h[b, t], c[b, t])


def lstm_steps_backward(rows, dh, dc, c, gates, start_c, U_T, dx, carry_h, carry_c):
    first, last = rows
    for t in range(c.shape[1] - 1, -1, -1):
        for b in range(first, last):
            c_before = c[b, t - 1] if t else start_c[b]
            lstm_row_backward(dh[b, t], dc[b, t], gates[b, t], c_before, c[b, t], carry_h[b], carry_c[b], dx[b, t])
        blas_product(dx[first:last, t], False, U_T, False, 0, carry_h[first:last])


def copy(x, y):
    for j in range(x.size):
        y[j] = x[j]
