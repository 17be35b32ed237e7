"""chrF by hand, and what is not chrF. (Number by number against sacrebleu: tests/crosscheck/test_chrf.py.)"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.metrics import chrf, chrf_counts, chrf_of_counts

sentences = st.text("ab c", max_size=8)


def test_by_hand():
    # read, reads: 4 of 4 and of 5 characters, 3 of 3 and of 4 pairs; P = 1, R = (4/5 + 3/4) / 2
    recall = (4 / 5 + 3 / 4) / 2
    assert chrf(["read"], ["reads"], order=2, beta=1) == pytest.approx(100 * 2 * recall / (1 + recall))
    assert chrf(["read"], ["reads"], order=2) == pytest.approx(100 * 5 * recall / (4 + recall))


def test_recall_weighs_more_than_precision():
    assert chrf(["reads"], ["read"]) > chrf(["read"], ["reads"])
    assert chrf(["reads"], ["read"], beta=1) == pytest.approx(chrf(["read"], ["reads"], beta=1))


def test_the_best_reference_counts():
    assert chrf(["i read"], [["he sleeps", "i read", "you eat"]]) == pytest.approx(100)
    np.testing.assert_array_equal(chrf_counts("i read", ["he sleeps", "i reads"]), chrf_counts("i read", "i reads"))


def test_white_space_does_not_count():
    assert chrf(["a b\tc"], ["abc"]) == chrf(["abc"], ["abc"]) == pytest.approx(100)


def test_a_text_shorter_than_the_longest_n_gram_is_judged_by_those_it_has():
    assert chrf(["是"], ["是"]) == pytest.approx(100)
    assert chrf([""], ["是"]) == chrf(["是"], [""]) == chrf([""], [""]) == 0


def test_counts_are_summed_over_sentences_before_they_are_divided():
    hypotheses, references = ["i read", "no"], ["i like reading", "no, thank you"]
    counts = [chrf_counts(h, r) for h, r in zip(hypotheses, references, strict=True)]
    assert chrf_of_counts(np.sum(counts, axis=0)) == chrf(hypotheses, references)
    assert chrf(hypotheses, references) != pytest.approx(np.mean([chrf_of_counts(c) for c in counts]), rel=0.01)


@given(st.lists(st.tuples(sentences, sentences), min_size=1, max_size=4))
def test_it_is_a_percentage_that_order_and_doubling_do_not_change(pairs):
    hypotheses, references = zip(*pairs, strict=True)
    score = chrf(hypotheses, references)
    assert 0 <= score <= 100 + 1e-9
    assert chrf(hypotheses[::-1], references[::-1]) == pytest.approx(score)
    assert chrf(hypotheses * 2, references * 2) == pytest.approx(score)


@pytest.mark.parametrize(
    ("hypotheses", "references", "error", "message"),
    [
        ([], [], ValueError, "0 hypotheses"),
        (["a"], ["a", "b"], ValueError, "1 hypotheses and references for 2"),
        (["a"], [[]], ValueError, "has no reference"),
        ("a", ["a"], TypeError, "one string"),
        ([3], ["a"], TypeError, "text is of type int"),
    ],
)
def test_bad_input_is_named(hypotheses, references, error, message):
    with pytest.raises(error, match=message):
        chrf(hypotheses, references)
