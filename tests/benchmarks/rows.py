"""Every row of the table: what to call to measure it. `ROWS[name](pairs)` gives seconds (or MiB) for each side."""

import functools
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import memory
import quality
import turns
import workloads
from turns import Columns

HERE = Path(__file__).parent
FIRST_STEP = """
import sys, tempfile, time
import ours
with tempfile.TemporaryDirectory() as folder:
    started = time.perf_counter()
    ours.build("gpt-s", folder + "/weights.safetensors")()
print(time.perf_counter() - started)
"""


def imports(pairs: int) -> Columns:
    seconds = {"minilm": [], "import torch": []}
    for _ in range(pairs):
        seconds["minilm"].append(whole_process("import minilm"))
        seconds["import torch"].append(whole_process("import torch"))
    return seconds


def whole_process(code: str) -> float:
    """Seconds of a Python process of its own."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def first_step_from_an_empty_cache(pairs: int) -> Columns:
    with tempfile.TemporaryDirectory() as folder:
        return {"minilm": [first_step(MINILM_CACHE=folder)]}


def first_step_from_a_warm_cache(pairs: int) -> Columns:
    return {"minilm": [first_step() for _ in range(1 + pairs)][1:]}


def first_step(**environment: str) -> float:
    """Seconds, after import, until a new process has built a GPT and made its first training step."""
    command = [sys.executable, "-c", FIRST_STEP]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": path} | environment)
    return float(run.stdout)


def of_text(name: str, pairs: int) -> Columns:
    """A row of text.py: tokenizers and n-grams against their peers."""
    with multiprocessing.get_context("spawn").Pool(1) as process:  # minilm is not to be imported here
        ours, theirs = zip(*process.apply(seconds_of_text, (name, pairs)), strict=True)
    return {"minilm": list(ours), workloads.TEXT_PEERS[name]: list(theirs)}


def seconds_of_text(name, pairs):
    import text

    return text.ROWS[name](pairs)


ROWS: dict[str, Callable[[int], Columns]] = {
    **{name: functools.partial(turns.in_turn, name) for name in workloads.IN_TURN},
    **{name: functools.partial(of_text, name) for name in workloads.TEXT_PEERS},
    "int8-quality": quality.of_int8,
    "peak-memory": memory.peak_of_the_step,
    "import": imports,
    "first-step-cold": first_step_from_an_empty_cache,
    "first-step-warm": first_step_from_a_warm_cache,
}
