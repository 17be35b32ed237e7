"""Sentence pairs: the shift of teacher forcing, batches that depend on the step alone, and a split without leaks."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.data import Pairs, split_pairs, teacher_forcing
from minilm.data.pairs import connected
from minilm.data.readers import SentencePair

START, END = 100, 101
texts = st.lists(st.lists(st.integers(0, 99), max_size=6), min_size=1, max_size=5)


def numbered(N, batch, seed=0, longest=9):
    """Pairs of random lengths; the first id of each source and target is the pair's number."""
    rng = np.random.default_rng(7)
    sources, targets = ([[i] * n for i, n in enumerate(rng.integers(1, longest, N))] for _ in range(2))
    return Pairs(sources, targets, pad=N, start=N + 1, end=N + 2, batch=batch, seed=seed)


@given(texts)
def test_targets_are_the_ids_one_further_on_up_to_the_end(sentences):
    ids, targets = teacher_forcing(sentences, START, END)
    assert ids.shape == targets.shape == (len(sentences), max(map(len, sentences)) + 1)
    assert (ids[:, 0] == START).all()
    for row, target, sentence in zip(ids, targets, sentences, strict=True):
        n = len(sentence)
        assert target[: n + 1].tolist() == [*sentence, END]
        assert row[1 : n + 1].tolist() == list(sentence)
        assert (row[n + 1 :] == END).all()
        assert (target[n + 1 :] == -1).all()


def test_each_source_keeps_its_target():
    pairs = numbered(50, batch=8)
    for step in range(2 * len(pairs)):
        source, ids, targets = pairs.batch(step)
        assert source.shape[0] == ids.shape[0] == targets.shape[0] == 8
        np.testing.assert_array_equal(source[:, 0], targets[:, 0])
        np.testing.assert_array_equal(ids[:, 0], np.full(8, 51))
        for b, number in enumerate(source[:, 0]):
            assert (source[b] != 50).sum() == len(pairs.sources[number])


def test_an_epoch_shows_no_pair_twice_and_nearly_all():
    pairs = numbered(53, batch=8)
    for epoch in range(3):
        seen = np.concatenate([pairs.batch(epoch * len(pairs) + i)[0][:, 0] for i in range(len(pairs))])
        assert len(set(seen)) == len(seen) == 48


def test_every_epoch_and_seed_has_its_own_order():
    pairs = numbered(64, batch=4)
    firsts = [pairs.batch(epoch * len(pairs))[0][:, 0] for epoch in range(10)] + [numbered(64, 4, 1).batch(0)[0][:, 0]]
    assert len({first.tobytes() for first in firsts}) == 11


def test_a_resumed_run_sees_what_it_would_have_seen():
    through = numbered(60, batch=8)
    seen = [through.batch(step) for step in range(3 * len(through))]
    for step in (15, 3, len(through), 0):
        for found, expected in zip(numbered(60, batch=8).batch(step), seen[step], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_sorting_by_length_saves_most_of_the_padding():
    pairs = numbered(640, batch=16, longest=20)
    padded = np.mean([(pairs.batch(step)[2] == -1).mean() for step in range(len(pairs))])
    order = np.random.default_rng(0).permutation(640).reshape(-1, 16)
    unsorted = np.mean([(pairs._of(rows)[2] == -1).mean() for rows in order])
    assert padded < 0.15 * unsorted


def test_each_once_shows_every_pair_once():
    pairs = numbered(53, batch=8)
    batches = list(pairs.each_once(10))
    assert sorted(np.concatenate([source[:, 0] for source, _, _ in batches])) == list(range(53))
    assert [len(source) for source, _, _ in batches] == [10] * 5 + [3]


def test_tokens_are_counted_on_average():
    pairs = numbered(48, batch=8)
    counted = np.mean([(pairs.batch(step)[2] != -1).sum() for step in range(len(pairs))])
    assert abs(pairs.tokens_per_batch - counted) <= 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": [[1]]}, "2 sources but 1 targets"),
        ({"batch": 3}, "batch is 3, expected 1 to 2, the number of rows"),
        ({"batch": 0}, "batch is 0"),
        ({"sources": [[1], []]}, "source 1 is empty"),
        ({"sources": [[1], [2, 7]]}, "sources: sentence 1 holds 7, the id of pad"),
        ({"targets": [[8], [1]]}, "targets: sentence 0 holds 8, the id of start"),
        ({"targets": [[2], [9, 1]]}, "targets: sentence 1 holds 9, the id of end"),
    ],
)
def test_bad_pairs_are_named(change, message):
    settings = {"sources": [[1], [2]], "targets": [[1], [2]], "pad": 7, "start": 8, "end": 9, "batch": 2, "seed": 0}
    with pytest.raises(ValueError, match=message):
        Pairs(**settings | change)


def test_a_negative_step_is_refused():
    with pytest.raises(ValueError, match="step -1 is negative"):
        numbered(8, batch=2).batch(-1)


# the split


def record(chinese, english):
    return SentencePair("", chinese, "", english)


def shared(train, validation):
    """Sentences on both sides."""
    return {side(r) for r in train for side in SIDES} & {side(r) for r in validation for side in SIDES}


SIDES = (lambda r: ("zh", r.chinese), lambda r: ("en", r.english))


def chains(seed, number=400):
    """Pairs of which many share a sentence with others."""
    rng = np.random.default_rng(seed)
    return [record(f"中{i}", f"en {j}") for i, j in rng.integers(0, 600, size=(number, 2))]


@pytest.mark.parametrize("seed", range(5))
def test_no_sentence_is_on_both_sides(seed):
    records = chains(seed)
    train, validation = split_pairs(records, 0.3)
    assert sorted(train + validation) == sorted(records)
    assert shared(train, validation) == set()


def test_a_split_by_chinese_sentence_alone_would_leak():
    """Negative control of the test above."""
    records = chains(0)
    held = {r.chinese for r in records[::5]}
    assert shared([r for r in records if r.chinese not in held], [r for r in records if r.chinese in held])


def test_order_and_repetition_change_no_side():
    records = chains(1)
    train, validation = split_pairs(records, 0.3)
    again = split_pairs([*records[::-1], *records[:50]], 0.3)
    assert (set(again[0]), set(again[1])) == (set(train), set(validation))


def test_a_chain_of_any_length_stays_together():
    chain = [record(f"中{i + i % 2}", f"en {i - i % 2}") for i in range(5000)]
    assert len(set(connected([(r.chinese, r.english) for r in chain]))) == 1
    assert connected([("b", "x"), ("x", "b")]) == ["b", "x"]  # a text on the other side is another text


def test_punctuation_and_capitals_make_no_other_sentence():
    twins = [(record(f"句{i}。", f"S {i}."), record(f"另{i}", f"s {i}!")) for i in range(50)]
    train, validation = split_pairs(list(itertools.chain(*twins)), 0.5)
    assert all((a in train) == (b in train) for a, b in twins)
    assert train
    assert validation


def test_bad_fractions_are_refused():
    with pytest.raises(ValueError, match=r"held_out is 1\.5"):
        split_pairs(chains(0), 1.5)
    with pytest.raises(ValueError, match="leaves none of 1 documents"):
        split_pairs([record("一", "one")], 0.5)
