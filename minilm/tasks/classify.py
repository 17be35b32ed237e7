"""Classify: texts with labels of any number and kind; `python -m minilm classify`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from minilm import autograd, data, metrics, models
from minilm.data import Examples, WordPieceTokenizer, framed, padded
from minilm.data.framing import Framed, Special
from minilm.expect import expect, expect_count
from minilm.nn import Module
from minilm.training import AdamW, Trainer, schedules
from minilm.training.evaluation import evaluating

from . import folder as folders
from . import rows

ABOUT = "give texts one of several labels, after those of a file"
FORMAT = rows.format_of(("label", "text"), "reviews-zh or reviews-en")
LABELS = {0: "against", 1: "for"}  # of the corpora of reviews
TASK = "classify"
LEAST_STEPS = 500


class Example(NamedTuple):
    """A text and its label."""

    label: str
    text: str


class Answer(NamedTuple):
    """The likeliest label, and its probability."""

    label: str
    probability: float

    def __str__(self) -> str:
        return f"{self.label} ({self.probability:.1%})"


def read(path: str | Path, skip_bad: bool = False) -> list[Example]:
    """The examples of a file, or of a corpus of reviews.

    Raises
    ------
    OSError, ValueError
        As `rows.tsv`.
    """
    if str(path) in ("reviews-zh", "reviews-en"):
        return [Example(LABELS[review.label], review.text) for review in data.records(str(path))]
    return [Example(*row) for row in rows.tsv(path, Example._fields, skip_bad=skip_bad)]


def split(examples: Sequence[Example], held_out: float = 0.1) -> tuple[list[Example], list[Example]]:
    """Examples to learn from, and a part to measure on; equal texts stay on one side.

    All texts with a label are learned from if else none were: nobody can answer with a label that was never shown.

    Raises
    ------
    ValueError
        If nothing is left to measure on.
    """
    kept, held = rows.split(examples, lambda example: example.text, held_out)
    shown = {example.label for example in kept}
    needed = {example.text for example in held if example.label not in shown}
    kept += [example for example in held if example.text in needed]
    held = [example for example in held if example.text not in needed]
    expect("held out", f"none of {len(kept)} examples", bool(held), "at least one; give more examples of each label")
    return kept, held


class Classifier:
    """A RecurrentClassifier of texts, with its tokenizer and the names of its labels.

    Attributes
    ----------
    model : RecurrentClassifier
        Or another with `model(ids, segments)` and `model.loss(ids, segments, labels)`, which `save` does not know.
    tokenizer : WordPieceTokenizer
        Of the training texts: its pieces are Chinese characters, and words or their parts.
    labels : list of str
        Their names, in the order of the model's classes.
    longest : int
        Tokens that are read of a text; beyond, it is cut.
    """

    def __init__(self, model: Module, tokenizer: WordPieceTokenizer, labels: Sequence[str], longest: int):
        self.model, self.tokenizer, self.labels, self.longest = model.eval(), tokenizer, list(labels), longest

    @classmethod
    def train(
        cls,
        examples: Sequence[Example],
        *,
        minutes: float | None = None,
        steps: int | None = None,
        epochs: float = 3.0,
        seed: int = 0,
        folder: str | Path | None = None,
        show_progress: bool = True,
        vocabulary: int = 6000,
        batch: int = 32,
        lr: float = 3e-3,
        weight_decay: float = 0.01,
        evaluate_every: int = 100,
        patience: int | None = 8,
        longest: int = 200,
        pairs: int = 100_000,
        **sizes: object,
    ) -> Self:
        """Learn from most of the examples, and stop where the rest, a validation part, is predicted best.

        Parameters
        ----------
        examples : sequence of Example
            Of two labels or more.
        minutes, steps, seed, folder, show_progress, evaluate_every, patience
            As of `Trainer`.
        epochs : float
            If `steps` does not say when to end: after as many passes over the examples, but not before 500 updates.
            Small data are soon learned by heart, and end so before the minutes do.
        vocabulary : int
            Pieces, at most.
        longest : int
            Tokens that are read of a text; beyond, it is cut.
        pairs, sizes
            As of `RecurrentClassifier`.

        Raises
        ------
        ValueError
            If there are fewer than two labels, too few examples to hold some out, or a setting is out of range.
        """
        labels = sorted({example.label for example in examples})
        if len(labels) < 2:
            raise ValueError(f"the examples have {len(labels)} label(s), {labels}; expected two or more to tell apart")
        expect_count("longest", longest, 3)
        kept, held_out = split(examples, 0.2)  # after a first split at 0.1: the next tenth of the hashes
        tokenizer = WordPieceTokenizer.train("\n".join(example.text for example in kept), vocabulary)
        classifier = cls(_model(tokenizer, labels, seed, pairs=pairs, **sizes), tokenizer, labels, longest)
        return classifier.fit(
            kept, held_out, minutes=minutes, steps=steps or max(LEAST_STEPS, round(epochs * len(kept) / batch)),
            seed=seed, folder=folder, show_progress=show_progress, batch=batch, lr=lr, weight_decay=weight_decay,
            evaluate_every=evaluate_every, patience=patience,
        )  # fmt: skip

    def fit(
        self,
        kept: Sequence[Example],
        held_out: Sequence[Example],
        *,
        batch: int,
        lr: float,
        weight_decay: float,
        seed: int,
        **training: object,
    ) -> Self:
        """Train the model, whichever it is, on `kept`; the best on `held_out` stays. `training`: as of `Trainer`."""
        optimizer = AdamW(self.model.parameters(), lr, weight_decay=weight_decay)
        learned, measured = self._batches(kept, batch, seed), self._batches(held_out, 1, seed)
        schedule = schedules.warmup_cosine(0.05)
        trainer = Trainer(self.model, optimizer, learned, validation=measured, schedule=schedule, seed=seed, **training)
        self.log = trainer.fit()
        return self

    def __call__(self, text: str) -> Answer:
        """The likeliest label of a text.

        Raises
        ------
        ValueError
            If the text is empty.
        """
        (p,) = self.probabilities([text])
        return Answer(self.labels[p.argmax()], float(p.max()))

    def probabilities(self, texts: Sequence[str], batch: int = 64) -> np.ndarray:
        """P(label | text).   ->   (N, labels)"""
        rows_of = self._framed(texts)
        pad = Special.of(self.tokenizer).pad
        order = np.argsort([len(ids) for ids, _ in rows_of], kind="stable")  # little padding
        found = np.zeros((len(texts), len(self.labels)))
        with autograd.no_grad(), evaluating(self.model):
            for start in range(0, len(order), batch):
                chosen = order[start : start + batch]
                logits = self.model(*padded([rows_of[i] for i in chosen], pad))
                found[chosen] = autograd.softmax(logits).data
        return found

    def evaluate(self, examples: Sequence[Example]) -> dict[str, float]:
        """Accuracy, the mean F1 of the labels that an example has or is given, and the calibration error.

        Raises
        ------
        ValueError
            If an example has a label that training did not have.
        """
        p, labels = self.probabilities([example.text for example in examples]), self._numbers(examples)
        given = p.argmax(axis=1)
        f1 = metrics.f1_of_classes(given, labels, len(self.labels))
        return {
            "accuracy": metrics.accuracy(given, labels),
            "macro-F1": float(f1[np.union1d(given, labels)].mean()),
            "calibration error": metrics.calibration_error(p, labels),
        }

    def save(self, folder: str | Path) -> None:
        """Write what `load` reads."""
        config = {"settings": self.model.settings, "labels": self.labels, "longest": self.longest}
        folders.save(folder, TASK, config, self.model, tokenizer=self.tokenizer)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The classifier that `save` wrote. Errors as of `folder.load`."""
        saved = folders.load(folder, TASK)
        model = saved.model(models.RecurrentClassifier)
        return cls(model, saved.tokenizers["tokenizer"], saved.config["labels"], saved.config["longest"])

    def _batches(self, examples, batch, seed) -> Examples:
        texts = self._framed([example.text for example in examples])
        return Examples(
            texts, self._numbers(examples), pad=Special.of(self.tokenizer).pad, batch=min(batch, len(texts)), seed=seed
        )

    def _framed(self, texts) -> list[Framed]:
        special = Special.of(self.tokenizer)
        empty = [text for text in texts if not text.strip()]
        if empty:
            raise ValueError(f"text is {empty[0]!r}; expected something to classify")
        return [framed(self.tokenizer.encode(text), special=special, longest=self.longest) for text in texts]

    def _numbers(self, examples) -> np.ndarray:
        unknown = sorted({example.label for example in examples} - set(self.labels))
        if unknown:
            raise ValueError(f"label {unknown[0]!r} is not one of those learned: {', '.join(self.labels)}")
        return np.array([self.labels.index(example.label) for example in examples])


Task = Classifier


def _model(tokenizer, labels, seed, **settings) -> models.RecurrentClassifier:
    """Untrained."""
    pad, unknown = tokenizer.vocabulary.ids(["[PAD]", "[UNK]"]).tolist()
    rng = np.random.default_rng(seed)
    return models.RecurrentClassifier(len(tokenizer), len(labels), pad=pad, unknown=unknown, **settings, rng=rng)


def told(classifier: Classifier, options) -> str:
    """What the command prints."""
    room = classifier.longest - 2  # beside [CLS] and [SEP]
    rows.tell_if_cut(len(classifier.tokenizer.encode(options.text)), room, "tokens")
    return str(classifier(options.text))
