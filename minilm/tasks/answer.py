"""Answer questions about a passage by a span of it: `python -m minilm answer RUN "Who says it?" --passage FILE`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from minilm import autograd, data, metrics
from minilm.data.framing import padded
from minilm.data.questions import ASKED, PRACTISED, Asker, FreshQuestions, parted
from minilm.data.scenes import Scene, scenes
from minilm.data.spans import SEGMENTS, Question, SpanReader, Window, best_span, examples
from minilm.data.texts import read_text
from minilm.expect import expect
from minilm.models import Bert, BertSpans, RecurrentSpans
from minilm.training import AdamW, Trainer, schedules

from . import folder as folders
from . import rows, squad

ABOUT = "answer questions about a text by a span of it"
FORMAT = "FILE is JSON in the format of SQuAD 1.1 or 2.0, in UTF-8. Or it is the name of a corpus: shakespeare."
OPTIONS = {"--passage": {"type": Path, "metavar": "FILE", "help": "the text that the question is about"}}
DRAWN = 40_000  # questions about the plays, for the command line
SIZE = 8000  # pieces of words
BATCH, RATE = 16, 3e-3
OTHER_NAMES = 0.8  # of the people in the plays that are trained on: see Asker

KINDS = {
    "recurrent": lambda *, rng, **settings: RecurrentSpans(**settings, rng=rng),
    "bert": lambda *, rng, **settings: BertSpans(Bert(**settings, rng=rng), rng=rng),
}


class Answerer:
    """A model that points to answers, and the SpanReader that puts questions and passages before it.

    Attributes
    ----------
    model : RecurrentSpans or BertSpans
    reader : SpanReader
    log : Log of its training, or None
    """

    def __init__(self, model: RecurrentSpans | BertSpans, reader: SpanReader):
        self.model, self.reader, self.log = model, reader, None

    @classmethod
    def train(
        cls,
        examples: Sequence[Question] | Asker,
        *,
        minutes: float | None = None,
        steps: int | None = None,
        seed: int = 0,
        folder: str | Path | None = None,
        show_progress: bool = True,
        mark: bool = True,
        tokenizer: data.WordPieceTokenizer | None = None,
        kind: str = "recurrent",
        longest: int = 256,
        batch: int = BATCH,
        learning_rate: float = RATE,
        **settings: Any,
    ) -> Self:
        """Learn from questions, or from an Asker, which makes new ones for each batch.

        Parameters
        ----------
        mark : bool
            Tell the model which words of a passage the question has too.
        tokenizer : WordPieceTokenizer, optional
            Trained on the passages and questions if not given.
        minutes, steps, seed, folder, show_progress
            As of `Trainer`.
        kind : {"recurrent", "bert"}
            `models.RecurrentSpans`, or `models.BertSpans` of a Bert that nothing was learned by before.
        longest, settings
            Tokens of a window; and what the model takes, such as `width` and `layers`.

        Raises
        ------
        ValueError
            If there is no such kind or no question, neither minutes nor steps are given, or a size is wrong.
        """
        expect("kind", repr(kind), kind in KINDS, f"one of {', '.join(KINDS)}")
        there = isinstance(examples, Asker) or len(examples) > 0
        expect("examples", "empty", there, "at least one question to learn from")
        tokenizer = tokenizer or cls.tokenizer(examples)
        reader = SpanReader(tokenizer, longest=longest, mark=mark)
        sizes = {"vocabulary": len(tokenizer), "pad": reader.special.pad, "segments": SEGMENTS, **settings}
        if kind == "bert":
            sizes |= {"context": longest}
        answerer = cls(KINDS[kind](**sizes, rng=np.random.default_rng(seed)), reader)
        optimizer = AdamW(answerer.model.parameters(), learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        trainer = Trainer(answerer.model, optimizer, _batches(examples, reader, batch, seed), steps=steps,
                          minutes=minutes, schedule=schedules.warmup_cosine(final=0.02), folder=folder, seed=seed,
                          show_progress=show_progress)  # fmt: skip
        answerer.log = trainer.fit()
        return answerer

    @staticmethod
    def tokenizer(examples: Sequence[Question] | Asker, size: int = SIZE) -> data.WordPieceTokenizer:
        """One that is trained on the passages and the questions; it keeps capitals, by which names are known."""
        return data.WordPieceTokenizer.train(_text(examples), size, lowercase=False)

    def __call__(self, question: str, passage: str) -> str:
        """The answer: a part of the passage, or nothing if the model finds none there."""
        return self.answers([Question(question, passage)])[0]

    def answers(self, questions: Sequence[Question], batch: int = 64) -> list[str]:
        """An answer to each question.

        Of the spans that lie within a passage that with the highest P(first) P(last) is the answer, unless [CLS], "no
        answer", has more in each window.

        Raises
        ------
        ValueError
            If a question is empty.
        """
        for question in questions:
            expect("question", repr(question.question), question.question.strip() != "", "something to answer")
        windows = [(i, window) for i, question in enumerate(questions) for window in self.reader.windows(question)]
        best = [(-np.inf, "")] * len(questions)
        for (i, window), probabilities in zip(windows, self._log_probs([w for _, w in windows], batch), strict=True):
            best[i] = max(best[i], self._best(questions[i], window, *probabilities))
        return [answer for _, answer in best]

    def pointers(self, question: Question) -> tuple[list[str], np.ndarray]:
        """The first window's tokens (T,), and P(answer begins there) and P(ends there), (2, T), for pictures."""
        window = self.reader.windows(question)[0]
        symbols = self.reader.tokenizer.vocabulary.symbols(window.ids)
        return symbols, np.exp(next(self._log_probs([window], 1)))

    def evaluate(self, examples: Sequence[Question]) -> dict[str, float]:
        """Exact match and F1, 0 to 1, means over the questions: as SQuAD counts them, of Chinese passages as CMRC."""
        judged = [
            (answer, question.answers or ("",), "zh" if metrics.is_chinese(question.passage) else "en")
            for answer, question in zip(self.answers(examples), examples, strict=True)
        ]
        return {name: float(np.mean([measure(*one) for one in judged]))
                for name, measure in (("exact match", metrics.exact_match), ("F1", metrics.f1))}  # fmt: skip

    def save(self, folder: str | Path) -> None:
        """Write all that `load` needs."""
        reader = {"longest": self.reader.longest, "stride": self.reader.stride, "mark": self.reader.mark}
        bert = isinstance(self.model, BertSpans)
        kind, settings = ("bert", self.model.bert.settings) if bert else ("recurrent", self.model.settings)
        config = {"kind": kind, "settings": settings, "reader": reader}
        folders.save(folder, "answer", config, self.model, tokenizer=self.reader.tokenizer)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The answerer that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If a file is missing or damaged, or the folder holds another task's model.
        """
        saved = folders.load(folder, "answer")
        model = saved.model(KINDS[saved.config["kind"]])
        return cls(model, SpanReader(saved.tokenizers["tokenizer"], **saved.config["reader"]))

    def _log_probs(self, windows: list[Window], batch) -> Iterator[np.ndarray]:
        """ln P of the first and of the last place in each window, (2, T) each, computed with those of like length."""
        order, found = np.argsort([len(window.ids) for window in windows]), {}
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            texts = [(windows[i].ids, windows[i].segments) for i in part]
            with autograd.no_grad():
                scores = autograd.log_softmax(self.model(*padded(texts, self.reader.special.pad))).data
            found |= {i: row[:, : len(windows[i].ids)] for i, row in zip(part, scores, strict=True)}
        return (found[i] for i in range(len(windows)))

    def _best(self, question, window, first, last) -> tuple[float, str]:
        """How much better than no answer the best span is, and its text; or 0 and nothing."""
        i, j = best_span(first, last, window.places[:, 0] >= 0)
        gain = float(first[i] + last[j] - first[0] - last[0])
        return (gain, self.reader.text(question, window, i, j)) if gain > 0 else (0.0, "")


Task = Answerer


def told(answerer: Answerer, options: Any) -> str:
    """What the command line prints."""
    if not options.passage:
        raise ValueError("--passage is missing; expected a text file that the question is about")
    return answerer(options.text, read_text(options.passage)) or "(the passage does not say)"


def read(path: str | Path, *, skip_bad: bool = False) -> list[Question]:
    """The questions of a file in SQuAD's format, or questions about the plays of "shakespeare".

    Raises
    ------
    OSError, ValueError
        As `squad.read`.
    """
    if str(path) == "shakespeare":
        asker, rng = practice(parted(scenes())[0]), np.random.default_rng(0)
        return [asker.ask(rng) for _ in range(DRAWN)]
    return squad.read(path, skip_bad=skip_bad)


def split(questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Questions to learn from, and a tenth to measure on: whole articles if there are ten, or else whole passages."""
    by_title = len({question.title for question in questions}) >= 10
    return rows.split(questions, lambda question: question.title if by_title else question.passage)


def _batches(questions, reader, batch, seed):
    if isinstance(questions, Asker):
        return FreshQuestions(questions, reader, batch=batch, seed=seed)
    return examples(questions, reader, batch=min(batch, len(questions)), seed=seed)


def practice(plays: Sequence[Scene]) -> Asker:
    """What asks about plays that are trained on: people are renamed, and the hardest kind comes more often."""
    return Asker(plays, kinds=PRACTISED, other_names=OTHER_NAMES)


def _text(questions) -> str:
    """What the tokenizer learns its pieces from."""
    if isinstance(questions, Asker):
        return "\n".join([*ASKED.values(), *(str(speech) for scene in questions.scenes for speech in scene.speeches)])
    return "\n".join([*dict.fromkeys(q.passage for q in questions), *(q.question for q in questions)])
