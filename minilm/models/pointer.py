"""The pointer-generator: an encoder-decoder that writes words of its vocabulary, or copies words of the source."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, nn
from minilm.autograd import Tensor, no_grad
from minilm.expect import expect, expect_count

from .conditional import ConditionalModel
from .seq2seq import side_by_side

NEVER = 1e-12  # added to every probability, so that the logarithm of one that float32 calls zero is a number


class PointerState(NamedTuple):
    """What the decoder remembers, what the encoder said of each source token, and where it has looked so far."""

    recurrent: list
    memory: Tensor  # (B, S, H)
    memory_mask: np.ndarray  # (B, S), False at padding
    source: np.ndarray  # (B, S)
    coverage: Tensor  # (B, S), Σ of the weights of all steps


class PointerGenerator(ConditionalModel):
    """P(w) = p_gen P_vocab(w) + (1 - p_gen) Σ aₛ over the places s of the source where xₛ = w, with

        hₜ = GRU(e(yₜ), hₜ₋₁),  aₜ = softmax over s of vᵀ tanh(mₛ W_m + hₜ W_h + cₜₛ w_c + b),  h*ₜ = Σₛ aₜₛ mₛ
        P_vocab = softmax(tanh([hₜ, h*ₜ] W) Eᵀ + b),  p_gen = σ([h*ₜ, hₜ, e(yₜ)] w + b)

    (See, Liu and Manning 2017, arXiv:1704.04368, equations 1 to 9 and 11). m is what a GRU in both directions makes of
    the source, and cₜ = a₁ + … + aₜ₋₁ the coverage, where the model has that. Ids from `known` on are words that the
    vocabulary lacks: known + k is the k-th of them in the row's own source. They can be written only by copying, and
    each k has an embedding e, so that the decoder knows which of them it has written; in the paper all are read as one
    unknown word. Here the attention joins after the GRU's step, as in `Seq2Seq`, an LSTM's place is taken by a GRU,
    and the table E of the V words' embeddings is also that of the output, as ours are few texts.

    Parameters
    ----------
    known : int
        V, the vocabulary of both sides.
    room : int
        How many more ids there are, for words of a source that the vocabulary lacks.
    pad : int
        The id, below `known`, that fills up shorter sources.
    embedding, width, attention : int
        Channels of an embedding, H, and the length of v.
    copy : bool
        False: p_gen = 1, nothing is copied.
    coverage : bool
        cₜ in the score, and + Σₛ min(aₜₛ, cₜₛ) in the loss: what it costs to look again where one has looked
        (equations 10 to 13, with λ = 1).
    dropout : float

    Examples
    --------
    >>> model = PointerGenerator(9, room=2, pad=8, embedding=16, width=16, rng=np.random.default_rng(0))
    >>> source, ids = np.array([[3, 9, 4], [5, 8, 8]]), np.array([[7, 9], [7, 2]])
    >>> P = np.exp(model(source, ids).data)
    >>> P.shape, P.sum(axis=2).round(5).tolist(), bool(P[0, 0, 9] > 0.01 > P[1, 0, 9])  # one source has word 9
    ((2, 2, 11), [[1.0, 1.0], [1.0, 1.0]], True)
    """

    def __init__(
        self,
        known: int,
        *,
        room: int = 32,
        pad: int,
        embedding: int = 128,
        width: int = 256,
        attention: int = 64,
        copy: bool = True,
        coverage: bool = False,
        dropout: float = 0.0,
        rng: np.random.Generator,
    ):
        expect_count("room", room, 0)
        expect("width", width, width % 2 == 0, "an even number: an encoder in both directions gives each half of it")
        expect("pad", pad, 0 <= pad < known, f"an id of the vocabulary, from 0 to {known - 1}")
        self._set_vocabularies(known + room, known + room, pad)
        self.known, self.copy, self.coverage = known, copy, coverage
        self.settings = {
            "known": known, "room": room, "pad": pad, "embedding": embedding, "width": width, "attention": attention,
            "copy": copy, "coverage": coverage, "dropout": dropout,
        }  # fmt: skip
        self.embedding = nn.Embedding(known + room, embedding, rng=rng)
        self.scale = math.sqrt(embedding)
        self.embedding.table.data /= np.float32(self.scale)
        self.encoder = nn.Recurrent("gru", embedding, width // 2, bidirectional=True, rng=rng)
        self.decoder = nn.Recurrent("gru", embedding, width, rng=rng)
        self.memory = nn.Linear(width, attention, rng=rng)
        self.query = nn.Linear(width, attention, bias=False, rng=rng)
        self.seen = nn.Linear(1, attention, bias=False, rng=rng) if coverage else None
        self.score = nn.Linear(attention, 1, bias=False, rng=rng)
        self.combine = nn.Linear(2 * width, embedding, rng=rng)
        self.bias = nn.parameter(np.zeros(known))
        self.generate = nn.Linear(2 * width + embedding, 1, rng=rng) if copy else None
        self.dropout = nn.Dropout(dropout, rng=rng)

    def attention_weights(self, source: ArrayLike, ids: ArrayLike) -> np.ndarray:
        """How much the decoder, after reading each of ids (B, T), looks at each of source (B, S).   ->   (B, T, S)"""
        source, ids = self._checked_pair(source, ids)
        with no_grad():
            return self._decode(ids, self._encode(source))[1].data

    def generation(self, source: ArrayLike, ids: ArrayLike) -> np.ndarray:
        """p_gen of the token after each of ids.   source (B, S)   ids (B, T)   ->   (B, T)"""
        source, ids = self._checked_pair(source, ids)
        with no_grad():
            return self._decode(ids, self._encode(source))[2].data[..., 0]

    def loss(self, source: ArrayLike, ids: ArrayLike, targets: ArrayLike) -> Tensor:
        """Mean over the targets that count of -ln P(target | source, the ids so far) + Σₛ min(aₜₛ, cₜₛ), in nats.

        Equation 13; without coverage only the first term. The rest as `ConditionalModel.loss`.
        """
        source, ids = self._checked_pair(source, ids)
        targets = np.asarray(targets)
        counted = targets != -1
        logits, weights, p_gen, _ = self._decode(ids, self._encode(source))
        P = self._probability(np.where(counted, targets, 0), logits, weights, p_gen, source)
        loss = mean_of(-(P + NEVER).log(), counted)
        return loss + mean_of(looked_again(weights), counted) if self.coverage else loss

    def _probability(self, targets, logits, weights, p_gen, source):
        """P(target) alone, (B, T): the same formula as in `_extend`, for one word of the many."""
        B, T = targets.shape
        in_vocabulary = targets < self.known
        at = np.arange(B)[:, None], np.arange(T)[None, :], np.where(in_vocabulary, targets, 0)
        written = logits.log_softmax()[at].exp() * in_vocabulary.astype(logits.dtype)
        if not self.copy:
            return written
        copied = (weights * (source[:, None, :] == targets[:, :, None]).astype(weights.dtype)).sum(axis=2)
        p_gen = p_gen.reshape(B, T)
        return p_gen * written + (1 - p_gen) * copied

    def _encode(self, source):
        text = source != self.pad
        memory, last = self.encoder(self._embed(source), lengths=text.sum(axis=1))
        coverage = Tensor(np.zeros(source.shape, memory.dtype))
        return PointerState(side_by_side(last, directions=2), memory, text, source, coverage)

    def _extend(self, ids, state):
        logits, weights, p_gen, after = self._decode(ids, state)
        P = _widened(p_gen * logits.softmax(), self.vocabulary)
        if self.copy:
            P = P + autograd.scatter((1 - p_gen) * weights, ids=state.source, size=self.vocabulary)
        return (P + NEVER).log(), after

    def _decode(self, ids, state):
        """After each of ids (B, T): logits of P_vocab (B, T, V), weights (B, T, S), p_gen (B, T, 1); and the state."""
        x = self._embed(ids)
        h, recurrent = self.decoder(x, state.recurrent)  # (B, T, C) -> (B, T, H)
        weights, coverage = self._look(h, state)
        found = weights @ state.memory
        hidden = self.combine(autograd.concatenate(h, found, axis=2)).tanh()
        logits = autograd.linear(self.dropout(hidden), self.embedding.table[: self.known].T, self.bias)
        p_gen = self.generate(autograd.concatenate(found, h, x, axis=2)).sigmoid() if self.copy else 1.0
        return logits, weights, p_gen, state._replace(recurrent=recurrent, coverage=coverage)

    def _look(self, h, state):
        """The weights aₜ (B, T, S) of the decoder's states (B, T, H), and the coverage after the last."""
        m, q = self.memory(state.memory), self.query(h)
        if not self.coverage:
            return self._weights(m, q, state.memory_mask), state.coverage
        weights, coverage = [], state.coverage
        for t in range(h.shape[1]):  # one step after another: each looks at what those before it have looked at
            c = self.seen(coverage.reshape(*coverage.shape, 1))  # (B, S) -> (B, S, A)
            weights.append(self._weights(m + c, q[:, t : t + 1], state.memory_mask))
            coverage = coverage + weights[-1][:, 0]
        return autograd.concatenate(*weights, axis=1), coverage

    def _weights(self, m, q, mask):
        """softmax over s of vᵀ tanh(mₛ + qₜ).   m (B, S, A)   q (B, T, A)   ->   (B, T, S)"""
        B, T, S = *q.shape[:2], m.shape[1]
        scores = self.score((m.reshape(B, 1, S, -1) + q.reshape(B, T, 1, -1)).tanh()).reshape(B, T, S)
        return autograd.where(scores, -1e9, condition=mask[:, None]).softmax()

    def _embed(self, ids):
        return self.dropout(self.embedding(ids) * self.scale)


def looked_again(weights: Tensor) -> Tensor:
    """Σₛ min(aₜₛ, cₜₛ) of each step, where cₜ = a₁ + … + aₜ₋₁ (equation 12).   weights (B, T, S)   ->   (B, T)"""
    earlier = np.tri(weights.shape[1], k=-1, dtype=weights.dtype)  # (T, T)
    coverage = Tensor(earlier) @ weights
    return autograd.where(weights, coverage, condition=weights.data < coverage.data).sum(axis=2)


def mean_of(losses: Tensor, counted: np.ndarray) -> Tensor:
    """The mean of those that count.   losses, counted (B, T)"""
    return (losses * counted.astype(losses.dtype)).sum() * (1 / int(counted.sum()))


def _widened(P, size):
    """P (B, T, V) with zeros for the words of the sources, (B, T, size)."""
    B, T, V = P.shape
    return autograd.concatenate(P, Tensor(np.zeros((B, T, size - V), P.dtype)), axis=2)
