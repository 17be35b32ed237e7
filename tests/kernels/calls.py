"""An example call of every kernel, and what a call gives."""

import copy
import importlib.util
from pathlib import Path

import numpy as np

EXAMPLES = {}
for path in sorted(Path(__file__).parent.glob("examples*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    EXAMPLES |= module.EXAMPLES


def results(function, arguments):
    """The arrays that a call returns, and those it was given as it leaves them."""
    arguments = copy.deepcopy(arguments)
    returned = function(*arguments)
    returned = returned if isinstance(returned, tuple) else (returned,)
    return [np.asarray(value) for value in (*returned, *arguments) if value is not None]


def is_float(value) -> bool:
    """Whether it is an array of floating-point numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"
