"""Byte-pair encoding: count pairs of neighbours, merge the most frequent one, again and again.

Gage 1994, "A New Algorithm for Data Compression"; for words, Sennrich et al. 2016, arXiv:1508.07909, Algorithm 1.

Words lie one after the other in one array, each closed by END, which never is part of a pair:

    ids (N,) int32          [ t  h  e  END  t  h  a  t  END ]
    weights (W,) int64      how often each word occurs in the text
    merges (M, 2) int32     the k-th makes the id first + k

Of equally frequent pairs the smallest is taken: first by its left id, then by its right.
"""

import numpy as np

from .pair import Kernel

END = -1


@Kernel
def count_pairs(ids, weights):
    # -> pairs (P, 2) in ascending order, counts (P,)
    word = np.cumsum(ids == END)
    inside = (ids[:-1] != END) & (ids[1:] != END)
    codes = ids[:-1].astype(np.int64) * 2**32 + ids[1:]
    codes, which = np.unique(codes[inside], return_inverse=True)
    counts = np.bincount(which, weights[word[:-1][inside]], len(codes))
    return np.stack([codes >> 32, codes % 2**32], axis=1).astype(np.int32), counts.astype(np.int64)


@Kernel
def merge_pair(ids, left, right, new):
    match = np.append((ids[:-1] == left) & (ids[1:] == right), False)[: len(ids)]
    index = np.arange(len(ids))
    run = np.maximum.accumulate(np.where(match, 0, index + 1))  # where the present run of matches began
    match &= (index - run) % 2 == 0  # of aaa only the first two are merged
    merged = np.where(match, new, ids).astype(ids.dtype)
    return np.delete(merged, index[match] + 1)


@Kernel
def learn_merges(ids, weights, first, number):
    merges = np.empty((number, 2), np.int32)
    for k in range(number):
        pairs, counts = count_pairs(ids, weights)
        if not (counts > 1).any():  # merging what occurs once saves nothing
            return merges[:k]
        merges[k] = pairs[counts.argmax()]
        ids = merge_pair(ids, *merges[k], first + k)
    return merges


@Kernel
def apply_merges(ids, merges, first):
    for k, (left, right) in enumerate(merges):
        ids = merge_pair(ids, left, right, first + k)
    return ids


@count_pairs.loops
def count_pairs(ids, weights):
    _, codes, counts, size = pair_table(ids, weights)[0]
    order = np.argsort(codes[: size[0]])
    pairs = np.empty((size[0], 2), np.int32)
    for p in range(size[0]):
        pairs[p, 0], pairs[p, 1] = codes[order[p]] >> 32, codes[order[p]] % 2**32
    return pairs, counts[order]


@merge_pair.loops
def merge_pair(ids, left, right, new):
    merged = ids.copy()
    return merged[: merge_between(merged, 0, len(merged), left, right, new)].copy()


@learn_merges.loops
def learn_merges(ids, weights, first, number):
    # Only words that hold the pair are looked at, and only counts of its neighbours change.
    ids = ids.copy()
    starts, stops = word_bounds(ids, len(weights))
    table, homes = pair_table(ids, weights)
    merges = np.empty((number, 2), np.int32)
    for k in range(number):
        table, homes = with_room(table, homes, 2 * (first + k) + 2)  # a new id has at most that many new neighbours
        best = most_frequent(table)
        if table[2][best] < 2:
            return merges[:k].copy()
        left, right = table[1][best] >> 32, table[1][best] % 2**32
        merges[k, 0], merges[k, 1] = left, right
        home = homes[0][best]
        while home >= 0:
            w = homes[1][home]
            recount(ids, starts[w], stops[w], left, right, first + k, w, weights[w], table, homes)
            stops[w] = merge_between(ids, starts[w], stops[w], left, right, first + k)
            home = homes[2][home]
    return merges


@apply_merges.loops
def apply_merges(ids, merges, first):
    merged = ids.copy()
    ranks = empty_table(len(merges) + 1)
    for k in range(len(merges)):
        add(code_of(merges[k, 0], merges[k, 1]), 0, ranks)  # its place in the table is its rank
    start = write = 0
    for i in range(len(ids)):
        if ids[i] == END:
            stop = merge_by_rank(merged, start, i, merges, ranks, first)
            for read in range(start, stop):
                merged[write] = merged[read]
                write += 1
            merged[write] = END
            write += 1
            start = i + 1
    return merged[:write].copy()


def merge_by_rank(ids, start, stop, merges, ranks, first):
    """Merge within one word, always the pair that was learned first; -> where the word ends now."""
    while True:
        lowest = len(merges)
        for i in range(start, stop - 1):
            rank = find(code_of(ids[i], ids[i + 1]), ranks[0], ranks[1])[1]
            if 0 <= rank < lowest:
                lowest = rank
        if lowest == len(merges):
            return stop
        stop = merge_between(ids, start, stop, merges[lowest, 0], merges[lowest, 1], first + lowest)


