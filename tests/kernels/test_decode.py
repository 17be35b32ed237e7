"""A token through all blocks in one call."""

from collections import Counter

import numpy as np
import pytest

from minilm import models
from minilm.kernels.pair import Kernel

IDS = np.random.default_rng(1).integers(0, 9, (3, 12))


def gpt(**size):
    size = {"width": 16, "layers": 2, "heads": 2, "context": 16} | size
    return models.GPT(9, **size, rng=np.random.default_rng(0))


@pytest.mark.parametrize("positions", ["rotary", "learned", "sinusoidal"])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("width", [16, 20, 192])  # 20: rows that do not come in eights; 192: products for two threads
def test_a_step_equals_the_full_pass(width, rows, positions):
    model, ids = gpt(width=width, positions=positions), IDS[:rows]
    _, state = model.start(ids[:, :5])
    for t in range(5, 12):
        log_probs, state = model.step(ids[:, t], state)
        np.testing.assert_allclose(log_probs, model.start(ids[:, : t + 1])[0], atol=3e-6)


def test_the_comparison_notices_one_wrong_number():
    model = gpt()
    _, state = model.start(IDS[:, :5])
    expected = model.start(IDS[:, :6])[0]
    state.cache.store.keys[1, 0, 0, 2, 0] += 1e-2
    assert np.abs(model.step(IDS[:, 5], state)[0] - expected).max() > 1e-5


def test_a_token_takes_one_kernel_call(monkeypatch):
    calls, call = Counter(), Kernel.__call__

    def counted(kernel, *arguments):
        calls[kernel.__name__] += 1
        return call(kernel, *arguments)

    model = gpt()
    _, state = model.start(IDS)
    monkeypatch.setattr(Kernel, "__call__", counted)
    for t in range(3):
        _, state = model.step(IDS[:, t], state)
    assert calls == {"decode": 3}


def test_weights_are_read_where_they_lie():
    model = gpt()
    first, again = model.weights(), model.weights()
    assert first.matrices is again.matrices
    assert np.shares_memory(first.matrices, model.head.W.data)
    model.head.W.data[...] = 0  # what a learner changes by hand counts from the next token on
    _, state = model.start(IDS)
    assert model.step(IDS[:, 0], state)[0].std() < 1e-6
