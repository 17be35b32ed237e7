"""From one sequence to another: what the decoder reads and says, where it looks, and pairs of unequal length."""

from itertools import zip_longest

import numpy as np

from minilm import Tensor, data, kernels, nn
from minilm.check.exercise import Exercise


def _sentences(rng, lengths):
    """Lists of ids from 10 on."""
    return [rng.integers(10, 90, n).tolist() for n in lengths]


# teacher_forcing


def _sentence_cases(rng):
    yield [[5, 6, 7], [8]], 1, 2
    for lengths in ((1,), (3,), (2, 2), (0, 2), (4, 1, 3, 2), (1, 5)):
        start, end = rng.permutation(10)[:2].tolist()
        yield _sentences(rng, lengths), start, end


teacher_forcing = Exercise(
    name="teacher_forcing",
    statement="What a decoder reads, and what it is to say after each token of it. Of a sentence y₁ … yₙ it reads "
    "start, y₁, …, yₙ, and after each of these it should say y₁, …, yₙ, end. All sentences fill T = longest n + 1 "
    "places: beyond its end a sentence reads `end`, and its target is -1, which does not count.",
    arguments={"sentences": "list of B lists of ids, of unequal length", "start": "int", "end": "int"},
    returns="(ids, targets), (B, T) each",
    reference=data.teacher_forcing,
    cases=_sentence_cases,
    hints=(
        "Write start, y₁, y₂, end in a row. What is read is this row without its last token; what is the target?",
        "Targets are what is read, one place further on: the target of the last word is the end token.",
        "For each sentence, with empty = T - n - 1: [start, *y] + [end] * empty, and [*y, end] + [-1] * empty.",
    ),
)


def _two_rows(sentences, read, said, fill_read, fill_said):
    """Each sentence's two rows, filled up to the longest of all."""
    rows = [read(y) for y in sentences], [said(y) for y in sentences]
    T = max(map(len, rows[0]))
    ids, targets = (
        np.array([row + [fill] * (T - len(row)) for row in side], int).reshape(len(sentences), T)
        for side, fill in zip(rows, (fill_read, fill_said), strict=True)
    )
    return ids, targets


@teacher_forcing.variant
def sentence_by_sentence(sentences, start, end):
    T = max(len(y) for y in sentences) + 1
    ids = [[start] + y + [end] * (T - len(y) - 1) for y in sentences]
    targets = [y + [end] + [-1] * (T - len(y) - 1) for y in sentences]
    return np.array(ids), np.array(targets)


@teacher_forcing.variant
def into_full_arrays(sentences, start, end):
    B, T = len(sentences), 1 + max(map(len, sentences))
    ids, targets = np.full((B, T), end), np.full((B, T), -1)
    ids[:, 0] = start
    for b, y in enumerate(sentences):
        ids[b, 1 : len(y) + 1] = targets[b, : len(y)] = y
        targets[b, len(y)] = end
    return ids, targets


@teacher_forcing.variant
def columns_with_zip(sentences, start, end):
    read = zip(*zip_longest(*([start, *y] for y in sentences), fillvalue=end), strict=True)
    said = zip(*zip_longest(*([*y, end] for y in sentences), fillvalue=-1), strict=True)
    return [list(row) for row in read], [list(row) for row in said]


@teacher_forcing.misconception(
    "the decoder were to say the token that it reads", "Could a decoder do this without knowing any language?"
)
def not_shifted(sentences, start, end):
    return _two_rows(sentences, lambda y: [start, *y], lambda y: [start, *y], end, -1)


@teacher_forcing.misconception(
    "a sentence had no end", "When the trained decoder has written the last word, what tells it to stop?"
)
def end_missing(sentences, start, end):
    return _two_rows(sentences, lambda y: [start, *y][:-1], lambda y: list(y), end, -1)


@teacher_forcing.misconception(
    "there were no start token", "What does the decoder read when it is to say the first word?"
)
def start_missing(sentences, start, end):
    return _two_rows(sentences, lambda y: list(y), lambda y: [*y, end][1:], end, -1)


@teacher_forcing.misconception(
    "the places after the end counted", "How much of the loss of a short sentence would be about words?"
)
def padding_counted(sentences, start, end):
    return _two_rows(sentences, lambda y: [start, *y], lambda y: [*y, end], end, end)


@teacher_forcing.misconception(
    "ids and targets had changed places", "Which of the two rows does the decoder know before it says a word?"
)
def shifted_the_other_way(sentences, start, end):
    return _two_rows(sentences, lambda y: [*y, end], lambda y: [start, *y], end, -1)


@teacher_forcing.misconception(
    "the decoder read -1 beyond the end", "Which row of its embedding table belongs to the id -1?"
)
def minus_one_read(sentences, start, end):
    return _two_rows(sentences, lambda y: [start, *y], lambda y: [*y, end], -1, -1)


@teacher_forcing.misconception(
    "the decoder read the end token too", "What is there to say after the end, and is there a target for it?"
)
def end_read(sentences, start, end):
    return _two_rows(sentences, lambda y: [start, *y, end], lambda y: [*y, end], end, -1)


# alignment


