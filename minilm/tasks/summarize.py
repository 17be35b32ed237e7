"""Summaries: a text in, a short one out, by a pointer-generator that may copy words it has never seen."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np
from tqdm import tqdm

from minilm.data import Pairs
from minilm.data.copying import CopyTokenizer, pieces
from minilm.data.docstrings import Docstring, docstrings, split_docstrings
from minilm.data.vocabulary import Vocabulary
from minilm.expect import expect, expect_count
from minilm.generate import beam_search, consensus, sample
from minilm.models import PointerGenerator
from minilm.training import AdamW, Log, Trainer, schedules

from . import folder as folders
from . import rows
from .overlap import in_common, rouge

ABOUT = "summarise texts"
FORMAT = rows.format_of(("text", "summary"), "docstrings")
BATCH, LEARNING_RATE = 32, 3e-3
MEASURED = 200  # texts, at most, after training: a summary by consensus takes a third of a second


class Example(NamedTuple):
    """A text and what it says in short."""

    text: str
    summary: str


class HasSummary(Protocol):
    """An `Example`, or a `Docstring`."""

    @property
    def text(self) -> str: ...

    @property
    def summary(self) -> str: ...


def read(path: str | Path, skip_bad: bool = False) -> list[HasSummary]:
    """The rows text, summary of a file; or, by the name `docstrings`, those of the installed packages.

    Raises
    ------
    OSError, ValueError
        As `rows.tsv`.
    """
    if str(path) == "docstrings":
        return docstrings()
    return [Example(*row) for row in rows.tsv(path, ("text", "summary"), skip_bad=skip_bad)]


def split(examples: Sequence[HasSummary]) -> tuple[list[HasSummary], list[HasSummary]]:
    """To learn from, and to measure on: of docstrings whole packages, of others a tenth of the texts."""
    if all(isinstance(example, Docstring) for example in examples):
        train, _, test = split_docstrings(examples)
        return train, test
    return rows.split(examples, lambda example: example.text)


def told(summarizer: "Summarizer", options) -> str:
    """What the command prints."""
    rows.tell_if_cut(len(pieces(options.text)), summarizer.longest, "words")
    return summarizer(options.text)


class Summarizer:
    """Writes summaries; made by `train` or `load`.

    >>> examples = [Example("sum rows: adds up each row of it", "Sum rows."), Example("open: opens it", "Open it.")]
    >>> summarizer = Summarizer.train(examples, steps=1, embedding=8, width=8, show_progress=False)
    >>> isinstance(summarizer("close file: closes it"), str)
    True
    """

    def __init__(self, model: PointerGenerator, tokenizer: CopyTokenizer, *, longest: int = 80, words: int = 24):
        self.model, self.tokenizer, self.longest, self.words = model, tokenizer, longest, words
        self.log = Log()

    @classmethod
    def train(
        cls,
        examples: Sequence[HasSummary],
        *,
        minutes: float | None = None,
        steps: int | None = None,
        seed: int = 0,
        folder: str | Path | None = None,
        show_progress: bool = True,
        validation: Sequence[HasSummary] | None = None,
        least: int | None = None,
        longest: int = 80,
        words: int = 24,
        dropout: float = 0.3,
        **sizes,
    ) -> Self:
        """Learn from texts and their summaries.

        Parameters
        ----------
        minutes, steps, seed, folder, show_progress, validation
            See `training.Trainer`.
        least : int, optional
            How often a word must occur to be in the vocabulary: 4 if there are 1,000 examples, else 1.
        longest, words : int
            Words of a text that are read, and of a summary that are learned and written.
        dropout, sizes
            Of `PointerGenerator`.

        Raises
        ------
        ValueError
            If there are no examples, one has no word to read, neither minutes nor steps are given, or a size is wrong.
        """
        expect("examples", "empty", len(examples) > 0, "at least one text with its summary")
        expect_count("longest", longest)
        expect_count("words", words)
        least = least or (4 if len(examples) >= 1000 else 1)
        tokenizer = CopyTokenizer.learn((text for e in examples for text in (e.text, e.summary)), least=least)
        model = PointerGenerator(
            len(tokenizer), room=tokenizer.room, pad=tokenizer.pad, dropout=dropout,
            rng=np.random.default_rng(seed), **sizes,
        )  # fmt: skip
        summarizer = cls(model, tokenizer, longest=longest, words=words)
        trainer = Trainer(
            model, AdamW(model.parameters(), LEARNING_RATE, weight_decay=0.01), summarizer.pairs(examples, seed),
            minutes=minutes, steps=steps, seed=seed, folder=folder, show_progress=show_progress,
            validation=summarizer.pairs(validation, seed) if validation else None,
            schedule=schedules.warmup_cosine(final=0.02),
        )  # fmt: skip
        summarizer.log = trainer.fit()
        return summarizer

    def pairs(self, examples: Sequence[HasSummary], seed: int) -> Pairs:
        """What the model learns from: ids, those of unknown words too."""
        sources, lacking = zip(*self._read([example.text for example in examples]), strict=True)
        targets = [
            self.tokenizer.encode(example.summary, words)[: self.words]
            for example, words in zip(examples, lacking, strict=True)
        ]
        special = {"pad": self.tokenizer.pad, "start": self.tokenizer.start, "end": self.tokenizer.end}
        return Pairs(sources, targets, **special, batch=min(BATCH, len(examples)), seed=seed)

    def __call__(self, text: str) -> str:
        """The summary of a text."""
        return self.summaries([text])[0]

    def summaries(self, texts: Sequence[str], **decoding) -> list[str]:
        """The summaries of texts, in their order; parameters and errors are those of `together`."""
        return together([self], texts, **decoding)

    def _beams(self, source, lacking, num_beams, no_repeat_ngram_size):
        """The texts that beam search finds, best first."""
        found = beam_search(
            self.model.given(source), [self.tokenizer.start], self.words + 1, num_beams=num_beams,
            num_return_sequences=num_beams, no_repeat_ngram_size=no_repeat_ngram_size, eos_token_id=self.tokenizer.end,
        )  # fmt: skip
        return [self.tokenizer.decode(hypothesis.ids, lacking) for hypothesis in found]

    def _samples(self, source, lacking, n):
        """What the model writes at random, n times."""
        if not n:
            return []
        drawn = sample(
            self.model.given(np.tile(source, (n, 1))), np.full((n, 1), self.tokenizer.start), self.words + 1,
            eos_token_id=self.tokenizer.end, rng=np.random.default_rng(0),
        )  # fmt: skip
        return [self.tokenizer.decode(ids, lacking) for ids in drawn]

    def evaluate(self, examples: Sequence[HasSummary]) -> dict[str, float]:
        """ROUGE-1, -2 and -L of its summaries, F1 from 0 to 1."""
        return rouge(self.summaries([e.text for e in examples]), [e.summary for e in examples])

    def save(self, folder: str | Path) -> None:
        """Write it to a folder; `load` reads it."""
        config = {
            "settings": self.model.settings, "vocabulary": self.tokenizer.vocabulary.to_json(),
            "longest": self.longest, "words": self.words,
        }  # fmt: skip
        folders.save(folder, "summarize", config, self.model)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The summarizer that `save` wrote."""
        saved = folders.load(folder, "summarize")
        model = saved.model(PointerGenerator)
        tokenizer = CopyTokenizer(Vocabulary.from_json(saved.config["vocabulary"]), model.settings["room"])
        return cls(model, tokenizer, longest=saved.config["longest"], words=saved.config["words"])

    def _read(self, texts):
        """Of each text the ids of its first words, and what words of it the vocabulary lacks."""
        begun = [" ".join(pieces(text)[: self.longest]) for text in texts]
        empty = [i for i, text in enumerate(begun) if not text]
        if empty:
            raise ValueError(f"text {empty[0]} is {texts[empty[0]]!r}; expected at least one word to summarise")
        return [(self.tokenizer.encode(text), self.tokenizer.lacking(text)) for text in begun]


