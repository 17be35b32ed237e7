"""minilm against PyTorch on the same CPU, in pairs: `python tests/benchmarks/run.py` (needs the extra `crosscheck`).

Each has a process of its own, where its threads wait in the way that suits it best. (In one process the settings of
whichever is imported first would hold for both; and as minilm sets those of NumPy, this file does not import it.) They
do the same work from the same weights in turn, A B A B, so that whatever else the machine does meets both. The ratio
is the median over the pairs; below 1 minilm is faster.
"""

import argparse
import functools
import importlib
import json
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import workloads

STEP = """
from minilm import models
import numpy as np
model = models.GPT(71, rng=np.random.default_rng(0))
model.loss(np.zeros((4, 128), int), np.zeros((4, 128), int)).backward()
"""
TURN = 0.3  # seconds that a turn takes at least: the work is repeated, so that caches and threads are warm
REST = 0.02  # seconds between turns, for the threads of the one before to fall asleep


def serve(side: str, name: str, weights: str, connection) -> None:
    """Build one side of a workload; send what comes out of it first, then seconds whenever asked."""
    work = importlib.import_module(side).build(name, weights)
    connection.send(work())
    while connection.recv():
        times, end = [], time.perf_counter() + TURN
        while not times or time.perf_counter() < end:
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
        connection.send(statistics.median(times))


class Worker:
    """A process that does one side of a workload when asked."""

    def __init__(self, side: str, name: str, weights: str):
        spawn = multiprocessing.get_context("spawn")
        self.connection, other = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(side, name, weights, other), daemon=True)
        self.process.start()
        other.close()  # so that a worker that dies is noticed here
        self.first_result = self.connection.recv()

    def turn(self) -> float:
        time.sleep(REST)
        self.connection.send(True)
        return self.connection.recv()

    def stop(self) -> None:
        self.connection.send(False)
        self.process.join()


Seconds = list[tuple[float, float | None]]  # of minilm and of PyTorch, a pair per round


def in_turn(name: str, pairs: int) -> Seconds:
    """A pair per round, after one that is not counted; what comes out must agree."""
    with tempfile.TemporaryDirectory() as folder:
        weights = str(Path(folder) / "weights.safetensors")
        ours = Worker("ours", name, weights)
        theirs = Worker("theirs", name, weights)
    if not agree(ours.first_result, theirs.first_result):
        raise SystemExit(f"{name}: {ours.first_result} is not PyTorch's {theirs.first_result}: nothing to compare")
    seconds = [(ours.turn(), theirs.turn()) for _ in range(1 + pairs)]
    ours.stop()
    theirs.stop()
    return seconds[1:]


def agree(result, expected) -> bool:
    """Whether two losses are equal but for rounding, or two lists of ids the same."""
    return result == expected if isinstance(result, list) else math.isclose(result, expected, rel_tol=1e-4)


def whole_process(code: str, **environment: str) -> float:
    """Seconds of a Python process of its own."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | environment)
    return time.perf_counter() - started


def imports(pairs: int) -> Seconds:
    return [(whole_process("import minilm"), whole_process("import torch")) for _ in range(pairs)]


def first_step_from_an_empty_cache(pairs: int) -> Seconds:
    with tempfile.TemporaryDirectory() as folder:
        return [(whole_process(STEP, MINILM_CACHE=folder), None)]


def first_step_from_a_warm_cache(pairs: int) -> Seconds:
    return [(whole_process(STEP), None) for _ in range(1 + pairs)][1:]


ROWS: dict[str, Callable[[int], Seconds]] = {
    **{name: functools.partial(in_turn, name) for name in workloads.IN_TURN},
    "import": imports,
    "first-step-cold": first_step_from_an_empty_cache,
    "first-step-warm": first_step_from_a_warm_cache,
}


def summary(name: str, seconds: Seconds) -> dict:
    """Medians in milliseconds, and the quartiles of the ratio."""
    ours, theirs = zip(*seconds, strict=True)
    row = {"workload": name, "minilm_ms": 1000 * statistics.median(ours)}
    if theirs[0] is not None:
        low, ratio, high = statistics.quantiles((a / b for a, b in seconds), method="inclusive")
        row |= {"pytorch_ms": 1000 * statistics.median(theirs), "ratio": ratio, "quartiles": [low, high]}
    return row


def line(row: dict) -> str:
    """A row of the table."""
    start = f"{row['workload']:<16} {row['minilm_ms']:9.1f} ms"
    if "ratio" not in row:
        return start
    low, high = row["quartiles"]
    return f"{start} {row['pytorch_ms']:9.1f} ms   {row['ratio']:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=ROWS, action="append", help="one row; may be given several times")
    options.add_argument("--pairs", type=int, default=31)
    options.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    options = options.parse_args()
    print(f"{'workload':<16} {'minilm':>12} {'PyTorch':>12}   ratio (quartiles), {options.pairs} pairs")
    rows = []
    for name in options.only or ROWS:
        rows.append(summary(name, ROWS[name](options.pairs)))
        print(line(rows[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
