"""Llama as llama.cpp publishes it, in a GGUF file: read as what transformers would have published."""

import re
from typing import Any, NamedTuple

import numpy as np

from minilm.expect import expect, expect_count

from .gguf import GGUF, Stored
from .names import Published

OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
BLOCK = {  # blk.0 and model.layers.0, and so on
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
ENTRIES = {
    "num_hidden_layers": "llama.block_count",
    "hidden_size": "llama.embedding_length",
    "intermediate_size": "llama.feed_forward_length",
    "max_position_embeddings": "llama.context_length",
    "num_attention_heads": "llama.attention.head_count",
    "rms_norm_eps": "llama.attention.layer_norm_rms_epsilon",
}
EMBEDDINGS = "token_embd.weight"


class Turned(NamedTuple):
    """Queries or keys, whose rotary positions turn channels 2i and 2i + 1 of a head, as the pair i and i + D/2."""

    stored: Stored
    heads: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(outputs, inputs)"""
        return self.stored.shape

    def floats(self) -> np.ndarray:
        """The weights, the first of each pair before the second of each.

        >>> from minilm.kernels.blocks import FORMATS
        >>> Turned(Stored(FORMATS[0], (4, 1), np.array([[0], [2], [1], [3]], "<f4")), heads=1).floats().ravel()
        array([0., 1., 2., 3.], dtype=float32)
        """
        pairs = self.stored.floats().reshape(self.heads, -1, 2, self.shape[1])
        return pairs.swapaxes(1, 2).reshape(self.shape)


def llama_of(file: GGUF) -> tuple[dict[str, Any], dict[str, Published]]:
    """The configuration and the arrays under the names of transformers, as `model_of` takes them.

    Raises
    ------
    ValueError
        If the file holds another model than a Llama, or entries are missing or of the wrong kind.
    """
    config = _config(file)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    return config, {_published(name): _straight(name, stored, heads) for name, stored in file.tensors.items()}


def _config(file) -> dict[str, Any]:
    entries = file.metadata
    architecture = entries.get("general.architecture")
    expect("general.architecture", repr(architecture), architecture == "llama", "'llama'")
    lacking = [name for name in ENTRIES.values() if name not in entries]
    lacking += [EMBEDDINGS] if EMBEDDINGS not in file.tensors else []
    if lacking:
        raise ValueError(f"the file lacks {', '.join(lacking)}")
    config = {theirs: entries[name] for theirs, name in ENTRIES.items()}
    heads = config["num_attention_heads"]
    kv_heads = entries.get("llama.attention.head_count_kv", heads)
    for name, count in {"llama.attention.head_count": heads, "llama.attention.head_count_kv": kv_heads}.items():
        expect_count(name, count)
    return config | {
        "model_type": "llama",
        "vocab_size": file.tensors[EMBEDDINGS].shape[0],
        "num_key_value_heads": kv_heads,
        "head_dim": entries.get("llama.attention.key_length", entries.get("llama.rope.dimension_count")),
        "rope_parameters": _rotary(entries),
        "tie_word_embeddings": "output.weight" not in file.tensors,
    }


def _rotary(entries) -> dict[str, Any]:
    kind = entries.get("llama.rope.scaling.type", "none")
    return {"rope_type": "default" if kind == "none" else kind, "rope_theta": entries.get("llama.rope.freq_base", 1e4)}


def _published(name) -> str:
    """The name that transformers have for a tensor; what they do not have stays as it is, and will be told."""
    outside, block = re.fullmatch(r"(\w+)\.weight", name), re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
    if outside and outside[1] in OUTSIDE:
        return f"{OUTSIDE[outside[1]]}.weight"
    if block and block[2] in BLOCK:
        return f"model.layers.{block[1]}.{BLOCK[block[2]]}.weight"
    return name


def _straight(name, stored, heads) -> Published:
    """The tensor, its rows in our order. (Where they do not make heads, its shape will be refused.)"""
    kind = name.removesuffix(".weight").rpartition(".")[2]
    turned = kind in heads and len(stored.shape) == 2 and stored.shape[0] % (2 * heads[kind]) == 0
    return Turned(stored, heads[kind]) if turned else stored
