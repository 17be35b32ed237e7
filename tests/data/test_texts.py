"""A file of one's own, and what is held out for validation."""

import numpy as np
import pytest

from minilm.data import Document, read_text, split

PLAYS = [Document("Hamlet", "To be"), Document("Macbeth", "Tomorrow"), Document("Othello", "Farewell")]
MANY = [Document(str(i), f"text {i}") for i in range(2000)]


def test_titles_are_held_out_whole():
    train, validation = split(PLAYS, ("Macbeth",))
    assert train == [PLAYS[0], PLAYS[2]]
    assert validation == [PLAYS[1]]
    assert split(PLAYS, "Macbeth") == (train, validation)


def test_an_unknown_title_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="held_out names Lear, but the documents are: Hamlet, Macbeth, Othello"):
        split(PLAYS, ["Lear", "Hamlet"])


def test_a_fraction_is_held_out_near_enough():
    train, validation = split(MANY, 0.1)
    assert len(train) + len(validation) == 2000
    assert abs(len(validation) - 200) < 60  # four standard deviations


def test_a_document_stays_on_its_side_whatever_comes_with_it():
    held = set(split(MANY, 0.1)[1])
    rng = np.random.default_rng(0)
    some = [MANY[i] for i in rng.permutation(2000)[:500]]
    assert set(split(some, 0.1)[1]) == held & set(some)


def test_equal_texts_stay_together():
    twins = [Document(f"copy of {document.title}", document.text) for document in MANY]
    train, validation = split(MANY + twins, 0.2)
    assert not {document.text for document in train} & {document.text for document in validation}


def test_the_hash_is_the_same_on_every_machine():
    assert [document.title for document in split(MANY[:40], 0.1)[1]] == ["12", "13", "19", "20", "26", "30"]


@pytest.mark.parametrize("fraction", [1e-9, 0.1, 0.5, 0.9, 1 - 1e-9])
@pytest.mark.parametrize("number", [2, 3, 12])
def test_of_few_documents_one_is_held_out_and_one_is_not(number, fraction):
    for first in range(0, 600, number):
        few = MANY[first : first + number]
        train, validation = split(few, fraction)
        assert train and validation and sorted(train + validation) == sorted(few)
        assert split(few[::-1], fraction) == (train[::-1], validation[::-1])


def test_equal_texts_alone_cannot_be_split():
    with pytest.raises(ValueError, match=r"leaves none of 3 documents for validation.*with other texts"):
        split([Document(title, "To be") for title in "abc"], 0.5)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_outside_is_refused(fraction):
    with pytest.raises(ValueError, match=f"held_out is {fraction}, expected a fraction between 0 and 1"):
        split(PLAYS, fraction)


@pytest.mark.parametrize(("held_out", "side"), [((), "validation"), (("Hamlet", "Macbeth", "Othello"), "training")])
def test_an_empty_side_is_refused(held_out, side):
    with pytest.raises(ValueError, match=f"leaves none of 3 documents for {side}"):
        split(PLAYS, held_out)


def test_a_file_is_read_without_its_mark_and_with_unix_line_ends(tmp_path):
    (tmp_path / "诗.txt").write_bytes(b"\xef\xbb\xbf" + "床前明月光，\r\n疑是地上霜。\r".encode())
    assert read_text(tmp_path / "诗.txt") == "床前明月光，\n疑是地上霜。\n"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*poem\.txt"):
        read_text(tmp_path / "poem.txt")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder, expected a text file"):
        read_text(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \n"])
def test_an_empty_file_is_refused(tmp_path, content):
    (tmp_path / "empty.txt").write_bytes(content)
    with pytest.raises(ValueError, match=r"empty\.txt is empty"):
        read_text(tmp_path / "empty.txt")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_another_encoding_is_refused_at_its_byte_with_the_way_to_convert_it(tmp_path, mark):
    (tmp_path / "gb.txt").write_bytes(mark + "ab 你好".encode("gb18030"))
    with pytest.raises(ValueError, match=rf"not UTF-8: byte {len(mark) + 3} is 0xc4.*encoding='gb18030'"):
        read_text(tmp_path / "gb.txt")
