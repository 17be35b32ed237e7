"""minilm's GPT and recurrent language model as one writes them in PyTorch: to be compared, and to be timed against."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, turn, cache=None):
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, D)
        q, k = turn(q), turn(k)
        if cache:
            k, v = cache.add(k, v)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[2] > 1)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.outer(F.gelu(self.inner(self.norm2(x)), approximate="tanh"))


class Cache:
    """Keys and values of the tokens so far in one block, with room for those to come."""

    def __init__(self, *shape: int):  # (B, H, context, D)
        self.keys, self.values, self.length = torch.empty(shape), torch.empty(shape), 0

    def add(self, k, v):
        start, self.length = self.length, self.length + k.shape[2]
        self.keys[:, :, start : self.length], self.values[:, :, start : self.length] = k, v
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


class GPT(nn.Module):
    def __init__(self, vocabulary, *, width, layers, heads, context, positions="rotary", dropout=0.0):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width) if positions == "learned" else None
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        pairs = torch.arange(0, width // heads, 2, dtype=torch.float64)
        angles = torch.arange(context)[:, None] / 10_000 ** (pairs * heads / width)
        self.register_buffer("cos", angles.cos(), persistent=False)  # float64 until `load` gives the model its type
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, ids):
        return self.head(self.hidden(ids))

    def hidden(self, ids, caches=None):
        """(B, T, C); with caches, ids are a prompt, or one id a row that follows those in them."""
        start = caches[0].length if caches else 0
        here = slice(start, start + ids.shape[1])
        x = self.embedding(ids)
        if self.positions:
            x = x + self.positions.weight[here]
        for block, cache in zip(self.blocks, caches or [None] * len(self.blocks), strict=True):
            x = block(x, lambda x: x if self.positions else self.turn(x, here), cache)
        return self.norm(x)

    def turn(self, x, here):
        a, b = x.chunk(2, dim=-1)
        cos, sin = self.cos[here], self.sin[here]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)

    @torch.inference_mode()
    def greedy(self, ids, max_new_tokens):
        """The likeliest continuation of ids (1, T), token by token with cached keys and values."""
        heads, pairs = self.blocks[0].heads, self.cos.shape[1]
        caches = [Cache(1, heads, len(self.cos), 2 * pairs) for _ in self.blocks]
        written = []
        for _ in range(max_new_tokens):
            ids = self.head(self.hidden(ids, caches)[:, -1:]).argmax(-1)
            written.append(ids)
        return torch.cat(written, dim=1)[0]


class RecurrentLM(nn.Module):
    def __init__(self, vocabulary, *, embedding, width):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, ids):
        return self.head(self.lstm(self.embedding(ids))[0])


def gpt_layout(a: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of minilm's GPT (parameters or gradients) as PyTorch has them: transposed, and q, k, v in one."""
    theirs = {
        "embedding.weight": a["embedding.table"],
        "norm.weight": a["decoder.norm.gamma"],
        "norm.bias": a["decoder.norm.beta"],
        "head.weight": a["head.W"].T,
    }
    if "positions.table" in a:
        theirs["positions.weight"] = a["positions.table"]
    for number in range(sum(name.endswith("attention.out.W") for name in a)):
        block = {
            name.removeprefix(f"decoder.blocks.{number}."): array
            for name, array in a.items()
            if name.startswith(f"decoder.blocks.{number}.")
        }
        theirs |= {f"blocks.{number}.{name}": array for name, array in block_layout(block).items()}
    return theirs


def block_layout(a):
    projections = [f"attention.{name}" for name in ("query", "key", "value")]
    theirs = {
        "qkv.weight": np.concatenate([a[f"{name}.W"].T for name in projections]),
        "qkv.bias": np.concatenate([a[f"{name}.b"] for name in projections]),
    }
    layers = {"out": "attention.out", "inner": "feed_forward.inner", "outer": "feed_forward.outer"}
    for name, ours in layers.items():
        theirs |= {f"{name}.weight": a[f"{ours}.W"].T, f"{name}.bias": a[f"{ours}.b"]}
    for name, ours in {"norm1": "attention_norm", "norm2": "feed_forward_norm"}.items():
        theirs |= {f"{name}.weight": a[f"{ours}.gamma"], f"{name}.bias": a[f"{ours}.beta"]}
    return theirs


def recurrent_layout(a: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters of minilm's LSTM model as PyTorch has them; of its two biases the second adds nothing."""
    return {
        "embedding.weight": a["embedding.table"],
        "lstm.weight_ih_l0": a["recurrent.cells.0.W"].T,
        "lstm.weight_hh_l0": a["recurrent.cells.0.U"].T,
        "lstm.bias_ih_l0": a["recurrent.cells.0.b"],
        "lstm.bias_hh_l0": np.zeros_like(a["recurrent.cells.0.b"]),
        "head.weight": a["head.W"].T,
        "head.bias": a["head.b"],
    }


def load(model: nn.Module, arrays: dict[str, np.ndarray]) -> nn.Module:
    """The model with these parameters, in their type."""
    state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    model.to(state["embedding.weight"].dtype).load_state_dict(state)
    return model


def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def adamw(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Fused AdamW with minilm's settings: matrices decay, gains and biases do not."""
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)
