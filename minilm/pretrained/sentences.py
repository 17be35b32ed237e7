"""Sentences as vectors: texts that mean the same point in one direction."""

from collections.abc import Sequence

import numpy as np

from minilm.autograd import no_grad
from minilm.data import ByLength, Special, Tokenizer, framed, padded
from minilm.models import Bert


def sentence_vectors(
    bert: Bert, tokenizer: Tokenizer, texts: Sequence[str], *, longest: int, batch: int = 32
) -> np.ndarray:
    """v = h̄ / |h̄|,   h̄ = mean over the tokens of h, [CLS] and [SEP] included   (Reimers and Gurevych 2019, section 3)

    arXiv:1908.10084. The product of two vectors is the cosine of the angle between them: v wᵀ = 1 if texts are equal.

    Parameters
    ----------
    bert : Bert
    tokenizer : Tokenizer
        With the symbols [CLS], [SEP] and [PAD].
    texts : sequence of N str
    longest : int
        Tokens of a text that count, [CLS] and [SEP] included.
    batch : int
        Texts that are read at once.

    Returns
    -------
    ndarray (N, C), float32

    Examples
    --------
    >>> from minilm.data import WordPieceTokenizer
    >>> tokenizer = WordPieceTokenizer.train("a cat sat on a mat", size=30)
    >>> bert = Bert(30, pad=0, width=8, heads=2, context=16, rng=np.random.default_rng(0)).eval()
    >>> vectors = sentence_vectors(bert, tokenizer, ["a cat", "a mat sat on a cat", "a cat"], longest=16)
    >>> vectors.shape, bool(np.allclose(vectors[0], vectors[2]))
    ((3, 8), True)
    """
    special = Special.of(tokenizer)
    rows = [framed(tokenizer.encode(text), special=special, longest=longest) for text in texts]
    vectors = np.empty((len(rows), bert.settings["width"]), np.float32)
    if not rows:
        return vectors
    for some in ByLength([len(ids) for ids, _ in rows], 1, seed=0).each_once(batch):
        vectors[some] = _means(bert, *padded([rows[i] for i in some], special.pad))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _means(bert, ids, segments) -> np.ndarray:
    """The mean of what is known of each token but padding.   (B, T) -> (B, C)"""
    with no_grad():
        hidden = bert(ids, segments).data
    text = (ids != bert.pad)[..., None]
    return (hidden * text).sum(axis=1) / text.sum(axis=1)
