"""How well does minilm translate Chinese? Three seeds of two models, baselines, decoding, data, other texts.

    python tests/studies/translation.py [--seeds 3] [--only "transformer 0"]

Each run is written to notebooks/results/translation.json when it is done, and is not made again. Training counts in
steps, so that a curve does not depend on what else the machine does: MILLISECONDS says what a step takes on 2 quiet
cores, and STEPS is at most five minutes of them; "longer" has four times as many. Sizes and rates were chosen on the
validation pairs; all figures are of the test pairs. hsk and jupyterlab-zh are looked at by seed 0 alone, in samples.
"""

import argparse
from collections import Counter
from itertools import pairwise

import numpy as np
from results import Results

from minilm import data, metrics
from minilm.data.cedict import cedict, first_meanings, word_by_word
from minilm.models import Nearest
from minilm.tasks.translate import Pair, Translator, chinese_english, split

RESULTS = Results("translation", {})
STEPS = {"transformer": 2_800, "gru": 3_400}
MILLISECONDS = {"transformer": 101, "gru": 87}
RATES = {"transformer": 2e-3, "gru": 3e-3}
LONGER = {"steps": 4 * STEPS["transformer"], "dropout": 0.1}  # it sees every pair eight times
STEPS_OF_A_CURVE = 1_500
PARTS = (0.1, 0.3, 1.0)  # of the training pairs, each learned from in equally many steps
SAMPLE = 150  # sentences of each level of hsk, and of the interface, drawn with seed 0
SHOWN = 3  # of each kind of error, the first ones
SENTENCE = "我喜欢读书。"


def main() -> None:
    options = _options()
    train, held_out = split(chinese_english())
    validation, test = split(held_out, 0.02)
    for name, make in _runs(options.seeds, train, validation, test).items():
        if name not in RESULTS.read() and options.only in (None, name):
            result = make()
            RESULTS.write(RESULTS.read() | {name: result})
        if found := RESULTS.read().get(name):
            print(f"{name:24} {found.get('beam 5', found.get('copied'))}", flush=True)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", metavar="NAME", help='a run, such as "transformer 0", "word by word", "longer"')
    return parser.parse_args()


def _runs(seeds, train, validation, test) -> dict:
    """Name -> what makes the result."""

    def trained(kind="transformer", seed=0, part=1.0, **settings):
        pairs, settings = (
            train[: round(part * len(train))],
            {"steps": STEPS[kind], "learning_rate": RATES[kind], "dropout": 0.0} | settings,
        )
        return lambda: learned(pairs, validation, test, kind=kind, seed=seed, **settings)

    runs = {"word by word": lambda: word_for_word(test), "nearest": lambda: nearest(train, test)}
    everything = np.random.default_rng(0).permutation(np.array([*train, *validation, *test], dtype=object))
    shuffled = [Pair(*pair) for pair in everything]
    runs["nearest, split at random"] = lambda: nearest(shuffled[len(test) :], shuffled[: len(test)])
    runs |= {f"{kind} {seed}": trained(kind, seed) for seed in range(seeds) for kind in STEPS}
    runs["longer"] = trained(**LONGER)
    return runs | {f"{part:.0%} of the pairs": trained(part=part, steps=STEPS_OF_A_CURVE) for part in PARTS}


def word_for_word(test) -> dict:
    meanings = first_meanings(cedict())
    return {"copied": judged([word_by_word(source, meanings).lower() for source in by_source(test)], test)}


def nearest(train, test) -> dict:
    known = Nearest([pair.source for pair in train])
    return {"copied": judged([train[known.find(source)].target.lower() for source in by_source(test)], test)}


def learned(pairs, validation, test, **settings) -> dict:
    """Train, and look at the translator from all sides; from some only with seed 0."""
    translate = Translator.train(pairs, validation=validation, **settings)
    sources = list(by_source(test))
    written = {"greedy": translate.translate(sources, 1), "beam 5": translate.translate(sources)}
    log = translate.log.columns()
    measured = [
        (step, round(loss, 4)) for step, loss in zip(log["step"], log["validation_loss"], strict=True) if loss == loss
    ]
    result = {
        "settings": settings, "pairs": len(pairs), "seconds": round(log["seconds"][-1]),
        "milliseconds": MILLISECONDS[settings["kind"]], "validation": measured,
        **{name: judged(texts, test) for name, texts in written.items()},
        "beam minus greedy": difference(written["beam 5"], written["greedy"], test),
        "errors": errors(written["beam 5"], test),
        SENTENCE: translate(SENTENCE),
    }  # fmt: skip
    return result | (looked_at(translate, written["beam 5"], test) if settings["seed"] == 0 else {})


def looked_at(translate, written, test) -> dict:
    """What one seed is enough for: examples, attention, and texts of other kinds."""
    return {
        "examples": examples(written, test),
        "attention": [attention(translate, source) for source in (SENTENCE, *_of_length(by_source(test), 9))],
        "hsk": {level: translate.evaluate(sample(part)) for level, part in hsk().items()},
        "interface": translate.evaluate(sample(interface())),
        "interface examples": [[*pair, translate(pair.source)] for pair in sample(interface())[:SHOWN]],
    }


def by_source(pairs) -> dict[str, list[str]]:
    """Each sentence once, with all its translations."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        found.setdefault(pair.source, []).append(pair.target.lower())
    return found


def sample(pairs) -> list[Pair]:
    """SAMPLE of them, drawn without replacement."""
    drawn = np.random.default_rng(0).permutation(len(pairs))[:SAMPLE]
    return [pairs[i] for i in sorted(drawn)]


def _of_length(sources, characters) -> list[str]:
    """The first two of that length."""
    return [source for source in sources if len(source) == characters][:2]


def attention(translate, source) -> dict:
    """Where the decoder looked before each token, in the mean of the last block's heads."""
    read, text = translate.source.encode(source.lower()), translate(source)
    ids = translate.target.encode(text)
    weights = translate.model.attention_weights(read[None], np.array([[translate.start, *ids]]))
    weights = weights[-1, 0].mean(axis=0) if weights.ndim == 5 else weights[0]  # (L, B, H, T, S), or (B, T, S)
    return {
        "source": translate.source.vocabulary.symbols(read),
        "target": [*translate.target.vocabulary.symbols(ids), "(end)"],
        "weights": weights.astype(float).round(3).tolist(),
    }


def examples(written, test) -> dict[str, list]:
    """Of each kind of error the first ones: source, references, translation."""
    found: dict[str, list] = {}
    for text, (source, references) in zip(written, by_source(test).items(), strict=True):
        found.setdefault(kind(text, references), []).append([source, references, text])
    return {name: rows[:SHOWN] for name, rows in found.items()}


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
