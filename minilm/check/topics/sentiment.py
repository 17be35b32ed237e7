"""Classifying texts: test texts that leak, naive Bayes smoothed, padding in the mean, calibration."""

import numpy as np

from minilm import metrics
from minilm.autograd import Tensor
from minilm.check.exercise import Exercise
from minilm.data import sharing_beginning
from minilm.models.bags import smoothed_shares
from minilm.models.classifier import pooled

# leaking_texts


def _leaking_texts_cases(rng):
    letters = rng.permutation(list("abcdefgh好书看人我你他她")).tolist()
    names = dict(zip("abcdefgxyz", letters, strict=False))

    def texts(*patterns):
        return ["".join(names[letter] for letter in pattern) for pattern in patterns]

    yield texts("abcx", "xabc"), texts("abcy"), 3
    yield texts("abc", "bcde"), texts("abcd", "xbcd"), 3
    yield texts("abcd", "dcba", "ab"), texts("ab", "abx"), 3
    yield texts("abcde", "abxxx"), texts("abcde"), 2
    yield texts("xyz", "abz"), texts("abz", "xyz"), 2
    yield texts("abzz", "bbzz"), texts("xxzz"), 2


leaking_texts = Exercise(
    name="leaking_texts",
    statement="Which test texts begin with the same characters as some training text: near copies, that would be "
    "recognised and not understood.",
    arguments={
        "texts": "a list of strings, to test on",
        "others": "a list of strings, to learn from",
        "characters": "how many characters a beginning has; of a shorter text it is the whole",
    },
    returns="(N,) bool, or a list of bools: one for each of texts",
    reference=sharing_beginning,
    cases=_leaking_texts_cases,
    hints=(
        "What is the beginning of a text, and of which texts do you need to know all the beginnings?",
        "Collect the beginnings of the others in a set; then ask of each text whether its own is in it.",
        "known = {other[:characters] for other in others}; then text[:characters] in known",
    ),
)


@leaking_texts.variant
def with_a_set(texts, others, characters):
    known = {other[:characters] for other in others}
    return [text[:characters] in known for text in texts]


@leaking_texts.variant
def with_two_loops(texts, others, characters):
    return [any(text[:characters] == other[:characters] for other in others) for text in texts]


@leaking_texts.variant
def with_numpy(texts, others, characters):
    return np.isin([text[:characters] for text in texts], [other[:characters] for other in others])


@leaking_texts.misconception("only equal texts were found", "Is a review with one more mark at its end a new one?")
def equal_only(texts, others, characters):
    return [text in others for text in texts]


@leaking_texts.misconception("the ends of texts were compared", "Which characters does text[-n:] take?")
def ends(texts, others, characters):
    return [text[-characters:] in {other[-characters:] for other in others} for text in texts]


@leaking_texts.misconception(
    "each text were compared with the one other at its place alone",
    "With how many training texts may it share its beginning?",
)
def pairwise(texts, others, characters):
    return [i < len(others) and text[:characters] == others[i][:characters] for i, text in enumerate(texts)]


@leaking_texts.misconception(
    "a beginning were looked for anywhere in the other texts", "Where in the training text must it stand?"
)
def anywhere(texts, others, characters):
    return [any(text[:characters] in other for other in others) for text in texts]


# smoothed


def _smoothed_cases(rng):
    yield np.array([[3.0, 0.0], [0.0, 1.0]]), 1.0
    yield np.array([[3.0, 1.0], [1.0, 2.0], [0.0, 4.0]]), 0.5
    for V, C, k in ((5, 2, 2.0), (4, 3, 0.1), (6, 2, 1.0)):
        yield rng.integers(0, 9, (V, C)).astype(float), k


smoothed = Exercise(
    name="smoothed",
    statement="P(v | c) = (n(v, c) + k) / (Σᵥ n(v, c) + k V): naive Bayes' estimate of how often class c has the "
    "n-gram v, when every n-gram is counted k times more than it was seen.",
    arguments={"counts": "(V, C), n(v, c)", "k": "a number above 0"},
    returns="(V, C), each column of which sums to 1",
    reference=smoothed_shares,
    cases=_smoothed_cases,
    hints=(
        "What must each column sum to?",
        "If k is added to each of V counts, by how much does their sum grow?",
        "(counts + k) / (counts.sum(axis=0) + k * len(counts))",
    ),
)


