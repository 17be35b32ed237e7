"""What BERT reads: framed texts, batches of them, and tokens hidden as the paper hides them."""

import numpy as np
import pytest

from minilm.data import (
    ByLength,
    CharTokenizer,
    Examples,
    FollowingTexts,
    MaskedTexts,
    Masking,
    Special,
    WordPieceTokenizer,
    framed,
    padded,
)
from minilm.data.masking import corrupted, of_whole_words

TEXT = "to be or not to be that is the question whether tis nobler in the mind to suffer the slings and arrows"
TOKENIZER = WordPieceTokenizer.train(TEXT, size=60)
SPECIAL = Special.of(TOKENIZER)
IDS, _ = framed(TOKENIZER.encode(TEXT), special=SPECIAL, longest=1000)


def hidden_often(masking, times=2000):
    rng = np.random.default_rng(0)
    read, targets = zip(*(masking(IDS, rng) for _ in range(times)), strict=True)
    return np.array(read), np.array(targets)


def test_of_the_chosen_tokens_most_are_masked_some_replaced_and_some_stay():
    read, targets = hidden_often(Masking(TOKENIZER))
    chosen = targets != -1
    assert chosen[:, 1:-1].mean() == pytest.approx(0.15, abs=0.005)
    assert (read[chosen] == SPECIAL.mask).mean() == pytest.approx(0.8, abs=0.01)
    stays = (read[chosen] == targets[chosen]).mean()
    assert stays == pytest.approx(0.1 + 0.1 / np.count_nonzero(Masking(TOKENIZER).ordinary), abs=0.01)


def test_what_is_not_chosen_is_read_as_it_is_and_targets_are_the_text():
    read, targets = hidden_often(Masking(TOKENIZER), 50)
    chosen = targets != -1
    assert (np.where(chosen, IDS, read) == IDS).all()
    assert (targets[chosen] == np.broadcast_to(IDS, targets.shape)[chosen]).all()


def test_special_symbols_are_never_chosen_and_never_put_in():
    read, targets = hidden_often(Masking(TOKENIZER))
    assert (targets[:, [0, -1]] == -1).all()
    assert not np.isin(read[:, 1:-1], [SPECIAL.pad, SPECIAL.cls, SPECIAL.sep]).any()


def test_the_fates_are_told_apart_at_their_limits_and_only_for_chosen_tokens():
    ids, chosen = np.array([5, 6, 7, 8, 5]), np.array([True, True, True, True, False])
    read, targets = corrupted(ids, chosen, np.array([0.79, 0.8, 0.89, 0.9, 0.1]), np.full(5, 9), 4)
    assert read.tolist() == [4, 9, 9, 8, 5]
    assert targets.tolist() == [5, 6, 7, 8, -1]


def test_all_pieces_of_a_word_have_its_draw_and_what_goes_on_from_before_has_the_first():
    drawn, goes_on = np.array([True, False, True]), np.array([True, False, True, True, False])
    assert of_whole_words(drawn, goes_on).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("whole_words", [True, False])
def test_whole_words_are_chosen_only_if_asked(whole_words):
    _, targets = hidden_often(Masking(TOKENIZER, whole_words=whole_words), 200)
    pieces = TOKENIZER.vocabulary.symbols(IDS)
    inside = [t for t, piece in enumerate(pieces) if piece.startswith("##")]
    assert inside
    together = all(((targets[:, t] == -1) == (targets[:, t - 1] == -1)).all() for t in inside)
    assert together == whole_words


def test_batches_depend_on_seed_and_step_alone_and_ask_something_of_every_row():
    texts = [TOKENIZER.encode(word) for word in TEXT.split()]
    one, other = (MaskedTexts(texts, Masking(TOKENIZER), context=16, batch=4, seed=5) for _ in range(2))
    for step in (3, 0, 40):
        for a, b in zip(one.batch(step), other.batch(step), strict=True):
            assert (a == b).all()
        assert (one.batch(step)[2] != -1).any(axis=1).all()
    hidden_anew = MaskedTexts(texts, Masking(TOKENIZER), context=16, batch=len(texts), seed=5)
    assert not np.array_equal(hidden_anew.batch(0)[2], hidden_anew.batch(1)[2])


