"""`python -m minilm classify train FILE --out RUN`, then `python -m minilm classify RUN "text"`; so for every task."""

import math
from argparse import Namespace
from pathlib import Path

from minilm.arguments import positive_float, positive_int, seed

from . import TASKS

MINUTES = 5.0
TRAINING = ("out", "minutes", "steps", "seed", "skip_bad")  # options that only training has


def add(subparsers) -> None:
    """The commands of all tasks."""
    for name, module in TASKS.items():
        command = subparsers.add_parser(name, help=module.ABOUT, description=f"{module.ABOUT}. {module.FORMAT}")
        command.set_defaults(run=run, task=name)
        command.add_argument("run_or_train", metavar="RUN", help="a run folder; or the word train")
        command.add_argument("text", metavar="TEXT or FILE", help="what to work on; after train, what to learn from")
        command.add_argument("--out", type=Path, metavar="DIR", help="train: the run folder, new or empty")
        command.add_argument("--minutes", type=positive_float, metavar="M", help=f"train: time (default: {MINUTES:g})")
        command.add_argument("--steps", type=positive_int, metavar="N", help="train: updates; N gives one model")
        command.add_argument("--seed", type=seed, help="train: default 0")
        command.add_argument("--skip-bad", action="store_const", const=True,
                             help="train: pass over wrong rows, and say how many")  # fmt: skip
        for flag, settings in getattr(module, "OPTIONS", {}).items():
            command.add_argument(flag, **settings)


def run(options: Namespace) -> None:
    """Learn from a file, or work on a text."""
    module = TASKS[options.task]
    if options.run_or_train == "train":
        own = [flag.removeprefix("--").replace("-", "_") for flag in getattr(module, "OPTIONS", {})]
        _refuse(options, own, "training does not take it; leave it out")
        return train(module, options)
    _refuse(options, TRAINING, "it is for training; write the word train in front of a file to learn from")
    print(module.told(module.Task.load(Path(options.run_or_train)), options))


def train(module, options: Namespace) -> None:
    """Learn from most of a file, measure on the rest, and leave a run folder."""
    if not options.out:
        raise ValueError("--out is missing; expected the folder that the trained model goes to")
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise ValueError(f"--out {options.out} is there already; expected a new or empty folder")
    kept, held_out = _parted(module, options)
    print(f"{len(kept):,} examples to learn from, {len(held_out):,} held out\n")
    minutes = options.minutes or (None if options.steps else MINUTES)
    limits = {"minutes": minutes, "steps": options.steps, "seed": options.seed or 0}
    try:
        trained = module.Task.train(kept, folder=options.out, **limits)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{stop}; it is no run yet: begin again, with another --out") from None
    trained.save(options.out)
    measured = held_out[:: math.ceil(len(held_out) / getattr(module, "MEASURED", len(held_out)))]
    figures = ", ".join(f"{name} {value:.3f}" for name, value in trained.evaluate(measured).items())
    told = f" (of {len(measured):,} of them, evenly spaced)" if len(measured) < len(held_out) else ""
    print(f"\nheld out: {figures}{told}\nrun folder: {options.out}")


def _refuse(options, names, remedy):
    """Nobody should think that something was heeded which was not."""
    for name in names:
        value = getattr(options, name)
        if value is not None:
            raise ValueError(f"--{name.replace('_', '-')} is {value}; {remedy}")


def _parted(module, options):
    """Of a file's examples those to learn from, and those to measure on."""
    examples = module.read(options.text, skip_bad=bool(options.skip_bad))
    try:
        return module.split(examples)
    except ValueError as error:
        told = f"{options.text} has too little in it: something must be held out, to measure on"
        raise ValueError(f"{told} ({error})") from error
