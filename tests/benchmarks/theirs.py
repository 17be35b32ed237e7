"""PyTorch's side: two threads, scaled_dot_product_attention, fused AdamW, from minilm's initial weights."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "crosscheck"))

import torch
import torch_models
import turns
import workloads
from safetensors.numpy import load_file

torch.set_num_threads(2)


def build(name, weights):
    """A function that does the work once and returns what came out: the loss, or the ids."""
    model = built(name, weights)
    if name in workloads.NEW_TOKENS:
        prompt = torch.tensor([workloads.PROMPT])
        return lambda: model.greedy(prompt, workloads.NEW_TOKENS[name]).tolist()
    return training_step(name, model, model)


def build_compiled(name, weights):
    """A training step with the forward and backward pass compiled by torch.compile, which calls a C++ compiler."""
    model = built(name, weights)
    step = training_step(name, model, torch.compile(model))

    def step_if_it_compiles():
        try:
            return step()
        except torch._inductor.exc.InductorError as error:
            raise turns.Unavailable(str(error).strip().splitlines()[0]) from error

    return step_if_it_compiles


def built(name, weights):
    kind, layout = torch_models.GPT, torch_models.gpt_layout
    if name.startswith("lstm"):
        kind, layout = torch_models.RecurrentLM, torch_models.recurrent_layout
    size = workloads.model_size(workloads.size_of(name))
    if name.startswith("lstm"):
        del size["context"]
    return torch_models.load(kind(**size), layout(load_file(weights)))


def training_step(name, model, forward):
    inputs, targets = map(torch.from_numpy, workloads.batch_of(workloads.size_of(name)))
    optimizer = torch_models.adamw(model, 1e-3)

    def step():
        optimizer.zero_grad()
        loss = torch_models.loss_of(forward(inputs), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step
