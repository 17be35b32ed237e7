"""BERT as HuggingFace's transformers publish it, and the heads that ask something of it."""

from typing import Any

import numpy as np

from minilm import nn
from minilm.expect import expect
from minilm.models import Bert, BertClassifier, BertSpans, MaskedLM

from .family import Family
from .names import Names, in_blocks

BERT_ITSELF = {
    "embedding": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "segments": "embeddings.token_type_embeddings",
    "norm": "embeddings.LayerNorm",
    "pooler": "pooler.dense",
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
HEADS = {  # beside these the names of the Bert itself
    Bert: {},
    BertClassifier: {"head": "classifier"},
    BertSpans: {"head": "qa_outputs"},
    MaskedLM: {
        "transform": "cls.predictions.transform.dense",
        "norm": "cls.predictions.transform.LayerNorm",
        "bias": "cls.predictions.bias",
    },
}
NEXT_SENTENCE = {"follows": "cls.seq_relationship"}
ARCHITECTURES = {
    Bert: "BertModel", BertClassifier: "BertForSequenceClassification", BertSpans: "BertForQuestionAnswering",
    MaskedLM: "BertForMaskedLM",
}  # fmt: skip
ACTIVATIONS = {"gelu": "gelu_exact", "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu"}
SIZES = {
    "vocabulary": "vocab_size", "width": "hidden_size", "layers": "num_hidden_layers", "heads": "num_attention_heads",
    "hidden": "intermediate_size", "context": "max_position_embeddings", "segments": "type_vocab_size",
}  # fmt: skip
NUMBERS = {"pad": "pad_token_id", "dropout": "hidden_dropout_prob", "eps": "layer_norm_eps"}
FIXED = {"hidden_act": tuple(ACTIVATIONS), "position_embedding_type": ("absolute",), "is_decoder": (False,)}

BertLike = Bert | BertClassifier | BertSpans | MaskedLM


def _build(config, names, settings) -> BertLike:
    """Of the kind that the names tell."""
    bert = Bert(**settings, activation=ACTIVATIONS[config.get("hidden_act", "gelu")], rng=None)
    if "classifier.weight" in names:
        return BertClassifier(bert, _classes(config), rng=None)
    if "qa_outputs.weight" in names:
        return BertSpans(bert, rng=None)
    if "cls.predictions.bias" in names:
        return MaskedLM(bert, next_sentence="cls.seq_relationship.weight" in names, rng=None)
    return bert


def _classes(config) -> int:
    labels = config.get("id2label", {"0": "LABEL_0", "1": "LABEL_1"})
    expect("id2label", repr(labels), isinstance(labels, dict) and bool(labels), "a name for each class")
    return len(labels)


def _complete(model: BertLike, names) -> None:
    """The pooler, which may be missing, as it begins."""
    bert = model if isinstance(model, Bert) else model.bert
    if "pooler.dense.weight" not in names or not _asks_pooler(model):
        bert.pooler = nn.Linear(bert.settings["width"], bert.settings["width"], rng=np.random.default_rng(0))


def _names(model: BertLike) -> Names:
    bert, ours = (model, "") if isinstance(model, Bert) else (model.bert, "bert.")
    names = {f"{ours}{own}": theirs for own, theirs in BERT_ITSELF.items() if own != "pooler" or _asks_pooler(model)}
    names |= in_blocks(bert.settings["layers"], f"{ours}encoder.blocks", "encoder.layer", BLOCK)
    return names | HEADS[type(model)] | (NEXT_SENTENCE if getattr(model, "follows", None) else {})


def _asks_pooler(model) -> bool:
    return isinstance(model, Bert | BertClassifier) or model.settings.get("next_sentence", False)


def _config(model: BertLike) -> dict[str, Any]:
    bert = model if isinstance(model, Bert) else model.bert
    activation = next(theirs for theirs, ours in ACTIVATIONS.items() if ours == bert.settings["activation"])
    config = {"model_type": "bert", "architectures": [ARCHITECTURES[type(model)]], "hidden_act": activation}
    config["intermediate_size"] = bert.settings["hidden"] or 4 * bert.settings["width"]
    if isinstance(model, BertClassifier):
        labels = {str(i): f"LABEL_{i}" for i in range(model.settings["classes"])}  # transformers count them
        config |= {"id2label": labels, "label2id": {label: int(i) for i, label in labels.items()}}
    return config


BERT = Family(
    SIZES, NUMBERS, FIXED, "bert.", _build, _names, _config,
    headed=("classifier", "qa_outputs", "cls."), optional=("pooler.",), complete=_complete,
)  # fmt: skip
