"""Naive Bayes by dictionaries, logistic regression by its own condition: a gradient that is zero."""

import importlib.util
import math
from collections import Counter

import numpy as np
import pytest

from minilm.data import BagOfNGrams, characters
from minilm.models import LogisticRegression, NaiveBayes
from minilm.models.minimise import minimise

RNG = np.random.default_rng(3)
TEXTS = ["".join(RNG.choice(list("abcdef"), n)) for n in RNG.integers(1, 12, 40)]
LABELS = RNG.integers(0, 3, 40)
BAG = BagOfNGrams(TEXTS, characters, longest=2)


def by_dictionaries(text, k):
    """ln P(c | text) with nothing but dictionaries and logarithms."""
    scores = []
    for c in range(3):
        own = Counter(gram for t, y in zip(TEXTS, LABELS, strict=True) if y == c for gram in BAG.ngrams(t))
        score = math.log((c == LABELS).sum() / len(LABELS))
        for gram in BAG.ngrams(text):
            if gram in BAG.columns:
                score += math.log((own[gram] + k) / (own.total() + k * len(BAG.columns)))
        scores.append(score)
    highest = max(scores)
    return np.array(scores) - highest - math.log(sum(math.exp(score - highest) for score in scores))


@pytest.mark.parametrize("k", [0.1, 1.0])
def test_naive_bayes_is_what_dictionaries_say(k):
    found = NaiveBayes(3, k=k).fit(BAG(TEXTS), LABELS).log_probs(BAG(["abc", "fz", "", "aaaa"]))
    for row, text in zip(found, ["abc", "fz", "", "aaaa"], strict=True):
        np.testing.assert_allclose(row, by_dictionaries(text, k), atol=1e-10)
        assert not np.allclose(row, by_dictionaries(text + "a", k), atol=1e-3)  # the check can fail


def slopes(model, X, Y, decay):
    """The derivative by each weight, by differences of the objective as it is written."""

    def objective(W):
        logits = X @ W + model.bias
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return -np.log((p * Y).sum(axis=1)).mean() + decay / 2 * (W**2).sum()

    h, found = 1e-5, []
    for v, c in np.ndindex(X.shape[1], 3):
        step = np.zeros_like(model.weights)
        step[v, c] = h
        found.append((objective(model.weights + step) - objective(model.weights - step)) / (2 * h))
    return np.array(found)


def test_logistic_regression_ends_where_the_objective_is_flat():
    bags, decay = BAG(TEXTS).presence(), 1e-2
    X = np.zeros(bags.shape)
    X[bags.rows, bags.columns] = bags.values
    model = LogisticRegression(3, decay=decay, steps=200).fit(bags, LABELS)
    assert np.abs(slopes(model, X, np.eye(3)[LABELS], decay)).max() < 1e-5
    early = LogisticRegression(3, decay=decay, steps=1).fit(bags, LABELS)
    assert np.abs(slopes(early, X, np.eye(3)[LABELS], decay)).max() > 1e-3  # the check can fail


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")
def test_scikit_learn_finds_the_same_weights():
    from sklearn.linear_model import LogisticRegression as Theirs

    bags, decay = BAG(TEXTS).presence(), 1e-2
    X = np.zeros(bags.shape)
    X[bags.rows, bags.columns] = bags.values
    theirs = Theirs(C=1 / (decay * len(X)), tol=1e-10, max_iter=1000).fit(X, LABELS)
    ours = LogisticRegression(3, decay=decay, steps=300).fit(bags, LABELS)
    np.testing.assert_allclose(np.exp(ours.log_probs(bags)), theirs.predict_proba(X), atol=1e-4)


def test_minimise_finds_the_bottom_of_a_crooked_valley():
    A = np.diag([1.0, 100.0, 10_000.0])
    centre = np.array([1.0, -2.0, 3.0])
    x = minimise(lambda x: (0.5 * (x - centre) @ A @ (x - centre), A @ (x - centre)), np.zeros(3), tolerance=1e-9)
    np.testing.assert_allclose(x, centre, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NaiveBayes(2, k=0), "k is 0; expected a number above 0"),
        (lambda: NaiveBayes(1), "classes is 1; expected an integer, 2 or more"),
        (lambda: LogisticRegression(2, decay=0), "decay is 0; expected a number above 0"),
        (lambda: NaiveBayes(3).fit(BAG(TEXTS), LABELS[:5]), r"of shape \(5,\); expected \(40,\)"),
        (lambda: NaiveBayes(4).fit(BAG(TEXTS), LABELS), r"labels has \[0, 1, 2\]; expected all of 0 to 3"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
