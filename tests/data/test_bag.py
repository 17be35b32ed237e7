"""Bags of n-grams against dense matrices and counting by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.data import BagOfNGrams, characters, words

texts = st.lists(st.text("abc 好", max_size=9), min_size=1, max_size=5)


def dense(bags):
    X = np.zeros(bags.shape)
    X[bags.rows, bags.columns] = bags.values
    return X


@given(texts)
def test_every_count_is_that_of_a_dictionary(some):
    bag = BagOfNGrams([*some, "ab"], characters, longest=3)
    X = dense(bag(some))
    for text, row in zip(some, X, strict=True):
        text = "".join(text.split())
        expected = Counter(text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1))
        assert {gram: row[column] for gram, column in bag.columns.items() if row[column]} == expected


@given(texts)
def test_products_are_those_of_the_dense_matrix(some):
    bags, rng = BagOfNGrams([*some, "a"], characters, longest=2)(some), np.random.default_rng(0)
    W, G = rng.normal(size=(bags.shape[1], 3)), rng.normal(size=(len(some), 3))
    np.testing.assert_allclose(bags.times(W), dense(bags) @ W, atol=1e-12)
    np.testing.assert_allclose(bags.transposed_times(G), dense(bags).T @ G, atol=1e-12)


def test_presence_has_length_one_whatever_the_counts():
    X = dense(BagOfNGrams(["aab", "b"], characters, longest=1)(["aab", "b"]).presence())
    np.testing.assert_allclose(X, [[0.5**0.5, 0.5**0.5], [0, 1]])


def test_a_rare_or_unknown_ngram_has_no_column():
    bag = BagOfNGrams(["a fine film", "A fine day"], words, longest=2, least=2)
    assert set(bag.columns) == {"a", "fine", "a fine"}
    assert bag(["no"]).shape == (1, 3)
    assert not bag(["no"]).values.size


def test_no_ngram_at_all_is_refused():
    with pytest.raises(ValueError, match="none of 2 n-grams occurs 2 times; give more texts"):
        BagOfNGrams(["ab"], characters, longest=1, least=2)
