"""Questions about the plays, their rules, and spans of tokens."""

from collections import Counter

import numpy as np
import pytest

from minilm.data import Examples, WordPieceTokenizer, documents, rules, spans
from minilm.data.passages import Passage, calling
from minilm.data.questions import ASKED, KINDS, TEST, VALIDATION, Asker, FreshQuestions, parted
from minilm.data.scenes import Scene, Speech, scenes, scenes_of
from minilm.data.spans import Question, SpanReader, best_span, token_span

SPEAKERS = ("HAMLET", "HORATIO", "MARCELLUS", "LADY MACBETH")


@pytest.fixture(scope="module")
def plays():
    """Scenes in which everybody says something else, calls the next by name now and then, or leaves."""
    rng, words = (
        np.random.default_rng(0),
        ["sea", "wind", "night", "ghost", "crown", "sword", "lord", "heart", "fear", "gold", "star", "king"],
    )
    made = []
    for title in ("Hamlet", "Macbeth", "Othello", "King Lear"):
        speeches = []
        for i in range(60):
            speaker, called = SPEAKERS[i % 4], SPEAKERS[(i + 1) % 4].split()[-1].capitalize()
            said = " ".join(rng.permutation(words)[:7])
            said += f", good {called}." * (i % 3 == 0) + " [Exit]" * (i % 11 == 0) + f" [Exit {called}]" * (i % 13 == 5)
            speeches.append(Speech(speaker, said))
        made.append(Scene(title, tuple(speeches)))
    return made


@pytest.fixture(scope="module")
def asker(plays):
    return Asker(plays)


@pytest.mark.parametrize("kind", ASKED)
def test_the_answer_stands_where_the_question_says(asker, kind):
    for question in asker.sample(kind, 40, seed=1):
        (answer,) = question.answers
        assert question.passage[question.start : question.start + len(answer)] == answer
        assert question.kind == kind and 4 <= len(question.passage.split("\n")) <= 7


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answered", [True, False])
def test_the_rule_that_sees_only_the_text_agrees(asker, kind, answered):
    """Partly built in, for both read stage directions by one pattern; but where an answer is they find in two ways."""
    questions = asker.sample(kind, 60, seed=2, answered=answered)
    right = [rules.by_rule(q.question, q.passage) == (q.answers or ("",))[0] for q in questions]
    assert np.mean(right) == 1
    others = [rules.by_rule(q.question, q.passage) == (p.answers or ("",))[0] for p, q in
              zip(questions[1:], questions, strict=False)]  # fmt: skip
    assert not answered or np.mean(others) < 0.7  # the control: the answer to another question


def test_overlap_finds_who_says_something_and_not_who_answers(asker):
    def right(kind):
        return np.mean([rules.by_overlap(q.question, q.passage) in q.answers for q in asker.sample(kind, 60, seed=3)])

    assert right("says") > 0.9 and right("answers") < 0.2


def test_kinds_and_unanswerable_questions_come_as_often_as_asked_for(asker):
    rng = np.random.default_rng(0)
    drawn = [asker.ask(rng) for _ in range(600)]
    counts = Counter(question.kind for question in drawn)
    assert set(counts) == set(KINDS) and min(counts.values()) > 80
    assert 0.1 < np.mean([not question.answers for question in drawn]) < 0.25


def test_the_same_seed_and_step_give_the_same_batch(asker):
    tokenizer = WordPieceTokenizer.train("\n".join(str(s) for s in asker.scenes[0].speeches) + " ".join(ASKED.values()))
    reader = SpanReader(tokenizer)
    first, second = (FreshQuestions(asker, reader, batch=4, seed=5) for _ in range(2))
    second.batch(30)
    for mine, same, other in zip(first.batch(7), second.batch(7), first.batch(8), strict=True):
        assert np.array_equal(mine, same) and not np.array_equal(mine, other)
    with pytest.raises(ValueError, match="step -1 is negative"):
        first.batch(-1)


def test_people_who_are_only_spoken_of_are_not_called():
    def asked(text):
        return calling(Passage((Speech("HAMLET", text),), frozenset(["Horatio", "Hamlet"])))

    assert asked("Come, good Horatio, come.") == [("HAMLET", (19, 26))]
    assert asked("I saw Horatio there.") == [] and asked("Peace, Horatio! Horatio!") == []
    assert asked("Peace! [Exit Horatio]") == [("HAMLET", None)]


@pytest.mark.parametrize("kind", KINDS)
def test_with_other_names_the_answer_still_stands_where_the_question_says(plays, kind):
    known, others = (Asker(plays, other_names=part).sample(kind, 40, seed=1) for part in (0.0, 1.0))
    for question in others:
        (answer,) = question.answers
        assert question.passage[question.start : question.start + len(answer)] == answer
        assert kind == "calls" or rules.by_rule(question.question, question.passage) == answer  # it knows no two words
    assert all("HAMLET" in q.passage or "HORATIO" in q.passage for q in known)
    assert not any("HAMLET" in q.passage or "HORATIO" in q.passage for q in others)


