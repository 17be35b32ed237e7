"""python tests/studies/sentiment.py [--seeds 5] [--minutes 2] [--only lstm]: which way does a review lean?

Trains an LSTM, and a BERT with and without masked-LM pre-training on the training reviews (no label is used for it),
beside the baselines, and writes notebooks/results/sentiment.json after each run; runs that are there are kept. All is
chosen on the validation part, and measured on the test part, both held out by the hashes of their texts.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np

from minilm import data, metrics, models
from minilm.data import MaskedTexts, Masking, Special, WordPieceTokenizer, sharing_beginning
from minilm.files import replacing
from minilm.tasks import classify
from minilm.tasks.classify import Classifier
from minilm.training import AdamW, Trainer, schedules

RESULTS = Path(__file__).parents[2] / "notebooks" / "results" / "sentiment.json"
CORPORA = {"reviews-zh": (data.characters, 3), "reviews-en": (data.words, 2)}
LABELS = ["against", "for"]
NEAR = 12  # characters that a near copy shares with a training text
DECAYS, SMOOTHINGS = (3e-5, 1e-5, 3e-6), (0.1, 0.3, 1.0)
POOLS = {"reviews-zh": "max", "reviews-en": "mean"}
ARTICLE = "今天天气真好，我很开心。"
DOMAINS = {
    "books": "书",
    "hotels": "酒店",
    "computers": "电脑 笔记本 键盘 屏幕",
}
SHOWN = 5  # of the surest mistakes


def main() -> None:
    options = parsed()
    content = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"baselines": {}, "runs": []}
    for corpus in CORPORA:
        parts = parted(corpus)
        if corpus not in content["baselines"]:
            content["baselines"][corpus] = baselines(corpus, *parts)
            write(content)
        for model in options.only:
            for seed in range(options.seeds):
                wanted = {"corpus": corpus, "model": model, "seed": seed, "minutes": options.minutes}
                if not any(wanted.items() <= run.items() for run in content["runs"]):
                    content["runs"].append(wanted | MODELS[model](corpus, *parts, seed, options.minutes))
                    write(content)
    print(table(content))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS))
    return parser.parse_args()


def parted(corpus):
    """Training, validation and test examples: hashes from 0.2 on, from 0.1 on, and below."""
    rest, test = classify.split(classify.read(corpus))
    return *classify.split(rest, 0.2), test


def baselines(corpus, train, validation, test) -> dict:
    """Figures of the majority, of naive Bayes and of logistic regression; what is known of the data."""
    pieces, longest = CORPORA[corpus]
    bag = data.BagOfNGrams([example.text for example in train], pieces, longest=longest, least=2)
    bags = [bag([example.text for example in part]) for part in (train, validation, test)]
    labels = [numbers(part) for part in (train, validation, test)]
    majority = np.tile(np.bincount(labels[0]) / len(labels[0]), (len(test), 1))
    near = sharing_beginning([e.text for e in test], [e.text for e in train], NEAR)
    bayes = [models.NaiveBayes(2, k=k).fit(bags[0], labels[0]) for k in SMOOTHINGS]
    there = [part.presence() for part in bags]
    logistic = [models.LogisticRegression(2, decay=decay).fit(there[0], labels[0]) for decay in DECAYS]
    return {
        "sizes": [len(train), len(validation), len(test)],
        "near copies": float(near.mean()),
        "majority": figures(majority, test, train),
        "naive Bayes": figures(np.exp(best(bayes, bags[1], labels[1]).log_probs(bags[2])), test, train),
        "logistic regression": figures(np.exp(best(logistic, there[1], labels[1]).log_probs(there[2])), test, train),
    }


def best(fitted, bags, labels):
    """The one with the most right on the validation part."""
    return max(fitted, key=lambda model: (model.log_probs(bags).argmax(axis=1) == labels).mean())


def numbers(examples) -> np.ndarray:
    return np.array([LABELS.index(example.label) for example in examples])


def figures(p, test, train) -> dict:
    """What is told of a classifier, from its probabilities p (N, 2) of the test part."""
    labels, given = numbers(test), p.argmax(axis=1)
    right = given == labels
    near = sharing_beginning([e.text for e in test], [e.text for e in train], NEAR)
    holds = {name: np.array([any(w in e.text for w in of.split()) for e in test]) for name, of in DOMAINS.items()}
    bins = metrics.reliability(p, labels)
    return {
        "accuracy": float(right.mean()),
        "accuracy without near copies": float(right[~near].mean()),
        "F1": metrics.f1_of_classes(given, labels, 2).round(4).tolist(),
        "calibration error": metrics.calibration_error(p, labels),
        "reliability": [part.round(4).tolist() for part in bins],
        "by word": {name: [int(m.sum()), float(right[m].mean())] for name, m in holds.items() if m.sum() > 20},
    }


def told(classifier, corpus, train, test) -> dict:
    """Figures, the sentence of the article, and the mistakes of which the model is surest."""
    p = classifier.probabilities([example.text for example in test])
    wrong = np.flatnonzero(p.argmax(axis=1) != numbers(test))
    surest = wrong[np.argsort(-p.max(axis=1)[wrong])][:SHOWN]
    columns = {name: np.array(column) for name, column in classifier.log.columns().items()}
    measured = np.isfinite(columns["validation_loss"])
    log = [columns[name][measured].round(4).tolist() for name in ("step", "validation_loss")]
    return figures(p, test, train) | {
        "article": float(classifier.probabilities([ARTICLE])[0, 1]) if corpus == "reviews-zh" else None,
        "mistakes": [[test[i].label, round(float(p[i].max()), 3), test[i].text[:200]] for i in surest],
        "validation loss": log,
    }


def lstm(corpus, train, validation, test, seed, minutes) -> dict:
    started = perf_counter()
    classifier = Classifier.train(
        [*train, *validation], minutes=minutes, seed=seed, pool=POOLS[corpus], show_progress=False
    )
    return told(classifier, corpus, train, test) | {"seconds": round(perf_counter() - started)}


def bert(corpus, train, validation, test, seed, minutes, pretrain=False) -> dict:
    """As much time in all as the LSTM; with pre-training, half of it is that."""
    started, rng = perf_counter(), np.random.default_rng(seed)
    tokenizer = WordPieceTokenizer.train("\n".join(example.text for example in train), 6000)
    encoder = models.Bert(len(tokenizer), pad=Special.of(tokenizer).pad, width=96, heads=4, context=100, rng=rng)
    if pretrain:
        masked_lm(encoder, tokenizer, train, seed, minutes / 2, rng)
    classifier = Classifier(models.BertClassifier(encoder, 2, rng=rng), tokenizer, LABELS, longest=100)
    classifier.fit(
        train, validation, batch=32, lr=5e-4, weight_decay=0.01, seed=seed, patience=6, evaluate_every=100,
        minutes=minutes / 2 if pretrain else minutes, show_progress=False,
    )  # fmt: skip
    return told(classifier, corpus, train, test) | {"seconds": round(perf_counter() - started)}


def masked_lm(encoder, tokenizer, train, seed, minutes, rng):
    texts = [tokenizer.encode(example.text) for example in train]
    batches = MaskedTexts(texts, Masking(tokenizer), context=100, batch=32, seed=seed)
    model = models.MaskedLM(encoder, rng=rng)
    optimizer, schedule = AdamW(model.parameters(), 1e-3), schedules.warmup_cosine()
    Trainer(model, optimizer, batches, minutes=minutes, schedule=schedule, seed=seed, show_progress=False).fit()


def bert_pretrained(*arguments) -> dict:
    return bert(*arguments, pretrain=True)


MODELS = {"lstm": lstm, "bert": bert, "bert, pre-trained": bert_pretrained}


def write(content) -> None:
    with replacing(RESULTS) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def table(content) -> str:
    """Accuracy, F1 and calibration error of each model, the mean over its seeds with the standard deviation."""
    lines = [f"{'':<12}{'':<21}{'seeds':>5}{'accuracy':>15}{'no near copies':>15}{'macro-F1':>9}{'ECE':>7}"]
    for corpus, known in content["baselines"].items():
        found = {name: [known[name]] for name in ("majority", "naive Bayes", "logistic regression")}
        for run in content["runs"]:
            if run["corpus"] == corpus:
                found.setdefault(run["model"], []).append(run)
        lines += [line(corpus, name, runs) for name, runs in found.items()]
    return "\n".join(lines)


def line(corpus, name, runs) -> str:
    percent = 100 * np.array([run["accuracy"] for run in runs])
    far, macro, error = (np.mean([np.mean(run[key]) for run in runs])
                         for key in ("accuracy without near copies", "F1", "calibration error"))  # fmt: skip
    spread = f"{percent.mean():.1f} ± {percent.std(ddof=1):.1f}" if len(runs) > 1 else f"{percent.mean():.1f}      "
    return f"{corpus:<12}{name:<21}{len(runs):>5}{spread:>15}{100 * far:>15.1f}{100 * macro:>9.1f}{error:>7.3f}"


if __name__ == "__main__":
    main()
