"""GGUF, llama.cpp's file: weights, sizes, tokenizer and chat template in one, made to be mapped into memory.

    "GGUF"   version u32   number of tensors u64   number of entries u64
    entries    key string, type u32, value                              what is said of the model
    tensors    name string, axes u32, sizes u64, type u32, offset u64   what there is, and where
    data       each tensor at its offset, from the next multiple of general.alignment on

Numbers are little-endian; a string is the number of its bytes, u64, and its bytes. Sizes begin with the axis whose
numbers are neighbours: NumPy's shape, backwards. (Specification: ggml-org/ggml, docs/gguf.md.)

A file is not trusted. Nothing is allocated by a number that it states before that number was held against what is left
of the file.
"""

import math
import mmap
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minilm.kernels.blocks import FORMATS, Format

from .untrusted import expect_apart, once

VERSIONS = (2, 3)
MOST_AXES = 4
ALIGNMENT = 32  # if general.alignment does not say otherwise
NUMBERS = {
    0: "<u1",
    1: "<i1",
    2: "<u2",
    3: "<i2",
    4: "<u4",
    5: "<i4",
    6: "<f4",
    7: "?",
    10: "<u8",
    11: "<i8",
    12: "<f8",
}
STRING, ARRAY = 8, 9
LONGEST_NAME = 2**16 - 1
LEAST = 24  # bytes of a file without entries and tensors


class Stored(NamedTuple):
    """A tensor as it lies in the file: nothing is read before it is looked at.

    Attributes
    ----------
    format : Format
        What its blocks mean.
    shape : tuple of int
        NumPy's; a linear layer's is (outputs, inputs).
    blocks : ndarray, of `format.block`
        The blocks of each row: `shape` but for the last axis, which is as many times shorter as a block has weights.
    """

    format: Format
    shape: tuple[int, ...]
    blocks: np.ndarray

    def floats(self) -> np.ndarray:
        """The weights as float32, in the tensor's shape."""
        return self.format.floats(self.blocks).astype(np.float32).reshape(self.shape)


class GGUF(NamedTuple):
    """What a file holds: entries by key, numbers, texts, arrays and lists of texts; and tensors by name."""

    metadata: dict[str, Any]
    tensors: dict[str, Stored]


def read_gguf(path: str | Path) -> GGUF:
    """The file, mapped into memory: all that is said of the model, and its tensors where they lie.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no GGUF file, damaged, cut off, or has tensors in a format that is not in `FORMATS`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; check its name")
    try:
        return _read(_mapped(path))
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a GGUF file: {error}; take another copy, or convert it") from None


def _mapped(path) -> mmap.mmap:
    if path.stat().st_size < LEAST:
        raise ValueError(f"it has {path.stat().st_size} bytes, expected {LEAST} or more")
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _read(data) -> GGUF:
    if data[:4] != b"GGUF":
        raise ValueError(f"it begins with {data[:4]!r}, expected b'GGUF'")
    cursor = _Cursor(data, at=4)
    version = cursor.number("I")
    if version not in VERSIONS:
        raise ValueError(f"its version is {version}, expected one of {VERSIONS} (little-endian)")
    tensors, entries = cursor.number("Q"), cursor.number("Q")
    metadata = once(_entry(cursor) for _ in range(entries))
    places = once(_place(cursor) for _ in range(tensors))
    start = -(-cursor.at // _alignment(metadata)) * _alignment(metadata)  # rounded up
    expect_apart({name: (place.offset, place.offset + place.size) for name, place in places.items()})
    return GGUF(metadata, {name: _stored(data, name, start, place) for name, place in places.items()})


class _Cursor:
    """A place in the file from which the next thing is read, if there is as much left."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def pass_over(self, size: int, what: str) -> int:
        """Go on by so many bytes; -> where they begin."""
        left = len(self.data) - self.at
        if size > left:
            raise ValueError(f"{what} at byte {self.at} would take {size} bytes, but {left} are left: it was cut off")
        self.at += size
        return self.at - size

    def number(self, code: str) -> int:
        """A number of that code of `struct`."""
        return struct.unpack_from(f"<{code}", self.data, self.pass_over(struct.calcsize(f"<{code}"), "a number"))[0]

    def string(self, longest: float = math.inf) -> str:
        """A string of at most so many bytes."""
        size = self.number("Q")
        if size > longest:
            raise ValueError(f"the name before byte {self.at} would have {size} bytes, expected {longest} at most")
        start = self.pass_over(size, "a string")
        try:
            return self.data[start : self.at].decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"the string at byte {start} is not UTF-8") from None

    def numbers(self, kind: int, count: int) -> np.ndarray:
        """That many numbers of a kind of NUMBERS."""
        if kind not in NUMBERS:
            raise ValueError(f"before byte {self.at} stands the type {kind}, expected one of 0 to 12")
        dtype = np.dtype(NUMBERS[kind])
        start = self.pass_over(count * dtype.itemsize, f"an array of {count} numbers")
        return np.frombuffer(self.data, dtype, count, start)

    def array(self) -> np.ndarray | list[str]:
        """An array of numbers, or of strings."""
        kind, count = self.number("I"), self.number("Q")
        if kind == ARRAY:
            raise ValueError(f"before byte {self.at} stands an array of arrays, expected one of numbers or strings")
        if kind != STRING:
            return self.numbers(kind, count)
        if count * 8 > len(self.data) - self.at:  # each string states its length
            raise ValueError(f"the {count} strings from byte {self.at} on would not fit into the file: it was cut off")
        return [self.string() for _ in range(count)]


