"""Settings that are checked before work begins."""

import numpy as np


def expect(name: str, value: object, holds: bool, expected: str) -> None:
    """A ValueError that names a setting, its value and what it should be, unless that holds.

    >>> expect("lr", -1, False, "more than 0")
    Traceback (most recent call last):
    ValueError: lr is -1; expected more than 0
    """
    if not holds:
        raise ValueError(f"{name} is {value}; expected {expected}")


def expect_count(name: str, value: object, least: int = 1) -> None:
    """As `expect`, for whole numbers."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    expect(name, value, whole and value >= least, f"an integer, {least} or more")
