"""What 8-bit weights cost in quality: nats per character of held-out plays, of one trained model with both weights."""

import turns
import workloads

STEPS, CHARACTERS = 600, 50_000


def of_int8(pairs: int) -> turns.Columns:
    """Nats per character; trained once, whatever `pairs` is."""
    worker = turns.Worker("quality.measured", "gpt-s", "")
    worker.stop()
    eight_bits, float32 = worker.first_result
    return {"minilm": [eight_bits], workloads.FLOAT32: [float32]}


def measured(name, weights):
    """A function that trains on plays and measures on two that were left out."""
    from minilm import compress, data, models, training  # isort: skip  before NumPy, whose threads it sets
    import numpy as np

    def work():
        kept, held = data.split(data.documents("shakespeare"), data.CORPORA["shakespeare"].held_out)
        text, held_out = ("\n\n".join(document.text for document in part) for part in (kept, held))
        tokenizer = data.CharTokenizer.train(text)
        size = workloads.model_size(workloads.size_of(name)) | {"vocabulary": len(tokenizer)}
        model = models.GPT(**size, rng=np.random.default_rng(0))
        windows = data.Windows(tokenizer.encode(text), model.window, workloads.size_of(name)["batch"], 0)
        optimizer = training.AdamW(model.parameters(), 2e-3, betas=(0.9, 0.99), weight_decay=0.1)
        schedule = training.schedules.warmup_cosine(final=0.02)
        training.Trainer(model, optimizer, windows, steps=STEPS, schedule=schedule, show_progress=False).fit()
        ids = tokenizer.encode(held_out[:CHARACTERS])
        return [training.mean_loss(which, ids) for which in (compress.quantized(model), model)]

    return work
