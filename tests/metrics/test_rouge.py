"""ROUGE by hand. (Number by number against rouge-score: tests/crosscheck/test_rouge.py.)"""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.metrics import Rouge, longest_common_run, longest_common_subsequence, rouge_l, rouge_n

words = st.lists(st.sampled_from("abc"), max_size=7)


def test_lins_example():
    # Lin 2004, section 3.1: S2 and S3 have the same ROUGE-2, but S2 tells it in the right order.
    reference, second, third = "police killed the gunman", "police kill the gunman", "the gunman kill police"
    assert rouge_n(second, reference, 2).recall == rouge_n(third, reference, 2).recall == 1 / 3
    assert rouge_l(second, reference).f1 == 3 / 4
    assert rouge_l(third, reference).f1 == 2 / 4


def test_words_count_as_often_as_in_both():
    assert rouge_n("the the the cat", "the cat the") == Rouge(3 / 4, 1.0, 6 / 7)


def test_case_and_punctuation_do_not_count():
    assert rouge_n("The cat, it's HERE!", "the cat it s here").f1 == 1


def test_chinese_is_compared_by_characters():
    assert rouge_l("他很喜欢看书", "他喜欢读书", tokenize="char") == Rouge(4 / 6, 4 / 5, pytest.approx(8 / 11))
    assert rouge_l("他喜欢读书", "他喜欢读书").f1 == 0  # ROUGE's own tokens are of a to z


def test_nothing_shares_nothing():
    for hypothesis, reference in (("", "a"), ("a", ""), ("", ""), ("a", "b")):
        assert rouge_n(hypothesis, reference) == rouge_l(hypothesis, reference) == Rouge(0, 0, 0)
    assert rouge_n("a", "a", 2) == Rouge(0, 0, 0)


@given(words, words)
def test_the_longest_common_subsequence_is_the_longest_of_all(a, b):
    subsequences = ({c for n in range(len(x) + 1) for c in combinations(x, n)} for x in (a, b))
    assert longest_common_subsequence(a, b) == max(map(len, set.intersection(*subsequences)))


@given(words, words)
def test_a_run_is_a_subsequence_without_gaps(a, b):
    text = "".join(b)
    runs = [len(a[i:j]) for i in range(len(a)) for j in range(i, len(a) + 1) if "".join(a[i:j]) in text]
    assert longest_common_run(a, b) == max(runs, default=0) <= longest_common_subsequence(a, b)


def test_some_texts_tell_subsequences_from_runs():
    """Negative control of the two tests above."""
    assert longest_common_subsequence("abc", "axbc") == 3
    assert longest_common_run("abc", "axbc") == 2


@given(words, words)
def test_swapping_the_texts_swaps_precision_and_recall(a, b):
    there, back = rouge_l(" ".join(a), " ".join(b)), rouge_l(" ".join(b), " ".join(a))
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert there.f1 == pytest.approx(back.f1)


def test_bad_input_is_refused_by_name_value_and_remedy():
    with pytest.raises(ValueError, match="n is 0; expected at least 1"):
        rouge_n("a", "a", 0)
    with pytest.raises(TypeError, match="text is of type list, expected str"):
        rouge_l(["a"], "a")
    with pytest.raises(ValueError, match="tokenize is 'words'; expected one of 13a, zh, char, none, word"):
        rouge_l("a", "a", "words")
