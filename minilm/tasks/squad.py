"""Questions from a file in SQuAD's format: what is wrong is told by its place, and passed over only if asked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minilm.data.spans import Question
from minilm.data.texts import read_text
from minilm.expect import expect

from . import rows

ANSWER = {"text": str, "answer_start": int}


def read(path: str | Path, *, skip_bad: bool = False) -> list[Question]:
    """The questions of a JSON file in SQuAD's format, version 1.1 or 2.0.

    {"data": [{"title": ..., "paragraphs": [{"context": ..., "qas": [{"id": ..., "question": ..., "answers": [{"text":
    ..., "answer_start": ...}], "is_impossible": false}]}]}]}; no answers, or is_impossible, mean that the passage has
    none. "title", "id" and "is_impossible" may be left out.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or is no JSON of that form; if an answer is not where it is said to be, a question
        or a passage is empty, or a part is missing or of another type, unless `skip_bad`.
    """
    content = read_text(path)
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is not JSON, as SQuAD is ({error}); expected {{"data": [...]}}') from error
    if not isinstance(whole, dict) or not isinstance(whole.get("data"), list):
        raise ValueError(f'{path} is not JSON as SQuAD has it; expected an object with a list, {{"data": [...]}}')
    found: list[Question] = []
    wrong: list[str] = []
    for where, article, paragraph, asked in _asked(whole, wrong):
        try:
            found.append(_question(article, paragraph, asked))
        except ValueError as error:
            wrong.append(f"{where}{_line(content, asked)}: {error}")
    rows.report(path, wrong, len(found), "questions with answers that stand in their contexts", skip_bad)
    return found


def _asked(whole, wrong) -> Iterator[tuple[str, Any, Any, Any]]:
    """Where each question is, its article, its paragraph, and itself; lists that are missing are noted in `wrong`."""
    for here, article in _members(whole, "data", "", wrong):
        for there, paragraph in _members(article, "paragraphs", here, wrong):
            for where, asked in _members(paragraph, "qas", there, wrong):
                yield where, article, paragraph, asked


def _members(part, name, where, wrong) -> Iterator[tuple[str, Any]]:
    members = part.get(name) if isinstance(part, dict) else None
    if not isinstance(members, list):
        wrong.append(f"{where}: there is no list {name!r} in it")
        return
    for i, member in enumerate(members):
        yield f"{where}{'.' if where else ''}{name}[{i}]", member


def _line(content, asked) -> str:
    """On which line the question stands, if it can be found there."""
    place = content.find(json.dumps(asked["id"])) if isinstance(asked, dict) and asked.get("id") else -1
    return f" (line {content.count(chr(10), 0, place) + 1})" if place >= 0 else ""


def _question(article, paragraph, asked) -> Question:
    expect("it", repr(asked), isinstance(asked, dict), "an object with a question")
    question, context = _text("question", asked), _text("context", paragraph)
    answers = [] if asked.get("is_impossible") else asked.get("answers")
    right = isinstance(answers, list) and all(map(_is_answer, answers))
    expect("answers", repr(answers), right, 'a list of {"text": ..., "answer_start": ...}, a text and a number')
    for answer in answers:
        text, start = answer["text"], answer["answer_start"]
        if not text or start < 0 or context[start : start + len(text)] != text:
            raise ValueError(f"at character {start} the context has {context[max(start, 0) :][:30]!r}, not {text!r}")
    start = answers[0]["answer_start"] if answers else -1
    texts = tuple(answer["text"] for answer in answers)
    return Question(question, context, texts, start, title=str(article.get("title", "")))


def _text(name, part) -> str:
    text = part.get(name)
    expect(f"the {name}", repr(text), isinstance(text, str) and text.strip() != "", "a text")
    return text


def _is_answer(answer) -> bool:
    return isinstance(answer, dict) and all(isinstance(answer.get(name), kind) for name, kind in ANSWER.items())
