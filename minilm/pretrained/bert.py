"""BERT as HuggingFace's transformers publish it: model.safetensors and config.json, under these names.

A linear layer of PyTorch holds W transposed, (outputs, inputs).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minilm.files import replacing
from minilm.models import Bert, BertClassifier, BertSpans, MaskedLM
from minilm.nn import LayerNorm, Linear, Module
from minilm.training import load_arrays, save_arrays

WEIGHTS, CONFIG = "model.safetensors", "config.json"

EMBEDDINGS = {
    "embedding.table": "embeddings.word_embeddings.weight",
    "positions.table": "embeddings.position_embeddings.weight",
    "segments.table": "embeddings.token_type_embeddings.weight",
    "norm": "embeddings.LayerNorm",
}
BLOCK = {  # encoder.blocks.0 and encoder.layer.0, and so on
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.inner": "intermediate.dense",
    "feed_forward.outer": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
POOLER = {"pooler": "pooler.dense"}
HEADS = {  # beside these the names of the Bert itself, behind "bert."
    Bert: {},
    BertClassifier: {"head": "classifier"},
    BertSpans: {"head": "qa_outputs"},
    MaskedLM: {
        "transform": "cls.predictions.transform.dense",
        "norm": "cls.predictions.transform.LayerNorm",
        "bias": "cls.predictions.bias",
        "follows": "cls.seq_relationship",
    },
}
ARCHITECTURES = {
    Bert: "BertModel", BertClassifier: "BertForSequenceClassification", BertSpans: "BertForQuestionAnswering",
    MaskedLM: "BertForMaskedLM",
}  # fmt: skip
ACTIVATIONS = {"gelu": "gelu_exact", "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu"}
SETTINGS = {
    "vocabulary": "vocab_size", "pad": "pad_token_id", "width": "hidden_size", "layers": "num_hidden_layers",
    "heads": "num_attention_heads", "hidden": "intermediate_size", "context": "max_position_embeddings",
    "segments": "type_vocab_size", "dropout": "hidden_dropout_prob", "eps": "layer_norm_eps",
}  # fmt: skip

BertLike = Bert | BertClassifier | BertSpans | MaskedLM


def load_bert(folder: str | Path) -> BertLike:
    """The Bert in a folder, with the head that its weights have.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or damaged, the model is of another kind, or names or shapes do not fit: all are listed.
    """
    folder = Path(folder)
    config = _read_config(folder / CONFIG)
    arrays, _ = load_arrays(folder / WEIGHTS)
    try:
        return bert_of(arrays, config)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error


def save_bert(folder: str | Path, model: BertLike) -> None:
    """Write what `load_bert`, and `from_pretrained` of the class in ARCHITECTURES, read."""
    folder = Path(folder)
    with replacing(folder / WEIGHTS) as temporary:
        save_arrays(temporary, published(model), {"format": "pt"})
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config_of(model), indent=2) + "\n", encoding="utf-8", newline="\n")


def bert_of(arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> BertLike:
    """The model that has these arrays, under their published names."""
    model = _built(arrays, config)
    theirs = dict(_names(model))
    lacking = [f"missing: {name}" for name in theirs.values() if name not in arrays and "pooler" not in name]
    if lacking:
        raise ValueError("the weights do not fit the configuration:\n  " + "\n  ".join(lacking))
    own = model.state_dict()
    taken = {ours: _turned(ours, arrays[name]) for ours, name in theirs.items() if name in arrays}
    model.load_state_dict({ours: taken.get(ours, array) for ours, array in own.items()})
    return model.eval()


def published(model: BertLike) -> dict[str, np.ndarray]:
    """A model's arrays under the names of transformers; the pooler only where it is asked for."""
    own, asked = model.state_dict(), _asks_pooler(model)
    return {name: _turned(ours, own[ours]) for ours, name in _names(model) if asked or "pooler" not in name}


def config_of(model: BertLike) -> dict[str, Any]:
    """The configuration that transformers want beside the weights."""
    bert = model if isinstance(model, Bert) else model.bert
    activation = next(theirs for theirs, ours in ACTIVATIONS.items() if ours == bert.settings["activation"])
    config = {theirs: bert.settings[ours] for ours, theirs in SETTINGS.items()}
    config["intermediate_size"] = bert.settings["hidden"] or 4 * bert.settings["width"]
    config |= {"model_type": "bert", "architectures": [ARCHITECTURES[type(model)]], "hidden_act": activation}
    if isinstance(model, BertClassifier):
        labels = {str(i): f"LABEL_{i}" for i in range(model.settings["classes"])}  # transformers count them
        config |= {"id2label": labels, "label2id": {label: int(i) for i, label in labels.items()}}
    return config


def _asks_pooler(model) -> bool:
    return isinstance(model, Bert | BertClassifier) or getattr(model, "follows", None) is not None


def _built(arrays, config) -> BertLike:
    """The untrained model, of the kind that the names tell."""
    if config.get("model_type") != "bert" or config.get("position_embedding_type", "absolute") != "absolute":
        raise ValueError(f"model_type is {config.get('model_type')!r}; expected 'bert' with absolute positions")
    activation = config.get("hidden_act", "gelu")
    if activation not in ACTIVATIONS:
        raise ValueError(f"hidden_act is {activation!r}; expected one of {', '.join(map(repr, ACTIVATIONS))}")
    rng = np.random.default_rng(0)
    settings = {ours: config[theirs] for ours, theirs in SETTINGS.items()}
    bert = Bert(**settings, activation=ACTIVATIONS[activation], rng=rng)
    if "classifier.weight" in arrays:
        return BertClassifier(bert, len(arrays["classifier.weight"]), rng=rng)
    if "qa_outputs.weight" in arrays:
        return BertSpans(bert, rng=rng)
    if "cls.predictions.bias" in arrays:
        return MaskedLM(bert, next_sentence="cls.seq_relationship.weight" in arrays, rng=rng)
    return bert


def _names(model: BertLike) -> Iterator[tuple[str, str]]:
    """(our name, their name) of each array."""
    bert, ours, theirs = (model, "", "") if isinstance(model, Bert) else (model.bert, "bert.", "bert.")
    for own, other in (EMBEDDINGS | POOLER).items():
        yield from _arrays(bert, own, ours + own, theirs + other)
    for i, block in enumerate(bert.encoder.blocks):
        for own, other in BLOCK.items():
            yield from _arrays(block, own, f"{ours}encoder.blocks.{i}.{own}", f"{theirs}encoder.layer.{i}.{other}")
    for own, other in HEADS[type(model)].items():
        yield from _arrays(model, own, own, other)


def _arrays(module: Module, path: str, ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    """The arrays of a layer, or a single one."""
    for part in path.split("."):
        module = getattr(module, part)
    if isinstance(module, Linear):
        yield from ((f"{ours}.W", f"{theirs}.weight"), (f"{ours}.b", f"{theirs}.bias"))
    elif isinstance(module, LayerNorm):
        yield from ((f"{ours}.gamma", f"{theirs}.weight"), (f"{ours}.beta", f"{theirs}.bias"))
    elif module is not None:
        yield ours, theirs


def _turned(ours: str, array: np.ndarray) -> np.ndarray:
    return array.T if ours.endswith(".W") else array


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; expected the folder of a model, with {CONFIG} and {WEIGHTS}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        lacking = [name for name in SETTINGS.values() if name not in config]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); take another copy") from error
    if lacking:
        raise ValueError(f"{path} lacks {', '.join(lacking)}; expected the configuration of a BERT")
    return config
