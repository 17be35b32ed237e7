"""Byte-pair encoding: count pairs of neighbours, merge the most frequent one, again and again.

Gage 1994, "A New Algorithm for Data Compression"; for words, Sennrich et al. 2016, arXiv:1508.07909, Algorithm 1.

Words lie one after the other in one array, each closed by END, which never is part of a pair:

    ids (N,) int32          [ t  h  e  END  t  h  a  t  END ]
    weights (W,) int64      how often each word occurs in the text
    merges (M, 2) int32     the k-th makes the id first + k

Of equally frequent pairs the smallest is taken: first by its left id, then by its right.
"""

from heapq import heapify, heappop, heappush, heapreplace

import numpy as np

from .pair import Kernel
from .table import add, add_home, code_of, empty_homes, empty_table, find, free_slots, with_room

END = -1
GONE = -2  # where a symbol was that is now part of the one before it


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
    queue = [(-table[2][p], table[1][p], p) for p in range(table[3][0]) if table[2][p] > 1]
    heapify(queue)
    merges = np.empty((number, 2), np.int32)
    for k in range(number):
        best = most_frequent(queue, table[2])
        if best < 0:
            return merges[:k].copy()
        left, right = table[1][best] >> 32, table[1][best] % 2**32
        merges[k, 0], merges[k, 1] = left, right
        table, homes = with_room(table, homes, 2 * (first + k) + 2)  # a new id has at most that many new neighbours
        known = table[3][0]
        home = homes[0][best]
        while home >= 0:
            w = homes[1][home]
            stops[w] = merge_counted(ids, starts[w], stops[w], left, right, first + k, w, weights[w], table, homes)
            home = homes[2][home]
        for p in range(known, table[3][0]):
            if table[2][p] > 1:
                heappush(queue, (-table[2][p], table[1][p], p))
    return merges


def most_frequent(queue, counts):
    """Take the pair with the highest count, of several the smallest, off the queue; -> its place, -1 if there is none.

    Counts fall after a pair was queued, but never rise: a pair that comes first with the count it still has is the one.
    """
    while len(queue) > 0:
        count, code, place = queue[0]
        if count == -counts[place]:
            return heappop(queue)[2]
        if counts[place] > 1:
            heapreplace(queue, (-counts[place], code, place))
        else:  # merging what occurs once saves nothing
            heappop(queue)
    return -1


@apply_merges.loops
def apply_merges(ids, merges, first):
    # Each word has a queue of (rank, place) in one number. What a merge makes is part of later merges only, so the
    # lowest rank is always next.
    merged, ranks = ids.copy(), rank_table(merges)
    before, after = np.arange(-1, len(ids) - 1, 1, np.int32), np.arange(1, len(ids) + 1, 1, np.int32)
    queue = [np.int64(0) for _ in range(0)]
    for i in range(1, len(ids)):
        if ids[i] != END:
            queue_pair(i - 1, i, merged, ranks, queue)
            continue
        while len(queue) > 0:
            rank, left = divmod(heappop(queue), 2**32)
            right = after[left]
            if merged[left] == merges[rank, 0] and merged[right] == merges[rank, 1]:  # no other merge took one of them
                merged[left], merged[right] = first + rank, GONE
                after[left] = after[right]
                before[after[left]] = left
                queue_pair(before[left], left, merged, ranks, queue)
                queue_pair(left, after[left], merged, ranks, queue)
    return merged[merged != GONE]


def queue_pair(left, right, ids, ranks, queue):
    """Queue the pair at two places, if it is one that is merged."""
    rank = find(code_of(ids[left], ids[right]), ranks[0], ranks[1])[1]
    if rank >= 0:
        heappush(queue, np.int64(rank) * 2**32 + left)


def rank_table(merges):
    """(slots, codes), where the place of a pair is its rank."""
    slots, codes = free_slots(len(merges)), np.empty(len(merges), np.int64)
    for k in range(len(merges)):
        codes[k] = code_of(merges[k, 0], merges[k, 1])
        slot, place = find(codes[k], slots, codes)
        if place < 0:
            slots[slot] = k
    return slots, codes


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


def merge_counted(ids, start, stop, left, right, new, w, weight, table, homes):
    """Merge the pair in word w, in place, and change the counts of pairs; -> where the word ends now."""
    read = write = start
    while read < stop:
        if read + 1 < stop and ids[read] == left and ids[read + 1] == right:
            if write > start:
                add(code_of(ids[write - 1], left), -weight, table)
                add_home(code_of(ids[write - 1], new), w, weight, table, homes)
            if read + 2 < stop:
                add(code_of(right, ids[read + 2]), -weight, table)
                add_home(code_of(new, ids[read + 2]), w, weight, table, homes)
            ids[write] = new
            read += 2
        else:
            ids[write] = ids[read]
            read += 1
        write += 1
    return write


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


def pair_table(ids, weights):
    """The pairs of all words with their counts, and their homes."""
    starts, stops = word_bounds(ids, len(weights))
    table = empty_table(0)
    homes = empty_homes(len(table[1]), 3 * len(ids))  # a merge makes one symbol less and at most two entries more
    for w in range(len(weights)):
        table, homes = with_room(table, homes, stops[w] - starts[w])
        for i in range(starts[w], stops[w] - 1):
            add_home(code_of(ids[i], ids[i + 1]), w, weights[w], table, homes)
    return table, homes
