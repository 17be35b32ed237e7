"""Products with weights in blocks: every format, few rows and many, of any number of outputs."""

import numpy as np
import pytest
from examples_packed import packed

from minilm.kernels import packed_linear
from minilm.kernels.blocks import FORMATS
from minilm.kernels.packed import FEW, PACKED, unpacked

TOLERANCE = 3e-6


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("rows", [1, 2, FEW, FEW + 1])
def test_a_product_with_blocks_is_one_with_the_weights_that_they_mean(kind, rows):
    rng = np.random.default_rng(0)
    for outputs in (1, 4, 5, 7, 67):
        W = packed(rng, kind, outputs, 96)
        x = rng.standard_normal((rows, 96), np.float32)
        truth = x.astype(float) @ unpacked(W, kind).astype(float).T
        np.testing.assert_allclose(packed_linear(x, W, kind), truth, atol=TOLERANCE)


@pytest.mark.parametrize("kind", PACKED)
def test_the_comparison_notices_numbers_that_are_rounded_to_16_bits(kind):
    rng = np.random.default_rng(0)
    W, x = unpacked(packed(rng, kind, 67, 96), kind).astype(float), rng.standard_normal((1, 96))
    s = np.abs(x).max() / (2**15 - 1)
    assert np.abs((np.rint(x / s) * s - x) @ W.T).max() > 5 * TOLERANCE


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("scale", [1e-30, 1, 1e30])
def test_one_number_10000_times_as_large_leaves_the_others_their_digits(kind, scale):
    rng = np.random.default_rng(0)
    W, x = packed(rng, kind, 67, 96), rng.standard_normal((1, 96), np.float32)
    x[0, 40] = 1e4
    truth = x.astype(float) @ unpacked(W, kind).astype(float).T
    assert np.abs(truth).max() > 1000
    np.testing.assert_allclose(packed_linear(np.float32(scale) * x, W, kind) / scale, truth, atol=3e-7 * 1e4)


@pytest.mark.parametrize("kind", PACKED)
def test_products_of_whole_numbers_are_exact_for_every_weight(kind):
    rng = np.random.default_rng(0)
    blocks = np.zeros((256, 1), FORMATS[kind].block)
    blocks["d"], blocks["q"] = 1, np.arange(256, dtype=np.uint8).view(blocks["q"].dtype)[:, None, None]
    x = rng.integers(-1000, 1000, (1, 32)).astype(np.float32)
    x[0, 20] = 2**15 - 1  # the largest stays itself, and so do all
    W = blocks.view(np.uint8).reshape(256, -1)
    assert (packed_linear(x, W, kind) == x @ unpacked(W, kind).T).all()


@pytest.mark.parametrize("kind", PACKED)
def test_the_comparison_notices_one_wrong_byte(kind):
    rng = np.random.default_rng(0)
    W, x = packed(rng, kind, 5, 96), rng.standard_normal((1, 96), np.float32)
    before = packed_linear(x, W, kind)
    W[2, -1] ^= 0x40
    changed = np.abs(packed_linear(x, W, kind) - before)[0] > 1e-4
    assert changed.tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("kind", PACKED)
def test_the_scale_of_a_block_may_be_any_float16(kind):
    scales = np.array([0, 2**-24, -(2**-14), 1, -1.5, 1000, -65504], np.float16)
    blocks = np.zeros((7, 1), FORMATS[kind].block)
    blocks["d"][:, 0], blocks["q"] = scales, 9
    x = np.full((1, 32), 1 / 32, np.float32)
    truth = unpacked(blocks.view(np.uint8).reshape(7, -1), kind).astype(float).mean(axis=1)
    np.testing.assert_allclose(packed_linear(x, blocks.view(np.uint8).reshape(7, -1), kind)[0], truth, rtol=1e-5)
