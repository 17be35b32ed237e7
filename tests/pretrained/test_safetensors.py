"""Safetensors: every type is read to the last bit, and no file is believed."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from minilm.pretrained.safetensors import read_safetensors

NUMBERS = np.array([[1.0, -2.5, 3e-5], [0.0, -0.0, 65504.0]])


def write(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(2, 3), data_offsets=(0, 24)):
    return {"x": {"dtype": dtype, "shape": list(shape), "data_offsets": list(data_offsets)}}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int8", "bool"])
def test_arrays_are_those_that_were_written(dtype, tmp_path):
    arrays = {"x": NUMBERS.astype("float16").astype(dtype), "one": np.ones((), dtype), "none": np.ones((0, 3), dtype)}
    save_file(arrays, tmp_path / "x")
    found = read_safetensors(tmp_path / "x")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name].floats(), array.astype(np.float32))
        assert found[name].floats().dtype == np.float32


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path):
    numbers = NUMBERS.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    path = write(tmp_path / "x", entry("BF16", data_offsets=(0, 12)), (numbers >> 16).astype("<u2").tobytes())
    np.testing.assert_array_equal(read_safetensors(path)["x"].floats(), numbers.view(np.float32))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "a header of 0 bytes"),
        (b"{", "Expecting property name"),
        (b"[" * 10_000, "recursion|Expecting"),
        (b'{"\xff": 1}', "decode"),
        ([], "a header that is a list"),
        ({"x": 3}, "int"),
        ({"x": {}}, "KeyError 'dtype'"),
        (entry("F7"), "dtype F7; expected one of F64"),
        (entry(dtype=[]), "unhashable"),
        (entry(shape=(2, -3)), "expected whole numbers"),
        (entry(shape=(2, 1.5)), "expected whole numbers"),
        (entry(shape=(2, True)), "expected whole numbers"),
        (entry(shape=(2**62, 2**62)), "lies from 0 to 24 in the 24"),
        (entry(data_offsets=(0, 20)), "24 bytes, lies from 0 to 20"),
        (entry(data_offsets=(24, 48)), "from 24 to 48 in the 24 that there are"),
        (entry(data_offsets=(24, 0)), "from 24 to 0"),
        (entry(data_offsets=(0, 12, 24)), "too many values"),
        (b'{"x": 1, "x": 2}', "x occurs twice"),
        (entry() | {"y": {"dtype": "U8", "shape": [9], "data_offsets": [15, 24]}}, "x and y overlap"),
    ],
)
def test_a_damaged_file_is_refused(header, message, tmp_path):
    path = write(tmp_path / "x", header, bytes(24))
    with pytest.raises(ValueError, match=rf"damaged or no safetensors file \(.*({message}).*take another copy"):
        read_safetensors(path)


@pytest.mark.parametrize("length", [2**63, 10**9, 1000])
def test_a_header_longer_than_the_file_is_refused(length, tmp_path):
    with pytest.raises(ValueError, match=rf"a header of {length} bytes in a file of"):
        read_safetensors(write(tmp_path / "x", entry(), bytes(24), length=length))


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    whole = write(tmp_path / "x", entry(), NUMBERS.astype(np.float32).tobytes()).read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "x").write_bytes(whole[:size])
        with pytest.raises(ValueError, match="damaged"):
            read_safetensors(tmp_path / "x")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_safetensors(tmp_path / "x")
