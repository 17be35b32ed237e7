"""Where a text is cut before its bytes are merged: GPT-2's pattern, and the same in a few passes over arrays.

The pattern is what is meant. `cuts` finds the same places sooner, by looking at all characters at once.
"""

import functools
import re
import sys
import unicodedata

import numpy as np

ENDINGS = ("s", "d", "m", "t", "ll", "ve", "re")
MARK, WHITE, LETTER, NUMBER = range(4)  # kinds of characters
NO_WHITE = "\x1c\x1d\x1e\x1f"  # for Python they are white space, for Unicode and GPT-2 they are not


@functools.cache
def pattern() -> re.Pattern:
    r"""GPT-2's pattern. Its \p{L} and \p{N} are spelled out, as the standard library has no names for them.

    >>> pattern().findall("They'll go,  now")
    ['They', "'ll", ' go', ',', ' ', ' now']
    """
    fractions = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in ("Nl", "No"))
    white, letter, number = rf"[^\S{NO_WHITE}]", rf"[^\W\d_{fractions}]", rf"[\d{fractions}]"
    return re.compile(
        rf"""'(?:[sdmt]|ll|ve|re)    # 's 'll, the endings of English
          | [ ]?{letter}+            # letters, with the space before them
          | [ ]?{number}+
          | [ ]?(?:(?!{white}|{letter}|{number})[\s\S])+    # marks
          | {white}+(?![\S{NO_WHITE}])    # white space, less the last space before a word
          | {white}+""",
        re.VERBOSE,
    )


def cuts(text: str, digits_alone: bool = False) -> np.ndarray:
    """Whether a piece begins at each character (N,); if `digits_alone`, each digit is one, which takes no space along.

    >>> np.flatnonzero(cuts("They'll go,  now")).tolist()  # They|'ll| go|,| | now
    [0, 4, 7, 10, 11, 12]
    >>> np.flatnonzero(cuts("in  1984", digits_alone=True)).tolist()  # in|  |1|9|8|4
    [0, 2, 4, 5, 6, 7]
    """
    characters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    kind = _kinds(1 + int(characters.max(initial=0)).bit_length())[characters]
    begins = np.append(True, kind[1:] != kind[:-1])[: len(kind)]
    number = digits_alone & (kind == NUMBER)
    _cut_before_the_last_white_space(begins, characters, (kind[:-1] == WHITE) & ~number[1:])
    begins |= number
    _cut_around_endings(begins, characters)
    return begins


def _cut_before_the_last_white_space(begins, characters, white):
    """Of the white space before a word the last character stands alone, or with the word if it is a space."""
    last = np.flatnonzero(begins[1:] & white)
    begins[last] = True
    begins[last[characters[last] == ord(" ")] + 1] = False


def _cut_around_endings(begins, characters):
    """An apostrophe that begins a piece takes an ending with it, and what follows the ending begins another piece."""
    apostrophes = np.flatnonzero(characters == ord("'"))
    apostrophes = apostrophes[begins[apostrophes]]
    for ending in ENDINGS if apostrophes.size else ():  # most short texts have none
        found = apostrophes[apostrophes < len(begins) - len(ending)]
        for i, letter in enumerate(ending, 1):
            found = found[characters[found + i] == ord(letter)]
        begins[found + 1] = False
        after = found + len(ending) + 1
        begins[after[after < len(begins)]] = True


@functools.cache
def _kinds(bits: int) -> np.ndarray:
    """The kind of every character below 2^bits, by its category in Unicode."""
    return np.array([_kind(chr(code)) for code in range(min(2**bits, sys.maxunicode + 1))], np.uint8)


def _kind(character):
    if character.isspace() and character not in NO_WHITE:
        return WHITE
    return {"L": LETTER, "N": NUMBER}.get(unicodedata.category(character)[0], MARK)
