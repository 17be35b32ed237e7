"""minilm's side of the timings."""

from minilm import compress, generate, models, pretrained, training  # isort: skip  before NumPy, whose threads it sets

from pathlib import Path

import numpy as np
import workloads
from safetensors.numpy import save_file


def build(name, weights):
    """A function that does the work once and returns what came out: the loss, or the ids."""
    if name.endswith("smollm2"):
        return published(name, weights)
    if name == "decode-int8":
        return writing(name, compress.quantized(built(name, weights)))
    model = built(name, weights)
    return writing(name, model) if name in workloads.NEW_TOKENS else training_step(model, workloads.size_of(name))


def build_float32(name, weights):
    """The same with the weights as they are: the peer of those with eight bits."""
    return writing(name, built(name, weights))


def built(name, weights):
    """The model, whose weights are left in a file for the others."""
    kind = models.RecurrentLM if name.startswith("lstm") else models.GPT
    learned = {"positions": "learned"} if name.startswith("beam") else {}  # GPT-2 has no others
    model = kind(**workloads.model_size(workloads.size_of(name)), **learned, rng=np.random.default_rng(0))
    save_file(model.state_dict(), weights)
    return model


def published(name, weights):
    """SmolLM2 from the blocks of its file; its floats are left in a folder for transformers."""
    pretrained.save_pretrained(Path(weights).parent, pretrained.load("smollm2", packed=False).model)
    model = pretrained.load("smollm2").model
    if name in workloads.NEW_TOKENS:
        return writing(name, model)
    return lambda: model.start([workloads.LONG_PROMPT])[0].argmax(axis=-1).tolist()


def writing(name, model):
    prompt, count = np.array(workloads.PROMPT), workloads.NEW_TOKENS[name]
    if name.startswith("beam"):
        return lambda: generate.beam_search(model, prompt, count, num_beams=workloads.BEAMS)[0].ids.tolist()
    return lambda: generate.greedy(model, prompt, count).tolist()


def training_step(model, size):
    batch = workloads.batch_of(size)
    optimizer = training.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=0.1)

    def step():
        optimizer.zero_grad()
        loss = model.loss(*batch)
        loss.backward()
        training.clip_gradients(optimizer.parameters, 1.0)
        optimizer.step()
        return loss.item()

    return step
