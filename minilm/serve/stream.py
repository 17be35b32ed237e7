"""The text of tokens as they come."""

import codecs
from collections.abc import Sequence
from itertools import pairwise

from minilm.data import Tokenizer

LONGEST = 4  # tokens that one character may be made of: UTF-8 has at most 4 bytes


class TextStream:
    """What a model writes after a prompt, up to a stop string, piece by piece.

    What may still change is held back: bytes that are no whole character yet, and what may begin a stop string.

    Parameters
    ----------
    prompt : sequence of int
        Its last tokens decide whether a space comes first, or the rest of a character.
    stop : sequence of str
        The text ends before the first of these.

    Attributes
    ----------
    stopped : bool
        Whether a stop string was met.
    length : int
        Whole characters so far, those held back among them.

    >>> from minilm.data import BPETokenizer
    >>> stream = TextStream(BPETokenizer([]), prompt=[10], stop=["END"])
    >>> [stream.feed(byte) for byte in "é, ENd END.".encode()]
    ['', 'é', ',', ' ', '', '', 'ENd', ' ', '', '', '', '']
    >>> stream.stopped
    True
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int], stop: Sequence[str] = ()):
        self.tokenizer, self.stop, self.stopped = tokenizer, stop, False
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held, self._previous, self.length = "", prompt[-1], 0
        for previous, id in pairwise(prompt[-LONGEST - 1 :]):
            self._decoder.decode(tokenizer.bytes_after(previous, id))

    def bytes_of(self, id: int) -> bytes:
        """What this token would add; nothing, if it is one of those that some models have to spare."""
        return self.tokenizer.bytes_after(self._previous, id) if id < len(self.tokenizer) else b""

    def feed(self, id: int) -> str:
        """The text that is certain now that this token is written; none after a stop string."""
        if self.stopped:
            return ""
        new = self._decoder.decode(self.bytes_of(id))
        self._held, self._previous, self.length = self._held + new, id, self.length + len(new)
        found = [start for stop in self.stop if (start := self._held.find(stop)) >= 0]
        self.stopped = bool(found)
        certain = min(found) if found else len(self._held) - self._begun()
        text, self._held = self._held[:certain], self._held[certain:]
        return text

    def rest(self) -> str:
        """What was held back, when nothing more will be written."""
        return "" if self.stopped else self._held + self._decoder.decode(b"", final=True)

    def _begun(self) -> int:
        """How many characters at the end may be the beginning of a stop string."""
        beginnings = (stop[:n] for stop in self.stop for n in range(1, len(stop)))
        return max((len(start) for start in beginnings if self._held.endswith(start)), default=0)
