"""How training scales over processes: `python tests/benchmarks/scaling.py` (needs the extra `mpi`).

The same batches are trained on by one process with N threads, by one with one thread, and by N ranks with one thread
each; and by one process with one thread a batch of 1/N, which is what a rank has to compute. They take turns, A B C D
A B C D, each in processes of its own. Told are medians over the turns:

    efficiency      time of one thread / (N × time)
    communication   the part of a step that a rank spends in the Allreduce and in the broadcast of rank 0's clock; most
                    of it is waiting for the slower rank. `alone` is the Allreduce by itself, ranks in step.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from minilm import data, models, training  # isort: skip  before NumPy, whose threads it sets

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import workloads

NAMES = ("gpt-main", "gpt-s", "gpt-m", "gpt-l")
WARM_UP = 3  # steps


class Stopwatch:
    """A function that notes the seconds it takes."""

    def __init__(self, function):
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments):
        started = time.perf_counter()
        try:
            return self.function(*arguments)
        finally:
            self.seconds += time.perf_counter() - started


def work(name: str, part: int, seconds: float) -> None:
    """What a rank does: steps for so many seconds on 1 / part of the batch; rank 0 prints what they took."""
    with training.all_ranks() as group:
        trainer = _trainer(name, part, group)
        for _ in range(WARM_UP):
            trainer._update()
        watches = [Stopwatch(group.sum), Stopwatch(group.once)]
        if group.size > 1:
            group.sum, group.once = watches
        steps, started = 0, time.perf_counter()
        while group.once(lambda: time.perf_counter() < started + seconds):
            trainer._update()
            steps += 1
        step = (time.perf_counter() - started) / steps
        told = {"step": step, "communication": sum(watch.seconds for watch in watches) / steps}
        print(json.dumps(told | _alone(group, sum(p.size for p in trainer.optimizer.parameters))))


def _trainer(name, part, group):
    size = dict(workloads.SIZES[name])
    batch = size.pop("batch")
    model = models.GPT(**size, rng=np.random.default_rng(0))
    ids = np.random.default_rng(0).integers(size["vocabulary"], size=100_000)
    windows = data.Windows(ids, size["context"], batch // part, seed=0)
    return training.Trainer(model, training.AdamW(model.parameters()), windows, steps=10**9, group=group)


def _alone(group, parameters, times=20):
    """Seconds of an Allreduce whose ranks all come at once."""
    vector, seconds = np.zeros(parameters, np.float32), []
    for _ in range(times):
        group.once(int)
        started = time.perf_counter()
        group.sum(vector)
        seconds.append(time.perf_counter() - started)
    return {"alone": statistics.median(seconds), "megabytes": vector.nbytes / 1e6}


def run(name: str, options, *, ranks: int = 1, threads: int = 1, part: int = 1) -> dict:
    """One turn."""
    launcher = [*shlex.split(options.launcher), "-n", str(ranks)] if ranks > 1 else []
    seconds = options.seconds
    command = [*launcher, sys.executable, __file__, "--work", name, "--part", str(part), "--seconds", str(seconds)]
    names = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def measure(name: str, options) -> None:
    """Print a workload's rows."""
    N = options.ranks
    ways = {
        f"1 process, {N} threads": {"threads": N},
        "1 process, 1 thread": {},
        f"{N} ranks, 1 thread each": {"ranks": N},
        f"1 process, 1 thread, 1/{N} batch": {"part": N},
    }
    told = [{way: run(name, options, **settings) for way, settings in ways.items()} for _ in range(options.turns)]
    for way in ways:
        rows = [turn[way] for turn in told]
        step, communication, alone = (
            1000 * statistics.median(row[key] for row in rows) for key in ("step", "communication", "alone")
        )
        line = f"{name:<9} {way:<32} {step:8.1f} ms"
        if "batch" not in way:
            one = statistics.median(turn["1 process, 1 thread"]["step"] / turn[way]["step"] for turn in told)
            line += f"   efficiency {one / (1 if way == '1 process, 1 thread' else N):.2f}"
        if communication:
            line += f"   communication {communication / step:.1%} ({communication:.1f} ms; alone {alone:.1f} ms"
            line += f" for {rows[0]['megabytes']:.1f} MB)"
        print(line, flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=NAMES, action="append", help="may be given several times")
    options.add_argument("--ranks", type=int, default=2, metavar="N")
    options.add_argument("--turns", type=int, default=7)
    options.add_argument("--seconds", type=float, default=2.0, help="of steps in a turn")
    beside = shutil.which("mpiexec", path=Path(sys.executable).parent) or "mpiexec"
    options.add_argument("--launcher", default=beside, help="such as 'mpiexec -hosts one,two -ppn 1'")
    options.add_argument("--work", help=argparse.SUPPRESS)
    options.add_argument("--part", type=int, default=1, help=argparse.SUPPRESS)
    options = options.parse_args()
    if options.work:
        work(options.work, options.part, options.seconds)
        return
    for name in options.only or NAMES:
        measure(name, options)


if __name__ == "__main__":
    main()
