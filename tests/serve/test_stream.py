"""Text as it comes: in pieces, whole characters only, and never beyond a stop string."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm import data
from minilm.serve import TextStream

TEXT = "To be, or not to be? 你好，世界 🐈. " * 4
BYTES = data.BPETokenizer([])


def streamed(tokenizer, prompt, ids, stop=()):
    """All pieces of a stream."""
    stream = TextStream(tokenizer, list(prompt), stop)
    return [*(stream.feed(int(id)) for id in ids), stream.rest()]


@pytest.mark.parametrize("name", data.TOKENIZERS)
@pytest.mark.parametrize("cut", [1, 4, 9])
def test_the_pieces_are_the_text_after_the_prompt(name, cut):
    tokenizer = data.TOKENIZERS[name].train(TEXT, size=280)
    ids = tokenizer.encode(TEXT)
    known = tokenizer.decode(ids[:cut]).rstrip("�")  # a character whose other bytes follow
    expected = tokenizer.decode(ids)[len(known) :]
    assert "".join(streamed(tokenizer, ids[:cut], ids[cut:])) == expected


def test_a_character_is_told_when_its_last_byte_is_there():
    assert streamed(BYTES, b"\n", "a猫🐈".encode()) == ["a", "", "", "猫", "", "", "", "🐈", ""]


def test_a_prompt_that_ends_within_a_character_is_gone_on_with():
    cat = "猫".encode()
    assert streamed(BYTES, b"ab" + cat[:2], [*cat[2:], ord("!")]) == ["猫", "!", ""]


def test_half_a_character_at_the_end_is_told_at_last():
    assert streamed(BYTES, b"\n", "a猫".encode()[:-1]) == ["a", "", "", "�"]


def cut_at_stop(text, stop):
    """What is before the stop string that is whole first, and of several the one that begins first."""
    for end in range(len(text) + 1):
        if starts := [text[:end].index(string) for string in stop if string in text[:end]]:
            return text[: min(starts)]
    return text


texts = st.text(alphabet="ab猫\n", max_size=30)
stops = st.lists(st.text(alphabet="ab猫", min_size=1, max_size=4), max_size=3)


@settings(max_examples=200, deadline=None)
@given(texts, stops)
def test_the_text_ends_before_the_first_stop_string(text, stop):
    assert "".join(streamed(BYTES, b"\n", text.encode(), stop)) == cut_at_stop(text, stop)


def test_without_holding_back_a_stop_string_would_be_begun(monkeypatch):
    monkeypatch.setattr(TextStream, "_begun", lambda stream: 0)
    assert "".join(streamed(BYTES, b"\n", b"xab", ["ab"])) != cut_at_stop("xab", ["ab"])


@pytest.mark.parametrize(("stop", "pieces"), [([], ["a", "b", ""]), (["bc"], ["a", "", "b"]), (["ac"], ["", "ab", ""])])
def test_no_more_is_held_back_than_may_begin_a_stop_string(stop, pieces):
    assert streamed(BYTES, b"\n", b"ab", stop) == pieces
