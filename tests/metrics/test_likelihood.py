import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.metrics import accuracy, bits_per_character, cross_entropy, perplexity, total_nats

# Four tokens, vocabulary of three.
PROBS = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.25, 0.25, 0.5]])
TARGETS = np.array([0, 1, 0, 2])


def random_log_probs(rng, *shape):
    return np.log(rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]))


def test_cross_entropy_equals_the_sum_by_hand():
    by_hand = -(math.log(0.5) + math.log(0.8) + math.log(0.2) + math.log(0.5)) / 4
    assert cross_entropy(np.log(PROBS), TARGETS) == pytest.approx(by_hand, rel=1e-12)


def test_ignored_targets_count_neither_above_nor_below_the_line():
    nats, tokens = total_nats(np.log(PROBS), np.array([0, -100, 0, -100]), ignore_index=-100)
    assert tokens == 2
    assert nats == pytest.approx(-math.log(0.5) - math.log(0.2), rel=1e-12)


def test_whatever_the_model_says_at_padding_changes_nothing():
    padded = np.log(np.vstack([PROBS, [[0.9, 0.05, 0.05]]]))
    assert cross_entropy(padded, np.append(TARGETS, -1), ignore_index=-1) == cross_entropy(np.log(PROBS), TARGETS)


def test_leading_shape_does_not_matter():
    rng = np.random.default_rng(0)
    log_probs, targets = random_log_probs(rng, 3, 5, 7), rng.integers(7, size=(3, 5))
    flat = cross_entropy(log_probs.reshape(15, 7), targets.reshape(15))
    assert cross_entropy(log_probs, targets) == pytest.approx(flat, rel=1e-12)


@given(split=st.integers(1, 19), seed=st.integers(0, 1000))
def test_sums_over_any_two_batches_give_the_mean_of_the_whole(split, seed):
    rng = np.random.default_rng(seed)
    log_probs, targets = random_log_probs(rng, 20, 4), rng.integers(4, size=20)
    batches = [total_nats(log_probs[part], targets[part]) for part in (slice(split), slice(split, None))]
    nats, tokens = map(sum, zip(*batches, strict=True))
    assert nats / tokens == pytest.approx(cross_entropy(log_probs, targets), rel=1e-12)


def test_a_mean_of_means_is_another_number():
    """Negative control of the test above: unequal batches must be able to tell the two apart."""
    means = [cross_entropy(np.log(PROBS)[part], TARGETS[part]) for part in (slice(1), slice(1, None))]
    assert sum(means) / 2 != pytest.approx(cross_entropy(np.log(PROBS), TARGETS), rel=1e-3)


def test_cross_entropy_equals_pytorch_on_float32():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    log_probs, targets = random_log_probs(rng, 50, 9).astype(np.float32), rng.integers(9, size=50)
    targets[::7] = -100
    theirs = torch.nn.functional.nll_loss(torch.tensor(log_probs), torch.tensor(targets), ignore_index=-100)
    assert cross_entropy(log_probs, targets, ignore_index=-100) == pytest.approx(float(theirs), rel=1e-5)


def test_a_million_float32_terms_lose_nothing():
    log_probs = np.full((1_000_000, 1), -0.1, np.float32)
    assert cross_entropy(log_probs, np.zeros(1_000_000, int)) == pytest.approx(float(np.float32(0.1)), rel=1e-9)


@pytest.mark.parametrize("faces", [1, 2, 6, 84])
def test_perplexity_of_a_fair_die_is_its_number_of_faces(faces):
    assert perplexity(math.log(faces)) == pytest.approx(faces)


def test_perplexity_of_the_impossible_is_infinite():
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.array([[1.0, 0.0]]))
    assert perplexity(cross_entropy(log_probs, np.array([1]))) == math.inf
    assert perplexity(800) == math.inf


def test_one_bit_for_each_character_is_one_bit_per_character():
    assert bits_per_character(100 * math.log(2), characters=100) == pytest.approx(1)


def test_bits_per_character_does_not_depend_on_how_the_text_is_cut():
    by_character = bits_per_character(-math.log(0.5) - math.log(0.25), characters=2)
    by_pair = bits_per_character(-math.log(0.5 * 0.25), characters=2)
    assert by_character == pytest.approx(by_pair) == pytest.approx(1.5)


def test_accuracy_counts_hits_outside_the_padding():
    assert accuracy(np.array([[0, 1], [2, 9]]), np.array([[0, 2], [2, -1]]), ignore_index=-1) == pytest.approx(2 / 3)
    assert accuracy(PROBS.argmax(axis=-1), TARGETS) == 3 / 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cross_entropy(np.log(PROBS), TARGETS[:3]), r"targets has shape \(3,\); expected \(4,\).*log_probs"),
        (lambda: cross_entropy(np.zeros((0, 3)), np.zeros(0, int)), r"0 entries.*expected at least one"),
        (lambda: cross_entropy(np.log(PROBS), np.full(4, -1), ignore_index=-1), r"4 entries and all are left out"),
        (lambda: cross_entropy(np.full((1, 2), np.nan), np.array([0])), "log_probs holds NaN"),
        (lambda: cross_entropy(np.array([[3.0, 1.0]]), np.array([0])), "log_probs reaches 3; expected at most 0"),
        (lambda: cross_entropy(np.log(PROBS), TARGETS - 1), "targets runs from -1 to 1; expected ids from 0 to 2"),
        (lambda: cross_entropy(np.log(PROBS), TARGETS + 1), "targets runs from 1 to 3; expected ids from 0 to 2"),
        (lambda: cross_entropy(np.log(PROBS), TARGETS * 1.0), "targets holds float64; expected integers"),
        (lambda: perplexity(math.nan), "nll is nan; expected 0 or more"),
        (lambda: perplexity(-1.2), "nll is -1.2; expected 0 or more: log-probabilities are negative"),
        (lambda: bits_per_character(-5.0, 3), "nats is -5.0; expected 0 or more"),
        (lambda: bits_per_character(5.0, 0), "characters is 0; expected at least 1"),
        (lambda: accuracy(np.zeros(3), np.zeros(2)), r"targets has shape \(2,\); expected \(3,\).*predictions"),
        (lambda: accuracy(np.zeros(0), np.zeros(0)), "a mean of nothing is no number"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
