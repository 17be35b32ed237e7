"""Named arrays in a safetensors file."""

import errno
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> None:
    """Write the arrays; in C order, as safetensors 0.8.0 scrambles any other in silence.

    Raises
    ------
    OSError
        If the disk is full, or cannot be written.
    """
    ordered = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    try:
        save_file(ordered, path, metadata=dict(metadata or {}))
    except SafetensorError as error:  # its name for a full disk, too
        raise OSError(errno.EIO, str(error)) from error


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or no safetensors file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; check the folder's name")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error}); take a copy, or train again") from error
