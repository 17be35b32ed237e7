"""Probes of whole models of any make: functions from ids (B, T) to logits (B, T, V); nothing but `learns` trains them.

Another library's model is wrapped in one line: check.causal(lambda ids: model(torch.tensor(ids)).detach().numpy(), V)
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minilm.autograd import Tensor, log_softmax

from .callables import B, as_finite, changed, check_callable, count, subject_of, without_chance
from .finding import Finding
from .learning import learns

__all__ = ["batch_order", "bidirectional", "cache", "causal", "learns", "padding", "positions"]

CAUSAL = "No output depends on a later token: is there a causal mask?"
MIXES = "Is there a mean over the batch, as in batch normalisation, or a reshape that takes B for T?"
BAG = "Replacing one of them did change one: the model sees a bag of words."
BLIND = "Nor did replacing one of them: the model does not see them at all."


def _influence(subject) -> np.ndarray:
    """How much the output at position s changes when the token at position t does.   -> (t, s)"""
    before, rows = subject.read(subject.ids), []
    for t in range(subject.ids.shape[1]):
        ids = subject.ids.copy()
        ids[:, t] = subject.another(ids[:, t])
        rows.append(changed(before, subject.read(ids)).max(axis=0))
    return np.array(rows)


def causal(model: Callable, vocabulary: int | None = None, length: int = 8, seed: int = 0) -> Finding:
    """Whether no output depends on a later token, and each token is read by some output.

    Parameters
    ----------
    model : callable
        From ids (B, T) to logits (B, T, V).
    vocabulary : int, optional
        V, if the model has no attribute of that name.
    length, seed : int
        T, and the seed of the random ids.

    Raises
    ------
    ValueError
        If the output has another shape, is not finite, or differs from call to call.

    Examples
    --------
    >>> E = np.random.default_rng(0).standard_normal((11, 5))
    >>> causal(lambda ids: E[ids].cumsum(axis=1) @ E.T, vocabulary=11)
    causal: ✓ correct. Changing a token never changed an output before it (8 positions, 4 sequences).
    >>> causal(lambda ids: E[ids][:, ::-1].cumsum(axis=1)[:, ::-1] @ E.T, vocabulary=11).notes
    ('No token changes a later output: is the mask upside down?',)
    """
    effect = _influence(subject_of(model, vocabulary, length, seed))
    early = np.tril(effect, -1)
    if early.any():
        t, s = np.unravel_index(early.argmax(), early.shape)
        sentence = (
            f"Changing the token at position {t} changed the output at position {s} (by {early[t, s]:.2g}): "
            "the model sees the future."
        )
        return Finding("causal", False, sentence, tuple(_kinds_of_leak(effect)))
    if (t := _unread(effect)) is not None:
        return Finding("causal", False, f"Changing the token at position {t} changed no output: it is never read.")
    sentence = f"Changing a token never changed an output before it ({length} positions, {B} sequences)."
    return Finding("causal", True, sentence)


def _kinds_of_leak(effect) -> Iterator[str]:
    t, s = np.tril(effect, -1).nonzero()
    if not np.triu(effect, 1).any():
        yield "No token changes a later output: is the mask upside down?"
    elif (t - s == 1).all():
        yield "It is always the very next token that is seen: is the mask, or the shift of the targets, off by one?"


def _unread(effect) -> int | None:
    unread = np.flatnonzero(~effect.any(axis=1))
    return int(unread[0]) if unread.size else None


def bidirectional(model: Callable, vocabulary: int | None = None, length: int = 8, seed: int = 0) -> Finding:
    """Whether every output depends on every token, as in an encoder. Arguments and errors are those of `causal`.

    >>> E = np.random.default_rng(0).standard_normal((11, 5))
    >>> bidirectional(lambda ids: (E[ids] + E[ids].sum(axis=1, keepdims=True)) @ E.T, vocabulary=11).correct
    True
    """
    effect = _influence(subject_of(model, vocabulary, length, seed))
    if effect.all():
        return Finding("bidirectional", True, f"Changing any token changed the output at each of {length} positions.")
    t, s = np.argwhere(effect == 0)[0]
    sentence = (
        f"Changing the token at position {t} left the output at position {s} as it was: it is not seen from there."
    )
    causal_mask = np.triu(effect).any() and not np.tril(effect, -1).any()
    return Finding("bidirectional", False, sentence, (CAUSAL,) if causal_mask else ())


def padding(model: Callable, pad_id: int, vocabulary: int | None = None, length: int = 8, seed: int = 0) -> Finding:
    """Whether padding behind a text changes nothing: neither the outputs of this row, nor those of others in the batch.

    Random texts are drawn from the ids other than pad_id; the rest is as in `causal`.

    >>> E = np.random.default_rng(0).standard_normal((11, 5))
    >>> padding(lambda ids: (E[ids] + E[ids].mean(axis=1, keepdims=True)) @ E.T, pad_id=0, vocabulary=11)
    padding: ✗ not yet. 7 pads behind 1 token changed the output at position 0 (by 3.3): padding is attended to.
    """
    pad_id, subject = count("pad_id", pad_id, -1), subject_of(model, vocabulary, length, seed)
    texts = subject.rng.choice(np.setdiff1d(np.arange(subject.vocabulary), [pad_id]), size=(length, length))
    lengths = np.arange(1, length + 1)
    padded = np.where(np.arange(length) < lengths[:, None], texts, pad_id)  # row i is a text of i + 1 tokens
    together = subject.read(padded)
    for n, row, among in zip(lengths, padded, together, strict=True):
        alone, behind = subject.read(row[None, :n])[0], subject.read(row[None])[0, :n]
        if found := _difference(behind, alone):
            what = f"{_plural(length - n, 'pad')} behind {_plural(n, 'token')} changed the output {found}"
            return Finding("padding", False, f"{what}: padding is attended to.")
        if found := _difference(among[:n], alone):
            what = f"A row of {_plural(n, 'token')} has another output {found} in a batch of padded rows than alone"
            return Finding("padding", False, f"{what}: is it the mask of another row?")
    sentence = f"Texts of 1 to {length} tokens have the same outputs, padded to {length} or not, alone or in a batch."
    return Finding("padding", True, sentence)


def _plural(n, noun) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _difference(a, b) -> str:
    """Where two rows of outputs (T, V) differ most, in words; nothing if they do not."""
    change = changed(a, b)
    return f"at position {change.argmax()} (by {change.max():.2g})" if change.any() else ""


def batch_order(model: Callable, vocabulary: int | None = None, length: int = 8, seed: int = 0) -> Finding:
    """Whether a row's outputs are the same alone, and in a batch whatever the order. Arguments are those of `causal`.

    >>> E = np.random.default_rng(0).standard_normal((11, 5))
    >>> batch_order(lambda ids: (E[ids] - E[ids].mean(axis=0)) @ E.T, vocabulary=11).correct
    False
    """
    subject = subject_of(model, vocabulary, length, seed)
    together, turned = subject.read(subject.ids), subject.read(subject.ids[::-1])[::-1]
    for b in range(B):
        alone = subject.read(subject.ids[b : b + 1])[0]
        for other, how in ((alone, "alone"), (turned[b], "in a batch in reverse order")):
            if found := _difference(other, together[b]):
                sentence = f"Row {b} has another output {found} {how} than in the batch: the model mixes rows."
                return Finding("batch_order", False, sentence, (MIXES,))
    return Finding("batch_order", True, f"{B} rows have the same outputs alone, together, and in reverse order.")


def positions(model: Callable, vocabulary: int | None = None, length: int = 8, seed: int = 0) -> Finding:
    """Whether the order of the tokens before matters: swapping two changes a later output. Arguments as for `causal`.

    >>> E = np.random.default_rng(0).standard_normal((11, 5))
    >>> positions(lambda ids: E[ids].cumsum(axis=1) @ E.T, vocabulary=11)
    positions: ✗ not yet. Swapping the tokens at positions 0 and 1 changed no later output: the order is not seen.
      Replacing one of them did change one: the model sees a bag of words.
    """
    subject = subject_of(model, vocabulary, length, seed)
    for t in range(length - 2):
        ids = subject.ids.copy()
        ids[:, t + 1] = subject.another(ids[:, t])  # two of a kind cannot be swapped
        swapped, replaced = ids.copy(), ids.copy()
        swapped[:, [t, t + 1]] = ids[:, [t + 1, t]]
        replaced[:, t] = ids[:, t + 1]
        before, after, other = (subject.read(x)[:, t + 2 :] for x in (ids, swapped, replaced))
        if not changed(before, after).any():
            sentence = (
                f"Swapping the tokens at positions {t} and {t + 1} changed no later output: the order is not seen."
            )
            seen = changed(before, other).any()
            return Finding("positions", False, sentence, (BAG if seen else BLIND,))
    sentence = f"Swapping any two neighbours among {length} tokens, but the last, changed a later output."
    return Finding("positions", True, sentence)


def cache(
    model: Any = None,
    vocabulary: int | None = None,
    length: int = 8,
    seed: int = 0,
    *,
    full: Callable | None = None,
    start: Callable | None = None,
    step: Callable | None = None,
) -> Finding:
    """Whether decoding step by step gives the log-probabilities of the full pass, for prompts short and long.

    Parameters
    ----------
    model : object, optional
        Speaks the decoding protocol, model.start and model.step, and can be called.
    full, start, step : callable, optional
        Instead of the model's: full(ids (B, T)) -> logits (B, T, V), start(ids (B, T)) -> (logits (B, V), state),
        step(ids (B,), state) -> the same. Logits or log-probabilities, either will do.
    vocabulary, length, seed
        And errors, as for `causal`.

    Examples
    --------
    >>> E = np.random.default_rng(0).standard_normal((11, 5))
    >>> def full(ids):
    ...     return E[ids].cumsum(axis=1) @ E.T
    >>> def start(ids):
    ...     return E[ids].sum(axis=1) @ E.T, E[ids].sum(axis=1)
    >>> def step(ids, state):
    ...     return (state + E[ids]) @ E.T, state + E[ids]
    >>> cache(full=full, start=start, step=step, vocabulary=11).correct
    True
    >>> print(cache(full=full, start=start, step=lambda ids, state: start(ids[:, None]), vocabulary=11).sentence)
    After a prompt of 1 token the step that reads position 1 differs from the full pass (by 15).
    """
    full, start, step = full or model, start or getattr(model, "start", None), step or getattr(model, "step", None)
    check_callable(full=full, start=start, step=step)
    V = getattr(model, "vocabulary", None) if vocabulary is None else vocabulary
    subject = subject_of(full, V, length, seed)
    expected = _log_probs(subject.read(subject.ids))
    for n in sorted({1, length // 2, length}):
        for t, found in _decoded(model, start, step, subject, n):
            if change := changed(expected[:, t], found).max():
                prompt = f"a prompt of {_plural(n, 'token')}"
                where = f"The start with {prompt}" if t == n - 1 else f"After {prompt} the step that reads position {t}"
                return Finding("cache", False, f"{where} differs from the full pass (by {change:.2g}).")
    return Finding("cache", True, f"Prompts of 1 to {length} tokens and all steps after them equal the full pass.")


def _decoded(model, start, step, subject, n) -> Iterator[tuple[int, np.ndarray]]:
    """The position that was read last, and the log-probabilities after it, step by step."""
    with without_chance(model):
        logits, state = _pair("start", start(subject.ids[:, :n].copy()))
        yield n - 1, _next("start", logits, subject)
        for t in range(n, subject.ids.shape[1]):
            logits, state = _pair("step", step(subject.ids[:, t].copy(), state))
            yield t, _next("step", logits, subject)


def _log_probs(logits) -> np.ndarray:
    return log_softmax(Tensor(logits)).data


def _pair(name, given) -> tuple:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ValueError(f"{name} returned {type(given).__name__}; expected (log-probabilities (B, V), state)")
    return given


def _next(name, logits, subject) -> np.ndarray:
    return _log_probs(as_finite(f"the output of {name}", logits, (B, subject.vocabulary), "(B, V)"))
