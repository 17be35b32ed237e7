"""Golden cases of the Transformer block and its stacks."""

import functools

import numpy as np

from minilm import nn

from .attention import HEADS, KEYS, WIDTH, hidden, multi_head_weights
from .case import golden, part

HIDDEN = 12


def named(prefix, weights):
    return {f"{prefix}.{name}": value for name, value in weights.items()}


def block_weights(torch, p):
    """PyTorch numbers the sublayers of a block, and their norms, in the order in which they act."""
    theirs = named("self_attn", multi_head_weights(torch, part(p, "attention")))
    norms = ["attention_norm", "feed_forward_norm"]
    if "cross_norm.gamma" in p:
        theirs |= named("multihead_attn", multi_head_weights(torch, part(p, "cross")))
        norms.insert(1, "cross_norm")
    for number, layer in ((1, "inner"), (2, "outer")):
        theirs[f"linear{number}.weight"] = p[f"feed_forward.{layer}.W"].T
        theirs[f"linear{number}.bias"] = p[f"feed_forward.{layer}.b"]
    for number, norm in enumerate(norms, start=1):
        theirs[f"norm{number}.weight"], theirs[f"norm{number}.bias"] = p[f"{norm}.gamma"], p[f"{norm}.beta"]
    return theirs


def their_block(torch, kind, x, pre_norm):
    gelu = functools.partial(torch.nn.functional.gelu, approximate="tanh")
    return kind(WIDTH, HEADS, HIDDEN, 0.0, gelu, batch_first=True, norm_first=pre_norm, dtype=x.dtype)


def encoder_block(torch, p, x, pre_norm, **masks):
    block = their_block(torch, torch.nn.TransformerEncoderLayer, x, pre_norm)
    return torch.func.functional_call(block, block_weights(torch, p), x, masks)


def decoder_block(torch, p, x, memory, pre_norm, **masks):
    block = their_block(torch, torch.nn.TransformerDecoderLayer, x, pre_norm)
    return torch.func.functional_call(block, block_weights(torch, p), (x, memory), masks)


def block(**settings):
    return lambda rng: nn.Block(WIDTH, HEADS, hidden=HIDDEN, rng=rng, **settings)


def causal(torch, T):
    return hidden(torch, np.tri(T, dtype=bool))


@golden(block(), x=(2, 5, WIDTH))
def pre_norm_block(torch, p, x):
    return encoder_block(torch, p, x, pre_norm=True)


@golden(block(pre_norm=False), lambda layer, x: layer(x, causal=True), x=(2, 5, WIDTH))
def post_norm_causal_block(torch, p, x):
    return encoder_block(torch, p, x, pre_norm=False, src_mask=causal(torch, 5))


@golden(
    block(cross=True),
    lambda layer, x, memory, mask: layer(x, memory, memory_mask=mask, causal=True),
    x=(2, 5, WIDTH), memory=(2, 6, WIDTH), mask=KEYS[:, None, None],
)  # fmt: skip
def pre_norm_block_with_memory(torch, p, x, memory, mask):
    masks = {"tgt_mask": causal(torch, 5), "memory_key_padding_mask": hidden(torch, KEYS)}
    return decoder_block(torch, p, x, memory, pre_norm=True, **masks)


@golden(block(cross=True, pre_norm=False), x=(2, 5, WIDTH), memory=(2, 6, WIDTH))
def post_norm_block_with_memory(torch, p, x, memory):
    return decoder_block(torch, p, x, memory, pre_norm=False)


def last_norm(torch, p, x):
    return torch.nn.functional.layer_norm(x, (WIDTH,), p["norm.gamma"], p["norm.beta"])


@golden(
    lambda rng: nn.Encoder(2, WIDTH, HEADS, hidden=HIDDEN, rng=rng),
    lambda layer, x, mask: layer(x, mask=mask),
    x=(2, 6, WIDTH), mask=KEYS[:, None, None],
)  # fmt: skip
def encoder_of_padded_sequences(torch, p, x, mask):
    for number in range(2):
        masks = {"src_key_padding_mask": hidden(torch, KEYS)}
        x = encoder_block(torch, part(p, f"blocks.{number}"), x, pre_norm=True, **masks)
    return last_norm(torch, p, x)


@golden(lambda rng: nn.Encoder(2, WIDTH, HEADS, hidden=HIDDEN, pre_norm=False, rng=rng), x=(2, 5, WIDTH))
def post_norm_encoder(torch, p, x):
    for number in range(2):
        x = encoder_block(torch, part(p, f"blocks.{number}"), x, pre_norm=False)
    return x


@golden(lambda rng: nn.Decoder(2, WIDTH, HEADS, hidden=HIDDEN, rng=rng), x=(2, 5, WIDTH))
def decoder(torch, p, x):
    for number in range(2):
        x = encoder_block(torch, part(p, f"blocks.{number}"), x, pre_norm=True, src_mask=causal(torch, 5))
    return last_norm(torch, p, x)


@golden(
    lambda rng: nn.Decoder(2, WIDTH, HEADS, hidden=HIDDEN, cross=True, rng=rng),
    lambda layer, x, memory, mask: layer(x, memory, memory_mask=mask),
    x=(2, 5, WIDTH), memory=(2, 6, WIDTH), mask=KEYS[:, None, None],
)  # fmt: skip
def decoder_with_padded_memory(torch, p, x, memory, mask):
    masks = {"tgt_mask": causal(torch, 5), "memory_key_padding_mask": hidden(torch, KEYS)}
    for number in range(2):
        x = decoder_block(torch, part(p, f"blocks.{number}"), x, memory, pre_norm=True, **masks)
    return last_norm(torch, p, x)
