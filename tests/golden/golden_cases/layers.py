"""Golden cases of the layers without memory, of positions, and of the loss."""

import numpy as np

from minilm import autograd, nn

from .case import golden, part

EPS = 0.1  # of the norms: large, so that a wrong place for it shows


class CrossEntropy(nn.Module):
    """The loss as a layer that has no parameters."""

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def __call__(self, logits, targets):
        return autograd.cross_entropy(logits, targets=targets, ignore_index=-1, label_smoothing=self.label_smoothing)


IDS = np.array([[4, 0, 4], [1, 4, 2]])  # id 4 three times, id 3 never
TARGETS = np.array([[2, -1, 0], [5, 5, -1]])


@golden(lambda rng: nn.Linear(3, 5, rng=rng), x=(2, 4, 3))
def linear(torch, p, x):
    return torch.nn.functional.linear(x, p["W"].T, p["b"])


@golden(lambda rng: nn.Linear(3, 5, bias=False, rng=rng), x=(2, 4, 3))
def linear_without_bias(torch, p, x):
    return torch.nn.functional.linear(x, p["W"].T)


@golden(lambda rng: nn.Embedding(5, 3, rng=rng), ids=IDS)
def embedding(torch, p, ids):
    return torch.nn.functional.embedding(ids, p["table"])


@golden(lambda rng: nn.LayerNorm(6, eps=EPS), x=(2, 4, 6))
def layer_norm(torch, p, x):
    return torch.nn.functional.layer_norm(x, (6,), p["gamma"], p["beta"], eps=EPS)


@golden(lambda rng: nn.RMSNorm(6, eps=EPS), x=(2, 4, 6))
def rms_norm(torch, p, x):
    return torch.nn.functional.rms_norm(x, (6,), p["gamma"], eps=EPS)


@golden(lambda rng: nn.FeedForward(4, 7, rng=rng), x=(2, 3, 4))
def feed_forward(torch, p, x):
    hidden = torch.nn.functional.gelu(linear(torch, part(p, "inner"), x), approximate="tanh")
    return linear(torch, part(p, "outer"), hidden)


@golden(lambda rng: nn.SwiGLU(4, 7, rng=rng), x=(2, 3, 4))
def swiglu(torch, p, x):
    gate, hidden = (torch.nn.functional.linear(x, p[f"{name}.W"].T) for name in ("gate", "inner"))
    return torch.nn.functional.linear(torch.nn.functional.silu(gate) * hidden, p["outer.W"].T)


@golden(lambda rng: nn.TiedEmbedding(nn.Linear(3, 5, bias=False, rng=rng)), ids=IDS)
def tied_embedding(torch, p, ids):
    return torch.nn.functional.embedding(ids, p["W"].T)


@golden(lambda rng: nn.LoRA(nn.Linear(3, 5, rng=rng), rank=2, alpha=4.0, rng=rng), x=(2, 4, 3))
def lora(torch, p, x):
    return linear(torch, part(p, "layer"), x) + 2 * x @ p["A"] @ p["B"]  # α/r


@golden(lambda rng: CrossEntropy(), logits=(2, 3, 6), targets=TARGETS)
def cross_entropy(torch, p, logits, targets, label_smoothing=0.0):
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=-1, label_smoothing=label_smoothing
    )


@golden(lambda rng: CrossEntropy(label_smoothing=0.2), logits=(2, 3, 6), targets=TARGETS)
def cross_entropy_with_label_smoothing(torch, p, logits, targets):
    return cross_entropy(torch, p, logits, targets, label_smoothing=0.2)


@golden(lambda rng: nn.LearnedPositions(7, 4, rng=rng), lambda layer, x: layer(x, offset=2), x=(2, 5, 4))
def learned_positions(torch, p, x):
    return x + p["table"][2:7]


@golden(lambda rng: nn.SinusoidalPositions(7, 5), lambda layer, x: layer(x, offset=2), x=(2, 5, 5))
def sinusoidal_positions(torch, p, x):
    """p[t, c] = sin(t / 10000^(c/C)) for even c, cos(t / 10000^((c-1)/C)) for odd c (Vaswani et al. 2017, 3.5)"""
    t, c = torch.arange(2, 7, dtype=x.dtype)[:, None], torch.arange(5, dtype=x.dtype)
    angles = t / 10_000 ** ((c - c % 2) / 5)
    return x + torch.where(c % 2 == 0, angles.sin(), angles.cos())


@golden(lambda rng: nn.RotaryPositions(7, 6), lambda layer, x: layer(x, offset=2), x=(2, 3, 5, 6))
def rotary_positions(torch, p, x, start=2):
    """The pair (xᵢ, xᵢ₊ᴅ⸝₂) as a complex number, turned by the angle t / 10000^(2i/D) (Su et al. 2021, equation 13)"""
    T, D = x.shape[-2:]
    t, i = torch.arange(start, start + T, dtype=x.dtype)[:, None], torch.arange(D // 2, dtype=x.dtype)
    angles = t / 10_000 ** (2 * i / D)
    turned = torch.complex(x[..., : D // 2], x[..., D // 2 :]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], dim=-1)
