import argparse
import inspect
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from minilm.generate import beam_search, greedy
from minilm.metrics import perplexity
from minilm.models.ngram import SMOOTHINGS, NGram
from minilm.models.smoothing import Level

TEXTS = st.lists(st.integers(0, 3), min_size=5, max_size=60).map(np.array)  # of a vocabulary of 5: 4 is never seen


def slow_kneser_ney(text, V, order):
    """p(w | h) by the definition, with dictionaries of tuples."""
    seen = [Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1)) for n in range(order + 2)]
    counts = seen[: order + 1]
    for n in range(1, order):
        counts[n] = Counter(gram[1:] for gram in seen[n + 1])  # how many different tokens stand before it
    D = [0.0]
    for n in range(1, order + 1):
        once, twice = (sum(c == k for c in counts[n].values()) for k in (1, 2))
        D.append(once / (once + 2 * twice) if once else 0.5)

    def p(h, w):
        n = len(h) + 1
        lower = p(h[1:], w) if h else 1 / V
        successors = [c for gram, c in counts[n].items() if gram[:-1] == h]
        if not successors:
            return lower
        discounted = max(counts[n][(*h, w)] - D[n], 0)
        return (discounted + D[n] * len(successors) * lower) / sum(successors)

    return p


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.integers(1, 5), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_kneser_ney_equals_the_definition_with_dictionaries(text, order, row):
    p = slow_kneser_ney(text.tolist(), 5, order)
    rows = np.exp(NGram(5, order).fit(text).log_probs([row]))[0]
    for t, given_row in enumerate(rows):
        h = tuple(row[max(0, t + 2 - order) : t + 1]) if order > 1 else ()
        np.testing.assert_allclose(given_row, [p(h, w) for w in range(5)], rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.integers(1, 5), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_add_k_equals_the_definition_with_dictionaries(text, order, row):
    rows = np.exp(NGram(5, order, "add-k", k=0.3).fit(text).log_probs([row]))[0]
    for t, given_row in enumerate(rows):
        n = min(order, t + 2)  # the first tokens of a row have shorter contexts
        h = tuple(row[t + 2 - n : t + 1])
        grams = Counter(tuple(text[i : i + n].tolist()) for i in range(len(text) - n + 1))
        total = sum(c for gram, c in grams.items() if gram[:-1] == h)
        np.testing.assert_allclose(given_row, [(grams[(*h, w)] + 0.3) / (total + 0.3 * 5) for w in range(5)])


def assert_sums_to_one(model, rows):
    p = np.exp(model.log_probs(rows))
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-9)
    assert (p > 0).all()


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS, order=st.integers(1, 5), seed=st.integers(0, 100))
def test_probabilities_sum_to_one_after_any_context(smoothing, text, order, seed):
    model = NGram(5, order, smoothing).fit(text)
    assert_sums_to_one(model, np.random.default_rng(seed).integers(5, size=(3, 7)))  # mostly unseen
    assert_sums_to_one(model, text[None])


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_a_discount_that_is_not_given_back_is_caught(smoothing):
    """Negative control of the test above."""
    text = np.random.default_rng(0).integers(4, size=60)
    model = NGram(5, 3, smoothing).fit(text)
    model.levels[-1].back[:-2] *= 0.9
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_sums_to_one(model, text[None])


@pytest.fixture(scope="module")
def english():
    """Text that comes with Python, as ids: (training, held-out, vocabulary)."""
    text = inspect.getsource(argparse)
    characters = sorted(set(text))
    ids = np.array([characters.index(c) for c in text])
    return ids[:-8_000], ids[-8_000:], len(characters)


def held_out_perplexity(model, held_out):
    return perplexity(model.loss(held_out[None, :-1], held_out[None, 1:]))


def test_better_smoothing_predicts_held_out_text_better(english):
    training, held_out, V = english
    kneser_ney, interpolation, add_1 = (
        held_out_perplexity(NGram(V, 4, smoothing).fit(training), held_out)
        for smoothing in ("kneser-ney", "interpolation", "add-k")
    )
    assert 1 < kneser_ney < add_1 < V
    assert 1 < interpolation < add_1


def test_longer_contexts_predict_held_out_text_better(english):
    training, held_out, V = english
    by_order = [held_out_perplexity(NGram(V, order).fit(training), held_out) for order in (1, 2, 3, 4)]
    assert by_order == sorted(by_order, reverse=True)


def test_token_log_probs_and_loss_equal_the_whole_distribution(english):
    training, held_out, V = english
    model, rows = NGram(V, 4).fit(training), held_out[:60].reshape(3, 20)
    whole = model.log_probs(rows[:, :-1])
    picked = np.take_along_axis(whole, rows[:, 1:, None], axis=-1)[..., 0]
    np.testing.assert_array_equal(model.token_log_probs(rows[:, :-1], rows[:, 1:]), picked)
    assert model.loss(rows[:, :-1], rows[:, 1:]) == pytest.approx(-picked.mean())


def test_scoring_looks_up_all_tokens_at_once(english, monkeypatch):
    calls, find = [], Level.find
    monkeypatch.setattr(Level, "find", lambda *arguments: calls.append(arguments) or find(*arguments))
    model = NGram(english[2], 5).fit(english[0])
    for length in (10, 1000):
        calls.clear()
        model.token_log_probs(english[1][None, :length], english[1][None, 1 : length + 1])
        assert len(calls) == 4 + 5  # the contexts of orders 2 to 5, and the n-grams of orders 1 to 5


