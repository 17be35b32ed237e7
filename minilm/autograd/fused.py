"""Operations whose rule calls a kernel: one node on the tape, and one pass over memory, for what would be many."""

import numpy as np

from minilm import kernels
from minilm.kernels import by_head
from minilm.kernels.packed import unpacked

from .operations import _rows, check_ids
from .tensor import operation


@operation
def linear(x, W, *b):
    """Y = X W + b        dX = dY Wᵀ        dW = Xᵀ dY        db = Σ dY

    x (..., C)   W (C, F)   b (F,), which may be left out   ->   (..., F).   All rows of x in one product.
    """
    rows = _rows_to_multiply(x, W, *b)
    y = kernels.linear(rows, W, b[0] if b else np.zeros(W.shape[1], W.dtype))

    def backward(dy):
        dx, dW, db = kernels.linear_backward(_rows(dy), rows, W)
        return dx.reshape(x.shape), dW, *([db] if b else [])

    return y.reshape(*x.shape[:-1], W.shape[1]), backward


def _rows_to_multiply(x, W, *b):
    """The rows of x, in the type that their product with W has."""
    if x.shape[-1:] != W.shape[:1] or W.ndim != 2:
        raise ValueError(f"x {x.shape} and W {W.shape} do not fit; expected (..., C) and (C, F)")
    if b and b[0].shape != W.shape[1:]:
        raise ValueError(f"b has shape {b[0].shape}, expected one number per column of W, {W.shape[1:]}")
    return _rows(x) if x.dtype == W.dtype else _rows(x).astype(np.result_type(x, W))


@operation
def frozen_linear(x, *, W, b=None):
    """Y = X W + b        dX = dY Wᵀ;  W and b do not learn, and so their gradients need not be computed"""
    y, _ = linear.rule(x, W, *([] if b is None else [b]))
    return y, lambda dy: (kernels.frozen_linear_backward(_rows(dy), W).reshape(x.shape),)


@operation
def quantized_linear(x, *, q, scale, b):
    """Y = (X Q) scale + b        dX = (dY scale) Qᵀ;  the whole numbers Q (C, F) cannot learn

    x (..., C)   ->   (..., F)
    """
    y = kernels.quantized_linear(_rows_to_multiply(x, q), q, scale, b)
    return y.reshape(*x.shape[:-1], len(b)), lambda dy: ((dy * scale) @ q.T.astype(dy.dtype),)


@operation
def packed_linear(x, *, packed, kind):
    """Y = X Wᵀ        dX = dY W;  W (F, C), in the blocks that `kernels.packed_linear` takes, cannot learn

    x (..., C)   ->   (..., F)
    """
    y = kernels.packed_linear(_rows(x), packed, kind)
    return y.reshape(*x.shape[:-1], len(packed)), lambda dy: (dy @ unpacked(packed, kind).astype(dy.dtype),)


@operation
def layer_norm(x, gamma, beta, *, eps=1e-5):
    """y = γ (x - mean) / √(variance + eps) + β, over the last axis (Ba et al. 2016, arXiv:1607.06450)"""
    _check_width(x, gamma, beta)
    y, mean, rstd = kernels.layer_norm(_rows(x), gamma, beta, eps)

    def backward(dy):
        dx, dgamma, dbeta = kernels.layer_norm_backward(_rows(dy), _rows(x), gamma, mean, rstd)
        return dx.reshape(x.shape), dgamma, dbeta

    return y.reshape(x.shape), backward


@operation
def rms_norm(x, gamma, *, eps=1e-5):
    """y = γ x / √(mean(x²) + eps), over the last axis (Zhang and Sennrich 2019, arXiv:1910.07467)"""
    _check_width(x, gamma)
    y, rstd = kernels.rms_norm(_rows(x), gamma, eps)

    def backward(dy):
        dx, dgamma = kernels.rms_norm_backward(_rows(dy), _rows(x), gamma, rstd)
        return dx.reshape(x.shape), dgamma

    return y.reshape(x.shape), backward


def _check_width(x, gamma, *beta):
    if x.shape[-1:] != gamma.shape:
        raise ValueError(f"x has shape {x.shape}, expected its last axis to be as long as gamma, {gamma.size}")
    if beta and beta[0].shape != gamma.shape:
        raise ValueError(f"beta has shape {beta[0].shape}, expected that of gamma, {gamma.shape}")


