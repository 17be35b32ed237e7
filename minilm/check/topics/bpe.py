"""Byte-pair encoding: count pairs of neighbours, merge the most frequent, and cut words by what was learned."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np

from minilm.check.exercise import Exercise
from minilm.kernels import merges as kernels
from minilm.kernels import reference_only


def _formula(kernel, *arguments):
    """What the kernel's NumPy formula says: nothing needs to be compiled for so little."""
    with reference_only():
        return kernel(*arguments)


def _flat(words):
    """Words one after the other, each closed by END: what the kernels want."""
    return np.array([symbol for word in words for symbol in (*word, kernels.END)], np.int32)


def _weights(words):
    return np.array(list(words.values()), np.int64)


def _draw(rng, symbols, number, longest):
    """A dictionary from words, lists of symbols as tuples, to how often each occurs."""
    words = (tuple(rng.choice(symbols, rng.integers(1, longest + 1)).tolist()) for _ in range(number))
    return {word: int(rng.integers(1, 9)) for word in words}


# count_pairs


def _count_pairs_cases(rng):
    for words in (["aab"], ["aaaa"], ["b"], ["low", "lower", "new"], ["我喜欢我", "欢我", "喜"]):
        yield ({word: int(rng.integers(2, 9)) for word in words},)
    for number, longest in ((3, 5), (6, 7)):
        yield ({"".join(word): n for word, n in _draw(rng, ["a", "b", "c"], number, longest).items()},)


def _count_characters(words):
    pairs, counts = _formula(kernels.count_pairs, _flat(map(ord, word) for word in words), _weights(words))
    return {(chr(left), chr(right)): n for (left, right), n in zip(pairs.tolist(), counts.tolist(), strict=True)}


count_pairs = Exercise(
    name="count_pairs",
    statement="c(x y) = Σ over words of n(word) · |{i : word[i] word[i + 1] = x y}|: how often y stands right after x.",
    arguments={"words": "a dictionary from each word, a string, to n: how often it occurs in the text"},
    returns="a dictionary from each pair of characters, a tuple (x, y), to its count; no pair with the count 0",
    reference=kernels.count_pairs,
    answer=_count_characters,
    cases=_count_pairs_cases,
    hints=(
        "How many pairs of neighbours has a word of five letters? And if the word occurs three times?",
        "Every place in a word where a pair stands adds n; two places may share a letter, two words never do.",
        "for word, n in words.items(): for pair in zip(word, word[1:]): add n to the count of pair.",
    ),
)


@count_pairs.variant
def with_places(words):
    counts = {}
    for word, n in words.items():
        for i in range(len(word) - 1):
            counts[word[i], word[i + 1]] = counts.get((word[i], word[i + 1]), 0) + n
    return counts


@count_pairs.variant
def with_counter(words):
    return Counter(pair for word, n in words.items() for _ in range(n) for pair in pairwise(word))


@count_pairs.variant
def with_regex(words):
    pairs = {(word[i], word[i + 1]) for word in words for i in range(len(word) - 1)}
    overlapping = {(x, y): re.compile(f"{re.escape(x)}(?={re.escape(y)})") for x, y in pairs}
    return {pair: sum(n * len(p.findall(word)) for word, n in words.items()) for pair, p in overlapping.items()}


@count_pairs.misconception("every word occurred once", "What do the values of the dictionary say?")
def unweighted(words):
    return Counter(pair for word in words for pair in pairwise(word))


@count_pairs.misconception("the words were one long text", "Does a word's last letter have a neighbour on the right?")
def across_words(words):
    return Counter(pairwise("".join(word * n for word, n in words.items())))


@count_pairs.misconception("places of a pair could not overlap", "At which places does a a stand in a a a?")
def without_overlap(words):
    counts = Counter()
    for word, n in words.items():
        counts.update({pair: n * word.count("".join(pair)) for pair in pairwise(word)})
    return counts


@count_pairs.misconception("a pair counted once in a word", "How often does l o stand in l o l o?")
def once_per_word(words):
    counts = Counter()
    for word, n in words.items():
        counts.update(dict.fromkeys(pairwise(word), n))
    return counts


