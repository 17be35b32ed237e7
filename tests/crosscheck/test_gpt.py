"""minilm's GPT and PyTorch's, from the same weights: the same logits, gradients, training curve and text."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch_models

from minilm import models, training
from minilm.data import Windows
from minilm.generate import greedy

SIZE = {"width": 32, "layers": 2, "heads": 4, "context": 16}
TEXT = "to be, or not to be: that is the question. " * 40
SYMBOLS = sorted(set(TEXT))
WINDOWS = Windows(np.array([SYMBOLS.index(symbol) for symbol in TEXT]), SIZE["context"], 4, seed=0)
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


@pytest.fixture(params=["rotary", "learned"])
def positions(request):
    return request.param


@pytest.fixture(params=TOLERANCE)
def dtype(request):
    return request.param


def both(positions, dtype="float32"):
    """minilm's model, and PyTorch's with its weights."""
    ours = models.GPT(len(SYMBOLS), positions=positions, **SIZE, rng=np.random.default_rng(0)).astype(dtype)
    theirs = torch_models.GPT(len(SYMBOLS), positions=positions, **SIZE)
    return ours, torch_models.load(theirs, torch_models.gpt_layout(ours.state_dict()))


def their_loss(model, ids, targets):
    return torch_models.loss_of(model(torch.tensor(ids)), torch.tensor(targets))


def worst_difference(ours, theirs):
    """Relative to the larger number where that exceeds 1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    return (abs(ours - theirs) / np.maximum(1, abs(theirs))).max()


def curves(ours, theirs, steps, lr=1e-3):
    """The losses of both while they are trained on the same batches."""
    our_optimizer = training.AdamW(ours.parameters(), lr, betas=(0.9, 0.99), weight_decay=0.1)
    their_optimizer = torch_models.adamw(theirs, lr)
    losses = []
    for step in range(steps):
        batch = WINDOWS.batch(step)
        pair = ours.loss(*batch), their_loss(theirs, *batch)
        losses.append([loss.item() for loss in pair])
        for loss, optimizer in zip(pair, (our_optimizer, their_optimizer), strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return np.transpose(losses)


def test_logits_are_equal(positions, dtype):
    ours, theirs = both(positions, dtype)
    ids, _ = WINDOWS.batch(0)
    assert worst_difference(ours(ids).data, theirs(torch.tensor(ids)).detach()) < TOLERANCE[dtype]


def test_gradients_are_equal(positions, dtype):
    ours, theirs = both(positions, dtype)
    ours.loss(*WINDOWS.batch(0)).backward()
    their_loss(theirs, *WINDOWS.batch(0)).backward()
    gradients = torch_models.gpt_layout({name: tensor.grad for name, tensor in ours.named_parameters()})
    expected = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    assert set(gradients) == set(expected)
    for name, gradient in gradients.items():
        assert worst_difference(gradient, expected[name]) < TOLERANCE[dtype], name


def test_training_curves_are_equal(positions, dtype):
    ours, theirs = curves(*both(positions, dtype), steps=50)
    assert ours[-1] < 0.5 * ours[0]
    assert worst_difference(ours, theirs) < TOLERANCE[dtype]


def test_a_model_that_differs_in_one_weight_has_another_curve(positions):
    ours, theirs = both(positions)
    ours.decoder.blocks[0].feed_forward.inner.W.data[0, 0] += 0.5
    assert worst_difference(*curves(ours, theirs, steps=10)) > 10 * TOLERANCE["float32"]


def test_greedy_texts_are_equal(positions):
    ours, theirs = both(positions)
    curves(ours, theirs, steps=50)
    torch_models.load(theirs, torch_models.gpt_layout(ours.state_dict()))
    prompt, length = WINDOWS.ids[:5], SIZE["context"] - 5
    written = greedy(ours, prompt, length)
    assert written.tolist() == theirs.greedy(torch.tensor(prompt[None]), length).tolist()
    assert len(set(written.tolist())) > 1
