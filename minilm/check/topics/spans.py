"""Questions answered by a span: what the model reads, which tokens the answer is, and which span is best."""

import numpy as np

from minilm.check.exercise import Exercise
from minilm.data import spans
from minilm.data.framing import Special, framed

# question_and_passage


def _question_and_passage_cases(rng):
    for q, p in ((1, 1), (2, 3), (3, 1), (4, 6), (1, 5)):
        yield (*(rng.integers(10, 99, n).tolist() for n in (q, p)), *rng.permutation(9)[:2].tolist())


question_and_passage = Exercise(
    name="question_and_passage",
    statement="What BERT reads: [CLS] question [SEP] passage [SEP]. A token's segment is 0 up to and with the first "
    "[SEP], and 1 after it.",
    arguments={"question": "a list of ids", "passage": "a list of ids", "cls": "the id of [CLS]", "sep": "of [SEP]"},
    returns="(ids, segments), two lists of equal length",
    reference=framed,
    answer=lambda question, passage, cls, sep: tuple(
        part.tolist() for part in framed(question, passage, special=Special(0, cls, sep, 0), longest=512)
    ),
    cases=_question_and_passage_cases,
    hints=(
        "How many special tokens are there, and to which of the two texts does each belong?",
        "Count: the first segment has the question and two special tokens, the second the passage and one.",
        "segments = [0] * (len(question) + 2) + [1] * (len(passage) + 1)",
    ),
)


@question_and_passage.variant
def with_lists(question, passage, cls, sep):
    return [cls, *question, sep, *passage, sep], [0] * (len(question) + 2) + [1] * (len(passage) + 1)


@question_and_passage.variant
def with_two_parts(question, passage, cls, sep):
    first, second = [cls, *question, sep], [*passage, sep]
    return first + second, [0 for _ in first] + [1 for _ in second]


@question_and_passage.variant
def with_repeat(question, passage, cls, sep):
    return [cls, *question, sep, *passage, sep], np.repeat([0, 1], [len(question) + 2, len(passage) + 1]).tolist()


@question_and_passage.misconception(
    "the first [SEP] were part of the passage", "Which of the two texts does the first [SEP] end?"
)
def separator_second(question, passage, cls, sep):
    ids, segments = with_lists(question, passage, cls, sep)
    segments[len(question) + 1] = 1
    return ids, segments


@question_and_passage.misconception(
    "the last [SEP] belonged to the question", "Which text does the [SEP] at the end close?"
)
def last_separator_first(question, passage, cls, sep):
    ids, segments = with_lists(question, passage, cls, sep)
    return ids, [*segments[:-1], 0]


@question_and_passage.misconception("segments began with 1", "How many rows has the table of two segments?")
def from_one(question, passage, cls, sep):
    ids, segments = with_lists(question, passage, cls, sep)
    return ids, [segment + 1 for segment in segments]


@question_and_passage.misconception("nothing closed the passage", "How often does [SEP] occur in what BERT reads?")
def no_last_separator(question, passage, cls, sep):
    return [cls, *question, sep, *passage], [0] * (len(question) + 2) + [1] * len(passage)


@question_and_passage.misconception("[CLS] also began the passage", "How many [CLS] are there in a row?")
def two_starts(question, passage, cls, sep):
    ids = [cls, *question, sep, cls, *passage, sep]
    return ids, [0] * (len(question) + 2) + [1] * (len(passage) + 2)


@question_and_passage.misconception("the passage came first", "What does the model read first, what it is asked?")
def passage_first(question, passage, cls, sep):
    return with_lists(passage, question, cls, sep)


# answer_tokens


def _answer_tokens_cases(rng):
    for words, first, last in (
        ([6, 3, 4], 0, 0),
        ([6, 3, 4], 1, 1),
        ([2, 5, 1, 3], 1, 2),
        ([4, 4, 4], 2, 2),
        ([7], 0, 0),
    ):
        yield _placed(words, first, last)
    for _ in range(3):
        words = rng.integers(1, 8, 6).tolist()
        first, last = sorted(rng.integers(0, 6, 2).tolist())
        yield _placed(words, first, last)


def _placed(words, first, last):
    """Words of these lengths, a space between two; and the characters from the first to the last."""
    starts = np.cumsum([0, *(n + 1 for n in words[:-1])])
    places = np.column_stack([starts, starts + words])
    return places, int(places[first, 0]), int(places[last, 1] - places[first, 0])


