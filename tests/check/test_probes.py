"""Each probe passes models that have the property, of any make, and rejects one that lacks it."""

import numpy as np
import pytest

from minilm import nn
from minilm.autograd import Tensor
from minilm.check.probes import batch_order, bidirectional, cache, causal, padding, positions
from minilm.models import GPT, MLP, RecurrentLM

V, C, PAD = 11, 6, 0
RNG = np.random.default_rng(2)
E, P, W = RNG.standard_normal((V, C)), RNG.standard_normal((16, C)), RNG.standard_normal((C, V))
MAKE = {
    "gpt": lambda rng: GPT(V, width=16, layers=2, heads=2, context=16, rng=rng),
    "gpt with learned positions": lambda rng: GPT(
        V, width=16, layers=1, heads=2, context=8, dropout=0.5, positions="learned", rng=rng
    ),
    "lstm": lambda rng: RecurrentLM(V, embedding=8, width=16, cell="lstm", rng=rng),
    "gru": lambda rng: RecurrentLM(V, embedding=8, width=16, cell="gru", rng=rng),
    "mlp": lambda rng: MLP(V, width=8, hidden=32, context=4, rng=rng),
}
each_model = pytest.mark.parametrize("name", sorted(MAKE))


def build(name):
    return MAKE[name](np.random.default_rng(0))


class Encoder(nn.Module):
    """Every token sees every other, but for padding."""

    vocabulary = V

    def __init__(self, pad_id=None):
        rng = np.random.default_rng(0)
        self.pad_id, self.embedding = pad_id, nn.Embedding(V, 16, rng=rng)
        self.positions, self.encoder = nn.LearnedPositions(16, 16, rng=rng), nn.Encoder(2, 16, 2, rng=rng)
        self.head = nn.Linear(16, V, rng=rng)

    def __call__(self, ids):
        mask = None if self.pad_id is None else (ids != self.pad_id)[:, None, None, :]  # (B, H, T, S)
        return self.head(self.encoder(self.positions(self.embedding(ids)), mask=mask))


def attend(ids, mask, positions=True, batch=False):
    """One attention in NumPy.   mask (T, S) or (B, T, S)"""
    x = E[ids] + P[: ids.shape[1]] * positions
    if batch:
        x = (x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1))
    scores = np.where(mask, x @ x.swapaxes(1, 2), -1e9)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)) @ x @ W


def tri(ids, k=0):
    return np.tri(ids.shape[1], k=k, dtype=bool)


def attentive(ids):
    return attend(ids, tri(ids))


# causal and bidirectional


@each_model
def test_a_causal_model_passes(name):
    finding = causal(build(name))
    assert finding.correct, finding
    assert not bidirectional(build(name)).correct


def test_a_causal_model_in_numpy_passes():
    assert causal(attentive, V).correct
    assert bidirectional(attentive, V).notes == ("No output depends on a later token: is there a causal mask?",)


def test_a_model_that_sees_one_token_ahead_is_not_causal():
    finding = causal(lambda ids: attend(ids, tri(ids, k=1)), V)
    assert not finding.correct
    position = int(finding.sentence.split()[5])
    assert finding.sentence.startswith(
        f"Changing the token at position {position} changed the output at position {position - 1} (by "
    )
    assert finding.sentence.endswith("): the model sees the future.")
    assert finding.notes[0].startswith("It is always the very next token that is seen")


def test_a_mask_that_sees_only_the_future_is_not_causal():
    finding = causal(lambda ids: attend(ids, ~tri(ids, k=-1)), V)
    assert not finding.correct
    assert finding.notes == ("No token changes a later output: is the mask upside down?",)


def test_a_model_that_reads_one_token_late_leaves_the_last_one_unread():
    finding = causal(lambda ids: attentive(np.insert(ids, 0, 0, axis=1)[:, :-1]), V)
    assert finding.sentence == "Changing the token at position 7 changed no output: it is never read."


def test_a_constant_is_no_causal_model():
    assert not causal(lambda ids: np.ones((*ids.shape, V)), V).correct


def test_a_leak_late_in_the_text_alone_is_found():
    def leaks_into_the_sixth(ids):
        logits = attentive(ids)
        logits[:, 5] += 1e-3 * E[ids[:, 7], :1]
        return logits

    assert causal(leaks_into_the_sixth, V).sentence.startswith(
        "Changing the token at position 7 changed the output at position 5 (by 0.00"
    )


def test_an_encoder_is_bidirectional_and_not_causal():
    assert bidirectional(Encoder()).correct
    assert not causal(Encoder()).correct


def test_an_encoder_with_a_window_is_not_bidirectional():
    finding = bidirectional(lambda ids: attend(ids, tri(ids, k=5) & tri(ids, k=5).T), V)
    assert finding.sentence == (
        "Changing the token at position 0 left the output at position 6 as it was: it is not seen from there."
    )
    assert finding.notes == ()


# padding


def test_an_encoder_that_masks_padding_passes():
    assert padding(Encoder(PAD), PAD).correct
    assert padding(lambda ids: attend(ids, (ids != PAD)[:, None, :]), PAD, V).correct


@each_model
def test_a_causal_model_cannot_see_padding_behind(name):
    assert padding(build(name), PAD).correct


@pytest.mark.parametrize("model", [Encoder(), lambda ids: attend(ids, np.bool(True))], ids=["minilm", "NumPy"])
def test_a_model_that_attends_to_padding_fails(model):
    finding = padding(model, PAD, V)
    assert not finding.correct
    assert finding.sentence.startswith("7 pads behind 1 token changed the output at position 0 (by ")


