"""python tests/studies/sentiment.py [--seeds 5] [--only "reviews-zh lstm 0"]: which way does a review lean?

Trains an LSTM, and a BERT with and without masked-LM pre-training on the training reviews (no label is used for it; it
is done once, and the seeds are those of the fine-tuning), beside the baselines, and writes
notebooks/results/sentiment.json after each run; runs that are there are kept. All is chosen on the validation part, and
measured on the test part, both held out by the hashes of their texts. Kept is what each model says of each text of the
test part, from which notebook 15 makes its figures.

Training is counted in steps. On two cores the LSTM takes 46 s (Chinese) and 23 s (English), BERT 56 s and 32 s, and its
pre-training, done once, 242 s and 222 s, from the milliseconds of a step below.
"""

import argparse
from collections.abc import Callable

import numpy as np
from results import Results

from minilm import data, metrics, models
from minilm.data import MaskedTexts, Masking, Special, WordPieceTokenizer, sharing_beginning
from minilm.files import cache_folder, replacing
from minilm.tasks import classify
from minilm.tasks.classify import Classifier
from minilm.training import AdamW, Trainer, schedules

RESULTS = Results("sentiment", {"baselines": {}, "runs": []})
CORPORA = {"reviews-zh": (data.characters, 3), "reviews-en": (data.words, 2)}  # n-grams of what, and how long
LABELS = ["against", "for"]
NEAR = {"reviews-zh": 12, "reviews-en": 40}  # characters that a near copy shares with a training text
INPUTS = {
    "counts": lambda bags: bags,
    "presence": lambda bags: bags._replace(values=np.ones_like(bags.values)),
    "presence / length": lambda bags: bags.presence(),
}
BAYES, LOGISTIC, SMOOTHINGS, DECAYS = "naive Bayes", "logistic regression", (0.03, 0.1, 0.3, 1.0), (3e-5, 1e-5, 3e-6)
MILLISECONDS = {  # of a step, measured on two cores that did nothing else
    "reviews-zh": {"lstm": 42, "bert": 65, "masked LM": 110},
    "reviews-en": {"lstm": 17, "bert": 49, "masked LM": 74},
}
LSTM = {
    "reviews-zh": {"steps": 1080, "pairs": 100_000, "pool": "max", "word_dropout": 0.1, "weight_decay": 0.01},
    "reviews-en": {"steps": 1320, "pairs": 0, "pool": "mean", "word_dropout": 0.2, "weight_decay": 0.3},
}
BERT_STEPS, PRETRAINING = {"reviews-zh": 860, "reviews-en": 660}, {"reviews-zh": 2200, "reviews-en": 3000}
BATCH, LONGEST, VOCABULARY, DROPOUT = 32, 100, 6000, 0.1  # of the BERTs


def main() -> None:
    options = parsed()
    for corpus in CORPORA:
        parts = parted(corpus)
        if corpus not in known()["baselines"]:
            found = {"baselines": known()["baselines"] | {corpus: baselines(corpus, *parts)}}
            RESULTS.write(known() | found)
        for model, make in MODELS.items():
            for seed in range(options.seeds):
                wanted = not options.only or f"{corpus} {model} {seed}" in options.only
                if wanted and not there(corpus, model, seed):
                    run = {"corpus": corpus, "model": model, "seed": seed} | make(corpus, *parts, seed)
                    if not there(corpus, model, seed):  # another process may have been quicker
                        RESULTS.write(known() | {"runs": [*known()["runs"], run]})
    RESULTS.write(known())
    print(table(known()))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="RUN", help='corpus, model and seed, as in "reviews-zh lstm 0"')
    return parser.parse_args()


def known() -> dict:
    """What the file holds now, which another run may have changed."""
    return RESULTS.read() | {"milliseconds": MILLISECONDS, "pre-training": PRETRAINING}


