"""Who says it? Questions about a few speeches of a play, made by rules: as many as there are passages to ask about."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from minilm.expect import expect

from .by_length import STRETCH
from .framing import Examples
from .passages import WORD, Candidate, Passage, calling, leaving, quotations, talkative
from .renaming import renamed
from .scenes import Scene
from .spans import Question, SpanReader, examples

VALIDATION = ("Macbeth", "Twelfth Night")  # whole plays, of which nothing is trained on
TEST = ("Hamlet", "As You Like It", "Othello", "Much Ado About Nothing")
SPEECHES, LONGEST = (4, 5, 6, 7), 120  # of a passage: how many, and how many words together at most
TWO_WORDS = 0.3  # of the other names, the part that have two
TRIES = 10_000  # passages, before it is said that none can be asked about

ASKED = {
    "says": 'Who says "{}"?',
    "answers": 'Who answers the one who says "{}"?',
    "before": 'Who speaks before the one who says "{}"?',
    "leaves": "Who leaves?",
    "calls": "Whom does {} call by name?",
    "most": "Who speaks most often?",
}
KINDS = ("says", "answers", "before", "leaves", "calls")  # that are trained on; "most" is kept for the test
PRACTISED = (*KINDS, "calls", "calls", "calls")  # to train on: the hardest kind is asked half of the time
SHIFT = {"says": 0, "answers": 1, "before": -1}  # from the speech that is quoted to the one that is asked for
TITLES = "King Queen Duke Prince Princess Lord Lady Earl Count Countess Sir Saint Bishop Cardinal Friar Mayor"
NO_NAMES = frozenset(f"{TITLES} Archbishop Both Chorus Prologue Epilogue Old Young".split())


class Asker:
    """Draws passages of 4 to 7 speeches, of 120 words at most, and asks about them.

    Parameters
    ----------
    scenes : sequence of Scene
    kinds : names of ASKED
        One that is named several times is asked more often.
    unanswerable : float
        The part of the questions that the passage does not answer: a quotation from elsewhere, what comes after the
        last speech or before the first, a passage that nobody leaves, someone who calls nobody by name.
    other_names : float
        The part of a play's names that become one or two other words of the scenes, in each question anew. To train on:
        a model that sees the same people again and again learns their names, and is lost in a play that is new to it.

    Raises
    ------
    ValueError
        If a kind is not one of ASKED, `unanswerable` or `other_names` is no part, or the scenes have no passage that
        is short enough.

    Examples
    --------
    >>> from minilm.data.scenes import Speech
    >>> speeches = (Speech("BERNARDO", "Who's there?"), Speech("FRANCISCO", "Nay, answer me. [Exit]"))
    >>> asker = Asker([Scene("Hamlet", speeches * 2)])
    >>> asker.ask(np.random.default_rng(0), "leaves", answered=False)
    Traceback (most recent call last):
    ValueError: no passage gives a question of kind 'leaves' without an answer; give more scenes, or leave it out
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        *,
        kinds: Collection[str] = KINDS,
        unanswerable: float = 1 / 6,
        other_names: float = 0.0,
    ):
        expect("kinds", kinds, 0 < len(set(kinds)) == len(set(kinds) & set(ASKED)), f"some of {', '.join(ASKED)}")
        for name, part in {"unanswerable": unanswerable, "other_names": other_names}.items():
            expect(name, part, 0 <= part <= 1, "a part, from 0 to 1")
        self.scenes, self.kinds = list(scenes), list(kinds)
        self.unanswerable, self.other_names = unanswerable, other_names
        self.words = np.array(_words(self.scenes))
        self.casts = _casts(self.scenes)
        self.runs = [(s, *run) for s, scene in enumerate(self.scenes) for run in _short_runs(scene.speeches)]
        expect("scenes", f"{len(self.scenes)} scenes", self.runs, f"4 speeches in a row of {LONGEST} words together")

    def ask(self, rng: np.random.Generator, kind: str | None = None, answered: bool | None = None) -> Question:
        """A question: of any kind, and with an answer or without, unless that is said.

        Raises
        ------
        ValueError
            If no passage is found that can be asked about like that.
        """
        kind = kind or self.kinds[rng.integers(len(self.kinds))]
        answered = rng.random() >= self.unanswerable if answered is None else answered
        for _ in range(TRIES):
            title, passage, nearby = self._passages(rng)
            candidates = [c for c in _candidates(kind, passage, nearby, rng) if (c[1] is not None) == answered]
            if candidates:
                question = _question(kind, passage, *candidates[rng.integers(len(candidates))])._replace(title=title)
                return renamed(question, self._new_names(title, rng)) if self.other_names else question
        raise ValueError(
            f"no passage gives a question of kind {kind!r} {'with' if answered else 'without'} an answer; "
            "give more scenes, or leave it out"
        )

    def sample(self, kind: str, number: int, *, seed: int, answered: bool = True) -> list[Question]:
        """Different questions of one kind: as many as asked for, or as can be found."""
        rng, found = np.random.default_rng([seed, *kind.encode()]), {}
        for _ in range(20 * number):
            question = self.ask(rng, kind, answered)
            found.setdefault((question.question, question.passage), question)
            if len(found) == number:
                break
        return list(found.values())

    def _passages(self, rng) -> tuple[str, Passage, Passage]:
        """A play, a passage to ask about, and one nearby, most likely of the same people."""
        place = int(rng.integers(len(self.runs)))
        title = self.scenes[self.runs[place][0]].title
        return title, self._passage(place), self._passage((place + int(rng.integers(20, 200))) % len(self.runs))

    def _new_names(self, title, rng) -> dict[str, str]:
        """Some names of a play -> one or two words that stand for them."""
        cast = sorted(self.casts[title])
        new, drawn = self.words[rng.integers(len(self.words), size=(len(cast), 2))], rng.random((len(cast), 2))
        return {
            name: " ".join(words[: 1 + (second < TWO_WORDS)])
            for name, words, (first, second) in zip(cast, new, drawn, strict=True)
            if first < self.other_names
        }

    def _passage(self, place):
        s, start, stop = self.runs[place]
        return Passage(self.scenes[s].speeches[start:stop], self.casts[self.scenes[s].title])


