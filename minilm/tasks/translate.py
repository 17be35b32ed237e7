"""Translation of sentences: an encoder-decoder that learns from pairs, in any two languages.

Every word and every Chinese character is a token, in lower case; so are the references that it is measured by.
"""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from minilm import data, generate, metrics, models, training
from minilm.data.cedict import cedict, simpler
from minilm.expect import expect

from . import folder as folders
from . import rows

ABOUT = "translate sentences"
CORPUS = "tatoeba"
FORMAT = rows.format_of(("source", "target"), f"{CORPUS}, from Chinese to English")
VOCABULARY = 8_000  # symbols on either side, at most
CONTEXT = 128  # tokens of a sentence and its end, at most
AT_ONCE = 64  # sentences that are translated together
UNKNOWN = 0  # the id of � in a tokenizer

KINDS: dict[str, tuple[type[models.ConditionalModel], dict[str, Any]]] = {
    "transformer": (models.EncoderDecoder, {"width": 160, "dropout": 0.1, "scaled": True, "context": CONTEXT}),
    "gru": (models.Seq2Seq, {"embedding": 128, "width": 256, "layers": 2, "attention": "dot", "dropout": 0.1}),
}


class Pair(NamedTuple):
    """A sentence and its translation."""

    source: str
    target: str


def read(path: str | Path, skip_bad: bool = False) -> list[Pair]:
    """The pairs of a file, or of the corpus `tatoeba`: see `FORMAT`.

    Raises
    ------
    OSError, ValueError
        As `rows.tsv`: wrong rows are told by their line numbers, or passed over if `skip_bad`.
    """
    if str(path) == CORPUS:
        return chinese_english()
    return [Pair(*row) for row in rows.tsv(path, Pair._fields, skip_bad=skip_bad)]


def chinese_english(longest: int = 10) -> list[Pair]:
    """Tatoeba's pairs of at most so many English words, each once, in simplified characters."""
    table = simpler(cedict())
    pairs = (Pair(pair.chinese.translate(table), pair.english) for pair in data.records(CORPUS))
    return list(dict.fromkeys(pair for pair in pairs if len(pair.target.split()) <= longest))


def split(pairs: Sequence[Pair], held_out: float | None = None) -> tuple[list[Pair], list[Pair]]:
    """Pairs to learn from, and pairs to measure on that share no sentence with them: `data.split_pairs`.

    Held out are, if not said otherwise, 3 % of ten thousand pairs or more, and a tenth of fewer.
    """
    return data.split_pairs(pairs, held_out or (0.03 if len(pairs) >= 10_000 else 0.1), sides=Pair._fields)


