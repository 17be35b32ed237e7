"""Characters and words: round trips, the unknown, size limits, saving; and what is refused."""

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minilm.data import (
    TOKENIZERS,
    BPETokenizer,
    CharTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
    load_tokenizer,
)

TEXT = "HAMLET:\nTo be, or not to be: that is the question.\n\n我喜欢读书，I like reading; 他 o'er-took 3个。 \t\n"
KINDS = list(TOKENIZERS.values())
SYMBOLS = [CharTokenizer, WordTokenizer]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def tokenizer(request):
    return request.param.train(TEXT, size=300)


@pytest.mark.parametrize("kind", SYMBOLS)
@given(text=st.text().filter(lambda text: "�" not in text))
@example("a  b c\n d'e'' f 读 书 g_1 ½ ·é é\x00")
def test_every_text_of_known_symbols_comes_back(kind, text):
    tokenizer = kind.train(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_ids_are_whole_numbers_below_the_length(tokenizer):
    ids = tokenizer.encode(TEXT)
    assert ids.dtype == np.int64
    assert ids.ndim == 1
    assert 0 <= ids.min() <= ids.max() < len(tokenizer)


def test_an_empty_text_has_no_ids(tokenizer):
    assert tokenizer.encode("").shape == (0,)
    assert tokenizer.encode("").dtype == np.int64
    assert tokenizer.decode([]) == ""


def test_a_saved_tokenizer_is_loaded_the_same(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "词" / "tokenizer.json")
    loaded = load_tokenizer(tmp_path / "词" / "tokenizer.json")
    assert type(loaded) is type(tokenizer)
    assert loaded.to_json() == tokenizer.to_json()
    np.testing.assert_array_equal(loaded.encode(TEXT + "新"), tokenizer.encode(TEXT + "新"))


def test_the_file_can_be_read_by_people(tmp_path):
    CharTokenizer.train("读书").save(tmp_path / "t.json")
    assert "读" in (tmp_path / "t.json").read_text(encoding="utf-8")


def test_its_name_says_what_it_is(tokenizer):
    assert TOKENIZERS[tokenizer.name] is type(tokenizer)
    assert repr(tokenizer) == f"{type(tokenizer).__name__}({len(tokenizer)} symbols)"


def test_half_a_surrogate_pair_is_refused_at_its_position(tokenizer):
    for broken in (tokenizer.encode, type(tokenizer).train):
        with pytest.raises(ValueError, match=r"half a surrogate pair, '\\udc80', at position 2"):
            broken("ab\udc80")


def test_bytes_are_no_text(tokenizer):
    with pytest.raises(TypeError, match="text is of type bytes, expected str"):
        tokenizer.encode(b"ab")


def test_an_id_outside_is_refused(tokenizer):
    with pytest.raises(ValueError, match=f"id {len(tokenizer)} at position 0 is not one of 0 to {len(tokenizer) - 1}"):
        tokenizer.decode([len(tokenizer)])


@pytest.mark.parametrize("kind", SYMBOLS)
def test_ids_follow_frequency_then_the_alphabet(kind):
    tokenizer = kind.train("b.b.c.a.b")
    assert tokenizer.vocabulary.symbols(range(len(tokenizer))) == ["�", ".", "b", "a", "c"]


@pytest.mark.parametrize("kind", SYMBOLS)
def test_size_keeps_the_most_frequent(kind):
    tokenizer = kind.train("b.b.c.a.b", size=3)
    assert len(tokenizer) == 3
    assert tokenizer.decode(tokenizer.encode("a.b")) in ("�.b", "� . b")
    with pytest.raises(ValueError, match="size 1 has no room"):
        kind.train("abc", size=1)


@pytest.mark.parametrize("kind", SYMBOLS)
def test_text_with_the_unknown_symbol_has_it_once(kind):
    assert len(kind.train("a�a�")) == 2


def test_characters_never_seen_can_be_encoded():
    tokenizer = CharTokenizer.train("abc")
    assert tokenizer.decode(tokenizer.encode("a猫c")) == "a�c"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("not to be", ["not", "to", "be"]),
        ("be, or  not", ["be", ",", " ", "or", " ", " ", "not"]),
        ("o'er-took 'tis king's", ["o'er", "-", "took", " ", "'", "tis", "king's"]),
        ("我喜欢 C3PO。", ["我", "喜", "欢", " ", "C3PO", "。"]),
        ("3个 苹果\n", ["3", "个", " ", "苹", "果", "\n"]),
        ("naïve Übung ½", ["naïve", "Übung", "½"]),
    ],
)
def test_words_are_cut_as_by_hand(text, pieces):
    assert WordTokenizer.pieces(text) == pieces


def test_every_chinese_character_is_a_word_of_its_own():
    ideographs = [chr(c) for c in range(0x323B0) if unicodedata.name(chr(c), "").startswith("CJK UNIFIED IDEOGRAPH")]
    assert len(ideographs) > 90_000
    assert WordTokenizer.pieces("".join(ideographs)) == ideographs


def test_unknown_words_stand_apart():
    tokenizer = WordTokenizer.train("to be or not to be")
    assert tokenizer.decode(tokenizer.encode("to know or not")) == "to � or not"


def test_a_missing_tokenizer_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no tokenizer .*none\.json"):
        load_tokenizer(tmp_path / "none.json")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1, 2",
        "[1, 2]",
        "{}",
        '{"tokenizer": "words"}',
        '{"tokenizer": "char", "symbols": ["a", "a"], "unknown": null}',
        '{"tokenizer": "bpe", "merges": [[97, 300]]}',
        '{"tokenizer": "bpe", "merges": [[97, 98, 99]]}',
        '{"tokenizer": "bpe", "merges": [[97, null]]}',
        '{"tokenizer": "wordpiece", "symbols": ["a"], "unknown": null, "lowercase": true, "longest": 100}',
        '{"tokenizer": "wordpiece", "symbols": ["a"], "unknown": "a"}',
    ],
)
def test_a_damaged_tokenizer_is_refused(tmp_path, content):
    (tmp_path / "t.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"t\.json is not a tokenizer as `save` writes it"):
        load_tokenizer(tmp_path / "t.json")


def test_a_cut_off_file_is_refused(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "t.json")
    whole = (tmp_path / "t.json").read_bytes()
    (tmp_path / "t.json").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="save it again"):
        load_tokenizer(tmp_path / "t.json")
    assert json.loads(whole)["tokenizer"] == tokenizer.name


def test_the_four_are_there():
    assert {
        "char": CharTokenizer, "word": WordTokenizer, "bpe": BPETokenizer, "wordpiece": WordPieceTokenizer
    } == TOKENIZERS  # fmt: skip
