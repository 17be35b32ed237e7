"""WordPiece: words as BERT cuts them, pieces by hand, and training as a plain version does it."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minilm.data import Vocabulary, WordPieceTokenizer, load_tokenizer
from minilm.data.pieces import learn_pieces
from minilm.data.wordpiece import SPECIAL, longest_match, words

TEXT = (
    "HAMLET:\nTo be, or not to be: that is the question:\nWhether 'tis nobler in the mind to suffer\n"
    "The slings and arrows of outrageous fortune,\nOr to take arms against a sea of troubles, 12 times (144%).\n"
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。Résumé naïve Übung Σίσυφος 안녕 하세요\n"
) * 3
TOKENIZER = WordPieceTokenizer.train(TEXT, size=200)
PIECES = st.lists(st.sampled_from(["a", "b", "ab", "##a", "##b", "##ab", "##ba", "##bab", "aba"]), unique=True)


def learned_plainly(counts, size, score, least):
    """Everything counted anew for each merge. Spelled as in the HuggingFace course's chapter on WordPiece."""
    splits = {word: [c if i == 0 else "##" + c for i, c in enumerate(word)] for word in counts}
    characters = Counter()
    for word, n in counts.items():
        for piece in splits[word]:
            characters[piece] += n
    vocabulary = sorted(characters, key=lambda c: (-characters[c], c))[:size]
    splits = {word: split for word, split in splits.items() if set(split) <= set(vocabulary)}
    while len(vocabulary) < size:
        alone, together = Counter(), Counter()
        for word, split in splits.items():
            for piece in split:
                alone[piece] += counts[word]
            for pair in pairwise(split):
                together[pair] += counts[word]
        scores = {
            (a, b): n / (alone[a] * alone[b])
            if score == "ratio"
            else n * math.log(alone.total() * n / (alone[a] * alone[b]))
            for (a, b), n in together.items()
            if n >= least
        }
        if not scores:
            break
        highest = max(scores.values())
        equals = [pair for pair in scores if math.isclose(scores[pair], highest, rel_tol=1e-12)]
        a, b = min(equals, key=lambda pair: [vocabulary.index(piece) for piece in pair])
        merged = a + b.removeprefix("##")
        if merged not in vocabulary:
            vocabulary.append(merged)
        for word, split in splits.items():
            i = 0
            while i < len(split) - 1:
                if split[i] == a and split[i + 1] == b:
                    split[i : i + 2] = [merged]
                i += 1
            splits[word] = split
    return vocabulary


@pytest.mark.parametrize("least", [1, 2, 3])
@given(st.dictionaries(st.text("ab的", min_size=1, max_size=6), st.integers(1, 9), max_size=6), st.integers(1, 25))
@settings(max_examples=60)
def test_the_ratio_learns_what_the_plain_algorithm_learns(least, counts, size):
    assert learn_pieces(Counter(counts), size, "ratio", least) == learned_plainly(counts, size, "ratio", least)


def test_the_likelihood_learns_what_the_plain_algorithm_learns():
    counts = Counter(words(TEXT))
    assert learn_pieces(counts, 150, "likelihood", 2) == learned_plainly(counts, 150, "likelihood", 2)


def test_the_ratio_prefers_rare_pairs_and_the_likelihood_frequent_ones():
    counts = Counter({"the": 100, "then": 50, "hen": 40, "qz": 2})
    ratio, likelihood, alphabet = (learn_pieces(counts, size, score)
                                   for size, score in ((8, "ratio"), (8, "likelihood"), (7, "ratio")))  # fmt: skip
    assert ratio == [*alphabet, "qz"]
    assert likelihood[-1] in {"th", "the", "##he"}


def test_a_piece_that_two_ways_lead_to_is_one_symbol():
    symbols = learn_pieces(Counter({"abc": 9, "ab": 3, "bc": 5, "xbc": 7, "abx": 4}), 40, "ratio", 1)
    assert len(symbols) == len(set(symbols))
    assert {"abc", "xbc", "abx"} <= set(symbols)


@pytest.mark.parametrize(
    ("text", "lowercase", "expected"),
    [
        ("Don't stop!", True, "don ' t stop !"),
        ("3.5-km, a_b", True, "3 . 5 - km , a _ b"),
        ("我读了GPT，他", True, "我 读 了 gpt ， 他"),
        ("Résumé ÜBUNG", True, "resume ubung"),
        ("Résumé ÜBUNG", False, "Résumé ÜBUNG"),
        ("$5 + x=1 `a` ~ ^ |", True, "$ 5 + x = 1 ` a ` ~ ^ |"),  # all ASCII but letters and digits is punctuation
        ("a\tb\nc\u3000d\u00a0e\u2028f", True, "a b c d e f"),
        ("a\x00b\x07c\u200bd\ufffde", True, "abcde"),
        ("“x”—y…", True, "“ x ” — y …"),
        ("かな한글", False, "かな한글"),  # only Chinese characters stand alone
        ("ΣΟΦΟΣ", True, "σοφοσ"),
        ("", True, ""),
    ],
)
def test_words_are_cut_as_by_hand(text, lowercase, expected):
    assert words(text, lowercase) == expected.split()


