"""How a GPT's training step grows, in time and memory: `python tests/benchmarks/growth.py`.

One setting at a time grows: context, width, batch, threads. Each point has a process of its own, and they take turns.
Beside it stands what is expected, from the multiplications of a step and the numbers it holds; slopes are those of the
last three points in log-log. A table and a picture are left in a folder.
"""

import argparse
import itertools
import json
import math
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import turns
import workloads

BASE = {"vocabulary": 65, "width": 128, "layers": 4, "context": 128, "batch": 4}
LARGE = {"vocabulary": 65, "width": 384, "layers": 6, "context": 256, "batch": 8}  # for the threads to share
HEAD_WIDTH = 64
SERIES = {
    "context": [64, 128, 256, 512, 1024, 2048],
    "width": [64, 128, 256, 512, 768],
    "batch": [1, 2, 4, 8, 16, 32],
    "threads": sorted({2**n for n in range(10) if 2**n < os.cpu_count()} | {os.cpu_count()}),
}
KINDS = {"time": "s", "memory": "MiB"}


def size_with(setting: str, value: int) -> dict[str, int]:
    size = LARGE if setting == "threads" else BASE | {setting: value}
    return size | {"heads": size["width"] // HEAD_WIDTH}


def parameters(width, layers, vocabulary) -> int:
    """12 C² in each layer, and C V twice; gains and biases are few."""
    return 12 * layers * width**2 + 2 * width * vocabulary


def multiplications(vocabulary, width, layers, heads, context, batch) -> int:
    """Three products with every weight, forward and backward, and attention's seven, half hidden by the mask."""
    weights = 12 * layers * width**2 + width * vocabulary
    return batch * context * (3 * weights + 7 * layers * context * width // 2)


def numbers_held(vocabulary, width, layers, heads, context, batch) -> int:
    """What the tape holds of a token, 22 C in each layer; of a parameter its gradient, m, v, and two copies."""
    return 22 * layers * batch * context * width + 6 * parameters(width, layers, vocabulary)


def build(size: str, weights: str):
    """A function that trains, given the size as JSON: its first call returns the peak of memory, in MiB."""
    import memory
    import numpy as np
    import ours

    def training_step(size):
        model = ours.models.GPT(**workloads.model_size(size), rng=np.random.default_rng(0))
        return ours.training_step(model, size)

    training_step(workloads.SIZES["gpt-tiny"])()  # loads the code
    memory.return_freed_memory()
    before = memory.resident("VmRSS")
    step = training_step(json.loads(size))
    calls = itertools.chain([lambda: memory.peak_of(step) - before], itertools.repeat(step))
    return lambda: next(calls)()


def measured(setting: str, rounds: int) -> list[dict]:
    """A point for each value: what was measured, and what is expected but for a factor. The points take turns."""
    workers = [worker(size_with(setting, value), threads_with(setting, value)) for value in SERIES[setting]]
    seconds = zip(*([worker.turn() for worker in workers] for _ in range(rounds)), strict=True)
    points = []
    for value, worker_of_it, times in zip(SERIES[setting], workers, seconds, strict=True):
        size = size_with(setting, value)
        expected = {"time": multiplications(**size) / threads_with(setting, value), "memory": numbers_held(**size)}
        now = {"time": statistics.median(times), "memory": worker_of_it.first_result}
        points.append({"value": value, "measured": now, "expected": expected})
        worker_of_it.stop()
    return points


def worker(size: dict[str, int], threads: int) -> turns.Worker:
    for team in ("NUMBA", "OMP", "OPENBLAS"):
        os.environ[f"{team}_NUM_THREADS"] = str(threads)  # inherited
    return turns.Worker("growth.build", json.dumps(size), "")


def threads_with(setting: str, value: int) -> int:
    return value if setting == "threads" else os.cpu_count()


def slope(points: list[dict], which: str, kind: str) -> float:
    """The least-squares slope of the last three points in log-log."""
    last = points[-3:]
    x, y = [math.log(point["value"]) for point in last], [math.log(point[which][kind]) for point in last]
    return statistics.linear_regression(x, y).slope if len(last) > 1 else math.nan


def serial_share(points: list[dict]) -> float:
    """Amdahl's s, where n threads take s + (1 - s) / n of one thread's time, from the last number of threads."""
    first, last = points[0], points[-1]
    n, fraction = last["value"], last["measured"]["time"] / first["measured"]["time"]
    return (fraction * n - 1) / (n - 1) if n > 1 else math.nan


def markdown(series: dict[str, list[dict]]) -> str:
    lines = ["| setting | value | step | peak memory |", "| --- | --- | --- | --- |"]
    for setting, points in series.items():
        for point in points:
            now = point["measured"]
            lines.append(f"| {setting} | {point['value']} | {1000 * now['time']:.1f} ms | {now['memory']:.0f} MiB |")
        slopes = [f"{slope(points, 'measured', kind):.2f} ({slope(points, 'expected', kind):.2f})" for kind in KINDS]
        lines.append(f"| {setting} | slope (expected) | {slopes[0]} | {slopes[1]} |")
    if "threads" in series:
        lines.append(f"\nSerial share of the step, by Amdahl's law: {serial_share(series['threads']):.0%}")
    return "\n".join(lines) + "\n"


def draw(series: dict[str, list[dict]], path: Path) -> None:
    """Log-log; the dashed line is what is expected, through the last point. Imports minilm: call it after measuring."""
    from minilm.plots.style import new_axes

    axes = iter(new_axes(2.8 * len(series), 5, len(KINDS), len(series)))
    for kind, unit in KINDS.items():
        for setting, points in series.items():
            ax = next(axes)
            draw_one(ax, points, kind)
            ax.set_xlabel(setting)
            ax.set_ylabel(f"{kind} of a step, {unit}")
    ax.legend(frameon=False, fontsize=8)
    ax.figure.savefig(path, dpi=120)


def draw_one(ax, points: list[dict], kind: str) -> None:
    from matplotlib.ticker import FixedLocator, LogLocator, StrMethodFormatter

    from minilm.plots.style import BLUE, GREY, quiet_frame

    x, y, wanted = zip(*((p["value"], p["measured"][kind], p["expected"][kind]) for p in points), strict=True)
    ax.loglog(x, [y[-1] * w / wanted[-1] for w in wanted], color=GREY, linestyle="--", label="expected")
    ax.loglog(x, y, color=BLUE, marker="o", markersize=4, label="measured")
    ax.set_ylim(min(ax.get_ylim()[0], y[-1] / 3), max(ax.get_ylim()[1], y[-1] * 1.5))
    ax.minorticks_off()
    ax.xaxis.set_major_locator(FixedLocator(x))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set_title(
        f"slope {slope(points, 'measured', kind):.2f} (expected {slope(points, 'expected', kind):.2f})", fontsize=9
    )
    quiet_frame(ax)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=SERIES, action="append", help="one setting; may be repeated")
    options.add_argument("--rounds", type=int, default=7, help="how often each point is timed")
    options.add_argument("--out", type=Path, metavar="FOLDER", default=Path("runs/benchmarks"))
    options = options.parse_args()
    series = {setting: measured(setting, options.rounds) for setting in options.only or SERIES}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "growth.md").write_text(markdown(series), encoding="utf-8", newline="\n")
    draw(series, options.out / "growth.png")
    print(markdown(series))


if __name__ == "__main__":
    main()
