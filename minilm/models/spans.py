"""A question and a passage read by a recurrent network with attention in between, and pointers to the answer."""

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, nn
from minilm.autograd import Tensor
from minilm.data import length_mask

from .padding import checked_rows, checked_segments


class RecurrentSpans(nn.Module):
    """P(answer begins at t) and P(it ends at t), each a softmax over the places of a text: pointers, as of BertSpans.

        x = norm(E[ids] + S[segments])
        x = x + LSTM(x)        what is beside each token: a name before a colon, a word between commas
        x = attention(x)       what is elsewhere and like it: the words that the question quotes
        x = x + LSTM(x)        from there on: the name at the beginning of the line that was found
        logits = x W + b

    Both LSTMs read in both directions. This is how questions were answered before BERT (Seo et al. 2017,
    arXiv:1611.01603), with the question in the same row as the passage. An LSTM reads neighbours one after the other; a
    Transformer has first to learn which positions are neighbours, and takes many more examples.

    Parameters
    ----------
    vocabulary, segments, width, layers, heads : int
        V, kinds of token, C, blocks of attention, and their heads.
    pad : int
        The id that fills up shorter texts, at their end.
    dropout : float

    Examples
    --------
    >>> model = RecurrentSpans(9, pad=0, width=16, heads=2, rng=np.random.default_rng(0))
    >>> model(np.array([[1, 5, 2, 6, 7, 2], [1, 6, 2, 7, 2, 0]])).shape
    (2, 2, 6)
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        pad: int,
        segments: int = 2,
        width: int = 128,
        layers: int = 1,
        heads: int = 4,
        dropout: float = 0.0,
        rng: np.random.Generator,
    ):
        self.settings = {
            "vocabulary": vocabulary, "pad": pad, "segments": segments, "width": width, "layers": layers,
            "heads": heads, "dropout": dropout,
        }  # fmt: skip
        self.vocabulary, self.pad = vocabulary, pad
        self.embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.segments = nn.Embedding(segments, width, rng=rng)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.below = nn.Recurrent("lstm", width, width // 2, bidirectional=True, rng=rng)
        self.attention = nn.Encoder(layers, width, heads, dropout=dropout, rng=rng)
        self.above = nn.Recurrent("lstm", width, width // 2, bidirectional=True, rng=rng)
        self.head = nn.Linear(width, 2, rng=rng)

    def __call__(self, ids: ArrayLike, segments: ArrayLike | None = None) -> Tensor:
        """Logits of the first and of the last place; at padding so low that they do not count.   (B, T) -> (B, 2, T)

        Raises
        ------
        ValueError
            If ids or segments are not (B, T) or not ids of their tables, or padding stands before a token.
        """
        ids = checked_rows("ids", ids, self.vocabulary, self.pad)
        segments = checked_segments(segments, ids, self.settings["segments"])
        lengths = (ids != self.pad).sum(axis=1)
        text = length_mask(lengths, ids.shape[1])
        x = self.dropout(self.norm(self.embedding(ids) + self.segments(segments)))
        x = x + self.below(x, lengths=lengths)[0]
        x = self.attention(x, mask=text[:, None, None])
        x = x + self.above(x, lengths=lengths)[0]
        return autograd.where(self.head(x).swapaxes(1, 2), -1e9, condition=text[:, None])

    def loss(self, ids: ArrayLike, segments: ArrayLike, spans: ArrayLike) -> Tensor:
        """Mean of -ln P(first) and -ln P(last), in nats.   spans (B, 2): the first and the last place of each answer"""
        return autograd.cross_entropy(self(ids, segments), targets=spans)

    def summary(self) -> str:
        """Layers, shapes and numbers of parameters, as a table."""
        return nn.summary(self)