class Translator:
    """A model, and the tokenizers of the two languages.

    >>> pairs = [Pair("我读书。", "I read."), Pair("你读书。", "You read.")] * 2
    >>> translate = Translator.train(pairs, steps=60, width=32, batch=4, show_progress=False)
    >>> translate("你读书。")
    'you read.'
    """

    def __init__(self, model: models.ConditionalModel, source: data.Tokenizer, target: data.Tokenizer, kind: str):
        self.model, self.source, self.target, self.kind = model, source, target, kind
        self.start, self.end = len(target), len(target) + 1
        self.log = training.Log()

    @classmethod
    def train(
        cls,
        pairs: Sequence[Pair],
        *,
        minutes: float | None = None,
        steps: int | None = None,
        seed: int = 0,
        folder: str | Path | None = None,
        validation: Sequence[Pair] | None = None,
        show_progress: bool = True,
        kind: str = "transformer",
        vocabulary: int = VOCABULARY,
        batch: int = 32,
        learning_rate: float = 2e-3,
        **settings: Any,
    ) -> Self:
        """Learn from pairs.

        Left out are those whose translation has a word beyond the vocabulary (a translator that is shown � learns to
        say it), and those of 128 tokens or more.

        Parameters
        ----------
        pairs, validation
            To learn from; and others, whose loss the log then has.
        minutes, steps, seed, folder, show_progress
            As for `training.Trainer`.
        kind : {"transformer", "gru"}
            `models.EncoderDecoder`, or `models.Seq2Seq` with attention.
        vocabulary
            How many symbols either side has at most, the most frequent.
        batch, learning_rate
            B, and the rate after the warm-up, from which it falls along half a cosine.
        settings
            Of the model, such as `width` and `layers`.

        Raises
        ------
        ValueError
            If there is no such kind, or nothing to learn from.
        """
        expect("kind", repr(kind), kind in KINDS, f"one of {', '.join(KINDS)}")
        expect("pairs", "empty", len(pairs) > 0, "at least one pair to learn from")
        sides = zip(*pairs, strict=True)
        source, target = (data.WordTokenizer.train("\n".join(side).lower(), vocabulary) for side in sides)
        translator = cls(_model(kind, source, target, settings, seed), source, target, kind)
        trainer = training.Trainer(
            translator.model,
            training.AdamW(translator.model.parameters(), learning_rate, betas=(0.9, 0.98)),
            translator.batches(pairs, batch, seed),
            steps=steps,
            minutes=minutes,
            validation=translator.batches(validation, batch, seed) if validation else None,
            schedule=training.schedules.warmup_cosine(final=0.02),
            folder=folder,
            seed=seed,
            show_progress=show_progress,
        )
        translator.log = trainer.fit()
        return translator

    def batches(self, pairs: Sequence[Pair], batch: int = 64, seed: int = 0) -> data.Pairs:
        """The pairs as the model learns from them.

        Raises
        ------
        ValueError
            If there is none that it can learn from.
        """
        encoded = [(self._encode(pair.source), self.target.encode(pair.target.lower())) for pair in pairs]
        fit = [(x, y) for x, y in encoded if UNKNOWN not in y and max(len(x), len(y) + 1) < CONTEXT]
        expect("pairs", f"{len(pairs)}, none of them of known words", bool(fit), "one; choose a larger vocabulary")
        return data.Pairs(
            *zip(*fit, strict=True), pad=self.model.pad, start=self.start, end=self.end,
            batch=min(batch, len(fit)), seed=seed,
        )  # fmt: skip

    def __call__(self, text: str, num_beams: int = 5) -> str:
        """The translation of one sentence.

        Raises
        ------
        ValueError
            As `translate`.
        """
        return self.translate([text], num_beams)[0]

    def translate(self, texts: Sequence[str], num_beams: int = 5) -> list[str]:
        """The translations of sentences, by beam search, or greedily with one beam.

        Raises
        ------
        ValueError
            If a sentence is empty, or has 128 tokens or more.
        """
        sources = [self._encode(text) for text in texts]
        for text, source in zip(texts, sources, strict=True):
            told = f"{text[:40]!r}, {len(source)} tokens"
            expect("text", told, _fits(source), f"1 to {CONTEXT - 1}: a sentence at a time")
        order, found = np.argsort([len(source) for source in sources], kind="stable"), [""] * len(texts)
        for i in range(0, len(order), AT_ONCE):
            rows = order[i : i + AT_ONCE]
            for row, ids in zip(rows, self._search([sources[row] for row in rows], num_beams), strict=True):
                found[row] = self.target.decode([id for id in ids if id < self.start])
        return found

    def evaluate(self, pairs: Sequence[Pair], num_beams: int = 5) -> dict[str, float]:
        """BLEU and chrF of lower-case text; a sentence with several translations has them all as references.

        BLEU's tokens are those of "13a", or of "zh" if the translations are Chinese: see `metrics.tokens`.

        A sentence that is too long counts as one of which nothing was translated.
        """
        references: dict[str, list[str]] = {}
        for pair in pairs:
            references.setdefault(pair.source, []).append(pair.target.lower())
        fit = [source for source in references if _fits(self._encode(source))]
        found = dict(zip(fit, self.translate(fit, num_beams), strict=True))
        written, right = [found.get(source, "") for source in references], list(references.values())
        tokenize = "zh" if metrics.is_chinese(" ".join(pair.target for pair in pairs)) else "13a"
        return {"BLEU": metrics.bleu(written, right, tokenize).score, "chrF": metrics.chrf(written, right)}

    def save(self, folder: str | Path) -> None:
        """Write what `load` needs."""
        config = {"kind": self.kind, "settings": self.model.settings}
        folders.save(folder, "translate", config, self.model, source=self.source, target=self.target)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The translator that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            As `folder.load`.
        """
        saved = folders.load(folder, "translate")
        model = saved.model(KINDS[saved.config["kind"]][0])
        return cls(model, saved.tokenizers["source"], saved.tokenizers["target"], saved.config["kind"])

    def _encode(self, text) -> np.ndarray:
        return self.source.encode(text.lower())

    def _search(self, sources, num_beams) -> list[np.ndarray]:
        """The best ids for each of some sources."""
        given = self.model.given(data.pad(sources, self.model.pad)[0])
        prompts, longest = np.full((len(sources), 1), self.start), min(2 * max(map(len, sources)) + 10, CONTEXT - 1)
        if num_beams == 1:
            return generate.greedy(given, prompts, longest, eos_token_id=self.end)
        found = generate.beam_search(given, prompts, longest, num_beams=num_beams, eos_token_id=self.end)
        return [best.ids for best, *_ in found]


Task = Translator


def told(translator: Translator, options: Namespace) -> str:
    """What the command line prints of a sentence."""
    return translator(options.text)


def _fits(source) -> bool:
    """Whether there is room for a sentence and its end."""
    return 0 < len(source) < CONTEXT


def _model(kind, source, target, settings, seed) -> models.ConditionalModel:
    """Untrained, with `pad` as one more symbol of the source, and start and end as two of the text."""
    build, defaults = KINDS[kind]
    rng = np.random.default_rng(seed)
    return build(len(source) + 1, len(target) + 2, pad=len(source), **defaults | settings, rng=rng)
