"""BERT: a token sees all others but padding, heads ask what they are asked, and a small one learns."""

import numpy as np
import pytest

from minilm import data, training
from minilm.models import Bert, BertClassifier, BertSpans, MaskedLM

PAD = 0
IDS = np.array([[1, 5, 6, 2, 7, 2], [1, 8, 2, 0, 0, 0]])
SEGMENTS = np.array([[0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]])


def bert(dropout=0.0, **settings):
    sizes = {"pad": PAD, "width": 8, "layers": 2, "heads": 2, "context": 8} | settings
    return Bert(11, **sizes, dropout=dropout, rng=np.random.default_rng(0))


def difference(model, ids, segments=SEGMENTS, at=slice(None)):
    """How much what is known of the first text changes."""
    return abs(model(ids, segments).data - model(IDS, SEGMENTS).data)[0, at].max()


@pytest.mark.parametrize("place", [1, 2, 4])
def test_every_token_can_change_what_is_known_of_every_other(place):
    changed = IDS.copy()
    changed[0, place] = 9
    assert all(difference(bert(), changed, at=t) > 1e-6 for t in range(6))


def test_segments_count():
    assert difference(bert(), IDS, np.zeros_like(SEGMENTS)) > 1e-6


def test_padding_and_the_other_texts_of_a_batch_change_nothing():
    alone = bert()(IDS[1:, :3], SEGMENTS[1:, :3]).data
    np.testing.assert_allclose(bert()(IDS, SEGMENTS).data[1, :3], alone[0], atol=1e-6)


def test_attention_is_a_distribution_over_the_text_without_padding():
    weights = bert().attention_weights(IDS, SEGMENTS)
    assert weights.shape == (2, 2, 2, 6, 6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert (weights[:, 1, :, :, 3:] == 0).all()


def test_the_masked_loss_is_the_mean_over_what_is_asked():
    model = MaskedLM(bert(), rng=np.random.default_rng(1))
    targets = np.array([[-1, 3, -1, -1, 4, -1], [-1, 8, -1, -1, -1, -1]])
    log_probs = model(IDS, SEGMENTS).log_softmax().data
    asked = [-log_probs[b, t, targets[b, t]] for b, t in zip(*np.nonzero(targets >= 0), strict=True)]
    assert model.loss(IDS, SEGMENTS, targets).item() == pytest.approx(np.mean(asked), rel=1e-5)


def test_the_next_sentence_is_asked_beside_it():
    model = MaskedLM(bert(), next_sentence=True, rng=np.random.default_rng(1))
    targets, follows = np.where(IDS == 5, 5, -1), np.array([1, 0])
    logits = model.follows(model.bert.pooled(model.bert(IDS, SEGMENTS))).log_softmax().data
    beside = model.loss(IDS, SEGMENTS, follows, targets).item() + logits[[0, 1], follows].mean()
    model.follows = None
    assert beside == pytest.approx(model.loss(IDS, SEGMENTS, targets).item(), rel=1e-5)


def test_an_answer_is_never_in_the_padding():
    probabilities = BertSpans(bert(), rng=np.random.default_rng(1))(IDS, SEGMENTS).softmax().data
    assert (probabilities[1, :, 3:] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-6)


HEADS = {
    "masked": (lambda rng: MaskedLM(bert(), next_sentence=True, rng=rng), (np.array([1, 0]), np.where(IDS > 4, 5, -1))),
    "classes": (lambda rng: BertClassifier(bert(activation="gelu_exact"), 3, rng=rng), (np.array([2, 0]),)),
    "spans": (lambda rng: BertSpans(bert(), rng=rng), (np.array([[1, 2], [1, 1]]),)),
}


@pytest.mark.parametrize("head", HEADS)
def test_gradients_equal_central_differences(head, worst_slope_error):
    build, asked = HEADS[head]
    model = build(np.random.default_rng(1)).astype(np.float64).eval()
    assert worst_slope_error(model, IDS, SEGMENTS, *asked) < 1e-6
    assert worst_slope_error(model, IDS, SEGMENTS, *asked) > 1e-3  # the control: those of the first call add up


@pytest.mark.parametrize(
    ("ids", "segments", "message"),
    [
        (np.zeros((2, 0), int), None, "at least one token"),
        ([[1, 0, 5]], None, "at the end of a row only"),
        ([[0, 0, 0]], None, "begins with pad = 0"),
        ([[1, 99]], None, "99 is outside the vocabulary of 11"),
        ([[1] * 9], None, "longer than the context of 8"),
        ([[1, 5]], [[0]], "segments has shape"),
        ([[1, 5]], [[0, 2]], "segments: 2 is outside the vocabulary of 2"),
    ],
)
def test_wrong_input_is_told(ids, segments, message):
    with pytest.raises(ValueError, match=message):
        bert()(ids, segments)


def test_it_learns_from_which_side_a_token_stands():
    """Whether 5 comes before 6: no bag of words could know."""
    rng = np.random.default_rng(0)
    texts = [rng.permutation([5, 6, 7, 8, 9]) for _ in range(160)]
    labels = [int(list(text).index(5) < list(text).index(6)) for text in texts]
    special = data.Special(pad=0, cls=1, sep=2, mask=3)
    framed = [data.framed(text, special=special, longest=8) for text in texts]
    train = data.Examples(framed[:120], labels[:120], pad=0, batch=20, seed=0)
    model = BertClassifier(bert(width=32), 2, rng=np.random.default_rng(1))
    schedule = training.schedules.warmup_cosine()
    optimizer = training.AdamW(model.parameters(), 3e-3)
    training.Trainer(model, optimizer, train, steps=150, schedule=schedule, show_progress=False).fit()
    ids, segments = data.padded(framed[120:], 0)
    assert (model(ids, segments).data.argmax(axis=1) == labels[120:]).mean() > 0.9
