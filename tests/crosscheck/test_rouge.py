"""ROUGE-1, -2 and -L equal those of the package rouge-score: precision, recall and F1."""

import pytest

rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

from generated_texts import pairs
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm.metrics import longest_common_run, rouge_l, rouge_n, tokens


class Characters:
    """For rouge-score, whose own tokenizer drops all that is not a to z or a digit."""

    def tokenize(self, text):
        return tokens(text, "char")


def scorer(tokenize):
    return rouge_scorer.RougeScorer(
        ["rouge1", "rouge2", "rougeL"], tokenizer=Characters() if tokenize == "char" else None
    )


def ours(hypothesis, reference, tokenize):
    return {
        "rouge1": rouge_n(hypothesis, reference, 1, tokenize),
        "rouge2": rouge_n(hypothesis, reference, 2, tokenize),
        "rougeL": rouge_l(hypothesis, reference, tokenize),
    }


def assert_equal(hypothesis, reference, tokenize, theirs):
    mine = ours(hypothesis, reference, tokenize)
    for name, score in theirs.score(reference, hypothesis).items():
        assert tuple(mine[name]) == pytest.approx(tuple(score), rel=1e-12), (hypothesis, reference, name)
    return mine


@pytest.mark.parametrize(("language", "tokenize"), [("English", "word"), ("Chinese", "char"), ("English", "char")])
def test_it_equals_rouge_score_on_400_generated_pairs(language, tokenize):
    theirs = scorer(tokenize)
    scores = [assert_equal(*pair, tokenize, theirs) for pair in pairs(0, language, 400, 25)]
    assert sum(0 < score["rouge2"].f1 < 1 for score in scores) > 200  # not a comparison of zeros
    assert sum(score["rouge1"].f1 > score["rougeL"].f1 > 0 for score in scores) > 50
    assert sum(score["rouge1"].precision != score["rouge1"].recall for score in scores) > 200


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["word", "char"]))
@settings(max_examples=300, deadline=None)
def test_it_equals_rouge_score_on_any_unicode(hypothesis, reference, tokenize):
    assert_equal(hypothesis, reference, tokenize, scorer(tokenize))


def test_chinese_needs_characters():
    assert scorer("word").score("我喜欢读书", "我喜欢读书")["rougeL"].fmeasure == 0
    assert ours("我喜欢读书", "我喜欢读书", "char")["rougeL"].f1 == 1


def test_swapped_texts_are_noticed():
    with pytest.raises(AssertionError):
        assert_equal("the mat", "the cat on the mat", "word", Swapped())


def test_runs_in_place_of_subsequences_are_noticed(monkeypatch):
    monkeypatch.setitem(rouge_l.__globals__, "longest_common_subsequence", longest_common_run)
    with pytest.raises(AssertionError):
        assert_equal("the big cat sat", "the cat sat", "word", scorer("word"))


class Swapped:
    """rouge-score with the reference judged by the hypothesis."""

    def score(self, reference, hypothesis):
        return scorer("word").score(hypothesis, reference)
