"""The distinct words of a text: found once each, so that what is done with words is done once for each.

text (N,) uint8         [ t  h  e     t  h  e  n ]
starts (W,) int64       [ 0        3            ]      a word ends where the next one starts
"""

from itertools import pairwise

import numpy as np

from .merges import END
from .pair import Kernel
from .table import free_slots


@Kernel
def number_words(text, starts):
    # -> words (M,) int32: the distinct ones in order, each closed by END; number (W,): which of them each word is
    data = text.tobytes()
    words = [data[start:stop] for start, stop in pairwise([*starts.tolist(), len(data)])]
    number = {word: n for n, word in enumerate(dict.fromkeys(words))}
    distinct = np.array([i for word in number for i in (*word, END)], np.int32)
    return distinct, np.array([number[word] for word in words], np.int64)


@number_words.loops
def number_words(text, starts):
    slots = free_slots(len(starts))
    last = len(slots) - 1  # all ones in binary
    words, size = np.empty(len(text) + len(starts), np.int32), 0
    number, first = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    distinct = 0
    for w in range(len(starts)):
        start, stop = starts[w], starts[w + 1] if w + 1 < len(starts) else len(text)
        slot = hash_of(text, start, stop) & last
        while slots[slot] >= 0 and not is_word(text, start, stop, words, first[slots[slot]]):
            slot = (slot + 1) & last
        if slots[slot] < 0:
            slots[slot], first[distinct] = distinct, size
            size = append_word(text, start, stop, words, size)
            distinct += 1
        number[w] = slots[slot]
    return words[:size].copy(), number


def hash_of(text, start, stop):
    """A number below 2^31 made of the bytes."""
    code = 0
    for i in range(start, stop):
        code = (code * 92821 + int(text[i])) & 0x7FFFFFFF
    return code


def is_word(text, start, stop, words, place):
    """Whether the bytes are the word at that place. (No byte is END, so a shorter word differs there.)"""
    for i in range(start, stop):
        if words[place + i - start] != text[i]:
            return False
    return words[place + stop - start] == END


def append_word(text, start, stop, words, size):
    """Write the word and END; -> the new size."""
    for i in range(start, stop):
        words[size + i - start] = text[i]
    words[size + stop - start] = END
    return size + stop - start + 1
