"""How well does minilm summarise docstrings? Three seeds of three models, baselines, decoding, and a split that leaks.

    python tests/studies/summaries.py [--seeds 3] [--only "pointer 0"]

Each run is written to notebooks/results/summaries.json when it is done, and is not made again. Training counts in
steps, so that a curve does not depend on what else the machine does: MILLISECONDS says what a step takes on 2 quiet
cores, and STEPS is four minutes of them. Sizes, rates and the last way of decoding were chosen on the validation
packages; all figures are of the test packages, which were drawn by a hash. "random split" learns from as many
docstrings; those with a body are drawn line by line there. "other packages" are held out in place of the test packages.
"all seeds" are the models of all seeds, which write together what they agree on.
"""

import argparse
from collections import Counter

import numpy as np
from results import Results

from minilm.data.copying import pieces
from minilm.data.docstrings import docstrings, installed, split_docstrings, words_of
from minilm.metrics import ngrams, rouge_n
from minilm.models import Nearest
from minilm.tasks.overlap import rouge
from minilm.tasks.summarize import Summarizer, first_sentence, together

RESULTS = Results("summaries", {})
STEPS = 2_000
MILLISECONDS = 114
SIZES = {"least": 10, "longest": 60}  # as good as 4 and 80 on the validation packages, and faster
MODELS = {"pointer": {}, "no copying": {"copy": False}, "coverage": {"coverage": True}}
# Of the packages with 100 to 400 bodies those that neither test nor validation have: what is held out matters so much
# for the figures that it is to be seen.
OTHERS = ("jupyter-server", "pillow", "prompt-toolkit", "pyzmq")
DECODING = {
    "greedy": {"num_beams": 1, "no_repeat_ngram_size": 0, "samples": 0},
    "greedy, no bigram twice": {"num_beams": 1, "no_repeat_ngram_size": 2, "samples": 0},
    "8 beams, no bigram twice": {"num_beams": 8, "no_repeat_ngram_size": 2, "samples": 0},
}
CONSENSUS = {"consensus of 32 beams": {"num_beams": 32, "no_repeat_ngram_size": 2, "samples": 64}}  # takes minutes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", metavar="NAME", help='a run, such as "pointer 0", "baselines", "random split 0"')
    options = parser.parse_args()
    for name, make in runs(options.seeds).items():
        if name not in RESULTS.read() and options.only in (None, name):
            result = make()
            RESULTS.write(RESULTS.read() | {name: result})
        if found := RESULTS.read().get(name):
            print(f"{name:16} {found.get('decoding', found)}", flush=True)


def runs(seeds) -> dict:
    """Name -> what makes the result."""
    records = docstrings()
    train, validation, test = split_docstrings(records)
    bodies, lines = ([record for record in train if bool(record.body) == has] for has in (True, False))
    described = [record for record in records if record.body]
    shuffled = [described[i] for i in np.random.default_rng(0).permutation(len(described))]
    by_line = shuffled[len(test) : len(test) + len(bodies)] + lines, None, shuffled[: len(test)]

    others, _, held_out = split_docstrings(records, test=OTHERS)

    def trained(parts, seed, decoding, **settings):
        return lambda: run(*parts, seed, decoding, settings)

    found = {
        "data": lambda: counted(records, train, validation, test),
        "baselines": lambda: baselines(train, test),
        "baselines, random split": lambda: baselines(by_line[0], by_line[2]),
        "baselines, other packages": lambda: baselines(others, held_out),
    }
    for seed in range(seeds):
        for name, settings in MODELS.items():
            ways = DECODING if settings else DECODING | CONSENSUS
            found[f"{name} {seed}"] = trained((train, validation, test), seed, ways, **settings)
        found[f"other packages {seed}"] = trained((others, validation, held_out), seed, DECODING | CONSENSUS)
    found["random split 0"] = trained(by_line, 0, DECODING)
    found["pointer, all seeds"] = lambda: agreed(train, test, seeds)
    found["other packages, all seeds"] = lambda: agreed(others, held_out, seeds)
    return found


def counted(records, train, validation, test) -> dict:
    bodies = sum(bool(record.body) for record in records)
    return {
        "pairs": bodies, "lines alone": len(records) - bodies, "train": len(train),
        "validation": len(validation), "test": len(test),
        "test packages": dict(Counter(record.package for record in test)),
        "validation packages": dict(Counter(record.package for record in validation)), "versions": installed(),
    }  # fmt: skip


