"""`python -m minilm classify train FILE --out RUN`, then `python -m minilm classify RUN "text"`; so for every task."""

import math
from argparse import ArgumentTypeError, Namespace
from pathlib import Path

from . import TASKS

MINUTES = 5.0


def add(subparsers) -> None:
    """The commands of all tasks."""
    for name, module in TASKS.items():
        command = subparsers.add_parser(name, help=module.ABOUT, description=f"{module.ABOUT}. {module.FORMAT}")
        command.set_defaults(run=run, task=name)
        command.add_argument("run_or_train", metavar="RUN", help="a run folder; or the word train")
        command.add_argument("text", metavar="TEXT or FILE", help="what to work on; after train, what to learn from")
        command.add_argument("--out", type=Path, metavar="DIR", help="train: the run folder, new or empty")
        command.add_argument("--minutes", type=_positive, metavar="M", help=f"train: time (default: {MINUTES:g})")
        command.add_argument("--steps", type=int, metavar="N", help="train: updates; the same N gives the same model")
        command.add_argument("--seed", type=int, default=0, help="train: default 0")
        command.add_argument("--skip-bad", action="store_true", help="train: pass over wrong rows, and say how many")
        for flag, settings in getattr(module, "OPTIONS", {}).items():
            command.add_argument(flag, **settings)


def run(options: Namespace) -> None:
    """Learn from a file, or work on a text."""
    module = TASKS[options.task]
    if options.run_or_train == "train":
        return train(module, options)
    print(module.told(module.Task.load(Path(options.run_or_train)), options))


def train(module, options: Namespace) -> None:
    """Learn from most of a file, measure on the rest, and leave a run folder."""
    if not options.out:
        raise ValueError("--out is missing; expected the folder that the trained model goes to")
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise ValueError(f"--out {options.out} is there already; expected a new or empty folder")
    kept, held_out = module.split(module.read(options.text, skip_bad=options.skip_bad))
    print(f"{len(kept):,} examples to learn from, {len(held_out):,} held out\n")
    minutes = options.minutes or (None if options.steps else MINUTES)
    limits = {"minutes": minutes, "steps": options.steps, "seed": options.seed}
    trained = module.Task.train(kept, folder=options.out, **limits)
    trained.save(options.out)
    figures = ", ".join(f"{name} {value:.3f}" for name, value in trained.evaluate(held_out).items())
    print(f"\nheld out: {figures}\nrun folder: {options.out}")


def _positive(text) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if not 0 < minutes < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return minutes
