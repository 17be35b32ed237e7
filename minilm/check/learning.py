"""Can it learn at all? Whoever cannot learn four sentences by heart will not learn a language."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minilm import autograd, nn, training

from .callables import check_callable, count, vocabulary_of
from .finding import Finding

NEAR = 1.0  # nats from ln V; random logits of variance σ² cost σ²/2 more than guessing


def learns(
    step: Callable | nn.Module,
    vocabulary: int | None = None,
    length: int = 8,
    seed: int = 0,
    *,
    steps: int = 200,
    bound: float = 0.1,
    lr: float = 0.01,
) -> Finding:
    """Whether training brings the loss on four sentences of random tokens below a bound.

    The sentences begin with different tokens, so that a model which sees what came before can know all that follows.

    Parameters
    ----------
    step : callable or Module
        step(ids, targets) -> loss does one update, ids and targets (B, T). Of a minilm model a copy is trained,
        with AdamW and without dropout.
    vocabulary : int, optional
        V, 4 or more, if a model has no attribute of that name.
    length, seed : int
        T, and the seed of the sentences.
    steps : int
    bound : float
        In nats for each token.
    lr : float
        The learning rate for a minilm model.

    Raises
    ------
    ValueError
        If step gives no number, or the vocabulary is missing.

    Examples
    --------
    >>> from minilm.models import MLP
    >>> model = MLP(11, width=8, hidden=32, context=4, rng=np.random.default_rng(0))
    >>> learns(model).correct
    True
    >>> print(learns(lambda ids, targets: 2.4, vocabulary=11).sentence)
    The loss stays at 2.4 for 200 steps, expected less than 0.1: are the parameters updated at all?
    """
    check_callable(step=step)
    V = vocabulary_of(step, vocabulary, least=4)
    steps, ids = count("steps", steps, 2), _sentences(V, count("length", length, 2), np.random.default_rng(seed))
    update = _updates(step, lr) if isinstance(step, nn.Module) else step
    losses = []
    while len(losses) < steps and (not losses or math.isfinite(losses[-1])):
        losses.append(_number(update(ids[:, :-1].copy(), ids[:, 1:].copy())))
    remark = _start(losses[0], V)
    return Finding("learns", losses[0] > bound > losses[-1], _course(losses, bound), (remark,))


def _sentences(V, T, rng) -> np.ndarray:
    ids = rng.integers(V, size=(4, T + 1))
    ids[:, 0] = rng.permutation(V)[:4]
    return ids


def _updates(model, lr) -> Callable:
    """Training steps of a copy."""
    model = copy.deepcopy(model).eval()
    optimizer = training.AdamW(model.parameters(), lr)

    def update(ids, targets):
        optimizer.zero_grad()
        loss = autograd.cross_entropy(model(ids), targets=targets)
        loss.backward()
        optimizer.step()
        return loss

    return update


def _number(loss: Any) -> float:
    try:
        return float(loss.item() if hasattr(loss, "item") else loss)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"step returned a {type(loss).__name__}; expected the loss, one number: return loss.item()"
        ) from None


def _course(losses, bound) -> str:
    first, last, steps = losses[0], losses[-1], len(losses)
    wanted = f"expected less than {bound:g}"
    if not math.isfinite(last):
        return f"The loss is {last} after {steps} steps: training diverges; is the learning rate too high?"
    if first <= bound:
        return f"The loss starts at {first:.3g}, expected more than {bound:g}: nothing can be known before training."
    if min(losses) == max(losses):
        return f"The loss stays at {first:.3g} for {steps} steps, {wanted}: are the parameters updated at all?"
    if last < bound:
        return f"The loss fell from {first:.3g} to {last:.2g} in {steps} steps, below {bound:g}."
    return f"The loss went from {first:.3g} to {last:.3g} in {steps} steps, {wanted}."


def _start(first, V) -> str:
    near = abs(first - math.log(V)) <= NEAR
    remark = f"It starts at {first:.3g}, {'near' if near else 'not near'} ln V = {math.log(V):.3g}, that of guessing"
    return f"{remark}." if near else f"{remark}: are the first weights too large, or is the loss no mean in nats?"
