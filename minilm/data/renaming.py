"""Questions about people of other names: a model learns where names stand, and not whom the plays are about."""

import re
from collections.abc import Mapping

from .spans import Question

NAME = re.compile(r"\b[A-Z]\w+\b")


def renamed(question: Question, names: Mapping[str, str]) -> Question:
    """The question with other names in it, in its passage and in its answers; as they are, or all in capitals.

    >>> asked = Question("Who leaves?", "HAMLET: Come, Ghost. [Exit HAMLET]", ("HAMLET",), 27)
    >>> renamed(asked, {"Hamlet": "Oyster"})[1:4]
    ('OYSTER: Come, Ghost. [Exit OYSTER]', ('OYSTER',), 27)
    """
    new = {**names, **{old.upper(): name.upper() for old, name in names.items()}}

    def other(text):
        return NAME.sub(lambda found: new.get(found[0], found[0]), text)

    start = question.start if question.start < 0 else len(other(question.passage[: question.start]))
    answers = tuple(map(other, question.answers))
    return question._replace(
        question=other(question.question), passage=other(question.passage), answers=answers, start=start
    )
