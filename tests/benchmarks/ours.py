"""minilm's side of the timings."""

from minilm import generate, models, training  # isort: skip  before NumPy, whose threads it sets

import numpy as np
import workloads
from safetensors.numpy import save_file


def build(name, weights):
    """A function that does the work once and returns what came out: the loss, or the ids."""
    kind = models.RecurrentLM if name in workloads.LSTMS else models.GPT
    model = kind(workloads.vocabulary_of(name), **workloads.model_size(name), rng=np.random.default_rng(0))
    save_file(model.state_dict(), weights)
    if name == "decode":
        return lambda: generate.greedy(model, np.array(workloads.PROMPT), workloads.NEW_TOKENS).tolist()
    batch = workloads.batch_of(name)
    optimizer = training.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=0.1)

    def step():
        optimizer.zero_grad()
        loss = model.loss(*batch)
        loss.backward()
        training.clip_gradients(optimizer.parameters, 1.0)
        optimizer.step()
        return loss.item()

    return step
