"""The bootstrap keeps what it promises where the truth is known, and a paired comparison sees more than two alone."""

import numpy as np
import pytest

from minilm.metrics import bleu_counts, bleu_of_counts, bootstrap, interval, resamplings


def share(items):
    return lambda right: right / items


def test_each_round_draws_as_many_items_as_there_are():
    draws = resamplings(7, 50, rng=np.random.default_rng(0))
    assert draws.shape == (50, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert (draws != 1).any()


def test_a_share_varies_as_the_binomial_formula_says():
    right = np.arange(400) < 100
    scores = bootstrap(right, share(400), resamplings(400, 4000, rng=np.random.default_rng(0)))
    assert scores.mean() == pytest.approx(0.25, abs=0.002)
    assert scores.std() == pytest.approx(np.sqrt(0.25 * 0.75 / 400), rel=0.05)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    draws = resamplings(100, 300, rng=rng)
    held = dict.fromkeys((0.5, 0.95), 0)
    for _ in range(200):
        scores = bootstrap(rng.random(100) < 0.4, share(100), draws)
        for level in held:
            low, high = interval(scores, level)
            held[level] += low <= 0.4 <= high
    assert 0.88 <= held[0.95] / 200 <= 1
    assert 0.38 <= held[0.5] / 200 <= 0.65  # and a narrower one less often: the level means something


def test_a_paired_difference_is_surer_than_an_unpaired_one():
    rng = np.random.default_rng(2)
    first = rng.random(300) < 0.5
    second = first | (rng.random(300) < 0.1)  # as good, and on some items better
    draws, others = (resamplings(300, 500, rng=rng) for _ in range(2))
    scores = bootstrap(first, share(300), draws)
    paired = interval(bootstrap(second, share(300), draws) - scores)
    unpaired = interval(bootstrap(second, share(300), others) - scores)
    assert paired[0] > 0 > unpaired[0]


def test_counts_of_any_shape_are_added_up():
    counts = [bleu_counts("a b c d e", "a b c d e"), bleu_counts("a b c d x", "a b c d e")]
    scores = bootstrap(counts, lambda total: bleu_of_counts(total).score, np.array([[2, 0], [1, 1], [0, 2]]))
    assert scores[0] == pytest.approx(100)
    assert scores[0] > scores[1] > scores[2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resamplings(0, rng=np.random.default_rng(0)), "items is 0"),
        (lambda: resamplings(3, 0, rng=np.random.default_rng(0)), "rounds is 0"),
        (lambda: bootstrap([1, 2], sum, np.ones((5, 3), int)), r"of shape \(5, 3\); expected \(rounds, 2\)"),
        (lambda: interval([1, 2], 95), "level is 95"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