def test_targets_of_minus_one_do_not_count(english):
    model, rows = NGram(english[2], 3).fit(english[0]), english[1][:40].reshape(2, 20)
    targets = np.roll(rows, -1, axis=1)
    targets[0, 5:] = -1
    whole = model.token_log_probs(rows, np.roll(rows, -1, axis=1))
    assert model.loss(rows, targets) == pytest.approx(-np.mean([*whole[0, :5], *whole[1]]))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_later_token_changes_no_earlier_probability(english, smoothing, order):
    model, row = NGram(english[2], order, smoothing).fit(english[0]), english[1][None, :30]
    changed = row.copy()
    changed[0, 20] = (changed[0, 20] + 1) % english[2]
    np.testing.assert_array_equal(model.log_probs(row)[:, :20], model.log_probs(changed)[:, :20])


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_decoding_step_equals_a_full_recomputation(english, smoothing, order):
    model = NGram(english[2], order, smoothing).fit(english[0])
    rows = english[1][:60].reshape(3, 20)
    log_probs, state = model.start(rows[:, :2])
    for t in range(2, 20):
        np.testing.assert_array_equal(log_probs, model.log_probs(rows[:, :t])[:, -1])
        log_probs, state = model.step(rows[:, t], state)
    swapped = [2, 0, 0]
    again, _ = model.step(rows[swapped, 0], model.reorder(state, np.array(swapped)))
    np.testing.assert_array_equal(again, model.log_probs(np.hstack([rows, rows[:, :1]])[swapped])[:, -1])


def test_greedy_decoding_and_beam_search_continue_a_pattern():
    model = NGram(3, 3).fit(np.array([0, 1, 1, 2] * 20))
    assert greedy(model, [0, 1], 6).tolist() == [1, 2, 0, 1, 1, 2]
    assert beam_search(model, [0, 1], 6, num_beams=3)[0].ids.tolist() == [1, 2, 0, 1, 1, 2]


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_saved_and_loaded_it_is_the_same_model(tmp_path, english, smoothing):
    training, held_out, V = english
    model, loaded = NGram(V, 4, smoothing).fit(training), NGram(V, 4, smoothing)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    loaded.load_state_dict(load_file(tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(loaded.log_probs(held_out[None, :50]), model.log_probs(held_out[None, :50]))
    assert loaded.summary() == model.summary()


def test_settings_build_the_same_model_again():
    model = NGram(7, 3, "add-k", k=0.2)
    assert model.settings == {"vocabulary": 7, "order": 3, "smoothing": "add-k", "k": 0.2}
    assert NGram(**model.settings).settings == model.settings


def test_summary_counts_ngrams():
    summary = NGram(4, 2).fit(np.array([0, 1, 0, 2, 0, 1, 1, 2])).summary()
    assert [line.split() for line in summary.splitlines()[2:]] == [["1", "3", "0", "8"], ["2", "6", "5", "7"]]


def test_small_integer_types_do_not_overflow():
    text = np.random.default_rng(0).integers(200, size=2_000)
    small, large = NGram(200, 3).fit(text.astype(np.uint8)), NGram(200, 3).fit(text)
    row = text[None, :20]
    np.testing.assert_array_equal(small.log_probs(row.astype(np.uint8)), large.log_probs(row))
    _, state = small.start(row.astype(np.uint8))
    stepped, _ = small.step(np.array([150], np.uint8), state)
    np.testing.assert_array_equal(stepped, large.step(np.array([150]), state)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NGram(0, 2), "vocabulary is 0; expected the number of different tokens"),
        (lambda: NGram(5, 0), "order is 0; expected 1"),
        (lambda: NGram(5, 2, "laplace"), "smoothing is 'laplace'; expected one of 'kneser-ney', 'interp"),
        (lambda: NGram(5, 2, "add-k", k=0), "k is 0; expected a number above 0"),
        (lambda: NGram(5, 3).fit(np.array([1, 2])), r"ids has shape \(2,\); expected \(N,\) with N at least 3"),
        (lambda: NGram(5, 1).fit(np.zeros((2, 9), int)), r"ids has shape \(2, 9\); expected \(N,\)"),
        (lambda: NGram(5, 1).fit(np.array([1, 5])), "ids runs from 1 to 5; expected ids from 0 to 4"),
        (lambda: NGram(5, 1).fit(np.array([0.5])), "ids holds float64; expected integers"),
        (lambda: NGram(5, 2).log_probs([[1]]), r"counted nothing; call fit\(ids\) or load_state_dict"),
        (lambda: fitted().log_probs([1, 2]), r"ids has shape \(2,\); expected \(B, T\)"),
        (lambda: fitted().start(np.array([[-1]])), "prompt runs from -1 to -1; expected ids from 0 to 4"),
        (lambda: fitted().token_log_probs([[1, 2]], [[1]]), r"targets has shape \(1, 1\); expected \(1, 2\)"),
        (lambda: fitted().loss([[1, 2]], [[1, 9]]), "targets runs from 1 to 9; expected ids from 0 to 4"),
        (lambda: fitted().loss([[1, 2]], [[-1, -1]]), "targets has 2 entries, none that counts"),
        (lambda: NGram(5, 3).load_state_dict(fitted().state_dict()), "lacks or has too much: counts.3, keys.3"),
        (lambda: NGram(6, 2).load_state_dict(fitted().state_dict()), "state has vocabulary 5; expected 6"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def fitted():
    return NGram(5, 2).fit(np.array([0, 1, 2, 3, 4]))
