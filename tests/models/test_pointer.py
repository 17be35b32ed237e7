"""The pointer-generator copies what its vocabulary lacks; and each check rejects one that copies wrongly."""

import numpy as np
import pytest

from minilm import generate
from minilm.autograd import Tensor, cross_entropy, no_grad
from minilm.models import PointerGenerator
from minilm.models.pointer import looked_again

KNOWN, ROOM, PAD, START, END = 9, 3, 1, 2, 3
SOURCE = np.array([[4, 9, 5, 9, 10], [6, 7, 9, PAD, PAD]])  # the words 9 and 10 differ from row to row
IDS = np.array([[START, 4, 9], [START, 9, 8]])
TARGETS = np.array([[4, 9, END], [9, 8, -1]])
SIZES = {"room": ROOM, "pad": PAD, "embedding": 6, "width": 8, "attention": 5}


def build(kind=PointerGenerator, seed=0, **settings):
    model = kind(KNOWN, **SIZES | settings, rng=np.random.default_rng(seed))
    for number, tensor in enumerate(model.parameters()):
        tensor.data = tensor.data.astype(np.float64) + 0.3 * np.random.default_rng(number).standard_normal(tensor.shape)
    return model


def probabilities(model, source=SOURCE, ids=IDS):
    with no_grad():
        return np.exp(model(source, ids).data)


class NotNormalised(PointerGenerator):
    """Adds the attention to the whole of P_vocab."""

    def _decode(self, ids, state):
        logits, weights, p_gen, state = super()._decode(ids, state)
        return logits, weights / (1 - p_gen), p_gen, state


def sums_to_one(model):
    return np.allclose(probabilities(model).sum(axis=2), 1, atol=1e-9)


@pytest.mark.parametrize("settings", [{}, {"copy": False}, {"coverage": True}], ids=["plain", "no copying", "coverage"])
def test_the_mixture_is_a_distribution(settings):
    assert sums_to_one(build(**settings))
    if not settings:
        assert not sums_to_one(build(NotNormalised))


def test_the_mixture_is_the_formula_word_by_word():
    model = build()
    weights, p_gen = model.attention_weights(SOURCE, IDS), model.generation(SOURCE, IDS)
    with no_grad():
        written = model._decode(IDS, model._encode(SOURCE))[0].softmax().data
    P = probabilities(model)
    for b, t, word in np.ndindex(2, 3, KNOWN + ROOM):
        copied = sum(weights[b, t, s] for s in range(5) if SOURCE[b, s] == word)
        of_vocabulary = written[b, t, word] if word < KNOWN else 0
        assert P[b, t, word] == pytest.approx(p_gen[b, t] * of_vocabulary + (1 - p_gen[b, t]) * copied, abs=1e-9)


def test_the_loss_of_the_targets_alone_is_that_of_the_whole_distribution():
    model = build()
    whole = cross_entropy(model(SOURCE, IDS), targets=TARGETS).item()
    assert model.loss(SOURCE, IDS, TARGETS).item() == pytest.approx(whole, abs=1e-9)
    assert build(copy=False).loss(SOURCE, IDS, np.where(TARGETS < KNOWN, TARGETS, 0)).item() != pytest.approx(whole)


def test_padding_is_neither_copied_nor_counted():
    model = build()
    longer = np.pad(SOURCE, ((0, 0), (0, 2)), constant_values=PAD)
    assert model.loss(longer, IDS, TARGETS).item() == pytest.approx(model.loss(SOURCE, IDS, TARGETS).item(), abs=1e-9)
    assert model.attention_weights(longer, IDS)[:, :, 5:].max() < 1e-12
    counted = np.where(TARGETS == -1, 5, TARGETS)
    assert model.loss(SOURCE, IDS, counted).item() != pytest.approx(model.loss(SOURCE, IDS, TARGETS).item(), abs=1e-3)


def test_a_word_that_the_row_does_not_have_cannot_be_written():
    P = probabilities(build())
    assert P[1, :, 10].max() <= 1e-11 < P[0, :, 10].min()
    assert P[:, :, 11].max() <= 1e-11


