"""Ids beyond the vocabulary name the words of a source, and mean nothing without it."""

import pytest

from minilm.data import Vocabulary
from minilm.data.copying import SPECIAL, CopyTokenizer, join, pieces

TEXTS = ["sum the rows", "sum the columns", "读 the 书"]


@pytest.fixture
def tokenizer():
    return CopyTokenizer.learn(TEXTS, least=2, room=2)


def test_a_known_word_has_one_id_and_an_unknown_one_that_of_its_place_in_the_source(tokenizer):
    V = len(tokenizer)
    first, second = "the rows, the columns", "the columns"
    assert tokenizer.lacking(first) == ["rows", ","]  # no room for a third
    assert tokenizer.encode(first).tolist() == [4, V, V + 1, 4, tokenizer.unknown]
    assert tokenizer.encode(second).tolist() == [4, V]
    assert tokenizer.decode([V], tokenizer.lacking(first)) == "rows"
    assert tokenizer.decode([V], tokenizer.lacking(second)) == "columns"


def test_a_summary_knows_the_words_of_its_source_alone(tokenizer):
    lacking = tokenizer.lacking("sum of rows")
    assert tokenizer.encode("rows of columns", lacking).tolist() == [len(tokenizer) + 1, len(tokenizer), 0]


def test_special_symbols_and_ids_without_a_word_leave_no_trace(tokenizer):
    ids = [tokenizer.start, 4, tokenizer.unknown, len(tokenizer) + 1, tokenizer.pad, tokenizer.end]
    assert tokenizer.decode(ids, ["rows"]) == "the"


def test_chinese_characters_are_words(tokenizer):
    assert tokenizer.decode(tokenizer.encode("读书。"), tokenizer.lacking("读书。")) == "读书"  # room for two
    assert join(pieces("我喜欢读书。")) == "我喜欢读书。"


def test_accents_stay_and_capitals_do_not():
    assert pieces("Die Bücher") == ["die", "bücher"]


def test_bad_input_is_named(tokenizer):
    with pytest.raises(ValueError, match="lacks <start>, <end>"):
        CopyTokenizer(Vocabulary(SPECIAL[:2], unknown="<unk>"))
    with pytest.raises(ValueError, match="room is -1"):
        CopyTokenizer(tokenizer.vocabulary, room=-1)
    with pytest.raises(ValueError, match="id 99"):
        tokenizer.decode([99], [])
    with pytest.raises(TypeError, match="expected str"):
        tokenizer.encode(7)
