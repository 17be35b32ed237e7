"""BLEU equals sacrebleu's, number by number, on corpora of every kind."""

import pytest

sacrebleu = pytest.importorskip("sacrebleu")

import numpy as np
from generated_texts import PARTS, corpora, text
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm.metrics import bleu, brevity_penalty, tokens

TOKENIZERS = ("13a", "zh", "char", "none")
SMOOTHINGS = ("exp", "floor", "none")


def theirs(hypotheses, references, tokenize, smooth, order):
    metric = sacrebleu.BLEU(tokenize=tokenize, smooth_method=smooth, max_ngram_order=order, force=True)
    return metric.corpus_score(hypotheses, list(zip(*references, strict=True)))


def assert_equal(hypotheses, references, tokenize="13a", smooth="exp", order=4):
    mine, other = bleu(hypotheses, references, tokenize, smooth, order), theirs(
        hypotheses, references, tokenize, smooth, order
    )  # fmt: skip
    assert mine.score == pytest.approx(other.score, rel=1e-9, abs=1e-9)
    assert mine.precisions == pytest.approx(other.precisions, rel=1e-12)
    assert mine.brevity_penalty == pytest.approx(other.bp, rel=1e-12)
    assert (mine.length, mine.reference_length) == (other.sys_len, other.ref_len)
    return mine


@pytest.mark.parametrize("tokenize", TOKENIZERS)
def test_it_equals_sacrebleu_on_400_generated_corpora(tokenize):
    rng = np.random.default_rng(1)
    scores = [
        assert_equal(*corpus, tokenize, str(rng.choice(SMOOTHINGS)), int(rng.integers(1, 6))).score
        for corpus in corpora(TOKENIZERS.index(tokenize), 400)
    ]
    assert np.mean(np.array(scores) > 0) > 0.5  # the comparison is of numbers, not of zeros
    assert len(set(np.round(scores, 6))) > 150


@given(
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=3), st.sampled_from(TOKENIZERS)
)
@settings(max_examples=300, deadline=None)
def test_it_equals_sacrebleu_on_any_unicode(texts, tokenize):
    hypotheses, references = zip(*texts, strict=True)
    assert_equal(hypotheses, [[reference] for reference in references], tokenize, order=2)


@given(st.text(st.characters(codec="ascii"), max_size=30))
@settings(max_examples=300, deadline=None)
def test_ascii_is_cut_as_sacrebleu_cuts_it(text):
    tokenizer = sacrebleu.BLEU(tokenize="13a").tokenizer
    assert tokens(text, "13a") == tokenizer(text.rstrip()).split()


def test_every_character_of_the_basic_plane_is_cut_as_sacrebleu_cuts_it():
    tokenizer = sacrebleu.BLEU(tokenize="zh").tokenizer
    everything = "".join(
        f"x{chr(code)}x" for code in [*range(0xD800), *range(0xE000, 0x12000), 0x20000, 0x2A6D6, 0x2F800]
    )
    assert tokens(everything, "zh") == tokenizer(everything).split()


def test_a_mean_of_sentences_is_noticed():
    corpus = next(c for c in corpora(7, 99) if len(c[0]) > 3 and bleu(*c).score > 0)
    mean = np.mean([bleu([h], [r]).score for h, r in zip(*corpus, strict=True)])
    assert mean != pytest.approx(theirs(*corpus, "13a", "exp", 4).score, rel=1e-3)


def test_an_inverted_brevity_penalty_is_noticed(monkeypatch):
    monkeypatch.setitem(bleu.__globals__, "brevity_penalty", lambda c, r: brevity_penalty(r, c))
    with pytest.raises(AssertionError):
        assert_equal(["the cat sat on the"], [["the cat sat on the mat"]])


def test_missing_clipping_is_noticed(monkeypatch):
    monkeypatch.setitem(
        bleu.__globals__,
        "clipped_matches",
        lambda hypothesis, references, n: (sum(t in references[0] for t in hypothesis), len(hypothesis)),
    )
    assert_equal(["the cat sat"], [["the cat sat on"]], order=1)
    with pytest.raises(AssertionError):
        assert_equal(["the the the cat"], [["the cat sat on"]], order=1)


def test_texts_are_of_every_kind():
    rng = np.random.default_rng(0)
    english, chinese = (" ".join(text(rng, language) for _ in range(300)) for language in PARTS)
    assert all(part in english for part in ("3.14", "&quot;", "—", "-\n"))
    assert all(part in chinese for part in "我。ＧG𠀀")