def merge_between(ids, start, stop, left, right, new):
    """Merge the pair in ids[start:stop], in place; -> where it ends now."""
    read = write = start
    while read < stop:
        if read + 1 < stop and ids[read] == left and ids[read + 1] == right:
            ids[write] = new
            read += 2
        else:
            ids[write] = ids[read]
            read += 1
        write += 1
    return write


def recount(ids, start, stop, left, right, new, w, weight, table, homes):
    """Change the counts as if the pair in word w were merged, from left to right."""
    before, i = END, start  # the symbol before i, merged already
    while i < stop:
        if i + 1 < stop and ids[i] == left and ids[i + 1] == right:
            add(code_of(left, right), -weight, table)
            if before != END:
                add(code_of(before, left), -weight, table)
                add_home(code_of(before, new), w, weight, table, homes)
            if i + 2 < stop:
                add(code_of(right, ids[i + 2]), -weight, table)
                add_home(code_of(new, ids[i + 2]), w, weight, table, homes)
            before = new
            i += 2
        else:
            before = ids[i]
            i += 1


def word_bounds(ids, words):
    """Where each word starts, and where it stops: at its END."""
    starts, stops = np.zeros(words, np.int64), np.zeros(words, np.int64)
    start = w = 0
    for i in range(len(ids)):
        if ids[i] == END:
            starts[w], stops[w] = start, i
            start = i + 1
            w += 1
    return starts, stops


# A table of pairs is (slots, codes, counts, size): codes and counts fill up in order of arrival, and `slots`, a hash
# table with open addressing, says where a code is. It is never more than half full, so that chains stay short.
#
# The homes of pairs, the words that hold them, are linked lists (first, word, next, size): first[place in the table]
# is the first entry, -1 if there is none; word[entry] is a word, and next[entry] the entry after it.


def empty_table(room):
    capacity = 16
    while capacity < 2 * room:
        capacity *= 2
    codes, counts = np.zeros(capacity // 2, np.int64), np.zeros(capacity // 2, np.int64)
    return np.full(capacity, -1, np.int64), codes, counts, np.zeros(1, np.int64)


def pair_table(ids, weights):
    """The pairs of all words with their counts, and their homes."""
    starts, stops = word_bounds(ids, len(weights))
    table = empty_table(0)
    entries = 3 * len(ids)  # a merge makes the text one symbol shorter and at most two entries more
    homes = np.full(8, -1, np.int64), np.empty(entries, np.int32), np.empty(entries, np.int32), np.zeros(1, np.int64)
    for w in range(len(weights)):
        table, homes = with_room(table, homes, stops[w] - starts[w])
        for i in range(starts[w], stops[w] - 1):
            add_home(code_of(ids[i], ids[i + 1]), w, weights[w], table, homes)
    return table, homes


def with_room(table, homes, more):
    """Table and homes, or larger copies if `more` new pairs might not fit."""
    size = table[3][0]
    if size + more <= len(table[1]):
        return table, homes
    larger = empty_table(2 * (size + more))
    first = np.full(len(larger[1]), -1, np.int64)
    for p in range(size):
        add(table[1][p], table[2][p], larger)
        first[p] = homes[0][p]
    return larger, (first, homes[1], homes[2], homes[3])


def add_home(code, w, weight, table, homes):
    """Count a pair, and put word w on the list of its homes, if it is not the last one there."""
    place = add(code, weight, table)
    first, word, after, size = homes
    if first[place] < 0 or word[first[place]] != w:
        word[size[0]], after[size[0]] = w, first[place]
        first[place] = size[0]
        size[0] += 1


def add(code, weight, table):
    """Add to the count of a pair; -> its place in the table."""
    slots, codes, counts, size = table
    slot, place = find(code, slots, codes)
    if place < 0:
        place = slots[slot] = size[0]
        codes[place] = code
        size[0] += 1
    counts[place] += weight
    return place


def find(code, slots, codes):
    """The slot of a code, and its place: -1 if it is not in the table."""
    last = len(slots) - 1  # all ones in binary
    slot = ((code >> 32) * 92821 + code % 2**32 * 31) & last
    while slots[slot] >= 0 and codes[slots[slot]] != code:
        slot = (slot + 1) & last
    return slot, slots[slot]


def code_of(left, right):
    """Both ids in one number, in the order of pairs."""
    return np.int64(left) * 2**32 + np.int64(right)


def most_frequent(table):
    """The place of the highest count, of several the smallest pair's."""
    _, codes, counts, size = table
    best = 0
    for p in range(1, size[0]):
        if counts[p] > counts[best] or (counts[p] == counts[best] and codes[p] < codes[best]):
            best = p
    return best
