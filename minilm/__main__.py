"""The command line: `python -m minilm` trains a GPT on Shakespeare's plays and lets it write; `--help` says more."""

import argparse
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from minilm import commands
from minilm.arguments import port, positive_float, positive_int, seed
from minilm.process import place
from minilm.tasks import command as tasks


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(
        prog="python -m minilm",
        description="Without a command: train a small GPT on Shakespeare's plays for 90 seconds, and continue a prompt "
        "by greedy decoding, sampling and beam search.",
    )
    top.set_defaults(run=commands.main_job)
    subparsers = top.add_subparsers(title="commands", metavar="")
    for add in (_add_train, _add_generate, _add_evaluate, _add_serve, tasks.add, _add_corpora):
        add(subparsers)
    return top


def _add_train(subparsers):
    train = subparsers.add_parser("train", help="train a model on a corpus or on a text of your own")
    train.set_defaults(run=commands.train)
    train.add_argument("text", nargs="?", metavar="CORPUS or FILE",
                       help="a name that `corpora` lists, or a UTF-8 text file (default: shakespeare)")  # fmt: skip
    train.add_argument("--model", choices=commands.MODEL_NAMES, help="default: gpt")
    train.add_argument("--tokenizer", choices=commands.TOKENIZER_NAMES, help="default: char")
    train.add_argument("--vocabulary", type=positive_int, metavar="V", help="how many words or byte pairs at most")
    train.add_argument("--minutes", type=positive_float, metavar="M",
                       help="training time (default: 1.5, or no limit if --steps is given)")  # fmt: skip
    train.add_argument("--steps", type=positive_int, metavar="N", help="updates: the same N gives the same model")
    train.add_argument("--width", type=positive_int,
                       help="channels (default: 128 for gpt, 256 for rnn, gru, lstm, 32 for mlp)")  # fmt: skip
    train.add_argument("--layers", type=positive_int, help="default: 4 for gpt, 1 for rnn, gru, lstm")
    train.add_argument("--heads", type=positive_int, help="gpt only (default: 4)")
    train.add_argument("--context", type=positive_int,
                       help="tokens seen at once (default: 128 for gpt, 64 for rnn, gru, lstm, 8 for mlp)")  # fmt: skip
    train.add_argument("--order", type=positive_int, help="ngram only: its n (default: 6)")
    train.add_argument("--dropout", type=float, help="gpt, rnn, gru, lstm only (default: 0)")
    train.add_argument("--batch", type=positive_int, help="windows per update (default: 4 for gpt, 16 for others)")
    train.add_argument("--learning-rate", type=positive_float, metavar="LR", help="default: 2e-3")
    train.add_argument("--seed", type=seed, help="default: 0")
    train.add_argument("--out", type=Path, metavar="DIR", help="the run folder (default: a new one in runs/)")
    train.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in --out as it began; --steps or --minutes then set a new end",
    )


def _add_generate(subparsers):
    generate = subparsers.add_parser("generate", help="continue a prompt")
    generate.set_defaults(run=commands.generate)
    generate.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    generate.add_argument("prompt")
    generate.add_argument("--max-new-tokens", type=positive_int, default=200, metavar="N", help="default: 200")
    generate.add_argument("--num-beams", type=positive_int, metavar="N", help="beam search with N beams")
    generate.add_argument("--temperature", type=float, metavar="T", help="sample; below 1 bolder tokens get rarer")
    generate.add_argument("--top-k", type=positive_int, metavar="K", help="sample among the K likeliest")
    generate.add_argument("--top-p", type=float, metavar="P", help="sample among the likeliest that make up P")
    generate.add_argument("--seed", type=seed, default=0, help="of sampling (default: 0)")


def _add_evaluate(subparsers):
    evaluate = subparsers.add_parser("evaluate", help="perplexity and bits per character of a text")
    evaluate.set_defaults(run=commands.evaluate)
    evaluate.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    evaluate.add_argument("file", type=Path, metavar="FILE", help="a UTF-8 text file")


def _add_serve(subparsers):
    serve = subparsers.add_parser(
        "serve",
        help="answer OpenAI's clients, on this machine",
        description="Serve a model at /v1/completions and /v1/chat/completions, with a page to look into it at /. "
        "If the environment variable MINILM_API_KEY is set, clients must send its value as their key.",
    )
    serve.set_defaults(run=_serve)
    serve.add_argument("run_or_name", metavar="RUN or NAME", help="a run folder, or the name of a published model")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine)")
    serve.add_argument("--port", type=port, default=8000, help="default: 8000; 0: any that is free")
    serve.add_argument("--together", type=positive_int, default=16, metavar="N",
                       help="how many answers are written at the same time (default: 16)")  # fmt: skip


def _serve(options):
    try:
        from minilm.serve import command
    except ImportError as error:
        raise ValueError(f"the server needs tornado ({error}); pip install tornado, or jupyterlab, brings it") from None
    command.run(options)


def _add_corpora(subparsers):
    subparsers.add_parser("corpora", help="list the corpora").set_defaults(run=commands.corpora)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 on an error that is told in one paragraph, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # not a console but something that was put in its place
            stream.reconfigure(encoding="utf-8", errors="replace")  # Windows consoles, for Chinese and for the frames
    with _one_voice():
        return _run(parser().parse_args(arguments))


@contextmanager
def _one_voice() -> Iterator[None]:
    """Of the processes that mpiexec starts on a machine only the first says what is wrong with their arguments."""
    if place().local_rank == 0:
        yield
        return
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def _run(options):
    try:
        if place().size > 1 and options.run is not commands.train:
            raise ValueError("mpiexec is for `train`, which divides its work; start this command without it")
        options.run(options)
    except KeyboardInterrupt as stop:
        print(f"\n{stop}" if str(stop) else "\nstopped", file=sys.stderr)
        return 130
    except (OSError, ValueError, FloatingPointError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
