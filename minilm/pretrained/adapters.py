"""Adapters in a file of their own: what a model has learned, without the model."""

from pathlib import Path

import numpy as np

from minilm import nn
from minilm.files import replacing
from minilm.training import save_arrays

from .names import Place, take_over
from .safetensors import read_safetensors

ALPHA = "alpha"  # one number beside the adapters, which have the names of their layers, and .A or .B


def save_adapters(path: str | Path, model: nn.Module) -> None:
    """Write the adapters of a model, a safetensors file.

    Raises
    ------
    ValueError
        If it has none.
    OSError
        If the file cannot be written.
    """
    found = nn.adapters(model)
    if not found:
        raise ValueError("the model has no adapters; expected one that `nn.adapt` gave some")
    alpha = np.array([adapter.alpha for adapter in found.values()][:1], np.float32)
    with replacing(path) as temporary:
        save_arrays(temporary, {name: place.array() for name, place in _places(found).items()} | {ALPHA: alpha})


def load_adapters(path: str | Path, model: nn.Module) -> None:
    """Give a model, the same that they were made for, the adapters of a file; it is changed in place.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is damaged, or of another model: names and shapes that do not fit are listed. Or
        if the model has adapters already.
    """
    if nn.adapters(model):
        raise ValueError("the model has adapters already; make them a part of its matrices first: nn.merge(model)")
    arrays = read_safetensors(path)
    names = sorted(name.removesuffix(".A") for name in arrays if name.endswith(".A"))
    if not names or ALPHA not in arrays or arrays[ALPHA].shape != (1,):
        raise ValueError(f"{path} holds no adapters; expected a file of `save_adapters`")
    alpha = arrays.pop(ALPHA).floats().item()
    try:
        *_, rank = arrays[f"{names[0]}.A"].shape
        nn.adapt(model, names, rank=rank, alpha=alpha, rng=None)
        take_over(_places(nn.adapters(model)), arrays)
    except ValueError as error:
        nn.merge(model)  # nothing was taken over: the model becomes what it was
        raise ValueError(f"{path} is of another model: {error}") from error


def _places(adapters) -> dict[str, Place]:
    parts = {f"{name}.{part}": getattr(adapter, part) for name, adapter in adapters.items() for part in "AB"}
    return {name: Place([tensor], turned=False) for name, tensor in parts.items()}
