"""Masked language modelling: what is hidden and how, whole words, and where the loss looks."""

import numpy as np

from minilm import autograd
from minilm.autograd import Tensor
from minilm.check.exercise import Exercise
from minilm.data.masking import corrupted, of_whole_words

# corrupt


def _corrupt_cases(rng):
    yield np.array([5, 6, 7]), np.array([True, True, True]), np.array([0.1, 0.85, 0.95]), np.array([8, 8, 8]), 4
    yield np.array([5, 6, 7, 8]), np.array([False] * 4), np.array([0.1, 0.85, 0.95, 0.5]), np.array([9] * 4), 4
    yield np.array([5, 6, 7]), np.array([False, True, True]), np.array([0.82, 0.8, 0.9]), np.array([9, 9, 9]), 3
    for T in (8, 12, 30):
        chosen = rng.random(T) < 0.6
        yield rng.integers(5, 30, T), chosen, rng.random(T), rng.integers(5, 30, T), 4


corrupt = Exercise(
    name="corrupt",
    statement="Of the chosen tokens, those with fate < 0.8 become [MASK], those with 0.8 ≤ fate < 0.9 become the token "
    "in others, and the rest stay. All chosen tokens are asked for: their target is what stood there before; "
    "elsewhere it is -1.",
    arguments={
        "ids": "(T,), the text",
        "chosen": "(T,) bool",
        "fate": "(T,), each from 0 to 1",
        "others": "(T,), a random token for each place",
        "mask": "the id of [MASK]",
    },
    returns="(read, targets), both (T,): what the model reads, and what it is asked for",
    reference=corrupted,
    cases=_corrupt_cases,
    hints=(
        "Which tokens are asked for: those that changed, or those that were chosen?",
        "np.where(condition, a, b) takes from a or b at each place; two of them inside each other make three fates.",
        "read = np.where(chosen & (fate < 0.8), mask, ids); then again for 0.8 ≤ fate < 0.9 with others; "
        "targets = np.where(chosen, ids, -1)",
    ),
)


@corrupt.variant
def with_where(ids, chosen, fate, others, mask):
    read = np.where(fate < 0.8, mask, np.where(fate < 0.9, others, ids))
    return np.where(chosen, read, ids), np.where(chosen, ids, -1)


@corrupt.variant
def with_a_loop(ids, chosen, fate, others, mask):
    read, targets = list(ids), [-1] * len(ids)
    for t in range(len(ids)):
        if chosen[t]:
            targets[t] = ids[t]
            if fate[t] < 0.9:
                read[t] = mask if fate[t] < 0.8 else others[t]
    return read, targets


@corrupt.variant
def with_assignments(ids, chosen, fate, others, mask):
    read, targets = ids.copy(), np.full(len(ids), -1)
    targets[chosen] = ids[chosen]
    another = chosen & (fate >= 0.8) & (fate < 0.9)
    read[another] = others[another]
    read[chosen & (fate < 0.8)] = mask
    return read, targets


@corrupt.misconception(
    "every chosen token became [MASK]", "What would the model know of tokens that it can see, as in all later tasks?"
)
def always_masked(ids, chosen, fate, others, mask):
    return np.where(chosen, mask, ids), np.where(chosen, ids, -1)


@corrupt.misconception("a chosen token that stays were not asked for", "Can the model know which tokens were kept?")
def kept_not_asked(ids, chosen, fate, others, mask):
    read, targets = with_where(ids, chosen, fate, others, mask)
    return read, np.where(fate < 0.9, targets, -1)


@corrupt.misconception("only [MASK] were asked for", "What does a wrong token teach, if nobody asks for the right one?")
def only_masks_asked(ids, chosen, fate, others, mask):
    read, targets = with_where(ids, chosen, fate, others, mask)
    return read, np.where(fate < 0.8, targets, -1)


@corrupt.misconception("all tokens were asked for", "How hard is it to name a token that one can see?")
def all_asked(ids, chosen, fate, others, mask):
    return with_where(ids, chosen, fate, others, mask)[0], ids


