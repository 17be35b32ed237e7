"""Writes GGUF files, byte by byte as the specification has them, and weights in blocks, number by number."""

import struct

import numpy as np

from minilm.kernels.blocks import FORMATS

CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
NUMBER_OF = {known.name: number for number, known in FORMATS.items()}


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, content):
    """The bytes of a value; an array is (type, list)."""
    if kind == 8:
        return string(content)
    if kind == 9:
        inner, items = content
        return struct.pack("<IQ", inner, len(items)) + b"".join(value(inner, item) for item in items)
    return struct.pack(f"<{CODES[kind]}", content)


def gguf_bytes(entries=(), tensors=(), version=3, alignment=32):
    """A file of entries (key, type, value) and of tensors (name, format, shape, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries))
    for key, kind, content in entries:
        head += string(key) + struct.pack("<I", kind) + value(kind, content)
    data = b""
    for name, kind, shape, content in tensors:
        data += b"\0" * (-len(data) % alignment)
        head += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape[::-1], NUMBER_OF[kind], len(data))
        data += content
    return head + b"\0" * (-len(head) % alignment) + data


def stored(weights, kind):
    """The bytes of float32 weights (R, C) in a format."""
    if kind in ("F32", "F16"):
        return weights.astype("<f4" if kind == "F32" else "<f2").tobytes()
    return b"".join(block(part, kind) for part in weights.reshape(-1, 32))


def block(weights, kind):
    """The bytes of 32 weights: the scale for which the largest of them is the largest number of the format."""
    if kind == "Q8_0":
        d = rounded(np.abs(weights).max() / 127)
        return struct.pack("<e32b", d, *[quant(w / d, -127, 127) for w in weights])
    if kind == "Q4_0":
        d = rounded(np.abs(weights).max() / 7)
        return struct.pack("<e", d) + halves([quant(w / d + 8, 0, 15) for w in weights])
    m = rounded(weights.min())
    d = rounded((weights.max() - m) / 15)
    return struct.pack("<ee", d, m) + halves([quant((w - m) / d, 0, 15) for w in weights])


def rounded(number):
    """To float16, and not to nothing."""
    return float(np.float16(number)) or 1.0


def quant(number, least, most):
    return int(min(max(round(float(number)), least), most))


def halves(quants):
    return bytes(quants[j] | quants[j + 16] << 4 for j in range(16))