@smoothed.variant
def added_first(counts, k):
    more = counts + k
    return more / more.sum(axis=0)


@smoothed.variant
def by_columns(counts, k):
    return np.stack([(column + k) / (column.sum() + k * len(column)) for column in counts.T], axis=1)


@smoothed.variant
def with_mixture(counts, k):
    total, V = counts.sum(axis=0), len(counts)
    weight = k * V / (total + k * V)  # of the uniform distribution
    return (1 - weight) * counts / np.maximum(total, 1e-300) + weight / V


@smoothed.misconception("the sum had grown by k, not by k V", "To how many counts was k added?")
def denominator_without_v(counts, k):
    return (counts + k) / (counts.sum(axis=0) + k)


@smoothed.misconception("nothing were added", "What becomes of a text with one n-gram that the class has not seen?")
def unsmoothed(counts, k):
    return counts / counts.sum(axis=0)


@smoothed.misconception("k were added in the numerator alone", "Do the probabilities of a class still sum to 1?")
def denominator_unchanged(counts, k):
    return (counts + k) / counts.sum(axis=0)


@smoothed.misconception(
    "classes were compared for each n-gram: P(c | v)", "Over which axis is the sum: n-grams, or classes?"
)
def over_classes(counts, k):
    return (counts + k) / (counts + k).sum(axis=1, keepdims=True)


@smoothed.misconception("one were added whatever k is", "Where does k come in?")
def always_one(counts, k):
    return (counts + 1) / (counts + 1).sum(axis=0)


# mean_of_text


def _mean_of_text(hidden, lengths):
    return pooled(Tensor(hidden), lengths, "mean").data


def _mean_of_text_cases(rng):
    yield np.array([[[1.0], [3.0], [9.0]]]), np.array([2])
    yield np.array([[[2.0, 4.0], [4.0, 0.0]], [[1.0, -1.0], [7.0, 7.0]]]), np.array([2, 1])
    for B, T, C in ((3, 4, 2), (2, 6, 3), (4, 3, 1)):
        yield rng.normal(size=(B, T, C)), rng.integers(1, T, B)


mean_of_text = Exercise(
    name="mean_of_text",
    statement="yᵦ = (1 / lengthᵦ) Σ hᵦₜ over t < lengthᵦ: the mean of a text's own tokens, not of the padding that "
    "makes texts of a batch equally long.",
    arguments={"hidden": "(B, T, C), where what is beyond a text's length means nothing", "lengths": "(B,)"},
    returns="(B, C)",
    reference=pooled,
    answer=_mean_of_text,
    cases=_mean_of_text_cases,
    hints=(
        "Would the same text in a batch with a longer one get the same mean?",
        "Make a mask (B, T), True where t < length; multiply, sum over t, and divide by the number of what was summed.",
        "mask = np.arange(T) < lengths[:, None]; (hidden * mask[:, :, None]).sum(axis=1) / lengths[:, None]",
    ),
)


@mean_of_text.variant
def with_a_mask(hidden, lengths):
    mask = np.arange(hidden.shape[1]) < lengths[:, None]
    return (hidden * mask[:, :, None]).sum(axis=1) / lengths[:, None]


@mean_of_text.variant
def row_by_row(hidden, lengths):
    return np.stack([h[:n].mean(axis=0) for h, n in zip(hidden, lengths, strict=True)])


@mean_of_text.variant
def with_cumulative_sums(hidden, lengths):
    sums = hidden.cumsum(axis=1)
    return sums[np.arange(len(lengths)), lengths - 1] / lengths[:, None]


@mean_of_text.misconception("padding were part of the text", "Which of the T vectors belong to the text?")
def mean_of_all(hidden, lengths):
    return hidden.mean(axis=1)


@mean_of_text.misconception(
    "the sum were right, but divided by T", "By how many must the sum of `length` vectors be divided?"
)
def divided_by_t(hidden, lengths):
    return with_a_mask(hidden, lengths) * lengths[:, None] / hidden.shape[1]


@mean_of_text.misconception("padding were summed too, then divided by the length", "What does the mask leave out?")
def padding_summed(hidden, lengths):
    return hidden.sum(axis=1) / lengths[:, None]