@pytest.mark.parametrize("wrong", [{"kinds": ["why"]}, {"kinds": []}, {"unanswerable": 2}, {"other_names": -1}])
def test_wrong_settings_are_named(plays, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Asker(plays, **wrong)


def test_plays_without_a_short_passage_are_an_error():
    with pytest.raises(ValueError, match="0 scenes; expected 4 speeches"):
        Asker([])


def test_exits_stay_and_other_directions_go():
    (scene,) = scenes_of(
        "# Hamlet\n\n## SCENE I\n\n**A**  \nHo! _Aside_ ha.\n\n_Exeunt B\nand C_\n\n**B**  \nNay.\n\n*Exit.*"
    )
    assert [str(speech) for speech in scene.speeches] == ["A: Ho! ha. [Exeunt B and C]", "B: Nay. [Exit]"]


@pytest.mark.network
def test_scenes_have_the_speeches_of_the_corpus_and_parts_share_no_play():
    everything = scenes()
    spoken = sum(len(scene.speeches) for scene in everything)
    blocks = [block for play in documents("shakespeare") for block in play.text.split("\n\n")]
    assert spoken == 31_352 and 0 <= len(blocks) - spoken <= 2  # what no speaker stands above is no speech
    train, validation, test = ({scene.title for scene in part} for part in parted(everything))
    assert not train & validation and not train & test and not validation & test
    assert validation == set(VALIDATION) and test == set(TEST) and len(train) == 32


# spans


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer.train("who says the words: hamlet lady macbeth to be or not 我 喜 欢 读 书 。 谁 ？" * 3)


@pytest.mark.parametrize(
    ("passage", "answer"),
    [("HAMLET: To be,\nor not", "HAMLET"), ("LADY MACBETH: words", "LADY MACBETH"), ("书。我喜欢读书。", "喜欢读书")],
)
def test_a_span_of_tokens_is_the_answer_again(tokenizer, passage, answer):
    question = Question("Who says the words?", passage, (answer,), passage.index(answer))
    for longest in (64, 16):
        reader = SpanReader(tokenizer, longest=longest)
        found = [(window, reader.span(question, window)) for window in reader.windows(question)]
        texts = {reader.text(question, window, *span) for window, span in found if span != (0, 0)}
        assert texts == {answer}
    assert (
        reader.span(Question("Who?", passage), found[0][0]) == (0, 0) and reader.text(question, found[0][0], 0, 0) == ""
    )


def test_windows_of_a_long_passage_hold_every_token_of_it(tokenizer):
    question = Question("Who says the words?", "to be or not to be " * 30)
    windows = SpanReader(tokenizer, longest=32).windows(question)
    seen = {tuple(place) for window in windows for place in window.places.tolist() if place[0] >= 0}
    assert len(windows) > 5 and max(len(window.ids) for window in windows) == 32
    assert len(seen) == len(question.passage.split())


def test_shared_words_are_marked_only_if_asked_for(tokenizer):
    question = Question("Who says words?", "HAMLET: Words, to be\nWords")
    (marked,), (plain,) = (SpanReader(tokenizer, mark=mark).windows(question) for mark in (True, False))
    assert set(plain.segments) == {0, 1, 2} and set(marked.segments) == {0, 1, 9, 10}
    assert np.array_equal(
        marked.segments[marked.segments > spans.LINES] - spans.LINES, plain.segments[marked.segments > spans.LINES]
    )


def test_the_best_span_is_the_one_that_trying_all_finds():
    rng = np.random.default_rng(0)
    for _ in range(50):
        first, last, allowed = rng.normal(size=9), rng.normal(size=9), rng.random(9) < 0.7
        tried = {
            first[i] + last[j]: (i, j) for i in range(9) for j in range(i, min(9, i + 4)) if allowed[i] & allowed[j]
        }
        assert best_span(first, last, allowed, longest=4) == tried.get(max(tried, default=0), (0, 0))
        assert best_span(first, last, np.zeros(9, bool)) == (0, 0)


def test_an_answer_that_is_cut_off_is_not_in_the_window():
    places = [[-1, -1], [0, 3], [4, 6], [-1, -1]]
    assert token_span(places, 0, 6) == (1, 2) and token_span(places, 4, 9) == token_span(places, 7, 9) == (0, 0)


def test_examples_are_one_row_a_window(tokenizer):
    questions = [Question("Who?", "to be " * n, ("to",), 0) for n in (3, 40)]
    made = spans.examples(questions, SpanReader(tokenizer, longest=32), batch=2, seed=0)
    assert isinstance(made, Examples) and len(made.texts) > 3 and made.batch(0)[2].shape == (2, 2)
