"""How well does minilm translate Chinese? Three seeds of two models, baselines, decoding, data, other texts.

    python tests/studies/translation.py [--seeds 3] [--minutes 5] [--only NAME]

Each run is written to notebooks/results/translation.json when it is done, and is not made again. With the defaults,
about 70 minutes of training. Sizes and rates were chosen on the validation pairs; all figures are of the test pairs.
"""

import argparse
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

from minilm import data, metrics
from minilm.data.cedict import cedict, first_meanings, word_by_word
from minilm.files import replacing
from minilm.models import Nearest
from minilm.tasks.translate import Pair, Translator, chinese_english, split

RESULTS = Path(__file__).parents[2] / "notebooks" / "results" / "translation.json"
STEPS_OF_A_CURVE = 1_500
PARTS = (0.1, 0.3, 1.0)  # of the training pairs, each learned from in equally many steps
SENTENCE = "我喜欢读书。"


def main() -> None:
    options = _options()
    train, held_out = split(chinese_english())
    validation, test = split(held_out, 0.02)
    for name, make in _runs(options, train, validation, test).items():
        results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        if name not in results and options.only in (None, name):
            results[name] = make()
            with replacing(RESULTS) as temporary:
                temporary.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        if name in results:
            print(f"{name:24} {results[name]['beam 5' if 'beam 5' in results[name] else 'copied']}", flush=True)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--only", metavar="NAME", help='a run, such as "transformer 0", "word by word", "longer"')
    return parser.parse_args()


def _runs(options, train, validation, test) -> dict:
    """Name -> what makes the result."""

    def trained(part=1.0, **settings):
        pairs = train[: round(part * len(train))]
        return lambda: learned(pairs, validation, test, **settings)

    runs = {"word by word": lambda: word_for_word(test), "nearest": lambda: nearest(train, test)}
    for seed in range(options.seeds):
        for kind in ("transformer", "gru"):
            runs[f"{kind} {seed}"] = trained(kind=kind, seed=seed, minutes=options.minutes)
    runs["longer"] = trained(minutes=4 * options.minutes)
    for part in PARTS:
        runs[f"{part:.0%} of the pairs"] = trained(part, steps=STEPS_OF_A_CURVE)
    return runs


def word_for_word(test) -> dict:
    meanings = first_meanings(cedict())
    return {"copied": judged([word_by_word(source, meanings).lower() for source in by_source(test)], test)}


def nearest(train, test) -> dict:
    known = Nearest([pair.source for pair in train])
    return {"copied": judged([train[known.find(source)].target.lower() for source in by_source(test)], test)}


def learned(pairs, validation, test, **settings) -> dict:
    """Train, and look at the translator from all sides."""
    translate = Translator.train(pairs, validation=validation, **settings)
    sources = list(by_source(test))
    written = {"greedy": translate.translate(sources, 1), "beam 5": translate.translate(sources)}
    log = translate.log.columns()
    measured = [i for i, loss in enumerate(log["validation_loss"]) if loss == loss]
    return {
        "settings": settings, "pairs": len(pairs), "seconds": log["seconds"][-1], "steps": log["step"][-1],
        "validation": [[log["step"][i], log["seconds"][i], round(log["validation_loss"][i], 4)] for i in measured],
        **{name: judged(texts, test) for name, texts in written.items()},
        "beam minus greedy": difference(written["beam 5"], written["greedy"], test),
        "errors": errors(written["beam 5"], test),
        "hsk": {level: translate.evaluate(part) for level, part in hsk().items()},
        "interface": translate.evaluate(interface()),
        SENTENCE: translate(SENTENCE),
        "examples": [[*row] for row in zip(sources, by_source(test).values(), written["beam 5"], strict=True)][::80],
    }  # fmt: skip


def by_source(pairs) -> dict[str, list[str]]:
    """Each sentence once, with all its translations."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        found.setdefault(pair.source, []).append(pair.target.lower())
    return found


def judged(written, test) -> dict:
    """BLEU and chrF, each with the interval that 1,000 resamplings give."""
    references = list(by_source(test).values())
    draws = _draws(len(references))
    scores = {"BLEU": (metrics.bleu_counts, _bleu), "chrF": (metrics.chrf_counts, metrics.chrf_of_counts)}
    found = {}
    for name, (count, score) in scores.items():
        counts = np.array([count(*pair) for pair in zip(written, references, strict=True)])
        low, high = metrics.interval(metrics.bootstrap(counts, score, draws))
        found[name] = [round(float(x), 2) for x in (score(counts.sum(axis=0)), low, high)]
    return found


def difference(first, second, test) -> list[float]:
    """By how much the first is better in BLEU, and the interval: both are scored on the same draws."""
    references = list(by_source(test).values())
    draws = _draws(len(references))
    sides = [
        np.array([metrics.bleu_counts(*p) for p in zip(side, references, strict=True)]) for side in (first, second)
    ]
    scores = [metrics.bootstrap(counts, _bleu, draws) for counts in sides]
    found = _bleu(sides[0].sum(axis=0)) - _bleu(sides[1].sum(axis=0))
    return [round(float(x), 2) for x in (found, *metrics.interval(scores[0] - scores[1]))]


def _draws(items):
    return metrics.resamplings(items, rng=np.random.default_rng(0))


def _bleu(counts) -> float:
    return metrics.bleu_of_counts(counts).score


def errors(written, test) -> dict[str, int]:
    """How many translations are of each kind, by the first rule that holds."""
    pairs = zip(written, by_source(test).values(), strict=True)
    return dict(Counter(kind(text, references) for text, references in pairs))


def kind(text: str, references: list[str]) -> str:
    """What is wrong with a translation, as far as a rule can tell."""
    words = metrics.tokens(text, "13a")
    right = [metrics.tokens(reference, "13a") for reference in references]
    if text in references:
        return "equal to a reference"
    if max(Counter(pairwise(words)).values(), default=0) > 1:
        return "repeats itself"
    if all(("?" in words) != ("?" in other) for other in right):
        return "question and statement"
    if all(_denies(words) != _denies(other) for other in right):
        return "negation"
    if len(words) < 0.75 * min(map(len, right)):
        return "too short"
    shared = max(len({*words} & {*other}) / len({*other}) for other in right)
    return "half of the words or more" if shared >= 0.5 else "other words"


def _denies(words) -> bool:
    return any(word in ("not", "no", "never", "nothing", "nobody") or word.endswith("n't") for word in words)


def hsk() -> dict[str, list[Pair]]:
    """The graded sentences of each level."""
    levels: dict[str, list[Pair]] = {}
    for sentence in data.records("hsk"):
        levels.setdefault(str(sentence.level), []).append(Pair(sentence.chinese, sentence.english))
    return levels


def interface() -> list[Pair]:
    """Texts of a program that have neither placeholders nor keys to press."""
    return [
        Pair(message.chinese.strip(), message.english.strip())
        for message in data.records("jupyterlab-zh")
        if message.chinese
        and not set("%{}<>_/\n") & set(message.chinese + message.english)
        and len(message.chinese) < 60
    ]


if __name__ == "__main__":
    main()
