"""An example call of the kernel of words.py: `EXAMPLES[name](rng, dtype)` returns its arguments."""

import numpy as np


def number_words(rng, dtype):
    """Forty words of up to three letters of an alphabet of two, so that many are equal and some begin others."""
    lengths = rng.integers(1, 4, 40)
    return rng.integers(0, 2, lengths.sum()).astype(np.uint8), np.cumsum(lengths) - lengths


EXAMPLES = {"number_words": number_words}
