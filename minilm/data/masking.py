"""Masked language modelling: hide some tokens of a text, to be found again from all the others."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from minilm.expect import expect

from .by_length import Rows
from .framing import IGNORED, Framed, Special, framed, padded
from .pieces import GOES_ON
from .tokenizers import Tokenizer

RATE, TO_MASK, TO_ANY = 0.15, 0.8, 0.1  # of the tokens, and what becomes of those chosen; the rest stays


class Masking:
    """Each token is chosen with probability 15 %. Of those chosen 80 % become [MASK], 10 % any token, 10 % stay.

    What becomes another token or stays makes the model think about tokens that are there too, as it will have to when
    nothing is hidden (Devlin et al. 2019, arXiv:1810.04805, section 3.1 and appendix A.1).

    Parameters
    ----------
    tokenizer : Tokenizer
        With BERT's special symbols, which are never chosen, and never what a token becomes.
    rate : float
        The probability of being chosen.
    whole_words : bool
        Choose words, not pieces, so that "##able" need not be guessed from "afford" (as BERT's second release does).

    Examples
    --------
    >>> from minilm.data import Vocabulary, WordPieceTokenizer
    >>> tokenizer = WordPieceTokenizer.train("to be or not to be, that is the question")
    >>> ids, segments = framed(tokenizer.encode("to be or not to be"), special=Special.of(tokenizer), longest=20)
    >>> hidden, targets = Masking(tokenizer, rate=0.4)(ids, np.random.default_rng(6))
    >>> " ".join(tokenizer.vocabulary.symbols(hidden))
    '[CLS] to q o ##r n ##e ##t [MASK] [MASK] [SEP]'
    >>> tokenizer.vocabulary.symbols(targets[targets != -1])  # asked of: to, q, ##e and the two hidden
    ['to', 'be', '##o', 'to', 'be']
    """

    def __init__(self, tokenizer: Tokenizer, *, rate: float = RATE, whole_words: bool = False):
        expect("rate", rate, 0 < rate < 1, "a probability, such as 0.15")
        self.special, self.rate = Special.of(tokenizer), rate
        symbols = np.array(tokenizer.vocabulary.symbols(np.arange(len(tokenizer))))
        self.ordinary = ~np.isin(np.arange(len(tokenizer)), self.special)
        self.goes_on = np.char.startswith(symbols, GOES_ON) & whole_words

    def __call__(self, ids: ArrayLike, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """What the model is to read (T,), and the token that it is to find, or -1 where nothing is asked (T,)."""
        ids = np.asarray(ids)
        chosen = of_whole_words(rng.random(len(ids) + 1) < self.rate, self.goes_on[ids]) & self.ordinary[ids]
        fate, others = rng.random(len(ids)), rng.choice(np.flatnonzero(self.ordinary), len(ids))
        return corrupted(ids, chosen, fate, others, self.special.mask)


def of_whole_words(drawn: np.ndarray, goes_on: np.ndarray) -> np.ndarray:
    """drawn[w] of word w = 1, 2 ..., given to all its pieces.   drawn (W + 1,), goes_on (T,) bool   ->   (T,)

    drawn[0] is for pieces that go on with a word from before the text.

    >>> of_whole_words(np.array([False, True, False, True]), np.array([False, True, False, False, True])).tolist()
    [True, True, False, True, True]
    """
    return drawn[np.cumsum(~goes_on)]


def corrupted(
    ids: np.ndarray, chosen: np.ndarray, fate: np.ndarray, others: np.ndarray, mask: int
) -> tuple[np.ndarray, np.ndarray]:
    """What is read, and what is asked for: of the chosen, fate < 0.8 is [MASK], fate < 0.9 another, the rest stays.

    All (T,); fate from 0 to 1. Where nothing is asked the target is -1.

    >>> ids, chosen = np.array([5, 6, 7, 8]), np.array([True, True, True, False])
    >>> [part.tolist() for part in corrupted(ids, chosen, np.array([0.1, 0.85, 0.95, 0.1]), np.array([9, 9, 9, 9]), 4)]
    [[4, 9, 7, 8], [5, 6, 7, -1]]
    """
    read = np.where(fate < TO_MASK, mask, np.where(fate < TO_MASK + TO_ANY, others, ids))
    return np.where(chosen, read, ids), np.where(chosen, ids, IGNORED)


class MaskedTexts(Rows):
    """Random batches of texts with tokens hidden anew each time, for the `loss` of a MaskedLM.

    Parameters
    ----------
    texts : sequence of N sequences of ids
    masking : Masking
    context : int
        Longer texts are cut.
    batch, seed : int
        As of `Pairs`.

    Raises
    ------
    ValueError
        If there are fewer texts than a batch.
    """

    def __init__(self, texts: Sequence[ArrayLike], masking: Masking, *, context: int, batch: int, seed: int):
        self.masking, self.seed = masking, seed
        self.texts = [framed(text, special=masking.special, longest=context) for text in texts]
        lengths = [len(ids) for ids, _ in self.texts]
        super().__init__(lengths, batch, seed)
        self.tokens_per_batch = round(batch * np.mean(lengths))

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids (B, T), segments (B, T) and targets (B, T) of any step from 0 on."""
        return self._masked(self._order.rows(step), np.random.default_rng([self.seed, step]))

    def each_once(self, batch: int = 64) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """All texts, always with the same tokens hidden: for measuring."""
        rng = np.random.default_rng(self.seed)
        return (self._masked(rows, rng) for rows in self._order.each_once(batch))

    def _masked(self, rows, rng):
        return masked([self.texts[i] for i in rows], self.masking, rng)


class FollowingTexts:
    """Random batches of two texts each, for the `loss` of a MaskedLM with next_sentence: does the second follow?

    In every second pair it is the text after the first in its document, in the others a text of another document.

    Parameters
    ----------
    documents : sequence of sequences of ids
        documents[d][i + 1] follows documents[d][i].
    masking, context, batch, seed
        As of `MaskedTexts`.

    Raises
    ------
    ValueError
        If there are not two documents, one of them with two texts.
    """

    def __init__(
        self, documents: Sequence[Sequence[ArrayLike]], masking: Masking, *, context: int, batch: int, seed: int
    ):
        self.documents, self.masking, self.context = [list(document) for document in documents], masking, context
        self.batch_size, self.seed = batch, seed
        self.firsts = [(d, i) for d, document in enumerate(self.documents) for i in range(len(document) - 1)]
        if not self.firsts or len(self.documents) < 2:
            raise ValueError(f"there are {len(self.documents)} documents with {len(self.firsts)} pairs of texts that "
                             "follow each other; expected two documents or more, and a pair")  # fmt: skip
        self.tokens_per_batch = batch * context

    def batch(self, step: int) -> tuple[np.ndarray, ...]:
        """ids, segments (B, T), follows (B,), targets (B, T) of any step from 0 on."""
        rng = np.random.default_rng([self.seed, step])
        follows = np.arange(self.batch_size) % 2
        pairs = [self._pair(follow, rng) for follow in follows]
        ids, segments, targets = masked(pairs, self.masking, rng)
        return ids, segments, follows, targets

    def _pair(self, follow, rng) -> Framed:
        d, i = self.firsts[rng.integers(len(self.firsts))]
        second = self.documents[d][i + 1] if follow else self._elsewhere(d, rng)
        return framed(self.documents[d][i], second, special=self.masking.special, longest=self.context)

    def _elsewhere(self, d, rng):
        other = self.documents[(d + rng.integers(1, len(self.documents))) % len(self.documents)]
        return other[rng.integers(len(other))]


def masked(texts: Sequence[Framed], masking: Masking, rng: np.random.Generator):
    """ids (B, T) with tokens hidden, segments (B, T), and targets (B, T), at least one of which counts."""
    hidden, targets = zip(*(_something_asked(masking, ids, rng) for ids, _ in texts), strict=True)
    ids, segments = padded([(h, s) for h, (_, s) in zip(hidden, texts, strict=True)], masking.special.pad)
    return ids, segments, padded([(t, t) for t in targets], IGNORED)[0]


def _something_asked(masking, ids, rng):
    """Hide again until something is hidden: in a short text it may be nothing, and the row would teach nothing."""
    hidden, targets = masking(ids, rng)
    while (targets == IGNORED).all() and masking.ordinary[ids].any():
        hidden, targets = masking(ids, rng)
    return hidden, targets
