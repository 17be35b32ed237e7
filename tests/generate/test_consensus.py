"""The consensus of a model's texts is the one that scores best in expectation, and not the most probable one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.generate import consensus
from minilm.metrics import rouge_n

TEXTS = ["open the door", "open the old door", "shut it"]
PROBABILITIES = np.array([0.35, 0.25, 0.4])


def f1(ours, theirs):
    return rouge_n(ours, theirs).f1


def test_it_is_the_text_with_the_highest_expected_utility_where_all_probabilities_are_known():
    expected = [sum(p * f1(ours, theirs) for p, theirs in zip(PROBABILITIES, TEXTS, strict=True)) for ours in TEXTS]
    samples = np.random.default_rng(0).choice(TEXTS, 2000, p=PROBABILITIES).tolist()
    assert consensus(TEXTS, samples, f1) == TEXTS[int(np.argmax(expected))]
    assert TEXTS[int(np.argmax(PROBABILITIES))] != TEXTS[int(np.argmax(expected))]


def test_if_only_the_very_same_text_counts_it_is_the_most_frequent_one():
    samples = np.random.default_rng(0).choice(TEXTS, 2000, p=PROBABILITIES).tolist()
    assert consensus(TEXTS, samples, lambda ours, theirs: ours == theirs) == "shut it"


def test_of_equals_it_is_the_first():
    assert consensus(["b", "a"], ["c"], f1) == "b"


@given(st.lists(st.sampled_from(TEXTS), min_size=1), st.lists(st.sampled_from(TEXTS), min_size=1))
def test_it_is_a_candidate_that_no_other_surpasses(candidates, samples):
    def score(text):
        return sum(f1(text, sample) for sample in samples)

    found = consensus(candidates, samples, f1)
    assert found in candidates and score(found) == pytest.approx(max(map(score, candidates)))


@pytest.mark.parametrize(("candidates", "samples", "named"), [([], ["a"], "candidates"), (["a"], [], "samples")])
def test_nothing_to_choose_from_or_to_compare_with_is_named(candidates, samples, named):
    with pytest.raises(ValueError, match=f"{named} is empty; expected at least one text"):
        consensus(candidates, samples, f1)
