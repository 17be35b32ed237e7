"""PyTorch's side: eager, two threads, scaled_dot_product_attention, fused AdamW, from minilm's initial weights."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "crosscheck"))

import torch
import torch_models
import workloads
from safetensors.numpy import load_file

torch.set_num_threads(2)


def build(name, weights):
    """A function that does the work once and returns what came out: the loss, or the ids."""
    kind, layout = torch_models.GPT, torch_models.gpt_layout
    if name in workloads.LSTMS:
        kind, layout = torch_models.RecurrentLM, torch_models.recurrent_layout
    model = kind(workloads.vocabulary_of(name), **workloads.model_size(name))
    torch_models.load(model, layout(load_file(weights)))
    if name == "decode":
        prompt = torch.tensor([workloads.PROMPT])
        return lambda: model.greedy(prompt, workloads.NEW_TOKENS).tolist()
    inputs, targets = map(torch.from_numpy, workloads.batch_of(name))
    optimizer = torch_models.adamw(model, 1e-3)

    def step():
        optimizer.zero_grad()
        loss = torch_models.loss_of(model(inputs), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step