def _entry(cursor) -> tuple[str, Any]:
    """A key and its value."""
    key, kind = cursor.string(LONGEST_NAME), cursor.number("I")
    if kind == STRING:
        return key, cursor.string()
    return key, cursor.array() if kind == ARRAY else cursor.numbers(kind, 1)[0].item()


class _Place(NamedTuple):
    """Where a tensor lies: `size` bytes from `offset` on, behind the entries."""

    format: Format
    shape: tuple[int, ...]
    offset: int
    size: int


def _place(cursor) -> tuple[str, _Place]:
    """A tensor's name and place."""
    name, axes = cursor.string(LONGEST_NAME), cursor.number("I")
    if not 1 <= axes <= MOST_AXES:
        raise ValueError(f"tensor {name} has {axes} axes, expected 1 to {MOST_AXES}")
    shape = tuple(cursor.number("Q") for _ in range(axes))[::-1]
    kind, offset = cursor.number("I"), cursor.number("Q")
    if kind not in FORMATS:
        known = ", ".join(f"{number} ({known.name})" for number, known in FORMATS.items())
        raise ValueError(f"tensor {name} has the type {kind}, expected one of {known}")
    stored = FORMATS[kind]
    if 0 in shape or shape[-1] % stored.weights:
        raise ValueError(f"tensor {name} has shape {shape}, expected rows of whole blocks of {stored.weights}")
    return name, _Place(stored, shape, offset, math.prod(shape) // stored.weights * stored.block.itemsize)


def _alignment(metadata) -> int:
    alignment = metadata.get("general.alignment", ALIGNMENT)
    if type(alignment) is not int or alignment < 8 or alignment % 8:
        raise ValueError(f"general.alignment is {alignment!r}, expected a multiple of 8")
    return alignment


def _stored(data, name, start, place) -> Stored:
    first = start + place.offset
    if first + place.size > len(data):
        raise ValueError(
            f"tensor {name} lies from byte {first} to {first + place.size}, but the file ends at {len(data)}: "
            "it was cut off"
        )
    kind, shape = place.format, place.shape
    blocks = np.frombuffer(data, kind.block, place.size // kind.block.itemsize, first)
    return Stored(kind, shape, blocks.reshape(*shape[:-1], shape[-1] // kind.weights))