@corrupt.misconception("the targets were what the model reads", "Where does the right answer stand: before or after?")
def targets_after(ids, chosen, fate, others, mask):
    read, _ = with_where(ids, chosen, fate, others, mask)
    return read, np.where(chosen, read, -1)


@corrupt.misconception("tokens that were not chosen changed, too", "How many of all tokens are to be changed?")
def all_changed(ids, chosen, fate, others, mask):
    return np.where(fate < 0.8, mask, np.where(fate < 0.9, others, ids)), np.where(chosen, ids, -1)


@corrupt.misconception("no token stayed: 80 % became [MASK] and 20 % another", "What is the last tenth for?")
def none_kept(ids, chosen, fate, others, mask):
    return np.where(chosen, np.where(fate < 0.8, mask, others), ids), np.where(chosen, ids, -1)


# whole_words


def _whole_words_cases(rng):
    yield np.array([True, False, True]), np.array([False, True, False, False, True])
    yield np.array([False, True, False]), np.array([False, False, True, True, False])
    yield np.array([True, False]), np.array([False, True, True, False])
    yield np.array([False, True, True]), np.array([False, False, False])
    for T in (8, 15):
        goes_on = np.append(False, rng.random(T - 1) < 0.5)
        yield rng.random(np.count_nonzero(~goes_on)) < 0.5, goes_on


whole_words = Exercise(
    name="whole_words",
    statement="Hide words, not pieces: all pieces of a word are chosen, or none. A piece that goes on (##able) belongs "
    "to the word of the piece before it.",
    arguments={
        "drawn": "(W,) bool, whether each word is chosen, in order",
        "goes_on": "(T,) bool, True for pieces that go on with a word; the first is False",
    },
    returns="(T,) bool, or a list of bools: whether each piece is chosen",
    reference=of_whole_words,
    answer=lambda drawn, goes_on: of_whole_words(np.append(False, drawn), goes_on),
    cases=_whole_words_cases,
    hints=(
        "How do you know the number of the word that a piece belongs to?",
        "Count the beginnings up to each piece: np.cumsum(~goes_on) is 1 in the first word.",
        "drawn[the number of the word, counted from 0]",
    ),
)


@whole_words.variant
def with_cumsum(drawn, goes_on):
    return drawn[np.cumsum(~goes_on) - 1]


@whole_words.variant
def with_loop(drawn, goes_on):
    word, chosen = -1, []
    for more in goes_on:
        word += not more
        chosen.append(bool(drawn[word]))
    return chosen


@whole_words.variant
def with_repeats(drawn, goes_on):
    starts = np.flatnonzero(~goes_on)
    return np.repeat(drawn, np.diff(np.append(starts, len(goes_on))))


@whole_words.misconception("only the first piece of a word were chosen", "What is ##able easy to guess from?")
def first_pieces(drawn, goes_on):
    return with_cumsum(drawn, goes_on) & ~goes_on


@whole_words.misconception(
    "only the pieces that go on were chosen", "Does a word's first piece belong to the word, too?"
)
def later_pieces(drawn, goes_on):
    return with_cumsum(drawn, goes_on) & goes_on


@whole_words.misconception("a word had two pieces at most", "What of un, ##afford, ##able?")
def two_pieces(drawn, goes_on):
    first = first_pieces(drawn, goes_on)
    return first | (np.append(False, first[:-1]) & goes_on)


@whole_words.misconception("words were numbered one too high", "What is the number of the first word?")
def one_too_high(drawn, goes_on):
    return np.append(drawn, False)[np.cumsum(~goes_on)]


@whole_words.misconception("the pieces that go on were counted as words", "Where does a new word begin?")
def counted_wrongly(drawn, goes_on):
    return np.append(drawn, [False] * len(goes_on))[np.cumsum(goes_on)]


# masked_loss