def test_measuring_hides_the_same_tokens_each_time():
    texts = MaskedTexts(
        [TOKENIZER.encode(word) for word in TEXT.split()], Masking(TOKENIZER), context=16, batch=4, seed=5
    )
    first, second = (np.concatenate([batch[2].ravel() for batch in texts.each_once(7)]) for _ in range(2))
    assert (first == second).all()


def test_every_second_text_follows():
    documents = [[[10 * d + i] for i in range(5, 9)] for d in range(3)]
    ids, _, follows, targets = FollowingTexts(documents, Masking(TOKENIZER), context=8, batch=12, seed=0).batch(0)
    assert follows.sum() == 6
    texts = np.where(targets == -1, ids, targets)
    for (_, first, _, second, *_), follow in zip(texts.tolist(), follows, strict=True):
        assert (second == first + 1) == bool(follow)
        assert follow or second // 10 != first // 10


def test_a_framed_pair_has_a_segment_for_each():
    ids, segments = framed([7, 8, 9], [5, 6], special=SPECIAL, longest=20)
    assert ids.tolist() == [SPECIAL.cls, 7, 8, 9, SPECIAL.sep, 5, 6, SPECIAL.sep]
    assert segments.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(("longest", "kept"), [(7, ([7, 8, 9], [5])), (6, ([7, 8, 9], [])), (5, ([7, 8], []))])
def test_what_is_too_long_loses_its_end(longest, kept):
    ids, _ = framed([7, 8, 9], [5, 6], special=SPECIAL, longest=longest)
    assert ids.tolist() == [SPECIAL.cls, *kept[0], SPECIAL.sep, *kept[1], SPECIAL.sep]
    with pytest.raises(ValueError, match="no room"):
        framed([7], [5], special=SPECIAL, longest=3)


def test_an_epoch_of_examples_has_each_once_with_its_label():
    texts = [framed([7] * n, special=SPECIAL, longest=50) for n in range(1, 13)]
    examples = Examples(texts, range(1, 13), pad=SPECIAL.pad, batch=3, seed=0)
    seen = [
        (int((ids == 7).sum()), label)
        for step in range(4)
        for ids, label in zip(*examples.batch(step)[::2], strict=True)
    ]
    assert sorted(seen) == [(n, n) for n in range(1, 13)]
    measured = [label for _, _, labels in examples.each_once(5) for label in labels.tolist()]
    assert measured == list(range(1, 13))  # the shortest first


def test_rows_of_a_batch_are_of_about_equal_length():
    lengths = np.random.default_rng(0).integers(1, 100, 400)
    batches = ByLength(lengths, batch=10, seed=0)
    spread = np.mean([np.ptp(lengths[batches.rows(step)]) for step in range(len(batches))])
    assert spread < 15 < np.ptp(lengths[:10])
    assert sorted(np.concatenate([batches.rows(step) for step in range(40, 80)])) == list(range(400))


def test_padding_of_segments_is_the_first_segment():
    ids, segments = padded([([5, 6], [0, 1]), ([5], [1])], 9)
    assert ids.tolist() == [[5, 6], [5, 9]]
    assert segments.tolist() == [[0, 1], [1, 0]]


def test_what_lacks_or_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"no symbol \[PAD\]"):
        Special.of(CharTokenizer.train("abc"))
    with pytest.raises(ValueError, match="1 texts but 2 targets"):
        Examples([framed([7], special=SPECIAL, longest=9)], [0, 1], pad=0, batch=1, seed=0)
    with pytest.raises(ValueError, match="two documents or more"):
        FollowingTexts([[[7], [8]]], Masking(TOKENIZER), context=8, batch=2, seed=0)
    with pytest.raises(ValueError, match="rate is 0"):
        Masking(TOKENIZER, rate=0)