@count_pairs.misconception("x y and y x were one pair", "Do o n and n o begin with the same letter?")
def unordered(words):
    counts = Counter()
    for (x, y), n in with_places(words).items():
        counts[min(x, y), max(x, y)] += n
    return counts


# merge_pair


def _merge_pair_cases(rng):
    d, e = rng.choice(np.arange(1, 9), 2, replace=False).tolist()
    yield [e, d, e, e, d, e], d, e, 20
    yield [d, d, d], d, d, 20
    for ids in ([d], [], [d, e], [e, d]):
        yield ids, d, e, 20
    yield [10 + d, e, d, 10 * e + d, d, e], d, e, 30
    for N in (9, 16, 25):
        yield rng.choice([d, d, e], N).tolist(), d, d, 20
    yield rng.choice([d, e, 9], 20).tolist(), d, e, 20


def _merge_in_list(ids, left, right, new):
    return _formula(kernels.merge_pair, np.array(ids, np.int32), left, right, new).tolist()


merge_pair = Exercise(
    name="merge_pair",
    statement="… left right … → … new …: wherever right stands after left, new replaces both, from left to right; so "
    "a a a becomes new a if both are a.",
    arguments={"ids": "a list of whole numbers", "left": "an id", "right": "an id", "new": "the id of the pair"},
    returns="a new list of ids",
    reference=kernels.merge_pair,
    answer=_merge_in_list,
    cases=_merge_pair_cases,
    hints=(
        "Go through the list with an index i. By how much does i grow after a merge, and by how much otherwise?",
        "An id that was merged is used up. And the last id has no right neighbour, but must not be lost.",
        "while i < len(ids): if ids[i : i + 2] == [left, right]: append new, i += 2; else: append ids[i], i += 1.",
    ),
)


@merge_pair.variant
def with_an_index(ids, left, right, new):
    merged, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and ids[i] == left and ids[i + 1] == right:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


@merge_pair.variant
def looking_back(ids, left, right, new):
    merged = []
    for symbol in ids:
        if symbol == right and merged[-1:] == [left]:
            merged[-1] = new
        else:
            merged.append(symbol)
    return merged


@merge_pair.variant
def as_characters(ids, left, right, new):
    text = "".join(map(chr, ids)).replace(chr(left) + chr(right), chr(new))
    return [ord(character) for character in text]


@merge_pair.misconception("the merge ran from right to left", "Which two of a a a are merged, by the statement?")
def from_the_right(ids, left, right, new):
    return with_an_index(ids[::-1], right, left, new)[::-1]


@merge_pair.misconception("only the first such pair were merged", "What does your code do after its first merge?")
def first_only(ids, left, right, new):
    for i, pair in enumerate(pairwise(ids)):
        if pair == (left, right):
            return [*ids[:i], new, *ids[i + 2 :]]
    return ids


@merge_pair.misconception(
    "an id could be merged twice", "How many merges are there in a a a, and how many ids come out?"
)
def merged_twice(ids, left, right, new):
    match = [pair == (left, right) for pair in pairwise(ids)]
    firsts, seconds = [*match, False], [False, *match]
    return [new if f else i for i, f, s in zip(ids, firsts, seconds, strict=False) if f or not s]


@merge_pair.misconception("the right one of the pair stayed", "By how much must the index grow after a merge?")
def right_stays(ids, left, right, new):
    return [new if ids[i : i + 2] == [left, right] else ids[i] for i in range(len(ids))]


@merge_pair.misconception("an unmerged last id were dropped", "What happens to an id that has no right neighbour?")
def last_dropped(ids, left, right, new):
    merged, i = [], 0
    while i < len(ids) - 1:
        match = ids[i] == left and ids[i + 1] == right
        merged.append(new if match else ids[i])
        i += 2 if match else 1
    return merged


@merge_pair.misconception("ids were pieces of text", "Does the text '11 2' hold the text '1 2'?")
def as_text(ids, left, right, new):
    return [int(piece) for piece in " ".join(map(str, ids)).replace(f"{left} {right}", str(new)).split()]


# most_frequent_pair


