"""The answerer, from a SQuAD file to a run folder and back."""

import json

import numpy as np
import pytest

from minilm.data.spans import Question
from minilm.tasks.answer import Answerer, read, split


def squad(**changed):
    asked = {"id": "q1", "question": "Who says ay?", "answers": [{"text": "HAMLET", "answer_start": 0}]} | changed
    return {"data": [{"title": "Hamlet", "paragraphs": [{"context": "HAMLET: Ay.", "qas": [asked]}]}]}


@pytest.fixture
def file(tmp_path):
    def write(content):
        (tmp_path / "squad.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        return tmp_path / "squad.json"

    return write


def test_both_versions_of_squad_are_read(file):
    assert read(file(squad())) == [Question("Who says ay?", "HAMLET: Ay.", ("HAMLET",), 0, title="Hamlet")]
    assert read(file(squad(answers=[], is_impossible=True)))[0].answers == ()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"answers": [{"text": "HAMLET", "answer_start": 1}]}, "at character 1 the context has 'AMLET: Ay.'"),
        ({"answers": [{"text": "HAMLET", "answer_start": -11}]}, "at character -11 the context has 'HAMLET: Ay.'"),
        ({"answers": [{"text": "HAMLET", "answer_start": "0"}]}, 'expected a list of {"text": ..., "answer_start"'),
        ({"question": " "}, "the question is ' '; expected a text"),
        ({"answers": None}, "answers is None; expected a list"),
    ],
)
def test_wrong_questions_are_told_by_their_line_and_skipped_only_if_asked(file, capsys, changed, told):
    content = squad(**changed)
    with pytest.raises(ValueError, match=r"qas\[0\] \(line \d+\)") as error:
        read(file(content))
    assert told in str(error.value)
    content["data"] += squad()["data"]
    assert len(read(file(content), skip_bad=True)) == 1 and "skipped 1" in capsys.readouterr().err


PARAGRAPH = {"context": "HAMLET: Ay.", "qas": []}


@pytest.mark.parametrize(
    ("article", "told"),
    [
        ("Hamlet", "data[0]: there is no list 'paragraphs' in it"),
        ({"title": "Hamlet"}, "data[0]: there is no list 'paragraphs' in it"),
        ({"paragraphs": [PARAGRAPH | {"qas": None}]}, "data[0].paragraphs[0]: there is no list 'qas' in it"),
        ({"paragraphs": [PARAGRAPH | {"qas": [5]}]}, "data[0].paragraphs[0].qas[0]: it is 5; expected an object"),
        ({"paragraphs": [{"qas": [{"question": "Who?", "answers": []}]}]}, "qas[0]: the context is None"),
    ],
)
def test_parts_that_are_missing_are_told_by_their_place_and_skipped_only_if_asked(file, capsys, article, told):
    content = {"data": [article, *squad()["data"]]}
    with pytest.raises(ValueError, match="1 wrong") as error:
        read(file(content))
    assert told in str(error.value)
    assert len(read(file(content), skip_bad=True)) == 1 and told in capsys.readouterr().err


def test_a_title_that_is_a_number_is_one(file):
    content = squad()
    content["data"][0]["title"] = 5
    assert read(file(content))[0].title == "5"


def test_a_file_of_another_format_is_refused(file):
    with pytest.raises(ValueError, match="not JSON as SQuAD has it"):
        read(file([1, 2]))
    with pytest.raises(ValueError, match=r"squad\.json is not JSON, as SQuAD is \(Expecting value: line 2"):
        (path := file({})).write_text('{"data":\n]', encoding="utf-8")
        read(path)


def test_whole_articles_are_held_out():
    questions = [Question("Who?", f"{n} {q}", title=str(n)) for n in range(40) for q in range(3)]
    kept, held_out = split(questions)
    assert {q.title for q in kept}.isdisjoint(q.title for q in held_out) and len(kept) + len(held_out) == 120


@pytest.fixture(scope="module")
def answerer():
    """Learns that the answer is the name before the colon, or that there is none if there is no colon."""
    rng, names = np.random.default_rng(0), ["ANNA", "BERT", "CARL", "DORA"]
    questions = []
    for _ in range(64):
        said, name = " ".join(rng.permutation(["to", "be", "or", "not", "sea"])), names[rng.integers(4)]
        questions.append(Question("Who says it?", f"{name}: {said}", (name,), 0))
        questions.append(Question("Who says it?", said))
    return Answerer.train(questions, steps=120, width=32, heads=2, layers=1, longest=32, batch=16,
                          learning_rate=1e-2, show_progress=False)  # fmt: skip


def test_it_learns_to_answer_and_to_say_nothing(answerer):
    assert answerer("Who says it?", "DORA: be to sea or not") == "DORA"
    assert answerer("Who says it?", "sea to be or not") == ""
    right = [Question("Who says it?", "ANNA: not to be or sea", ("ANNA",), 0)]
    assert answerer.evaluate(right) == {"exact match": 1.0, "F1": 1.0}
    assert answerer.evaluate([right[0]._replace(answers=("BERT",))]) == {"exact match": 0.0, "F1": 0.0}


def test_chinese_answers_are_measured_by_characters(answerer, monkeypatch):
    asked = [
        Question("他做什么?", "他喜欢读书。", ("喜欢读书",), 1),
        Question("Who?", "ANNA BELL: Ay.", ("ANNA BELL",), 0),
    ]
    monkeypatch.setattr(answerer, "answers", lambda questions: ["读书。", "ANNA"])
    assert answerer.evaluate(asked) == {"exact match": 0.0, "F1": pytest.approx((2 / 3 + 2 / 3) / 2)}


def test_without_questions_there_is_nothing_to_learn():
    with pytest.raises(ValueError, match="examples is empty; expected at least one question"):
        Answerer.train([], steps=1)


def test_an_empty_question_is_refused(answerer):
    with pytest.raises(ValueError, match="question is ' '; expected something to answer"):
        answerer(" ", "DORA: be to sea or not")


def test_answers_do_not_depend_on_what_else_is_asked(answerer):
    asked = [
        Question("Who says it?", f"{name}: {'to be or not ' * n}")
        for name, n in (("ANNA", 1), ("CARL", 12), ("DORA", 2))
    ]
    together, alone = answerer.answers(asked), [answerer.answers([question])[0] for question in asked]
    assert together == alone == answerer.answers(asked, batch=1)


def test_pointers_are_two_distributions_over_the_tokens(answerer):
    symbols, pointers = answerer.pointers(Question("Who says it?", "DORA: be"))
    assert pointers.shape == (2, len(symbols)) and np.allclose(pointers.sum(axis=1), 1, atol=1e-5)
    assert symbols[0] == "[CLS]"


def test_it_is_the_same_after_saving_and_loading(answerer, tmp_path):
    answerer.save(tmp_path / "run")
    again = Answerer.load(tmp_path / "run")
    question = Question("Who says it?", "BERT: or be")
    assert np.array_equal(again.pointers(question)[1], answerer.pointers(question)[1])
