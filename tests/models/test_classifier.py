"""The recurrent classifier: padding changes nothing, pooling is over a text's own tokens, and it can learn an order."""

import numpy as np
import pytest

from minilm.autograd import Tensor
from minilm.models import RecurrentClassifier
from minilm.models.classifier import hashed_pairs, pooled
from minilm.training import AdamW


def classifier(**settings):
    return RecurrentClassifier(9, 2, pad=0, unknown=1, width=8, embedding=8, **settings, rng=np.random.default_rng(0))


@pytest.mark.parametrize("pool", ["mean", "max"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("pairs", [0, 50])
def test_padding_and_neighbours_change_nothing(pool, cell, pairs):
    model = classifier(pool=pool, cell=cell, pairs=pairs, layers=2).astype(np.float64).eval()
    alone = model(np.array([[5, 6, 7]])).data
    together = model(np.array([[5, 6, 7, 0, 0], [8, 4, 3, 2, 8]])).data
    np.testing.assert_allclose(together[:1], alone, atol=1e-12)
    assert not np.allclose(model(np.array([[5, 6, 7, 1, 1]])).data, alone)  # other ids are not padding


@pytest.mark.parametrize(("pool", "by_hand"), [("mean", np.mean), ("max", np.max)])
def test_pooling_is_over_the_tokens_of_a_text(pool, by_hand):
    hidden, lengths = np.random.default_rng(0).normal(size=(3, 5, 4)) - 9, np.array([5, 1, 3])
    found = pooled(Tensor(hidden), lengths, pool).data
    for row, h, n in zip(found, hidden, lengths, strict=True):
        np.testing.assert_allclose(row, by_hand(h[:n], axis=0))


def test_word_dropout_hides_tokens_in_training_only_and_never_padding():
    model, ids = classifier(word_dropout=0.5), np.array([[5] * 50 + [0] * 50])
    hidden = model.train()._some_hidden(ids)
    assert set(hidden[0, :50]) == {1, 5}
    assert set(hidden[0, 50:]) == {0}
    assert model.eval()._some_hidden(ids) is ids


def test_two_tokens_side_by_side_are_read_as_a_pair_in_their_order():
    model, ids = classifier(pairs=50).eval(), np.array([[4, 5, 6, 3]])
    before, turned = model(ids).data, model(ids[:, ::-1]).data
    model.pairs.table.data[hashed_pairs(ids, 0, 50)[0, 1]] += 1  # the row of 5, 6
    assert not np.allclose(model(ids).data, before)
    np.testing.assert_array_equal(model(ids[:, ::-1]).data, turned)  # 6, 5 has another


def test_it_learns_which_of_two_tokens_comes_first():
    """No bag of words can."""
    model = classifier(dropout=0.0, word_dropout=0.0)
    ids, labels = np.array([[5, 4, 6, 3], [6, 4, 5, 3], [4, 5, 6, 0], [4, 6, 5, 0]]), np.array([1, 0, 1, 0])
    optimizer = AdamW(model.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        model.loss(ids, None, labels).backward()
        optimizer.step()
    assert model(ids).data.argmax(axis=1).tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classifier(pool="sum"), "pool is 'sum'; expected mean or max"),
        (lambda: classifier(pairs=2 * 7919), "pairs is 15838; expected no multiple of 7919"),
        (lambda: classifier(word_dropout=1), "word_dropout is 1; expected 0 <= word_dropout < 1"),
        (lambda: classifier(pairs=-1), "pairs is -1; expected an integer, 0 or more"),
        (lambda: classifier()(np.array([[0, 5]])), r"row 0 begins with pad = 0"),
        (lambda: classifier()(np.array([5, 6])), r"ids has shape \(2,\), expected two axes"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
