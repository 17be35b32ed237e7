"""A text read from both sides by a recurrent network, and one question about the whole of it."""

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, nn
from minilm.autograd import Tensor
from minilm.data import length_mask
from minilm.expect import expect, expect_count

from .padding import checked_rows

POOLINGS = ("mean", "max")
PRIME = 7919  # by which the first of two neighbours is multiplied


class RecurrentClassifier(nn.Module):
    """P(class | text) = softmax(pool(h) W + b), h = [h→, h←] from a bidirectional LSTM or GRU over the tokens.

    The pool is the mean or the maximum over a text's own tokens, padding left out: every token is as near to the answer
    as every other. (Graves and Schmidhuber 2005, for both directions; Conneau et al. 2017, arXiv:1705.02364, for max.)

    Parameters
    ----------
    vocabulary, classes, embedding, width, layers : int
        V, the number of classes, channels of an embedding, H of each direction, cells on each other.
    pad, unknown : int
        The id that fills up shorter texts, at their end; and what a token becomes that word dropout takes.
    cell : {"lstm", "gru", "rnn"}
    pool : {"max", "mean"}
    pairs : int
        Rows of a second table P, or 0 for none: then token t is read as E[xₜ] + P[hash(xₜ, xₜ₊₁)], so that two tokens
        side by side, as in most Chinese words, mean something of their own. Which pairs share a row is left to chance
        (Joulin et al. 2016, arXiv:1607.01759, section 2.2).
    dropout : float
        Of embeddings and of the pooled vector.
    word_dropout : float
        The probability that a token is hidden in training (Iyyer et al. 2015, section 3.2), so that the answer cannot
        hang on one of them.

    Raises
    ------
    ValueError
        If a setting is out of range.

    Examples
    --------
    >>> model = RecurrentClassifier(9, 3, pad=0, unknown=1, rng=np.random.default_rng(0))
    >>> model(np.array([[5, 6, 7], [8, 0, 0]])).shape
    (2, 3)
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        pad: int,
        unknown: int,
        embedding: int = 64,
        width: int = 64,
        layers: int = 1,
        cell: str = "lstm",
        pool: str = "max",
        pairs: int = 0,
        dropout: float = 0.5,
        word_dropout: float = 0.1,
        rng: np.random.Generator,
    ):
        for name, value in {"pad": pad, "unknown": unknown}.items():
            expect(name, value, 0 <= value < vocabulary, f"an id of the vocabulary, from 0 to {vocabulary - 1}")
        expect("pool", repr(pool), pool in POOLINGS, " or ".join(POOLINGS))
        expect_count("pairs", pairs, 0)
        expect("pairs", pairs, not pairs or pairs % PRIME, f"no multiple of {PRIME}, or the first would not count")
        expect("word_dropout", word_dropout, 0 <= word_dropout < 1, "0 <= word_dropout < 1")
        self.settings = {
            "vocabulary": vocabulary, "classes": classes, "pad": pad, "unknown": unknown, "embedding": embedding,
            "width": width, "layers": layers, "cell": cell, "pool": pool, "pairs": pairs,
            "dropout": dropout, "word_dropout": word_dropout,
        }  # fmt: skip
        self.vocabulary, self.pad, self.unknown, self.pool = vocabulary, pad, unknown, pool
        self.word_dropout, self.rng = word_dropout, rng
        self.embedding = nn.Embedding(vocabulary, embedding, rng=rng)
        self.pairs = nn.Embedding(pairs, embedding, rng=rng) if pairs else None
        for some in filter(None, (self.embedding, self.pairs)):
            some.table.data *= np.float32(0.1)  # so that the few updates of a rare token outweigh its beginning
        self.recurrent = nn.Recurrent(cell, embedding, width, layers=layers, bidirectional=True, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.head = nn.Linear(2 * width, classes, rng=rng)

    def __call__(self, ids: ArrayLike, segments: ArrayLike | None = None) -> Tensor:
        """Logits of the classes.   ids (B, T), filled up with `pad`; segments are ignored   ->   (B, classes)

        Raises
        ------
        ValueError
            If ids are not (B, T) of the vocabulary, or padding stands before a token.
        """
        ids = checked_rows("ids", ids, self.vocabulary, self.pad)
        lengths = (ids != self.pad).sum(axis=1)
        hidden, _ = self.recurrent(self.dropout(self._embedded(self._some_hidden(ids))), lengths=lengths)
        return self.head(self.dropout(pooled(hidden, lengths, self.pool)))

    def loss(self, ids: ArrayLike, segments: ArrayLike | None, labels: ArrayLike) -> Tensor:
        """Mean of -ln P(label), in nats.   labels (B,)"""
        return autograd.cross_entropy(self(ids, segments), targets=labels)

    def summary(self) -> str:
        """Layers, shapes and numbers of parameters, as a table."""
        return nn.summary(self)

    def _embedded(self, ids):
        x = self.embedding(ids)
        return x if self.pairs is None else x + self.pairs(hashed_pairs(ids, self.pad, len(self.pairs.table.data)))

    def _some_hidden(self, ids):
        if not self.training or not self.word_dropout:
            return ids
        hide = (self.rng.random(ids.shape) < self.word_dropout) & (ids != self.pad)
        return np.where(hide, self.unknown, ids)


def hashed_pairs(ids: np.ndarray, end: int, rows: int) -> np.ndarray:
    """(7919 xₜ + xₜ₊₁) mod rows: a row of a table for each pair of neighbours, the last token's being `end`. (B, T)

    >>> hashed_pairs(np.array([[2, 3]]), 0, 100).tolist()
    [[41, 57]]
    """
    following = np.concatenate([ids[:, 1:], np.full((len(ids), 1), end)], axis=1)
    return (PRIME * ids + following) % rows


def pooled(hidden: Tensor, lengths: np.ndarray, how: str) -> Tensor:
    """The mean, Σ hₜ / length, or the maximum over each text's own tokens.   (B, T, C), (B,)   ->   (B, C)

    >>> pooled(Tensor(np.array([[[1.0], [3.0], [9.0]]])), np.array([2]), "mean").data.tolist()
    [[2.0]]
    """
    text = length_mask(lengths, hidden.shape[1])[:, :, None]
    if how == "max":
        return autograd.where(hidden, -np.inf, condition=text).max(axis=1)
    share = (text / np.asarray(lengths)[:, None, None]).astype(hidden.dtype)
    return (hidden * share).sum(axis=1)
