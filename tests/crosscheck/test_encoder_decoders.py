"""minilm's encoder-decoders and PyTorch's, from the same weights: the same logits, gradients and training curve."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch_models
from torch import nn
from torch.nn import functional as F

from minilm import models, training
from minilm.data import Pairs

PAD, START, END, N = 20, 20, 21, 48
RNG = np.random.default_rng(0)
SOURCES = [RNG.integers(20, size=n) for n in RNG.integers(1, 8, N)]
PAIRS = Pairs(SOURCES, [s[::-1] for s in SOURCES], pad=PAD, start=START, end=END, batch=6, seed=0)  # to write backwards
TOLERANCE = {"float64": 1e-10, "float32": 2e-5}


class Seq2Seq(nn.Module):
    """GRU encoder in both directions, GRU decoder, attention after it."""

    def __init__(self, attention, width):
        super().__init__()
        self.kind = attention
        self.source_embedding, self.embedding = nn.Embedding(21, 12), nn.Embedding(22, 12)
        self.encoder = nn.GRU(12, width // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(12, width, batch_first=True)
        self.head = nn.Linear(width, 22)
        if attention == "additive":
            self.query, self.memory = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
            self.v = nn.Linear(width, 1, bias=False)
        if attention != "none":
            self.combine = nn.Linear(2 * width, width, bias=False)

    def forward(self, source, ids):
        text = source != PAD
        x = nn.utils.rnn.pack_padded_sequence(
            self.source_embedding(source), text.sum(1), batch_first=True, enforce_sorted=False
        )
        memory, last = self.encoder(x)
        memory, _ = nn.utils.rnn.pad_packed_sequence(memory, batch_first=True, total_length=source.shape[1])
        hs, _ = self.decoder(self.embedding(ids), torch.cat(list(last), dim=1)[None])
        if self.kind != "none":
            weights = self.scores(hs, memory).masked_fill(~text[:, None], -torch.inf).softmax(-1)
            hs = self.combine(torch.cat([hs, weights @ memory], dim=2)).tanh()
        return self.head(hs)

    def scores(self, hs, memory):
        if self.kind == "dot":
            return torch.bmm(hs, memory.transpose(1, 2))
        return self.v(torch.tanh(self.query(hs)[:, :, None] + self.memory(memory)[:, None])).squeeze(-1)


def seq2seq_layout(a):
    """Arrays of minilm's model, parameters or gradients, as PyTorch has them."""
    theirs = {"source_embedding.weight": a["source_embedding.table"], "embedding.weight": a["embedding.table"]}
    cells = {"encoder.{}_l0": "encoder.cells.0", "encoder.{}_l0_reverse": "encoder.cells.1",
             "decoder.{}_l0": "decoder.cells.0"}  # fmt: skip
    names = {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "bias_hh": "b_state"}
    for cell, ours in cells.items():
        theirs |= {cell.format(name): a[f"{ours}.{array}"].T for name, array in names.items()}
    linear = {"query": "attention.query.W", "memory": "attention.memory.W", "v": "attention.v", "combine": "combine.W"}
    theirs |= {f"{name}.weight": a[ours].T for name, ours in linear.items() if ours in a}
    return theirs | {"head.weight": a["head.W"].T, "head.bias": a["head.b"]}


class Transformer(nn.Module):
    """nn.Transformer between embeddings with sinusoidal positions and a head."""

    def __init__(self, width, layers, heads, context):
        super().__init__()
        self.source_embedding, self.embedding = nn.Embedding(21, width), nn.Embedding(22, width)
        gelu = functools.partial(F.gelu, approximate="tanh")
        block = {"dropout": 0.0, "activation": gelu, "batch_first": True, "norm_first": True}
        encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(width, heads, 4 * width, **block),
            layers, nn.LayerNorm(width), enable_nested_tensor=False,
        )  # fmt: skip
        self.transformer = nn.Transformer(width, heads, layers, layers, 4 * width, custom_encoder=encoder, **block)
        self.head = nn.Linear(width, 22, bias=False)
        angles = torch.arange(context)[:, None] / 10_000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
        self.register_buffer("waves", waves, persistent=False)

    def forward(self, source, ids):
        x, y = (table(t) + self.waves[: t.shape[1]] for table, t in
                ((self.source_embedding, source), (self.embedding, ids)))  # fmt: skip
        future, padding = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1), source == PAD
        return self.head(
            self.transformer(x, y, tgt_mask=future, src_key_padding_mask=padding, memory_key_padding_mask=padding)
        )


def transformer_layout(a):
    """As `seq2seq_layout`. PyTorch stacks the three projections, and numbers the norms in the order they act in."""
    theirs = {"source_embedding.weight": a["source_embedding.table"], "embedding.weight": a["embedding.table"]}
    for side in ("encoder", "decoder"):
        theirs |= norm_layout(a, f"transformer.{side}.norm", f"{side}.norm")
        for number in range(sum(f"{side}.blocks.{n}.attention.out.W" in a for n in range(9))):
            theirs |= block_layout(a, f"transformer.{side}.layers.{number}", f"{side}.blocks.{number}")
    return theirs | {"head.weight": a["head.W"].T}


