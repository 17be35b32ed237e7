"""python tests/studies/summaries.py [--seeds 3] [--minutes 4] [--only pointer]

Summaries of docstrings: baselines, and the pointer-generator with several seeds, with and without copying and coverage,
on packages that are held out; and what a split line by line would have said. Writes notebooks/results/summaries.json
after every run; what is there already is not run again, so it can be stopped and goes on where it was.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np

from minilm.data.copying import pieces
from minilm.data.docstrings import docstrings, installed, split_docstrings, words_of
from minilm.files import replacing
from minilm.metrics import ngrams, rouge_n
from minilm.models import Nearest
from minilm.tasks.summarize import Summarizer, first_sentence, rouge

RESULTS = Path(__file__).parents[2] / "notebooks" / "results" / "summaries.json"
MODELS = {"pointer": {}, "no copying": {"copy": False}, "coverage": {"coverage": True}}
DECODING = {
    "greedy": {"num_beams": 1, "no_repeat_ngram_size": 0},
    "greedy, no trigram twice": {"num_beams": 1, "no_repeat_ngram_size": 3},
    "4 beams": {"num_beams": 4, "no_repeat_ngram_size": 0},
    "4 beams, no trigram twice": {"num_beams": 4, "no_repeat_ngram_size": 3},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--only", choices=[*MODELS, "random split"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    records = docstrings()
    train, validation, test = split_docstrings(records)
    results = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    runs = results.setdefault("runs", {})
    results["data"] = {"pairs": len(records), "train": len(train), "validation": len(validation), "test": len(test),
                       "test packages": dict(Counter(record.package for record in test)),
                       "versions": installed()}  # fmt: skip
    results["baselines"] = baselines(train, test)
    shuffled = [records[i] for i in np.random.default_rng(0).permutation(len(records))]
    by_line = shuffled[len(test) :], shuffled[: len(test)]
    results["baselines, random split"] = baselines(*by_line)
    jobs = [(name, seed, train, test, settings) for name, settings in MODELS.items() for seed in range(options.seeds)]
    jobs.append(("random split", 0, *by_line, {}))
    for name, seed, learned, held_out, settings in jobs:
        key = f"{name}, seed {seed}"
        if key not in runs and options.only in (None, name):
            runs[key] = run(learned, held_out, validation, seed, options.minutes, settings)
            runs[key]["minutes"] = options.minutes
            save(options.out, results)
            print(key, json.dumps(runs[key]["decoding"]), flush=True)
    save(options.out, results)


def baselines(train, test):
    """ROUGE of what learns nothing."""
    nearest = Nearest([pieces(record.text) for record in train], order=1)
    references = [record.summary for record in test]
    summaries = {
        "first sentence": [first_sentence(record.body) for record in test],
        "name as words": [words_of(record.name) for record in test],
        "nearest training item": [train[nearest.find(pieces(record.text))].summary for record in test],
    }
    return {name: rounded(rouge(found, references)) for name, found in summaries.items()}


def run(train, test, validation, seed, minutes, settings):
    """Train one model, and measure it on the test part, decoded in four ways."""
    summarizer = Summarizer.train(
        train, validation=validation, minutes=minutes, seed=seed, show_progress=False, **settings
    )
    log, result = summarizer.trainer.log.rows, {"decoding": {}}
    for name, way in DECODING.items():
        started = time.perf_counter()
        summaries = summarizer.summaries([record.text for record in test], **way)
        figures = rouge(summaries, [record.summary for record in test])
        figures["repeating"] = np.mean([repeats(summary) for summary in summaries])
        figures["new words"] = np.mean([uses_unknown(summarizer, summary) for summary in summaries])
        result["decoding"][name] = rounded(figures) | {"seconds": round(time.perf_counter() - started, 1)}
    result["steps"], result["seconds"] = log[-1]["step"], round(log[-1]["seconds"], 1)
    result["vocabulary"] = len(summarizer.tokenizer)
    result["curve"] = curve(log)
    result["packages"] = by_package(test, summaries)
    if seed == 0:
        result["examples"] = examples(test, summaries)
    return result


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
            chosen[name].append({"package": package, "name": test[i].name, "body": test[i].body[:200],
                                 "reference": test[i].summary, "summary": summaries[i],
                                 "ROUGE-1": round(score(i)[0], 3)})  # fmt: skip
    return chosen


def rounded(figures):
    return {name: round(100 * float(value), 2) for name, value in figures.items()}


def save(path, results):
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
