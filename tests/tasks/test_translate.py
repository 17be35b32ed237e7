"""A translator of one's own rows: it learns, is kept in a folder, and says which rows are wrong."""

import numpy as np
import pytest

from minilm.tasks import translate
from minilm.tasks.translate import Pair, Translator

WORDS = {"我": "I", "你": "you", "他": "he", "看书": "read", "吃饭": "eat", "睡觉": "sleep"}
PAIRS = [
    Pair(f"{who}{what}。", f"{WORDS[who]} {WORDS[what]}.") for who in "我你他" for what in ("看书", "吃饭", "睡觉")
]


def trained(kind="transformer", **settings):
    return Translator.train(PAIRS, steps=60, kind=kind, width=32, batch=9, show_progress=False, **settings)


@pytest.fixture(scope="module")
def translator():
    return trained(layers=1)


def test_it_learns_its_pairs_and_an_untrained_one_knows_nothing(translator):
    assert translator.translate([pair.source for pair in PAIRS]) == [pair.target.lower() for pair in PAIRS]
    assert translator.evaluate(PAIRS)["chrF"] == pytest.approx(100)
    untrained = Translator.train(PAIRS, steps=1, width=32, layers=1, batch=9, show_progress=False)
    assert untrained.evaluate(PAIRS)["chrF"] < 50


def test_a_recurrent_one_learns_them_too():
    assert trained("gru", learning_rate=1e-2).evaluate(PAIRS, num_beams=1)["chrF"] > 90


def test_order_and_company_change_no_translation(translator, monkeypatch):
    texts = ["我睡觉。", "他看书，我吃饭。", "你", "你看书。"]
    together = translator.translate(texts)
    assert together == [translator(text) for text in texts]
    monkeypatch.setattr(translate, "AT_ONCE", 2)
    assert translator.translate(texts[::-1]) == together[::-1]


def test_a_saved_one_translates_as_before(translator, tmp_path):
    translator.save(tmp_path)
    again = Translator.load(tmp_path)
    assert again.translate([pair.source for pair in PAIRS]) == translator.translate([pair.source for pair in PAIRS])
    for name, array in again.model.state_dict().items():
        np.testing.assert_array_equal(array, translator.model.state_dict()[name])


def test_all_translations_of_a_sentence_are_references(translator):
    other = Pair("我看书。", "Me, I am reading.")
    assert translator.evaluate([other])["BLEU"] < 20
    assert translator.evaluate([other, PAIRS[0]])["chrF"] == pytest.approx(100)


def test_chinese_translations_are_measured_by_characters(translator, monkeypatch):
    monkeypatch.setattr(translator, "translate", lambda texts, num_beams: ["他喜欢看书。" for _ in texts])
    assert translator.evaluate([Pair("he reads", "他喜欢读书。")])["BLEU"] == pytest.approx(37.99, abs=0.01)
    monkeypatch.setattr(translator, "translate", lambda texts, num_beams: ["he likes books." for _ in texts])
    assert translator.evaluate([Pair("他", "他喜欢读书。")])["BLEU"] == 0


def test_a_sentence_too_long_counts_as_not_translated(translator):
    both = translator.evaluate([*PAIRS, Pair("我" * 200, "I read.")])
    assert 50 < both["chrF"] < translator.evaluate(PAIRS)["chrF"]


def test_nothing_is_learned_from_a_translation_with_an_unknown_word():
    pairs = [*PAIRS, Pair("我跑步。", "I run.")]
    translator = Translator.train(pairs, steps=1, width=8, heads=1, batch=4, vocabulary=8, show_progress=False)
    learned = translator.batches(pairs)
    assert 0 < len(learned.targets) < len(pairs)
    assert all((ids > 0).all() for ids in learned.targets)


def test_a_file_is_read_and_split_without_a_leak(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("source\ttarget\n" + "".join(f"句{i // 2}\tsentence {i}\n" for i in range(200)), encoding="utf-8")
    pairs = translate.read(path)
    assert pairs[3] == Pair("句1", "sentence 3")
    kept, held_out = translate.split(pairs)
    assert sorted(kept + held_out) == sorted(pairs)
    assert not {pair.source for pair in kept} & {pair.source for pair in held_out}


def test_wrong_rows_are_told_by_their_line_numbers(tmp_path, capsys):
    path = tmp_path / "pairs.tsv"
    path.write_text("我\tI\n你\n他\the\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: 1 column instead of 2"):
        translate.read(path)
    assert translate.read(path, skip_bad=True) == [Pair("我", "I"), Pair("他", "he")]
    assert "skipped 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t(""), "text is '', 0 tokens; expected 1 to 127"),
        (lambda t: t("我" * 200), "200 tokens"),
        (lambda t: Translator.train([], steps=1), "pairs is empty"),
        (lambda t: Translator.train(PAIRS, steps=1, kind="bert"), "kind is 'bert'; expected one of transformer, gru"),
        (lambda t: t.batches([Pair("我跑步", "I run")]), "none of them of known words"),
    ],
)
def test_bad_input_is_named(translator, call, message):
    with pytest.raises(ValueError, match=message):
        call(translator)


@pytest.mark.network
def test_the_corpus_gives_short_pairs_in_simplified_characters():
    pairs = translate.read("tatoeba")
    assert 50_000 < len(pairs) == len(set(pairs)) < 51_000
    assert max(len(pair.target.split()) for pair in pairs) == 10
    assert not any("歡" in pair.source for pair in pairs)
    kept, held_out = translate.split(pairs)
    assert 48_500 < len(kept) < 49_500
    assert not {pair.source for pair in kept} & {pair.source for pair in held_out}
    assert not {pair.target for pair in kept} & {pair.target for pair in held_out}