@mean_of_text.misconception("the last token stood for the text", "Which tokens does the mean ask?")
def last_token(hidden, lengths):
    return hidden[np.arange(len(lengths)), lengths - 1]


@mean_of_text.misconception("the largest were taken, not the mean", "Which of the two pools is asked for?")
def maximum(hidden, lengths):
    return np.stack([h[:n].max(axis=0) for h, n in zip(hidden, lengths, strict=True)])


# expected_calibration_error


def _calibration_cases(rng):
    yield np.array([[0.7, 0.3], [0.65, 0.35], [0.1, 0.9]]), np.array([0, 1, 1]), 5
    yield np.array([[0.95, 0.05], [0.9, 0.1], [0.45, 0.55], [0.58, 0.42]]), np.array([1, 0, 1, 0]), 4
    for N, C, bins in ((12, 2, 5), (15, 3, 10), (20, 4, 4)):
        yield rng.dirichlet(np.ones(C), N), rng.integers(0, C, N), bins


expected_calibration_error = Exercise(
    name="expected_calibration_error",
    statement="ECE = Σ_b (N_b / N) |accuracy of bin b - mean confidence of bin b|: a text's confidence is its highest "
    "probability, and bin b holds those with b / bins < confidence ≤ (b + 1) / bins.",
    arguments={"probabilities": "(N, classes)", "labels": "(N,), the right classes", "bins": "how many"},
    returns="a number from 0 to 1",
    reference=metrics.calibration_error,
    cases=_calibration_cases,
    hints=(
        "Of the texts of which the model is 70 % sure, how many should be right?",
        "Find each text's confidence, whether it is right, and its bin; then each bin's gap, weighed by its texts.",
        "in bin b the gap is abs(right[b].mean() - confidence[b].mean()); sum gap * len(bin) / N over bins with texts.",
    ),
)


def _parts(probabilities, labels, bins):
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(float)
    return confidence, right, np.ceil(confidence * bins).astype(int) - 1


def _gaps(confidence, right, places):
    """The number of texts in each bin that has some, and its gap."""
    found = [places == place for place in np.unique(places)]
    return np.array([m.sum() for m in found]), np.array([right[m].mean() - confidence[m].mean() for m in found])


@expected_calibration_error.variant
def with_masks(probabilities, labels, bins):
    counts, gaps = _gaps(*_parts(probabilities, labels, bins))
    return (counts * np.abs(gaps)).sum() / len(labels)


@expected_calibration_error.variant
def with_bincount(probabilities, labels, bins):
    confidence, right, places = _parts(probabilities, labels, bins)
    return np.abs(np.bincount(places, right - confidence)).sum() / len(labels)


@expected_calibration_error.variant
def with_a_dictionary(probabilities, labels, bins):
    sums = {}
    for difference, place in zip(*[f(_parts(probabilities, labels, bins)) for f in (
        lambda p: p[1] - p[0], lambda p: p[2])], strict=True):  # fmt: skip
        sums[place] = sums.get(place, 0) + difference
    return float(sum(map(abs, sums.values())) / len(labels))


@expected_calibration_error.misconception(
    "every bin counted alike, however few texts it holds",
    "Should a bin with one text weigh as much as one with ninety?",
)
def unweighted(probabilities, labels, bins):
    return np.abs(_gaps(*_parts(probabilities, labels, bins))[1]).mean()


@expected_calibration_error.misconception(
    "all texts were in one bin", "May being too sure in one bin make good being too unsure in another?"
)
def one_bin(probabilities, labels, bins):
    confidence, right, _ = _parts(probabilities, labels, bins)
    return abs(right.mean() - confidence.mean())


@expected_calibration_error.misconception(
    "confidence were the probability of the right class",
    "Does the model know the right class when it says how sure it is?",
)
def of_the_right_class(probabilities, labels, bins):
    _, right, _ = _parts(probabilities, labels, bins)
    confidence = probabilities[np.arange(len(labels)), labels]
    counts, gaps = _gaps(confidence, right, np.ceil(confidence * bins).astype(int) - 1)
    return (counts * np.abs(gaps)).sum() / len(labels)


@expected_calibration_error.misconception("each text's own gap were averaged", "Can one text be 70 % right?")
def text_by_text(probabilities, labels, bins):
    confidence, right, _ = _parts(probabilities, labels, bins)
    return np.abs(right - confidence).mean()
