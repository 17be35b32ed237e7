"""Classify, from a file to a folder and back: any labels, bad rows by line number, equal answers after loading."""

from argparse import Namespace

import numpy as np
import pytest

from minilm.tasks import classify
from minilm.tasks.classify import Classifier, Example

SIZES = {"width": 8, "embedding": 8, "vocabulary": 60, "pairs": 50, "batch": 8, "show_progress": False}
WORDS = {"fruit": "apple pear plum", "tool": "saw hammer file", "动物": "猫 狗 马"}
RNG = np.random.default_rng(0)
EXAMPLES = [
    Example(label, " ".join(RNG.choice(of.split(), 4))) for label, of in WORDS.items() for _ in range(30)
]  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    return Classifier.train(EXAMPLES, steps=60, lr=2e-2, **SIZES)


def test_three_labels_in_two_scripts_are_learned(trained):
    assert trained.labels == ["fruit", "tool", "动物"]
    assert trained("马 猫 狗").label == "动物"
    assert trained("hammer saw").label == "tool"
    figures = trained.evaluate(EXAMPLES)
    assert figures["accuracy"] > 0.9
    assert figures.keys() == {"accuracy", "macro-F1", "calibration error"}


def test_labels_that_are_neither_there_nor_given_do_not_count(trained):
    fruit_alone = [Example("fruit", "apple pear plum pear"), Example("fruit", "plum apple apple pear")]
    assert trained.evaluate(fruit_alone)["macro-F1"] == 1
    assert trained.evaluate([Example("tool", "马 猫 狗"), fruit_alone[0]])["macro-F1"] == pytest.approx(1 / 3)


def test_probabilities_do_not_depend_on_who_is_in_the_batch(trained):
    texts = ["马 猫 狗", "saw", "apple plum pear apple"]
    together = trained.probabilities(texts)
    np.testing.assert_allclose(together, [trained.probabilities([text])[0] for text in texts], atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)


def test_what_is_saved_answers_as_before(trained, tmp_path):
    trained.save(tmp_path)
    loaded = Classifier.load(tmp_path)
    assert loaded("马 猫") == trained("马 猫")
    assert (loaded.labels, loaded.longest) == (trained.labels, trained.longest)


def test_the_same_seed_gives_the_same_model():
    one, two, other = (Classifier.train(EXAMPLES, steps=3, seed=seed, **SIZES) for seed in (1, 1, 2))
    assert one("马") == two("马") != other("马")


def test_training_ends_after_the_epochs_but_not_before_some_updates(monkeypatch):
    kept, _ = classify.split(EXAMPLES, 0.2)
    monkeypatch.setattr(classify, "LEAST_STEPS", 3)
    made = [Classifier.train(EXAMPLES, epochs=epochs, **SIZES) for epochs in (1, 0.1)]
    assert [len(classifier.log.rows) for classifier in made] == [round(len(kept) / SIZES["batch"]), 3]


def test_a_label_is_held_out_only_if_it_is_also_learned():
    rare = [Example(f"rare {i}", f"text {i}") for i in range(60)]
    kept, held_out = classify.split(EXAMPLES + rare)
    assert held_out and {example.label for example in held_out} <= {example.label for example in kept}
    assert set(rare) <= set(kept) and not {e.text for e in kept} & {e.text for e in held_out}
    with pytest.raises(ValueError, match="held out is none of 60 examples; expected at least one; give more examples"):
        classify.split(rare)


def test_a_dozen_rows_are_enough_to_learn_and_to_measure():
    kept, held_out = classify.split(EXAMPLES[24:36])
    assert len(kept) + len(held_out) == 12
    assert Classifier.train(kept, steps=1, **SIZES).evaluate(held_out).keys() >= {"accuracy"}


def test_a_text_that_is_cut_is_told(trained, capsys):
    cut = Classifier(trained.model, trained.tokenizer, trained.labels, longest=6)
    assert classify.told(cut, Namespace(text="马 猫 狗 马")).startswith("动物 (") and capsys.readouterr().err == ""
    classify.told(cut, Namespace(text="马 猫 狗 马 saw"))
    assert capsys.readouterr().err == "the text has 5 tokens; only the first 4 are read\n"
    assert cut("马 猫 狗 马 saw") == cut("马 猫 狗 马")


def test_rows_are_read_and_bad_ones_told_by_line(tmp_path):
    file = tmp_path / "texts.tsv"
    file.write_text("label\ttext\n好\t很好看\nbad\n差\t不好看\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3: 1 column instead of 2"):
        classify.read(file)
    assert classify.read(file, skip_bad=True) == [Example("好", "很好看"), Example("差", "不好看")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: Classifier.train(EXAMPLES[:30], steps=1), r"the examples have 1 label\(s\), \['fruit'\]"),
        (lambda c: c("  "), "expected something to classify"),
        (lambda c: c.evaluate([Example("stone", "granite")]), "label 'stone' is not one of those learned: fruit, tool"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(trained, call, message):
    with pytest.raises(ValueError, match=message):
        call(trained)
