"""Files of one's own: right rows are read, wrong ones told by line, and skipped only if asked."""

import numpy as np
import pytest

from minilm import nn
from minilm.tasks import folder, rows

RNG = np.random.default_rng(0)


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "rows.tsv").write_text(text, encoding="utf-8")
        return tmp_path / "rows.tsv"

    return write


def test_a_row_is_a_line_with_tabs(file):
    path = file("label\ttext\n好\t今天天气真好，我很开心。\n\nbad\t it rains \n")
    assert rows.tsv(path, ("label", "text")) == [("好", "今天天气真好，我很开心。"), ("bad", "it rains")]


WRONG = "good\tyes\nno tab\nbad\t\na\tb\tc\n"


def test_wrong_rows_are_told_by_their_lines(file):
    with pytest.raises(ValueError, match="3 wrong") as told:
        rows.tsv(file(WRONG), ("label", "text"))
    assert "line 2: 1 column instead of 2" in str(told.value)
    assert "line 3: text is empty" in str(told.value)
    assert "line 4: 3 columns instead of 2" in str(told.value)


def test_characters_that_nobody_sees_are_no_text(file):
    with pytest.raises(ValueError, match="line 1: text is empty"):
        rows.tsv(file("good\t\u200b\x07\n"), ("label", "text"))


def test_wrong_rows_are_skipped_if_asked_and_counted(file, capsys):
    assert rows.tsv(file(WRONG), ("label", "text"), skip_bad=True) == [("good", "yes")]
    assert "skipped 3, 1 are left" in capsys.readouterr().err


def test_a_file_of_wrong_rows_alone_has_nothing_to_learn_from(file):
    with pytest.raises(ValueError, match="nothing to learn from"):
        rows.tsv(file("no tab\n"), ("label", "text"), skip_bad=True)


def test_examples_with_one_text_stay_together():
    examples = [(text, number) for text in "abcdefghijklmnopqrst" for number in range(3)]
    kept, held = rows.split(examples, lambda example: example[0], held_out=0.3)
    assert {text for text, _ in kept}.isdisjoint({text for text, _ in held})
    assert sorted(kept + held) == examples


def test_a_configuration_that_does_not_fit_is_refused(tmp_path):
    folder.save(tmp_path, "classify", {"settings": {"inputs": 2, "outputs": 3}}, nn.Linear(2, 3, rng=RNG))
    saved = folder.load(tmp_path, "classify")
    assert saved.model(nn.Linear).W.data.shape == (2, 3)
    with pytest.raises(ValueError, match=r"config\.json: wrong settings .*'inputs'"):
        saved.model(nn.Embedding)
    with pytest.raises(ValueError, match="the state does not fit"):
        saved.model(lambda inputs, outputs, rng: nn.Linear(inputs + 1, outputs, rng=rng))
    with pytest.raises(ValueError, match=r"config\.json lacks 'labels'"):
        saved.config["labels"]


def test_a_folder_of_another_task_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="translate train FILE"):
        folder.load(tmp_path, "translate")
    (tmp_path / "config.json").write_text('{"task": "classify", "tokenizers": []}', encoding="utf-8")
    with pytest.raises(ValueError, match="holds a model for `classify`, expected one for `translate`"):
        folder.load(tmp_path, "translate")
    (tmp_path / "config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="damaged"):
        folder.load(tmp_path, "translate")
