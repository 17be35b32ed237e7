"""How well a model predicts a text it has not been trained on."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from minilm.autograd import no_grad
from minilm.data import consecutive

from .parallel import ALONE, Group
from .source import EachOnce


class Predicts(Protocol):
    """Every model here: a language model with a window, an encoder-decoder whose loss also takes the source, a Bert."""

    def loss(self, *batch: ArrayLike): ...


def total_nats(
    model: Predicts, ids: ArrayLike | EachOnce, *, batch: int = 64, group: Group = ALONE
) -> tuple[float, int]:
    """Σ -ln P(idₜ | those before it in its window), over non-overlapping windows of the training length.

    Every id but the first is predicted once. The windows' first ids have little context, so this is an upper bound
    of what the model can do; it is the same for every model with the same window. Of data sets such as `Pairs`, each
    target is predicted once. The ranks of a group take batches in turn; all learn the sum.

    Returns
    -------
    (float, int)
        The sum in nats, and over how many predictions.
    """
    nats, count = 0.0, 0
    with no_grad(), evaluating(model):
        batches = ids.each_once(batch) if isinstance(ids, EachOnce) else consecutive(ids, model.window, batch)
        for *inputs, targets in islice(batches, group.rank, None, group.size):
            counted = np.count_nonzero(targets != -1)
            nats += float(model.loss(*inputs, targets).item()) * counted
            count += counted
    nats, count = group.sum(np.array([nats, count], np.float64))
    return float(nats), int(count)


def mean_loss(model: Predicts, ids: ArrayLike | EachOnce, *, batch: int = 64, group: Group = ALONE) -> float:
    """Nats per token: the sum divided once, not a mean of means."""
    nats, count = total_nats(model, ids, batch=batch, group=group)
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
