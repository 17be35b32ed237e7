"""python tests/studies/bert.py [--seeds 3] [--only "pretrain reviews-zh 0"]: what is pre-training worth?

Pre-trains a small Bert to find hidden words of the plays (two whole plays held out) and hidden characters of the
training part of reviews-zh, and measures it on held-out texts beside counts of single and of neighbouring tokens; then
fine-tunes it on 100 labels to all of them, with and without pre-training, beside two bags of n-grams. Writes
notebooks/results/bert.json after each run; runs that are there are kept. "finetune 0" and "probe 0" read the weights
that "pretrain reviews-zh 0" left in the cache.

Counted in steps, so that results do not depend on who else computes. Pre-training takes less than five minutes on two
cores. Settings were chosen on the training texts' loss and the validation part; the test part is only measured on.
"""

import argparse
from pathlib import Path

import numpy as np
from bert_measures import attention_shares, begin, filled, masked_lm_figures, probed
from results import Results
from sentiment import LABELS, numbers, parted

from minilm import data, models
from minilm.data import MaskedTexts, Masking, Special, WordPieceTokenizer
from minilm.files import cache_folder
from minilm.tasks.classify import Classifier
from minilm.training import AdamW, Trainer, load_arrays, save_arrays, schedules

RESULTS = Results("bert", {"pretraining": [], "fine-tuning": [], "probing": []})
CORPORA = ("plays", "reviews-zh")
VOCABULARY, CONTEXT, WIDTH = 6000, 100, 96
# Tokens of a text, texts of a batch, steps, rate: short texts first, as in the paper (appendix A.2).
PHASES = ((32, 32, 3000, 2e-3), (CONTEXT, 16, 500, 3e-4))
LABELLED = (100, 300, 1000, None)  # None: all
FINE_TUNING = {100: 200, 300: 300, 1000: 400, None: 1000}  # steps, at most
WATCHED = 500  # texts of the validation part that decide when to stop
BAYES, LOGISTIC = "naive Bayes", "logistic regression"


def main() -> None:
    options = parsed()
    for seed in range(options.seeds):
        for name, run in RUNS.items():
            if options.only in (None, f"{name} {seed}"):
                run(*name.split()[1:], seed)
    print(table(RESULTS.read()))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", metavar="RUN", help='one run: what, and its seed, as in "finetune 0"')
    return parser.parse_args()


def there(kind, **wanted) -> bool:
    return any(wanted.items() <= run.items() for run in RESULTS.read()[kind])


def add(kind, run) -> None:
    """Keep a run, unless another process has made it meanwhile, and write the file anew."""
    if there(kind, **{key: run[key] for key in ("corpus", "seed", "labels", "model") if key in run}):
        return
    content = RESULTS.read()
    RESULTS.write(content | {kind: [*content[kind], run]})


# --- Texts ------------------------------------------------------------------------------------------------------


def texts_of(corpus) -> tuple[list[str], list[str]]:
    """Texts to learn from and held-out ones: speeches of whole plays; reviews of the training and of the test part."""
    if corpus == "plays":
        parts = data.split(data.documents("shakespeare"), data.CORPORA["shakespeare"].held_out)
        return tuple([speech for play in part for speech in play.text.split("\n\n")] for part in parts)
    train, _, test = parted(corpus)
    return [example.text for example in train], [example.text for example in test]


def stretches(tokenizer, texts, longest) -> list[np.ndarray]:
    """Texts as ids, long ones in several pieces, so that nothing is lost."""
    room = longest - 2
    encoded = [tokenizer.encode(text) for text in texts]
    return [ids[i : i + room] for ids in encoded for i in range(0, len(ids), room)]


def tokenizer_of(texts) -> WordPieceTokenizer:
    return WordPieceTokenizer.train("\n\n".join(texts), VOCABULARY)


