"""The training loop: loss, backward, clip, step; with a progress bar, a log, checkpoints and exact resume."""

import math
import time
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from minilm.expect import expect, expect_count
from minilm.nn import Module

from .checkpoint import CHECKPOINT, read_checkpoint, write_checkpoint
from .evaluation import mean_loss
from .interrupt import deferred_interrupt
from .log import Log
from .optimizers import Optimizer, clip_gradients
from .parallel import ALONE, Group, sum_gradients
from .schedules import Schedule, constant
from .source import EachOnce, Source


class Trainer:
    """Trains a language model on windows of text, an encoder-decoder on sentence pairs, a Bert on examples.

    All that is random in step t follows from `seed` and t: the windows' order, and dropout (of several processes also
    from the rank). So the same arguments give the same curve, and a run resumed from a checkpoint equals one that was
    never interrupted, bit for bit.

    Parameters
    ----------
    model : Module with a `loss` that takes what a batch of `windows` is
    optimizer : Optimizer
    windows : Source, such as Windows, Pairs or Examples
    steps : int, optional
        Updates to make.
    minutes : float, optional
        Training time after which to end, whatever the step; evaluation and compilation do not count. At least one of
        `steps` and `minutes` is needed; the schedule follows whichever is further on.
    validation : array_like or EachOnce, optional
        Ids of a held-out text, or held-out pairs or examples; their loss is measured every `evaluate_every` steps and
        at the end.
    schedule : function of progress, see schedules.py
    clip : float
        The longest gradient.
    accumulate : int
        EachOnce whose gradients are averaged for one update.
    patience : int, optional
        End after this many evaluations without a new best, and return to the best weights (early stopping).
    folder : path, optional
        Where to keep checkpoint and log.
    group : Group, optional
        The processes that train together, from `all_ranks`. Each takes its rows of every batch; rank 0 begins with its
        weights for all, shows progress, saves, and decides by its clock.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        windows: Source,
        *,
        steps: int | None = None,
        minutes: float | None = None,
        validation: ArrayLike | EachOnce | None = None,
        schedule: Schedule | None = None,
        clip: float = 1.0,
        accumulate: int = 1,
        evaluate_every: int = 250,
        patience: int | None = None,
        folder: str | Path | None = None,
        seed: int = 0,
        show_progress: bool = True,
        group: Group = ALONE,
    ):
        _check(steps, minutes, accumulate, evaluate_every, patience, clip, validation)
        self.model, self.optimizer, self.windows, self.validation = model, optimizer, windows, validation
        self.steps, self.minutes, self.schedule = steps, minutes, schedule or constant()
        self.clip, self.accumulate, self.evaluate_every, self.patience = clip, accumulate, evaluate_every, patience
        self.group, self.seed, first = group, seed, group.rank == 0
        self.folder, self.show_progress = Path(folder) if folder and first else None, show_progress and first
        self.full_rate = optimizer.lr
        self.step, self.seconds, self.log = 0, 0.0, Log()
        self.warm = False  # the first step may compile, and is not timed
        self.best_loss, self.best_state, self.evaluations_without_best = math.inf, None, 0

    @property
    def progress(self) -> float:
        """Which part of training has passed, 0 to 1."""
        by_steps = self.step / self.steps if self.steps else 0.0
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(max(by_steps, by_time), 1.0)

    def fit(self) -> Log:
        """Train to the end.

        Raises
        ------
        FloatingPointError
            If the loss is no longer a number; the last checkpoint stays.
        KeyboardInterrupt
            After Ctrl-C, when the step is complete and a checkpoint is written; says where.
        """
        self.group.part(self.windows.batch(self.step * self.accumulate))  # a batch too small for them shows now
        if self.folder and not self.step:
            self.save_checkpoint()  # a folder that cannot be written shows now, not after the work
        self._share_weights()
        self.model.train()
        try:
            self._train()
        finally:
            self.model.eval()
        if self.best_state:
            self.model.load_state_dict(self.best_state)
        return self.log

    def _train(self):
        with deferred_interrupt() as interrupted, self._bar() as bar:
            while self.progress < 1 and not self._out_of_patience():
                self._timed_step(bar)
                stop, self.seconds = self.group.once(lambda: (interrupted(), self.seconds))
                if stop:
                    self.save_checkpoint()
                    raise KeyboardInterrupt(f"stopped after step {self.step}; {self._where()}")
                if self.progress >= 1 or self.step % self.evaluate_every == 0:
                    self._share_weights()
                    self._evaluate()
                    self._try_to_save()
            self.save_checkpoint()
            if self.group.once(interrupted):
                raise KeyboardInterrupt(f"stopped after step {self.step}, the last; {self._where()}")

    def _timed_step(self, bar):
        if not self.warm:
            bar.set_description_str("first step: the kernels are compiled, once on this machine")
        started = time.perf_counter()
        loss, norm = self._update()
        if self.warm:
            self.seconds += time.perf_counter() - started
        self.warm = True
        tokens = self.step * self.accumulate * self.windows.tokens_per_batch
        self.log.add(step=self.step, seconds=self.seconds, tokens=tokens, learning_rate=self.optimizer.lr,
                     gradient_norm=norm, train_loss=loss)  # fmt: skip
        self._show(bar, loss)

    def _update(self) -> tuple[float, float]:
        """One update of all parameters; returns the loss before it, and the length of the gradient."""
        self.model.reseed(self.seed, self.step, *self.group.chance)
        self.optimizer.zero_grad()
        total = 0.0
        for part in range(self.accumulate):
            batch = self.windows.batch(self.step * self.accumulate + part)
            rows, weight = self.group.part(batch)
            loss = self.model.loss(*rows) * (weight / self.accumulate)
            loss.backward()
            total += loss.item()
        total = sum_gradients(self.optimizer, total, self.group)
        norm = clip_gradients(self.optimizer.parameters, self.clip)
        if not math.isfinite(total + norm):
            raise FloatingPointError(
                f"the loss is {total} and the gradient's length {norm} at step {self.step + 1}; {self._where()}. "
                f"Try a smaller learning rate than {self.full_rate}"
            )
        self.step += 1
        self.optimizer.lr = self.full_rate * self.schedule(self.progress)
        self.optimizer.step()
        return total, norm

    def _evaluate(self):
        if self.validation is None:
            return
        loss = mean_loss(self.model, self.validation, group=self.group)
        self.log.rows[-1]["validation_loss"] = loss
        if loss < self.best_loss:
            self.best_loss, self.evaluations_without_best = loss, 0
            self.best_state = self.model.state_dict() if self.patience else None
        else:
            self.evaluations_without_best += 1

    def _share_weights(self):
        """On machines of different kinds sums are rounded differently, and the ranks' weights would drift apart."""
        self.group.share(p.data for p in self.optimizer.parameters)

    def _out_of_patience(self) -> bool:
        return self.patience is not None and self.evaluations_without_best >= self.patience

    def _try_to_save(self):
        """A disk that is full for now is no reason to lose what is in memory."""
        try:
            self.save_checkpoint()
        except OSError as error:
            tqdm.write(f"no checkpoint at step {self.step}, training goes on: {error}")

    def save_checkpoint(self) -> None:
        """Write all that `load_checkpoint` needs; without a folder, nothing."""
        if not self.folder:
            return
        state = {"step": self.step, "seconds": self.seconds, "best_loss": self.best_loss,
                 "evaluations_without_best": self.evaluations_without_best, "seed": self.seed}  # fmt: skip
        parts = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                 "best": self.best_state or {}}  # fmt: skip
        self.log.write(self.folder / "log.csv")
        write_checkpoint(self.folder, parts, state)

    def load_checkpoint(self) -> None:
        """Go on from where `save_checkpoint` was called.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no checkpoint in the folder, it is damaged, or it belongs to another model or seed.
        """
        parts, state, self.log = self.group.once(self._read_checkpoint)
        self.model.load_state_dict(parts["model"])
        self.optimizer.load_state_dict(parts["optimizer"])
        self.best_state = parts["best"] or None
        vars(self).update(state)

    def _read_checkpoint(self):
        parts, state = read_checkpoint(self.folder, self.seed)
        return parts, state, Log.read(self.folder / "log.csv", state["step"])

    def _where(self):
        if self.folder and (self.folder / CHECKPOINT).exists():
            return f"the last checkpoint is {self.folder / CHECKPOINT}"
        return "no checkpoint was kept, as the trainer was given no folder"

    def _bar(self):
        return tqdm(
            total=100,
            initial=100 * self.progress,
            disable=not self.show_progress,
            mininterval=0.5,
            bar_format="{percentage:3.0f}% |{bar:20}| {desc}",
        )

    def _show(self, bar, loss):
        recent = [row["train_loss"] for row in self.log.rows[-50:]]
        speed = self.log.rows[-1]["tokens"] / self.seconds if self.seconds else math.nan
        left = self.seconds / self.progress * (1 - self.progress) if self.progress else math.nan
        told = f"step {self.step}  loss {np.mean(recent):.3f}  {speed:,.0f} tokens/s  {left:.0f} s left"
        bar.set_description_str(told, refresh=False)
        bar.update(100 * self.progress - bar.n)


def _check(steps, minutes, accumulate, evaluate_every, patience, clip, validation):
    if not steps and not minutes:
        raise ValueError("neither steps nor minutes says when training ends; give at least one, more than zero")
    counts = {"steps": steps, "accumulate": accumulate, "evaluate_every": evaluate_every, "patience": patience}
    for name, value in counts.items():
        if value is not None:
            expect_count(name, value)
    expect("minutes", minutes, minutes is None or 0 < minutes < math.inf, "more than zero")
    expect("clip", clip, clip > 0, "more than zero: the longest gradient")
    if patience and validation is None:
        raise ValueError("patience, for early stopping, needs a validation text")
    if validation is not None and not isinstance(validation, EachOnce) and len(validation) < 2:
        raise ValueError(f"validation has {len(validation)} ids, expected two or more: the first is not predicted")
