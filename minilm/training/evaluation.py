"""How well a model predicts a text it has not been trained on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from numpy.typing import ArrayLike

from minilm.autograd import no_grad
from minilm.data import consecutive


class Predicts(Protocol):
    """Every language model here, n-gram or neural."""

    window: int

    def loss(self, ids: ArrayLike, targets: ArrayLike): ...


def total_nats(model: Predicts, ids: ArrayLike, *, batch: int = 64) -> tuple[float, int]:
    """Σ -ln P(idₜ | those before it in its window), over non-overlapping windows of the training length.

    Every id but the first is predicted once. The windows' first ids have little context, so this is an upper bound
    of what the model can do; it is the same for every model with the same window.

    Returns
    -------
    (float, int)
        The sum in nats, and over how many predictions.
    """
    nats, count = 0.0, 0
    with no_grad(), evaluating(model):
        for inputs, targets in consecutive(ids, model.window, batch):
            nats += float(model.loss(inputs, targets).item()) * targets.size
            count += targets.size
    return nats, count


def mean_loss(model: Predicts, ids: ArrayLike, *, batch: int = 64) -> float:
    """Nats per token: the sum divided once, not a mean of means."""
    nats, count = total_nats(model, ids, batch=batch)
    return nats / count


@contextmanager
def evaluating(model: Predicts) -> Iterator[None]:
    """Dropout off inside, and afterwards as it was; models without dropout are left alone."""
    was_training = getattr(model, "training", False)
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()
