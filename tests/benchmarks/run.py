"""minilm against PyTorch on the same CPU, in pairs: `python tests/benchmarks/run.py` (needs the extra `crosscheck`).

Both do the same work on the same weights, in turn, A B A B, in one process, so that whatever else the machine does
meets both. The ratio is the median over the pairs; below 1 minilm is faster. PyTorch runs eagerly with two threads,
scaled_dot_product_attention and fused AdamW; it is imported first, so that minilm's settings do not reach its threads.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "crosscheck"))

import numpy as np
import torch_models

from minilm import generate, models, training


class Pair(NamedTuple):
    """Two ways to do the same, and the most that minilm may take: as a ratio, or in seconds of its own."""

    ours: Callable[[], object]
    theirs: Callable[[], object] | None
    most: float
    unit: str = "ratio"


def train_pair(ours, theirs, V, T, B):
    """One training step: forward, backward, clipping, AdamW."""
    ids = np.random.default_rng(0).integers(V, size=(B, T + 1))
    inputs, targets = torch.from_numpy(ids[:, :-1].copy()), torch.from_numpy(ids[:, 1:].copy())
    optimizer = training.AdamW(ours.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    their_optimizer = torch_models.adamw(theirs, 1e-3)

    def our_step():
        optimizer.zero_grad()
        loss = ours.loss(ids[:, :-1], ids[:, 1:])
        loss.backward()
        training.clip_gradients(optimizer.parameters, 1.0)
        optimizer.step()
        return loss.item()

    def their_step():
        their_optimizer.zero_grad()
        loss = torch_models.loss_of(theirs(inputs), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        their_optimizer.step()
        return loss.item()

    for _ in range(3):
        assert abs(our_step() - their_step()) < 1e-3, "both must train alike"
    return Pair(our_step, their_step, 1.0)


def gpt_models(V, T, width, layers, heads):
    size = {"width": width, "layers": layers, "heads": heads, "context": T}
    ours = models.GPT(V, **size, rng=np.random.default_rng(0))
    return ours, torch_models.load(torch_models.GPT(V, **size), torch_models.gpt_layout(ours.state_dict()))


def gpt(T, B, width=128, layers=4, heads=4, V=71):
    return train_pair(*gpt_models(V, T, width, layers, heads), V, T, B)


def lstm(V=65, T=64, B=32, embedding=64, width=128):
    ours = models.RecurrentLM(V, embedding=embedding, width=width, rng=np.random.default_rng(0))
    arrays = torch_models.recurrent_layout(ours.state_dict())
    return train_pair(
        ours, torch_models.load(torch_models.RecurrentLM(V, embedding=embedding, width=width), arrays), V, T, B
    )


def decode(V=71, T=128, new=64):
    """Greedy decoding of 64 tokens, one sequence, with cached keys and values."""
    ours, theirs = gpt_models(V, T, 128, 4, 4)
    prompt = np.arange(16) % V
    assert generate.greedy(ours, prompt, new).tolist() == theirs.greedy(torch.from_numpy(prompt[None]), new).tolist()
    with torch.inference_mode():
        return Pair(
            lambda: generate.greedy(ours, prompt, new), lambda: theirs.greedy(torch.from_numpy(prompt[None]), new), 1.0
        )


def whole_process(code, **environment):
    """A Python process of its own."""
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | environment)


STEP = """
import numpy as np
from minilm import models
model = models.GPT(71, rng=np.random.default_rng(0))
model.loss(np.zeros((4, 128), int), np.zeros((4, 128), int)).backward()
"""


def imports():
    return Pair(lambda: whole_process("import minilm"), lambda: whole_process("import torch"), 0.6, "s")


def first_step_from_an_empty_cache():
    def compile_all():
        with tempfile.TemporaryDirectory() as folder:
            whole_process(STEP, MINILM_CACHE=folder)

    return Pair(compile_all, None, 30.0, "s")


def first_step_from_a_warm_cache():
    return Pair(lambda: whole_process(STEP), None, 3.0, "s")


WORKLOADS = {
    "gpt-main": lambda: gpt(T=128, B=4),  # the main job
    "gpt-s": lambda: gpt(T=64, B=12),
    "gpt-m": lambda: gpt(T=128, B=16, width=192, layers=6, heads=6),
    "lstm": lstm,
    "decode": decode,
    "import": imports,
    "first-step-cold": first_step_from_an_empty_cache,
    "first-step-warm": first_step_from_a_warm_cache,
}


def seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(name: str, pairs: int) -> dict:
    """Time a workload in pairs."""
    ours, theirs, most, unit = WORKLOADS[name]()
    seconds(ours)
    if theirs is None:
        times = [(seconds(ours), float("nan")) for _ in range(max(pairs // 10, 1))]
    else:
        seconds(theirs)
        times = [(seconds(ours), seconds(theirs)) for _ in range(pairs)]
    our_ms, their_ms = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    low, ratio, high = np.quantile([a / b for a, b in times], [0.25, 0.5, 0.75])
    return {
        "workload": name, "peer": "PyTorch eager" if theirs else "", "minilm_ms": our_ms, "peer_ms": their_ms,
        "ratio": ratio, "quartiles": [low, high], "target": most, "unit": unit,
        "met": bool((ratio if unit == "ratio" else our_ms / 1000) <= most),
    }  # fmt: skip


def line(row: dict) -> str:
    """A row of the table."""
    if not row["peer"]:
        return f"{row['workload']:<16} {row['minilm_ms']:9.1f} ms"
    low, high = row["quartiles"]
    return (
        f"{row['workload']:<16} {row['minilm_ms']:9.1f} ms {row['peer_ms']:9.1f} ms"
        f"   {row['ratio']:.2f} ({low:.2f} to {high:.2f})"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=WORKLOADS, action="append", help="one row; may be given several times")
    options.add_argument("--pairs", type=int, default=31)
    options.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    options = options.parse_args()
    torch.set_num_threads(2)
    print(f"{'workload':<16} {'minilm':>12} {'PyTorch':>12}   ratio (quartiles), {options.pairs} pairs")
    rows = []
    for name in options.only or WORKLOADS:
        rows.append(measure(name, options.pairs))
        print(line(rows[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