answer_tokens = Exercise(
    name="answer_tokens",
    statement="Data sets say at which character an answer begins, and the answer. Which tokens is it? Token t holds "
    "the characters from places[t, 0] to before places[t, 1].",
    arguments={
        "places": "(T, 2) whole numbers, in rising order, with gaps where there are spaces",
        "start": "the answer's first character, where a token begins",
        "length": "how many characters it has; it ends where a token ends",
    },
    returns="(first, last): the positions of its first and its last token",
    reference=spans.token_span,
    answer=lambda places, start, length: spans.token_span(places, start, start + length),
    cases=_answer_tokens_cases,
    hints=(
        "The first token is easy to find. At which character does the answer end?",
        "The answer holds the characters from start to before start + length: the last token's places end there too.",
        "first = where places[:, 0] == start; last = where places[:, 1] == start + length",
    ),
)


@answer_tokens.variant
def by_equality(places, start, length):
    return int(np.argmax(places[:, 0] == start)), int(np.argmax(places[:, 1] == start + length))


@answer_tokens.variant
def by_overlap(places, start, length):
    inside = [t for t, (a, b) in enumerate(places) if b > start and a < start + length]
    return inside[0], inside[-1]


@answer_tokens.variant
def by_search(places, start, length):
    return int(np.searchsorted(places[:, 0], start)), int(np.searchsorted(places[:, 1], start + length))


@answer_tokens.misconception("the last token were not part of the answer", "Does the end belong to the answer?")
def end_excluded(places, start, length):
    first, last = by_equality(places, start, length)
    return first, last + 1


@answer_tokens.misconception("an answer were one token", "What if the answer is LADY MACBETH?")
def one_token(places, start, length):
    first, _ = by_equality(places, start, length)
    return first, first


@answer_tokens.misconception("characters were tokens", "How many tokens has a word of six characters?")
def characters(places, start, length):
    return start, start + length - 1


@answer_tokens.misconception("the token after a gap came too early", "Is a token that ends before the answer in it?")
def touching(places, start, length):
    inside = np.flatnonzero((places[:, 1] >= start - 1) & (places[:, 0] < start + length))
    return int(inside[0]), int(inside[-1])


@answer_tokens.misconception(
    "the second number were how many tokens the answer has",
    "Is a position counted from the first token of the answer?",
)
def length_instead(places, start, length):
    first, last = by_equality(places, start, length)
    return first, last - first + 1


# best_span


def _best_span_cases(rng):
    yield np.array([0.0, 1, 5, 2]), np.array([0.0, 4, 1, 2]), np.array([False, True, True, True])
    yield np.array([0.0, 1, 2, 9]), np.array([0.0, 8, 1, 1]), np.array([False, True, True, True])
    yield np.array([9.0, 1, 2, 0]), np.array([9.0, 0, 3, 1]), np.array([False, True, True, True])
    yield np.array([0.0, 9, 1, 2, 3]), np.array([0.0, 9, 2, 1, 3]), np.array([False, False, True, True, True])
    yield np.array([-9.0, -2, -1, -4]), np.array([-9.0, -1, -6, -2]), np.array([False, True, True, True])
    for T in (6, 9, 12):
        yield rng.normal(size=T) * 3, rng.normal(size=T) * 3, np.arange(T) > T // 4


best_span = Exercise(
    name="best_span",
    statement="The span (i, j) with the highest first[i] + last[j], of those with i ≤ j whose both ends are allowed.",
    arguments={
        "first": "(T,) log-probability that the answer begins at each token",
        "last": "(T,) log-probability that it ends there",
        "allowed": "(T,) bool, True within the passage",
    },
    returns="(i, j), two whole numbers",
    reference=spans.best_span,
    answer=lambda first, last, allowed: spans.best_span(first, last, allowed, longest=len(first)),
    cases=_best_span_cases,
    hints=(
        "What if the likeliest end stands before the likeliest beginning?",
        "Look at all pairs i ≤ j, not at beginnings and ends apart: their scores are one matrix.",
        "max((first[i] + last[j], i, j) for i in ... for j in range(i, T)) over allowed i and j; leave out the score",
    ),
)


@best_span.variant
def with_two_loops(first, last, allowed):
    places = np.flatnonzero(allowed)
    pairs = [(i, j) for i in places for j in places if i <= j]
    return max(pairs, key=lambda pair: first[pair[0]] + last[pair[1]])


@best_span.variant
def with_a_matrix(first, last, allowed):
    scores = np.where(np.triu(np.outer(allowed, allowed)), first[:, None] + last, -np.inf)
    return np.unravel_index(scores.argmax(), scores.shape)


@best_span.variant
def in_one_pass(first, last, allowed):
    begin, best, found = None, -np.inf, None
    for j in range(len(first)):
        if allowed[j]:
            begin = j if begin is None or first[j] > first[begin] else begin
            if first[begin] + last[j] > best:
                best, found = first[begin] + last[j], (begin, j)
    return found


@best_span.misconception("beginning and end were chosen apart", "May an answer end before it begins?")
def apart(first, last, allowed):
    return int(np.where(allowed, first, -np.inf).argmax()), int(np.where(allowed, last, -np.inf).argmax())


