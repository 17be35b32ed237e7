"""What is pre-training worth, for real? all-MiniLM-L6-v2, fine-tuned on reviews-en, beside naive Bayes.

    python tests/studies/sentences.py [--seeds 3] [--only 0]

Others have trained this encoder on a billion pairs of English sentences; here all of it goes on learning, with a new
head, from the reviews and the split of sentiment.py. Writes notebooks/results/sentences.json after each run; runs that
are there are kept. Training is counted in steps: MILLISECONDS says what one takes on two quiet cores, and STEPS is less
than five minutes of them.
"""

import argparse

import numpy as np
from results import Results
from sentiment import BAYES, CORPORA, LABELS, baselines, numbers, parted

from minilm import models, pretrained
from minilm.tasks.classify import Classifier

RESULTS = Results("sentences", {"runs": []})
CORPUS = list(CORPORA)[1]
STEPS, MILLISECONDS = 600, 446
SETTINGS = {"batch": 16, "lr": 1e-4, "weight_decay": 0.01, "steps": STEPS, "evaluate_every": 100}
LONGEST = 64  # tokens of a review that are read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", type=int, metavar="SEED")
    options = parser.parse_args()
    parts = parted(CORPUS)
    if "naive Bayes" not in RESULTS.read():
        RESULTS.write(RESULTS.read() | {"milliseconds": MILLISECONDS, "naive Bayes": best_of_counting(*parts)})
    for seed in range(options.seeds):
        known = any(run["seed"] == seed for run in RESULTS.read()["runs"])
        if options.only in (None, seed) and not known:
            run = {"seed": seed, "steps": STEPS} | fine_tuned(*parts, seed)
            RESULTS.write(RESULTS.read() | {"runs": [*RESULTS.read()["runs"], run]})
    print(RESULTS.read())


def best_of_counting(train, validation, test) -> float:
    """The highest accuracy on the test part of any naive Bayes: chosen in its favour."""
    found = baselines(CORPUS, train, validation, test)
    said = [np.array(row["p"]) > 500 for name, row in found.items() if name.startswith(BAYES)]
    return round(max(float((positive == numbers(test)).mean()) for positive in said), 4)


def fine_tuned(train, validation, test, seed) -> dict:
    published = pretrained.load("minilm-l6", show_progress=False)
    model = models.BertClassifier(published.model, len(LABELS), rng=np.random.default_rng(seed))
    classifier = Classifier(model, published.tokenizer, LABELS, longest=LONGEST)
    classifier.fit(train, validation, **SETTINGS, seed=seed, show_progress=False)
    measured = [row for row in classifier.log.rows if np.isfinite(row["validation_loss"])]
    return {
        "validation loss": [[row["step"], round(row["validation_loss"], 4)] for row in measured],
        "seconds": round(classifier.log.rows[-1]["seconds"]),
        "validation": round(classifier.evaluate(validation)["accuracy"], 4),
        "test": round(classifier.evaluate(test)["accuracy"], 4),
    }


if __name__ == "__main__":
    main()
