"""What a GPT remembers: shared as long as nobody can tell, and never changed for who holds it."""

import numpy as np

from minilm import nn

L, B, H, T, D = 2, 3, 2, 4, 5


def cache():
    rng = np.random.default_rng(0)
    return nn.Cache.of([nn.KeyValues(*rng.standard_normal((2, B, H, T, D))) for _ in range(L)])


def keys(cache):
    """All that is remembered, text by text.   ->   (B, T, L, H, D)"""
    return cache.store.keys[:, cache.origin, :, np.arange(cache.origin.shape[1])]


def grown(cache, number):
    """The cache after a token whose keys and values are all this number."""
    cache = cache.with_room()
    rows, t = cache.origin[:, -1], cache.origin.shape[1] - 1
    cache.store.keys[:, rows, :, t] = cache.store.values[:, rows, :, t] = number
    return cache


def test_the_first_to_grow_takes_the_room_and_the_second_gets_its_own():
    start = cache()
    before = keys(start).copy()
    first, second = grown(start, 1.0), grown(start, 2.0)
    assert first.store is start.store
    assert second.store is not start.store
    for after, number in ((first, 1.0), (second, 2.0)):
        assert np.array_equal(keys(after)[:, :T], before)
        assert (keys(after)[:, T] == number).all()
    assert np.array_equal(keys(start), before)


def test_reordering_copies_nothing_and_still_tells_texts_apart():
    start = grown(cache(), 1.0)
    before, rows = keys(start).copy(), np.array([2, 2, 0])
    turned = start.reorder(rows)
    assert turned.store is start.store
    after = grown(turned, 2.0)
    assert after.store is start.store
    assert np.array_equal(keys(after)[:, :-1], before[rows])
    assert np.array_equal(keys(after.reorder([1]))[0], keys(after)[1])


def test_more_texts_than_rows_get_a_store_of_their_own():
    start = cache()
    many = grown(start.reorder(np.array([0, 0, 1, 1, 2])), 3.0)
    assert many.store.keys.shape[:3] == (L, 5, H)
    assert np.array_equal(keys(many)[:, :T], keys(start)[[0, 0, 1, 1, 2]])


def test_a_text_that_grows_is_copied_when_it_is_twice_as_long_and_not_else():
    after, stores, before = cache(), [], keys(cache())
    for number in range(100):
        after = grown(after, number)
        stores += [after.store] * (not stores or stores[-1] is not after.store)
    assert [store.keys.shape[3] for store in stores] == [32, 64, 128]
    assert np.array_equal(keys(after)[:, :T], before)
    assert (keys(after)[:, T:, 0, 0, 0] == np.arange(100)).all()
