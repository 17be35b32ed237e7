"""Tokenizers and n-grams against their peers: `ROWS[name](pairs)` gives seconds of minilm and of the peer, in turn.

Both sides get the same text and must give the same results, which is checked first. Where the peer is too slow for the
whole text it does less. Merges are learned in Python from less text, and no more by minilm, whose lead grows with the
text. The seconds of encoding in Python, and of nltk, are scaled up linearly; nltk's look-ups even grow slower with the
text. All share a process: none of them uses BLAS.
"""

import functools
import os
import time
from collections.abc import Callable
from itertools import pairwise
from unittest import mock

import numpy as np

from minilm.data import BPETokenizer, CharTokenizer, documents
from minilm.data.bpe import BYTES
from minilm.data.cut import pattern
from minilm.models import NGram, smoothing

os.environ.setdefault("RAYON_NUM_THREADS", "2")  # the threads of `tokenizers`, which uses as many as there are cores

Seconds = list[tuple[float, float]]  # of minilm and of the peer, a pair per round
MERGES = 8_000
FIVE_MEGABYTES = 5_000_000
CHUNKS = 64  # for the two threads of `tokenizers`: it is slowest with the text in one piece
PYTHON_TRAINS_ON, PYTHON_MERGES, PYTHON_ENCODES = 50_000, 50, 500_000  # characters, merges, characters
ORDER, DISCOUNT, SCORED = 5, 0.1, 100_000
NLTK_COUNTS, NLTK_SCORES = 50_000, 100  # characters


def in_turn(pairs: int, ours: Callable, theirs: Callable, scale: float = 1.0) -> Seconds:
    """Time both, A B A B; `scale` is how much more the whole would be than what the peer does."""
    return [(seconds(ours), scale * seconds(theirs)) for _ in range(pairs)]


def seconds(work: Callable) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@functools.cache
def plays() -> str:
    return "\n\n".join(play.text for play in documents("shakespeare"))


def five_megabytes() -> str:
    return (plays() * 2)[:FIVE_MEGABYTES]


@functools.cache
def trained() -> BPETokenizer:
    return BPETokenizer.train(plays(), BYTES + MERGES)


