"""A server under load: `python tests/benchmarks/serving.py [--run RUN] [--clients 16] [--seconds 60]`.

The server is a process of its own, as `python -m minilm serve` starts it. Each client asks, waits for the answer, and
asks the next thing; half of the answers are streamed. What each question's answer must be is computed here beforehand,
by `generate.sample`: an answer that is another was mixed up, one that does not come is lost. Without a run, an
untrained GPT of the main job's size is served.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tornado.httpclient import AsyncHTTPClient

from minilm import data, generate, models
from minilm.runs import Run, load_run, save_config, save_weights

QUESTIONS = 64
TEXT = "JULIET:\nO Romeo, Romeo! wherefore art thou Romeo?\nDeny thy father and refuse thy name; 你好"


class Question(NamedTuple):
    """What is asked, and what the answer must be."""

    prompt: str
    max_tokens: int
    temperature: float
    seed: int
    answer: str = ""


class Outcome(NamedTuple):
    """What a client got: an answer, or None if it was lost; seconds to its first and to its last part."""

    question: Question
    text: str | None
    first: float
    whole: float


def questions(run: Run, number: int) -> list[Question]:
    """Prompts of many lengths, some with chance and some without."""
    rng, found = np.random.default_rng(0), []
    for seed in range(number):
        start, length = rng.integers(0, len(TEXT) - 40), rng.integers(1, 40)
        prompt = TEXT[start : start + length]
        asked = Question(prompt, int(rng.integers(20, 120)), float(rng.choice([0.0, 0.7, 1.0])), seed)
        found.append(asked._replace(answer=alone(run, asked)))
    return found


def alone(run: Run, question: Question) -> str:
    """The answer that a question gets where no other is."""
    ids, rng = run.tokenizer.encode(question.prompt), np.random.default_rng(question.seed)
    drawn = generate.sample(run.model, ids, question.max_tokens, temperature=question.temperature, rng=rng)
    return run.tokenizer.decode(drawn)


async def client(address: str, number: int, asked: list[Question], end: float) -> list[Outcome]:
    """One after the other until the time is up, each client in an order of its own."""
    order, outcomes = np.random.default_rng([1, number]), []
    fetch = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 300}).fetch
    while time.perf_counter() < end:
        question = asked[order.integers(len(asked))]
        outcomes.append(await ask(fetch, address, question, stream=len(outcomes) % 2 == 0))
    return outcomes


async def ask(fetch, address: str, question: Question, stream: bool) -> Outcome:
    """One question to the server."""
    start, parts, times = time.perf_counter(), [], []

    def hear(part):
        times.append(time.perf_counter() - start)
        parts.append(part)

    body = json.dumps(question._asdict() | {"answer": None, "stream": stream})
    headers = {"Content-Type": "application/json"}
    try:
        await fetch(f"{address}/v1/completions", method="POST", body=body, headers=headers, streaming_callback=hear)
        text = streamed(b"".join(parts)) if stream else json.loads(b"".join(parts))["choices"][0]["text"]
    except (OSError, ValueError, KeyError, IndexError) as lost:
        print(f"lost: {lost!r}", file=sys.stderr)
        text = None
    return Outcome(question, text, times[0] if times else 0.0, time.perf_counter() - start)


def streamed(content: bytes) -> str:
    """The text of a stream; an IndexError if its end is missing."""
    *events, done, _ = content.decode("utf-8").split("\n\n")
    if done != "data: [DONE]":
        raise IndexError("the stream has no end")
    return "".join(json.loads(event.removeprefix("data: "))["choices"][0]["text"] for event in events)


async def load(address: str, clients: int, seconds: float, asked: list[Question]) -> list[Outcome]:
    """All clients at once."""
    end = time.perf_counter() + seconds
    found = await asyncio.gather(*(client(address, number, asked, end) for number in range(clients)))
    return [outcome for outcomes in found for outcome in outcomes]


def figures(outcomes: list[Outcome], seconds: float) -> dict[str, float]:
    """What is told of a load."""
    first, whole = (sorted(getattr(outcome, name) for outcome in outcomes) for name in ("first", "whole"))
    answered = [outcome for outcome in outcomes if outcome.text is not None]
    return {
        "questions": len(outcomes),
        "lost": len(outcomes) - len(answered),
        "mixed up": sum(outcome.text != outcome.question.answer for outcome in answered),
        "tokens per second": sum(outcome.question.max_tokens for outcome in answered) / seconds,
        "median seconds to the whole": statistics.median(whole),
        "95 % have the whole after": whole[int(0.95 * len(whole))],
        "median seconds to the first part": statistics.median(first),
    }


def untrained(folder: Path) -> Path:
    """A run of the main job's size that has learned nothing: it writes as fast as any."""
    tokenizer = data.CharTokenizer.train(TEXT)
    model = models.GPT(len(tokenizer), rng=np.random.default_rng(0))
    config = {
        "model": "gpt", "settings": model.settings, "seed": 0, "text": "", "text_sha256": "",
        "training": {"batch": 1, "learning_rate": 1, "steps": 1, "minutes": None},
    }  # fmt: skip
    save_config(folder / "untrained", Run(model, tokenizer, config))
    save_weights(folder / "untrained", model)
    return folder / "untrained"


@contextmanager
def server(run: Path, together: int) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "minilm", "serve", str(run), "--port", "0", "--together", str(together)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=None)
    try:
        yield next(word for word in process.stdout.readline().split() if word.startswith("http")).rstrip(";")
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--run", type=Path, metavar="RUN")
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--together", type=int, default=16, help="answers that are written at the same time")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.run or untrained(Path(folder))
        asked = questions(load_run(path), QUESTIONS)
        with server(path, options.together) as address:
            outcomes = asyncio.run(load(address, options.clients, options.seconds, asked))
    found = figures(outcomes, options.seconds)
    print("\n".join(f"{name:<34}{value:>10.{0 if value == int(value) else 3}f}" for name, value in found.items()))
    sys.exit(bool(found["lost"] or found["mixed up"]))


if __name__ == "__main__":
    main()
