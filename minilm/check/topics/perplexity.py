"""How good is a model? Cross-entropy, perplexity, bits per character, accuracy: sum first, divide once."""

import math

import numpy as np

from minilm import metrics
from minilm.check.exercise import Exercise


def _with_padding(rng, targets, pad):
    """Targets (B, T) whose rows end in padding, each row in more than the one before; the first token is never lost."""
    B, T = targets.shape
    lost = np.minimum(np.arange(B) + (T > 2), T - 1)
    targets[np.arange(T) >= (T - lost)[:, None]] = pad
    return targets


# nats_per_token


def _nats_per_token_cases(rng):
    for B, T, V, pad in ((1, 1, 2, -1), (1, 3, 2, -1), (2, 3, 4, 0), (3, 5, 3, -100), (3, 6, 7, 0), (4, 6, 5, -1)):
        x = rng.normal(0, 2, (B, T, V))
        targets = rng.integers(1 if pad == 0 else 0, V, (B, T))
        targets[0, 0] = 1 if pad == 0 else 0
        padded = _with_padding(rng, targets.copy(), pad)
        yield x - np.log(np.exp(x).sum(axis=-1, keepdims=True)), padded, pad
    yield (x - np.log(np.exp(x).sum(axis=-1, keepdims=True))).astype(np.float32), padded, pad
    np.put_along_axis(x, (targets[..., None] + 1) % V, -np.inf, axis=-1)  # some tokens are impossible, no target is
    yield x - np.log(np.exp(x).sum(axis=-1, keepdims=True)), padded, pad


nats_per_token = Exercise(
    name="nats_per_token",
    statement="−(1/N) Σₙ ln p(yₙ), in nats per token, over the N targets that are not padding.",
    arguments={
        "log_probs": "(B, T, V) natural logarithms of probabilities",
        "targets": "(B, T) ids that came true",
        "ignore_index": "the target that means padding",
    },
    returns="a number",
    reference=metrics.cross_entropy,
    cases=_nats_per_token_cases,
    hints=(
        "Every token has one number in log_probs that matters: the one at its target's id. Which tokens count at all?",
        "Both the sum and N leave the padding out: make counted = targets != ignore_index first.",
        "−log_probs[counted][np.arange(counted.sum()), targets[counted]].mean()",
    ),
)


def _picked(log_probs, targets, counted):
    return log_probs[counted][np.arange(counted.sum()), targets[counted]]


@nats_per_token.variant
def with_a_mask(log_probs, targets, ignore_index):
    return -_picked(log_probs, targets, targets != ignore_index).mean()


@nats_per_token.variant
def token_by_token(log_probs, targets, ignore_index):
    total, tokens = 0.0, 0
    for row, row_targets in zip(log_probs, targets, strict=True):
        for log_p, y in zip(row, row_targets, strict=True):
            if y != ignore_index:
                total, tokens = total - log_p[y], tokens + 1
    return total / tokens


@nats_per_token.variant
def with_take_along_axis(log_probs, targets, ignore_index):
    counted = targets != ignore_index
    at_target = np.take_along_axis(log_probs, np.where(counted, targets, 0)[..., None], axis=-1)[..., 0]
    return -np.where(counted, at_target, 0).sum() / np.count_nonzero(counted)


@nats_per_token.variant
def with_one_hot_choice(log_probs, targets, ignore_index):
    hit = (targets[..., None] == np.arange(log_probs.shape[-1])) & (targets != ignore_index)[..., None]
    return -np.average(log_probs[hit])


@nats_per_token.misconception("padding were a target like any other", "What does log_probs[..., -1] give you?")
def padding_counted(log_probs, targets, ignore_index):
    return -np.take_along_axis(log_probs, targets[..., None], axis=-1).mean()


@nats_per_token.misconception(
    "the divisor N counted the padding too", "How many terms has your sum, and by what do you divide it?"
)
def divided_by_all(log_probs, targets, ignore_index):
    return -_picked(log_probs, targets, targets != ignore_index).sum() / targets.size


