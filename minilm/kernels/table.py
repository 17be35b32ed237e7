"""Hash tables for the loops of words.py and merges.py: pairs of ids, how often each occurs, and in which words.

A table of pairs is (slots, codes, counts, size): codes and counts fill up in order of arrival, and `slots`, with open
addressing, says where a code is. It is never more than half full, so that chains stay short.

The homes of pairs, the words that hold them, are linked lists (first, word, next, size): first[place in the table] is
the first entry, -1 if there is none; word[entry] is a word, and next[entry] the entry after it.
"""

import numpy as np


def free_slots(room):
    """At least two for each that will come, all free; as many as a power of two, whose remainders are the last bits."""
    capacity = 16
    while capacity < 2 * room:
        capacity *= 2
    return np.full(capacity, -1, np.int32)


def empty_table(room):
    slots = free_slots(room)
    half = len(slots) // 2
    return slots, np.zeros(half, np.int64), np.zeros(half, np.int64), np.zeros(1, np.int64)


def empty_homes(room, entries):
    first = np.full(room, -1, np.int32)
    return first, np.empty(entries, np.int32), np.empty(entries, np.int32), np.zeros(1, np.int64)


def with_room(table, homes, more):
    """Table and homes, or larger copies if `more` new pairs might not fit."""
    size = table[3][0]
    if size + more <= len(table[1]):
        return table, homes
    larger = empty_table(2 * (size + more))
    first = np.full(len(larger[1]), -1, np.int32)
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
