"""A compiled kernel gives what its NumPy formula gives, in the type it was given."""

import copy
import sys
from pathlib import Path

import numpy as np
import pytest

from minilm import kernels
from minilm.kernels.elementary import exp, tanh
from minilm.kernels.pair import Kernel, compile_loops, prange

sys.path.insert(0, str(Path(__file__).parent))
from examples import EXAMPLES
from examples_merges import EXAMPLES as MERGES

EXAMPLES = EXAMPLES | MERGES
pytestmark = pytest.mark.skipif(not kernels.pair.numba_installed.__wrapped__, reason="needs Numba")


def test_every_kernel_has_an_example():
    assert set(EXAMPLES) == set(kernels.ALL)


def results(function, arguments):
    """What the call returns and what it leaves in its arguments, as one list of arrays."""
    arguments = copy.deepcopy(arguments)
    returned = function(*arguments)
    returned = returned if isinstance(returned, tuple) else (returned,)
    return [np.asarray(r) for r in (*returned, *arguments) if r is not None]


def disagreement(kernel, arguments):
    """The largest difference between formula and loops, as a fraction of the largest value."""
    worst = 0.0
    for formula, loops in zip(results(kernel.reference, arguments), results(kernel.compiled, arguments), strict=True):
        assert formula.shape == loops.shape
        if formula.size:
            scale = max(1.0, np.abs(formula.astype(float)).max())
            worst = max(worst, np.abs(formula.astype(float) - loops.astype(float)).max() / scale)
    return worst
