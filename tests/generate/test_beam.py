import itertools
import math

import numpy as np
import pytest

from minilm.generate import beam_search, greedy


def exhaustive_search(model, prompt, depth, length_penalty, eos):
    """(score, ids) of every possible continuation, best first: `depth` tokens, or fewer with the end token last."""
    found = []
    for length in range(1, depth + 1):
        for ids in itertools.product(range(model.vocabulary), repeat=length):
            complete = ids[-1] == eos or length == depth
            possible = all(model.probabilities([*prompt, *ids[:t]])[i] > 0 for t, i in enumerate(ids))
            if complete and possible and eos not in ids[:-1]:
                found.append((model.log_prob_of(prompt, ids) / length**length_penalty, ids))
    return sorted(found, key=lambda pair: -pair[0])


def as_pairs(hypotheses):
    return [(h.score, tuple(h.ids.tolist())) for h in hypotheses]


def assert_same_ranking(hypotheses, expected):
    assert [ids for _, ids in as_pairs(hypotheses)] == [ids for _, ids in expected]
    np.testing.assert_allclose([h.score for h in hypotheses], [score for score, _ in expected], rtol=1e-12)


@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 1.0, 2.0, -1.0])
@pytest.mark.parametrize("eos", [None, 0])
@pytest.mark.parametrize(("vocabulary", "depth"), [(2, 1), (2, 5), (3, 4), (4, 3)])
def test_a_wide_enough_beam_is_exhaustive_search(Table, vocabulary, depth, eos, length_penalty):
    model, prompt, beams = Table(vocabulary, seed=depth), [1, 0], vocabulary**depth
    found = beam_search(
        model,
        prompt,
        depth,
        num_beams=beams,
        length_penalty=length_penalty,
        eos_token_id=eos,
        num_return_sequences=beams,
    )
    assert_same_ranking(found, exhaustive_search(model, prompt, depth, length_penalty, eos))


def test_exhaustive_search_also_where_most_tokens_are_impossible(Table):
    model = Table(3, seed=5, impossible=0.6)
    found = beam_search(model, [1], 4, num_beams=81, eos_token_id=2, num_return_sequences=81)
    expected = exhaustive_search(model, [1], 4, 1.0, eos=2)
    assert 1 < len(expected) < 20
    assert_same_ranking(found, expected)


def test_a_lost_reorder_is_caught(Table, ForgetsToReorder):
    """Negative control of the tests above."""
    model, broken = Table(3, seed=4), ForgetsToReorder(3, seed=4)
    found = beam_search(broken, [1, 0], 4, num_beams=81, num_return_sequences=81)
    with pytest.raises(AssertionError):
        assert_same_ranking(found, exhaustive_search(model, [1, 0], 4, 1.0, None))
    assert as_pairs(beam_search(broken, [1, 0], 4, num_beams=3)) != as_pairs(beam_search(model, [1, 0], 4, num_beams=3))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("eos", [None, 2])
def test_a_beam_of_one_is_greedy(Table, seed, eos):
    model = Table(5, seed=seed)
    (found,) = beam_search(model, [3], 8, num_beams=1, eos_token_id=eos)
    np.testing.assert_array_equal(found.ids, greedy(model, [3], 8, eos_token_id=eos))


def test_a_beam_of_two_finds_what_greedy_misses(Table):
    """By hand: 0.6 * 0.4 = 0.24 along the greedy path, 0.4 * 0.9 = 0.36 along the other."""

    class Trap(Table):
        def probabilities(self, history):
            return {(): [0.0, 0.6, 0.4], (1,): [0.4, 0.3, 0.3], (2,): [0.9, 0.1, 0.0]}[tuple(history[1:])]

    model = Trap(3)
    assert greedy(model, [0], 2).tolist() == [1, 0]
    (best,) = beam_search(model, [0], 2, num_beams=2)
    assert best.ids.tolist() == [2, 0]
    assert best.log_prob == pytest.approx(math.log(0.36))
    assert best.score == pytest.approx(math.log(0.36) / 2)


@pytest.mark.parametrize("eos", [None, 0])
def test_the_log_probability_of_a_hypothesis_is_the_models(Table, eos):
    model = Table(6, seed=8)
    for found in beam_search(model, [2, 5], 7, num_beams=4, eos_token_id=eos, num_return_sequences=4):
        assert found.log_prob == pytest.approx(model.log_prob_of([2, 5], found.ids))
        assert found.score == pytest.approx(found.log_prob / len(found.ids))


