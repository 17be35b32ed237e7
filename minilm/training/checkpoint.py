"""A trainer's checkpoint: all it needs to go on, in one file, so that it is never half old and half new."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minilm.files import replacing

from .arrays import load_arrays, save_arrays

CHECKPOINT = "checkpoint.safetensors"
PARTS = ("model", "optimizer", "best")

Parts = dict[str, dict[str, np.ndarray]]  # part -> name -> array


def write_checkpoint(folder: Path, parts: Mapping[str, Mapping[str, np.ndarray]], state: dict[str, Any]) -> None:
    """Arrays of the three parts, and numbers."""
    arrays = {f"{part}/{name}": array for part in PARTS for name, array in parts[part].items()}
    with replacing(folder / CHECKPOINT) as temporary:
        save_arrays(temporary, arrays, {"trainer": json.dumps(state)})


def read_checkpoint(folder: Path, seed: int) -> tuple[Parts, dict[str, Any]]:
    """What `write_checkpoint` was given.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is none in the folder, it is damaged, or was made with another seed.
    """
    path = folder / CHECKPOINT
    arrays, metadata = load_arrays(path)
    if "trainer" not in metadata:
        raise ValueError(f"{path} holds arrays, but no checkpoint of a trainer")
    state = json.loads(metadata["trainer"])
    if state["seed"] != seed:
        raise ValueError(f"seed is {seed}, expected {state['seed']}, with which the checkpoint in {folder} was made")
    parts: Parts = {part: {} for part in PARTS}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        if part not in parts:
            raise ValueError(f"{path} holds {name!r}, which is no part of a trainer's checkpoint")
        parts[part][rest] = array
    return parts, state