def there(corpus, model, seed) -> bool:
    return any((run["corpus"], run["model"], run["seed"]) == (corpus, model, seed) for run in known()["runs"])


def parted(corpus):
    """Training, validation and test examples: hashes from 0.2 on, from 0.1 on, and below."""
    rest, test = classify.split(classify.read(corpus))
    return *classify.split(rest, 0.2), test


def numbers(examples) -> np.ndarray:
    return np.array([LABELS.index(example.label) for example in examples])


def of_thousand(p) -> list[int]:
    """P("for") of each text, in thousandths."""
    return np.rint(1000 * p[:, 1]).astype(int).tolist()


# --- Baselines --------------------------------------------------------------------------------------------------


def baselines(corpus, train, validation, test) -> dict:
    """What the majority, naive Bayes and logistic regression say of the test texts; all that was tried for them."""
    tried = [row for least in (1, 2) for row in fitted(corpus, train, validation, test, least)]
    majority = np.tile(np.bincount(numbers(train)) / len(train), (len(test), 1))
    best = {name: max((row for row in tried if row["model"] == name), key=lambda row: row["validation"])
            for name in (*(f"{BAYES}, {of}" for of in INPUTS), LOGISTIC)}  # fmt: skip
    return {"sizes": [len(train), len(validation), len(test)], "majority": of_thousand(majority), **best}


def fitted(corpus, train, validation, test, least):
    """Naive Bayes and logistic regression with every setting."""
    pieces, longest = CORPORA[corpus]
    bag = data.BagOfNGrams([example.text for example in train], pieces, longest=longest, least=least)
    parts = [bag([example.text for example in part]) for part in (train, validation, test)]
    makers = [(f"{BAYES}, {of}", of, "k", k, models.NaiveBayes(2, k=k)) for of in INPUTS for k in SMOOTHINGS]
    if least > 1:  # with all n-grams, ten times as many, it learns as well and much more slowly
        makers += [(LOGISTIC, of, "λ", decay, models.LogisticRegression(2, decay=decay))
                   for of in ("presence / length",) for decay in DECAYS]  # fmt: skip
    for name, of, letter, value, model in makers:
        x = [INPUTS[of](part) for part in parts]
        model.fit(x[0], numbers(train))
        right = model.log_probs(x[1]).argmax(axis=1) == numbers(validation)
        yield {"model": name, "least": least, letter: value, "validation": float(right.mean()),
               "p": of_thousand(np.exp(model.log_probs(x[2])))}  # fmt: skip


# --- Models that read in order ----------------------------------------------------------------------------------


def lstm(corpus, train, validation, test, seed) -> dict:
    settings = LSTM[corpus]
    classifier = Classifier.train(
        [*train, *validation], **settings, dropout=0.5, seed=seed, patience=None, show_progress=False
    )
    return told(classifier, test, settings["steps"])


def bert(corpus, train, validation, test, seed, pretrained=False) -> dict:
    rng, tokenizer = np.random.default_rng(seed), pieces_of(train)
    encoder = small_bert(tokenizer, rng)
    if pretrained:
        encoder.load_state_dict(pretraining(corpus, train))
    classifier = Classifier(models.BertClassifier(encoder, 2, rng=rng), tokenizer, LABELS, longest=LONGEST)
    classifier.fit(
        train, validation, batch=BATCH, lr=5e-4, weight_decay=0.01, seed=seed, steps=BERT_STEPS[corpus],
        evaluate_every=100, show_progress=False,
    )  # fmt: skip
    return told(classifier, test, BERT_STEPS[corpus])


def bert_pretrained(*arguments) -> dict:
    return bert(*arguments, pretrained=True)


def pieces_of(train):
    return WordPieceTokenizer.train("\n".join(example.text for example in train), VOCABULARY)


def small_bert(tokenizer, rng):
    pad = Special.of(tokenizer).pad
    return models.Bert(len(tokenizer), pad=pad, width=96, heads=4, context=LONGEST, dropout=DROPOUT, rng=rng)