Task = Summarizer


def together(
    summarizers: Sequence[Summarizer],
    texts: Sequence[str],
    *,
    num_beams: int = 32,
    no_repeat_ngram_size: int = 2,
    samples: int = 64,
) -> list[str]:
    """The summaries on which one or several summarizers, such as those of several seeds, agree; in the texts' order.

    Of the beams of all that one which has most in common (ROUGE-1 and -L) with what each of them writes at random, see
    `generate.consensus`; without samples the best beam of the first. The random numbers are the same for each text, so
    that a summary depends on nothing but its text.

    Raises
    ------
    ValueError
        If there is no summarizer, a text has no word, or a number is out of its range.
    """
    expect("summarizers", "empty", len(summarizers) > 0, "at least one")
    expect_count("samples", samples, 0)
    written, encoded = [], [summarizer._read(texts) for summarizer in summarizers]
    for i in tqdm(range(len(texts)), "summaries", delay=1, leave=False, disable=None):
        beams, drawn = [], []
        for summarizer, read in zip(summarizers, encoded, strict=True):
            beams += summarizer._beams(*read[i], num_beams, no_repeat_ngram_size)
            drawn += summarizer._samples(*read[i], samples)
        written.append(consensus(beams, drawn or beams[:1], in_common))  # a text agrees best with itself
    return written


def first_sentence(body: str) -> str:
    """A baseline: what stands before the first full stop.

    >>> first_sentence("It sums. Then it ends.")
    'It sums.'
    """
    return re.split(r"(?<=[.!?])\s|(?<=[。！？])", body, maxsplit=1)[0]