def block_layout(a, theirs, ours):
    crosses = f"{ours}.cross.out.W" in a
    layout = attention_layout(a, f"{theirs}.self_attn", f"{ours}.attention")
    layout |= attention_layout(a, f"{theirs}.multihead_attn", f"{ours}.cross") if crosses else {}
    for number, name in ((1, "inner"), (2, "outer")):
        layout[f"{theirs}.linear{number}.weight"] = a[f"{ours}.feed_forward.{name}.W"].T
        layout[f"{theirs}.linear{number}.bias"] = a[f"{ours}.feed_forward.{name}.b"]
    norms = ["attention_norm", *(["cross_norm"] if crosses else []), "feed_forward_norm"]
    for number, name in enumerate(norms, start=1):
        layout |= norm_layout(a, f"{theirs}.norm{number}", f"{ours}.{name}")
    return layout


def attention_layout(a, theirs, ours):
    projections = [f"{ours}.{name}" for name in ("query", "key", "value")]
    return {
        f"{theirs}.in_proj_weight": np.concatenate([a[f"{name}.W"].T for name in projections]),
        f"{theirs}.in_proj_bias": np.concatenate([a[f"{name}.b"] for name in projections]),
        f"{theirs}.out_proj.weight": a[f"{ours}.out.W"].T,
        f"{theirs}.out_proj.bias": a[f"{ours}.out.b"],
    }


def norm_layout(a, theirs, ours):
    return {f"{theirs}.weight": a[f"{ours}.gamma"], f"{theirs}.bias": a[f"{ours}.beta"]}


SIZE = {"width": 16, "layers": 2, "heads": 4, "context": 10}
BOTH = {
    kind: (
        lambda rng, kind=kind: models.Seq2Seq(21, 22, pad=PAD, embedding=12, width=16, attention=kind, rng=rng),
        lambda kind=kind: Seq2Seq(kind, width=16),
        seq2seq_layout,
    )
    for kind in ("none", "additive", "dot")
}
BOTH["Transformer"] = (
    lambda rng: models.EncoderDecoder(21, 22, pad=PAD, **SIZE, rng=rng),
    lambda: Transformer(**SIZE),
    transformer_layout,
)


@pytest.fixture(params=TOLERANCE)
def dtype(request):
    return request.param


every_model = pytest.mark.parametrize("name", BOTH)


def both(name, dtype="float32"):
    """minilm's model, PyTorch's with its weights, and the layout."""
    build, build_theirs, layout = BOTH[name]
    ours = build(np.random.default_rng(0)).astype(dtype)
    theirs = build_theirs()
    state = {key: torch.from_numpy(np.array(array)) for key, array in layout(ours.state_dict()).items()}
    theirs.to(getattr(torch, dtype)).load_state_dict(state)
    return ours, theirs, layout


def their_loss(model, source, ids, targets):
    logits = model(torch.tensor(source), torch.tensor(ids))
    return F.cross_entropy(logits.flatten(0, 1), torch.tensor(targets).flatten(), ignore_index=-1)


def worst_difference(ours, theirs):
    """Relative to the larger number where that exceeds 1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    return (abs(ours - theirs) / np.maximum(1, abs(theirs))).max()


def curves(ours, theirs, steps):
    """The losses of both while they are trained on the same batches."""
    our_optimizer = training.AdamW(ours.parameters(), 6e-3, betas=(0.9, 0.99), weight_decay=0.1)
    optimizers = our_optimizer, torch_models.adamw(theirs, 6e-3)
    losses = []
    for step in range(steps):
        pair = ours.loss(*PAIRS.batch(step)), their_loss(theirs, *PAIRS.batch(step))
        losses.append([loss.item() for loss in pair])
        for loss, optimizer in zip(pair, optimizers, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return np.transpose(losses)


@every_model
def test_logits_are_equal(name, dtype):
    ours, theirs, _ = both(name, dtype)
    for step in range(3):
        source, ids, _ = PAIRS.batch(step)
        expected = theirs(torch.tensor(source), torch.tensor(ids)).detach()
        assert worst_difference(ours(source, ids).data, expected) < TOLERANCE[dtype]


@every_model
def test_gradients_are_equal(name, dtype):
    ours, theirs, layout = both(name, dtype)
    ours.loss(*PAIRS.batch(0)).backward()
    their_loss(theirs, *PAIRS.batch(0)).backward()
    gradients = layout({key: tensor.grad for key, tensor in ours.named_parameters()})
    expected = {key: parameter.grad for key, parameter in theirs.named_parameters()}
    assert set(gradients) == set(expected)
    for key, gradient in gradients.items():
        assert worst_difference(gradient, expected[key]) < TOLERANCE[dtype], key


@every_model
def test_training_curves_are_equal(name, dtype):
    ours, theirs = curves(*both(name, dtype)[:2], steps=40)
    assert ours[-1] < 0.9 * ours[0]
    assert worst_difference(ours, theirs) < 10 * TOLERANCE[dtype]


@every_model
def test_a_model_that_differs_in_one_weight_is_rejected(name):
    ours, theirs, _ = both(name)
    ours.embedding.table.data[START, 0] += 0.5
    source, ids, _ = PAIRS.batch(0)
    expected = theirs(torch.tensor(source), torch.tensor(ids)).detach()
    assert worst_difference(ours(source, ids).data, expected) > 100 * TOLERANCE["float32"]