class Forgetful(PointerGenerator):
    """Reads all unknown words as one."""

    def _embed(self, ids):
        return super()._embed(np.minimum(ids, KNOWN))


def test_the_decoder_knows_which_unknown_word_it_has_written():
    def knows(kind):
        source = np.array([[4, 9, 5, 10]])
        after = [probabilities(build(kind), source, np.array([[START, word]]))[0, 1] for word in (9, 10)]
        return not np.allclose(*after, atol=1e-3)

    assert knows(PointerGenerator)
    assert not knows(Forgetful)


def test_without_copying_no_word_beyond_the_vocabulary_is_written():
    assert probabilities(build(copy=False))[:, :, KNOWN:].max() <= 1e-11


@pytest.mark.parametrize("coverage", [False, True])
def test_gradients_are_central_differences(coverage):
    model = build(coverage=coverage)
    loss = model.loss(SOURCE, IDS, TARGETS)
    loss.backward()
    for name, tensor in model.named_parameters():
        rng = np.random.default_rng(len(name))
        for at in {tuple(rng.integers(tensor.shape)) for _ in range(3)}:
            slope = central_difference(model, tensor, at)
            assert tensor.grad[at] == pytest.approx(slope, abs=2e-7), name
            assert tensor.grad[at] + 1e-3 != pytest.approx(slope, abs=2e-7)


def central_difference(model, tensor, at, h=1e-5):
    values = []
    for sign in (1, -1):
        tensor.data[at] += sign * h
        with no_grad():
            values.append(model.loss(SOURCE, IDS, TARGETS).item())
        tensor.data[at] -= sign * h
    return (values[0] - values[1]) / (2 * h)


def test_coverage_costs_what_is_looked_at_again():
    weights = np.array([[[0.5, 0.5, 0.0], [0.2, 0.0, 0.8], [0.6, 0.4, 0.0]]])
    # coverage: nothing; 0.5 0.5 0; 0.7 0.5 0.8
    assert looked_again(Tensor(weights)).data[0] == pytest.approx([0, 0.2, 1.0])


def test_coverage_goes_on_from_step_to_step():
    model = build(coverage=True)
    whole = np.log(probabilities(model))[:, -1]
    _, state = model.start(IDS[:, :1], SOURCE)
    for t in (1, 2):
        stepped, state = model.step(IDS[:, t], state)
    assert np.allclose(stepped, whole, atol=1e-9)
    forgotten = model.step(IDS[:, 2], state._replace(coverage=Tensor(np.zeros(SOURCE.shape))))[0]
    assert not np.allclose(forgotten, model.step(IDS[:, 2], state)[0], atol=1e-6)


def test_greedy_and_beam_search_write_words_of_the_source():
    model = build()
    model.generate.b.data[:] = -50  # copy, always
    for text in generate.greedy(model.given(SOURCE), [[START], [START]], 4):
        assert text.max() < KNOWN + ROOM
    best = generate.beam_search(model.given(SOURCE), [[START], [START]], 4, num_beams=3)
    for row, hypotheses in zip(SOURCE, best, strict=True):
        assert set(hypotheses[0].ids.tolist()) <= set(row.tolist()) - {PAD}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 7}, "width is 7; expected an even number"),
        ({"pad": 9}, "pad is 9; expected an id of the vocabulary, from 0 to 8"),
        ({"room": -1}, "room is -1; expected an integer, 0 or more"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        build(**settings)


@pytest.mark.parametrize("coverage", [False, True])
def test_a_float32_model_has_float32_gradients(coverage):
    model = PointerGenerator(KNOWN, **SIZES, coverage=coverage, rng=np.random.default_rng(0))
    loss = model.loss(SOURCE, IDS, TARGETS)
    loss.backward()
    assert {loss.dtype, *(tensor.grad.dtype for tensor in model.parameters())} == {np.dtype(np.float32)}
