"""What grows, and how: attention's memory is counted; slopes and shares are computed as they say."""

import importlib.util
import os

import growth
import memory
import numpy as np
import pytest

from minilm import kernels

T, WIDTH = 4096, 8
SQUARE = T * T * 4 / 2**20  # MiB of one array (T, T)


def peak_of_attention(forward, *backward):
    """MiB that attention of T tokens takes at its peak, once its code is loaded."""

    def attend(T):
        q = np.ones((1, 1, T, WIDTH), np.float32)
        mask = np.ones((1, 1, 1, T), bool)
        y = forward(q, q, q, mask, True)
        for gradients in backward:
            gradients(y, q, q, q, mask, True)

    attend(2)
    before = memory.resident("VmRSS")
    return memory.peak_of(lambda: attend(T), steps=1) - before


@pytest.mark.skipif(not memory.FORGET_PEAK.exists(), reason="only Linux tells the peak of a process's memory")
@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="loops in plain Python take minutes")
def test_attention_never_holds_the_square_of_the_context_and_its_formula_does():
    assert peak_of_attention(kernels.attention.compiled, kernels.attention_backward.compiled) < SQUARE / 8
    assert peak_of_attention(kernels.attention.reference) > SQUARE


def test_the_slope_of_a_power_is_its_exponent():
    points = [{"value": x, "measured": {"time": 3 * x**1.5}} for x in (1, 2, 4, 8)]
    assert growth.slope(points, "measured", "time") == pytest.approx(1.5)


def test_the_serial_share_is_amdahls():
    def points(share):
        return [{"value": n, "measured": {"time": share + (1 - share) / n}} for n in (1, 2, 4)]

    assert growth.serial_share(points(0.25)) == pytest.approx(0.25)
    assert growth.serial_share(points(1.0)) == pytest.approx(1.0)