@pytest.mark.parametrize(
    ("word", "pieces"),
    [("lowest", ["low", "##est"]), ("lo", ["lo"]), ("lowe", ["low", "##e"]), ("est", None), ("lowx", None), ("", [])],
)
def test_the_longest_piece_is_taken_first(word, pieces):
    assert longest_match(word, {"lo", "low", "##w", "##e", "##s", "##t", "##est", "##es"}) == pieces


@given(st.text("ab", min_size=1, max_size=9), PIECES)
def test_pieces_are_the_word_and_none_could_be_longer(word, vocabulary):
    pieces = longest_match(word, set(vocabulary))
    if pieces is None:
        return
    bare = [piece.removeprefix("##") for piece in pieces]
    assert "".join(bare) == word
    for i, piece in enumerate(pieces):
        assert piece in vocabulary
        assert piece.startswith("##") == (i > 0)
        rest = "".join(bare[i:])
        longer = [rest[:n] for n in range(len(bare[i]) + 1, len(rest) + 1)]
        assert not any("##" * (i > 0) + candidate in vocabulary for candidate in longer)


def test_greedy_may_fail_where_another_cut_would_not():
    assert longest_match("abab", {"aba", "ab", "##ab"}) is None


def test_a_word_that_cannot_be_made_up_is_unknown_as_a_whole():
    tokenizer = WordPieceTokenizer(Vocabulary(["[UNK]", "low", "##er"], unknown="[UNK]"))
    assert tokenizer.pieces("low lower lowest") == ["low", "low", "##er", "[UNK]"]
    assert tokenizer.decode(tokenizer.encode("lower slow")) == "lower [UNK]"
    assert tokenizer.unknown("Lower, slow low slow") == [",", "slow", "slow"]


def test_words_that_are_too_long_are_unknown():
    vocabulary = Vocabulary(["[UNK]", "a", "##a"], unknown="[UNK]")
    assert WordPieceTokenizer(vocabulary).pieces("a" * 101) == ["[UNK]"]
    assert len(WordPieceTokenizer(vocabulary).pieces("a" * 100)) == 100
    assert WordPieceTokenizer(vocabulary, longest=3).pieces("aaaa aaa") == ["[UNK]", "a", "##a", "##a"]


def test_decoded_text_reads_as_people_write():
    text = "to be, or not to be: that is the question: (144%). 举头望明月，低头思故乡。"
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text.replace(": (144%). 举", ": ( 144%).举")


@given(st.text(st.sampled_from(TEXT + "xyz\t\x00�é")))
@example("a ,b . 床 to，be '' -- 하세요 안녕")
def test_ids_come_back_from_the_decoded_text(text):
    ids = TOKENIZER.encode(text)
    if TOKENIZER.vocabulary.id("[UNK]") not in ids:
        np.testing.assert_array_equal(TOKENIZER.encode(TOKENIZER.decode(ids)), ids)


@given(st.text())
def test_any_unicode_is_encoded(text):
    ids = TOKENIZER.encode(text)
    assert ids.dtype == np.int64
    assert len(ids) >= len(words(text))
    assert all(word == "".join(word.split()) for word in words(text))


def test_the_special_symbols_come_first():
    assert TOKENIZER.vocabulary.symbols(range(5)) == list(SPECIAL)
    assert len(TOKENIZER) == 200


def test_case_is_kept_if_asked_for(tmp_path):
    tokenizer = WordPieceTokenizer.train("To be or not To be é", size=40, lowercase=False)
    assert tokenizer.decode(tokenizer.encode("To be é")) == "To be é"
    tokenizer.save(tmp_path / "t.json")
    assert load_tokenizer(tmp_path / "t.json").encode("To").tolist() == tokenizer.encode("To").tolist()


def test_a_published_vocabulary_is_read(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\nun\n##able\n\u2028\n", encoding="utf-8")  # U+2028 is a line of its own, not an end
    tokenizer = WordPieceTokenizer.read(path)
    assert len(tokenizer) == 5
    assert tokenizer.encode("Unable able").tolist() == [2, 3, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: WordPieceTokenizer.train("abc", size=5), "size 5 has no room beside the 5 special symbols"),
        (lambda: WordPieceTokenizer.train("abc", score="count"), "score is 'count'; expected one of ratio, likelihood"),
        (lambda: WordPieceTokenizer(Vocabulary(["a"])), "the vocabulary has no unknown symbol"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
