"""Where a text is cut before its bytes are merged: GPT-2's pattern, and the same in a few passes over arrays.

The pattern is what is meant. `cuts` finds the same places sooner, by looking at all characters at once.
"""

import functools
import re
import sys

import numpy as np

# Merges stay within these pieces: GPT-2's pattern, written for the standard library. Its \p{L} are letters here,
# numerals that are no decimal digits (², Ⅷ) included; its \p{N} are decimal digits.
WORD = re.compile(
    r"""'(?:[sdmt]|ll|ve|re)    # 's 'll, the endings of English
      | [ ]?[^\W\d_]+           # letters, with the space before them
      | [ ]?\d+
      | [ ]?(?:[^\s\w]|_)+      # punctuation
      | \s+(?!\S)               # white space, less the last space before a word
      | \s+""",
    re.VERBOSE,
)
ENDINGS = ("s", "d", "m", "t", "ll", "ve", "re")
KINDS = {1: r"\s+", 2: r"[^\W\d_]+", 3: r"\d+"}  # and 0: punctuation
WHITE = 1


def cuts(text: str) -> np.ndarray:
    """Whether a piece begins at each character (N,).

    >>> np.flatnonzero(cuts("They'll go,  now")).tolist()  # They|'ll| go|,| | now
    [0, 4, 7, 10, 11, 12]
    """
    characters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    kind = _kinds(1 + int(characters.max(initial=0)).bit_length())[characters]
    begins = np.append(True, kind[1:] != kind[:-1])[: len(kind)]
    _cut_before_the_last_white_space(begins, characters, kind)
    _cut_around_endings(begins, characters)
    return begins


def _cut_before_the_last_white_space(begins, characters, kind):
    """Of the white space before a word the last character stands alone, or with the word if it is a space."""
    last = np.flatnonzero(begins[1:] & (kind[:-1] == WHITE))
    begins[last] = True
    begins[last[characters[last] == ord(" ")] + 1] = False


def _cut_around_endings(begins, characters):
    """An apostrophe that begins a piece takes an ending with it, and what follows the ending begins another piece."""
    apostrophes = np.flatnonzero(characters == ord("'"))
    apostrophes = apostrophes[begins[apostrophes]]
    for ending in ENDINGS:
        found = apostrophes[apostrophes < len(begins) - len(ending)]
        for i, letter in enumerate(ending, 1):
            found = found[characters[found + i] == ord(letter)]
        begins[found + 1] = False
        after = found + len(ending) + 1
        begins[after[after < len(begins)]] = True


@functools.cache
def _kinds(bits: int) -> np.ndarray:
    """The kind of every character below 2^bits, as the standard library's expressions know them."""
    characters = "".join(map(chr, range(min(2**bits, sys.maxunicode + 1))))
    kinds = np.zeros(len(characters), np.uint8)
    for kind, pattern in KINDS.items():
        for run in re.finditer(pattern, characters):
            kinds[run.start() : run.end()] = kind
    return kinds