@nats_per_token.misconception(
    "each row were averaged first, and then the rows", "Does a token in a short row weigh as much as one in a long row?"
)
def mean_of_rows(log_probs, targets, ignore_index):
    rows = zip(log_probs, targets, strict=True)
    return np.mean([with_a_mask(row, row_targets, ignore_index) for row, row_targets in rows])


@nats_per_token.misconception("padding were always negative", "What if id 0 is the padding?")
def negative_is_padding(log_probs, targets, ignore_index):
    return -_picked(log_probs, targets, targets >= 0).mean()


@nats_per_token.misconception("the answer were wanted in bits", "Which unit has the result by the statement?")
def in_bits(log_probs, targets, ignore_index):
    return with_a_mask(log_probs, targets, ignore_index) / math.log(2)


@nats_per_token.misconception(
    "the targets were picked by multiplying with zeros and ones", "What is 0 · (−∞), where a token is impossible?"
)
def one_hot_product(log_probs, targets, ignore_index):
    one_hot = np.eye(log_probs.shape[-1])[np.maximum(targets, 0)] * (targets != ignore_index)[..., None]
    return -(one_hot * log_probs).sum() / one_hot.sum()


@nats_per_token.misconception(
    "the probabilities were averaged before the logarithm", "Is the mean of logarithms the logarithm of the mean?"
)
def log_of_the_mean(log_probs, targets, ignore_index):
    return -np.log(np.exp(_picked(log_probs, targets, targets != ignore_index)).mean())


# perplexity


