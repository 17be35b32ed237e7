"""Numbers on the command line: what they must be is said when they are not."""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress


def positive_int(text: str) -> int:
    """A whole number, 1 or more.

    >>> positive_int("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: '0' is not a whole number, 1 or more
    """
    return _number(int, text, lambda value: value > 0, "a whole number, 1 or more")


def positive_float(text: str) -> float:
    """A number above 0, and finite."""
    return _number(float, text, lambda value: 0 < value < math.inf, "a number above 0")


def seed(text: str) -> int:
    """A whole number, 0 or more."""
    return _number(int, text, lambda value: value >= 0, "a whole number, 0 or more")


def port(text: str) -> int:
    """A port's number, or 0."""
    return _number(int, text, lambda value: 0 <= value < 2**16, "a whole number from 0 to 65535")


def _number(kind: type, text: str, holds: Callable, expected: str):
    with suppress(ValueError):
        if holds(value := kind(text)):
            return value
    raise ArgumentTypeError(f"{text!r} is not {expected}")
