"""A tokenizer of bytes, and a Llama for it that is small, untrained, and written as a GGUF file."""

import re

import numpy as np
from gguf_file import gguf_bytes, stored

from minilm.data import PublishedBPE
from minilm.data.published_bpe import SPELLING
from minilm.models import Llama
from minilm.pretrained.folder import config_of, published

SYMBOLS = ["<s>", "</s>", *map(SPELLING.get, range(256)), "Ġt", "he", "Ġthe"]
MERGES = ["Ġ t", "h e", "Ġt he"]
TOKENIZER = PublishedBPE(SYMBOLS, [merge.split() for merge in MERGES], special=["<s>", "</s>"])
TEMPLATE = "{% for m in messages %}{{ bos_token + m.role + ':' + m.content + eos_token }}{% endfor %}{{ bos_token }}a:"
BACK = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "embed_tokens": "token_embd", "lm_head": "output", "norm": "output_norm",
}  # fmt: skip


def llama(tied=True):
    return Llama(
        len(SYMBOLS), width=32, layers=2, heads=4, kv_heads=2, hidden=64, context=64, theta=5000.0, tied=tied,
        rng=np.random.default_rng(0),
    ).eval()  # fmt: skip


def interleaved(array, heads):
    """Rows of each head as llama.cpp has them: the first of the first half, the first of the second, and so on."""
    half = len(array) // heads // 2
    first = np.arange(heads)[:, None, None] * 2 * half + np.arange(half)[:, None]
    return array[(first + np.array([0, half])).ravel()]


def entries(model, **changes):
    """What a GGUF file says of the model and the tokenizer."""
    config = config_of(model)
    said = {
        "general.architecture": (8, "llama"),
        "llama.block_count": (4, config["num_hidden_layers"]),
        "llama.context_length": (4, config["max_position_embeddings"]),
        "llama.embedding_length": (4, config["hidden_size"]),
        "llama.feed_forward_length": (4, config["intermediate_size"]),
        "llama.attention.head_count": (4, config["num_attention_heads"]),
        "llama.attention.head_count_kv": (4, config["num_key_value_heads"]),
        "llama.attention.layer_norm_rms_epsilon": (6, config["rms_norm_eps"]),
        "llama.rope.freq_base": (6, config["rope_theta"]),
        "tokenizer.ggml.model": (8, "gpt2"),
        "tokenizer.ggml.pre": (8, "gpt-2"),
        "tokenizer.ggml.tokens": (9, (8, SYMBOLS)),
        "tokenizer.ggml.merges": (9, (8, MERGES)),
        "tokenizer.ggml.token_type": (9, (5, [3, 3] + [1] * (len(SYMBOLS) - 2))),
        "tokenizer.ggml.bos_token_id": (4, 0),
        "tokenizer.ggml.eos_token_id": (4, 1),
        "tokenizer.chat_template": (8, TEMPLATE),
    } | {name.replace("__", "."): value for name, value in changes.items()}  # fmt: skip
    return [(name, *value) for name, value in said.items() if value is not None]


def arrays(model, turn=interleaved):
    """The model's tensors by the names that GGUF has for them."""
    heads = {"attn_q": model.settings["heads"], "attn_k": model.settings["kv_heads"]}
    for name, array in published(model).items():
        block, theirs = re.fullmatch(r"(?:model\.)?(layers\.\d+\.)?(.+)\.weight", name).groups("")
        own = f"{block.replace('layers', 'blk')}{BACK[theirs]}.weight"
        yield own, turn(array, heads[BACK[theirs]]) if BACK[theirs] in heads else array


def gguf(model, kind="F32", turn=interleaved, **changes):
    """The file; vectors are never in blocks."""
    tensors = [
        (name, kind if array.ndim == 2 else "F32", array.shape, stored(array, kind if array.ndim == 2 else "F32"))
        for name, array in arrays(model, turn)
    ]
    return gguf_bytes(entries(model, **changes), tensors)