def _alignment_cases(rng):
    yield np.array([[1.0, 0.0]]), np.array([[[2.0, 0.0], [0.0, 2.0]]]), np.array([2])
    for B, S, C, dtype in ((1, 3, 2, float), (2, 1, 3, float), (3, 4, 4, float), (2, 5, 3, np.float32)):
        h, memory = rng.standard_normal((B, C)).astype(dtype), rng.standard_normal((B, S, C)).astype(dtype)
        lengths = rng.integers(1, S + 1, B)
        lengths[0] = S
        lengths[1:2] = max(S - 2, 1)  # a sentence with padding, where there are two and room for it
        yield h, memory, lengths
    yield 40 * h.astype(float), 40 * memory.astype(float), lengths  # large scores: a softmax that overflows shows here


def _alignment_answer(h, memory, lengths):
    mask = data.length_mask(lengths, memory.shape[1])
    with kernels.reference_only():
        context, weights = nn.DotAttention()(Tensor(h[:, None]), Tensor(memory), mask)
    return weights.data[:, 0], context.data[:, 0]


alignment = Exercise(
    name="alignment",
    statement="Where a decoder in state h looks: weights = softmax over s of h · mₛ, for the source's own tokens s < "
    "length and 0 beyond; context = Σₛ weightₛ mₛ (Luong 2015, without a scale).",
    arguments={
        "h": "(B, C), one state for each sentence",
        "memory": "(B, S, C), what the encoder said of each source token",
        "lengths": "(B,) int, from 1 to S: the rest of the memory is padding",
    },
    returns="(weights (B, S), context (B, C))",
    reference=nn.DotAttention.__call__,
    answer=_alignment_answer,
    cases=_alignment_cases,
    hints=(
        "For each sentence there are S scores, one number for each source token: how large is h · mₛ?",
        "Padding must get weight 0 and the rest must still sum to one: give it the score -∞ before the softmax.",
        "scores = (memory @ h[:, :, None])[:, :, 0], -∞ where np.arange(S) >= lengths[:, None]; softmax over the last "
        "axis; context = (weights[:, None] @ memory)[:, 0].",
    ),
)


def _softmax(scores, axis=-1):
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _scores(h, memory):
    return np.einsum("bc,bsc->bs", h, memory)


def _hidden(memory, lengths):
    return np.arange(memory.shape[1]) >= lengths[:, None]


def _mean(weights, memory):
    return weights, np.einsum("bs,bsc->bc", weights, memory)


@alignment.variant
def with_where(h, memory, lengths):
    return _mean(_softmax(np.where(_hidden(memory, lengths), -np.inf, _scores(h, memory))), memory)


@alignment.variant
def one_sentence_at_a_time(h, memory, lengths):
    weights, context = np.zeros(memory.shape[:2], h.dtype), np.empty_like(h)
    for b, n in enumerate(lengths):
        scores = memory[b, :n] @ h[b]
        e = np.exp(scores - max(scores))
        weights[b, :n] = e / sum(e)
        context[b] = weights[b] @ memory[b]
    return weights, context


@alignment.variant
def batched_products(h, memory, lengths):
    scores = (memory @ h[..., None])[..., 0]
    scores[_hidden(memory, lengths)] = -1e30
    e = np.exp(scores - scores.max(axis=1)[:, None])
    e *= np.tri(memory.shape[1] + 1, memory.shape[1], -1, dtype=h.dtype)[lengths]
    weights = e / np.add.reduce(e, axis=1)[:, None]
    return weights, (weights[:, None, :] @ memory)[:, 0]


@alignment.misconception("there were no padding", "How much of your weight does the last sentence give to padding?")
def padding_seen(h, memory, lengths):
    return _mean(_softmax(_scores(h, memory)), memory)


@alignment.misconception("padding had the score 0", "What is e⁰, and is it nothing?")
def padding_scores_zero(h, memory, lengths):
    return _mean(_softmax(np.where(_hidden(memory, lengths), 0, _scores(h, memory))), memory)


@alignment.misconception("padding were taken away after the softmax", "To what do the remaining weights sum?")
def hidden_after_softmax(h, memory, lengths):
    return _mean(np.where(_hidden(memory, lengths), 0, _softmax(_scores(h, memory))), memory)


@alignment.misconception("the scores were the weights", "Do your weights sum to one, and are they all positive?")
def no_softmax(h, memory, lengths):
    return _mean(np.where(_hidden(memory, lengths), 0, _scores(h, memory)), memory)


@alignment.misconception(
    "the scores were divided by √C", "Whose attention has this scale, and whose is asked for here?"
)
def scaled(h, memory, lengths):
    scores = _scores(h, memory) / np.sqrt(h.dtype.type(h.shape[1]))
    return _mean(_softmax(np.where(_hidden(memory, lengths), -np.inf, scores)), memory)


@alignment.misconception(
    "all weight went to the best match", "How would you find the gradient of which token is the best?"
)
def best_match_only(h, memory, lengths):
    scores = np.where(_hidden(memory, lengths), -np.inf, _scores(h, memory))
    return _mean(np.eye(memory.shape[1], dtype=h.dtype)[scores.argmax(axis=1)], memory)


