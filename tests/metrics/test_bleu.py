"""BLEU by hand, and what is not BLEU. (Number by number against sacrebleu: tests/crosscheck/test_bleu.py.)"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilm.metrics import bleu, bleu_counts, bleu_of_counts, brevity_penalty, clipped_matches, closest_length, tokens

HYPOTHESES = ["the cat sat on a mat", "he reads", "I like to read many books"]
REFERENCES = [["the cat sat on the mat"], ["he likes to read a book", "he reads"], ["I like reading books"]]
sentences = st.lists(st.sampled_from("abc"), max_size=8).map(" ".join)


def test_precisions_by_hand():
    # the cat sat on a mat: of 6 words all but a; the-cat cat-sat sat-on; the-cat-sat cat-sat-on; one of 3 fours
    assert bleu_counts(HYPOTHESES[0], REFERENCES[0]).tolist() == [[6, 5, 3, 2, 1], [6, 6, 5, 4, 3]]
    expected = 100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** (1 / 4)
    assert bleu(HYPOTHESES[:1], REFERENCES[:1]).score == pytest.approx(expected, rel=1e-12)


def test_papineni_et_als_example_of_clipping():
    hypothesis = ["the"] * 7
    references = [text.split() for text in ("the cat is on the mat", "there is a cat on the mat")]
    assert clipped_matches(hypothesis, references, 1) == (2, 7)
    assert clipped_matches(hypothesis, references, 2) == (0, 6)


def test_clipping_goes_by_the_largest_count_in_one_reference_not_by_their_sum():
    assert clipped_matches(list("aaaa"), [list("aab"), list("ab")], 1) == (2, 4)


def test_the_brevity_penalty_by_hand():
    assert brevity_penalty(12, 12) == brevity_penalty(13, 12) == 1
    assert brevity_penalty(6, 12) == pytest.approx(math.exp(-1))
    assert brevity_penalty(0, 3) == 0
    assert brevity_penalty(0, 0) == 1


def test_too_short_is_punished_and_too_long_is_not():
    reference = ["a b c d e f g h"]
    short, right, long = (bleu([text], [reference]) for text in ("a b c d e", "a b c d e f g h", "a b c d e f g h i"))
    assert short.precisions == right.precisions == (100, 100, 100, 100)
    assert short.score == pytest.approx(100 * math.exp(1 - 8 / 5))
    assert right.score == pytest.approx(100)
    assert long.brevity_penalty == 1


def test_the_closest_reference_counts_and_of_two_the_shorter():
    assert closest_length(6, [3, 7, 20]) == 7
    assert closest_length(6, [7, 5]) == closest_length(6, [5, 7]) == 5
    assert bleu(["a b"], [["a b c d", "a b c"]]).reference_length == 3


def test_counts_are_summed_over_sentences_before_they_are_divided():
    counts = [bleu_counts(h, r) for h, r in zip(HYPOTHESES, REFERENCES, strict=True)]
    assert bleu_of_counts(np.sum(counts, axis=0)) == bleu(HYPOTHESES, REFERENCES)


def test_a_mean_of_sentence_scores_is_another_number():
    """Negative control of the test above."""
    single = [bleu([h], [r]).score for h, r in zip(HYPOTHESES, REFERENCES, strict=True)]
    assert np.mean(single) != pytest.approx(bleu(HYPOTHESES, REFERENCES).score, rel=0.01)


def test_smoothing_by_hand():
    # a b x y against a b c d: 2 of 4 words, 1 of 3 pairs, 0 of 2, 0 of 1
    def precisions(smooth):
        return bleu(["a b x y"], [["a b c d"]], smooth=smooth).precisions

    assert precisions("none") == pytest.approx((50, 100 / 3, 0, 0))
    assert precisions("exp") == pytest.approx((50, 100 / 3, 100 / (2 * 2), 100 / (4 * 1)))
    assert precisions("floor") == pytest.approx((50, 100 / 3, 100 * 0.1 / 2, 100 * 0.1 / 1))
    assert bleu(["a b x y"], [["a b c d"]], smooth="none").score == 0


def test_smoothing_gives_nothing_to_a_sentence_without_a_match_or_shorter_than_the_longest_n_gram():
    assert bleu(["x y z w"], [["a b c d"]]).score == 0
    assert bleu(["a b c"], [["a b c"]]).score == 0
    assert bleu(["a b c"], [["a b c"]], order=3).score == pytest.approx(100)
    assert bleu([""], [["a b"]]).score == bleu([""], [[""]]).score == 0


@given(st.lists(st.tuples(sentences, sentences), min_size=1, max_size=4))
def test_it_is_a_percentage_that_order_and_doubling_do_not_change(pairs):
    hypotheses, references = zip(*pairs, strict=True)
    score = bleu(hypotheses, references).score
    assert 0 <= score <= 100 + 1e-9
    assert bleu(hypotheses[::-1], references[::-1]).score == pytest.approx(score)
    if all(bleu(hypotheses, references).precisions):  # smoothing knows how many there are
        assert bleu(hypotheses * 2, references * 2, smooth="none").score == pytest.approx(
            bleu(hypotheses, references, smooth="none").score
        )


@given(st.lists(st.sampled_from("abcde"), min_size=4, max_size=9).map(" ".join))
def test_the_reference_itself_is_perfect(text):
    assert bleu([text], [text]).score == pytest.approx(100)


@given(sentences, sentences, sentences)
def test_another_reference_takes_no_match_away(hypothesis, first, second):
    one, two = bleu_counts(hypothesis, [first]), bleu_counts(hypothesis, [first, second])
    assert (two[0, 1:] >= one[0, 1:]).all()
    assert (two[1, 1:] == one[1, 1:]).all()


@pytest.mark.parametrize(
    ("tokenize", "text", "expected"),
    [
        ("13a", "Hello, world! It's 1,000.5 e.g. 20-year-old", "Hello , world ! It's 1,000.5 e . g . 20 - year-old"),
        ("13a", "&quot;x&quot; &lt;b&gt; (c)", '" x " < b > ( c )'),
        ("13a", "end-\nof line\nnext  ", "endof line next"),
        ("13a", "我喜欢读书。", "我喜欢读书。"),
        ("zh", "我喜欢 GPT-4，3.5 倍。", "我 喜 欢 GPT-4 ， 3.5 倍 。"),
        ("zh", "“好”——он", "“ 好 ” — — он"),
        ("char", " a 我\tb", "a 我 b"),
        ("none", "a, b", "a, b"),
        ("word", "It's the 3.5-km Théâtre", "it s the 3 5 km th tre"),
    ],
)
def test_texts_are_cut_as_by_hand(tokenize, text, expected):
    assert tokens(text, tokenize) == expected.split()


def test_a_function_may_cut_the_text():
    assert tokens("a-b", lambda text: text.split("-")) == ["a", "b"]
    assert bleu(["a-b-c-d"], ["a-b-c-d"], tokenize=lambda text: text.split("-")).score == pytest.approx(100)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bleu([], []), ValueError, "there are 0 hypotheses.*expected at least one"),
        (lambda: bleu(["a"], [["a"], ["b"]]), ValueError, "there are 1 hypotheses and references for 2"),
        (lambda: bleu(["a"], [[]]), ValueError, "hypothesis 'a' has no reference"),
        (lambda: bleu("a", ["a"]), TypeError, "is one string; expected a list"),
        (lambda: bleu([b"a"], ["a"]), TypeError, "text is of type bytes, expected str"),
        (lambda: bleu([["a"]], ["a"]), TypeError, "the measure cuts it into tokens itself"),
        (lambda: bleu(["a"], ["a"], tokenize="14a"), ValueError, "tokenize is '14a'; expected one of 13a, zh"),
        (lambda: bleu(["a"], ["a"], smooth="add"), ValueError, "smooth is 'add'; expected one of exp, floor, none"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()
