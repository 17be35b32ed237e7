"""transformers on minilm's weights: beam search with its GPT, which with learned positions is GPT-2; and SmolLM2."""

from pathlib import Path

import numpy as np
import torch
import workloads
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

torch.set_num_threads(2)


def build(name, weights):
    """A function that writes, or reads, once and returns ids: of the best continuation, of the next token."""
    if name.endswith("smollm2"):
        return published(name, Path(weights).parent)
    model = gpt2(load_file(weights), **workloads.model_size(workloads.size_of(name)))
    prompt = torch.tensor([workloads.PROMPT])
    settings = {"num_beams": workloads.BEAMS, "max_new_tokens": workloads.NEW_TOKENS[name], "do_sample": False}
    seen = torch.ones_like(prompt)
    return lambda: model.generate(prompt, attention_mask=seen, **settings)[0, prompt.shape[1] :].tolist()


def published(name, folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    if name in workloads.NEW_TOKENS:
        prompt = torch.tensor([workloads.PROMPT])
        settings = {"max_new_tokens": workloads.NEW_TOKENS[name], "do_sample": False}
        seen = torch.ones_like(prompt)
        return lambda: model.generate(prompt, attention_mask=seen, **settings)[0, prompt.shape[1] :].tolist()
    prompt = torch.tensor([workloads.LONG_PROMPT])

    def read():
        with torch.inference_mode():
            return model(prompt, logits_to_keep=1).logits[:, -1].argmax(axis=-1).tolist()

    return read


def gpt2(arrays, vocabulary, width, layers, heads, context):
    no_special = dict.fromkeys(["bos_token_id", "eos_token_id", "pad_token_id"])
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=vocabulary, n_embd=width, n_layer=layers, n_head=heads, n_positions=context,
        activation_function="gelu_new", tie_word_embeddings=False, **no_special,
    ))  # fmt: skip
    state = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in gpt2_layout(arrays, layers).items()}
    model.load_state_dict(state)
    return model.eval()


def gpt2_layout(arrays, layers):
    """minilm's arrays by GPT-2's names; its linear layers, too, are x W + b."""
    theirs = {
        "transformer.wte.weight": arrays["embedding.table"],
        "transformer.wpe.weight": arrays["positions.table"],
        "transformer.ln_f.weight": arrays["decoder.norm.gamma"],
        "transformer.ln_f.bias": arrays["decoder.norm.beta"],
        "lm_head.weight": arrays["head.W"].T,
    }
    for number in range(layers):
        theirs |= {
            f"transformer.h.{number}.{name}": array
            for name, array in block_layout(arrays, f"decoder.blocks.{number}.").items()
        }
    return theirs


def block_layout(arrays, block):
    def side_by_side(kind):
        names = (f"{block}attention.{part}.{kind}" for part in ("query", "key", "value"))
        return np.concatenate([arrays[name] for name in names], axis=-1)

    theirs = {"attn.c_attn.weight": side_by_side("W"), "attn.c_attn.bias": side_by_side("b")}
    layers = {"attn.c_proj": "attention.out", "mlp.c_fc": "feed_forward.inner", "mlp.c_proj": "feed_forward.outer"}
    for name, ours in layers.items():
        theirs |= {f"{name}.weight": arrays[f"{block}{ours}.W"], f"{name}.bias": arrays[f"{block}{ours}.b"]}
    for name, ours in {"ln_1": "attention_norm", "ln_2": "feed_forward_norm"}.items():
        theirs |= {f"{name}.weight": arrays[f"{block}{ours}.gamma"], f"{name}.bias": arrays[f"{block}{ours}.beta"]}
    return theirs
