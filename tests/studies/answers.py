"""python tests/studies/answers.py [--seeds 3] [--steps 2000] [--only "marked 0"]: who says it?

Trains with and without the mark on words that a question shares with its passage, and a Bert; measures on plays
that nothing was trained on, beside the rules, and writes notebooks/results/answers.json after each run; what is there
is kept.
Training is counted in steps, so that no other work on the machine changes a figure.
"""

import argparse

import numpy as np
from results import Results

from minilm import metrics
from minilm.data import load_tokenizer, rules
from minilm.data.questions import ASKED, KINDS, TEST, VALIDATION, Asker, parted
from minilm.data.scenes import scenes
from minilm.files import cache_folder
from minilm.tasks.answer import Answerer, practice

RESULTS = Results("answers", {"runs": []})
STEPS = 2000  # with the recurrent model 4.7 minutes on two cores: 140 ms each
MODELS = {
    "marked": {},
    "unmarked": {"mark": False},
    "bert": {"kind": "bert", "layers": 2, "dropout": 0.0, "learning_rate": 1e-3},
}
NUMBER = 400  # questions of each kind
SHOWN = 3  # mistakes of each kind that are kept


def main() -> None:
    options = parsed()
    train, _, test = parted(scenes())
    asker, questions = practice(train), test_questions(Asker(test, kinds=list(ASKED)))
    told = {
        "test plays": TEST, "validation plays": VALIDATION, "steps": options.steps,
        "questions": {name: len(asked) for name, asked in questions.items()}, "baselines": baselines(questions),
    }  # fmt: skip
    for seed in range(options.seeds):
        for name, settings in MODELS.items():
            wanted = {"model": name, "seed": seed, "steps": options.steps}
            known = any(wanted.items() <= run.items() for run in RESULTS.read()["runs"])
            if options.only in (None, f"{name} {seed}") and not known:
                run = wanted | one_run(asker, questions, seed, options.steps, settings)
                RESULTS.write(RESULTS.read() | told | {"runs": [*RESULTS.read()["runs"], run]})
    print(table(RESULTS.read() | told))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", metavar="NAME", help='one run, such as "marked 0" or "bert 0"')
    return parser.parse_args()


def test_questions(asker: Asker) -> dict[str, list]:
    """Of each kind with an answer, and of those that are trained on without one."""
    asked = {kind: asker.sample(kind, NUMBER, seed=0) for kind in ASKED}
    return asked | {f"{kind}, no answer": asker.sample(kind, NUMBER, seed=0, answered=False) for kind in KINDS}


def one_run(asker, questions, seed, steps, settings) -> dict:
    answerer = Answerer.train(
        asker, steps=steps, seed=seed, tokenizer=tokenizer(asker), show_progress=False, **settings
    )
    figures, mistakes = {}, {}
    for name, asked in questions.items():
        answers = answerer.answers(asked)
        figures[name] = score(answers, asked)
        wrong = [(q, answer) for q, answer in zip(asked, answers, strict=True) if answer not in (q.answers or ("",))]
        mistakes[name] = [[q.question, q.passage, *(q.answers or ("",)), answer] for q, answer in wrong[:SHOWN]]
    log = answerer.log.columns()
    curve = [round(float(part.mean()), 3) for part in np.array_split(np.array(log["train_loss"]), 50)]
    return {
        "mark": settings.get("mark", True), "seconds": round(log["seconds"][-1]), "loss": curve, "figures": figures,
        "parameters": sum(p.size for p in answerer.model.parameters()), "mistakes": mistakes if seed == 0 else {},
    }  # fmt: skip


def tokenizer(asker):
    """Of the training plays, once for all runs."""
    path = cache_folder("studies") / "who-says-it.json"
    if not path.exists():
        Answerer.tokenizer(asker).save(path)
    return load_tokenizer(path)


def baselines(questions) -> dict[str, dict]:
    named = {"rule": rules.by_rule, "overlap": rules.by_overlap}
    return {name: {kind: of_rule(rule, asked) for kind, asked in questions.items()} for name, rule in named.items()}


def of_rule(rule, asked) -> list[float]:
    return score([rule(question.question, question.passage) for question in asked], asked)


def score(answers, asked) -> list[float]:
    """Exact match and F1, in percent."""
    pairs = [(answer, question.answers or ("",)) for answer, question in zip(answers, asked, strict=True)]
    means = (np.mean([measure(*pair) for pair in pairs]) for measure in (metrics.exact_match, metrics.f1))
    return [round(100 * float(mean), 2) for mean in means]


def table(content) -> str:
    """Exact match: mean and range over the seeds, and the baselines."""
    names = [name for name in MODELS if any(run["model"] == name for run in content["runs"])]
    lines = [f"{'exact match, %':20}" + "".join(f"{name:>22}" for name in names) + f"{'rule':>8}{'overlap':>8}"]
    for kind in content["questions"]:
        cells = [f"{kind:20}"]
        for name in names:
            runs = [run["figures"][kind][0] for run in content["runs"] if run["model"] == name]
            cells.append(f"{f'{np.mean(runs):.1f} ({min(runs):.1f} to {max(runs):.1f})':>22}")
        cells += [f"{content['baselines'][name][kind][0]:8.1f}" for name in ("rule", "overlap")]
        lines.append("".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
