"""How much memory a training step takes: the peak of the resident set during steps, above what there was before them.

Before, each library has made steps of a tiny model of the same kind, so that its own code is loaded or compiled: that
is not the step's. The peak can be asked for on Linux only.
"""

import contextlib
import ctypes
import re
import tempfile
from pathlib import Path

import turns
import workloads

STEPS = 3
STATUS, FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_of_the_step(pairs: int) -> turns.Columns:
    """MiB of a step of GPT L, in a process of its own for each library."""
    with tempfile.TemporaryDirectory() as folder:
        weights = str(Path(folder) / "weights.safetensors")
        sides = {who: workloads.SIDES[who] for who in ("minilm", workloads.EAGER)}
        peaks = [{who: peak(side, weights) for who, side in sides.items()} for _ in range(min(pairs, 3))]
    return {who: [round[who] for round in peaks] for who in sides}


def peak(side: str, weights: str) -> float:
    worker = turns.Worker(f"memory.measured_{side.split('.')[0]}", "gpt-l", weights)
    worker.stop()
    return worker.first_result


def measured_ours(name, weights):
    import ours

    return measured(ours.build, name, weights)


def measured_theirs(name, weights):
    import theirs

    return measured(theirs.build, name, weights)


def measured(build, name, weights):
    """A function that makes the steps and returns the peak in MiB; it is called once."""
    if not FORGET_PEAK.exists():
        raise turns.Unavailable("only Linux tells the peak of a process's memory")
    tiny = str(Path(weights).with_name("tiny.safetensors"))
    warm_up = build("gpt-tiny", tiny)
    for _ in range(STEPS):
        warm_up()
    return_freed_memory()
    step = build(name, weights)
    before = resident("VmRSS")
    return lambda: peak_of(step) - before


def peak_of(step, steps: int = STEPS) -> float:
    """The most memory, in MiB, that this process has during a few steps."""
    FORGET_PEAK.write_text("5", encoding="ascii")
    for _ in range(steps):
        step()
    return resident("VmHWM")


def return_freed_memory() -> None:
    """Give what earlier work has freed back to the system, or the next would take it without being seen."""
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def resident(which: str) -> float:
    """VmRSS, the memory this process has now, or VmHWM, the most it has had, in MiB."""
    return int(re.search(rf"{which}:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))[1]) / 1024
