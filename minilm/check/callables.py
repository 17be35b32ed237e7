"""Models of any make as functions from ids (B, T) to logits (B, T, V), and a look at what they give."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minilm import nn
from minilm.autograd import Tensor, no_grad

B = 4  # sequences that are read side by side
TOLERANCE = 5e-6  # of the largest logit: what float32 may do, and no influence does


def logits_of(model: Callable, ids: np.ndarray, vocabulary: int) -> np.ndarray:
    """model(ids), an array (B, T, V) of finite numbers; a ValueError if it is something else."""
    with without_chance(model), no_grad():
        given = model(ids.copy())
    return as_finite(f"the output of model for ids of shape {ids.shape}", given, (*ids.shape, vocabulary), "(B, T, V)")


def as_finite(name: str, given: Any, shape: tuple[int, ...], letters: str) -> np.ndarray:
    """A Tensor or an array as float64, if it is of that shape and finite."""
    try:
        array = np.asarray(given.data if isinstance(given, Tensor) else given).astype(np.float64)
    except (TypeError, ValueError, RuntimeError):  # the last is PyTorch's, for tensors that require gradients
        raise ValueError(
            f"{name} is a {type(given).__name__}; expected a NumPy array or a minilm Tensor: "
            "wrap another library's model, lambda ids: model(torch.tensor(ids)).detach().numpy()"
        ) from None
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}; expected {letters} = {shape}: logits of the token after each, "
            "one for each of the vocabulary"
        )
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name} is {array[where]} at {list(where)}; expected finite logits: "
            "training diverged, or a softmax was taken over masked places only"
        )
    return array


def vocabulary_of(model: Any, vocabulary: int | None, least: int = 2) -> int:
    """V as it was given, or as the model has it."""
    found = getattr(model, "vocabulary", None) if vocabulary is None else vocabulary
    if found is None:
        raise ValueError("vocabulary is None, and model has no .vocabulary; expected V: pass vocabulary=...")
    return count("vocabulary", found, least)


def count(name: str, value: Any, least: int) -> int:
    """A whole number, large enough."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is {value!r}; expected a whole number, {least} or more")
    return int(value)


def check_callable(**functions: Any) -> None:
    """Each is a function, or a model that can be called."""
    for name, function in functions.items():
        if not callable(function):
            raise ValueError(
                f"{name} is {function!r}; expected a function of ids: pass {name}=..., or a model that has it"
            )


@contextmanager
def without_chance(model: Any) -> Iterator[None]:
    """With the dropout of a minilm model switched off inside."""
    modules = model.modules() if isinstance(model, nn.Module) else []
    before = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training


def changed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """By how much logits differ at each position, 0 if by rounding only.   (..., V), (..., V) -> (...)"""
    change = np.abs(a - b).max(axis=-1, initial=0.0)
    return np.where(change > TOLERANCE * max(1e-30, np.abs(a).max(initial=0.0)), change, 0.0)


class Subject(NamedTuple):
    """A model under test, and random sequences to read."""

    model: Callable
    vocabulary: int
    ids: np.ndarray
    rng: np.random.Generator

    def read(self, ids: np.ndarray) -> np.ndarray:
        """Logits (B, T, V)."""
        return logits_of(self.model, ids, self.vocabulary)

    def another(self, ids: np.ndarray) -> np.ndarray:
        """For each id a different one."""
        return (ids + self.rng.integers(1, self.vocabulary, size=ids.shape)) % self.vocabulary


def subject_of(model: Callable, vocabulary: int | None, length: int, seed: int) -> Subject:
    """A model to be probed, after a look that it does the same when called again; a ValueError if not."""
    check_callable(model=model)
    V, T, rng = vocabulary_of(model, vocabulary), count("length", length, 3), np.random.default_rng(seed)
    subject = Subject(model, V, rng.integers(V, size=(B, T)), rng)
    if changed(subject.read(subject.ids), subject.read(subject.ids)).any():
        raise ValueError(
            "model gives another output the second time; expected the same for the same ids: "
            "switch dropout off, and forget any state between calls"
        )
    return subject
