"""Safetensors, HuggingFace's file: a header that names each array, its type, shape and place; then the numbers.

    length of the header u64   header, JSON   data
    {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {...}}

Numbers are little-endian. The library of that name cannot give NumPy the type in which most large models are published,
BF16: the upper half of a float32. A file is not trusted: nothing is allocated by a number that it states before that
number was held against the file's size.
"""

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .untrusted import expect_apart, once

TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U8": "u1", "BOOL": "?",
}  # fmt: skip


class Stored(NamedTuple):
    """An array as it lies in the file: nothing is read before it is looked at."""

    kind: str
    array: np.ndarray  # of BF16 the bits, as whole numbers

    @property
    def shape(self) -> tuple[int, ...]:
        """NumPy's; a linear layer's is (outputs, inputs)."""
        return self.array.shape

    def floats(self) -> np.ndarray:
        """A copy in float32."""
        if self.kind == "BF16":
            return (self.array.astype(np.uint32) << 16).view(np.float32)
        return self.array.astype(np.float32)


def read_safetensors(path: str | Path) -> dict[str, Stored]:
    """The arrays of a file by name, mapped into memory.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is cut off, damaged, or no safetensors file: with what is wrong in it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; check the folder's name")
    try:
        return _read(path)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        what = f"{type(error).__name__} {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is damaged or no safetensors file ({what}); take another copy") from error


def _read(path) -> dict[str, Stored]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= size - 8:
            raise ValueError(f"a header of {length} bytes in a file of {size}")
        header = json.loads(file.read(length), object_pairs_hook=once)
    if not isinstance(header, dict):
        raise ValueError(f"a header that is a {type(header).__name__}")
    start = 8 + length
    data = np.memmap(path, np.uint8, "r", offset=start) if size > start else np.empty(0, np.uint8)
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    arrays = {name: _stored(name, entry, data) for name, entry in entries.items()}
    expect_apart({name: tuple(entry["data_offsets"]) for name, entry in entries.items()})
    return arrays


def _stored(name, entry, data) -> Stored:
    kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in TYPES:
        raise ValueError(f"{name} has dtype {kind}; expected one of {', '.join(TYPES)}")
    if not all(type(number) is int and number >= 0 for number in (start, stop, *shape)):
        raise ValueError(f"{name} has shape {shape} and data_offsets {start} and {stop}; expected whole numbers >= 0")
    wanted = math.prod(shape) * np.dtype(TYPES[kind]).itemsize
    if not start <= stop <= len(data) or stop - start != wanted:
        raise ValueError(f"{name}, {wanted} bytes, lies from {start} to {stop} in the {len(data)} that there are")
    return Stored(kind, data[start:stop].view(TYPES[kind]).reshape(shape))