@operation
def gelu(x):
    """y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel 2016, arXiv:1606.08415)"""
    y = kernels.gelu(_rows(x)).reshape(x.shape)
    return y, lambda dy: (kernels.gelu_backward(_rows(dy), _rows(x)).reshape(x.shape),)


@operation
def gelu_exact(x):
    """y = x Φ(x), which the tanh of `gelu` comes near to: they differ by 0.0005 at most"""
    y = kernels.gelu_exact(_rows(x)).reshape(x.shape)
    return y, lambda dy: (kernels.gelu_exact_backward(_rows(dy), _rows(x)).reshape(x.shape),)


@operation
def swiglu(gate, x):
    """y = g σ(g) x: the gate g, where it is large, lets x through (Shazeer 2020, arXiv:2002.05202, equation 5)"""
    if gate.shape != x.shape:
        raise ValueError(f"gate {gate.shape} and x {x.shape} do not fit; expected one shape")
    y = kernels.swiglu(_rows(gate), _rows(x)).reshape(x.shape)

    def backward(dy):
        return tuple(d.reshape(x.shape) for d in kernels.swiglu_backward(_rows(dy), _rows(gate), _rows(x)))

    return y, backward


@operation
def scatter(a, *, ids, size):
    """Y[b, t, v] = Σ A[b, t, s] over the s with ids[b, s] = v        dA[b, t, s] = dY[b, t, ids[b, s]]

    a (B, T, S)   ids (B, S)   ->   (B, T, size): what was given to places, given to what stands there.
    """
    B, T, _ = a.shape
    at = np.arange(B)[:, None, None], np.arange(T)[None, :, None], check_ids("ids", ids, size)[:, None, :]
    y = np.zeros((B, T, size), a.dtype)
    np.add.at(y, at, a)  # y[at] += a would count an id that stands at two places once
    return y, lambda dy: (dy[at],)


