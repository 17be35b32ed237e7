"""Let PyTorch compute the golden values, in float64:  python tests/golden/make_golden.py

Writes golden.safetensors: for each case random parameters and inputs, and PyTorch's outputs and gradients.
"""

from pathlib import Path

import numpy as np
import torch
from golden_cases import CASES, Case, flat, waves
from safetensors.numpy import save_file

FILE = Path(__file__).with_name("golden.safetensors")


def draw(name: str, case: Case) -> dict[str, np.ndarray]:
    """Parameters and inputs, which follow from the case's name alone."""
    rng = np.random.default_rng(list(name.encode("utf-8")))
    shapes = {f"parameters/{key}": array.shape for key, array in case.build().state_dict().items()}
    shapes |= {f"inputs/{key}": shape for key, shape in case.inputs.items()}
    return {key: 0.5 * rng.standard_normal(shape) for key, shape in shapes.items()}


def answers(case: Case, drawn: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """PyTorch's outputs, and the gradients of Σ waves · outputs with respect to all that was drawn."""
    leaves = {key: torch.from_numpy(array).clone().requires_grad_() for key, array in drawn.items()}
    p = {key.removeprefix("parameters/"): leaf for key, leaf in leaves.items() if key.startswith("parameters/")}
    inputs = {key: leaves[f"inputs/{key}"] for key in case.inputs}
    settings = {key: torch.from_numpy(array) for key, array in case.settings.items()}
    outputs = flat(case.theirs(torch, p, **inputs, **settings))
    sum((torch.from_numpy(waves(y.shape)) * y).sum() for y in outputs).backward()
    values = {f"outputs/{number}": y.detach() for number, y in enumerate(outputs)}
    gradients = {f"gradients/{key}": leaf.grad for key, leaf in leaves.items()}
    return {key: tensor.contiguous().numpy() for key, tensor in (values | gradients).items()}


def main() -> None:
    arrays = {}
    for name, case in CASES.items():
        drawn = draw(name, case)
        arrays |= {f"{name}/{key}": array for key, array in (drawn | answers(case, drawn)).items()}
    save_file(arrays, FILE, metadata={"made by": f"PyTorch {torch.__version__}, float64"})
    print(f"{FILE.name}: {len(CASES)} cases, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
