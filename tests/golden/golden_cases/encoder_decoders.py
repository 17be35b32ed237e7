"""Golden cases of the encoder-decoders, with a padded source: the logits, from embedding to head."""

import numpy as np

from minilm import models

from .attention import HEADS, WIDTH, additive_attention_to_padded_memory, dot_attention_to_padded_memory, hidden
from .case import golden, part
from .layers import linear
from .recurrent import run_layer
from .transformer import causal, decoder_block, encoder_block, last_norm

PAD = 6
SOURCE = np.array([[2, 0, 5, 1], [4, 3, PAD, PAD]])
IDS = np.array([[1, 4, 0], [1, 3, 3]])
LENGTHS = np.array([4, 2])
VISIBLE = SOURCE != PAD


def recurrent(attention, **settings):
    return lambda rng: models.Seq2Seq(7, 5, pad=PAD, embedding=3, attention=attention, rng=rng, **settings)


def encoded(torch, kind, p, source, layers=1, directions=1):
    """Memory, and the decoder's first states: those of both directions side by side."""
    x = torch.nn.functional.embedding(source, p["source_embedding.table"])
    settings = {"layers": layers, "directions": directions, "lengths": torch.from_numpy(LENGTHS)}
    return run_layer(torch, kind, part(p, "encoder"), x, **settings)


def decoded(torch, kind, p, ids, state, layers=1):
    x = torch.nn.functional.embedding(ids, p["embedding.table"])
    return run_layer(torch, kind, part(p, "decoder"), x, state, layers=layers)[0]


@golden(recurrent("none", width=4, bidirectional=False), source=SOURCE, ids=IDS)
def seq2seq_with_a_fixed_vector(torch, p, source, ids):
    _, (h,) = encoded(torch, torch.nn.GRU, p, source)
    return linear(torch, part(p, "head"), decoded(torch, torch.nn.GRU, p, ids, h[None]))


@golden(recurrent("additive", width=8), source=SOURCE, ids=IDS)
def seq2seq_with_additive_attention(torch, p, source, ids):
    memory, (forward, backward) = encoded(torch, torch.nn.GRU, p, source, directions=2)
    hs = decoded(torch, torch.nn.GRU, p, ids, torch.cat([forward, backward], dim=1)[None])
    context, _ = additive_attention_to_padded_memory(torch, part(p, "attention"), hs, memory, VISIBLE)
    return linear(torch, part(p, "head"), (torch.cat([hs, context], dim=2) @ p["combine.W"]).tanh())


@golden(recurrent("dot", width=4, cell="lstm", layers=2, bidirectional=False), source=SOURCE, ids=IDS)
def seq2seq_with_dot_attention(torch, p, source, ids):
    memory, states = encoded(torch, torch.nn.LSTM, p, source, layers=2)
    state = tuple(torch.stack(parts) for parts in zip(*states, strict=True))
    hs = decoded(torch, torch.nn.LSTM, p, ids, state, layers=2)
    context, _ = dot_attention_to_padded_memory(torch, {}, hs, memory, torch.from_numpy(VISIBLE))
    return linear(torch, part(p, "head"), (torch.cat([hs, context], dim=2) @ p["combine.W"]).tanh())


def transformer(vocabulary, **settings):
    size = {"width": WIDTH, "layers": 2, "heads": HEADS, "context": 4}
    return lambda rng: models.EncoderDecoder(7, vocabulary, pad=PAD, rng=rng, **size, **settings)


def through_blocks(torch, p, x, y, pre_norm):
    """Encoder and decoder, each with a last norm if pre-norm."""
    padding, future = hidden(torch, VISIBLE), causal(torch, y.shape[1])
    for number in range(2):
        x = encoder_block(torch, part(p, f"encoder.blocks.{number}"), x, pre_norm, src_key_padding_mask=padding)
    x = last_norm(torch, part(p, "encoder"), x) if pre_norm else x
    masks = {"tgt_mask": future, "memory_key_padding_mask": padding}
    for number in range(2):
        y = decoder_block(torch, part(p, f"decoder.blocks.{number}"), y, x, pre_norm, **masks)
    return last_norm(torch, part(p, "decoder"), y) if pre_norm else y


def waves_of(torch, x):
    """p[t, 2i] = sin(t / 10000^(2i/C)), p[t, 2i+1] = cos(same) (Vaswani et al. 2017, 3.5)"""
    t, i = torch.arange(x.shape[1], dtype=x.dtype)[:, None], torch.arange(0, WIDTH, 2, dtype=x.dtype)
    angles = t / 10_000 ** (i / WIDTH)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


@golden(transformer(5), source=SOURCE, ids=IDS)
def encoder_decoder(torch, p, source, ids):
    x = torch.nn.functional.embedding(source, p["source_embedding.table"])
    y = torch.nn.functional.embedding(ids, p["embedding.table"])
    hs = through_blocks(torch, p, x + waves_of(torch, x), y + waves_of(torch, y), pre_norm=True)
    return hs @ p["head.W"]


@golden(transformer(7, positions="learned", shared=True, pre_norm=False), source=SOURCE, ids=IDS)
def post_norm_encoder_decoder_with_one_table(torch, p, source, ids):
    table = p["source_embedding.table"]
    x = WIDTH**0.5 * torch.nn.functional.embedding(source, table) + p["source_positions.table"][: source.shape[1]]
    y = WIDTH**0.5 * torch.nn.functional.embedding(ids, table) + p["positions.table"][: ids.shape[1]]
    return through_blocks(torch, p, x, y, pre_norm=False) @ table.T
