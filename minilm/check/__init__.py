"""Floor 6. Is my own implementation right, and if not, what did I misunderstand?

In a notebook or a terminal:

    from minilm import check

    check.exercises()                        # their names
    check.stub("attention")                  # what to write
    check.solution("attention", attention)   # correct, not attempted, or the misconception by name
    check.hint("attention")                  # three hints, one at a time
    check.reveal("attention")                # the reference's source
    check.progress()                         # what is solved
    check.gradient(f, x, W)                  # analytic against numeric gradients
    check.causal(model)                      # and other probes of whole models of any make
"""

from collections import Counter
from collections.abc import Callable

from .gradient import gradient
from .judge import judge as _judge
from .probes import batch_order, bidirectional, cache, causal, learns, padding, positions
from .progress import Progress, read, record
from .topics import exercises as _catalogue
from .topics import find
from .verdict import Verdict
from .words import Text

__all__ = [
    "Verdict",
    "batch_order",
    "bidirectional",
    "cache",
    "causal",
    "exercises",
    "gradient",
    "hint",
    "learns",
    "padding",
    "positions",
    "progress",
    "reveal",
    "solution",
    "stub",
]

_hints_given = Counter()


def exercises() -> list[str]:
    """The names of all exercises, in the order of the course.

    >>> "attention" in exercises()
    True
    """
    return list(_catalogue())


def solution(name: str, function: Callable) -> Verdict:
    """Compare a learner's function with the reference.

    The verdict shows itself as the last line of a notebook's cell, or printed: correct with how many cases and how
    close; not attempted; a misconception by name, with the smallest case that shows it and a question; or the first
    honest difference. A try counts in `progress()`.

    Parameters
    ----------
    name : str
        Of the exercise, one of `exercises()`.
    function : callable
        The learner's.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    verdict = _judge(find(name), function)
    record(verdict)
    return verdict


def stub(name: str) -> Text:
    """What to write: the function's head, what it is to do, and the shapes.

    >>> print(stub("causal_mask").splitlines()[0])
    def causal_mask(T, S):
    """
    return Text(find(name).stub())


def hint(name: str, number: int | None = None) -> Text:
    """The next of three hints of rising strength, or the hint of that number.

    >>> hint("attention", 1)
    Hint 1 of 3: Write the shapes beside each line: the scores are (B, H, T, S), one number for each query and key.

    Raises
    ------
    ValueError
        If there is no such exercise, or no such hint.
    """
    hints = find(name).hints
    if number is None:
        number = min(_hints_given[name] + 1, len(hints))
        _hints_given[name] = number
    if not 1 <= number <= len(hints):
        raise ValueError(f"number is {number}, expected 1 to {len(hints)}")
    return Text(f"Hint {number} of {len(hints)}: {hints[number - 1]}")


def reveal(name: str) -> Text:
    """The source of the reference, as it stands in minilm: for after the try."""
    return Text(find(name).source())


def progress() -> Progress:
    """What has been solved, kept from session to session in a file of the learner's own.

    Raises
    ------
    ValueError
        If that file is damaged.
    """
    return Progress(read())
