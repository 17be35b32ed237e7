"""Processes that do the same work in turn.

Each library has a process of its own, where its threads wait in the way that suits it best. (In one process the
settings of whichever is imported first would hold for both; and as minilm sets those of NumPy, neither is imported
here.) They do the same work from the same weights in turn, A B C A B C, so that whatever else the machine does meets
all of them.
"""

import importlib
import math
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path

import workloads

TURN = 0.3  # seconds that a turn takes at least: the work is repeated, so that caches and threads are warm
REST = 0.02  # seconds between turns, for the threads of the one before to fall asleep

Columns = dict[str, list[float] | str]  # for each who took part a number per round, or why there is none


class Unavailable(Exception):
    """A side that this machine lacks, and why."""


def serve(side: str, name: str, weights: str, connection) -> None:
    """Build one side of a workload; send what comes out of it first, then seconds whenever asked."""
    module, function = side.split(".")
    try:
        work = getattr(importlib.import_module(module), function)(name, weights)
        connection.send(work())
    except Unavailable as missing:
        connection.send(missing)
        return
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


def in_turn(name: str, pairs: int) -> Columns:
    """A round per pair, after one that is not counted; what comes out must agree."""
    with tempfile.TemporaryDirectory() as folder:
        weights = str(Path(folder) / "weights.safetensors")  # minilm, the first, writes them
        workers = {who: Worker(workloads.SIDES[who], name, weights) for who in ["minilm", *workloads.IN_TURN[name]]}
    missing = {
        who: worker.first_result for who, worker in workers.items() if isinstance(worker.first_result, Unavailable)
    }
    workers = {who: worker for who, worker in workers.items() if who not in missing}
    expected = workers["minilm"].first_result if "minilm" in workers else None
    for who, worker in workers.items():
        if not {name, who} & workloads.MAY_DIFFER and not agree(worker.first_result, expected):
            raise SystemExit(f"{name}: minilm's {expected} is not {worker.first_result} of {who}: nothing to compare")
    rounds = [{who: worker.turn() for who, worker in workers.items()} for _ in range(1 + pairs)][1:]
    for worker in workers.values():
        worker.stop()
    return {who: [seconds[who] for seconds in rounds] for who in workers} | {
        who: str(why) for who, why in missing.items()
    }


def agree(result, expected) -> bool:
    """Whether two losses are equal but for rounding, or two lists of ids the same."""
    return result == expected if isinstance(result, list) else math.isclose(result, expected, rel_tol=1e-4)
