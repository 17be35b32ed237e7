"""What a GPT's training step does is counted, not timed: calls of kernels, and copies for them."""

from collections import Counter

import numpy as np
import pytest

from minilm import models
from minilm.kernels import pair

LAYERS = 2


@pytest.fixture
def calls(monkeypatch):
    """Kernels called so far, and under "copies" the arrays of numbers that loops could not read as they lie."""
    counted = Counter()

    def count(kernel, *arguments):
        counted[kernel.__name__] += 1
        arrays = [a for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        counted["copies"] += sum(not array.flags.c_contiguous for array in arrays)
        result = kernel.reference(*arguments)  # loops make arrays of their own, whose numbers lie in order
        return tuple(map(np.ascontiguousarray, result)) if isinstance(result, tuple) else np.ascontiguousarray(result)

    monkeypatch.setattr(pair.Kernel, "__call__", count)
    return counted


def test_a_step_calls_each_kernel_once_for_each_time_that_its_formula_is_in_the_model(calls):
    model = models.GPT(11, width=16, layers=LAYERS, heads=4, context=6, rng=np.random.default_rng(0))
    ids = np.arange(12).reshape(2, 6) % 11
    model.loss(ids, ids).backward()
    assert calls == {
        "gather": 1, "scatter_add": 1, "cross_entropy": 1, "cross_entropy_backward": 1,
        "linear": 6 * LAYERS + 1, "linear_backward": 6 * LAYERS + 1,
        "layer_norm": 2 * LAYERS + 1, "layer_norm_backward": 2 * LAYERS + 1,
        "attention": LAYERS, "attention_backward": LAYERS, "rotate": 4 * LAYERS,
        "gelu": LAYERS, "gelu_backward": LAYERS, "copies": 0,
    }  # fmt: skip


def test_a_copy_would_be_counted(calls):
    pair.ALL["gelu"](np.ones((3, 2)).T)
    assert calls["copies"] == 1
