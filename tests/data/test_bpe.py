"""Byte-pair encoding: exact round trips, merges as a plain-Python trainer and the `tokenizers` package find them."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm import kernels
from minilm.data import BPETokenizer, bpe
from minilm.data.cut import cuts, pattern
from minilm.kernels import merges
from minilm.kernels.merges import END, apply_merges, count_pairs, learn_merges, merge_pair
from minilm.kernels.words import number_words

TEXT = (
    "HAMLET:\nTo be, or not to be: that is the question:\nWhether 'tis nobler in the mind to suffer\n"
    "The slings and arrows of outrageous fortune,\nOr to take arms against a sea of troubles,\n"
    "And by opposing end them? To die: to sleep; no more. They'll say 12 times   12 is 144.\n"
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。\n"
) * 2
TOKENIZER = BPETokenizer.train(TEXT, size=400)


def words_of(*words):
    return np.array([i for word in words for i in (*word, END)], np.int32)


def merged(word, pair, new):
    """One word with a pair merged, from left to right."""
    out, i = [], 0
    while i < len(word):
        found = word[i : i + 2] == pair
        out.append(new if found else word[i])
        i += 1 + found
    return tuple(out)


def trained_by_hand(words, number):
    """Sennrich et al.'s Algorithm 1 in plain Python. Also whether each merge was the only most frequent one."""
    words = {tuple(word.encode()): count for word, count in Counter(words).items()}
    merges, alone = [], []
    for new in range(256, 256 + number):
        counts = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                counts[pair] += count
        if not counts or max(counts.values()) < 2:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        alone.append(list(counts.values()).count(counts[best]) == 1)
        words = {merged(word, best, new): count for word, count in words.items()}
    return merges, alone


@given(st.text())
def test_every_unicode_text_comes_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.text(alphabet="ab 的是1_'\n", max_size=60), st.integers(256, 300))
@settings(max_examples=50)
def test_training_equals_the_plain_algorithm_ties_included(text, size):
    merges, _ = trained_by_hand(pattern().findall(text), size - 256)
    assert BPETokenizer.train(text, size).merges.tolist() == [list(pair) for pair in merges]


def pieces_by(begins, text):
    places = [*np.flatnonzero(begins).tolist(), len(text)]
    return [text[start:stop] for start, stop in pairwise(places)]


AWKWARD = st.text(alphabet="'stmdlver a12_-\n\t\u00a0\u3000é的²٣🐈", max_size=40)


@given(st.one_of(st.text(), AWKWARD))
@settings(max_examples=300)
def test_arrays_cut_where_the_pattern_does(text):
    assert pieces_by(cuts(text), text) == pattern().findall(text)


@given(st.one_of(st.text(), AWKWARD))
@settings(max_examples=300)
def test_where_digits_stand_alone_the_pattern_cuts_what_is_between_them(text):
    parts = re.split(r"([0-9٣²])", "".join(c for c in text if not c.isnumeric() or c in "0123456789٣²"))
    expected = [piece for part in parts for piece in pattern().findall(part)]
    assert pieces_by(cuts("".join(parts), digits_alone=True), "".join(parts)) == expected


def test_letters_and_numbers_are_those_of_unicode():
    assert pattern().findall("a²Ⅷ٣b一\u0301c") == ["a", "²Ⅷ٣", "b一", "\u0301", "c"]
    assert pattern().findall("a \x1cb") == ["a", " \x1c", "b"]  # white space for Python, not for Unicode


def test_a_cut_in_another_place_is_noticed():
    """Negative control of the test above."""
    text = "They'll go,  now"
    for i in range(1, len(text)):
        begins = cuts(text)
        begins[i] = not begins[i]
        assert pieces_by(begins, text) != pattern().findall(text)


@given(st.text())
def test_the_pieces_are_the_text(text):
    assert "".join(pattern().findall(text)) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("They'll go,  now", ["They", "'ll", " go", ",", " ", " now"]),
        ("a 12 b34 (x)", ["a", " 12", " b", "34", " (", "x", ")"]),
        ("one\n\ntwo \n", ["one", "\n", "\n", "two", " \n"]),
        ("我喜欢读书。 a_b", ["我喜欢读书", "。", " a", "_", "b"]),
    ],
)
def test_text_is_cut_as_gpt_2_does(text, pieces):
    assert pattern().findall(text) == pieces


