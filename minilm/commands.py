"""What the commands of the command line do. Each takes the parsed arguments, prints, and raises on failure."""

import hashlib
import sys
import textwrap
from argparse import Namespace
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minilm import data, metrics, training
from minilm.generate import beam_search, greedy, sample
from minilm.models import MODELS
from minilm.runs import Run, build, fresh_folder, holds_run, load_run, save_config, save_loss_curve, save_weights

MODEL_NAMES, TOKENIZER_NAMES = tuple(MODELS), tuple(data.TOKENIZERS)
MAIN_JOB = {"steps": 2600, "minutes": 1.5}
DEFAULTS = {"text": "shakespeare", "model": "gpt", "tokenizer": "char", "seed": 0, "learning_rate": 2e-3}
SIZES = ("width", "layers", "heads", "context", "order", "dropout")
CHOICES = (*DEFAULTS, *SIZES, "vocabulary", "batch")  # what a run begins with, and goes on with
BATCH = {"gpt": 4}  # small batches, many updates: best for a GPT in the first minutes; recurrent steps want more rows
PROMPT = "JULIET:\n"


class Text(NamedTuple):
    """What a model is trained on and what it is measured on."""

    name: str
    train: str
    validation: str
    about: str


def main_job(options: Namespace) -> None:
    """Train a small GPT on the plays, and continue a prompt three ways."""
    folder, run = train(Namespace(**dict.fromkeys(CHOICES), **MAIN_JOB, out=None, resume=False))
    three_ways(run, PROMPT)
    print(f'\nGo on with:  python -m minilm generate {folder} "Your prompt"')


def train(options: Namespace) -> tuple[Path, Run]:
    """Train a model and leave a run folder. Of several processes rank 0 reads, and alone prints and saves."""
    with training.all_ranks() as group:
        folder, run, text = group.once(_begin, options)
        print(f"{text.about}\n")
        learn = _count if run.config["model"] == "ngram" else _fit
        learn(run, text, folder, options, group)
        group.once(save_weights, folder, run.model)
        print(f"\nheld-out text: {quality(run, text.validation, group)}\nrun folder: {folder}")
    return folder, run


def _begin(options) -> tuple[Path, Run, Text]:
    folder = _folder(options)
    return folder, *(_begun_run(folder) if options.resume else _new_run(options))


def _folder(options):
    """Where the run is, or is to be; and for a new run, the defaults of all that was not chosen."""
    if options.resume:
        if not options.out:
            raise ValueError("--resume needs --out, the folder of the run to go on with")
        if chosen := [f"--{name.replace('_', '-')}" for name in CHOICES if getattr(options, name) is not None]:
            raise ValueError(f"{', '.join(chosen)} cannot change: --resume goes on as the run began; leave it out")
        return options.out
    if options.out and options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out {options.out} is a file; expected a folder, new or empty")
    if options.out and holds_run(options.out):
        raise ValueError(f"--out {options.out} holds a run already; --resume goes on with it, or choose another folder")
    for name, value in DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options.out or fresh_folder(f"{Path(options.text).stem}-{options.model}")


def _begun_run(folder) -> tuple[Run, Text]:
    run = load_run(folder, weights=False)
    text = read(run.config["text"])
    if _fingerprint(text) != run.config["text_sha256"]:
        raise ValueError(f"{text.name} is not the text that the run in {folder} began with; restore it, or train anew")
    return run, text


def _fingerprint(text) -> str:
    return hashlib.sha256(text.train.encode("utf-8")).hexdigest()


