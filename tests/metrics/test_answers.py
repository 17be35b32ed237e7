"""Exact match and F1 by hand, from what SQuAD's evaluate-v2.0.py and CMRC's cmrc2018_evaluate.py do.

(On generated answers, against torchmetrics: tests/crosscheck/test_answers.py.)
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.metrics import exact_match, f1, normalised

SQUAD = [  # prediction, answers, exact match, F1
    ("Denver Broncos", ["Denver Broncos"], 1, 1),
    ("the Denver Broncos!", ["denver  broncos"], 1, 1),  # articles, punctuation, case, white space
    ("Broncos", ["Denver Broncos"], 0, 2 / 3),  # P 1, R 1/2
    ("Denver Broncos team", ["Denver Broncos"], 0, 4 / 5),  # P 2/3, R 1
    ("Carolina Panthers", ["Denver Broncos"], 0, 0),
    ("Broncos", ["Denver Broncos", "Broncos"], 1, 1),  # the best answer counts
    ("Santa Clara", ["Levi's Stadium", "Santa Clara, California"], 0, 4 / 5),
    ("U.S.A.", ["USA"], 1, 1),  # punctuation goes without leaving a space
    ("Saint-Pierre", ["Saint Pierre"], 0, 0),  # so these are one word and two
    ("theatre", ["the atre"], 0, 0),  # only whole words are articles
    ("a an the", [""], 1, 1),  # nothing is left: no answer
    ("", ["Denver"], 0, 0),
    ("Denver", [""], 0, 0),
    ("", [""], 1, 1),
    ("very very good", ["very good very very"], 0, 6 / 7),  # very twice of three times: P 3/3, R 3/4
    ("北京大学", ["北京 大学"], 0, 0),  # without spaces Chinese is one word: use language="zh"
]
CMRC = [
    ("北京大学", ["北京大学"], 1, 1),
    ("《红楼梦》", ["红楼梦。"], 1, 1),
    ("在北京大学", ["北京大学"], 0, 8 / 9),  # P 4/5, R 1
    ("北京的大学", ["北京大学"], 0, 4 / 9),  # the longest run is two characters: P 2/5, R 2/4
    ("学大京北", ["北京大学"], 0, 1 / 4),
    ("GPT模型", ["gpt 模型"], 0, 1),  # gpt, 模, 型: white space parts no tokens, but is compared
    ("1998年", ["1998 年"], 0, 1),
    ("上海", ["北京", "上海市"], 0, 4 / 5),
    ("上海", ["北京"], 0, 0),
]


@pytest.mark.parametrize(("prediction", "answers", "match", "overlap"), SQUAD)
def test_english_answers_by_hand(prediction, answers, match, overlap):
    assert exact_match(prediction, answers) == match
    assert f1(prediction, answers) == pytest.approx(overlap)


@pytest.mark.parametrize(("prediction", "answers", "match", "overlap"), CMRC)
def test_chinese_answers_by_hand(prediction, answers, match, overlap):
    assert exact_match(prediction, answers, language="zh") == match
    assert f1(prediction, answers, language="zh") == pytest.approx(overlap)


def test_the_order_of_words_counts_in_chinese_runs_only():
    assert f1("mat the on cat", ["cat on the mat"]) == 1
    assert f1("书读", ["读书"], language="zh") == 1 / 2


@given(st.text(), st.text(), st.sampled_from(["en", "zh"]))
def test_what_matches_exactly_overlaps_fully_and_order_does_not_matter(a, b, language):
    assert exact_match(a, [a], language) == f1(a, [a], language) == 1
    assert 0 <= exact_match(a, [b], language) <= f1(a, [b], language) <= 1
    assert f1(a, [b], language) == f1(b, [a], language)


@given(st.text())
def test_an_article_is_a_word_of_its_own(text):
    assert not {"a", "an", "the"} & set(normalised(text).split(" "))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: f1("a", []), ValueError, "no answer to compare 'a' with"),
        (lambda: exact_match("a", "a"), TypeError, "answers is one string, 'a'; expected a list"),
        (lambda: f1("a", ["a"], "fr"), ValueError, "language is 'fr'; expected en or zh"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()
