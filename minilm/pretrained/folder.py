"""A folder of HuggingFace's transformers: config.json and model.safetensors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minilm.files import read_json, replacing
from minilm.models import GPT, Bert, BertClassifier, BertSpans, Llama, MaskedLM
from minilm.nn import Module
from minilm.training import save_arrays

from .bert import BERT
from .family import Family
from .gpt2 import GPT2
from .llama import LLAMA
from .names import Published, places, take_over
from .packing import packed_places
from .safetensors import read_safetensors
from .untrusted import once

WEIGHTS, PARTS, CONFIG = "model.safetensors", "model-*-of-*.safetensors", "config.json"
FAMILIES = {"llama": LLAMA, "mistral": LLAMA, "gpt2": GPT2, "bert": BERT}  # by model_type
FAMILY_OF = {GPT: GPT2, Llama: LLAMA} | dict.fromkeys((Bert, BertClassifier, BertSpans, MaskedLM), BERT)
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
OLD_ENDS = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
NO_WEIGHTS = (  # what other versions keep besides: places, masks, angles, and a second copy of the embeddings
    "position_ids", ".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq", "cls.predictions.decoder.weight",
    "cls.predictions.decoder.bias",
)  # fmt: skip


def load_model(folder: str | Path, *, show_progress: bool = True) -> Module:
    """The model in a folder, ready to be used: a Llama, a GPT, or a Bert with the head that its weights have.

    Raises
    ------
    FileNotFoundError
        If the folder, or a file in it, is missing.
    ValueError
        If a file is damaged or a pickle, the model is of another family, or names or shapes do not fit: all are listed.
    """
    folder = Path(folder)
    config, parts = _read_config(folder / CONFIG), _read_weights(folder)
    try:
        arrays = once(named for part in parts for named in part.items())
        return model_of(config, arrays, show_progress=show_progress)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error


def model_of(
    config: Mapping[str, Any], arrays: Mapping[str, Published], *, packed: bool = False, show_progress: bool = False
) -> Module:
    """The model of a configuration that has these arrays, under their published names.

    If `packed`, and all its matrices are stored in blocks, they stay there.
    """
    kind = config.get("model_type")
    if kind not in list(FAMILIES):  # of a list, which might stand there, `in FAMILIES` would want a hash
        raise ValueError(f"model_type is {kind!r}; expected one of {', '.join(map(repr, FAMILIES))}")
    family = FAMILIES[kind]
    arrays = _usual(family, config, arrays)
    model = family.laid_out(config, arrays)
    wanted = places(model, family.names(model), family.straight)
    wanted = {name: place for name, place in wanted.items() if name in arrays or not name.startswith(family.optional)}
    given = {name: array for name, array in arrays.items() if name in wanted or not name.startswith(family.optional)}
    wanted |= packed_places(model, family.names(model), given) if packed else {}
    take_over(wanted, given, show_progress)
    family.complete(model, set(arrays))
    model.reseed(0)  # dropout, should it be trained on
    return model.eval()


def save_model(folder: str | Path, model: Module) -> None:
    """Write a model as `load_model`, and `from_pretrained` of transformers' class of the same kind, read it.

    Raises
    ------
    TypeError, ValueError
        If transformers have no such model.
    OSError
        If the folder cannot be written.
    """
    folder, config, arrays = Path(folder), config_of(model), published(model)
    with replacing(folder / WEIGHTS) as temporary:
        save_arrays(temporary, arrays, {"format": "pt"})
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8", newline="\n")


def published(model: Module) -> dict[str, np.ndarray]:
    """A model's arrays under the names that transformers give them."""
    family = _family_of(model)
    prefix = "" if isinstance(model, Bert) else family.prefix
    return {
        name if name.startswith(family.headed) else prefix + name: place.array()
        for name, place in places(model, family.names(model), family.straight).items()
    }


def config_of(model: Module) -> dict[str, Any]:
    """The configuration that transformers want beside the weights."""
    family, settings = _family_of(model), getattr(model, "bert", model).settings
    config = {theirs: settings[ours] for ours, theirs in (family.sizes | family.numbers).items()}
    return config | {name: allowed[0] for name, allowed in family.fixed.items()} | family.config(model)


def _family_of(model) -> Family:
    if type(model) not in FAMILY_OF:
        known = ", ".join(kind.__name__ for kind in FAMILY_OF)
        raise TypeError(f"model is a {type(model).__name__}; transformers have these: {known}")
    return FAMILY_OF[type(model)]


def _usual(family, config, arrays) -> dict[str, Published]:
    """The arrays that count, under today's names, without the prefix."""
    tied = ("lm_head.weight",) if config.get("tie_word_embeddings", family is GPT2) else ()
    today = ((_today(name), array) for name, array in arrays.items())
    return once(
        (name.removeprefix(family.prefix), array) for name, array in today if not f".{name}".endswith(NO_WEIGHTS + tied)
    )


def _today(name) -> str:
    for old, new in OLD_ENDS.items():
        name = name.removesuffix(old) + new if name.endswith(old) else name
    return name


def _read_config(path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; expected the folder of a model, with {CONFIG} and {WEIGHTS}")
    return read_json(path)


def _read_weights(folder) -> list[dict[str, Published]]:
    """The arrays of model.safetensors, or else of the several files that large models have."""
    whole = folder / WEIGHTS
    files = [whole] if whole.is_file() else sorted(folder.glob(PARTS))
    pickles = [path.name for pattern in PICKLES for path in folder.glob(pattern)]
    if not files and pickles:
        raise ValueError(
            f"{folder} has its weights in {pickles[0]}, a pickle, which may run any program when it is opened; "
            f"expected {WEIGHTS}: take the model from where it has one"
        )
    return [read_safetensors(path) for path in files or [whole]]
