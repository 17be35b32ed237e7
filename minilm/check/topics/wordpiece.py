"""WordPiece: cut a word into the longest pieces there are."""

import re

from minilm.check.exercise import Exercise
from minilm.data.wordpiece import longest_match

# word_pieces

PIECES = ("low", "lo", "##w", "##e", "##er", "##est", "##s", "est", "new", "n", "##ew", "un", "##low", "##lo", "##owe",
          "e", "##r", "我", "喜", "##t", "##wx", "wer", "owest")  # fmt: skip
WORDS = (
    "low",
    "lower",
    "unlowest",
    "newlow",
    "lowx",
    "xlow",
    "est",
    "lowes",
    "loxw",
    "我",
    "",
    "lowlow",
    "nest",
    "lowe",
)


def _word_pieces_cases(rng):
    symbols = ["[UNK]", *PIECES]
    for word in WORDS:
        ids = (10 + rng.permutation(90)[: len(symbols)]).tolist()
        yield word, dict(zip(symbols, ids, strict=True))


def _ids(word, vocabulary):
    return [vocabulary[piece] for piece in longest_match(word, set(vocabulary)) or ["[UNK]"] * (word != "")]


word_pieces = Exercise(
    name="word_pieces",
    statement="w = w₁ w₂ …: wᵢ is the longest piece of the vocabulary that the rest of the word begins with; pieces "
    "after the first are looked up with ## in front. If at some place there is none, the whole word is [UNK].",
    arguments={
        "word": "a string",
        "vocabulary": 'a dictionary from piece to id; low at the beginning of a word is "low", further on "##low"',
    },
    returns="the list of ids, [vocabulary['[UNK]']] if the word cannot be cut; of an empty word an empty list",
    reference=longest_match,
    answer=_ids,
    cases=_word_pieces_cases,
    hints=(
        "Where does the first piece end? Try the whole word, then one character less, and so on.",
        "Two loops: the outer moves start through the word, the inner stop from the word's end down to start.",
        "piece = word[start:stop] if start == 0 else '##' + word[start:stop]; when none is found, return [UNK] alone.",
    ),
)


@word_pieces.variant
def with_two_loops(word, vocabulary):
    ids, start = [], 0
    while start < len(word):
        stop = len(word)
        while stop > start:
            piece = ("##" if start else "") + word[start:stop]
            if piece in vocabulary:
                break
            stop -= 1
        else:
            return [vocabulary["[UNK]"]]
        ids.append(vocabulary[piece])
        start = stop
    return ids


@word_pieces.variant
def by_recursion(word, vocabulary):
    def rest_of(rest, mark):
        for n in range(len(rest), 0, -1):
            if mark + rest[:n] in vocabulary:
                after = rest_of(rest[n:], "##")
                return after if after is None else [vocabulary[mark + rest[:n]], *after]
        return None if rest else []

    found = rest_of(word, "")
    return [vocabulary["[UNK]"]] if found is None else found


@word_pieces.variant
def with_patterns(word, vocabulary):
    firsts = sorted((p for p in vocabulary if p[:1] not in ("#", "[")), key=len, reverse=True)
    laters = sorted((p[2:] for p in vocabulary if p.startswith("##")), key=len, reverse=True)
    ids, rest, mark = [], word, ""
    while rest:
        found = re.match("|".join(map(re.escape, laters if mark else firsts)), rest)
        if not found:
            return [vocabulary["[UNK]"]]
        ids.append(vocabulary[mark + found[0]])
        rest, mark = rest[found.end() :], "##"
    return ids


def _cut(word, vocabulary, lengths, mark="##", missing=None):
    """Cut from the left, trying pieces of these lengths."""
    ids, start = [], 0
    while start < len(word):
        pieces = ((mark if start else "") + word[start : start + n] for n in lengths(len(word) - start))
        piece = next((piece for piece in pieces if piece in vocabulary), None)
        if piece is None:
            return missing(ids, word, start) if missing else [vocabulary["[UNK]"]]
        ids.append(vocabulary[piece])
        start += len(piece) - len(mark) * (start > 0)
    return ids


def _longest_first(n):
    return range(n, 0, -1)


@word_pieces.misconception(
    "the shortest piece were taken", "Of all the pieces that the word begins with, which leaves the fewest to find?"
)
def shortest_first(word, vocabulary):
    return _cut(word, vocabulary, lambda n: range(1, n + 1))


@word_pieces.misconception("pieces within a word were looked up without ##", "Is est the same piece as ##est?")
def without_marks(word, vocabulary):
    return _cut(word, vocabulary, _longest_first, mark="")


@word_pieces.misconception(
    "only the rest of the word became [UNK]", "What is the whole word, if one of its parts cannot be found?"
)
def rest_unknown(word, vocabulary):
    return _cut(word, vocabulary, _longest_first, missing=lambda ids, word, start: [*ids, vocabulary["[UNK]"]])


@word_pieces.misconception(
    "the pieces found until then were the answer", "How would a reader see that something of the word is missing?"
)
def rest_forgotten(word, vocabulary):
    return _cut(word, vocabulary, _longest_first, missing=lambda ids, word, start: ids)


@word_pieces.misconception("the word were cut from its end", "Which piece of the word is chosen first?")
def from_the_right(word, vocabulary):
    ids, stop = [], len(word)
    while stop > 0:
        starts = (start for start in range(stop) if ("##" if start else "") + word[start:stop] in vocabulary)
        start = next(starts, None)
        if start is None:
            return [vocabulary["[UNK]"]]
        ids.insert(0, vocabulary[("##" if start else "") + word[start:stop]])
        stop = start
    return ids


@word_pieces.misconception(
    "another cut were tried when the longest piece leads nowhere", "Does greedy search ever take a step back?"
)
def with_backtracking(word, vocabulary):
    def rest_of(rest, mark):
        for n in range(len(rest), 0, -1):
            after = rest_of(rest[n:], "##") if mark + rest[:n] in vocabulary else None
            if after is not None:
                return [vocabulary[mark + rest[:n]], *after]
        return None if rest else []

    found = rest_of(word, "")
    return [vocabulary["[UNK]"]] if found is None else found
