"""The folder that training for a task leaves: weights, tokenizers, and which task it was."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minilm.data import Tokenizer, load_tokenizer
from minilm.files import replacing
from minilm.nn import Module
from minilm.training import load_arrays, save_arrays

WEIGHTS, CONFIG = "model.safetensors", "config.json"
Trained = TypeVar("Trained", bound=Module)


class _Config(dict):
    """What stands in a configuration; what does not is an error that names it."""

    def __init__(self, content: Mapping[str, Any], path: Path):
        super().__init__(content)
        self.path = path

    def __missing__(self, name):
        raise ValueError(f"{self.path} lacks {name!r}; take a copy, or train again")


class Saved(NamedTuple):
    """What `load` finds."""

    config: _Config
    arrays: dict[str, np.ndarray]
    tokenizers: dict[str, Tokenizer]

    def model(self, build: Callable[..., Trained]) -> Trained:
        """The model build(**settings, rng=...) with the weights that were saved.

        Raises
        ------
        ValueError
            If the settings are not those of such a model, or the weights do not fit.
        """
        settings = self.config["settings"]
        try:
            model = build(**settings, rng=np.random.default_rng(0))
        except TypeError as error:
            raise ValueError(f"{self.config.path}: wrong settings ({error}); take a copy, or train again") from error
        model.load_state_dict(self.arrays)
        return model.eval()


def save(folder: str | Path, task: str, config: Mapping[str, Any], model: Module, **tokenizers: Tokenizer) -> None:
    """Write a trained model, whatever else it takes to build it again, and its tokenizers by their names.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    folder = Path(folder)
    content = {"task": task, "tokenizers": sorted(tokenizers), **config}
    for name, tokenizer in tokenizers.items():
        tokenizer.save(folder / f"{name}.json")
    with replacing(folder / WEIGHTS) as temporary:
        save_arrays(temporary, model.state_dict())
    with replacing(folder / CONFIG) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8", newline="\n")


def load(folder: str | Path, task: str) -> Saved:
    """What `save` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder or a file in it is missing or damaged, or it holds another task's model.
    """
    folder = Path(folder)
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no {CONFIG}; `python -m minilm {task} train FILE --out RUN` makes a run")
    try:
        config = _Config(json.loads(path.read_text(encoding="utf-8")), path)
        found, names = config.pop("task"), config.pop("tokenizers")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged, or of no task ({error!r}); take a copy, or train again") from error
    if found != task:
        raise ValueError(f"{folder} holds a model for `{found}`, expected one for `{task}`")
    tokenizers = {name: load_tokenizer(folder / f"{name}.json") for name in names}
    return Saved(config, load_arrays(folder / WEIGHTS)[0], tokenizers)