def _masked_loss_cases(rng):
    yield np.log([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]]), np.array([[0, -1]])
    two = [[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [[0.2, 0.2, 0.6], [0.7, 0.2, 0.1]]
    yield np.log(two), np.array([[1, -1], [2, 0]])
    yield rng.normal(size=(2, 3, 4)), np.array([[-1, 3, -1], [-1, -1, 2]])
    for B, T, V in ((2, 5, 6), (3, 4, 5)):
        targets = np.where(rng.random((B, T)) < 0.5, rng.integers(0, V, (B, T)), -1)
        targets[0, 0] = -1
        targets[:, 1] = V - 2
        targets[-1] = V - 1  # rows in which unequally many are asked for
        yield 2 * rng.normal(size=(B, T, V)), targets


masked_loss = Exercise(
    name="masked_loss",
    statement="The mean of -ln P(target) over the places where something is asked, with P = softmax of the logits. "
    "A target of -1 says that nothing is: the token was not hidden, or it is padding.",
    arguments={"logits": "(B, T, V)", "targets": "(B, T), ids or -1; at least one is an id"},
    returns="a number",
    reference=autograd.cross_entropy,
    answer=lambda logits, targets: autograd.cross_entropy(Tensor(logits), targets=targets).item(),
    cases=_masked_loss_cases,
    hints=(
        "What does logits[b, t, -1] give, if you let it?",
        "Take the rows of logits and the targets where targets != -1, and forget the others before you do anything.",
        "x, y = logits[targets != -1], targets[targets != -1]; the mean of log Σ exp x less x at y",
    ),
)


@masked_loss.variant
def chosen_first(logits, targets):
    asked = targets != -1
    x, y = logits[asked], targets[asked]
    return float(np.mean(np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(y)), y]))


@masked_loss.variant
def weighed(logits, targets):
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    nats = -np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    return (nats * (targets != -1)).sum() / (targets != -1).sum()


@masked_loss.variant
def with_loops(logits, targets):
    total, count = 0.0, 0
    for row, wanted in zip(logits.reshape(-1, logits.shape[-1]), targets.ravel(), strict=True):
        if wanted >= 0:
            total, count = total - np.log(np.exp(row[wanted]) / np.exp(row).sum()), count + 1
    return total / count


@masked_loss.misconception("-1 were the last token of the vocabulary", "What does Python take x[-1] for?")
def last_token(logits, targets):
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(log_p, targets[..., None], axis=-1).mean()


@masked_loss.misconception("-1 were token 0", "Is the padding asked for?")
def token_zero(logits, targets):
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(log_p, np.maximum(targets, 0)[..., None], axis=-1).mean()


@masked_loss.misconception(
    "the sum were divided by all places", "What happens to the loss if a batch gets more padding, and nothing else?"
)
def by_all_places(logits, targets):
    asked = targets != -1
    x, y = logits[asked], targets[asked]
    return (np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(y)), y]).sum() / targets.size


@masked_loss.misconception("the sum were divided by the number of texts", "How many predictions are there?")
def by_texts(logits, targets):
    asked = targets != -1
    x, y = logits[asked], targets[asked]
    return (np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(y)), y]).sum() / len(targets)


@masked_loss.misconception("the loss were the sum", "Should a longer batch have a larger loss?")
def not_divided(logits, targets):
    asked = targets != -1
    x, y = logits[asked], targets[asked]
    return (np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(y)), y]).sum()


@masked_loss.misconception(
    "the mean of each text's mean were taken", "Should a token of a short text count for more than one of a long text?"
)
def mean_of_means(logits, targets):
    means = []
    for x, y in zip(logits, targets, strict=True):
        x, y = x[y != -1], y[y != -1]
        if len(y):
            means.append(np.mean(np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(y)), y]))
    return float(np.mean(means))


@masked_loss.misconception("the logits were probabilities", "Where is the softmax?")
def no_softmax(logits, targets):
    asked = targets != -1
    return -np.mean(logits[asked][np.arange(asked.sum()), targets[asked]])
