"""What holds for every language model; and each check rejects a model for which it does not hold."""

import numpy as np
import pytest

from minilm import data
from minilm.autograd import log_softmax, no_grad
from minilm.generate import beam_search, greedy, sample
from minilm.models import GPT, MODELS
from minilm.training import Adam

V, B, T = 11, 4, 9
SETTINGS = {
    "ngram": {"order": 3},
    "mlp": {"width": 8, "hidden": 32, "context": 4},
    "rnn": {"embedding": 16, "width": 32, "layers": 2, "context": 16},
    "gru": {"embedding": 16, "width": 32, "layers": 2, "context": 16},
    "lstm": {"embedding": 16, "width": 32, "layers": 2, "context": 16},
    "gpt": {"width": 32, "layers": 2, "heads": 4, "context": 16},
    "llama": {"width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "context": 16},
}
NEURAL = sorted(set(SETTINGS) - {"ngram"})
every_model = pytest.mark.parametrize("name", sorted(SETTINGS))
every_neural_model = pytest.mark.parametrize("name", NEURAL)


class Leaking(GPT):
    """Its mask is missing: every token sees those after it."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.decoder.causal = False


class ForgetsToReorder(GPT):
    def reorder(self, state, rows):
        return state


class Forgetful(GPT):
    """A step sees the last token alone."""

    def step(self, ids, state):
        return self.start(np.asarray(ids)[:, None])


def build(name, vocabulary=V, seed=0):
    """A neural model as it starts, or n-grams of a random text."""
    rng = np.random.default_rng(seed)
    model = MODELS[name](vocabulary=vocabulary, **SETTINGS[name], rng=rng)
    return model if name in NEURAL else model.fit(rng.integers(vocabulary, size=500))


def wrong(kind):
    return kind(V, **SETTINGS["gpt"], rng=np.random.default_rng(0))


def texts(seed=1, vocabulary=V):
    return np.random.default_rng(seed).integers(vocabulary, size=(B, T))


def log_probs(model, ids):
    """ln p of every token after each of ids.   (B, T) -> (B, T, V)"""
    if hasattr(model, "log_probs"):
        return model.log_probs(ids)
    with no_grad():
        return log_softmax(model(ids)).data


def test_every_model_has_an_example():
    assert set(SETTINGS) == set(MODELS)


# distributions


@every_model
def test_distributions_sum_to_one(name):
    probs = np.exp(log_probs(build(name), texts()))
    assert probs.shape == (B, T, V)
    np.testing.assert_allclose(probs.sum(axis=-1), 1, rtol=1e-5)


def influence(model, ids, t):
    """How much the log-probabilities before place t, and from t on, change when all tokens from t on do."""
    other = np.hstack([ids[:, :t], (ids[:, t:] + 1) % model.vocabulary])
    change = np.abs(log_probs(model, ids) - log_probs(model, other))
    return change[:, :t].max(), change[:, t:].max()


@every_model
@pytest.mark.parametrize("t", [1, 5, T - 1])
def test_a_later_token_never_changes_an_earlier_probability(name, t):
    earlier, later = influence(build(name), texts(), t)
    assert earlier < 1e-6
    assert later > 1e-3


def test_the_check_of_causality_rejects_a_leaking_mask():
    assert influence(wrong(Leaking), texts(), 5)[0] > 1e-3


@every_model
@pytest.mark.parametrize("rows", [[2, 0, 3, 1], [1], [3, 3, 0, 1, 2, 0]], ids=["order", "one alone", "repeated"])
def test_batch_order_and_batch_size_change_nothing(name, rows):
    model, ids = build(name), texts()
    assert order_error(log_probs, model, ids, rows) < 2e-6


def order_error(log_probs, model, ids, rows):
    """The largest difference that other rows in the batch, or another order, make."""
    return np.abs(log_probs(model, ids[rows]) - log_probs(model, ids)[rows]).max()


def test_the_check_of_batch_order_rejects_a_model_that_mixes_rows():
    def mixed(model, ids):
        found = log_probs(model, ids)
        return found - found.mean(axis=0)

    assert order_error(mixed, build("gpt"), texts(), [1]) > 0.01


# decoding


def cached_error(model, ids, start):
    """The largest difference between reading on step by step from ids[:, :start] and reading all at once."""
    full = log_probs(model, ids)
    found, state = model.start(ids[:, :start])
    errors = [np.abs(found - full[:, start - 1]).max()]
    for t in range(start, ids.shape[1]):
        found, state = model.step(ids[:, t], state)
        errors.append(np.abs(found - full[:, t]).max())
    return max(errors)


@every_model
@pytest.mark.parametrize("start", [1, 5, T])
def test_a_cached_step_equals_the_full_pass(name, start):
    assert cached_error(build(name), texts(), start) < 2e-6


def test_the_check_of_steps_rejects_a_model_that_forgets():
    assert cached_error(wrong(Forgetful), texts(), 5) > 1e-3


def reorder_error(model, rows):
    """The largest difference between going on from reordered rows and starting afresh with these rows."""
    ids, chosen = texts(), np.arange(len(rows))
    _, state = model.start(ids[:, :-1])
    _, state = model.step(ids[:, -1], state)
    found, _ = model.step(chosen, model.reorder(state, np.array(rows)))
    fresh, _ = model.start(np.hstack([ids[rows], chosen[:, None]]))
    return np.abs(found - fresh).max()


@every_model
@pytest.mark.parametrize("rows", [[2, 0, 1, 0], [3], [1, 1, 0, 2, 3, 3]], ids=["as many", "fewer", "more"])
def test_reordered_rows_go_on_as_if_they_were_the_batch(name, rows):
    assert reorder_error(build(name), rows) < 2e-6


def test_the_check_of_reordering_rejects_a_model_that_forgets_to():
    assert reorder_error(wrong(ForgetsToReorder), [2, 0, 1, 0]) > 1e-3


def join_error(model, steps=16):
    """The largest difference between texts of several lengths that are written together and each of them alone.

    Their contexts are full at different times; and one of them leaves halfway.
    """
    alone = [model.start(ids[None, :length])[1] for ids, length in zip(texts(), (3, T, 5), strict=False)]
    together, errors = model.join(alone), []
    for t in range(steps):
        if t == steps // 2:
            alone, together = [alone[2], alone[0]], model.reorder(together, np.array([2, 0]))
        new = np.arange(t, t + len(alone)) % V
        found, together = model.step(new, together)
        expected, alone = zip(*(model.step(new[[b]], state) for b, state in enumerate(alone)), strict=True)
        errors.append(np.abs(found - np.concatenate(expected)).max())
    return max(errors)


@every_model
def test_texts_that_join_go_on_as_if_each_were_alone(name):
    assert join_error(build(name)) < 2e-6


def test_the_check_of_joining_rejects_a_model_that_confuses_texts():
    class Confused(GPT):
        def join(self, states):
            return super().join(states[::-1])

    assert join_error(wrong(Confused)) > 1e-3


@every_model
def test_a_state_can_be_gone_on_from_twice(name):
    model, ids = build(name), texts()
    _, state = model.start(ids)
    first, _ = model.step(ids[:, 0], state)
    model.step(ids[:, 1], model.reorder(state, np.array([3, 3, 0, 0])))
    again, _ = model.step(ids[:, 0], state)
    np.testing.assert_array_equal(first, again)


@every_model
def test_a_model_can_search_and_its_score_is_that_of_a_full_pass(name):
    model, prompt = build(name), texts()[0, :3]
    best, *others = beam_search(model, prompt, 5, num_beams=4, num_return_sequences=4)
    assert len(others) == 3
    ids = np.concatenate([prompt, best.ids])
    steps = log_probs(model, ids[None, :-1])[0, len(prompt) - 1 :]
    assert best.log_prob == pytest.approx(steps[np.arange(5), best.ids].sum(), abs=1e-4)


@every_model
def test_a_model_can_be_sampled_from(name):
    model, prompts = build(name), texts()[:2]
    drawn = sample(model, prompts, 6, temperature=0.9, top_k=5, top_p=0.9, rng=np.random.default_rng(0))
    again = sample(model, prompts, 6, temperature=0.9, top_k=5, top_p=0.9, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, again)
    assert np.shape(drawn) == (2, 6)


def test_attention_for_pictures_is_what_the_model_computes_with():
    model, ids = build("gpt"), texts()
    before = model.attention_weights(ids)
    assert [weights.shape for weights in before] == [(B, 4, T, T)] * 2
    for weights in before:
        np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
        assert (weights[..., ~np.tri(T, dtype=bool)] == 0).all()
    after = model.attention_weights(np.hstack([ids[:, :-1], (ids[:, -1:] + 1) % V]))
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(old[:, :, :-1], new[:, :, :-1], atol=1e-6)  # causal in every block
        assert np.abs(old[:, :, -1] - new[:, :, -1]).max() > 1e-3


# loss and training


@every_model
def test_the_loss_is_the_mean_of_the_counted_targets(name):
    model, ids = build(name), texts()
    targets = texts(seed=2)
    targets[0, 4:] = targets[2] = -1
    counted = targets != -1
    expected = -log_probs(model, ids)[counted, targets[counted]].mean()
    assert float(np.asarray(getattr(model.loss(ids, targets), "data", model.loss(ids, targets)))) == pytest.approx(
        expected, abs=1e-5
    )


def sentences():
    """Four sentences as one batch: inputs, targets with -1 beyond a sentence's end, and the sentences as ids."""
    lines = ["我喜欢读书。", "今天天气真好!", "to be or not", "so it goes"]
    tokenizer = data.CharTokenizer.train("\n".join(lines))
    ids, lengths = data.pad([tokenizer.encode(line) for line in lines])
    targets = np.where(data.length_mask(lengths, ids.shape[1]), ids, -1)
    return tokenizer, lines, ids[:, :-1], targets[:, 1:]


@every_neural_model
def test_a_model_learns_four_sentences_by_heart(name):
    tokenizer, lines, ids, targets = sentences()
    model = build(name, vocabulary=len(tokenizer))
    optimizer = Adam(model.parameters(), 0.01)
    for _ in range(100):
        model.zero_grad()
        model.loss(ids, targets).backward()
        optimizer.step()
    with no_grad():
        assert model.loss(ids, targets).item() < 0.1
    for line in lines:
        start = tokenizer.encode(line[:1])
        assert tokenizer.decode(greedy(model, start, len(line) - 1)) == line[1:]


# states and seeds


@every_neural_model
def test_the_seed_is_all_that_chance_does(name):
    same, other = (build(name, seed=seed).state_dict() for seed in (0, 1))
    for tensor, array in build(name).state_dict().items():
        np.testing.assert_array_equal(array, same[tensor])
    assert any((array != other[tensor]).any() for tensor, array in same.items())


@every_model
def test_settings_and_state_build_the_same_model_again(name):
    model = build(name)
    again = MODELS[name](**model.settings, rng=np.random.default_rng(7))
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(log_probs(again, texts()), log_probs(model, texts()))


@every_model
def test_the_state_of_another_size_is_refused(name):
    with pytest.raises(ValueError, match="state"):
        build(name).load_state_dict(build(name, vocabulary=V + 1).state_dict())


@every_model
def test_a_model_has_a_summary(name):
    assert len(build(name).summary().splitlines()) > 3


# bad input

OUTSIDE, TYPE = "outside the vocabulary of 11|expected ids from 0 to 10", "expected integers"


@every_model
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[1, 11]], OUTSIDE),
        ([[-1, 1]], OUTSIDE),
        ([[0.5, 1.0]], TYPE),
        ([[True, False]], TYPE),
        ([[]], "with at least one token|" + TYPE),
        ([1, 2], r"ids has shape \(2,\).* expected \(B, T\)"),
        (3, r"ids has shape \(\).* expected \(B, T\)"),
    ],
    ids=["too large", "negative", "floats", "booleans", "empty", "one axis", "a number"],
)
def test_bad_ids_are_named(name, ids, message):
    model = build(name)
    for call in (model.start, lambda ids: log_probs(model, ids)):
        with pytest.raises(ValueError, match=message):
            call(ids)


@every_model
@pytest.mark.parametrize(("ids", "message"), [([1, 2, 3, 11], OUTSIDE), ([0.5] * B, TYPE)])
def test_bad_chosen_ids_are_named(name, ids, message):
    model = build(name)
    with pytest.raises(ValueError, match=message):
        model.step(ids, model.start(texts())[1])


@every_model
def test_chosen_ids_of_another_batch_are_named(name):
    model = build(name)
    with pytest.raises(ValueError, match=r"ids has shape \(2,\)"):
        model.step([1, 2], model.start(texts())[1])


@every_model
@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.zeros((B, T - 1), int), "targets has shape"),
        (np.full((B, T), -1), "none that counts|a mean over none does not exist"),
        (np.full((B, T), V), "11 is outside the vocabulary|expected ids from 0 to 10"),
    ],
    ids=["shape", "none counts", "outside"],
)
def test_bad_targets_are_named(name, targets, message):
    with pytest.raises(ValueError, match=message):
        build(name).loss(texts(), targets)


@every_neural_model
def test_targets_that_are_no_integers_are_named(name):
    with pytest.raises(ValueError, match=r"targets .*float64.* expected integers"):
        build(name).loss(texts(), np.full((B, T), 1.5))