def test_the_mask_of_another_row_is_noticed():
    def first_mask_for_all(ids):
        return attend(ids, (ids != PAD)[-1:, None, :])

    finding = padding(first_mask_for_all, PAD, V)
    assert finding.sentence.startswith("A row of 1 token has another output at position 0 (by ")


# batches


@each_model
def test_rows_of_a_batch_have_nothing_to_do_with_each_other(name):
    assert batch_order(build(name)).correct


def test_normalisation_over_the_batch_fails():
    finding = batch_order(lambda ids: attend(ids, tri(ids), batch=True), V)
    assert not finding.correct
    assert finding.sentence.startswith("Row 0 has another output at position ")
    assert finding.sentence.endswith(" alone than in the batch: the model mixes rows.")


def test_a_model_that_looks_at_the_row_before_fails():
    finding = batch_order(lambda ids: attentive(ids) + np.roll(attentive(ids), 1, axis=0), V)
    assert not finding.correct


# positions


@each_model
def test_the_order_of_the_tokens_matters(name):
    assert positions(build(name)).correct


def test_a_bag_of_words_fails():
    finding = positions(lambda ids: attend(ids, tri(ids), positions=False), V)
    assert finding.sentence == (
        "Swapping the tokens at positions 0 and 1 changed no later output: the order is not seen."
    )
    assert "bag of words" in finding.notes[0]


def test_a_model_of_single_words_fails_for_another_reason():
    finding = positions(lambda ids: E[ids] @ W, V)
    assert not finding.correct
    assert "does not see them at all" in finding.notes[0]


# cached decoding


@each_model
def test_cached_decoding_equals_the_full_pass(name):
    finding = cache(build(name))
    assert finding.correct, finding


class Summing:
    """Logits from the sum of all embeddings so far, each turned by its position; `wrong` is added to that in a step."""

    vocabulary = V

    def __init__(self, wrong=0):
        self.wrong = wrong

    def __call__(self, ids):
        return (E[ids] * P[: ids.shape[1]]).cumsum(axis=1) @ W

    def start(self, ids):
        state = (E[ids] * P[: ids.shape[1]]).sum(axis=1), ids.shape[1]
        return state[0] @ W, state

    def step(self, ids, state):
        total, t = state
        total = total + E[ids] * P[t + self.wrong]
        return total @ W, (total, t + 1)


def test_a_cache_with_the_right_position_passes():
    model = Summing()
    assert cache(model).correct
    assert cache(full=model, start=model.start, step=model.step).correct
    assert cache(full=lambda ids: model(ids), start=model.start, step=model.step, vocabulary=V).correct


def test_a_cache_with_a_wrong_position_fails_at_the_first_step():
    finding = cache(Summing(wrong=-1))
    assert not finding.correct
    assert finding.sentence.startswith("After a prompt of 1 token the step that reads position 1 differs ")


def test_a_start_that_forgets_the_prompt_fails():
    model = Summing()
    finding = cache(model, start=lambda ids: model.start(ids[:, -1:]))
    assert finding.sentence.startswith("The start with a prompt of 4 tokens differs from the full pass (by ")


# bad input


def jumpy(ids, rng=np.random.default_rng(0)):  # noqa: B008  a generator that goes on from call to call
    return attentive(ids) + rng.random()


@pytest.mark.parametrize(
    "probe", [causal, bidirectional, batch_order, positions, lambda *a, **k: padding(a[0], 0, *a[1:], **k)]
)
@pytest.mark.parametrize(
    ("model", "vocabulary", "message"),
    [
        (lambda ids: E[ids] @ W, None, "vocabulary is None, and model has no .vocabulary"),
        (lambda ids: E[ids] @ W, 1, "vocabulary is 1; expected a whole number, 2 or more"),
        (lambda ids: E[ids] @ W, 4.5, "vocabulary is 4.5"),
        (3, V, "model is 3; expected a function of ids"),
        (lambda ids: E[ids], V, r"has shape \(4, 8, 6\); expected \(B, T, V\) = \(4, 8, 11\)"),
        (lambda ids: E[ids][:, -1] @ W, V, r"has shape \(4, 11\)"),
        (lambda ids: E[ids] @ W + np.inf, V, r"is inf at \[0, 0, 0\]; expected finite logits"),
        (lambda ids: "logits", V, "is a str; expected a NumPy array"),
        (jumpy, V, "another output the second time"),
    ],
)  # fmt: skip
def test_bad_models_are_named(probe, model, vocabulary, message):
    with pytest.raises(ValueError, match=message):
        probe(model, vocabulary)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: causal(attentive, V, length=2), "length is 2; expected a whole number, 3 or more"),
        (lambda: padding(attentive, None, V), "pad_id is None; expected a whole number"),
        (lambda: cache(attentive, V), "start is None; expected a function"),
        (lambda: cache(start=print, step=print), "full is None; expected a function"),
        (lambda: cache(Summing(), step=lambda ids, state: 3), "step returned int; expected"),
        (lambda: cache(Summing(), start=lambda ids: (E[ids], 0)), r"output of start has shape .* \(B, V\) = \(4, 11\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_dropout_is_off_while_a_model_is_probed_and_on_again_after():
    model = build("gpt with learned positions").train()
    model.head.eval()
    assert causal(model).correct
    assert [module.training for module in model.modules()].count(False) == 1


def test_a_finding_shows_itself():
    finding = causal(lambda ids: attend(ids, ~tri(ids, k=-1)), V)
    assert repr(finding).startswith("causal: ✗ not yet. Changing the token at ")
    assert "<b>causal: ✗ not yet</b>" in finding._repr_html_()
    assert "✓ correct" in causal(attentive, V)._repr_html_()


def test_a_model_that_returns_a_tensor_is_accepted():
    assert causal(lambda ids: Tensor(attentive(ids)), V).correct
