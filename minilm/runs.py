"""A run folder: what training leaves behind, and what is needed to use the model again.

* model.safetensors: the weights (of an n-gram model: its counts)
* config.json: which model, with which settings, trained on what
* tokenizer.json: the vocabulary
* log.csv, loss.png: how training went
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minilm import plots
from minilm.data import Tokenizer, load_tokenizer
from minilm.files import replacing
from minilm.models import MODELS
from minilm.training import CHECKPOINT, Log, load_arrays, save_arrays

WEIGHTS, CONFIG, TOKENIZER, LOSS_CURVE = "model.safetensors", "config.json", "tokenizer.json", "loss.png"


class Run(NamedTuple):
    """A model, the tokenizer it was trained with, and the rest of its configuration."""

    model: Any
    tokenizer: Tokenizer
    config: dict[str, Any]


def build(name: str, settings: dict[str, Any], seed: int = 0) -> Any:
    """The untrained model `name` of MODELS.

    Raises
    ------
    ValueError
        If there is no such model, or a setting is not one of it.
    """
    if name not in MODELS:
        raise ValueError(f"no model is named {name!r}; there are {', '.join(MODELS)}")
    try:
        return MODELS[name](**settings, rng=np.random.default_rng(seed))
    except TypeError as error:
        raise ValueError(f"these settings do not fit the model {name}: {settings} ({error})") from error


def save_config(folder: Path, run: Run) -> None:
    """What is known before training."""
    text = json.dumps(run.config, indent=2, ensure_ascii=False) + "\n"
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    run.tokenizer.save(folder / TOKENIZER)


def save_weights(folder: Path, model: Any) -> None:
    """What training found."""
    with replacing(folder / WEIGHTS) as temporary:
        save_arrays(temporary, model.state_dict())


def save_loss_curve(folder: Path, log: Log) -> None:
    """Draw how training went."""
    from matplotlib.figure import Figure  # here, not above: it takes longer to import than the rest together

    figure = Figure(figsize=(7, 4), layout="constrained")
    plots.loss_curve(log.columns(), figure.subplots())
    with replacing(folder / LOSS_CURVE) as temporary:
        figure.savefig(temporary, format="png", dpi=150)


def load_run(folder: str | Path, *, weights: bool = True) -> Run:
    """The run in `folder`; without its weights, the model is as it was before training.

    Raises
    ------
    FileNotFoundError
        If the folder, or a file in it, is missing.
    ValueError
        If a file is damaged, or the weights do not fit the configuration.
    """
    folder = Path(folder)
    model, config = _configured(folder)
    if not (folder / TOKENIZER).is_file():
        raise FileNotFoundError(f"{folder} has no {TOKENIZER}; take it from a copy of the run, or train again")
    if weights:
        if not (folder / WEIGHTS).is_file():
            raise FileNotFoundError(f"{folder} has no {WEIGHTS}: training has not ended; `--resume` goes on with it")
        model.load_state_dict(load_arrays(folder / WEIGHTS)[0])
        if hasattr(model, "eval"):
            model.eval()
    return Run(model, load_tokenizer(folder / TOKENIZER), config)


def _configured(folder):
    """The untrained model, and the configuration that says which."""
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is no run folder: it has no {CONFIG}; `python -m minilm train` makes one")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        wanted = {"model", "settings", "seed", "text", "text_sha256", "training"} - set(config)
        wanted |= {"batch", "learning_rate", "steps", "minutes"} - set(config.get("training", ()))
        if wanted:
            raise ValueError(f"it lacks {', '.join(sorted(wanted))}")
        return build(config["model"], config["settings"], config["seed"]), config
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}); take a copy, or train again") from error


def holds_run(folder: Path) -> bool:
    """Whether training in that folder has got as far as a checkpoint."""
    return any((folder / name).exists() for name in (WEIGHTS, CHECKPOINT))


def fresh_folder(name: str) -> Path:
    """runs/name, or with a number behind it if that is taken."""
    number, folder = 1, Path("runs", name)
    while folder.exists():
        number += 1
        folder = Path("runs", f"{name}-{number}")
    return folder
