"""A summarizer learns from a file, writes words it has never seen, and is the same after it was saved."""

from argparse import Namespace

import numpy as np
import pytest

from minilm.data.docstrings import TEST, VALIDATION, Docstring
from minilm.generate import consensus
from minilm.tasks import summarize
from minilm.tasks.overlap import in_common, rouge
from minilm.tasks.summarize import Example, Summarizer, first_sentence, read, split, together

NAMES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"]
EXAMPLES = [Example(f"to {verb} a {name}: it will {verb} one {name} now", f"{verb} the {name}.")
            for name in NAMES for verb in ("open", "close")]  # fmt: skip
SMALL = {"embedding": 16, "width": 32, "attention": 16, "dropout": 0.0, "show_progress": False}


@pytest.fixture(scope="module")
def summarizer():
    return Summarizer.train(EXAMPLES, steps=120, seed=0, least=13, **SMALL)


@pytest.fixture(scope="module")
def unsure():
    return Summarizer.train(EXAMPLES, steps=25, seed=0, least=13, **SMALL)


def test_words_that_were_never_seen_are_copied(summarizer):
    assert summarizer("to close a frobnicator: it will close one frobnicator now") == "close the frobnicator."
    deaf = Summarizer.train(EXAMPLES, steps=120, seed=0, least=13, copy=False, **SMALL)
    assert "frobnicator" not in deaf("to close a frobnicator: it will close one frobnicator now")


def test_figures_are_of_the_summaries(summarizer):
    new = [Example("to open a door: it will open one door now", "open the door.")]
    assert summarizer.evaluate(new) == rouge(summarizer.summaries([new[0].text]), ["open the door."])
    assert summarizer.evaluate([new[0]._replace(summary="quite another")])["ROUGE-1"] == 0


def test_a_saved_summarizer_writes_the_same(summarizer, tmp_path):
    summarizer.save(tmp_path)
    again = Summarizer.load(tmp_path)
    texts = [example.text for example in EXAMPLES[:5]]
    assert again.summaries(texts) == summarizer.summaries(texts)
    assert summarize.told(again, Namespace(text=texts[0])) == summarizer(texts[0])


def test_a_summary_depends_on_its_text_alone(summarizer):
    texts = [example.text + " now" * i for i, example in enumerate(EXAMPLES[:7])]
    assert summarizer.summaries(texts) == [summarizer(text) for text in texts]


def test_the_summary_is_the_beam_that_agrees_best_with_what_is_drawn_at_random(unsure):
    asked = [example.text for example in EXAMPLES]
    chosen, likeliest = unsure.summaries(asked), unsure.summaries(asked, samples=0)

    def agreement(texts):  # with the samples after the 64 by which the choice was made
        drawn = [unsure._samples(*read, 200)[64:] for read in unsure._read(asked)]
        return np.mean([[in_common(text, one) for one in of_text] for text, of_text in zip(texts, drawn, strict=True)])

    assert chosen != likeliest
    assert agreement(chosen) > agreement(likeliest) + 0.01


def test_several_summarizers_write_what_all_of_them_agree_on(summarizer, unsure):
    asked, both = [example.text for example in EXAMPLES[:8]], [summarizer, unsure]
    found = together(both, asked)
    for i, text in enumerate(found):
        beams, drawn = [], []
        for one in both:
            (read,) = one._read(asked[i : i + 1])
            beams += one._beams(*read, 32, 2)
            drawn += one._samples(*read, 64)
        assert text == consensus(beams, drawn, in_common)
    assert found != unsure.summaries(asked)
    with pytest.raises(ValueError, match="summarizers is empty; expected at least one"):
        together([], asked)


def test_a_text_that_is_cut_is_told(summarizer, capsys):
    begun = " ".join(["open"] * summarizer.longest)
    written = summarize.told(summarizer, Namespace(text=begun))
    assert capsys.readouterr().err == ""
    assert summarize.told(summarizer, Namespace(text=begun + " beta")) == written
    assert capsys.readouterr().err == "the text has 81 words; only the first 80 are read\n"


def test_a_text_without_words_is_named(summarizer):
    with pytest.raises(ValueError, match="text 1 is ' '; expected at least one word"):
        summarizer.summaries(["a", " "])
    with pytest.raises(ValueError, match="samples is -1; expected an integer, 0 or more"):
        summarizer.summaries(["a"], samples=-1)


@pytest.mark.parametrize(
    ("examples", "settings", "message"),
    [
        ([], {}, "examples is empty; expected at least one text with its summary"),
        (EXAMPLES, {"longest": 0}, "longest is 0; expected an integer, 1 or more"),
        (EXAMPLES, {"words": 0}, "words is 0; expected an integer, 1 or more"),
    ],
)
def test_bad_settings_are_named(examples, settings, message):
    with pytest.raises(ValueError, match=message):
        Summarizer.train(examples, steps=1, **settings)


def test_rows_are_read_and_wrong_ones_told(tmp_path):
    path = tmp_path / "rows.tsv"
    path.write_text("text\tsummary\na long text\tshort\n一篇长文\t短\n", encoding="utf-8")
    assert read(path) == [Example("a long text", "short"), Example("一篇长文", "短")]
    path.write_text("a long text\tshort\nno summary\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: 1 column instead of 2"):
        read(path)
    assert read(path, skip_bad=True) == [Example("a long text", "short")]


def test_docstrings_are_split_by_package_and_rows_by_text():
    records = [Docstring(package, "f", f"body {i}", f"Summary {i}.")
               for i, package in enumerate(["numpy", VALIDATION[0], TEST[0]])]  # fmt: skip
    train, test = split(records)
    assert [r.package for r in train + test] == ["numpy", TEST[0]]
    rows = [Example(f"text {i}", "short") for i in range(100)] * 2
    train, test = split(rows)
    assert not set(train) & set(test) and len(train) + len(test) == 200


def test_chinese_summaries_are_measured_by_characters():
    assert rouge(["我喜欢书"], ["我喜欢读书"])["ROUGE-1"] == pytest.approx(8 / 9)
    # by words, nothing but "python" would be left of these
    with_a_word = rouge(["用python读书", "好书"], ["用python写书", "坏书"])
    assert with_a_word["ROUGE-1"] == pytest.approx((8 / 9 + 1 / 2) / 2)


def test_the_first_sentence_ends_at_its_full_stop():
    assert [first_sentence(text) for text in ("See a.b. Then go.", "你好。再见。", "none")] == [
        "See a.b.",
        "你好。",
        "none",
    ]