def bert_of(tokenizer, seed, dropout=0.1) -> models.Bert:
    """Begun as `begin` says."""
    bert = models.Bert(
        len(tokenizer), pad=Special.of(tokenizer).pad, width=WIDTH, heads=4, context=CONTEXT, dropout=dropout,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    begin(bert)
    return bert


# --- Pre-training -----------------------------------------------------------------------------------------------


def pretrain(corpus, seed) -> None:
    """Whole words are hidden in the plays; in Chinese a piece is a character, nearly always."""
    if there("pretraining", corpus=corpus, seed=seed):
        return
    texts, held_out = texts_of(corpus)
    tokenizer = tokenizer_of(texts)
    masking = Masking(tokenizer, whole_words=corpus == "plays")
    model = models.MaskedLM(bert_of(tokenizer, seed, dropout=0.0), rng=np.random.default_rng(seed))
    losses, milliseconds = zip(*(phase(model, masking, tokenizer, texts, seed, *of) for of in PHASES), strict=True)
    losses = np.concatenate(losses)
    save_arrays(weights_of(corpus, seed), model.bert.state_dict())
    measured = stretches(tokenizer, held_out, CONTEXT)
    asked = MaskedTexts(measured, masking, context=CONTEXT, batch=1, seed=0)
    add("pretraining", {
        "corpus": corpus, "seed": seed, "steps": len(losses), "milliseconds per step, this run": milliseconds,
        "parameters": sum(p.size for p in model.parameters()), "texts": len(texts), "held-out texts": len(held_out),
        "log": thinned(losses),
        "figures": masked_lm_figures(model, asked, [tokenizer.encode(text) for text in texts]),
        "attention": [attention_shares(bert, measured[:200], masking.special)
                      for bert in (bert_of(tokenizer, seed), model.bert)],
        **filled(model, tokenizer, corpus, held_out, CONTEXT),
    })  # fmt: skip


def phase(model, masking, tokenizer, texts, seed, longest, batch, steps, rate) -> tuple[list[float], int]:
    """The loss of each step, and how many milliseconds one takes."""
    pieces = stretches(tokenizer, texts, longest)
    batches = MaskedTexts(pieces, masking, context=longest, batch=batch, seed=seed)
    optimizer, schedule = AdamW(model.parameters(), rate, weight_decay=0.01), schedules.warmup_cosine(0.05)
    trainer = Trainer(model, optimizer, batches, steps=steps, schedule=schedule, seed=seed, show_progress=False)
    losses = trainer.fit().columns()["train_loss"]
    print(thinned(losses, 10)[1], flush=True)
    return losses, round(1000 * trainer.seconds / steps)


def weights_of(corpus, seed) -> Path:
    folder = cache_folder("studies")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"bert-{corpus}-{seed}.safetensors"


def thinned(losses, points=50) -> list[list[float]]:
    """Steps, and the mean loss of the steps up to each."""
    parts = np.array_split(np.array(losses), min(points, len(losses)))
    return [np.cumsum([len(part) for part in parts]).tolist(), [round(float(part.mean()), 4) for part in parts]]


def pretrained(tokenizer, seed) -> models.Bert:
    encoder = bert_of(tokenizer, seed)
    encoder.load_state_dict(load_arrays(weights_of("reviews-zh", seed))[0])
    return encoder


# --- Fine-tuning ------------------------------------------------------------------------------------------------


def finetune(seed) -> None:
    train, validation, test = parted("reviews-zh")
    tokenizer = tokenizer_of([example.text for example in train])
    order, watched = (np.random.default_rng([seed, 14]).permutation(len(part)) for part in (train, validation))
    watched = [validation[i] for i in watched[:WATCHED]]  # at random: the corpus has all of one label first
    for size in LABELLED:
        known_labels = [train[i] for i in order[:size]]
        for name, run in LEARNERS.items():
            setting = {"labels": len(known_labels), "model": name, "seed": seed}
            if not there("fine-tuning", **setting):
                found = run(tokenizer, known_labels, watched, test, seed, FINE_TUNING[size])
                add("fine-tuning", setting | found)


def bert(tokenizer, train, validation, test, seed, steps, encoder=None) -> dict:
    encoder = encoder or bert_of(tokenizer, seed)
    model = models.BertClassifier(encoder, len(LABELS), rng=np.random.default_rng(seed))
    classifier = Classifier(model, tokenizer, LABELS, longest=CONTEXT)
    classifier.fit(
        train, validation, batch=32, lr=5e-4, weight_decay=0.01, seed=seed, steps=steps, evaluate_every=steps // 10,
        patience=4, show_progress=False,
    )  # fmt: skip
    columns = {name: np.array(column) for name, column in classifier.log.columns().items()}
    measured = np.isfinite(columns["validation_loss"])
    return {
        "steps": int(columns["step"][-1]),
        "best step": int(columns["step"][np.nanargmin(columns["validation_loss"])]),
        "validation loss": columns["validation_loss"][measured].round(4).tolist(),
        "validation": classifier.evaluate(validation)["accuracy"],
        "test": classifier.evaluate(test)["accuracy"],
    }


def bert_pretrained(tokenizer, train, validation, test, seed, steps) -> dict:
    return bert(tokenizer, train, validation, test, seed, steps, pretrained(tokenizer, seed))


def naive_bayes(*parts) -> dict:
    return of_bags([(k, models.NaiveBayes(len(LABELS), k=k)) for k in (0.03, 0.1, 0.3, 1.0)], *parts)


def logistic_regression(*parts) -> dict:
    return of_bags([(d, models.LogisticRegression(len(LABELS), decay=d)) for d in (1e-4, 3e-5, 1e-5)], *parts)


def of_bags(candidates, tokenizer, train, validation, test, seed, steps) -> dict:
    """Of characters and pairs of them; the setting with the most right on the validation part."""
    bag = data.BagOfNGrams([example.text for example in train], data.characters, longest=2)
    bags = [bag([example.text for example in part]).presence() for part in (train, validation, test)]
    tried = []
    for setting, model in candidates:
        model.fit(bags[0], numbers(train))
        right = [float((model.log_probs(x).argmax(axis=1) == numbers(part)).mean())
                 for x, part in zip(bags[1:], (validation, test), strict=True)]  # fmt: skip
        tried.append({"setting": setting, "validation": right[0], "test": right[1]})
    return max(tried, key=lambda found: found["validation"])


LEARNERS = {BAYES: naive_bayes, LOGISTIC: logistic_regression, "bert": bert, "bert, pre-trained": bert_pretrained}


# --- Probing ----------------------------------------------------------------------------------------------------


def probe(seed) -> None:
    """Where do words begin? Nothing in Chinese writing says so, and nothing told the model."""
    if not there("probing", seed=seed):
        tokenizer = tokenizer_of(texts_of("reviews-zh")[0])
        encoders = {"untrained": bert_of(tokenizer, seed), "pre-trained": pretrained(tokenizer, seed)}
        add("probing", {"seed": seed, **probed(encoders, tokenizer, seed)})


RUNS = {"pretrain reviews-zh": pretrain, "finetune": finetune, "probe": probe, "pretrain plays": pretrain}


# --- What is printed --------------------------------------------------------------------------------------------


def table(content) -> str:
    lines = [f"{'held-out text':<14}{'seed':>5}{'':>20}{'nats':>8}{'right':>8}"]
    for run in content["pretraining"]:
        for name in ("bert", "neighbours", "unigram"):
            nats, right = run["figures"]["all"][name]
            lines.append(f"{run['corpus']:<14}{run['seed']:>5}{name:>20}{nats:>8.2f}{right:>8.1%}")
    lines.append(f"\n{'labels':<8}" + "".join(f"{name:>22}" for name in LEARNERS))
    for labels in sorted({run["labels"] for run in content["fine-tuning"]}):
        lines.append(f"{labels:<8}" + "".join(f"{spread(content, labels, name):>22}" for name in LEARNERS))
    for run in content["probing"]:
        lines.append(f"probe, seed {run['seed']}: " + ", ".join(f"{k} {v:.1%}" for k, v in run["right"].items()))
    return "\n".join(lines)


def spread(content, labels, name) -> str:
    right = [100 * r["test"] for r in content["fine-tuning"] if (r["labels"], r["model"]) == (labels, name)]
    return (
        f"{np.mean(right):.1f} ± {np.std(right, ddof=1):.1f}"
        if len(right) > 1
        else "".join(map("{:.1f}".format, right))
    )


if __name__ == "__main__":
    main()