def chunks_of(text: str) -> list[str]:
    """The text in pieces of about equal length that begin at the first of some line ends, so that no word is cut."""
    places = [0]
    while (near := places[-1] + len(text) // CHUNKS) < len(text):
        while near < len(text) and not (text[near] == "\n" and not text[near - 1].isspace()):
            near += 1
        places.append(near)
    return [text[start:stop] for start, stop in pairwise([*places, len(text)])]


def spelling() -> dict[int, str]:
    """How `tokenizers` writes each byte, by GPT-2's rule: printable ones as they are."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def spelled(tokenizer: BPETokenizer) -> list[str]:
    spell = spelling()
    return ["".join(spell[byte] for byte in token) for token in tokenizer.tokens]


def rust(vocabulary=None, merges=None):
    import tokenizers

    other = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    other.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return other


def rust_trained(chunks: list[str]):
    import tokenizers

    other = rust()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=BYTES + MERGES, initial_alphabet=alphabet, min_frequency=2, show_progress=False
    )
    other.train_from_iterator(chunks, trainer)
    return other


def bpe_train(pairs: int) -> Seconds:
    """All merges. Of pairs that are equally frequent the two sides choose differently, so late merges may differ."""
    chunks = chunks_of(plays())
    theirs = rust_trained(chunks).get_vocab()
    ours = spelled(trained())
    first = sorted(theirs, key=theirs.get)[BYTES : BYTES + 100]
    assert len(ours) == len(theirs) and ours[BYTES : BYTES + 100] == first, "the first merges differ"
    assert len(theirs.keys() & set(ours)) > 0.99 * len(ours), "more differs than ties explain"
    return in_turn(pairs, lambda: BPETokenizer.train(plays(), BYTES + MERGES), lambda: rust_trained(chunks))


def bpe_encode(pairs: int) -> Seconds:
    text, tokenizer = five_megabytes(), trained()
    tokens, chunks = spelled(tokenizer), chunks_of(text)
    merges = [(tokens[left], tokens[right]) for left, right in tokenizer.merges]
    other = rust({token: i for i, token in enumerate(tokens)}, merges)
    ids = tokenizer.encode(text)
    assert ids.tolist() == [i for encoded in other.encode_batch_fast(chunks) for i in encoded.ids], "ids differ"
    assert tokenizer.decode(ids) == text
    return in_turn(pairs, lambda: tokenizer.encode(text), lambda: other.encode_batch_fast(chunks))


def python_merged(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    out, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


def python_train(text: str, number: int) -> list[tuple[int, int]]:
    """Count all pairs, merge the most frequent one everywhere, again and again."""
    words, merges = [list(word.encode("utf-8")) for word in pattern().findall(text)], []
    for new in range(BYTES, BYTES + number):
        counts = {}
        for word in words:
            for pair in pairwise(word):
                counts[pair] = counts.get(pair, 0) + 1
        merges.append(min(counts, key=lambda pair: (-counts[pair], pair)))
        words = [python_merged(word, merges[-1], new) for word in words]
    return merges


def python_encode(text: str, ranks: dict[tuple[int, int], int]) -> list[int]:
    """In each word merge the pair that was learned first, until there is none that was learned."""
    ids = []
    for chunk in pattern().findall(text):
        word = list(chunk.encode("utf-8"))
        while len(word) > 1:
            pair = min(pairwise(word), key=lambda pair: ranks.get(pair, len(ranks)))
            if pair not in ranks:
                break
            word = python_merged(word, pair, BYTES + ranks[pair])
        ids += word
    return ids


def bpe_train_python(pairs: int) -> Seconds:
    text = plays()[:PYTHON_TRAINS_ON]
    ours, theirs = BPETokenizer.train(text, BYTES + PYTHON_MERGES), python_train(text, PYTHON_MERGES)
    assert ours.merges.tolist() == list(map(list, theirs)), "merges differ"
    return in_turn(
        pairs, lambda: BPETokenizer.train(text, BYTES + PYTHON_MERGES), lambda: python_train(text, PYTHON_MERGES)
    )


def bpe_encode_python(pairs: int) -> Seconds:
    text, tokenizer = plays()[:PYTHON_ENCODES], trained()
    ranks = {tuple(pair): rank for rank, pair in enumerate(tokenizer.merges.tolist())}
    assert tokenizer.encode(text).tolist() == python_encode(text, ranks), "ids differ"
    whole = five_megabytes()
    scale = len(whole) / len(text)  # a word costs Python the same wherever it stands
    return in_turn(pairs, lambda: tokenizer.encode(whole), lambda: python_encode(text, ranks), scale)


def nltk_fitted(text: str):
    from nltk.lm import KneserNeyInterpolated
    from nltk.util import ngrams

    model = KneserNeyInterpolated(ORDER, discount=DISCOUNT)
    model.fit([list(ngrams(text, n)) for n in range(1, ORDER + 1)], sorted(set(text)))
    return model


def nltk_scores(model, text: str) -> list[float]:
    """ln p of all characters but the first, each after those before it."""
    bits = [model.logscore(text[i], tuple(text[max(0, i - ORDER + 1) : i])) for i in range(1, len(text))]
    return (np.log(2) * np.array(bits)).tolist()


def scores(model: NGram, ids: np.ndarray) -> np.ndarray:
    return model.token_log_probs(ids[None, :-1], ids[None, 1:])[0]


def assert_nltk_agrees() -> None:
    """With nltk's discounts ours are nltk's numbers: `DISCOUNT` at all orders but the first, where it takes none."""
    text, others = plays()[:NLTK_COUNTS], plays()[-NLTK_SCORES:]
    characters = CharTokenizer.train(text)
    with mock.patch.object(smoothing, "discount", side_effect=[0.0] + [DISCOUNT] * (ORDER - 1)):
        model = NGram(len(characters), ORDER).fit(characters.encode(text))
    for sample in (text[:NLTK_SCORES], others):
        expected = nltk_scores(nltk_fitted(text), sample)
        np.testing.assert_allclose(scores(model, characters.encode(sample)), expected, rtol=1e-9)


def kneser_ney_build(pairs: int) -> Seconds:
    """nltk counts the first characters of the plays; from text to model on both sides."""
    assert_nltk_agrees()
    part, characters = plays()[:NLTK_COUNTS], CharTokenizer.train(plays())
    return in_turn(
        pairs,
        lambda: NGram(len(characters), ORDER).fit(characters.encode(plays())),
        lambda: nltk_fitted(part),
        scale=len(plays()) / len(part),
    )


def kneser_ney_score(pairs: int) -> Seconds:
    """nltk scores few characters, and by a model of a part of the plays, which makes it faster."""
    assert_nltk_agrees()
    characters, theirs = CharTokenizer.train(plays()), nltk_fitted(plays()[:NLTK_COUNTS])
    model, text = NGram(len(characters), ORDER).fit(characters.encode(plays())), plays()[-SCORED - 1 :]
    return in_turn(
        pairs,
        lambda: scores(model, characters.encode(text)),
        lambda: nltk_scores(theirs, text[: NLTK_SCORES + 1]),
        scale=SCORED / NLTK_SCORES,
    )


ROWS: dict[str, Callable[[int], Seconds]] = {
    "bpe-train": bpe_train,
    "bpe-encode": bpe_encode,
    "bpe-train-python": bpe_train_python,
    "bpe-encode-python": bpe_encode_python,
    "kneser-ney-build": kneser_ney_build,
    "kneser-ney-score": kneser_ney_score,
}
