"""GGUF files: what was written is read where it lies; what is damaged or hostile is refused, and costs no memory."""

import struct
import tracemalloc

import numpy as np
import pytest
from gguf_file import NUMBER_OF, gguf_bytes, stored, string

from minilm.pretrained.gguf import read_gguf

ENTRIES = [
    ("general.architecture", 8, "llama"),
    ("a.byte", 0, 200),
    ("a.signed", 1, -3),
    ("a.short", 2, 60000),
    ("a.signed_short", 3, -300),
    ("a.int", 4, 2**32 - 1),
    ("a.signed_int", 5, -(2**31)),
    ("a.float", 6, 0.5),
    ("a.bool", 7, True),
    ("a.long", 10, 2**64 - 1),
    ("a.signed_long", 11, -(2**63)),
    ("a.double", 12, 0.1),
    ("a.list", 9, (8, ["", "Ġthe", "猫"])),
    ("a.numbers", 9, (6, [0.5, -1.0])),
]
W = np.random.default_rng(0).standard_normal((6, 64)).astype(np.float32)
TENSORS = [(kind, kind, W.shape, stored(W, kind)) for kind in NUMBER_OF]


@pytest.fixture
def read(tmp_path):
    def read(data):
        (tmp_path / "model.gguf").write_bytes(data)
        return read_gguf(tmp_path / "model.gguf")

    return read


@pytest.mark.parametrize("version", [2, 3])
def test_entries_are_read_as_they_were_written(read, version):
    metadata = read(gguf_bytes(ENTRIES, version=version)).metadata
    for key, kind, content in ENTRIES:
        found = metadata[key]
        assert list(found) == content[1] if kind == 9 else found == content, key
    assert metadata["a.numbers"].dtype == np.float32


@pytest.mark.parametrize("kind", NUMBER_OF)
def test_tensors_are_the_weights_but_for_rounding(read, kind):
    tensor = read(gguf_bytes(ENTRIES, TENSORS)).tensors[kind]
    step = {"F32": 0, "F16": 2e-3, "Q8_0": 4 / 127, "Q4_0": 4 / 7, "Q4_1": 7 / 15}[kind]
    assert tensor.shape == W.shape and tensor.floats().dtype == np.float32
    np.testing.assert_allclose(tensor.floats(), W, atol=step / 2 + 1e-7)
    if step:
        assert np.abs(tensor.floats() - W).max() > step / 100  # negative control: it was rounded


def test_tensors_lie_in_the_file_and_are_not_copied(read):
    tensors = read(gguf_bytes([], TENSORS)).tensors
    assert not any(tensor.blocks.flags.owndata or tensor.blocks.flags.writeable for tensor in tensors.values())
    assert tensors["Q8_0"].blocks.shape == (6, 2) and tensors["Q8_0"].blocks.nbytes == 6 * 2 * 34


def test_another_alignment_is_kept(read):
    entries = [("general.alignment", 4, 128), *ENTRIES]
    np.testing.assert_array_equal(read(gguf_bytes(entries, TENSORS, alignment=128)).tensors["F32"].floats(), W)


WHOLE = gguf_bytes(ENTRIES, TENSORS)


def test_a_file_that_is_cut_off_anywhere_is_refused(read):
    for size in [*range(0, 700, 7), len(WHOLE) - 1]:
        with pytest.raises(ValueError, match=r"model.gguf cannot be read as a GGUF file: .*; take another copy"):
            read(WHOLE[:size])


def test_bytes_changed_at_random_give_an_error_or_a_file_that_is_no_larger(read):
    """Whatever a header states, nothing is allocated that the file does not hold."""
    rng, refused = np.random.default_rng(0), 0
    tracemalloc.start()
    for _ in range(300):
        data = bytearray(WHOLE)
        for place in rng.integers(0, 700, 3):
            data[place] = rng.integers(256)
        try:
            read(bytes(data))
        except ValueError:
            refused += 1
    assert tracemalloc.get_traced_memory()[1] < 30 * len(WHOLE) + 2**20
    tracemalloc.stop()
    assert 100 < refused < 300


def header(entries=0, tensors=0, body=b""):
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, entries) + body + b"\0" * 64


def tensor(shape, kind=0, offset=0, name="w"):
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


HUGE = 2**63
HOSTILE = {
    "pickle": (b"\x80\x04\x95" + b"\0" * 40, "begins with b'.x80.*expected b'GGUF'"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "version is 50331648"),
    "version 1": (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version is 1, expected one of"),
    "many entries": (header(entries=HUGE), "type 0, expected|cut off|occurs twice"),
    "many tensors": (header(tensors=HUGE), "has 0 axes"),
    "long name": (header(1, body=struct.pack("<Q", HUGE)), "the name before byte 32 would have"),
    "long string": (header(1, body=string("k") + struct.pack("<IQ", 8, HUGE)), "would take 9223372036854775808 bytes"),
    "long array": (header(1, body=string("k") + struct.pack("<IIQ", 9, 6, HUGE)), "an array of 9223372036854775808"),
    "many strings": (header(1, body=string("k") + struct.pack("<IIQ", 9, 8, HUGE)), "would not fit into the file"),
    "nested arrays": (header(1, body=string("k") + struct.pack("<IIQ", 9, 9, 1)), "an array of arrays"),
    "unknown type": (header(1, body=string("k") + struct.pack("<I", 13)), "the type 13, expected one of 0 to 12"),
    "no text": (header(1, body=struct.pack("<Q", 2) + b"\xff\xfe"), "is not UTF-8"),
    "same key": (header(2, body=(string("k") + struct.pack("<IB", 0, 1)) * 2), "k occurs twice"),
    "alignment": (header(1, body=string("general.alignment") + struct.pack("<II", 4, 0)), "general.alignment is 0"),
    "large tensor": (header(tensors=1, body=tensor([2**40, 2**40])), "tensor w lies from byte .* cut off"),
    "empty tensor": (header(tensors=1, body=tensor([4, 0])), r"tensor w has shape \(0, 4\)"),
    "half a block": (header(tensors=1, body=tensor([48], kind=8)), r"tensor w has shape \(48,\).*blocks of 32"),
    "five axes": (header(tensors=1, body=tensor([1] * 5)), "tensor w has 5 axes, expected 1 to 4"),
    "Q6_K": (header(tensors=1, body=tensor([256], kind=14)), r"tensor w has the type 14, expected one of 0 \(F32\)"),
    "outside": (header(tensors=1, body=tensor([4], offset=HUGE)), "tensor w lies from byte .* cut off"),
    "same name": (header(tensors=2, body=tensor([1]) * 2), "w occurs twice"),
    "overlap": (header(tensors=2, body=tensor([8]) + tensor([8], offset=16, name="v")), "w and v overlap"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(read, name):
    data, message = HOSTILE[name]
    with pytest.raises(ValueError, match=message):
        read(data)


def test_a_file_that_is_missing_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*missing\.gguf"):
        read_gguf(tmp_path / "missing.gguf")