def test_a_finished_hypothesis_leaves_the_beam_and_its_place_is_filled(Table):
    """By hand, two beams, end token 0. Step 1: 'end' (0.5) is finished, 1 (0.3) and 2 (0.2) go on. Step 2: '1 end'
    (0.3 * 0.6 = 0.18) is the second finished hypothesis: the search stops."""

    class Ending(Table):
        def probabilities(self, history):
            return {(): [0.5, 0.3, 0.2], (1,): [0.6, 0.35, 0.05], (2,): [0.5, 0.3, 0.2]}[tuple(history[1:])]

    found, search = beam_search(
        Ending(3), [1], 9, num_beams=2, eos_token_id=0, num_return_sequences=2, length_penalty=0, return_search=True
    )
    assert [h.ids.tolist() for h in found] == [[0], [1, 0]]
    np.testing.assert_allclose([math.exp(h.score) for h in found], [0.5, 0.18])
    assert [(n.parent, n.token, n.kept, n.finished) for n in search[0]] == [
        (None, 0, True, True),
        (None, 1, True, False),
        (None, 2, True, False),
    ]
    assert [(n.parent, n.token, n.kept, n.finished) for n in search[1]] == [
        (1, 0, True, True),
        (1, 1, False, False),  # 0.3 * 0.35 = 0.105, but the search is over
        (2, 0, False, True),  # 0.2 * 0.5 = 0.1: an end, but third of all, and there are two beams
        (2, 1, False, False),  # 0.2 * 0.3 = 0.06
    ]


def test_what_competes_can_be_read_off_the_search(Table):
    for seed in range(20):
        found, search = beam_search(
            Table(4, seed), [1], 4, num_beams=3, eos_token_id=0, num_return_sequences=3, return_search=True
        )
        competing = [
            node.log_prob / (t + 1)
            for t, step in enumerate(search)
            for node in step
            if node.kept and (node.finished or t == len(search) - 1)
        ]
        assert [hypothesis.score for hypothesis in found] == sorted(competing, reverse=True)[:3]


def test_the_search_spells_its_hypotheses(Table):
    model = Table(5, seed=3)
    found, search = beam_search(model, [1], 6, num_beams=3, eos_token_id=4, num_return_sequences=3, return_search=True)
    assert all(sum(node.kept and not node.finished for node in step) <= 3 for step in search)
    assert all(node.log_prob >= later.log_prob for step in search for node, later in itertools.pairwise(step))
    spelled = {}
    for t, step in enumerate(search):
        for i, node in enumerate(step):
            before = () if t == 0 else spelled[t - 1, node.parent]
            assert t == 0 or search[t - 1][node.parent].kept
            spelled[t, i] = (*before, node.token)
            assert node.log_prob == pytest.approx(model.log_prob_of([1], spelled[t, i]))
    assert {tuple(h.ids.tolist()) for h in found} <= set(spelled.values())


@pytest.mark.parametrize("eos", [None, 3])
def test_a_batch_of_prompts_finds_what_each_finds_alone(Table, eos):
    model, prompts = Table(6, seed=2), np.random.default_rng(0).integers(6, size=(7, 3))
    settings = {"num_beams": 3, "eos_token_id": eos, "num_return_sequences": 2, "return_search": True}
    together, searches = beam_search(model, prompts, 5, **settings)
    for prompt, found, search in zip(prompts, together, searches, strict=True):
        alone, search_alone = beam_search(model, prompt, 5, **settings)
        assert as_pairs(found) == as_pairs(alone)
        assert search == search_alone


def test_fewer_hypotheses_than_asked_for_are_returned_where_there_are_fewer(Table):
    assert len(beam_search(Table(2), [0], 1, num_beams=5, num_return_sequences=5)) == 2


def test_no_new_tokens_are_one_empty_hypothesis(Table):
    assert as_pairs(beam_search(Table(3), [1], 0)) == [(0.0, ())]


def ngrams_repeat(ids, n):
    ngrams = [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]
    return len(set(ngrams)) < len(ngrams)


@pytest.mark.parametrize("num_beams", [1, 3])
def test_no_ngram_is_written_twice_if_that_is_blocked(Table, num_beams):
    model, prompts = Table(5, seed=2), [[0, 1], [2, 2]]
    for blocked in (0, 2):
        found = beam_search(model, prompts, 12, num_beams=num_beams, no_repeat_ngram_size=blocked)
        texts = [[*prompt, *best[0].ids] for prompt, best in zip(prompts, found, strict=True)]
        assert any(ngrams_repeat(text, 2) for text in texts) == (blocked == 0)
    for prompt, best in zip(prompts, found, strict=True):
        assert best[0].log_prob == pytest.approx(model.log_prob_of(prompt, best[0].ids))  # the model's own


def test_one_beam_is_greedy_with_blocked_ngrams_too(Table):
    model = Table(4, seed=3)
    found = beam_search(model, [0], 9, num_beams=1, no_repeat_ngram_size=2)[0].ids
    assert found.tolist() == greedy(model, [0], 9, no_repeat_ngram_size=2).tolist()