def _most_frequent_pair_cases(rng):
    n = int(rng.integers(3, 9))
    yield ({(1, 2): n - 1, (2, 1): n},)
    yield ({(2, 2): 1, (1, 2): 1},)
    for offset in rng.integers(0, 3, 2).tolist():
        yield ({(12, 1): n, (9, 30 + offset): n, (9, 4 + offset): n, (5, 5): n - 1},)
        yield ({(9, 30 + offset): n, (9, 4 + offset): n, (12, 1): n},)
        yield ({(3 + offset, 7): n, (2, 8 + offset): n, (6, 7 + offset): n, (1, 1): 1},)
    pairs = rng.permutation(36)[:9].tolist()
    yield ({divmod(pair, 6): int(rng.integers(1, 99)) for pair in pairs},)


def _first_merge(counts):
    weights = np.array(list(counts.values()), np.int64)
    return next(map(tuple, _formula(kernels.learn_merges, _flat(counts), weights, 1000, 1).tolist()), None)


most_frequent_pair = Exercise(
    name="most_frequent_pair",
    statement="argmax c(x y) where c(x y) ≥ 2; of equally frequent pairs the smallest: first by x, then by y.",
    arguments={"counts": "a dictionary from pairs of ids, tuples (x, y), to their counts, at least one"},
    returns="a tuple (x, y), or None if no pair occurs twice",
    reference=kernels.learn_merges,
    answer=_first_merge,
    cases=_most_frequent_pair_cases,
    hints=(
        "Two people should learn the same merges from the same text: what must not decide between equal counts?",
        "Python compares tuples as the statement wants, first by x, then by y. Look for the highest count first.",
        "best = min(counts, key=lambda pair: (-counts[pair], pair)), and None if counts[best] < 2.",
    ),
)


@most_frequent_pair.variant
def by_one_key(counts):
    best = min(counts, key=lambda pair: (-counts[pair], pair))
    return best if counts[best] > 1 else None


@most_frequent_pair.variant
def highest_then_smallest(counts):
    highest = max(counts.values())
    return min(pair for pair, n in counts.items() if n == highest) if highest >= 2 else None


@most_frequent_pair.variant
def one_after_another(counts):
    best, most = None, 1
    for pair in sorted(counts):
        if counts[pair] > most:
            best, most = pair, counts[pair]
    return best


@most_frequent_pair.misconception(
    "of equally frequent pairs the first counted won", "Should the order of the text's words decide?"
)
def first_counted(counts):
    best = max(counts, key=counts.get)
    return best if counts[best] > 1 else None


@most_frequent_pair.misconception("of equally frequent pairs the largest won", "Which of (1, 2) and (3, 0) is smaller?")
def largest(counts):
    best = max(counts, key=lambda pair: (counts[pair], pair))
    return best if counts[best] > 1 else None


@most_frequent_pair.misconception("equally frequent pairs were compared by y first", "Which comes first, x or y?")
def by_the_right(counts):
    best = min(counts, key=lambda pair: (-counts[pair], pair[::-1]))
    return best if counts[best] > 1 else None


@most_frequent_pair.misconception("ids were compared as text", "Which is smaller, 12 or 9, and which of '12' and '9'?")
def compared_as_text(counts):
    best = min(counts, key=lambda pair: (-counts[pair], str(pair)))
    return best if counts[best] > 1 else None


@most_frequent_pair.misconception("a pair that occurs once were worth a merge", "What does it save to merge it?")
def singles_too(counts):
    return min(counts, key=lambda pair: (-counts[pair], pair))


# learn_merges


def _learn_merges_cases(rng):
    a, b, c = rng.permutation(np.arange(1, 9))[:3].tolist()
    n = int(rng.integers(2, 6))
    x, y, z = sorted([a, b, c])
    yield {(y, z): n, (z, x): n, (x, y): n}, 10, 1
    yield {(a, b, c): n, (c, b): n + 1}, 10, 3
    yield {(a, a, a, b): 1, (a, c): 1, (c, a): 1}, 10, 9
    yield {(a,): n}, 10, 2
    for number, longest, merges in ((4, 6, 3), (8, 8, 6), (12, 5, 20)):
        yield _draw(rng, [a, b, c], number, longest), 10, merges


def _learn_from_words(words, first, number):
    return list(map(tuple, _formula(kernels.learn_merges, _flat(words), _weights(words), first, number).tolist()))