@operation
def cross_entropy(logits, *, targets, ignore_index=-1, label_smoothing=0.0):
    """The mean over the targets that count of -ln softmax(logits)[target], in nats.

    logits (..., V)   targets (...) ids; `ignore_index` marks those that do not count. With label smoothing ε the
    target is 1 - ε at its id plus ε / V everywhere (Szegedy et al. 2016, arXiv:1512.00567, section 7).
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing is {label_smoothing}, expected 0 <= label_smoothing < 1, such as 0.1")
    rows, targets = _rows(logits), _checked_targets(logits, targets, ignore_index)
    losses, *sums = kernels.cross_entropy(rows, targets, ignore_index, label_smoothing)
    counted = (targets != ignore_index).sum()

    def backward(dy):
        weights = np.full(len(rows), dy / counted, rows.dtype)
        dx = kernels.cross_entropy_backward(weights, rows, *sums, targets, ignore_index, label_smoothing)
        return (dx.reshape(logits.shape),)

    return losses.sum(dtype=np.float64).astype(rows.dtype) / rows.dtype.type(counted), backward


def _checked_targets(logits, targets, ignore_index):
    targets = np.asarray(targets)
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets has shape {targets.shape}, expected {logits.shape[:-1]}, that of logits without V")
    counted = targets[targets != ignore_index]
    if not counted.size:
        raise ValueError(f"targets: every one is ignore_index = {ignore_index}; a mean over none does not exist")
    check_ids("targets", counted, logits.shape[-1])
    return targets.reshape(-1).astype(np.int64)


@operation
def attention(q, k, v, *, mask=None, causal=False):
    """O = softmax(Q Kᵀ / √D) V (Vaswani et al. 2017, arXiv:1706.03762, equation 1)

    q (B, H, T, D)   k, v (B, H, S, D)   mask, to (B, H, T, S): True where a query may look   ->   (B, H, T, D)
    A query that may look nowhere gets zeros. If causal, query t also sees no key after its own place; the last
    query stands at the last key. Of keys there may be fewer heads, each for H / heads of the queries, one after another
    (Ainslie et al. 2023, arXiv:2305.13245).
    """
    if k.shape != v.shape or q.shape[::3] != k.shape[::3] or q.shape[1] % k.shape[1]:
        raise ValueError(f"attention: q {q.shape}, k {k.shape}, v {v.shape} do not fit; expected (B, H, T or S, D)")
    mask, group = _four_axes(mask, (*q.shape[:3], k.shape[2])), q.shape[1] // k.shape[1]
    q, k, v = by_head(q, k, v)  # as the kernels want them; what came out of split_heads is no copy then
    k, v = (a.repeat(group, axis=2) if group > 1 else a for a in (k, v))
    y, L = kernels.attention(q, k, v, mask, causal)

    def backward(dy):
        dq, *of_heads = by_head(*kernels.attention_backward(*by_head(dy), q, k, v, y, L, mask, causal))
        return dq, *(_sum_of_groups(d, group) for d in of_heads)

    return y.swapaxes(1, 2), backward


def _sum_of_groups(d, group):
    """(B, H, S, D) -> (B, H / group, S, D)"""
    return d.reshape(len(d), -1, group, *d.shape[2:]).sum(axis=2) if group > 1 else d


def _four_axes(mask, shape):
    """The mask as (B or 1, H or 1, T or 1, S), so that a kernel need not be handed all its copies."""
    mask = np.asarray(True if mask is None else mask)
    if mask.dtype != bool:
        raise TypeError(f"mask has dtype {mask.dtype}, expected bool, True where a query may look")
    try:
        np.broadcast_shapes(mask.shape, shape)
    except ValueError:
        raise ValueError(f"mask has shape {mask.shape}, which does not broadcast to (B, H, T, S) = {shape}") from None
    mask = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    return np.broadcast_to(mask, (*mask.shape[:3], shape[3]))


@operation
def rotary(x, *, cos, sin):
    """Each pair (xᵢ, xᵢ₊ᴅ⸝₂) turned by its angle; backward turns back (Su et al. 2021, arXiv:2104.09864, equation 34).

    x (B, H, T, D)   cos, sin (T, D/2)
    """
    expected = (x.shape[2], x.shape[3] // 2)
    if not cos.shape == sin.shape == expected:
        raise ValueError(f"cos {cos.shape} and sin {sin.shape} do not fit x {x.shape}; expected (T, D/2) = {expected}")

    def turned(x, sin):
        return kernels.rotate(x.swapaxes(1, 2), cos, sin).swapaxes(1, 2)

    return turned(x, sin), lambda dy: (turned(dy, -sin),)


# recurrent layers over time, whose x is what `linear` makes of the inputs: all steps in one product


@operation
def rnn(x, h, U):
    """hₜ = tanh(xₜ + hₜ₋₁ U) for every t.   x (B, T, H)   h (B, H)   ->   (B, T, H)"""
    hs = kernels.rnn(x, h, U)
    return hs, lambda dy: kernels.rnn_backward(dy, hs, h, U)


@operation
def gru(x, h, U, b):
    """Cho et al. 2014's unit with the reset gate after the product (arXiv:1406.1078; as in cuDNN).

    [sr su sn] = hₜ₋₁ U + b,  r = σ(xr + sr),  u = σ(xu + su),  n = tanh(xn + r sn),  hₜ = (1 - u) n + u hₜ₋₁.
    x (B, T, 3H), xₜ = [xr xu xn]   h (B, H)   ->   (B, T, H)
    """
    hs, gates, s = kernels.gru(x, h, U, b)

    def backward(dy):
        dx, ds, dh, dU = kernels.gru_backward(dy, hs, gates, s, h, U)
        return dx, dh, dU, _rows(ds).sum(axis=0)

    return hs, backward


@operation
def lstm(x, h, c, U):
    """[i f g o] = xₜ + hₜ₋₁ U,  cₜ = σ(f) cₜ₋₁ + σ(i) tanh(g),  hₜ = σ(o) tanh(cₜ) (Hochreiter 1997, Gers 2000)

    x (B, T, 4H)   h, c (B, H)   ->   (2, B, T, H): all h, and all c
    """
    states, gates = kernels.lstm(x, h, c, U)
    return states, lambda dy: kernels.lstm_backward(dy, states, gates, h, c, U)
