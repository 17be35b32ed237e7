"""The check of learning passes models and loops that learn, and rejects those that do not."""

import numpy as np
import pytest

from minilm.check.learning import learns
from minilm.models import GPT, MLP, RecurrentLM
from minilm.training import AdamW

V = 11
MAKE = {
    "gpt": lambda rng: GPT(V, width=16, layers=2, heads=2, context=16, dropout=0.5, rng=rng),
    "gru": lambda rng: RecurrentLM(V, embedding=8, width=16, cell="gru", rng=rng),
    "mlp": lambda rng: MLP(V, width=8, hidden=32, context=4, rng=rng),
}


def build(name):
    return MAKE[name](np.random.default_rng(0))


@pytest.mark.parametrize("name", sorted(MAKE))
def test_a_model_learns_four_sentences(name):
    model = build(name)
    before = model.state_dict()
    finding = learns(model)
    assert finding.correct, finding
    assert finding.notes[0].endswith(" near ln V = 2.4, that of guessing.")
    assert " not near " not in finding.notes[0]
    assert all((before[name] == array).all() for name, array in model.state_dict().items())


def test_a_loop_of_ones_own_learns():
    model = build("gpt").eval()
    optimizer = AdamW(model.parameters(), 0.01)

    def step(ids, targets):
        optimizer.zero_grad()
        loss = model.loss(ids, targets)
        loss.backward()
        optimizer.step()
        return loss

    assert learns(step, V, steps=100).correct


def bigrams(lr):
    """Training steps of a table of logits, by hand."""
    table = np.zeros((V, V))

    def step(ids, targets):
        p = np.exp(table[ids] - table[ids].max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        loss = -np.log(np.take_along_axis(p, targets[..., None], axis=-1)).mean()
        np.subtract.at(table, ids, lr * (p - np.eye(V)[targets]))
        return loss

    return step


def test_a_model_that_cannot_know_enough_fails():
    finding = learns(bigrams(lr=0.3), V)
    assert not finding.correct
    assert finding.sentence.startswith("The loss went from 2.4 to ")


def test_a_model_that_is_not_updated_fails():
    assert learns(bigrams(lr=0.0), V).sentence == (
        "The loss stays at 2.4 for 200 steps, expected less than 0.1: are the parameters updated at all?"
    )


def test_a_step_in_the_wrong_direction_fails():
    assert not learns(bigrams(lr=-0.1), V, steps=20).correct


@pytest.mark.parametrize(
    ("losses", "sentence"),
    [
        ([2.4, np.nan], "The loss is nan after 2 steps: training diverges"),
        ([0.0, 0.0], "The loss starts at 0, expected more than 0.1"),
    ],
)
def test_odd_losses_are_named(losses, sentence):
    left = iter(losses)
    finding = learns(lambda ids, targets: next(left), V, steps=2)
    assert not finding.correct
    assert finding.sentence.startswith(sentence)


def test_weights_that_start_too_large_are_remarked_on():
    model = build("mlp")
    model.outer.W.data *= 30
    assert learns(model, steps=2).notes[0].endswith("are the first weights too large, or is the loss no mean in nats?")


@pytest.mark.parametrize(
    ("step", "vocabulary", "message"),
    [
        (3, V, "step is 3; expected a function"),
        (bigrams(0.1), None, "vocabulary is None"),
        (bigrams(0.1), 3, "vocabulary is 3; expected a whole number, 4 or more"),
        (lambda ids, targets: None, V, "step returned a NoneType; expected the loss"),
    ],
)
def test_bad_arguments_are_named(step, vocabulary, message):
    with pytest.raises(ValueError, match=message):
        learns(step, vocabulary)