learn_merges = Exercise(
    name="learn_merges",
    statement="For k = 0, 1, …: the k-th merge is argmax c(x y), counted after all merges before it; of equals "
    "the smallest, first by x, then by y. The pair becomes the id first + k. Stop if no pair occurs twice.",
    arguments={
        "words": "a dictionary from each word, a tuple of ids, to how often it occurs",
        "first": "the id of the first merge",
        "number": "how many merges to learn at most",
    },
    returns="a list of pairs (x, y) in the order in which they were learned",
    reference=kernels.learn_merges,
    answer=_learn_from_words,
    cases=_learn_merges_cases,
    hints=(
        "There are three steps: count pairs, choose one, merge it. What is the text after the first merge?",
        "Keep the words as lists that grow shorter, and count again in every round, each word as often as it occurs.",
        "for k in range(number): count; best = min by (-count, pair); stop below 2; merge best in all words.",
    ),
)


def _count(words):
    counts = Counter()
    for word, n in words:
        for pair in pairwise(word):
            counts[pair] += n
    return counts


def _smallest(counts):
    return min(counts, key=lambda pair: (-counts[pair], pair))


def _learn(words, first, number, count=_count, choose=_smallest, least=2):
    words, learned = [(list(word), n) for word, n in words.items()], []
    for k in range(number):
        counts = count(words)
        if max(counts.values(), default=0) < least:
            break
        learned.append(choose(counts))
        words = [(with_an_index(word, *learned[-1], first + k), n) for word, n in words]
    return learned


@learn_merges.variant
def round_by_round(words, first, number):
    return _learn(words, first, number)


@learn_merges.variant
def in_one_string(words, first, number):
    text, learned = "\n".join("".join(chr(1000 + i) for i in word) for word, n in words.items() for _ in range(n)), []
    while len(learned) < number:
        counts = Counter(pair for pair in pairwise(text) if "\n" not in pair)
        ranked = sorted((-n, pair) for pair, n in counts.items() if n > 1)
        if not ranked:
            break
        (x, y), new = ranked[0][1], 1000 + first + len(learned)
        text = text.replace(x + y, chr(new))
        learned.append((ord(x) - 1000, ord(y) - 1000))
    return learned


@learn_merges.variant
def recursively(words, first, number):
    counts = _count(words.items())
    if number == 0 or not counts or counts[_smallest(counts)] == 1:
        return []
    x, y = _smallest(counts)
    merged = Counter()
    for word, n in words.items():
        merged[tuple(looking_back(word, x, y, first))] += n
    return [(x, y), *recursively(merged, first + 1, number - 1)]


@learn_merges.misconception("pairs were counted before the first merge only", "Which pairs are new after a merge?")
def counted_once(words, first, number):
    counts = _count(words.items())
    return sorted((pair for pair in counts if counts[pair] > 1), key=lambda pair: (-counts[pair], pair))[:number]


@learn_merges.misconception("every word occurred once", "What do the values of the dictionary say?")
def words_unweighted(words, first, number):
    return _learn(dict.fromkeys(words, 1), first, number)


@learn_merges.misconception("of equally frequent pairs the first counted won", "Which of them does the statement want?")
def first_counted_learned(words, first, number):
    return _learn(words, first, number, choose=lambda counts: max(counts, key=counts.get))


@learn_merges.misconception("of equally frequent pairs the largest won", "Which of them does the statement want?")
def largest_learned(words, first, number):
    return _learn(words, first, number, choose=lambda counts: max(counts, key=lambda pair: (counts[pair], pair)))


@learn_merges.misconception("it never stopped early", "How much shorter is a text after the merge of what occurs once?")
def never_stopping(words, first, number):
    return _learn(words, first, number, least=1)


@learn_merges.misconception("the words were one long text", "Does a word's last letter have a neighbour on the right?")
def through_word_ends(words, first, number):
    return _learn({tuple(symbol for word, n in words.items() for symbol in word * n): 1}, first, number)


# apply_merges


