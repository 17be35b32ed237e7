"""A model and its tokenizer in a folder, as HuggingFace's transformers read them, and `load`."""

import json
from pathlib import Path
from typing import Any

from minilm.data import PublishedBPE, WordPieceTokenizer
from minilm.data.wordpiece import SPECIAL
from minilm.files import replacing
from minilm.nn import Module

from .folder import save_model
from .pretrained import Pretrained
from .sources import GENERATION, SENTENCES
from .tokenizer import SETTINGS, TOKENIZER


def save_pretrained(folder: str | Path, model: Pretrained | Module) -> None:
    """Write what `load` reads again, and transformers: weights, configuration, tokenizer, chat template.

    (Tokenizers that transformers do not have, of characters, of words, or trained here, are written as `load` alone
    reads them.)

    Raises
    ------
    TypeError, ValueError
        If transformers have no such model.
    OSError
        If the folder cannot be written.
    """
    folder, pretrained = Path(folder), model if isinstance(model, Pretrained) else Pretrained(model)
    save_model(folder, pretrained.model)
    if pretrained.tokenizer:
        _save_tokenizer(folder, pretrained.tokenizer)
        _write(folder / SETTINGS, _settings(pretrained))
    if pretrained.ends:
        _write(folder / GENERATION, {"eos_token_id": list(pretrained.ends)})
    if pretrained.longest:
        _write(folder / SENTENCES, {"max_seq_length": pretrained.longest})


def _save_tokenizer(folder, tokenizer) -> None:
    if isinstance(tokenizer, PublishedBPE | WordPieceTokenizer):
        _write(folder / TOKENIZER, tokenizer_json(tokenizer))
    else:
        tokenizer.save(folder / TOKENIZER)


def tokenizer_json(tokenizer: PublishedBPE | WordPieceTokenizer) -> dict[str, Any]:
    """What `tokenizer_of` reads, and the package `tokenizers`."""
    described, special = (_bpe, tokenizer.special) if isinstance(tokenizer, PublishedBPE) else (_wordpiece, SPECIAL)
    rest = described(tokenizer)
    ids = rest["model"]["vocab"]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
    added = [{"id": ids[symbol], "content": symbol, **flags} for symbol in special if symbol in ids]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **rest}


def _bpe(tokenizer) -> dict[str, Any]:
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level]}
    return {
        "normalizer": None,
        "pre_tokenizer": digits if tokenizer.digits_alone else level,
        "post_processor": None,
        "decoder": level,
        "model": {"type": "BPE", "vocab": _ids(tokenizer.symbols), "merges": tokenizer.merges},
    }


def _wordpiece(tokenizer) -> dict[str, Any]:
    symbols = tokenizer.vocabulary.symbols(range(len(tokenizer)))
    ids = _ids(symbols)
    framing = {"type": "BertProcessing", "sep": ["[SEP]", ids.get("[SEP]")], "cls": ["[CLS]", ids.get("[CLS]")]}
    return {
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
            "lowercase": tokenizer.lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": framing if {"[SEP]", "[CLS]"} <= ids.keys() else None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": tokenizer.vocabulary.unknown, "continuing_subword_prefix": "##",
            "max_input_chars_per_word": tokenizer.longest, "vocab": ids,
        },
    }  # fmt: skip


def _ids(symbols) -> dict[str, int]:
    return {symbol: i for i, symbol in enumerate(symbols)}


def _settings(pretrained) -> dict[str, Any]:
    """What belongs into tokenizer_config.json."""
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    if isinstance(pretrained.tokenizer, WordPieceTokenizer):
        known = pretrained.tokenizer.vocabulary
        settings |= {f"{symbol[1:-1].lower()}_token": symbol for symbol in SPECIAL if symbol in known}
    if pretrained.chat:
        settings |= pretrained.chat.symbols | {"chat_template": pretrained.chat.source}
    return settings


def _write(path: Path, content: dict[str, Any]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
