"""The recurrent encoder-decoder: one network reads the source, another writes the text, and may look back."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, nn
from minilm.autograd import Tensor, no_grad

from .conditional import ConditionalModel

ATTENTIONS = {
    "none": lambda width, rng: None,
    "additive": lambda width, rng: nn.AdditiveAttention(width, width, width, rng=rng),
    "dot": lambda width, rng: nn.DotAttention(),
}


class Seq2SeqState(NamedTuple):
    """The decoder's recurrent state, and what the encoder said of each source token."""

    recurrent: list
    memory: Tensor  # (B, S, H)
    memory_mask: np.ndarray  # (B, S), False at padding


class Seq2Seq(ConditionalModel):
    """Encoder: mₛ = cell(e(xₛ), mₛ₋₁). Decoder: h₀ = m_S, hₜ = cell(e(yₜ), hₜ₋₁), logits = h̃ₜ W + b, where

        h̃ₜ = hₜ                              attention "none": all of the source is in one vector, h₀
        h̃ₜ = tanh([hₜ, Σₛ wₜₛ mₛ] W_c)        "additive" or "dot": with weights wₜ = softmax over s of score(hₜ, mₛ)

    Sutskever et al. 2014 (arXiv:1409.3215); additive score: Bahdanau et al. 2015 (arXiv:1409.0473); dot product and
    h̃: Luong et al. 2015 (arXiv:1508.04025, equations 5 and 8). Bahdanau's decoder takes the context in before it steps
    on; here it joins after the step, in Luong's way for both scores, so that all steps are one operation.

    Parameters
    ----------
    source_vocabulary, vocabulary : int
        V of the source, and of the text.
    pad : int
        The id that fills up shorter sources, at their end.
    embedding, width, layers : int
        Channels of an embedding, H, and how many cells stand on each other, on either side.
    cell : {"rnn", "gru", "lstm"}
    attention : {"none", "additive", "dot"}
    bidirectional : bool
        The encoder reads from both ends, each direction with H/2 channels: side by side their outputs are the memory,
        and their last states are h₀.
    dropout : float

    Examples
    --------
    >>> model = Seq2Seq(9, 7, pad=8, embedding=16, width=16, rng=np.random.default_rng(0))
    >>> source, ids = np.array([[3, 1, 4], [5, 8, 8]]), np.array([[5, 0], [5, 2]])
    >>> model(source, ids).shape, model.attention_weights(source, ids).shape
    ((2, 2, 7), (2, 2, 3))
    """

    def __init__(
        self,
        source_vocabulary: int,
        vocabulary: int,
        *,
        pad: int,
        embedding: int = 64,
        width: int = 128,
        layers: int = 1,
        cell: str = "gru",
        attention: str = "additive",
        bidirectional: bool = True,
        dropout: float = 0.0,
        rng: np.random.Generator,
    ):
        if attention not in ATTENTIONS:
            raise ValueError(f"attention is {attention!r}, expected one of {', '.join(map(repr, ATTENTIONS))}")
        if bidirectional and width % 2:
            raise ValueError(f"width {width} is odd; an encoder in both directions gives each half of it")
        self._set_vocabularies(source_vocabulary, vocabulary, pad)
        self.settings = {
            "source_vocabulary": source_vocabulary, "vocabulary": vocabulary, "pad": pad, "embedding": embedding,
            "width": width, "layers": layers, "cell": cell, "attention": attention, "bidirectional": bidirectional,
            "dropout": dropout,
        }  # fmt: skip
        per_direction = width // 2 if bidirectional else width
        self.source_embedding = nn.Embedding(source_vocabulary, embedding, rng=rng)
        self.encoder = nn.Recurrent(cell, embedding, per_direction, layers=layers, bidirectional=bidirectional, rng=rng)
        self.embedding = nn.Embedding(vocabulary, embedding, rng=rng)
        self.decoder = nn.Recurrent(cell, embedding, width, layers=layers, rng=rng)
        self.attention = ATTENTIONS[attention](width, rng)
        self.combine = nn.Linear(2 * width, width, bias=False, rng=rng) if self.attention else None
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.head = nn.Linear(width, vocabulary, rng=rng)

    def attention_weights(self, source: ArrayLike, ids: ArrayLike) -> np.ndarray:
        """How much the decoder, after reading each of ids (B, T), looks at each of source (B, S).   ->   (B, T, S)

        Raises
        ------
        ValueError
            If the model has no attention.
        """
        if not self.attention:
            raise ValueError("this model was built with attention 'none'; only 'additive' and 'dot' have weights")
        source, ids = self._checked_pair(source, ids)
        with no_grad():
            state = self._encode(source)
            hidden, _ = self._recur(ids, state)
            return self.attention(hidden, state.memory, state.memory_mask)[1].data

    def _encode(self, source):
        text = source != self.pad
        x = self.dropout(self.source_embedding(source))  # (B, S) -> (B, S, C)
        memory, last = self.encoder(x, lengths=text.sum(axis=1))
        return Seq2SeqState(side_by_side(last, self.encoder.directions), memory, text)

    def _extend(self, ids, state):
        hidden, recurrent = self._recur(ids, state)  # (B, T) -> (B, T, H)
        if self.attention:
            context, _ = self.attention(hidden, state.memory, state.memory_mask)
            hidden = self.combine(autograd.concatenate(hidden, context, axis=2)).tanh()
        return self.head(self.dropout(hidden)), state._replace(recurrent=recurrent)

    def _recur(self, ids, state):
        return self.decoder(self.dropout(self.embedding(ids)), state.recurrent)


def side_by_side(states: list, directions: int) -> list[Any]:
    """The states of a layer's directions, (B, H/directions) each, as one state (B, H); for each layer."""
    layers = [states[i : i + directions] for i in range(0, len(states), directions)]
    return [_joined(layer) for layer in layers]


def _joined(states):
    if isinstance(states[0], tuple):  # an LSTM's h and c
        return tuple(_joined(parts) for parts in zip(*states, strict=True))
    return autograd.concatenate(*states, axis=1)
