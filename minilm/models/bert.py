"""BERT: an encoder that reads a text from both sides, and the heads that ask something of what it found."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minilm import autograd, nn
from minilm.autograd import Tensor
from minilm.expect import expect, expect_count

from .padding import checked_rows, checked_segments


class Bert(nn.Module):
    """h = encoder(norm(E[ids] + P + S[segments])) (Devlin et al. 2019, arXiv:1810.04805)

    Blocks are post-norm, as in 2017. Every token sees every other of its row but padding.

    Parameters
    ----------
    vocabulary, width, layers, heads, context : int
        V, C, L, H, and the largest T.
    pad : int
        The id that fills up shorter texts, at their end.
    hidden : int, optional
        F, channels within a feed-forward layer; 4 C if not given.
    segments : int
        How many kinds of token there are: those of a first and of a second text, for example.
    dropout : float
    activation : {"gelu", "gelu_exact"}
        Published models have the exact one; the other is quicker.
    eps : float
        Of the norms.

    Examples
    --------
    >>> bert = Bert(9, pad=0, width=16, layers=2, heads=2, context=8, rng=np.random.default_rng(0))
    >>> ids, segments = np.array([[1, 5, 2, 6, 2], [1, 7, 2, 0, 0]]), np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]])
    >>> hidden = bert(ids, segments)
    >>> hidden.shape, bert.pooled(hidden).shape
    ((2, 5, 16), (2, 16))
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        pad: int,
        width: int = 128,
        layers: int = 2,
        heads: int = 4,
        hidden: int | None = None,
        context: int = 128,
        segments: int = 2,
        dropout: float = 0.1,
        activation: str = "gelu",
        eps: float = 1e-12,
        rng: np.random.Generator,
    ):
        expect_count("context", context)
        expect_count("pad", pad, least=0)
        expect("pad", pad, pad < vocabulary, f"an id of the vocabulary, from 0 to {vocabulary - 1}")
        self.vocabulary, self.pad, self.context = vocabulary, pad, context
        self.settings = {
            "vocabulary": vocabulary, "pad": pad, "width": width, "layers": layers, "heads": heads, "hidden": hidden,
            "context": context, "segments": segments, "dropout": dropout, "activation": activation, "eps": eps,
        }  # fmt: skip
        self.embedding = nn.Embedding(vocabulary, width, std=0.02, rng=rng)  # the masked-LM head shares it
        self.positions = nn.LearnedPositions(context, width, rng=rng)
        self.segments = nn.Embedding(segments, width, std=0.02, rng=rng)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.encoder = nn.Encoder(
            layers, width, heads, hidden=hidden, dropout=dropout, pre_norm=False, eps=eps,
            feed_forward=partial(nn.FeedForward, activation=activation), rng=rng,
        )  # fmt: skip
        self.pooler = nn.Linear(width, width, rng=rng)

    def __call__(self, ids: ArrayLike, segments: ArrayLike | None = None) -> Tensor:
        """What is known of each token in its text.   ids (B, T), filled up with `pad`, segments (B, T)   ->   (B, T, C)

        Raises
        ------
        ValueError
            If ids or segments are not (B, T) or not ids of their tables, a row is longer than the context, begins with
            padding, or goes on after it.
        """
        ids, segments = self._checked(ids, segments)
        x = self._embedded(ids, segments)
        return self.encoder(x, mask=(ids != self.pad)[:, None, None])

    def pooled(self, hidden: Tensor) -> Tensor:
        """tanh(h₀ W + b): a text as one vector, by what its first token, [CLS], has gathered.   (B, T, C) -> (B, C)"""
        return self.pooler(hidden[:, 0]).tanh()

    def attention_weights(self, ids: ArrayLike, segments: ArrayLike | None = None) -> np.ndarray:
        """How much each token looks at each other, for pictures.   ->   (L, B, H, T, T)"""
        ids, segments = self._checked(ids, segments)
        mask = (ids != self.pad)[:, None, None]
        with autograd.no_grad():
            x, weights = self._embedded(ids, segments), []
            for block in self.encoder.blocks:
                weights.append(block.attention.weights(x, mask=mask))
                x = block(x, mask=mask)
        return np.stack(weights)

    def _embedded(self, ids, segments):
        return self.dropout(self.norm(self.positions(self.embedding(ids)) + self.segments(segments)))

    def _checked(self, ids, segments):
        ids = checked_rows("ids", ids, self.vocabulary, self.pad)
        nn.check_context(ids.shape[1], self.context)
        return ids, checked_segments(segments, ids, self.settings["segments"])


class Head(nn.Module):
    """Something that is asked of a Bert's output; both learn together."""

    def __init__(self, bert: Bert, **settings: Any):
        self.bert, self.settings = bert, {"bert": bert.settings, **settings}

    def summary(self) -> str:
        """Layers, shapes and numbers of parameters, as a table."""
        return nn.summary(self)