def baselines(train, test) -> dict:
    """What learns nothing: ROUGE, and ROUGE of each package."""
    nearest = Nearest([pieces(record.text) for record in train], order=1)
    summaries = {
        "first sentence": [first_sentence(record.body) for record in test],
        "name as words": [words_of(record.name) for record in test],
        "qualified name": [words_of(record.qualified_name) for record in test],
        "nearest training item": [train[nearest.find(pieces(record.text))].summary for record in test],
    }
    return {name: judged(found, test) | {"packages": by_package(test, found)} for name, found in summaries.items()}


def judged(summaries, test) -> dict:
    return rounded(rouge(summaries, [record.summary for record in test]))


def run(train, validation, test, seed, ways, settings) -> dict:
    """Train one model, and measure it on the test part."""
    summarizer = learned(train, seed, validation=validation, **settings)
    log = summarizer.log.rows
    return {
        "settings": SIZES | settings, "steps": STEPS, "milliseconds": MILLISECONDS,
        "seconds": round(log[-1]["seconds"]), "vocabulary": len(summarizer.tokenizer), "curve": curve(log),
    } | decoded(summarizer, test, ways, shown=seed == 0)  # fmt: skip


def learned(train, seed, **settings) -> Summarizer:
    return Summarizer.train(train, steps=STEPS, seed=seed, show_progress=False, **SIZES, **settings)


def agreed(train, test, seeds) -> dict:
    """What the models of all seeds score together, which are trained for it anew."""
    (way,) = CONSENSUS.values()
    summaries = together([learned(train, seed) for seed in range(seeds)], [record.text for record in test], **way)
    return {"models": seeds, "scores": judged(summaries, test) | {"packages": by_package(test, summaries)}}


def decoded(summarizer, test, ways, shown) -> dict:
    """What it scores in each way of decoding, and, if it is to be shown, what it writes in the last one."""
    written, found = {}, {}
    for name, way in ways.items():
        summaries = written[name] = summarizer.summaries([record.text for record in test], **way)
        shares = {
            "repeating": np.mean([repeats(summary) for summary in summaries]),
            "new words": np.mean([uses_unknown(summarizer, summary) for summary in summaries]),
        }
        found[name] = judged(summaries, test) | rounded(shares) | {"packages": by_package(test, summaries)}
    outputs = {"examples": examples(test, summaries), "mended": mended(test, written)} if shown else {}
    return {"decoding": found} | outputs


def mended(test, written, shown=3) -> list:
    """The first summaries that repeat themselves when written greedily, and what else was written."""
    repeating = [i for i, summary in enumerate(written["greedy"]) if repeats(summary)][:shown]
    return [[test[i].qualified_name, test[i].summary, *(found[i] for found in written.values())] for i in repeating]


def repeats(summary):
    """Whether it has the same three words twice."""
    return any(count > 1 for count in ngrams(pieces(summary), 3).values())


def uses_unknown(summarizer, summary):
    """Whether it has a word that the vocabulary lacks: one that can only be copied."""
    return any(word not in summarizer.tokenizer.vocabulary for word in pieces(summary))


def curve(log, points=40):
    """The training loss, averaged over stretches, and the validation loss where it was measured."""
    stretches = [part for part in np.array_split(np.arange(len(log)), points) if len(part)]
    train = [[int(part[-1]) + 1, round(float(np.mean([log[i]["train_loss"] for i in part])), 3)] for part in stretches]
    measured = [(row["step"], row.get("validation_loss", np.nan)) for row in log]
    return {"train": train, "validation": [[step, round(loss, 3)] for step, loss in measured if np.isfinite(loss)]}


def by_package(test, summaries):
    """ROUGE of each package."""
    figures = {}
    for package in sorted({record.package for record in test}):
        rows = [i for i, record in enumerate(test) if record.package == package]
        figures[package] = rounded(rouge([summaries[i] for i in rows], [test[i].summary for i in rows]))
    return figures


def examples(test, summaries):
    """The best and the worst summary of each package by ROUGE-1; of equals the one with the longest reference."""

    def score(i):
        return rouge_n(summaries[i], test[i].summary).f1, len(pieces(test[i].summary))

    chosen = {"best": [], "worst": []}
    for package in sorted({record.package for record in test}):
        rows = [i for i, record in enumerate(test) if record.package == package]
        best, worst = max(rows, key=score), min(rows, key=lambda i: (score(i)[0], -score(i)[1]))
        for name, i in (("best", best), ("worst", worst)):
            chosen[name].append({"package": package, "name": test[i].qualified_name, "body": test[i].body[:200],
                                 "reference": test[i].summary, "summary": summaries[i],
                                 "ROUGE-1": round(score(i)[0], 3)})  # fmt: skip
    return chosen


def rounded(figures):
    return {name: round(100 * float(value), 2) for name, value in figures.items()}


if __name__ == "__main__":
    main()