def _apply_merges_cases(rng):
    a, b, c = rng.permutation(np.arange(1, 9))[:3].tolist()
    yield [a, b, c], [(b, c), (a, b)], 10
    yield [a, b, c, a, b], [(a, b), (10, c)], 10
    yield [a, b, c, a, b], [(b, c), (a, 10), (a, b)], 10
    yield [a], [(a, a)], 10
    yield [a] * 7, [(a, a), (10, 10)], 10
    for N, merges in ((12, 3), (20, 6), (30, 9)):
        learned = _formula(kernels.learn_merges, _flat(_draw(rng, [a, b, c], 9, 8)), np.full(9, 2), 10, merges)
        yield rng.choice([a, b, c], N).tolist(), list(map(tuple, learned.tolist())), 10


def _apply_to_list(ids, merges, first):
    pairs = np.array(merges, np.int32).reshape(-1, 2)
    return _formula(kernels.apply_merges, np.array(ids, np.int32), pairs, first).tolist()


apply_merges = Exercise(
    name="apply_merges",
    statement="Encode a word: for k = 0, 1, … replace the k-th pair by the id first + k, wherever it stands by then.",
    arguments={
        "ids": "the symbols of a word, a list of ids",
        "merges": "a list of pairs (x, y) in the order in which they were learned",
        "first": "the id of the first merge",
    },
    returns="a list of ids",
    reference=kernels.apply_merges,
    answer=_apply_to_list,
    cases=_apply_merges_cases,
    hints=(
        "How did the words of the training text come to be cut as they are? A new word is cut in the same way.",
        "The merge that was learned first is made first, everywhere in the word, whatever else is possible.",
        "for k, (x, y) in enumerate(merges): ids = merge_pair(ids, x, y, first + k)",
    ),
)


@apply_merges.variant
def in_learned_order(ids, merges, first):
    for k, (x, y) in enumerate(merges):
        ids = with_an_index(ids, x, y, first + k)
    return ids


@apply_merges.variant
def lowest_rank_first(ids, merges, first):
    rank = {pair: k for k, pair in enumerate(merges)}
    while possible := [pair for pair in pairwise(ids) if pair in rank]:
        best = min(possible, key=rank.get)
        ids = looking_back(ids, *best, first + rank[best])
    return ids


@apply_merges.variant
def with_replace(ids, merges, first):
    text = "".join(map(chr, ids))
    for new, (x, y) in enumerate(merges, first):
        text = text.replace(chr(x) + chr(y), chr(new))
    return list(map(ord, text))


@apply_merges.misconception("the longest token that fits won", "Which was learned first, the long token or its rivals?")
def longest_match(ids, merges, first):
    pieces = {(symbol,): symbol for symbol in range(first)}
    spelled = {symbol: (symbol,) for symbol in range(first)}
    for new, (x, y) in enumerate(merges, first):
        spelled[new] = spelled[x] + spelled[y]
        pieces[spelled[new]] = new
    found, i = [], 0
    while i < len(ids):
        stop = next(stop for stop in range(len(ids), i, -1) if tuple(ids[i:stop]) in pieces)
        found.append(pieces[tuple(ids[i:stop])])
        i = stop
    return found


@apply_merges.misconception("the last learned merge were made first", "Can 10 be merged before there is a 10?")
def last_first(ids, merges, first):
    for k in reversed(range(len(merges))):
        ids = with_an_index(ids, *merges[k], first + k)
    return ids


@apply_merges.misconception(
    "the leftmost pair were merged first, whenever it was learned",
    "Who comes first: who stands left, or who was learned first?",
)
def leftmost_first(ids, merges, first):
    rank, ids, i = {pair: k for k, pair in enumerate(merges)}, list(ids), 0
    while i < len(ids) - 1:
        pair = ids[i], ids[i + 1]
        ids[i : i + 2] = [first + rank[pair]] if pair in rank else pair
        i = 0 if pair in rank else i + 1
    return ids


@apply_merges.misconception("each merge were made once", "How often may a pair stand in a word?")
def once_each(ids, merges, first):
    for k, pair in enumerate(merges):
        ids = first_only(ids, *pair, first + k)
    return ids


@apply_merges.misconception("merged symbols were never merged again", "What is a merge's left symbol allowed to be?")
def never_again(ids, merges, first):
    for k, (x, y) in enumerate(merges):
        ids = with_an_index(ids, x, y, first + k) if max(x, y) < first else ids
    return ids
