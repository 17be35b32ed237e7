"""Tokenizers as others publish them: HuggingFace's tokenizer.json, older vocabularies, and the entries of a GGUF file.

What is read is byte-level BPE, as GPT-2 and SmolLM2 cut text, and BERT's WordPiece. Settings with which a tokenizer
would do something else than ours are refused, all of them at once.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minilm.data import PublishedBPE, Tokenizer, Vocabulary, WordPieceTokenizer, load_tokenizer, read_text
from minilm.expect import expect
from minilm.files import read_json

TOKENIZER, SETTINGS = "tokenizer.json", "tokenizer_config.json"
BERT_FILE, GPT2_FILES = "vocab.txt", ("vocab.json", "merges.txt")
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
    """The tokenizer in a model's folder: tokenizer.json, BERT's vocab.txt, or GPT-2's vocab.json and merges.txt.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If the file is damaged, or of a kind that is not read.
    """
    folder = Path(folder)
    path = folder / TOKENIZER
    if path.is_file():
        content = read_json(path)
        return load_tokenizer(path) if "tokenizer" in content else _told(path, tokenizer_of, content)
    if (folder / BERT_FILE).is_file():
        lowercase = read_json(folder / SETTINGS).get("do_lower_case", True) if (folder / SETTINGS).is_file() else True
        return WordPieceTokenizer.read(folder / BERT_FILE, lowercase)
    if all((folder / name).is_file() for name in GPT2_FILES):
        return _told(folder, _gpt2, folder)
    raise FileNotFoundError(
        f"{folder} has no {TOKENIZER}, no {BERT_FILE}, and no {' with '.join(GPT2_FILES)}; take them from where the "
        "model is from"
    )


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
    for name in ("tokens", "merges"):
        kind = type(entries[name]).__name__
        expect(f"tokenizer.ggml.{name}", f"a {kind}", isinstance(entries[name], list), "a list of strings")
    types = np.asarray(metadata.get("tokenizer.ggml.token_type", np.zeros(len(entries["tokens"]))))
    alike = types.shape == (len(entries["tokens"]),)
    expect("tokenizer.ggml.token_type", f"of shape {types.shape}", alike, "a number for each of the tokens")
    special = [entries["tokens"][i] for i in np.flatnonzero(np.isin(types, (CONTROL, USER_DEFINED)))]
    return PublishedBPE(entries["tokens"], _pairs(entries["merges"]), special, DIGITS_ALONE[entries["pre"]])


def _gpt2(folder) -> PublishedBPE:
    """From two files; what is no byte and made by no merge is a special symbol."""
    ids, lines = read_json(folder / GPT2_FILES[0]), read_text(folder / GPT2_FILES[1]).split("\n")
    merges = _pairs(line for line in lines if line and not line.startswith("#version"))
    made = {"".join(pair) for pair in merges}
    special = [symbol for symbol in ids if len(symbol) > 1 and symbol not in made]
    return PublishedBPE(_in_order(ids), merges, special)


def _bpe(content) -> PublishedBPE:
    model, cut, added = content["model"], content["pre_tokenizer"], content.get("added_tokens", [])
    steps = cut["pretokenizers"] if cut["type"] == "Sequence" else [cut]
    if len(steps) not in (1, 2):
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
