"""Tokenizers as others publish them: HuggingFace's tokenizer.json, BERT's vocab.txt, and the entries of a GGUF file.

What is read is byte-level BPE, as GPT-2 and SmolLM2 cut text, and BERT's WordPiece. Settings with which a tokenizer
would do something else than ours are refused, all of them at once.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minilm.data import PublishedBPE, Tokenizer, Vocabulary, WordPieceTokenizer, load_tokenizer
from minilm.files import read_json

TOKENIZER, VOCABULARY, SETTINGS = "tokenizer.json", "vocab.txt", "tokenizer_config.json"
DIGITS_ALONE = {"gpt-2": False, "smollm": True}  # by the name that GGUF has for how a text is cut
CONTROL, USER_DEFINED = 3, 4  # types of symbols in GGUF that are no part of a text

# The settings that ours can be the same as; one that is not there is None.
BPE = {
    "dropout": (None, 0), "byte_fallback": (None, False), "ignore_merges": (None, False),
    "continuing_subword_prefix": (None, ""), "end_of_word_suffix": (None, ""),
}  # fmt: skip
BYTE_LEVEL = {"type": ("ByteLevel",), "add_prefix_space": (False,), "use_regex": (None, True)}
DIGITS = {"type": ("Digits",), "individual_digits": (True,)}
WORDPIECE = {"continuing_subword_prefix": ("##",)}
BERT_NORMALIZER = {"type": ("BertNormalizer",), "clean_text": (True,), "handle_chinese_chars": (True,)}
BERT_PIECES = {"type": ("BertPreTokenizer",)}
ADDED = {"single_word": (None, False), "lstrip": (None, False), "rstrip": (None, False)}


def read_tokenizer(folder: str | Path) -> Tokenizer:
    """The tokenizer in a model's folder: its tokenizer.json, or else its vocab.txt.

    Raises
    ------
    FileNotFoundError
        If there is neither.
    ValueError
        If the file is damaged, or of a kind that is not read.
    """
    folder = Path(folder)
    path = folder / TOKENIZER
    if path.is_file():
        content = read_json(path)
        return load_tokenizer(path) if "tokenizer" in content else _told(path, tokenizer_of, content)
    if (folder / VOCABULARY).is_file():
        lowercase = read_json(folder / SETTINGS).get("do_lower_case", True) if (folder / SETTINGS).is_file() else True
        return WordPieceTokenizer.read(folder / VOCABULARY, lowercase)
    raise FileNotFoundError(f"{folder} has neither {TOKENIZER} nor {VOCABULARY}; take one from where the model is from")


def tokenizer_of(content: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that the content of a tokenizer.json describes.

    Raises
    ------
    ValueError
        If it is of another kind than byte-level BPE or WordPiece, or has settings that ours does not know.
    """
    model = content["model"]
    kind = model.get("type", "BPE" if "merges" in model else "WordPiece")  # older files do not say
    if kind not in KINDS:
        raise ValueError(f"model.type is {kind!r}; expected one of {', '.join(KINDS)}")
    return KINDS[kind](content)


def gguf_tokenizer(metadata: Mapping[str, Any]) -> PublishedBPE:
    """The tokenizer in the entries of a GGUF file.

    Raises
    ------
    ValueError
        If entries are missing, or it is of another kind than byte-level BPE.
    """
    entries = {name: metadata.get(f"tokenizer.ggml.{name}") for name in ("model", "pre", "tokens", "merges")}
    _demand({"tokenizer.ggml": (entries, {"model": ("gpt2",), "pre": tuple(DIGITS_ALONE)})})
    if not all(isinstance(entries[name], list) for name in ("tokens", "merges")):
        raise ValueError("tokenizer.ggml.tokens and tokenizer.ggml.merges must be lists of strings")
    types = metadata.get("tokenizer.ggml.token_type", ())
    special = [token for token, kind in zip(entries["tokens"], types, strict=False) if kind in (CONTROL, USER_DEFINED)]
    return PublishedBPE(entries["tokens"], _pairs(entries["merges"]), special, DIGITS_ALONE[entries["pre"]])


def _bpe(content) -> PublishedBPE:
    model, cut, added = content["model"], content["pre_tokenizer"], content.get("added_tokens", [])
    steps = cut["pretokenizers"] if cut["type"] == "Sequence" else [cut]
    if len(steps) > 2:
        raise ValueError(f"it has a sequence of {len(steps)} pre-tokenizers; expected Digits and ByteLevel at most")
    wanted = [DIGITS, BYTE_LEVEL][-len(steps) :]
    places = {f"pre_tokenizer[{i}]": pair for i, pair in enumerate(zip(steps, wanted, strict=True))}
    places |= {f"added_tokens[{i}]": (token, ADDED) for i, token in enumerate(added)}
    _demand({"tokenizer": (content, {"normalizer": (None,)}), "model": (model, BPE)} | places)
    symbols = _in_order(model["vocab"] | {token["content"]: token["id"] for token in added})
    special = [token["content"] for token in added]
    tokenizer = PublishedBPE(symbols, _pairs(model["merges"]), special, digits_alone=len(steps) == 2)
    if tokenizer.lacking and model.get("unk_token"):
        raise ValueError(f"bytes without symbol would become {model['unk_token']!r}; expected symbols for all, or none")
    return tokenizer


def _wordpiece(content) -> WordPieceTokenizer:
    model, normalizer = content["model"], content["normalizer"]
    accents = {"strip_accents": (None, normalizer.get("lowercase"))}
    _demand({
        "model": (model, WORDPIECE), "normalizer": (normalizer, BERT_NORMALIZER | accents),
        "pre_tokenizer": (content["pre_tokenizer"], BERT_PIECES),
    })  # fmt: skip
    added = {token["content"]: token["id"] for token in content.get("added_tokens", [])}
    vocabulary = Vocabulary(_in_order(model["vocab"] | added), unknown=model["unk_token"])
    return WordPieceTokenizer(vocabulary, normalizer["lowercase"], model.get("max_input_chars_per_word", 100))


KINDS: dict[str, Callable[[Mapping[str, Any]], Tokenizer]] = {"BPE": _bpe, "WordPiece": _wordpiece}


def _demand(places: Mapping[str, tuple[Mapping, Mapping[str, tuple]]]) -> None:
    """A ValueError with all settings that are none of those wanted.   places: name -> (found, wanted)"""
    problems = [
        f"{place}.{name} is {found.get(name)!r}, expected {' or '.join(map(repr, values))}"
        for place, (found, wanted) in places.items()
        for name, values in wanted.items()
        if found.get(name) not in values
    ]
    if problems:
        raise ValueError("this tokenizer is of a kind that is not read:\n  " + "\n  ".join(problems))


def _in_order(ids: Mapping[str, int]) -> list[str]:
    """The symbols by their ids, which must be 0 to V - 1."""
    symbols = sorted(ids, key=ids.__getitem__)
    if [ids[symbol] for symbol in symbols] != list(range(len(symbols))):
        raise ValueError(f"the ids of the {len(symbols)} symbols are not 0 to {len(symbols) - 1}, each once")
    return symbols


def _pairs(merges) -> list[tuple[str, ...]]:
    """Merges as pairs: older files have "a b" for [a, b]."""
    return [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in merges]


def _told(path, read, content):
    """What is read from the content, with the file's name in the error."""
    try:
        return read(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} ({type(error).__name__}): {error}; take the file that belongs to the model"
        ) from error
