"""How many floats a product with 8-bit weights makes, counted while its loops run as plain Python."""

import importlib

import numpy as np

from minilm.kernels import quantized_linear

loops = importlib.import_module("minilm.kernels.quantized")


def test_each_weight_becomes_a_float_once_and_no_more_than_a_tile_are_there_together(monkeypatch):
    tiles = []

    def product(a, a_transposed, b, b_transposed, beta, y):
        tiles.append(b.copy())
        y[...] = a @ b + (beta * y if beta else 0)

    monkeypatch.setattr(loops, "blas_product", product)
    monkeypatch.setattr(loops, "ROWS", 4)
    rng = np.random.default_rng(0)
    x, q = rng.standard_normal((5, 10), np.float32), rng.integers(-127, 128, (10, 6)).astype(np.int8)
    scale, b, y = *rng.random((2, 6), np.float32), np.empty((5, 6), np.float32)
    loops.columns_to(x, q, scale, b, y)
    np.testing.assert_allclose(y, quantized_linear.reference(x, q, scale, b), rtol=1e-5)
    assert [len(tile) for tile in tiles] == [4, 4, 2]
    assert np.array_equal(np.concatenate(tiles), q)