class MaskedLM(Head):
    """P(hidden token | all others): logits = norm(GELU(h W + b)) Eᵀ + c, with the embeddings' table E (section 3.1)

    Parameters
    ----------
    bert : Bert
    next_sentence : bool
        Also ask whether the second text follows the first: two logits of the pooled output.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = MaskedLM(Bert(9, pad=0, width=16, heads=2, context=8, rng=rng), rng=rng)
    >>> model(np.array([[1, 5, 2]])).shape
    (1, 3, 9)
    """

    def __init__(self, bert: Bert, *, next_sentence: bool = False, rng: np.random.Generator):
        super().__init__(bert, next_sentence=next_sentence)
        width, self.activation = bert.settings["width"], nn.ACTIVATIONS[bert.settings["activation"]]
        self.transform = nn.Linear(width, width, rng=rng)
        self.norm = nn.LayerNorm(width, eps=bert.settings["eps"])
        self.bias = nn.parameter(np.zeros(bert.vocabulary))
        self.follows = nn.Linear(width, 2, rng=rng) if next_sentence else None

    def __call__(self, ids: ArrayLike, segments: ArrayLike | None = None) -> Tensor:
        """Logits of the token at each place.   ->   (B, T, V)"""
        return self._logits(self.bert(ids, segments))

    def loss(self, ids: ArrayLike, segments: ArrayLike, *asked: ArrayLike) -> Tensor:
        """Mean of -ln P(target) over the targets (B, T) that are not -1, in nats.

        With `next_sentence`, `asked` is (follows, targets), where follows (B,) is 1 if the second text follows the
        first, else 0; the loss is the sum of both means.
        """
        hidden, targets = self.bert(ids, segments), np.ravel(asked[-1])
        places = np.flatnonzero(targets != -1)  # logits for these alone: the product with E is much of the work
        found = autograd.gather(hidden.reshape(len(targets), -1), ids=places)
        loss = autograd.cross_entropy(self._logits(found), targets=targets[places])
        if self.follows:
            loss = loss + autograd.cross_entropy(self.follows(self.bert.pooled(hidden)), targets=asked[0])
        return loss

    def _logits(self, hidden):
        x = self.norm(self.activation(self.transform(hidden)))
        return autograd.linear(x, self.bert.embedding.table.T, self.bias)


class BertClassifier(Head):
    """P(class | text) = softmax(dropout(pooled) W + b)

    >>> rng = np.random.default_rng(0)
    >>> model = BertClassifier(Bert(9, pad=0, width=16, heads=2, context=8, rng=rng), 3, rng=rng)
    >>> model(np.array([[1, 5, 2], [1, 6, 2]])).shape
    (2, 3)
    """

    def __init__(self, bert: Bert, classes: int, *, rng: np.random.Generator):
        super().__init__(bert, classes=classes)
        self.dropout = nn.Dropout(bert.settings["dropout"], rng=rng)
        self.head = nn.Linear(bert.settings["width"], classes, rng=rng)

    def __call__(self, ids: ArrayLike, segments: ArrayLike | None = None) -> Tensor:
        """Logits of the classes.   ->   (B, classes)"""
        return self.head(self.dropout(self.bert.pooled(self.bert(ids, segments))))

    def loss(self, ids: ArrayLike, segments: ArrayLike, labels: ArrayLike) -> Tensor:
        """Mean of -ln P(label), in nats.   labels (B,)"""
        return autograd.cross_entropy(self(ids, segments), targets=labels)


class BertSpans(Head):
    """P(answer begins at t) and P(it ends at t), each a softmax over the places of a text: a pointer (section 4.2)

    >>> rng = np.random.default_rng(0)
    >>> model = BertSpans(Bert(9, pad=0, width=16, heads=2, context=8, rng=rng), rng=rng)
    >>> model(np.array([[1, 5, 2, 6, 7, 2], [1, 6, 2, 7, 2, 0]])).shape
    (2, 2, 6)
    """

    def __init__(self, bert: Bert, *, rng: np.random.Generator):
        super().__init__(bert)
        self.head = nn.Linear(bert.settings["width"], 2, rng=rng)

    def __call__(self, ids: ArrayLike, segments: ArrayLike | None = None) -> Tensor:
        """Logits of the first and of the last place; at padding so low that they do not count.   ->   (B, 2, T)"""
        logits = self.head(self.bert(ids, segments)).swapaxes(1, 2)
        text = np.asarray(ids) != self.bert.pad
        return autograd.where(logits, -1e9, condition=text[:, None])

    def loss(self, ids: ArrayLike, segments: ArrayLike, spans: ArrayLike) -> Tensor:
        """Mean of -ln P(first) and -ln P(last), in nats.   spans (B, 2): the first and the last place of each answer"""
        return autograd.cross_entropy(self(ids, segments), targets=spans)