def test_merges_worked_by_hand():
    # aaab ab: (a, a) and (a, b) occur twice each, the smaller wins; then (aa, a), (a, b), (a, b): ab is left
    tokenizer = BPETokenizer.train("aaab ab", size=1000)
    assert [tokenizer.tokens[i] for i in range(256, len(tokenizer))] == [b"aa", b"ab"]
    assert tokenizer.encode("aaab").tolist() == [256, 257]


def test_of_aaa_the_first_two_are_merged():
    ids = words_of([7, 7, 7], [7, 7, 7, 7], [7], [])
    expected = words_of([9, 7], [9, 9], [7], [])
    for function in (merge_pair, merge_pair.reference):
        np.testing.assert_array_equal(function(ids, 7, 7, 9), expected)


def test_pairs_are_counted_with_their_words_weight_and_never_across_words():
    for function in (count_pairs, count_pairs.reference):
        pairs, counts = function(words_of([1, 2, 1], [2, 1], [2]), np.array([5, 2, 100]))
        assert pairs.tolist() == [[1, 2], [2, 1]]
        assert counts.tolist() == [5, 7]


def test_kernels_take_empty_arrays():
    nothing, weights = np.zeros(0, np.int32), np.zeros(0, np.int64)
    for which in ("__call__", "reference"):
        assert getattr(count_pairs, which)(nothing, weights)[0].shape == (0, 2)
        assert getattr(merge_pair, which)(nothing, 1, 2, 3).shape == (0,)
        assert getattr(learn_merges, which)(nothing, weights, 256, 5).shape == (0, 2)
        assert getattr(apply_merges, which)(nothing, np.zeros((0, 2), np.int32), 256).shape == (0,)


@given(st.lists(st.lists(st.integers(0, 2), max_size=12), max_size=6), st.integers(0, 12))
@settings(max_examples=50)
def test_formula_and_loops_agree_on_every_text(words, number):
    ids, weights = words_of(*words), np.arange(1, len(words) + 1)
    with kernels.reference_only():
        merges = learn_merges(ids, weights, 3, number)
        encoded = apply_merges(ids, merges, 3)
    np.testing.assert_array_equal(learn_merges(ids, weights, 3, number), merges)
    np.testing.assert_array_equal(apply_merges(ids, merges, 3), encoded)


def test_a_table_that_grows_forgets_nothing():
    rng = np.random.default_rng(0)
    ids = words_of(*rng.integers(0, 2000, (300, 40)))
    pairs, counts = count_pairs(ids, np.ones(300, np.int64))
    expected = Counter(zip(ids.tolist(), ids[1:].tolist(), strict=False))
    assert dict(zip(map(tuple, pairs.tolist()), counts.tolist(), strict=True)) == {
        pair: count for pair, count in expected.items() if END not in pair
    }


def test_a_word_is_merged_once_however_often_it_occurs(monkeypatch):
    lengths = []
    monkeypatch.setattr(bpe, "apply_merges", lambda ids, *rest: lengths.append(len(ids)) or apply_merges(ids, *rest))
    once = TOKENIZER.encode(" to be or not")
    np.testing.assert_array_equal(TOKENIZER.encode(" to be or not" * 100), np.tile(once, 100))
    assert lengths == [len(" to be or not") + 4] * 2  # one call each, of four words, each with its END


def count_calls(monkeypatch, name):
    """The arguments with which the loops of merges.py, as plain Python, call one of their functions from now on."""
    function, calls = getattr(merges, name), []
    monkeypatch.setattr(merges, name, lambda *arguments: calls.append(arguments) or function(*arguments))
    return calls


def test_learning_looks_only_at_words_that_hold_the_pair(monkeypatch):
    calls = count_calls(monkeypatch, "merge_counted")
    ids = words_of([1, 2], *([3 + i, 3 + i] for i in range(50)), [9, 1, 2])
    weights = np.ones(52, np.int64)
    assert learn_merges._loops(ids, weights, 100, 10).tolist() == [[1, 2]]
    assert len(calls) == 2  # all words would be 52


