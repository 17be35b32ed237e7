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
WINDOWS = Windows(np.array([SYMBOLS.index(c) for c in TEXT]), SIZE["context"], 4, seed=0)


@pytest.fixture(params=["rotary", "learned"])
def positions(request):
    return request.param


def both(positions, dtype="float32"):
    """minilm's model, and PyTorch's with its weights."""
    ours = models.GPT(len(SYMBOLS), positions=positions, **SIZE, rng=np.random.default_rng(0)).astype(dtype)
    theirs = torch_models.GPT(len(SYMBOLS), positions=positions, **SIZE).to(getattr(torch, dtype))
    return ours, torch_models.load(theirs, torch_models.gpt_layout(ours.state_dict()))


def tensors(arrays):
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


def their_loss(model, inputs, targets):
    return torch_models.loss_of(model(inputs), targets)


def curves(ours, theirs, steps, lr=1e-3):
    """The losses of both over training on the same batches."""
    our_optimizer = training.AdamW(ours.parameters(), lr, betas=(0.9, 0.99), weight_decay=0.1)
    their_optimizer = torch_models.adamw(theirs, lr)
    losses = []
    for step in range(steps):
        batch = WINDOWS.batch(step)
        loss, their = ours.loss(*batch), their_loss(theirs, *tensors(batch))
        losses.append((loss.item(), their.item()))
        our_optimizer.zero_grad(), their_optimizer.zero_grad()
        loss.backward(), their.backward()
        training.clip_gradients(ours.parameters(), 1.0)
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        our_optimizer.step(), their_optimizer.step()
    return np.array(losses).T


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-7), ("float32", 1e-5)])
def test_logits_and_gradients_are_equal(positions, dtype, tolerance):
    ours, theirs = both(positions, dtype)
    batch = WINDOWS.batch(0)
    np.testing.assert_allclose(ours(batch[0]).data, theirs(tensors(batch)[0]).detach(), atol=tolerance)
    ours.loss(*batch).backward()
    their_loss(theirs, *tensors(batch)).backward()
    expected = {name: parameter.grad.numpy() for name, parameter in theirs.named_parameters()}
    gradients = torch_models.gpt_layout({name: tensor.grad for name, tensor in ours.named_parameters()})
    assert set(gradients) == set(expected)
    for name in expected:
        np.testing.assert_allclose(gradients[name], expected[name], atol=tolerance, err_msg=name)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-4)])
def test_training_curves_are_equal(positions, dtype, tolerance):
    ours, theirs = curves(*both(positions, dtype), steps=50)
    print(abs(ours - theirs).max(), ours[0], ours[-1])
    assert ours[-1] < 0.8 * ours[0]
    np.testing.assert_allclose(ours, theirs, rtol=tolerance)


def test_a_model_that_differs_in_one_weight_has_another_curve(positions):
    ours, theirs = both(positions)
    ours.decoder.blocks[0].feed_forward.inner.W.data[0, 0] += 0.1
    ours, theirs = curves(ours, theirs, steps=10)
    assert abs(ours - theirs).max() > 1e-3


def test_the_greedy_text_is_equal(positions):
    ours, theirs = both(positions)
    curves(ours, theirs, steps=50)
    theirs = torch_models.load(theirs, torch_models.gpt_layout(ours.state_dict()))
    prompt = WINDOWS.ids[:5]
    written = greedy(ours, prompt, SIZE["context"] - 5)
    assert written.tolist() == theirs.greedy(torch.from_numpy(prompt)[None], SIZE["context"] - 5).tolist()
    assert len(set(written.tolist())) > 1