def pretraining(corpus, train) -> dict[str, np.ndarray]:
    """The weights of a Bert after masked-LM training on the training texts, made once for all seeds."""
    path = cache_folder("studies") / f"{corpus}-masked-{PRETRAINING[corpus]}.npz"
    if not path.exists():
        tokenizer, rng = pieces_of(train), np.random.default_rng(0)
        texts = [tokenizer.encode(example.text) for example in train]
        batches = MaskedTexts(texts, Masking(tokenizer), context=LONGEST, batch=BATCH, seed=0)
        model = models.MaskedLM(small_bert(tokenizer, rng), rng=rng)
        optimizer, schedule = AdamW(model.parameters(), 1e-3), schedules.warmup_cosine()
        trainer = Trainer(model, optimizer, batches, steps=PRETRAINING[corpus], schedule=schedule, show_progress=False)
        loss = np.array(trainer.fit().columns()["train_loss"])
        print(
            f"{corpus}, masked LM: {[round(float(part.mean()), 2) for part in np.array_split(loss, 10)]} nats",
            flush=True,
        )
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **model.bert.state_dict())
    with np.load(path) as arrays:
        return dict(arrays)


MODELS: dict[str, Callable] = {"lstm": lstm, "bert": bert, "bert, pre-trained": bert_pretrained}


def told(classifier, test, steps) -> dict:
    columns = {name: np.array(column) for name, column in classifier.log.columns().items()}
    measured = np.isfinite(columns["validation_loss"])
    parts = np.split(columns["train_loss"], np.flatnonzero(measured)[:-1] + 1)
    return {
        "steps": steps,
        "parameters": sum(p.size for p in classifier.model.parameters()),
        "measured at": columns["step"][measured].astype(int).tolist(),
        "training loss": [round(float(part.mean()), 4) for part in parts],
        "validation loss": columns["validation_loss"][measured].round(4).tolist(),
        "p": of_thousand(classifier.probabilities([example.text for example in test])),
    }


# --- What is printed --------------------------------------------------------------------------------------------


def table(content) -> str:
    """Accuracy, F1 and calibration error of each model, the mean over its seeds with the standard deviation."""
    lines = [f"{'':<12}{'':<32}{'seeds':>5}{'accuracy':>15}{'no near copies':>15}{'macro-F1':>9}{'ECE':>7}"]
    for corpus, baseline in content["baselines"].items():
        train, _, test = parted(corpus)
        near = sharing_beginning([e.text for e in test], [e.text for e in train], NEAR[corpus])
        said = {name: [found["p"]] for name, found in baseline.items() if "p" in found}
        said = {"majority": [baseline["majority"]]} | said
        for run in content["runs"]:
            if run["corpus"] == corpus:
                said.setdefault(run["model"], []).append(run["p"])
        lines += [line(corpus, name, [figures(p, numbers(test), near) for p in ps]) for name, ps in said.items()]
    return "\n".join(lines)


def figures(p, labels, near) -> tuple[float, ...]:
    """Accuracy, that without near copies, macro-F1, calibration error."""
    p = np.array([[1000 - pro, pro] for pro in p]) / 1000
    given = p.argmax(axis=1)
    right, macro = given == labels, metrics.f1_of_classes(given, labels, 2).mean()
    return right.mean(), right[~near].mean(), macro, metrics.calibration_error(p, labels)


def line(corpus, name, found) -> str:
    accuracy, far, macro, error = np.mean(found, axis=0)
    spread = f" ± {100 * np.std([row[0] for row in found], ddof=1):.1f}" if len(found) > 1 else " " * 6
    percent = f"{100 * accuracy:.1f}{spread}"
    return f"{corpus:<12}{name:<32}{len(found):>5}{percent:>15}{100 * far:>15.1f}{100 * macro:>9.1f}{error:>7.3f}"


if __name__ == "__main__":
    main()