@alignment.misconception("weight and context were returned in the other order", "Which of the two has S numbers?")
def results_swapped(h, memory, lengths):
    return with_where(h, memory, lengths)[::-1]


@alignment.misconception(
    "exp took any number", "What is e to the power of 800 in floating point, and does subtracting the maximum help?"
)
def overflowing(h, memory, lengths):
    e = np.where(_hidden(memory, lengths), 0, np.exp(_scores(h, memory)))
    return _mean(e / e.sum(axis=1, keepdims=True), memory)


# pad_pairs


def _pair_cases(rng):
    yield [[5, 6, 7], [8]], [[9], [10, 11]], 0
    for lengths in (((1,), (4,)), ((2, 2), (3, 3)), ((1, 3), (4, 2)), ((4, 1, 2), (1, 3, 2)), ((2, 5, 1), (6, 0, 3))):
        yield _sentences(rng, lengths[0]), _sentences(rng, lengths[1]), int(rng.integers(1, 10))


def _pad_pairs_answer(sources, targets, pad):
    source, lengths = data.pad(sources, pad)
    return source, lengths, data.pad(targets, pad)[0]


pad_pairs = Exercise(
    name="pad_pairs",
    statement="Sentence pairs as one batch. Sources are filled up with `pad` at their end to S, the length of the "
    "longest source, targets to T, that of the longest target; row b of both is pair b. lengths[b] = how many of the "
    "S places of source b are text.",
    arguments={
        "sources": "list of B lists of ids, of unequal length",
        "targets": "list of B lists of ids: targets[b] translates sources[b]",
        "pad": "int, an id that no sentence holds",
    },
    returns="(source (B, S), lengths (B,), target (B, T))",
    reference=data.pad,
    answer=_pad_pairs_answer,
    cases=_pair_cases,
    hints=(
        "An array needs rows of one length. Which is the shortest that loses nothing, on either side?",
        "Begin with an array full of `pad`, and write each sentence to the beginning of its row.",
        "source = np.full((B, S), pad); for b, x in enumerate(sources): source[b, : len(x)] = x; the same for targets.",
    ),
)


def _filled(sentences, pad, length=None):
    length = max(map(len, sentences)) if length is None else length
    rows = [x[:length] + [pad] * (length - len(x)) for x in sentences]
    return np.array(rows, int).reshape(len(sentences), length)


def _count(sentences):
    return np.array([len(x) for x in sentences])


@pad_pairs.variant
def full_and_overwritten(sources, targets, pad):
    batch = []
    for side in (sources, targets):
        rows = np.full((len(side), max(len(x) for x in side)), pad)
        for row, x in zip(rows, side, strict=True):
            row[: len(x)] = x
        batch.append(rows)
    return batch[0], (batch[0] != pad).sum(axis=1), batch[1]


@pad_pairs.variant
def lists_made_longer(sources, targets, pad):
    S, T = max(map(len, sources)), max(map(len, targets))
    source = [x + (S - len(x)) * [pad] for x in sources]
    target = [y + (T - len(y)) * [pad] for y in targets]
    return source, [S - row.count(pad) for row in source], target


@pad_pairs.variant
def zipped_longest(sources, targets, pad):
    source, target = (np.array(list(zip_longest(*side, fillvalue=pad))).T for side in (sources, targets))
    return source, list(map(len, sources)), target


@pad_pairs.misconception(
    "source and target needed one length", "Is any operation asked to hold a source and a target in one array?"
)
def one_length_for_both(sources, targets, pad):
    longest = max(map(len, sources + targets))
    return _filled(sources, pad, longest), _count(sources), _filled(targets, pad, longest)


@pad_pairs.misconception("the padding stood in front", "At which end of a row does the statement put it?")
def padded_in_front(sources, targets, pad):
    source, target = (_filled([x[::-1] for x in side], pad)[:, ::-1] for side in (sources, targets))
    return source, _count(sources), target


@pad_pairs.misconception("pad were 0", "Which word of the vocabulary has the id 0, if pad is another?")
def filled_with_zero(sources, targets, pad):
    return _filled(sources, 0), _count(sources), _filled(targets, 0)


@pad_pairs.misconception(
    "all sentences were cut to the shortest", "What becomes of the last words of the longer sentences?"
)
def cut_to_the_shortest(sources, targets, pad):
    S, T = min(map(len, sources)), min(map(len, targets))
    return _filled(sources, pad, S), np.minimum(_count(sources), S), _filled(targets, pad, T)


@pad_pairs.misconception(
    "padding belonged to the text", "Which places of a row should an encoder read, and how does it know?"
)
def lengths_with_padding(sources, targets, pad):
    return _filled(sources, pad), np.full(len(sources), max(map(len, sources))), _filled(targets, pad)


@pad_pairs.misconception(
    "each side could be sorted by its own lengths", "Is the target in your row 0 still the translation of its source?"
)
def sides_sorted(sources, targets, pad):
    sources, targets = sorted(sources, key=len), sorted(targets, key=len)
    return _filled(sources, pad), _count(sources), _filled(targets, pad)