def read(name: str) -> Text:
    """A corpus with whole documents held out, or a file with its last tenth held out."""
    if name in data.CORPORA:
        corpus = data.CORPORA[name]
        kept, held = data.split(data.documents(name), corpus.held_out)
        text, validation = ("\n\n".join(document.text for document in part) for part in (kept, held))
        titles = ", ".join(document.title for document in held) if len(held) < 5 else f"{len(held):,} documents"
        source = f"{name}: {corpus.description}\n{corpus.attribution}; {corpus.licence}\nheld out: {titles}"
    else:
        whole = _own_text(name)
        cut = whole.rfind("\n", 0, len(whole) * 9 // 10) + 1 or len(whole) * 9 // 10
        text, validation, source = whole[:cut], whole[cut:], f"{name}\nheld out: the last tenth"
        name = str(Path(name).resolve())
    size = f"{len(text):,} characters to train on, {len(validation):,} held out"
    return Text(name, text, validation, f"{source}\n{size}, {len(set(text))} different characters")


def _own_text(name):
    if not Path(name).exists() and not Path(name).suffix:
        raise ValueError(f"{name!r} is neither a file nor a corpus; the corpora are {', '.join(data.CORPORA)}")
    return data.read_text(name)


def _new_run(options) -> tuple[Run, Text]:
    text = read(options.text)
    size = {"size": options.vocabulary} if options.vocabulary else {}
    tokenizer = data.TOKENIZERS[options.tokenizer].train(text.train, **size)
    chosen = {name: getattr(options, name) for name in SIZES if getattr(options, name) is not None}
    if options.model == "ngram":
        chosen = {"order": 6} | chosen
    model = build(options.model, {"vocabulary": len(tokenizer)} | chosen, options.seed)
    config = {
        "model": options.model, "settings": model.settings, "seed": options.seed,
        "text": text.name, "text_sha256": _fingerprint(text),
        "training": {"batch": options.batch or BATCH.get(options.model, 16),
                     "learning_rate": options.learning_rate, "steps": options.steps,
                     "minutes": options.minutes or (None if options.steps else 1.5)},
    }  # fmt: skip
    return Run(model, tokenizer, config), text


def _count(run: Run, text: Text, folder: Path, options: Namespace, group: training.Group) -> None:
    """What training is for an n-gram model."""
    if group.size > 1:
        raise ValueError("--model ngram counts, in seconds and in one process; start it without mpiexec")
    run.model.fit(run.tokenizer.encode(text.train))
    save_config(folder, run)
    print(run.model.summary())


def _fit(run: Run, text: Text, folder: Path, options: Namespace, group: training.Group) -> None:
    chosen, model = run.config["training"], run.model
    if options.steps or options.minutes:  # on resuming: a new limit takes the place of the old ones
        chosen |= {"steps": options.steps, "minutes": options.minutes}
    ids, held_out = run.tokenizer.encode(text.train), run.tokenizer.encode(text.validation)
    optimizer = training.AdamW(model.parameters(), chosen["learning_rate"], betas=(0.9, 0.99), weight_decay=0.1)
    trainer = training.Trainer(
        model,
        optimizer,
        data.Windows(ids, model.window, chosen["batch"], run.config["seed"]),
        steps=chosen["steps"],
        minutes=chosen["minutes"],
        validation=_spread_sample(held_out),
        schedule=training.schedules.warmup_cosine(final=0.02),
        folder=folder,
        seed=run.config["seed"],
        group=group,
    )
    print(f"{model.summary()}\n")
    again = f"{group.launcher}python -m minilm train --out {folder} --resume"
    if group.size > 1:
        print(f"{group.size} processes train together; if one dies all end, and this goes on:\n  {again}\n")
    if options.resume:
        trainer.load_checkpoint()
        if trainer.progress >= 1:
            print("training has ended already; --steps or --minutes, counted from the start, lets it go on")
    group.once(save_config, folder, run)
    try:
        log = trainer.fit()
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{stop}\ngo on with:  {again}") from None
    print(f"trained {trainer.step:,} steps in {trainer.seconds:.1f} s")
    group.once(save_loss_curve, folder, log)


def _spread_sample(ids: np.ndarray, parts: int = 10, length: int = 2000) -> np.ndarray:
    """Short pieces from all over a text: enough for a curve while training; the whole is measured at the end."""
    return np.concatenate([part[:length] for part in np.array_split(ids, parts)])


def quality(run: Run, text: str, group: training.Group = training.ALONE) -> str:
    """Nats per token, perplexity and bits per character."""
    ids = run.tokenizer.encode(text)
    nats, count = training.total_nats(run.model, ids, group=group)
    predicted = len(text) - len(run.tokenizer.decode(ids[:1]))  # characters: nothing predicts the first token
    bits = metrics.bits_per_character(nats, predicted)
    told = (
        f"{nats / count:.3f} nats per {run.tokenizer.name}, perplexity {metrics.perplexity(nats / count):.2f}, "
        f"{bits:.3f} bits per character"
    )
    unknown = run.tokenizer.unknown(text)
    if unknown:
        told += f"; {len(unknown) / len(ids):.2%} of the tokens unknown to the model, such as {unknown[0]!r}"
    return told


def three_ways(run: Run, prompt: str, max_new_tokens: int = 240) -> None:
    """Continue a prompt greedily, by sampling and by beam search, side by side."""
    ids = run.tokenizer.encode(prompt)
    beams = beam_search(run.model, ids, max_new_tokens, num_beams=5, num_return_sequences=5)
    texts = {
        "greedy": greedy(run.model, ids, max_new_tokens),
        "sampled (temperature 0.8, top-p 0.95)": sample(
            run.model, ids, max_new_tokens, temperature=0.8, top_p=0.95, rng=np.random.default_rng(0)
        ),
        "beam search (5 beams)": beams[0].ids,
    }
    print(f"\nprompt: {prompt!r}\n\n{side_by_side({title: run.tokenizer.decode(ids) for title, ids in texts.items()})}")
    print("\nlog-probabilities of the 5 beams: " + ", ".join(f"{beam.log_prob:.1f}" for beam in beams))


def side_by_side(texts: dict[str, str], width: int = 38) -> str:
    """Texts in columns under their titles.

    >>> print(side_by_side({"one": "To be, or not", "two": "to be"}, width=8))
    one       two
    --------  --------
    To be,    to be
    or not
    """
    columns = [
        [title, "-" * width] + [part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""]]
        for title, text in texts.items()
    ]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join("  ".join(f"{cell:<{width}}" for cell in row).rstrip() for row in rows)


