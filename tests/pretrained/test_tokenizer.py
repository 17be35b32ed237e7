"""Published tokenizers: each kind of file is read; what ours would do otherwise is refused, all at once."""

import json

import pytest

from minilm.data import CharTokenizer, PublishedBPE, WordPieceTokenizer
from minilm.pretrained.tokenizer import gguf_tokenizer, read_tokenizer, tokenizer_of

SYMBOLS = ["<|end|>", "l", "o", "w", "Ġ", "1", "9", "lo", "low", "Ġlow"]
MERGES = ["l o", "lo w", "Ġ low"]
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
DIGITS = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTES]}
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "low", "##er", "Low", "é", "e"]


def byte_level(pre_tokenizer=BYTES, **model):
    return {
        "added_tokens": [{"id": 0, "content": "<|end|>", "single_word": False, "lstrip": False, "rstrip": False}],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "model": {"type": "BPE", "vocab": {s: i for i, s in enumerate(SYMBOLS)}, "merges": MERGES, **model},
    }


def wordpiece(**normalizer):
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None}
    return {
        "added_tokens": [],
        "normalizer": bert | {"lowercase": True} | normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 6, "vocab": {s: i for i, s in enumerate(PIECES)},
        },
    }  # fmt: skip


def gguf(**entries):
    wanted = {"model": "gpt2", "pre": "smollm", "tokens": SYMBOLS, "merges": MERGES, "token_type": [3] + [1] * 9}
    return {f"tokenizer.ggml.{name}": value for name, value in (wanted | entries).items()}


def test_byte_level_bpe_is_read():
    tokenizer = tokenizer_of(byte_level())
    assert isinstance(tokenizer, PublishedBPE) and not tokenizer.digits_alone
    assert tokenizer.encode("low low<|end|>").tolist() == [8, 9, 0]


def test_how_text_is_cut_is_read():
    assert tokenizer_of(byte_level(DIGITS)).digits_alone
    assert gguf_tokenizer(gguf()).digits_alone and not gguf_tokenizer(gguf(pre="gpt-2")).digits_alone


def test_older_and_newer_files_say_the_same():
    content = byte_level(merges=[merge.split(" ") for merge in MERGES])
    del content["model"]["type"]
    assert tokenizer_of(content).to_json() == tokenizer_of(byte_level()).to_json()
    assert gguf_tokenizer(gguf(pre="gpt-2")).to_json() == tokenizer_of(byte_level()).to_json()


def test_wordpiece_is_read():
    tokenizer = tokenizer_of(wordpiece())
    assert isinstance(tokenizer, WordPieceTokenizer)
    assert tokenizer.encode("Lower é lowerer").tolist() == [5, 6, 9, 1]  # more than 6 characters are unknown
    assert tokenizer_of(wordpiece(lowercase=False)).encode("Lower é").tolist() == [7, 6, 8]


def test_a_folder_has_one_of_several_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no tokenizer\.json, no vocab\.txt, and no vocab"):
        read_tokenizer(tmp_path)
    (tmp_path / "vocab.json").write_text(json.dumps(byte_level()["model"]["vocab"]), encoding="utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n", encoding="utf-8")
    assert read_tokenizer(tmp_path).to_json() == tokenizer_of(byte_level()).to_json()
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    assert read_tokenizer(tmp_path).encode("Lower").tolist() == [5, 6]
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}', encoding="utf-8")
    assert read_tokenizer(tmp_path).encode("Lower").tolist() == [7, 6]
    (tmp_path / "tokenizer.json").write_text(json.dumps(byte_level()), encoding="utf-8")
    assert read_tokenizer(tmp_path).encode("low").tolist() == [8]
    CharTokenizer.train("low").save(tmp_path / "tokenizer.json")
    assert isinstance(read_tokenizer(tmp_path), CharTokenizer)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (byte_level(type="Unigram"), "model.type is 'Unigram'; expected one of BPE, WordPiece"),
        (
            byte_level(byte_fallback=True, dropout=0.1),
            r"(?s)model.dropout is 0.1, expected None or 0\n.*model.byte_fallback is True, expected None or False",
        ),
        (byte_level(BYTES | {"add_prefix_space": True}), r"pre_tokenizer\[0\].add_prefix_space is True"),
        (byte_level({"type": "Metaspace"}), r"pre_tokenizer\[0\].type is 'Metaspace', expected 'ByteLevel'"),
        (byte_level({"type": "Sequence", "pretokenizers": [BYTES] * 3}), "a sequence of 3 pre-tokenizers"),
        (byte_level() | {"normalizer": {"type": "NFC"}}, "tokenizer.normalizer is {'type': 'NFC'}, expected None"),
        (byte_level(vocab={"l": 0, "o": 2}, merges=[]), "the ids of the 3 symbols are not 0 to 2, each once"),
        (wordpiece(strip_accents=False), "normalizer.strip_accents is False, expected None or True"),
        ({"model": {}}, r"tokenizer.json \(KeyError\): 'normalizer'"),
        ({"model": 3}, r"tokenizer.json \(AttributeError\)"),
    ],
)
def test_what_is_not_the_same_as_ours_is_refused(content, message, tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"model": "llama"}, "tokenizer.ggml.model is 'llama', expected 'gpt2'"),
        ({"pre": "llama-bpe"}, "tokenizer.ggml.pre is 'llama-bpe', expected 'gpt-2' or 'smollm'"),
        ({"tokens": "low"}, "tokenizer.ggml.tokens is a str; expected a list of strings"),
        ({"token_type": [3]}, r"tokenizer.ggml.token_type is of shape \(1,\); expected a number for each"),
        ({"merges": [*MERGES, "l w"]}, r"merges\[3\] is \('l', 'w'\)"),
    ],
)
def test_another_tokenizer_in_gguf_is_refused(entries, message):
    with pytest.raises(ValueError, match=message):
        gguf_tokenizer(gguf(**entries))


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000])
def test_a_damaged_file_is_told(text, tmp_path):
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json (is damaged|holds a list)"):
        read_tokenizer(tmp_path)
