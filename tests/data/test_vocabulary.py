"""Vocabulary: symbols to ids and back, and what is refused."""

import json

import numpy as np
import pytest

from minilm.data import Vocabulary


def test_ids_are_positions():
    vocabulary = Vocabulary("abc")
    ids = vocabulary.ids("cab")
    assert ids.tolist() == [2, 0, 1]
    assert ids.dtype == np.int64
    assert vocabulary.symbols(ids) == ["c", "a", "b"]


def test_nothing_has_no_ids():
    assert Vocabulary("abc").ids("").dtype == np.int64
    assert Vocabulary("abc").symbols([]) == []


def test_an_unknown_symbol_gets_the_unknown_id():
    vocabulary = Vocabulary(["<pad>", "<unk>", "读"], unknown="<unk>")
    assert vocabulary.ids(["读", "书"]).tolist() == [2, 1]
    assert vocabulary.id("书") == 1


def test_without_one_the_message_names_symbol_and_position():
    with pytest.raises(ValueError, match=r"symbol '书' at position 1 is not among the 1 of the vocabulary"):
        Vocabulary("读").ids("读书")


@pytest.mark.parametrize("ids", [[0, 3], [0, -1]])
def test_an_id_outside_is_named_with_its_position(ids):
    with pytest.raises(ValueError, match=rf"id {ids[1]} at position 1 is not one of 0 to 2"):
        Vocabulary("abc").symbols(ids)


def test_ids_in_rows_are_refused():
    with pytest.raises(ValueError, match=r"ids have shape \(1, 2\), expected one sequence"):
        Vocabulary("abc").symbols([[0, 1]])


def test_ids_that_are_not_whole_are_refused():
    with pytest.raises(TypeError, match="ids are float64, expected whole numbers"):
        Vocabulary("abc").symbols([0.5])


def test_a_symbol_given_twice_is_refused():
    with pytest.raises(ValueError, match="symbol 'a' occurs twice"):
        Vocabulary("aba")


def test_the_unknown_must_be_a_symbol():
    with pytest.raises(ValueError, match="unknown '<unk>' is not one of the symbols"):
        Vocabulary("ab", unknown="<unk>")


def test_it_survives_json():
    vocabulary = Vocabulary(["<unk>", "读", "书"], unknown="<unk>")
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


def test_others_are_not_equal():
    assert Vocabulary("ab") != Vocabulary("ba")
    assert Vocabulary("ab") != Vocabulary("ab", unknown="a")
    assert Vocabulary("ab") != "ab"


def test_it_knows_its_symbols():
    assert "b" in Vocabulary("ab")
    assert "c" not in Vocabulary("ab")
    assert repr(Vocabulary("ab", unknown="a")) == "Vocabulary(2 symbols, unknown='a')"
