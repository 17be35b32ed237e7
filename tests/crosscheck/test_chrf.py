"""chrF equals sacrebleu's, number by number, on corpora of every kind."""

import pytest

sacrebleu = pytest.importorskip("sacrebleu")

import numpy as np
from generated_texts import corpora
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm.metrics import chrf, chrf_counts, chrf_of_counts


def theirs(hypotheses, references, order=6, beta=2):
    return sacrebleu.CHRF(char_order=order, beta=beta).corpus_score(hypotheses, list(zip(*references, strict=True)))


def assert_equal(hypotheses, references, order=6, beta=2):
    expected = theirs(hypotheses, references, order, beta).score
    assert chrf(hypotheses, references, order, beta) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    return expected


@pytest.mark.parametrize("beta", [1, 2])
def test_it_equals_sacrebleu_on_200_generated_corpora(beta):
    rng = np.random.default_rng(beta)
    scores = [assert_equal(*corpus, int(rng.integers(1, 8)), beta) for corpus in corpora(beta, 200)]
    assert len(set(np.round(scores, 6))) > 100  # the comparison is of numbers, not of zeros


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_it_equals_sacrebleu_on_any_unicode(texts):
    hypotheses, references = zip(*texts, strict=True)
    assert_equal(hypotheses, [[reference] for reference in references], order=3)


def test_a_mean_of_sentences_is_noticed():
    hypotheses, references = next(corpus for corpus in corpora(7, 99) if len(corpus[0]) > 3)
    mean = np.mean([chrf([h], [r]) for h, r in zip(hypotheses, references, strict=True)])
    assert mean != pytest.approx(theirs(hypotheses, references).score, rel=1e-3)


def test_precision_and_recall_that_have_changed_places_are_noticed():
    counts = chrf_counts("read", "reads a lot")
    assert chrf_of_counts(counts) == pytest.approx(theirs(["read"], [["reads a lot"]]).score)
    assert chrf_of_counts(counts[[1, 0, 2]]) != pytest.approx(theirs(["read"], [["reads a lot"]]).score, rel=0.1)
