"""The element-wise heart of one recurrent step, forward and backward: everything but the matrix products.

Gates stand side by side in the columns of one array, in PyTorch's order: r, u, n for the GRU; i, f, g, o for the LSTM.
"""

import numpy as np

from .elementary import sigmoid as sigmoid_of
from .elementary import tanh as tanh_of
from .pair import Kernel, prange


def sigmoid(x):
    """σ(x) = ½ (1 + tanh ½x), which cannot overflow"""
    return 0.5 * (1 + np.tanh(0.5 * x))


@Kernel
def rnn_gates(z):
    """h = tanh(z)   z (B, H)"""
    return np.tanh(z)


@Kernel
def rnn_gates_backward(dh, h):
    return dh * (1 - h * h)


@Kernel
def gru_gates(x, s, h):
    """h′ = (1-u) n + u h with r = σ(xᵣ + sᵣ), u = σ(xᵤ + sᵤ), n = tanh(xₙ + r sₙ)

    x (B, 3H) comes from the input, s (B, 3H) from the state h (B, H)   ->   gates (B, 3H), h′
    """
    H = h.shape[1]
    r, u = sigmoid(x[:, :H] + s[:, :H]), sigmoid(x[:, H : 2 * H] + s[:, H : 2 * H])
    n = np.tanh(x[:, 2 * H :] + r * s[:, 2 * H :])
    return np.concatenate([r, u, n], axis=1), (1 - u) * n + u * h


@Kernel
def gru_gates_backward(dh_next, gates, s, h):
    """-> dx (B, 3H), ds (B, 3H), and the part of dh that does not pass through s"""
    H = h.shape[1]
    r, u, n = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H :]
    dn = dh_next * (1 - u) * (1 - n * n)
    du = dh_next * (h - n) * u * (1 - u)
    dr = dn * s[:, 2 * H :] * r * (1 - r)
    return np.concatenate([dr, du, dn], axis=1), np.concatenate([dr, du, dn * r], axis=1), dh_next * u


@Kernel
def lstm_gates(z, c):
    """c′ = f c + i g,  h′ = o tanh c′  with i, f, o = σ(z), g = tanh(z)   z (B, 4H)   ->   gates (B, 4H), h′, c′"""
    H = c.shape[1]
    i, f, o = sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H]), sigmoid(z[:, 3 * H :])
    g = np.tanh(z[:, 2 * H : 3 * H])
    c_next = f * c + i * g
    return np.concatenate([i, f, g, o], axis=1), o * np.tanh(c_next), c_next


@Kernel
def lstm_gates_backward(dh_next, dc_next, gates, c, c_next):
    """-> dz (B, 4H), dc (B, H)"""
    H = c.shape[1]
    i, f, g, o = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H : 3 * H], gates[:, 3 * H :]
    tanh_c = np.tanh(c_next)
    do = dh_next * tanh_c
    dc = dc_next + dh_next * o * (1 - tanh_c * tanh_c)
    di, df, dg = dc * g, dc * c, dc * i
    return np.concatenate([di * i * (1 - i), df * f * (1 - f), dg * (1 - g * g), do * o * (1 - o)], axis=1), dc * f


@rnn_gates.loops
def rnn_gates(z):
    h = np.empty_like(z)
    for b in prange(z.shape[0]):
        for j in range(z.shape[1]):
            h[b, j] = tanh_of(z[b, j])
    return h


@rnn_gates_backward.loops
def rnn_gates_backward(dh, h):
    dz = np.empty_like(h)
    for b in prange(h.shape[0]):
        for j in range(h.shape[1]):
            dz[b, j] = dh[b, j] * (np.float32(1) - h[b, j] * h[b, j])
    return dz


@gru_gates.loops
def gru_gates(x, s, h):
    B, H = h.shape
    gates, h_next = np.empty_like(x), np.empty_like(h)
    for b in prange(B):
        r, u, n = gates[b, :H], gates[b, H : 2 * H], gates[b, 2 * H :]
        for j in range(H):
            r[j] = sigmoid_of(x[b, j] + s[b, j])
            u[j] = sigmoid_of(x[b, H + j] + s[b, H + j])
            n[j] = tanh_of(x[b, 2 * H + j] + r[j] * s[b, 2 * H + j])
            h_next[b, j] = (np.float32(1) - u[j]) * n[j] + u[j] * h[b, j]
    return gates, h_next


@gru_gates_backward.loops
def gru_gates_backward(dh_next, gates, s, h):
    B, H = h.shape
    one = np.float32(1)
    dx, ds, dh = np.empty_like(gates), np.empty_like(gates), np.empty_like(h)
    for b in prange(B):
        for j in range(H):
            r, u, n = gates[b, j], gates[b, H + j], gates[b, 2 * H + j]
            dn = dh_next[b, j] * (one - u) * (one - n * n)
            du = dh_next[b, j] * (h[b, j] - n) * u * (one - u)
            dr = dn * s[b, 2 * H + j] * r * (one - r)
            dx[b, j], dx[b, H + j], dx[b, 2 * H + j] = dr, du, dn
            ds[b, j], ds[b, H + j], ds[b, 2 * H + j] = dr, du, dn * r
            dh[b, j] = dh_next[b, j] * u
    return dx, ds, dh


@lstm_gates.loops
def lstm_gates(z, c):
    B, H = c.shape
    gates, h_next, c_next = np.empty_like(z), np.empty_like(c), np.empty_like(c)
    for b in prange(B):
        i, f, g, o = gates[b, :H], gates[b, H : 2 * H], gates[b, 2 * H : 3 * H], gates[b, 3 * H :]
        for j in range(H):
            i[j], f[j] = sigmoid_of(z[b, j]), sigmoid_of(z[b, H + j])
            g[j], o[j] = tanh_of(z[b, 2 * H + j]), sigmoid_of(z[b, 3 * H + j])
            c_next[b, j] = f[j] * c[b, j] + i[j] * g[j]
            h_next[b, j] = o[j] * tanh_of(c_next[b, j])
    return gates, h_next, c_next


@lstm_gates_backward.loops
def lstm_gates_backward(dh_next, dc_next, gates, c, c_next):
    B, H = c.shape
    one = np.float32(1)
    dz, dc = np.empty_like(gates), np.empty_like(c)
    for b in prange(B):
        for j in range(H):
            i, f, g, o = gates[b, j], gates[b, H + j], gates[b, 2 * H + j], gates[b, 3 * H + j]
            tanh_c = tanh_of(c_next[b, j])
            dc_total = dc_next[b, j] + dh_next[b, j] * o * (one - tanh_c * tanh_c)
            dz[b, j] = dc_total * g * i * (one - i)
            dz[b, H + j] = dc_total * c[b, j] * f * (one - f)
            dz[b, 2 * H + j] = dc_total * i * (one - g * g)
            dz[b, 3 * H + j] = dh_next[b, j] * tanh_c * o * (one - o)
            dc[b, j] = dc_total * f
    return dz, dc
