"""What test_parallel.py has each rank do: `mpiexec -n N python rank.py FOLDER`, or without mpiexec for one process."""

import sys
from pathlib import Path

import numpy as np

from minilm import training
from minilm.data import Pairs, Windows
from minilm.models import GPT, Seq2Seq

TEXT = np.random.default_rng(0).integers(1, 3, 600).cumsum() % 7
SENTENCES = [[2 + i % 3] * (1 + i * i % 7) for i in range(30)]  # of 1 to 7 words: shares of unequal weight


def gpt(group, batch=5, dropout=0.0, **settings):
    """Of batches of 5 windows two ranks have shares of 3 and 2."""
    model = GPT(7, width=8, layers=1, heads=2, context=8, dropout=dropout, rng=np.random.default_rng(group.rank))
    settings = {"steps": 6, "validation": TEXT[400:], "evaluate_every": 2} | settings
    return trainer(model, Windows(TEXT[:400], context=8, batch=batch, seed=3), group, **settings)


def seq2seq(group):
    model = Seq2Seq(6, 6, pad=5, width=8, embedding=4, rng=np.random.default_rng(group.rank))
    pairs = Pairs(SENTENCES, SENTENCES[::-1], pad=5, start=0, end=1, batch=6, seed=3)
    return trainer(model, pairs, group, steps=6, validation=pairs, evaluate_every=3)


def trainer(model, windows, group, **settings):
    """In float64, where a curve that differs by more than rounding shows."""
    optimizer = training.AdamW(model.astype(np.float64).parameters(), 1e-2)
    return training.Trainer(model, optimizer, windows, group=group, seed=3, show_progress=False, **settings)


class EqualShares(training.parallel.Ranks):
    """The mistake of a mean of means."""

    def part(self, batch):
        return super().part(batch)[0], 1 / self.size


def results(group):
    """Of each case the loss of every step, what is measured, and the weights."""
    cases = {
        "windows": gpt(group, accumulate=2),
        "pairs": seq2seq(group),
        "dropout": gpt(group, batch=6, dropout=0.5),  # shares are equal, so the draws would be
        "by the clock": gpt(group, steps=None, minutes=0.2 / 60, schedule=training.schedules.linear()),
        "out of patience": gpt(group, steps=400, patience=1, evaluate_every=1),
    }
    if group.size > 1:
        cases["a mean of means"] = seq2seq(EqualShares(group.communicator))
    for name, case in cases.items():
        case.fit()
        columns = case.log.columns()
        yield f"{name}/losses", columns["train_loss"]
        yield f"{name}/validation", columns["validation_loss"]
        yield f"{name}/weights", np.concatenate([p.data.ravel() for p in case.model.parameters()])
    yield "draws", cases["dropout"].model.dropout.rng.random(8)


if __name__ == "__main__":
    with training.all_ranks() as group:
        np.savez(Path(sys.argv[1]) / f"{group.rank}.npz", **dict(results(group)))