def _perplexity_cases(rng):
    for B, T, padding in ((1, 1, 0), (1, 2, 0), (2, 3, 0), (3, 5, -9.5), (4, 7, 0), (3, 133, 0)):
        lengths = np.maximum(T - np.arange(B) * (T // 3 + 1), 1)
        log_probs = -rng.uniform(0.5 if T < 9 else 4, 6, (B, T))  # of the long one, p is far below 10⁻³²³
        yield np.where(np.arange(T) < lengths[:, None], log_probs, padding), lengths
    yield log_probs[:, :4].astype(np.float32), np.array([4, 1, 2])


perplexity = Exercise(
    name="perplexity",
    statement="exp(−(1/N) Σ ln p), over all N tokens of all sentences.",
    arguments={
        "log_probs": "(B, T) ln p of each token, a sentence in each row; what stands after its end is padding",
        "lengths": "(B,) the number of tokens in each sentence",
    },
    returns="a number",
    reference=metrics.perplexity,
    answer=lambda log_probs, lengths: metrics.perplexity(
        -log_probs[np.arange(log_probs.shape[1]) < lengths[:, None]].mean(dtype=float)
    ),
    cases=_perplexity_cases,
    hints=(
        "A fair die with 6 faces has perplexity 6, however often you throw it. Which mean of ln(1/6) gives that?",
        "Every token weighs alike: one sum over all sentences, one N = Σ lengths, one division, then exp.",
        "total = sum of log_probs[b, : lengths[b]] over all b; exp(−total / lengths.sum()).",
    ),
)


def _sentences(log_probs, lengths):
    return [row[:length] for row, length in zip(log_probs, lengths, strict=True)]


@perplexity.variant
def sentence_by_sentence(log_probs, lengths):
    return math.exp(-sum(float(sum(s)) for s in _sentences(log_probs, lengths)) / sum(lengths.tolist()))


@perplexity.variant
def with_mask(log_probs, lengths):
    real = np.arange(log_probs.shape[1])[None] < lengths[:, None]
    return np.exp(-np.sum(log_probs, where=real) / real.sum())


@perplexity.variant
def weighted_by_length(log_probs, lengths):
    means = [s.mean() for s in _sentences(log_probs, lengths)]
    return 1 / np.exp(np.average(means, weights=lengths))


@perplexity.variant
def product_of_roots(log_probs, lengths):
    return np.prod(np.exp(-np.concatenate(_sentences(log_probs, lengths)) / lengths.sum()))


@perplexity.misconception("padding were tokens", "Which tokens does a mean over the whole array count?")
def padding_as_tokens(log_probs, lengths):
    return np.exp(-log_probs.mean())


@perplexity.misconception(
    "each sentence had a perplexity of its own, and these were averaged",
    "What does a long sentence weigh, what a short one?",
)
def mean_of_perplexities(log_probs, lengths):
    return np.mean([np.exp(-s.mean()) for s in _sentences(log_probs, lengths)])


@perplexity.misconception(
    "each sentence weighed alike, long or short", "How much does one token of a short sentence move your result?"
)
def mean_of_means(log_probs, lengths):
    return np.exp(-np.mean([s.mean() for s in _sentences(log_probs, lengths)]))


@perplexity.misconception(
    "the divisor N were the number of sentences", "Is your result still 6 if the die is thrown twice?"
)
def per_sentence(log_probs, lengths):
    return np.exp(-np.concatenate(_sentences(log_probs, lengths)).sum() / len(lengths))


@perplexity.misconception("1/p were averaged over the tokens", "Which comes first in the formula, the mean or exp?")
def mean_of_inverses(log_probs, lengths):
    return np.exp(-np.concatenate(_sentences(log_probs, lengths))).mean()


@perplexity.misconception("the logarithms had base 2", "Which base undoes a natural logarithm?")
def two_to_the_nats(log_probs, lengths):
    return 2 ** -np.concatenate(_sentences(log_probs, lengths)).mean()


@perplexity.misconception("all probabilities were multiplied first", "How small a number can a float64 hold?")
def product_first(log_probs, lengths):
    return np.prod(np.exp(np.concatenate(_sentences(log_probs, lengths)).astype(float))) ** (-1 / lengths.sum())


@perplexity.misconception(
    "there were no minus sign", "Can a model be surer than one that knows the text, whose result is 1?"
)
def minus_forgotten(log_probs, lengths):
    return np.exp(np.concatenate(_sentences(log_probs, lengths)).mean())


# bits_per_character


def _bits_per_character_cases(rng):
    pieces = ["low", "er", "new", "est", " the", "我", "喜欢", "é", " "]
    drawn = (rng.choice(pieces, n).tolist() for n in (3, 6, 12, 12))
    for tokens in (["low"], ["我", "喜欢"], [" new", "est"], [pieces[rng.integers(8)]], *drawn):
        yield -rng.uniform(0.1, 6, len(tokens)), tokens
    yield -rng.exponential(3, 12).astype(np.float32), tokens


bits_per_character = Exercise(
    name="bits_per_character",
    statement="−Σₜ ln p(wₜ) / (K ln 2), where K is the number of characters in the whole text.",
    arguments={
        "log_probs": "(T,) ln p(wₜ) of each token, in nats",
        "tokens": "a list of T strings, which joined without anything between them are the text",
    },
    returns="a number",
    reference=metrics.bits_per_character,
    answer=lambda log_probs, tokens: metrics.bits_per_character(-log_probs.sum(dtype=float), len("".join(tokens))),
    cases=_bits_per_character_cases,
    hints=(
        "Two models cut the text in different ways. Which number about the text is the same for both?",
        "Sum the nats over the tokens, divide by the number of characters; one bit is ln 2 nats.",
        "-log_probs.sum() / (len(''.join(tokens)) * ln 2)",
    ),
)


@bits_per_character.variant
def with_log2(log_probs, tokens):
    return -np.sum(log_probs * math.log2(math.e)) / len("".join(tokens))


@bits_per_character.variant
def with_two_sums(log_probs, tokens):
    nats, characters = 0.0, 0
    for log_p, token in zip(log_probs, tokens, strict=True):
        nats, characters = nats - log_p, characters + len(token)
    return nats / math.log(2) / characters


@bits_per_character.variant
def per_token_times_tokens(log_probs, tokens):
    return -log_probs.mean() / np.mean([len(token) for token in tokens]) / np.log(2)


@bits_per_character.misconception("it were asked per token", "How many tokens has your text, and how many characters?")
def per_token(log_probs, tokens):
    return -log_probs.mean() / math.log(2)


@bits_per_character.misconception("a nat were a bit", "How many bits has a fair coin, and how many nats?")
def in_nats(log_probs, tokens):
    return -log_probs.sum() / len("".join(tokens))


@bits_per_character.misconception("a nat were ln 2 bits", "Which is more, a nat or a bit?")
def times_ln_two(log_probs, tokens):
    return -log_probs.sum() / len("".join(tokens)) * math.log(2)


@bits_per_character.misconception("a character were a byte", "How many bytes has 我 in UTF-8, and how many characters?")
def per_byte(log_probs, tokens):
    return -log_probs.sum() / len("".join(tokens).encode()) / math.log(2)


@bits_per_character.misconception("spaces were no characters", "Does your model predict the spaces too?")
def spaces_left_out(log_probs, tokens):
    return -log_probs.sum() / len("".join(tokens).replace(" ", "")) / math.log(2)


@bits_per_character.misconception(
    "each token had bits per character of its own, and these were averaged",
    "Should a token of one character weigh as much as a token of ten?",
)
def mean_of_tokens(log_probs, tokens):
    return np.mean([-log_p / len(token) for log_p, token in zip(log_probs, tokens, strict=True)]) / math.log(2)


# accuracy


def _accuracy_cases(rng):
    for B, T, V, pad in ((1, 1, 3, -1), (2, 3, 5, -1), (2, 4, 3, 0), (3, 7, 9, 0), (4, 9, 6, -100), (5, 8, 4, 0)):
        targets = _with_padding(rng, rng.integers(1, V, (B, T)), pad)
        predictions = np.where(rng.random((B, T)) < 0.5, targets, rng.integers(0, V, (B, T)))
        predictions[-1] = np.where(np.arange(T), 0, targets[-1] % (V - 1) + 1)  # the shortest row: all wrong
        predictions[0] = targets[0]  # the longest row: all right
        yield np.maximum(predictions, 0), targets, pad


accuracy = Exercise(
    name="accuracy",
    statement="(1/N) Σₙ [ŷₙ = yₙ], the share that is right of the N targets that are not padding.",
    arguments={
        "predictions": "(B, T) ids ŷ",
        "targets": "(B, T) ids y",
        "ignore_index": "the target that means padding",
    },
    returns="a number from 0 to 1",
    reference=metrics.accuracy,
    cases=_accuracy_cases,
    hints=(
        "Which of the places ask the model anything?",
        "Leave the padding out above the line and below it; only the targets say where it is.",
        "counted = targets != ignore_index; (predictions == targets)[counted].mean()",
    ),
)


@accuracy.variant
def with_boolean_index(predictions, targets, ignore_index):
    counted = targets != ignore_index
    return np.mean(predictions[counted] == targets[counted])


@accuracy.variant
def by_counting(predictions, targets, ignore_index):
    pairs = [(p, y) for p, y in zip(predictions.ravel(), targets.ravel(), strict=True) if y != ignore_index]
    return sum(p == y for p, y in pairs) / len(pairs)


@accuracy.variant
def with_weights(predictions, targets, ignore_index):
    return 1 - np.average(predictions != targets, weights=targets != ignore_index)


@accuracy.misconception("padding were a target like any other", "Is a model good because it can predict padding?")
def padding_predicted(predictions, targets, ignore_index):
    return (predictions == targets).mean()


@accuracy.misconception("the divisor N counted the padding too", "Can your accuracy reach 1 when there is padding?")
def divided_by_everything(predictions, targets, ignore_index):
    return ((predictions == targets) & (targets != ignore_index)).sum() / targets.size


@accuracy.misconception(
    "what the model predicts told where padding is", "What if a model predicts padding where there is a word?"
)
def padding_of_predictions(predictions, targets, ignore_index):
    return (predictions == targets)[predictions != ignore_index].mean()


@accuracy.misconception(
    "each row had an accuracy of its own, and these were averaged", "Does every token weigh alike in a mean of means?"
)
def mean_of_accuracies(predictions, targets, ignore_index):
    return np.mean([with_boolean_index(p, y, ignore_index) for p, y in zip(predictions, targets, strict=True)])


@accuracy.misconception("the wrong ones were counted", "What should a model get that is always right?")
def error_rate(predictions, targets, ignore_index):
    return 1 - with_boolean_index(predictions, targets, ignore_index)
