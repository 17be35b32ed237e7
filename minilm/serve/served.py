"""What is served: a model, its tokenizer, and how a conversation becomes a prompt."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minilm.data import Tokenizer
from minilm.generate import Model
from minilm.runs import load_run


class Served(NamedTuple):
    """All that the server knows of a model, wherever it comes from."""

    name: str
    model: Model  # and, if texts of different lengths are to be written together, join
    tokenizer: Tokenizer
    ends: frozenset[int] = frozenset()  # tokens that end an answer
    chat: Callable[[list[dict[str, str]]], np.ndarray] | None = None  # messages -> ids; None: it only continues texts


def load(name: str) -> Served:
    """The run in the folder `name`.

    Raises
    ------
    OSError, ValueError
        If there is no such run, or it is damaged.
    """
    run = load_run(name)
    return Served(Path(name).resolve().name, run.model, run.tokenizer)
