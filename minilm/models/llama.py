"""Llama: the decoder that most published language models are, from SmolLM2 to Mistral."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm import nn
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect_count

from .language_model import LanguageModel, next_log_probs


class LlamaState(NamedTuple):
    """The tokens so far (B, T), and their keys and values in each block."""

    ids: np.ndarray
    past: list[nn.KeyValues]


class Llama(LanguageModel):
    """logits = norm(blocks(embedding[ids])) W (Touvron et al. 2023, arXiv:2302.13971, section 2.2)

    A GPT with pre-norm blocks, and in them: RMS norms, rotary positions, a SwiGLU for the feed-forward layer, keys and
    values of fewer heads than the queries have (2023, arXiv:2307.09288), and no bias anywhere.

    Parameters
    ----------
    vocabulary, width, layers, heads, context : int
        V, C, L, H, and the largest T.
    kv_heads : int, optional
        Heads of keys and values; H if not given.
    hidden : int, optional
        F, channels within a feed-forward layer. If not given 8/3 C, so that its three matrices are as large as two of
        4 C.
    theta : float
        The base of the rotary angles.
    eps : float
        Of the norms.
    tied : bool
        Whether the embeddings are the columns of W.

    Examples
    --------
    >>> model = Llama(65, width=16, layers=2, heads=4, kv_heads=2, context=8, rng=np.random.default_rng(0))
    >>> model(np.zeros((1, 5), int)).shape
    (1, 5, 65)
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        kv_heads: int | None = None,
        hidden: int | None = None,
        context: int = 128,
        theta: float = 10_000.0,
        eps: float = 1e-5,
        tied: bool = True,
        rng: np.random.Generator | None,
    ):
        expect_count("context", context)
        self.vocabulary, self.window = vocabulary, context
        self.settings = {
            "vocabulary": vocabulary, "width": width, "layers": layers, "heads": heads, "kv_heads": kv_heads,
            "hidden": hidden, "context": context, "theta": theta, "eps": eps, "tied": tied,
        }  # fmt: skip
        rotary = nn.RotaryPositions(context, nn.head_width(width, heads), base=theta)
        self.head = nn.Linear(width, vocabulary, bias=False, rng=rng)
        self.embedding = nn.TiedEmbedding(self.head) if tied else nn.Embedding(vocabulary, width, rng=rng)
        self.decoder = nn.Decoder(
            layers, width, heads, kv_heads=kv_heads, hidden=hidden or 8 * width // 3, bias=False, rotary=rotary,
            norm=nn.RMSNorm, feed_forward=nn.SwiGLU, eps=eps, rng=rng,
        )  # fmt: skip

    def __call__(self, ids: ArrayLike) -> Tensor:
        ids = self._checked(ids)
        nn.check_context(ids.shape[1], self.window)
        return self.head(self.decoder(self.embedding(ids)))

    def start(self, prompt: ArrayLike) -> tuple[np.ndarray, LlamaState]:
        """Of a prompt longer than the context the last `context` tokens count."""
        return self._read(self._checked(prompt)[:, -self.window :])

    def step(self, ids: ArrayLike, state: LlamaState) -> tuple[np.ndarray, LlamaState]:
        """When the context is full, it goes on from the last half of it."""
        ids = np.concatenate([state.ids, self._checked_next(ids, len(state.ids))], axis=1)
        if ids.shape[1] > self.window:
            return self._read(ids[:, -max(self.window // 2, 1) :])
        return self._read(ids, state.past)

    def reorder(self, state: LlamaState, rows: ArrayLike) -> LlamaState:
        return LlamaState(state.ids[rows], [seen.reorder(rows) for seen in state.past])

    def _read(self, ids, past=None):
        """Log-probabilities after `ids`, of which `past` knows the beginning."""
        known = past[0].keys.shape[2] if past else 0
        with no_grad():
            hidden, past = self.decoder.extend(self.embedding(ids[:, known:]), past=past)
            return next_log_probs(self.head(hidden[:, -1:])), LlamaState(ids, past)