@best_span.misconception("the question and the special tokens could be the answer", "Where does `allowed` come in?")
def anywhere(first, last, allowed):
    return with_two_loops(first, last, np.ones(len(first), bool))


@best_span.misconception("a span that runs backwards were turned around", "How likely is either end of your span?")
def turned_around(first, last, allowed):
    i, j = apart(first, last, allowed)
    return min(i, j), max(i, j)


@best_span.misconception(
    "the beginning were chosen first, and the end behind it",
    "Can a likelier end be worth more than a likelier beginning?",
)
def greedy(first, last, allowed):
    i = int(np.where(allowed, first, -np.inf).argmax())
    return i, int(np.where(allowed & (np.arange(len(last)) >= i), last, -np.inf).argmax())


@best_span.misconception("an answer were one token", "What if the answer is LADY MACBETH?")
def single(first, last, allowed):
    i = int(np.where(allowed, first + last, -np.inf).argmax())
    return i, i


@best_span.misconception("an answer had two tokens or more", "What if the answer is HAMLET?")
def at_least_two(first, last, allowed):
    places = np.flatnonzero(allowed)
    return max(((i, j) for i in places for j in places if i < j), key=lambda pair: first[pair[0]] + last[pair[1]])


@best_span.misconception("log-probabilities were multiplied", "What is ln(P Q)?")
def multiplied(first, last, allowed):
    places = np.flatnonzero(allowed)
    pairs = [(i, j) for i in places for j in places if i <= j]
    return max(pairs, key=lambda pair: first[pair[0]] * last[pair[1]])


# shared_words


def _shared_words_cases(rng):
    for question, passage in (
        (["who", "says", "be", "?"], ["hamlet", ":", "to", "be", "?"]),
        (["Who", "?"], ["WHO", "goes", "there", "?"]),
        (["Whom", "now", "?"], ["whom", "else", "Now"]),
        (["the", "sea"], ["the", "sea", "the", "sea"]),
        (["the", "sea", "?"], ["the", "sea", "the", "wide", "sea"]),
        (["body", ",", "no"], ["nobody", ",", "!", "no"]),
        (["an", "other", "day", "?"], ["another", "day"]),
        (["谁", "说", "？"], ["他", "说", "：", "谁", "？"]),
    ):
        order = rng.permutation(len(passage))
        yield question, passage
        yield question, [passage[i] for i in order]


shared_words = Exercise(
    name="shared_words",
    statement="Which words of a passage does the question have too? A and a are one word; punctuation never counts.",
    arguments={"question": "a list of words and punctuation marks", "passage": "a list of the same"},
    returns="a list of bool, one for each of the passage",
    reference=spans.is_shared,
    answer=lambda question, passage: spans.is_shared(passage, " ".join(question)).tolist(),
    cases=_shared_words_cases,
    hints=(
        "What would a mark on every comma tell the model?",
        "A set of the question's words, in lower case, without what has no letter; then look up each word.",
        "asked = {w.lower() for w in question if w.isalnum()}; [w.lower() in asked for w in passage]",
    ),
)


@shared_words.variant
def with_a_set(question, passage):
    asked = {word.lower() for word in question if word.isalnum()}
    return [word.lower() in asked for word in passage]


@shared_words.variant
def with_loops(question, passage):
    return [any(a.casefold() == b.casefold() and a.isalnum() for a in question) for b in passage]


@shared_words.variant
def with_arrays(question, passage):
    asked, said = (np.array([word.lower() for word in words]) for words in (question, passage))
    return (np.isin(said, asked) & np.array([word.isalnum() for word in passage])).tolist()


@shared_words.misconception("upper case made another word", "Is Who at the beginning of a question another word?")
def with_case(question, passage):
    asked = {word for word in question if word.isalnum()}
    return [word in asked for word in passage]


@shared_words.misconception("punctuation counted", "What does a shared question mark tell?")
def with_punctuation(question, passage):
    asked = {word.lower() for word in question}
    return [word.lower() in asked for word in passage]


@shared_words.misconception("a word counted once", "If the passage has the word twice, which of the two is meant?")
def once(question, passage):
    marks = with_a_set(question, passage)
    return [mark and passage.index(word) == i for i, (word, mark) in enumerate(zip(passage, marks, strict=True))]


@shared_words.misconception("parts of words counted", "Does nobody hold the word body?")
def substrings(question, passage):
    asked = [word.lower() for word in question if word.isalnum()]
    return [any(word in said.lower() for word in asked) for said in passage]


@shared_words.misconception("the question were marked, not the passage", "How many marks are asked for?")
def the_other_side(question, passage):
    return with_a_set(passage, question)
