"""Golden cases of attention: multi-head, with all its masks, and additive."""

import numpy as np

from minilm import nn
from minilm.data import length_mask

from .case import golden, part
from .layers import linear, rotary_positions

WIDTH, HEADS = 8, 2
KEYS = length_mask([6, 3], 6)  # of two memories of six keys the second has only three


def multi_head_weights(torch, p):
    """PyTorch stacks the three projections."""
    return {
        "in_proj_weight": torch.cat([p["query.W"].T, p["key.W"].T, p["value.W"].T]),
        "in_proj_bias": torch.cat([p["query.b"], p["key.b"], p["value.b"]]),
        "out_proj.weight": p["out.W"].T,
        "out_proj.bias": p["out.b"],
    }


def attend(torch, p, x, memory, **masks):
    layer = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=x.dtype)
    settings = {"need_weights": False, **masks}
    return torch.func.functional_call(layer, multi_head_weights(torch, p), (x, memory, memory), settings)[0]


def hidden(torch, visible):
    """PyTorch's masks are True where there is nothing to see."""
    return ~torch.as_tensor(visible)


def multi_head(rng):
    return nn.MultiHeadAttention(WIDTH, HEADS, rng=rng)


@golden(multi_head, x=(2, 5, WIDTH))
def self_attention(torch, p, x):
    return attend(torch, p, x, x)


@golden(multi_head, lambda layer, x: layer(x, causal=True), x=(2, 5, WIDTH))
def causal_self_attention(torch, p, x):
    return attend(torch, p, x, x, attn_mask=hidden(torch, np.tri(5, dtype=bool)))


@golden(multi_head, x=(2, 5, WIDTH), memory=(2, 6, WIDTH))
def cross_attention(torch, p, x, memory):
    return attend(torch, p, x, memory)


@golden(multi_head, x=(2, 5, WIDTH), memory=(2, 6, WIDTH), mask=KEYS[:, None, None])
def cross_attention_to_padded_memory(torch, p, x, memory, mask):
    return attend(torch, p, x, memory, key_padding_mask=hidden(torch, KEYS))


@golden(
    multi_head,
    lambda layer, x, mask: layer(x, mask=mask, causal=True),
    x=(2, 6, WIDTH), mask=KEYS[:, None, None],
)  # fmt: skip
def causal_self_attention_with_padding(torch, p, x, mask):
    masks = {"attn_mask": hidden(torch, np.tri(6, dtype=bool)), "key_padding_mask": hidden(torch, KEYS)}
    return attend(torch, p, x, x, **masks)


@golden(
    lambda rng: nn.MultiHeadAttention(WIDTH, HEADS, rotary=nn.RotaryPositions(5, WIDTH // HEADS), rng=rng),
    lambda layer, x: layer(x, causal=True),
    x=(2, 5, WIDTH),
)
def rotary_causal_self_attention(torch, p, x):
    def heads(name):
        return linear(torch, part(p, name), x).unflatten(2, (HEADS, -1)).transpose(1, 2)

    q, k = (rotary_positions(torch, {}, heads(name), start=0) for name in ("query", "key"))
    v = heads("value")
    y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return linear(torch, part(p, "out"), y.transpose(1, 2).flatten(2))


def additive_attention(rng):
    return nn.AdditiveAttention(4, 3, 5, rng=rng)


@golden(additive_attention, queries=(2, 4, 4), memory=(2, 6, 3), mask=KEYS)
def additive_attention_to_padded_memory(torch, p, queries, memory, mask):
    """eₜₛ = vᵀ tanh(Wᵀ qₜ + Uᵀ mₛ), weights = softmax over s (Bahdanau et al. 2015, appendix A.1.2)"""
    W, U, v = p["query.W"], p["memory.W"], p["v"][:, 0]
    together = torch.einsum("btc,ch->bth", queries, W)[:, :, None] + torch.einsum("bsm,mh->bsh", memory, U)[:, None]
    energies = torch.einsum("btsh,h->bts", together.tanh(), v)
    weights = torch.softmax(energies.masked_fill(hidden(torch, mask)[:, None], -torch.inf), dim=-1)
    return torch.einsum("bts,bsm->btm", weights, memory), weights


@golden(additive_attention, queries=(2, 4, 4), memory=(2, 6, 3))
def additive_attention_to_all(torch, p, queries, memory):
    return additive_attention_to_padded_memory(torch, p, queries, memory, np.ones_like(KEYS))


@golden(lambda rng: nn.DotAttention(), queries=(2, 4, 3), memory=(2, 6, 3), mask=KEYS)
def dot_attention_to_padded_memory(torch, p, queries, memory, mask):
    """weights = softmax over s of qₜ · mₛ (Luong et al. 2015, equation 8): attention whose values are the keys"""
    energies = torch.einsum("btc,bsc->bts", queries, memory)
    weights = torch.softmax(energies.masked_fill(hidden(torch, mask)[:, None], -torch.inf), dim=-1)
    looked_at = torch.nn.functional.scaled_dot_product_attention(queries, memory, memory, mask[:, None], scale=1.0)
    return looked_at, weights
