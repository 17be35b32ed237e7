"""GPT-2 as HuggingFace's transformers publish it: one layer for queries, keys and values; matrices stand as ours."""

from typing import Any

from minilm.expect import expect
from minilm.models import GPT

from .family import Family
from .names import Names, in_blocks

TIED = {"head": "wte", "positions": "wpe", "decoder.norm": "ln_f"}
APART = {"embedding": "wte", "positions": "wpe", "decoder.norm": "ln_f", "head": "lm_head"}
BLOCK = {  # decoder.blocks.0 and h.0, and so on
    "attention_norm": "ln_1",
    "attention.query attention.key attention.value": "attn.c_attn",
    "attention.out": "attn.c_proj",
    "feed_forward_norm": "ln_2",
    "feed_forward.inner": "mlp.c_fc",
    "feed_forward.outer": "mlp.c_proj",
}
SIZES = {
    "vocabulary": "vocab_size", "width": "n_embd", "layers": "n_layer", "heads": "n_head", "context": "n_positions",
}  # fmt: skip
NUMBERS = {"dropout": "resid_pdrop"}
FIXED = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"), "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,), "scale_attn_by_inverse_layer_idx": (False,), "add_cross_attention": (False,),
}  # fmt: skip


def _build(config, names, settings) -> GPT:
    inner, usual = config.get("n_inner"), 4 * settings["width"]
    expect("n_inner", inner, inner in (None, usual), f"4 n_embd, {usual}")
    return GPT(**settings, positions="learned", tied=bool(config.get("tie_word_embeddings", True)), rng=None)


def _names(model: GPT) -> Names:
    blocks = in_blocks(model.settings["layers"], "decoder.blocks", "h", BLOCK)
    return (TIED if model.settings["tied"] else APART) | blocks


def _config(model: GPT) -> dict[str, Any]:
    settings = model.settings
    if settings["positions"] != "learned":
        raise ValueError(f"positions is {settings['positions']!r}; expected 'learned': GPT-2 has no others")
    return {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "bos_token_id": None, "eos_token_id": None,
        "embd_pdrop": settings["dropout"], "attn_pdrop": 0.0, "tie_word_embeddings": settings["tied"],
    }  # fmt: skip


GPT2 = Family(
    SIZES, NUMBERS, FIXED, "transformer.", _build, _names, _config,
    headed=("lm_head",), straight=("c_attn", "c_proj", "c_fc"),
)  # fmt: skip