def generate(options: Namespace) -> None:
    """Continue a prompt with a trained model."""
    sampling = {name: getattr(options, name) for name in ("temperature", "top_k", "top_p")}
    sampling = {name: value for name, value in sampling.items() if value is not None}
    if options.num_beams and sampling:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in sampling)
        raise ValueError(f"--num-beams searches, and {flags} is for sampling; choose one of the two")
    run = load_run(options.folder)
    ids = run.tokenizer.encode(options.prompt)
    if unknown := dict.fromkeys(run.tokenizer.unknown(options.prompt)):
        print(f"the model never saw {' '.join(unknown)}; it reads � instead", file=sys.stderr)
    if options.num_beams:
        for beam in beam_search(run.model, ids, options.max_new_tokens, num_beams=options.num_beams)[:1]:
            print(f"{options.prompt}{run.tokenizer.decode(beam.ids)}\n\nlog-probability {beam.log_prob:.2f}")
        return
    if sampling:
        written = sample(run.model, ids, options.max_new_tokens, **sampling, rng=np.random.default_rng(options.seed))
    else:
        written = greedy(run.model, ids, options.max_new_tokens)
    print(options.prompt + run.tokenizer.decode(written))


def evaluate(options: Namespace) -> None:
    """Say how well a trained model predicts a text."""
    run = load_run(options.folder)
    text = data.read_text(options.file)
    print(f"{options.file}: {len(text):,} characters, {quality(run, text)}")


def corpora(options: Namespace) -> None:
    """List the corpora with licence and attribution."""
    for corpus in data.CORPORA.values():
        print(f"{corpus.name}  ({corpus.language}, {corpus.megabytes} MB)")
        print(f"    {corpus.description}\n    {corpus.licence}; {corpus.attribution}")
