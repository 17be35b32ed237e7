"""Llama as HuggingFace's transformers publish it."""

import math
from typing import Any

from minilm.expect import expect
from minilm.models import Llama

from .family import Family
from .names import Names, in_blocks

TIED = {"head": "embed_tokens", "decoder.norm": "norm"}
APART = {"embedding": "embed_tokens", "decoder.norm": "norm", "head": "lm_head"}
BLOCK = {  # decoder.blocks.0 and layers.0, and so on
    "attention_norm": "input_layernorm",
    "attention.query": "self_attn.q_proj",
    "attention.key": "self_attn.k_proj",
    "attention.value": "self_attn.v_proj",
    "attention.out": "self_attn.o_proj",
    "feed_forward_norm": "post_attention_layernorm",
    "feed_forward.gate": "mlp.gate_proj",
    "feed_forward.inner": "mlp.up_proj",
    "feed_forward.outer": "mlp.down_proj",
}
SIZES = {
    "vocabulary": "vocab_size", "width": "hidden_size", "layers": "num_hidden_layers", "heads": "num_attention_heads",
    "hidden": "intermediate_size", "context": "max_position_embeddings",
}  # fmt: skip
NUMBERS = {"eps": "rms_norm_eps"}
FIXED = {
    "hidden_act": ("silu",), "attention_bias": (False,), "mlp_bias": (False,), "sliding_window": (None,),
}  # fmt: skip


def _build(config, names, settings) -> Llama:
    head, width = config.get("head_dim"), settings["width"] // settings["heads"]
    expect("head_dim", head, head in (None, width), f"hidden_size / num_attention_heads, {width}")
    kv_heads, tied = config.get("num_key_value_heads"), bool(config.get("tie_word_embeddings", False))
    return Llama(**settings, kv_heads=kv_heads, theta=_theta(config), tied=tied, rng=None)


def _theta(config) -> float:
    """The base of the rotary angles, which three generations of transformers wrote at three places."""
    rotary = config.get("rope_parameters") or config.get("rope_scaling") or {}
    expect("rope_parameters", repr(rotary), isinstance(rotary, dict), "what rotary positions are made of")
    kind = rotary.get("rope_type", rotary.get("type", "default"))
    theta = rotary.get("rope_theta", config.get("rope_theta", 10_000.0))
    expect("rope_type", repr(kind), kind == "default", "'default'")
    expect("rope_theta", repr(theta), isinstance(theta, int | float) and 0 < theta < math.inf, "a number > 0")
    return theta


def _names(model: Llama) -> Names:
    blocks = in_blocks(model.settings["layers"], "decoder.blocks", "layers", BLOCK)
    return (TIED if model.settings["tied"] else APART) | blocks


def _config(model: Llama) -> dict[str, Any]:
    settings = model.settings
    return {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "bos_token_id": None, "eos_token_id": None,
        "intermediate_size": model.decoder.blocks[0].feed_forward.inner.W.shape[1],
        "num_key_value_heads": model.decoder.blocks[0].attention.kv_heads, "rope_theta": settings["theta"],
        "rope_parameters": {"rope_type": "default", "rope_theta": settings["theta"]},
        "tie_word_embeddings": settings["tied"],
    }  # fmt: skip


LLAMA = Family(SIZES, NUMBERS, FIXED, "model.", _build, _names, _config, headed=("lm_head",))
