"""Learning-rate schedules: what part of the full rate to use, given which part of training, 0 to 1, has passed.

Progress rather than a step number, so that the same schedule serves training by steps and training by the clock.
"""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def constant() -> Schedule:
    """The full rate throughout.

    >>> constant()(0.7)
    1.0
    """
    return lambda progress: 1.0


def linear(warmup: float = 0.0, final: float = 0.0) -> Schedule:
    """Up from 0 during the first part `warmup`, then along a line down to the part `final`.

    >>> [round(linear(warmup=0.2)(p), 2) for p in (0.1, 0.2, 0.6, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    return _after_warmup(warmup, final, lambda rest: 1 - (1 - final) * rest)


def warmup_cosine(warmup: float = 0.05, final: float = 0.1) -> Schedule:
    """Up from 0, then down along half a cosine, slowly at both ends (Loshchilov and Hutter 2017, arXiv:1608.03983).

    >>> [round(warmup_cosine(warmup=0.2, final=0.1)(p), 2) for p in (0.1, 0.2, 0.6, 1.0)]
    [0.5, 1.0, 0.55, 0.1]
    """
    return _after_warmup(warmup, final, lambda rest: final + (1 - final) * 0.5 * (1 + math.cos(math.pi * rest)))


def _after_warmup(warmup: float, final: float, fall: Callable[[float], float]) -> Schedule:
    if not 0 <= final <= 1:
        raise ValueError(f"final is {final}, expected the part of the full rate to end with, 0 <= final <= 1")
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup is {warmup}, expected the part of training it takes, 0 <= warmup < 1")

    def schedule(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        return fall(min((progress - warmup) / (1 - warmup), 1.0))

    return schedule
