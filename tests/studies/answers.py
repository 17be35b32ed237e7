"""python tests/studies/answers.py [--seeds 3] [--steps 3000] [--only "marked 0"]: who says it?

Trains with and without the mark on words that a question shares with its passage, measures on plays that nothing was
trained on, beside the rules, and writes notebooks/results/answers.json after each run; runs that are there are kept.
Training is counted in steps, so that no other work on the machine changes a figure.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from minilm import metrics
from minilm.data import load_tokenizer, rules
from minilm.data.questions import ASKED, KINDS, TEST, VALIDATION, Asker, parted
from minilm.data.scenes import scenes
from minilm.files import cache_folder, replacing
from minilm.tasks.answer import OTHER_NAMES, Answerer

RESULTS = Path(__file__).parents[2] / "notebooks" / "results" / "answers.json"
STEPS = 3000
NUMBER = 400  # questions of each kind
SHOWN = 3  # mistakes of each kind that are kept


def main() -> None:
    options = parsed()
    content = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"runs": []}
    train, _, test = parted(scenes())
    asker, questions = Asker(train, other_names=OTHER_NAMES), test_questions(Asker(test, kinds=list(ASKED)))
    content |= {"test plays": TEST, "validation plays": VALIDATION, "steps": options.steps,
                "questions": {name: len(asked) for name, asked in questions.items()},
                "baselines": baselines(questions)}  # fmt: skip
    for seed in range(options.seeds):
        for mark in (True, False):
            known = {(run["seed"], run["mark"], run["steps"]) for run in content["runs"]}
            named = options.only in (None, f"{'marked' if mark else 'unmarked'} {seed}")
            if named and (seed, mark, options.steps) not in known:
                content["runs"].append(one_run(asker, questions, seed, mark, options.steps))
                write(content)
    write(content)
    print(table(content))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", metavar="NAME", help='one run, such as "marked 0" or "unmarked 2"')
    return parser.parse_args()


def test_questions(asker: Asker) -> dict[str, list]:
    """Of each kind with an answer, and of those that are trained on without one."""
    asked = {kind: asker.sample(kind, NUMBER, seed=0) for kind in ASKED}
    return asked | {f"{kind}, no answer": asker.sample(kind, NUMBER, seed=0, answered=False) for kind in KINDS}


def one_run(asker, questions, seed, mark, steps) -> dict:
    answerer = Answerer.train(asker, steps=steps, seed=seed, mark=mark, tokenizer=tokenizer(asker))
    figures, mistakes = {}, {}
    for name, asked in questions.items():
        answers = answerer.answers(asked)
        figures[name] = score(answers, asked)
        wrong = [(q, answer) for q, answer in zip(asked, answers, strict=True) if answer not in (q.answers or ("",))]
        mistakes[name] = [[q.question, q.passage, *(q.answers or ("",)), answer] for q, answer in wrong[:SHOWN]]
    loss = answerer.log.columns()["train_loss"]
    curve = [round(float(part.mean()), 3) for part in np.array_split(np.array(loss), 50)]
    print(f"seed {seed}, mark {mark}: {figures}", flush=True)
    return {"seed": seed, "mark": mark, "steps": steps, "loss": curve, "figures": figures,
            "parameters": sum(p.size for p in answerer.model.parameters()),
            "mistakes": mistakes if seed == 0 and mark else {}}  # fmt: skip


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
    lines = [f"{'exact match, %':20} {'marked':>20} {'not marked':>20} {'rule':>7} {'overlap':>7}"]
    for kind in content["questions"]:
        cells = []
        for mark in (True, False):
            runs = [run["figures"][kind][0] for run in content["runs"]
                    if run["mark"] == mark and run["steps"] == content["steps"]]  # fmt: skip
            cells.append(f"{np.mean(runs):5.1f} ({min(runs):.1f} to {max(runs):.1f})" if runs else "")
        beside = [f"{content['baselines'][name][kind][0]:7.1f}" for name in ("rule", "overlap")]
        lines.append(f"{kind:20} {cells[0]:>20} {cells[1]:>20} {' '.join(beside)}")
    return "\n".join(lines)


def write(content) -> None:
    with replacing(RESULTS) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