def test_encoding_looks_up_no_more_than_three_pairs_per_symbol_of_a_long_word(monkeypatch):
    calls = count_calls(monkeypatch, "queue_pair")
    word = np.random.default_rng(0).integers(0, 4, 1000)
    learned = learn_merges(words_of(*word.reshape(-1, 8).tolist()), np.ones(125, np.int64), 4, 60)
    encoded = apply_merges._loops(words_of(word.tolist()), learned, 4)
    assert len(learned) == 60
    assert len(calls) == 999 + 2 * (1001 - len(encoded))  # at first, and beside each merge


@given(st.lists(st.sampled_from([b"a", b"aa", b"ab", b"\xff", b"b"]), max_size=30))
def test_distinct_words_are_numbered_in_order(words):
    text = np.frombuffer(b"".join(words), np.uint8)
    starts = np.cumsum([0, *map(len, words)])[:-1]
    distinct, number = number_words(text, starts)
    expected = list(dict.fromkeys(words))
    assert distinct.tolist() == words_of(*expected).tolist()
    assert number.tolist() == [expected.index(word) for word in words]


def test_cut_characters_are_replaced():
    assert BPETokenizer([]).decode(np.frombuffer("读".encode()[:2], np.uint8)) == "�"


def test_there_are_no_more_merges_than_pairs_that_repeat():
    assert len(BPETokenizer.train("abc", size=300)) == 256
    assert len(BPETokenizer.train("", size=300)) == 256


def test_a_size_below_the_bytes_is_refused():
    with pytest.raises(ValueError, match="size 255 is less than the 256 bytes"):
        BPETokenizer.train("abc", size=255)


@pytest.mark.parametrize("pair", [(97, 257), (-1, 97)])
def test_a_merge_of_what_is_not_yet_made_is_refused(pair):
    with pytest.raises(ValueError, match=rf"merges\[1\] is \({pair[0]}, {pair[1]}\), expected ids below 257"):
        BPETokenizer([(97, 98), pair])


@pytest.fixture(scope="module")
def spelled():
    """Each byte as the `tokenizers` package spells it, by GPT-2's rule: printable ones as they are."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def byte_level(tokenizers, vocabulary, merges):
    other = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    other.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return other


def test_the_tokenizers_package_encodes_the_same(spelled):
    tokenizers = pytest.importorskip("tokenizers")
    tokens = ["".join(spelled[byte] for byte in token) for token in TOKENIZER.tokens]
    merges = [(tokens[left], tokens[right]) for left, right in TOKENIZER.merges]
    assert len(set(tokens)) == len(tokens)
    other = byte_level(tokenizers, {token: i for i, token in enumerate(tokens)}, merges)
    for text in (TEXT, TEXT[::-1], "They're 2nd-rate:  “quotes” — naïve 🐈\n\n  end_of line\t"):
        assert TOKENIZER.encode(text).tolist() == other.encode(text).ids


def test_the_tokenizers_package_learns_the_same_where_there_is_no_tie(spelled):
    tokenizers = pytest.importorskip("tokenizers")
    rng = np.random.default_rng(4)
    words = ["".join(rng.choice(list("abcd"), rng.integers(2, 9))) for _ in range(2000)]
    text = "".join((" " + word) * rng.integers(1, 40) for word in words)
    other = byte_level(tokenizers, {}, [])
    other.train_from_iterator(
        [text],
        tokenizers.trainers.BpeTrainer(
            vocab_size=256 + 60,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
            min_frequency=2,
            show_progress=False,
        ),
    )
    _, alone = trained_by_hand(pattern().findall(text), 60)
    clear = [*alone, False].index(False)
    assert clear > 30
    mine = BPETokenizer.train(text, size=256 + 60)
    tokens = ["".join(spelled[byte] for byte in token) for token in mine.tokens]
    theirs = other.get_vocab()
    assert tokens[256 : 256 + clear] == sorted(theirs, key=theirs.get)[256 : 256 + clear]
