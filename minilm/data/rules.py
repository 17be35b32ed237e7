"""Rules written by hand for the questions of questions.py, to hold a model against. They see no more than it does.

But whoever wrote them knew how the questions are made, and that they are nearly always right is partly built in. A
quotation is looked up as it was cut out, speakers are counted as they were counted; and who leaves is even read with
the very pattern, LEAVES, by which passages.py chose what to ask about. Only the rule for who is called has patterns of
its own, and does not know the play's cast: it can be wrong.
"""

import re
from collections import Counter
from collections.abc import Callable

from .passages import DIRECTION, LEAVES, WORD

KIND = r"\b(?:[Oo]|[Gg]ood|[Ss]weet|[Dd]ear|[Mm]y|[Ss]ir|[Mm]aster) "
CALLED = re.compile(rf"(?:^|[,;:.!?-] ?|{KIND})([A-Z][\w']+)(?=[,;:.!?-])")
STARTS_A_SENTENCE = re.compile(r"(?:^|[.!?:-])\s*$")
NO_NAMES = frozenset(
    "God Heaven Heavens Jove Sir Sirs Madam Lord Lords Lady King Queen Duke Prince Moor Signior".split()  # noqa: SIM905
)

Line = tuple[str, str]


def by_rule(question: str, passage: str) -> str:
    """The answer that the rule for this kind of question gives; nothing if there is none.

    >>> passage = "HAMLET: Whither wilt thou lead me, Ghost? speak.\\nGhost: Mark me.\\nHAMLET: I will. [Exit]"
    >>> [by_rule(question, passage) for question in ('Who says "Mark me"?', 'Who answers the one who says "I will"?',
    ...  "Who leaves?", "Whom does HAMLET call by name?", "Who speaks most often?")]
    ['Ghost', '', 'HAMLET', 'Ghost', 'HAMLET']
    """
    lines = parse(passage)
    for pattern, rule in RULES.items():
        if found := re.fullmatch(pattern, question):
            return rule(lines, *found.groups())
    return ""


def by_overlap(question: str, passage: str) -> str:
    """The speaker of the speech that has most words of the question in it, the first of equals."""
    asked = {word.casefold() for word in WORD.findall(question)}
    return max(parse(passage), key=lambda line: len(asked & {word.casefold() for word in WORD.findall(line[1])}))[0]


def parse(passage: str) -> list[Line]:
    """Speakers and what they say."""
    return [(speaker, text) for speaker, _, text in (line.partition(": ") for line in passage.split("\n"))]


def _at(shift: int) -> Callable[[list[Line], str], str]:
    def rule(lines, quotation):
        places = [i + shift for i, (_, text) in enumerate(lines) if quotation in text]
        return lines[places[0]][0] if places and 0 <= places[0] < len(lines) else ""

    return rule


def _leaves(lines):
    for speaker, text in lines:
        if found := DIRECTION.search(text):
            named = LEAVES.fullmatch(found[0])
            return named[named.lastindex] if named and named.lastindex else speaker
    return ""


def _calls(lines, caller):
    """A word with a capital letter, set apart: that of a speaker, or one that does not begin a sentence."""
    said = " ".join(DIRECTION.sub("", text) for speaker, text in lines if speaker == caller)
    called = list(CALLED.finditer(said))
    speakers = {word.casefold() for speaker, _ in lines for word in speaker.split()}
    known = [word[1] for word in called if word[1].casefold() in speakers]
    others = [word[1] for word in called if not STARTS_A_SENTENCE.search(said[: word.start(1)])]
    return next((word for word in known + others if word not in NO_NAMES), "")


def _most(lines):
    return Counter(speaker for speaker, _ in lines).most_common(1)[0][0]


RULES: dict[str, Callable[..., str]] = {
    r'Who says "(.+)"\?': _at(0),
    r'Who answers the one who says "(.+)"\?': _at(1),
    r'Who speaks before the one who says "(.+)"\?': _at(-1),
    r"Who leaves\?": _leaves,
    r"Whom does (.+) call by name\?": _calls,
    r"Who speaks most often\?": _most,
}
