"""Published byte-level BPE: the ids of our own merges under other numbers, special symbols, bytes that are missing."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm.data import BPETokenizer, PublishedBPE, load_tokenizer, published_bpe
from minilm.data.published_bpe import BYTE_OF, SPELLING

TEXT = "low low lower lowest, it's 1984 and they'll go. 我喜欢读书，我喜欢猫。 Öl naïve 🐈\n\n" * 3
OURS = BPETokenizer.train(TEXT, size=330)
END = "<|end|>"


def spelled(token):
    return "".join(SPELLING[byte] for byte in token)


def published(tokenizer=OURS, seed=0, lacking=(), **settings):
    """A tokenizer of ours with other ids, behind a special symbol."""
    tokens = [spelled(token) for token in tokenizer.tokens if not set(token) & set(lacking)]
    symbols = [END, *np.random.default_rng(seed).permutation(tokens).tolist()]
    merges = [(tokenizer.tokens[left], tokenizer.tokens[right]) for left, right in tokenizer.merges.tolist()]
    merges = [(spelled(a), spelled(b)) for a, b in merges if not set(a + b) & set(lacking)]
    return PublishedBPE(symbols, merges, special=[END], **settings)


TOKENIZER = published()


@given(st.text())
@settings(max_examples=50)
def test_every_unicode_text_comes_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.one_of(st.text(), st.text(alphabet="lower it's1984我喜欢 \n", max_size=60)))
def test_tokens_are_those_of_our_own_tokenizer(text):
    assert [TOKENIZER.tokens[i] for i in TOKENIZER.encode(text)] == [OURS.tokens[i] for i in OURS.encode(text)]


def test_other_merges_are_noticed():
    """Negative control of the test above."""
    other = published(BPETokenizer.train(TEXT, size=300))
    assert [other.tokens[i] for i in other.encode(TEXT)] != [OURS.tokens[i] for i in OURS.encode(TEXT)]


def test_every_byte_has_a_spelling_of_its_own_that_can_be_seen():
    assert sorted(BYTE_OF.values()) == list(range(256))
    assert all(character.isprintable() and not character.isspace() for character in BYTE_OF)
    assert [SPELLING[byte] for byte in b" \n\x00A"] == ["Ġ", "Ċ", "Ā", "A"]


def test_special_symbols_are_found_before_text_is_cut():
    symbols = [*map(SPELLING.get, range(256)), "<e>", "<e><e>"]
    tokenizer = PublishedBPE(symbols, [], special=["<e>", "<e><e>"])
    assert tokenizer.encode("a<e><e><e>b").tolist() == [ord("a"), 257, 256, ord("b")]  # the longest first
    assert tokenizer.decode([257, ord("a")]) == "<e><e>a"


def test_a_shield_makes_special_symbols_ordinary_text():
    text = f"one {END} two"
    ids = TOKENIZER.encode(TOKENIZER.shielded(text, "\ufdd0"), shield="\ufdd0")
    assert TOKENIZER.special[END] not in ids
    assert TOKENIZER.special[END] in TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text


def test_what_is_shielded_makes_no_other_special_symbol():
    special = ["<e>", "<e><e>", ">a", "b<"]
    tokenizer = PublishedBPE([*map(SPELLING.get, range(256)), *special], [], special)
    for text in ("<e><e>", "<e><e><e>a", "b<e>a", "b<e><e>>aa"):
        ids = tokenizer.encode(tokenizer.shielded(text, "\ufdd0"), shield="\ufdd0")
        assert ids.tolist() == list(text.encode()) and tokenizer.encode(text).max() > 255


def test_bytes_without_symbol_are_left_out_before_merging():
    tokenizer = published(lacking=b"x")
    assert tokenizer.unknown("lox, x") == ["x", "x"]
    assert tokenizer.encode("loxw").tolist() == tokenizer.encode("low").tolist()
    assert tokenizer.encode("xx").tolist() == []


def test_words_that_were_forgotten_are_merged_again(monkeypatch):
    monkeypatch.setattr(published_bpe, "REMEMBERED", 10)
    small = published()
    for text in (TEXT, "lower " * 10, TEXT):
        assert small.encode(text).tolist() == TOKENIZER.encode(text).tolist()
        assert len(small._remembered) < 10


def test_digits_stand_alone_where_the_model_wants_them_to():
    tokenizer = published(BPETokenizer.train("1984 1984 1984", size=262), digits_alone=True)
    assert [tokenizer.tokens[i] for i in tokenizer.encode("in 1984")] == [b"i", b"n", b" ", b"1", b"9", b"8", b"4"]


def test_what_is_saved_is_loaded(tmp_path):
    TOKENIZER.save(tmp_path / "t.json")
    loaded = load_tokenizer(tmp_path / "t.json")
    assert loaded.to_json() == TOKENIZER.to_json()
    assert loaded.encode(TEXT + END).tolist() == TOKENIZER.encode(TEXT + END).tolist()
    content = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert content["special"] == [END]


@pytest.mark.parametrize(
    ("symbols", "merges", "special", "message"),
    [
        (["a", "b", "a"], [], [], "symbol 'a' occurs twice"),
        (["a", "b c"], [], [], "symbol 'b c' has ' ', which spells no byte"),
        (["a"], [], ["<e>"], "symbol '<e>' at position 0 is not among"),
        (["a", "b"], [("a", "b")], [], r"merges\[0\] is \('a', 'b'\)"),
        (["a", "ab", "b", "abb"], [("ab", "b"), ("a", "b")], [], r"merges\[0\] is \('ab', 'b'\)"),
        (["a", "b", "ab"], [("a", "b"), ("a", "b")], [], r"merges\[1\] is \('a', 'b'\)"),
        (["a"], [("a", "b", "c")], [], r"merges\[0\] is \('a', 'b', 'c'\)"),
    ],
)
def test_symbols_and_merges_that_do_not_fit_are_refused(symbols, merges, special, message):
    with pytest.raises(ValueError, match=message):
        PublishedBPE(symbols, merges, special)


def test_bytes_and_halves_of_characters_are_no_text():
    with pytest.raises(TypeError, match="text is of type bytes"):
        TOKENIZER.encode(b"ab")
    with pytest.raises(ValueError, match="half a surrogate pair"):
        TOKENIZER.encode("a\udc80")
    with pytest.raises(ValueError, match="is not one of 0 to"):
        TOKENIZER.decode([len(TOKENIZER)])
