"""N-gram language models: how often did this token follow these tokens, and what if it never did?"""

import numpy as np
from numpy.typing import ArrayLike

from .smoothing import SHORT, Level, add_k, count, jelinek_mercer, kneser_ney

SMOOTHINGS = {"kneser-ney": kneser_ney, "interpolation": jelinek_mercer, "add-k": add_k}


class NGram:
    """p(wₜ | wₜ₋ₙ₊₁ … wₜ₋₁), estimated by counting.

    Every smoothing mixes the counts of order n with the next lower order, down to the uniform distribution p₀ = 1/V,
    so that no token is impossible (h is the context, h′ the context without its first token):

        pₙ(w | h) = gain(h w) + back(h) · pₙ₋₁(w | h′)        and pₙ₋₁(w | h′) alone if the text has no h

    * "kneser-ney", interpolated:  gain = max(c(hw) − Dₙ, 0) / c(h),  back = Dₙ · |{v : c(hv) > 0}| / c(h).  Below the
      highest order c(hw) is the number of different tokens seen before hw. Each order has one discount, estimated as
      Dₙ = n₁ / (n₁ + 2 n₂) from the numbers of n-grams counted once and twice (Ney, Essen, Kneser 1994); where nothing
      was counted once, Dₙ = ½.
    * "interpolation" (Jelinek and Mercer 1980):  gain = λₙ c(hw) / c(h),  back = 1 − λₙ.  The weights λₙ make the text
      likeliest when each n-gram is left out of the counts that predict it (expectation maximisation, ten rounds).
    * "add-k":  (c(hw) + k) / (c(h) + k V): gain = c(hw) / (c(h) + k V), and back = k V / (c(h) + k V) goes to p₀.

    The first tokens of a row have shorter contexts: they are predicted by the lower orders. A text that should know
    where it begins brings a start token of its own.

    Parameters
    ----------
    vocabulary
        V, the number of different tokens.
    order
        n: a token is predicted from the n − 1 before it.
    smoothing
        "kneser-ney", "interpolation" or "add-k".
    k
        What "add-k" adds to every count; 1 is Laplace's rule.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    S. Chen, J. Goodman, *An empirical study of smoothing techniques for language modeling*, Computer Speech and
    Language 13, 1999: sections 2.1 (add-k), 2.3 (interpolation), 2.6 and 2.7 (Kneser-Ney).

    Examples
    --------
    >>> model = NGram(vocabulary=3, order=2, smoothing="add-k").fit(np.array([0, 1, 0, 1, 0, 2]))
    >>> np.exp(model.log_probs(np.array([[0]]))).round(3).tolist()  # 0 is followed by 1, 1, 2: (0 1 2) counts + 1, of 6
    [[[0.167, 0.5, 0.333]]]
    """

    window = 1024  # long, so that few tokens of a window have short contexts

    def __init__(self, vocabulary: int, order: int, smoothing: str = "kneser-ney", *, k: float = 1.0):
        if vocabulary < 1:
            raise ValueError(f"vocabulary is {vocabulary}; expected the number of different tokens, 1 or more")
        if order < 1:
            raise ValueError(f"order is {order}; expected 1 (no context) or more, such as 5 for characters")
        if smoothing not in SMOOTHINGS:
            raise ValueError(f"smoothing is {smoothing!r}; expected one of {', '.join(map(repr, SMOOTHINGS))}")
        if not 0 < k < np.inf:
            raise ValueError(f"k is {k}; expected a number above 0: with 0 an unseen token would be impossible")
        self.vocabulary, self.order, self.smoothing, self.k = vocabulary, order, smoothing, k
        self.settings = {"vocabulary": vocabulary, "order": order, "smoothing": smoothing, "k": k}
        self.levels: list[Level] = []

    def fit(self, ids: ArrayLike) -> "NGram":
        """Count the n-grams of a text, ids (N,), in place of all counted before.

        Raises
        ------
        ValueError
            If ids is not one row of at least `order` tokens of the vocabulary.
        """
        ids = self._known("ids", ids)
        if ids.ndim != 1 or len(ids) < self.order:
            raise ValueError(f"ids has shape {ids.shape}; expected (N,) with N at least {self.order}, the order")
        self._build(count(ids, self.vocabulary, self.order))
        return self

    def log_probs(self, ids: ArrayLike) -> np.ndarray:
        """log p(v | the tokens up to t) for every token v.   ids (B, T)   ->   (B, T, V), float64"""
        return self._log_probs(self._contexts(self._known("ids", ids))[:, :, 1:, None], np.arange(self.vocabulary))

    def token_log_probs(self, ids: ArrayLike, targets: ArrayLike) -> np.ndarray:
        """log p(targets[b, t] | ids[b, : t + 1]).   ids, targets (B, T)   ->   (B, T), float64"""
        ids, targets = self._known("ids", ids), self._known("targets", targets)
        if ids.shape != targets.shape:
            raise ValueError(f"targets has shape {targets.shape}; expected {ids.shape}, one target for each of ids")
        return self._log_probs(self._contexts(ids)[:, :, 1:], targets)

    def loss(self, ids: ArrayLike, targets: ArrayLike) -> np.float64:
        """−(1/N) Σ log p, the mean over N targets in nats.   ids, targets (B, T); a target of −1 does not count"""
        counted = np.asarray(targets) != -1
        if not counted.any():
            raise ValueError(f"targets has {counted.size} entries, none that counts; expected one that is not -1")
        return -self.token_log_probs(ids, np.where(counted, targets, 0))[counted].mean()

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """prompt (B, T) -> log-probabilities (B, V), and the state: the contexts (order, B)."""
        state = self._contexts(self._known("prompt", prompt))[:, :, -1]
        return self._log_probs(state[:, :, None], np.arange(self.vocabulary)), state

    def step(self, ids: ArrayLike, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Append a token to each context, ids (B,) -> log-probabilities (B, V), and the contexts (order, B)."""
        ids = self._known("ids", ids)
        if ids.shape != state.shape[1:]:
            raise ValueError(f"ids has shape {ids.shape}; expected {state.shape[1:]}, a token for each context")
        longer = [level.find(context, ids) for level, context in zip(self.levels[:-1], state[:-1], strict=True)]
        state = np.stack([np.zeros_like(ids), *longer])
        return self._log_probs(state[:, :, None], np.arange(self.vocabulary)), state

    def reorder(self, state: np.ndarray, rows: ArrayLike) -> np.ndarray:
        """The contexts of the given rows."""
        return state[:, rows]

    def join(self, states: list[np.ndarray]) -> np.ndarray:
        """The contexts of several states."""
        return np.concatenate(states, axis=1)

    def summary(self) -> str:
        """A table of what was counted."""
        rows = [f"{'order':>5}  {'distinct n-grams':>16}  {'seen once':>12}  {'counted':>12}"]
        for n, level in enumerate(self._fitted(), 1):
            counts = level.counts
            rows.append(f"{n:>5}  {len(counts):>16,}  {(counts == 1).sum():>12,}  {counts.sum():>12,}")
        return "\n".join([f"NGram, order {self.order}, {self.smoothing}, vocabulary {self.vocabulary:,}", *rows])

    def state_dict(self) -> dict[str, np.ndarray]:
        """The counts are the model: keys and counts of each order, (number of n-grams,) int64."""
        state = {"vocabulary": np.array([self.vocabulary])}
        for n, level in enumerate(self._fitted(), 1):
            state |= {f"keys.{n}": level.keys, f"counts.{n}": level.counts}
        return state

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Take over counts from `state_dict`.

        Raises
        ------
        ValueError
            If they are of another order or vocabulary.
        """
        names = {"vocabulary", *(f"{kind}.{n}" for n in range(1, self.order + 1) for kind in ("keys", "counts"))}
        if set(state) != names:
            differing = ", ".join(sorted(set(state) ^ names))
            raise ValueError(f"state lacks or has too much: {differing}; expected the counts of order {self.order}")
        (vocabulary,) = state["vocabulary"]
        if vocabulary != self.vocabulary:
            raise ValueError(f"state has vocabulary {vocabulary}; expected {self.vocabulary}, that of this model")
        self._build([(state[f"keys.{n}"], state[f"counts.{n}"]) for n in range(1, self.order + 1)])

    def _build(self, keys_and_counts):
        self.levels = []
        for keys, counts in keys_and_counts:
            lower = self.levels[-1] if self.levels else None
            self.levels.append(Level(keys, counts, lower, self.vocabulary))
        SMOOTHINGS[self.smoothing](self)

    def _contexts(self, ids):
        """The numbers of the last m tokens after t tokens, for m = 0 … order − 1.   ids (B, T) -> (order, B, T + 1)"""
        if ids.ndim != 2:
            raise ValueError(f"ids has shape {ids.shape}; expected (B, T): one row of tokens becomes ids[None]")
        contexts = np.full((self.order, len(ids), ids.shape[1] + 1), SHORT)
        contexts[0] = 0  # there is one 0-gram, the empty one
        for m, level in enumerate(self._fitted()[:-1], 1):
            contexts[m, :, 1:] = level.find(contexts[m - 1, :, :-1], ids)
        return contexts

    def _log_probs(self, contexts, tokens):
        """log p of the tokens, each after its contexts (order, ...)."""
        p = uniform = 1 / self.vocabulary
        for context, level in zip(contexts, self._fitted(), strict=True):
            # add-k knows no lower order, only shorter contexts at the beginning of a row
            lower = np.where(context == SHORT, p, uniform) if self.smoothing == "add-k" else p
            p = level.gain[level.find(context, tokens)] + level.back[context] * lower
        return np.log(p)

    def _fitted(self):
        if not self.levels:
            raise ValueError("this NGram has counted nothing; call fit(ids) or load_state_dict(...) first")
        return self.levels

    def _known(self, name, ids):
        """ids as int64, known to be in the vocabulary."""
        ids = np.asarray(ids)
        if not np.issubdtype(ids.dtype, np.integer):
            raise ValueError(f"{name} holds {ids.dtype}; expected integers: encode text with a tokenizer first")
        if ids.size and (ids.min() < 0 or ids.max() >= self.vocabulary):
            raise ValueError(
                f"{name} runs from {ids.min()} to {ids.max()}; expected ids from 0 to {self.vocabulary - 1}: "
                "encode text with the model's own tokenizer"
            )
        return ids.astype(np.int64)
