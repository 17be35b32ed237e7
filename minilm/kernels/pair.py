"""A kernel is one formula written twice: in NumPy to be read, in loops to be run.

    @Kernel
    def square(x):              # the formula: this is the documentation, and what tests trust
        return x * x

    @square.loops
    def square(x):              # the same in loops, compiled by Numba when it is first called
        y = np.empty_like(x)
        for i in prange(x.shape[0]):
            y[i] = x[i] * x[i]
        return y

Calling `square(x)` runs the loops if every float array is float32, the type that models train in, and the formula
otherwise: float64 is for checking. Without Numba, under `NUMBA_DISABLE_JIT=1`, with `MINILM_KERNELS=reference`, or
inside `with reference_only():` the formulas run always.
"""

import functools
import hashlib
import importlib.util
import os
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minilm.files import cache_folder

ALL: dict[str, "Kernel"] = {}
prange = range  # in the formulas' files; compiled loops get Numba's parallel range instead

# Sums may be reordered and products contracted, so that loops use the processor's vectors. Never fastmath=True:
# it assumes that NaN and infinity do not exist.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}

# Only `prange` is spread over threads: looking for more to spread doubles the time to compile.
PRANGE_ONLY = {"prange": True} | dict.fromkeys(
    ("numpy", "reduction", "setitem", "inplace_binop", "comprehension", "stencil", "fusion"), False
)

# Elements in all arrays of a call. Below it a sleeping thread costs more to wake than it does; decoding, token by
# token, is all below it.
WORTH_A_THREAD = 100_000

_formulas_only = os.environ.get("MINILM_KERNELS") == "reference" or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"


class Kernel:
    """A NumPy reference and its compiled twin under one name."""

    def __init__(self, reference: Callable):
        functools.update_wrapper(self, reference)
        self.reference = reference
        self._loops = None
        self.when_small = None  # what to call instead of the loops on one thread, where that is quicker
        ALL[reference.__name__] = self

    def loops(self, function: Callable) -> "Kernel":
        """Attach the loops, like a property's setter."""
        self._loops = function
        return self

    @property
    def compiled(self) -> Callable:
        """The loops, compiled (plain Python where Numba's compiler is switched off)."""
        return compile_loops(self._loops)

    def __call__(self, *arguments):
        elements, checking = 0, _formulas_only
        for a in arguments:
            if isinstance(a, np.ndarray):
                elements += a.size
                checking |= a.dtype.kind == "f" and a.itemsize != 4
        if checking or self._loops is None or not numba_installed():
            return self.reference(*arguments)
        small = elements < WORTH_A_THREAD
        if small and self.when_small:
            return self.when_small(*arguments)
        arguments = [np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
        return _on_one_thread(self.compiled, arguments) if small else self.compiled(*arguments)


def _on_one_thread(loops: Callable, arguments):
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        return loops(*arguments)
    finally:
        numba.set_num_threads(before)


@contextmanager
def reference_only() -> Iterator[None]:
    """Run the formulas instead of the loops.

    >>> with reference_only():
    ...     pass  # every kernel called here is plain NumPy
    """
    global _formulas_only
    before, _formulas_only = _formulas_only, True
    try:
        yield
    finally:
        _formulas_only = before


@functools.cache
def numba_installed() -> bool:
    """Whether Numba is there; says once what its absence costs."""
    if importlib.util.find_spec("numba"):
        return True
    warnings.warn(
        "Numba is not installed: minilm runs its NumPy formulas, several times slower. `pip install numba` mends it.",
        stacklevel=3,
    )
    return False


@dataclass(frozen=True)
class External:
    """A C function that loops may call: what its types are, and where it is, unless Numba knows."""

    name: str
    signature: str
    address: int | None = None

    def for_numba(self):
        from llvmlite import binding
        from numba import types
        from numba.core.sigutils import normalize_signature

        if self.address is not None:
            binding.add_symbol(self.name, self.address)
        arguments, result = normalize_signature(self.signature)
        return types.ExternalFunction(self.name, result(*arguments))


@dataclass(frozen=True)
class Inlined:
    """A function that loops may call, written for LLVM in lanes.py."""

    name: str

    def for_numba(self):
        from . import lanes

        return getattr(lanes, self.name)


# How many threads share a `prange`. (numba.get_num_threads is the same, but what calls it cannot be kept on disk.)
thread_count = External("get_num_threads", "intp()")


@functools.cache
def compile_loops(function: Callable, from_python: bool = True) -> Callable:
    """Compile `function`, with the plain functions of kernel files that it calls, and keep the result on disk.

    The functions that it calls are part of the result: they need no place on disk and no way in from Python, which
    would be a third of all compiling.
    """
    import numba  # here, not above: `import minilm` stays quick and works without it

    scope = dict(function.__globals__, prange=numba.prange)
    for name in function.__code__.co_names:
        callee = scope.get(name)
        if isinstance(callee, External | Inlined):
            scope[name] = callee.for_numba()
        elif isinstance(callee, types.FunctionType) and callee.__module__.startswith("minilm.kernels"):
            scope[name] = compile_loops(callee, from_python=False)
    scoped = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    scoped.__module__, scoped.__qualname__ = function.__module__, function.__qualname__

    parallel = dict(PRANGE_ONLY) if "prange" in function.__code__.co_names else False  # Numba empties what it gets
    with _cache_of_this_source(numba):
        return numba.njit(
            scoped, parallel=parallel, fastmath=FASTMATH, error_model="numpy", nogil=True, cache=from_python,
            no_cpython_wrapper=not from_python, no_cfunc_wrapper=True,
        )  # fmt: skip


@contextmanager
def _cache_of_this_source(numba) -> Iterator[None]:
    """Numba's cache does not notice a change in a called function of another file: give each state of the room
    a folder of its own."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(cache_folder(f"kernels-{digest}"))
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
