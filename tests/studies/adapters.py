"""How far do adapters bring a published model in five minutes? SmolLM2 learns to speak like the plays.

    python tests/studies/adapters.py [--minutes 5]

Writes notebooks/results/adapters.json: the loss on a held-out play before, on the way and after, and what the model
says before and after. The adapters (LoRA of rank 8 on queries and values) are 0.3 % of the model's numbers; nothing
else learns. In the end they are merged into the model, saved as transformers read it, and loaded again: the loss must
be the same.
"""

import argparse
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from results import Results

from minilm import data, nn, pretrained, training

RESULTS = Results("adapters", {})
WINDOW, BATCH, HELD_OUT = 128, 2, 2_048  # tokens
LAYERS, RANK, ALPHA, RATE = ("attention.query", "attention.value"), 8, 16.0, 2e-3
PROMPT = "ROMEO:\nIs the day so young?\n\nJULIET:\n"


class Text(NamedTuple):
    """A text to measure on, in windows as short as those that were learned from: the model's own are 2048 long."""

    ids: np.ndarray

    def each_once(self, batch: int) -> Iterator:
        return data.consecutive(self.ids, WINDOW, min(batch, 8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    RESULTS.write(run(parser.parse_args().minutes))


def run(minutes) -> dict:
    smollm2 = pretrained.load("smollm2")
    model, tokenizer = smollm2.model, smollm2.tokenizer
    kept, held = data.split(data.documents("shakespeare"), data.CORPORA["shakespeare"].held_out)
    train, held_out = (np.array(tokenizer.encode("\n\n".join(play.text for play in plays))) for plays in (kept, held))
    held_out = Text(held_out[:HELD_OUT])
    before = measured(smollm2, held_out)
    learned = nn.adapt(model, LAYERS, rank=RANK, alpha=ALPHA, rng=np.random.default_rng(0))
    trainer = training.Trainer(
        model, training.AdamW(learned, RATE), data.Windows(train, WINDOW, BATCH, seed=0), minutes=minutes,
        validation=held_out, schedule=training.schedules.warmup_cosine(0.05), evaluate_every=20,
    )  # fmt: skip
    log = trainer.fit()
    nn.merge(model)
    after = measured(smollm2, held_out)
    curve = [[row["step"], row["validation_loss"]] for row in log.rows if np.isfinite(row["validation_loss"])]
    numbers = {"learned": sum(tensor.size for tensor in learned), "held-out tokens": len(held_out.ids)}
    return numbers | {
        "before": before, "curve": curve, "after": after, "minutes": minutes, "steps": trainer.step,
        "saved and loaded": training.mean_loss(saved_and_loaded(model), held_out),
    }  # fmt: skip


def measured(published, held_out) -> dict:
    """The loss, and how the model goes on with the prompt."""
    text = published.write(PROMPT, 50, temperature=0.8, top_p=0.9, rng=np.random.default_rng(1))
    return {"loss": training.mean_loss(published.model, held_out), "text": text}


def saved_and_loaded(model) -> nn.Module:
    """The model as a folder that transformers read gives it back."""
    with tempfile.TemporaryDirectory() as folder:
        pretrained.save_pretrained(folder, model)
        return pretrained.load_model(folder)


if __name__ == "__main__":
    main()
