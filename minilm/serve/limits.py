"""How much one client may ask for, and all of them together."""

from typing import NamedTuple


class Limits(NamedTuple):
    """What is refused beyond these is refused before any work is done for it."""

    together: int = 16  # answers that are written at the same time
    waiting: int = 64  # prompts that wait for their turn; one more is told to come back (429)
    body: int = 1_000_000  # bytes of a request
    prompt: int = 8192  # tokens of a prompt
    answer: int = 4096  # tokens of an answer
    told: int = 500_000  # tokens of all answers to a request, and the likeliest beside each
