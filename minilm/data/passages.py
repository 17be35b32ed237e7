"""What can be asked about a few speeches of a play, and where in them the answer is."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from .scenes import Speech

QUOTED = (3, 8)  # words, at least and at most

WORD = re.compile(r"\w[\w'’]*")
DIRECTION = re.compile(r"\[[^\]]*\]")
NAMES = r"[A-Z][\w']*(?: (?:of |the )?[A-Z][\w']*)*"
LEAVES = re.compile(rf"\[(?:Exit(?: (?:an? |the )?({NAMES}))?|Exeunt ({NAMES}(?:(?:, {NAMES})*,? and {NAMES})?))\]")
CALLED_AS = "good sweet dear gentle noble brave fair worthy my sir lord lady cousin master signior mistress"
BEFORE_A_NAME = re.compile(rf"(?:^|[^\w\s'’] *|\bo )(?:(?:{CALLED_AS.replace(' ', '|')}) )*$", re.IGNORECASE)

Place = tuple[int, int]  # the first character, and the one after the last
Candidate = tuple[str, Place | None]  # what is asked about, and where the answer is, if there is one


class Passage(NamedTuple):
    """Some speeches that follow each other, and the names of all who speak in the play, as they are called."""

    speeches: tuple[Speech, ...]
    cast: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return "\n".join(map(str, self.speeches))

    @property
    def starts(self) -> list[int]:
        """Where in the text each speech begins, with its speaker's name."""
        return list(accumulate((len(str(speech)) + 1 for speech in self.speeches[:-1]), initial=0))

    @property
    def heads(self) -> list[Place]:
        """Where the speakers' names are."""
        return [(start, start + len(speech.speaker)) for start, speech in zip(self.starts, self.speeches, strict=True)]


def quotations(passage: Passage, nearby: Passage, shift: int, rng: np.random.Generator) -> list[Candidate]:
    """Some words of each speech, and who speaks `shift` speeches after it; and words that are not said here."""
    found, heads, text = [], passage.heads, passage.text
    for i, speech in enumerate(passage.speeches):
        quotation, j = quotation_from(speech, rng), i + shift
        inside = 0 <= j < len(heads)
        himself = shift and inside and passage.speeches[j].speaker == speech.speaker  # he goes on after an exit
        if quotation and text.count(quotation) == 1 and not himself:
            found.append((quotation, heads[j] if inside else None))
    strange = quotation_from(nearby.speeches[0], rng)
    return [*found, (strange, None)] if strange and strange not in text else found


def quotation_from(speech: Speech, rng: np.random.Generator) -> str | None:
    """3 to 8 words of a speech, none of them a stage direction; None if it is too short.

    >>> quotation_from(Speech("HAMLET", "Words, words, words. [Exit]"), np.random.default_rng(0))
    'Words, words, words'
    """
    spoken = DIRECTION.split(speech.text)
    part = spoken[rng.integers(len(spoken))] if len(spoken) > 2 else spoken[0]
    words = list(WORD.finditer(part))
    fewest, most = QUOTED
    if len(words) < fewest:
        return None
    number = int(rng.integers(fewest, min(most, len(words)) + 1))
    first = int(rng.integers(len(words) - number + 1))
    return part[words[first].start() : words[first + number - 1].end()]


def leaving(passage: Passage) -> list[Candidate]:
    """Who leaves: the one who is named, or else the one who has spoken; nothing if it is several times, or unclear.

    >>> text = (Speech("HAMLET", "Farewell. [Exit]"), Speech("OPHELIA", "Alas!"))
    >>> leaving(Passage(text)), leaving(Passage(text[1:])), leaving(Passage((Speech("HAMLET", "Go! [Exit Ghost]"),)))
    ([('', (0, 6))], [('', None)], [('', (18, 23))])
    """
    text = passage.text
    directions = list(DIRECTION.finditer(text))
    if not directions:
        return [("", None)]
    named = LEAVES.fullmatch(directions[0][0])
    if len(directions) > 1 or not named:
        return []
    if named.lastindex:
        begin, end = named.span(named.lastindex)
        return [("", (directions[0].start() + begin, directions[0].start() + end))]
    return [("", max(head for head in passage.heads if head[0] < directions[0].start()))]


def calling(passage: Passage) -> list[Candidate]:
    """Of each speaker: the one name of the play's cast in what he says, if it is set apart as when someone is called.

    Those who name several, or name someone without calling, are not asked about.

    >>> text = (Speech("HAMLET", "Thrift, Horatio!"), Speech("HORATIO", "My lord."))
    >>> calling(Passage(text, frozenset(["Hamlet", "Horatio"])))
    [('HAMLET', (16, 23)), ('HORATIO', None)]
    """
    found = []
    for speaker in dict.fromkeys(speech.speaker for speech in passage.speeches):
        named = list(_named(passage, speaker))
        if not named:
            found.append((speaker, None))
        elif len(named) == 1 and _is_called(passage.text, *named[0]):
            found.append((speaker, named[0]))
    return found


def talkative(passage: Passage) -> list[Candidate]:
    """Who has most speeches, if one has: the place of his first.

    >>> talkative(Passage(tuple(Speech(name, "Ay.") for name in "ABA"))), talkative(Passage((Speech("A", "Ay."),) * 0))
    ([('', (0, 1))], [])
    """
    counts = Counter(speech.speaker for speech in passage.speeches).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return []
    return [
        ("", next(head for head, s in zip(passage.heads, passage.speeches, strict=True) if s.speaker == counts[0][0]))
    ]


def _named(passage, speaker) -> Iterator[Place]:
    for start, speech in zip(passage.starts, passage.speeches, strict=True):
        if speech.speaker == speaker:
            before = start + len(speaker) + 2
            for name in WORD.finditer(DIRECTION.sub(lambda found: " " * len(found[0]), speech.text)):
                if name[0] in passage.cast:
                    yield before + name.start(), before + name.end()


def _is_called(text, start, end) -> bool:
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return text[end : end + 1] in set(",;:.!?-") and BEFORE_A_NAME.search(line.partition(": ")[2]) is not None