class FreshQuestions:
    """Batches of questions that are drawn for them, for the `loss` of a BertSpans: none is likely to come twice.

    `batch(step)` depends on nothing but its arguments and `seed`. Questions are drawn for 20 batches together, and
    those of about equal length put into one.
    """

    def __init__(self, asker: Asker, reader: SpanReader, *, batch: int, seed: int):
        self.asker, self.reader, self.batch_size, self.seed = asker, reader, batch, seed
        self._drawn = (None, None)  # the round that was asked for last, and its examples
        self.tokens_per_batch = self._round(0).tokens_per_batch

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids (B, T), segments (B, T) and spans (B, 2) of any step from 0 on."""
        if step < 0:
            raise ValueError(f"step {step} is negative; the first is 0")
        number, i = divmod(step, STRETCH)
        return self._round(number).batch(i)

    def _round(self, number) -> Examples:
        if number != self._drawn[0]:
            rng = np.random.default_rng([self.seed, number])
            questions = [self.asker.ask(rng) for _ in range(STRETCH * self.batch_size)]
            self._drawn = number, examples(questions, self.reader, batch=self.batch_size, seed=self.seed)
        return self._drawn[1]


def parted(scenes: Sequence[Scene]) -> tuple[list[Scene], list[Scene], list[Scene]]:
    """The scenes of the plays to train on, of those to choose settings by, and of those to test on."""
    train, validation, test = [], [], []
    for scene in scenes:
        (test if scene.title in TEST else validation if scene.title in VALIDATION else train).append(scene)
    return train, validation, test


def _candidates(kind: str, passage: Passage, nearby: Passage, rng: np.random.Generator) -> list[Candidate]:
    if kind in SHIFT:
        return quotations(passage, nearby, SHIFT[kind], rng)
    return {"leaves": leaving, "calls": calling, "most": talkative}[kind](passage)


def _question(kind, passage, about, place) -> Question:
    text = passage.text
    answers, start = ((), -1) if place is None else ((text[slice(*place)],), place[0])
    return Question(ASKED[kind].format(about), text, answers, start, kind)


def _short_runs(speeches) -> Iterator[tuple[int, int]]:
    """From where to where there are 4 to 7 speeches of at most 120 words."""
    total = np.cumsum([0, *(len(WORD.findall(str(speech))) for speech in speeches)])
    for start in range(len(speeches)):
        for number in SPEECHES:
            if start + number < len(total) and total[start + number] - total[start] <= LONGEST:
                yield start, start + number


def _words(scenes) -> list[str]:
    """All words of three letters or more that are no names, with a capital, as names have."""
    words = {word for scene in scenes for speech in scene.speeches for word in WORD.findall(speech.text)}
    return [word.capitalize() for word in sorted(words) if word.isalpha() and word.islower() and len(word) > 2]


def _casts(scenes) -> dict[str, frozenset[str]]:
    """The names in each play, as they stand in speeches; only names of persons are in capitals beside the speeches."""
    casts: dict[str, set[str]] = {}
    for scene in scenes:
        words = (word for speech in scene.speeches for word in speech.speaker.split() if word.isupper())
        casts.setdefault(scene.title, set()).update(word.capitalize() for word in words)
    return {title: frozenset(name for name in names - NO_NAMES if len(name) > 2) for title, names in casts.items()}
