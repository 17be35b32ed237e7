"""What is served: a model, its tokenizer, and how a conversation becomes a prompt."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minilm import pretrained
from minilm.data import Tokenizer
from minilm.files import read_json
from minilm.generate import Model
from minilm.runs import CONFIG, load_run


class Served(NamedTuple):
    """All that the server knows of a model, wherever it comes from."""

    name: str
    model: Model  # and, if texts of different lengths are to be written together, join
    tokenizer: Tokenizer
    ends: frozenset[int] = frozenset()  # tokens that end an answer
    chat: Callable[[list[dict[str, str]]], np.ndarray] | None = None  # messages -> ids; None: it only continues texts


def load(name: str | Path) -> Served:
    """The run in the folder `name`; or else the published model of that name, or in that folder or GGUF file.

    Raises
    ------
    OSError
        If there is none, or it cannot be fetched.
    ValueError
        If it is damaged, or does not write texts.
    """
    short = Path(name).resolve().name
    if not _is_published(name):
        run = load_run(name)
        return Served(short, run.model, run.tokenizer)
    published = pretrained.load(name)
    if published.tokenizer is None or not hasattr(published.model, "step"):
        raise ValueError(f"{name} writes no texts, or came without a tokenizer; expected a decoder, such as smollm2")
    return Served(short, published.model, published.tokenizer, frozenset(published.ends), published.chat)


def _is_published(name) -> bool:
    """A name, a GGUF file, or a folder whose configuration is that of HuggingFace's transformers."""
    config = Path(name) / CONFIG
    published = config.is_file() and "model_type" in read_json(config)
    return str(name) in pretrained.PUBLISHED or Path(name).is_file() or published
