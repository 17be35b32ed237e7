"""What must hold of a file that nobody vouches for: each name occurs once, and each number belongs to one array."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any


def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a dictionary.

    Raises
    ------
    ValueError
        If a name occurs twice.
    """
    named = {}
    for name, value in pairs:
        if name in named:
            raise ValueError(f"{name} occurs twice")
        named[name] = value
    return named


def expect_apart(stretches: Mapping[str, tuple[int, int]]) -> None:
    """One stretch of a file under many names would become many times its size once it is read.

    Parameters
    ----------
    stretches : mapping
        Where each array begins, and where it ends.

    Raises
    ------
    ValueError
        If two have a byte in common.

    >>> expect_apart({"a": (0, 8), "b": (8, 12), "c": (4, 5)})
    Traceback (most recent call last):
    ValueError: a and c overlap
    """
    ordered = sorted(stretches.items(), key=lambda item: item[1])
    for (first, (_, stop)), (second, (start, _)) in pairwise(ordered):
        if stop > start:
            raise ValueError(f"{first} and {second} overlap")
