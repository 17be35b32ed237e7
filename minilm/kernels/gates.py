"""The element-wise heart of one recurrent step, forward and backward: everything but the matrix products.

Gates stand side by side in the columns of one array, in PyTorch's order: r, u, n for the GRU; i, f, g, o for the LSTM.
Each formula is for a batch of B sequences; the loops (`..._row`) do the same for one of them, and write into the arrays
that they are given.
"""

import numpy as np

from .elementary import sigmoid as sigmoid_of
from .elementary import tanh as tanh_of


def sigmoid(x):
    """σ(x) = ½ (1 + tanh ½x), which cannot overflow"""
    return 0.5 * (1 + np.tanh(0.5 * x))


def gru_gates(x, s, h):
    """h′ = (1-u) n + u h with r = σ(xᵣ + sᵣ), u = σ(xᵤ + sᵤ), n = tanh(xₙ + r sₙ)

    x (B, 3H) comes from the input, s (B, 3H) from the state h (B, H)   ->   gates (B, 3H), h′
    """
    H = h.shape[1]
    r, u = sigmoid(x[:, :H] + s[:, :H]), sigmoid(x[:, H : 2 * H] + s[:, H : 2 * H])
    n = np.tanh(x[:, 2 * H :] + r * s[:, 2 * H :])
    return np.concatenate([r, u, n], axis=1), (1 - u) * n + u * h


def gru_gates_backward(dh_next, gates, s, h):
    """-> dx (B, 3H), ds (B, 3H), and the part of dh that does not pass through s"""
    H = h.shape[1]
    r, u, n = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H :]
    dn = dh_next * (1 - u) * (1 - n * n)
    du = dh_next * (h - n) * u * (1 - u)
    dr = dn * s[:, 2 * H :] * r * (1 - r)
    return np.concatenate([dr, du, dn], axis=1), np.concatenate([dr, du, dn * r], axis=1), dh_next * u


def lstm_gates(z, c):
    """c′ = f c + i g,  h′ = o tanh c′  with i, f, o = σ(z), g = tanh(z)   z (B, 4H)   ->   gates (B, 4H), h′, c′"""
    H = c.shape[1]
    i, f, o = sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H]), sigmoid(z[:, 3 * H :])
    g = np.tanh(z[:, 2 * H : 3 * H])
    c_next = f * c + i * g
    return np.concatenate([i, f, g, o], axis=1), o * np.tanh(c_next), c_next


def lstm_gates_backward(dh_next, dc_next, gates, c, c_next):
    """-> dz (B, 4H), dc (B, H)"""
    H = c.shape[1]
    i, f, g, o = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H : 3 * H], gates[:, 3 * H :]
    tanh_c = np.tanh(c_next)
    do = dh_next * tanh_c
    dc = dc_next + dh_next * o * (1 - tanh_c * tanh_c)
    di, df, dg = dc * g, dc * c, dc * i
    return np.concatenate([di * i * (1 - i), df * f * (1 - f), dg * (1 - g * g), do * o * (1 - o)], axis=1), dc * f


def rnn_row(z):
    """z becomes h = tanh(z)."""
    for j in range(z.size):
        z[j] = tanh_of(z[j])


def rnn_row_backward(dh, carry, h, dz):
    for j in range(h.size):
        dz[j] = (dh[j] + carry[j]) * (np.float32(1) - h[j] * h[j])


def gru_row(x, s, h_before, gates, h):
    H = h.size
    r, u, n = gates[:H], gates[H : 2 * H], gates[2 * H :]
    for j in range(H):
        r[j], u[j] = sigmoid_of(x[j] + s[j]), sigmoid_of(x[H + j] + s[H + j])
        n[j] = tanh_of(x[2 * H + j] + r[j] * s[2 * H + j])
        h[j] = (np.float32(1) - u[j]) * n[j] + u[j] * h_before[j]


def gru_row_backward(dh, gates, s, h_before, carry, dx, ds):
    """`carry` is what the step after sends to h; it becomes the part of dh that does not pass through s."""
    H, one = h_before.size, np.float32(1)
    for j in range(H):
        r, u, n = gates[j], gates[H + j], gates[2 * H + j]
        dh_next = dh[j] + carry[j]
        dn = dh_next * (one - u) * (one - n * n)
        du = dh_next * (h_before[j] - n) * u * (one - u)
        dr = dn * s[2 * H + j] * r * (one - r)
        dx[j], dx[H + j], dx[2 * H + j] = dr, du, dn
        ds[j], ds[H + j], ds[2 * H + j] = dr, du, dn * r
        carry[j] = dh_next * u


def lstm_row(z, c_before, h, c):
    """z becomes the gates."""
    H = h.size
    i, f, g, o = z[:H], z[H : 2 * H], z[2 * H : 3 * H], z[3 * H :]
    for j in range(H):
        i[j], f[j], g[j], o[j] = sigmoid_of(i[j]), sigmoid_of(f[j]), tanh_of(g[j]), sigmoid_of(o[j])
        c[j] = f[j] * c_before[j] + i[j] * g[j]
        h[j] = o[j] * tanh_of(c[j])


def lstm_row_backward(dh, dc, gates, c_before, c, carry_h, carry_c, dz):
    """The carries are what the step after sends to h and c; carry_c becomes what this step sends to c_before."""
    H, one = c.size, np.float32(1)
    for j in range(H):
        i, f, g, o = gates[j], gates[H + j], gates[2 * H + j], gates[3 * H + j]
        tanh_c, dh_total = tanh_of(c[j]), dh[j] + carry_h[j]
        dc_total = dc[j] + carry_c[j] + dh_total * o * (one - tanh_c * tanh_c)
        dz[j] = dc_total * g * i * (one - i)
        dz[H + j] = dc_total * c_before[j] * f * (one - f)
        dz[2 * H + j] = dc_total * i * (one - g * g)
        dz[3 * H + j] = dh_total * tanh_c * o * (one - o)
        carry_c[j] = dc_total * f
