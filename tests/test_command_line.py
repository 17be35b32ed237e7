"""The command line: train, resume, generate, evaluate; and an exit status other than 0 with a reason when it fails."""

import json
import re
import signal

import numpy as np
import pytest

from minilm import commands, training
from minilm.__main__ import main, parser

TEXT = "".join(f"你好，世界{n}。\nTo be, or not to be: {n} questions.\n" for n in range(120))
SMALL = ["--batch", "4", "--context", "8", "--steps", "4"]
SIZES = {
    "ngram": ["--order", "3"],
    "mlp": ["--steps", "4", "--batch", "4", "--width", "8", "--context", "3"],
    "rnn": ["--width", "16", *SMALL],
    "gru": ["--width", "16", *SMALL],
    "lstm": ["--width", "16", "--layers", "2", *SMALL],
    "gpt": ["--width", "16", "--layers", "1", "--heads", "2", *SMALL],
    "llama": ["--width", "16", "--layers", "1", "--heads", "2", *SMALL],
}


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "文.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def gpt(text, tmp_path, capsys):
    """The folder of a trained small GPT."""
    assert main(["train", str(text), *SIZES["gpt"], "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    return tmp_path / "run"


def test_every_model_has_sizes_for_these_tests():
    assert set(SIZES) == set(commands.MODEL_NAMES)


@pytest.mark.parametrize("model", commands.MODEL_NAMES)
def test_every_model_trains_writes_and_is_evaluated(model, text, tmp_path, capsys):
    run = str(tmp_path / "run")
    assert main(["train", str(text), "--model", model, *SIZES[model], "--out", run]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"held-out text: \d\.\d+ nats per char, perplexity \d+\.\d+, \d\.\d+ bits per character", shown)
    for way in ([], ["--num-beams", "2"], ["--temperature", "0.8", "--top-k", "5", "--top-p", "0.9"]):
        assert main(["generate", run, "你好", "--max-new-tokens", "12", *way]) == 0
        assert capsys.readouterr().out.startswith("你好")
    assert main(["evaluate", run, str(text)]) == 0
    assert "bits per character" in capsys.readouterr().out


@pytest.mark.parametrize("tokenizer", commands.TOKENIZER_NAMES)
def test_every_tokenizer_serves(tokenizer, text, tmp_path, capsys):
    run = str(tmp_path / "run")
    options = ["--tokenizer", tokenizer, "--vocabulary", "280"]
    assert main(["train", str(text), *SIZES["gpt"], *options, "--out", run]) == 0
    assert main(["generate", run, "世界", "--max-new-tokens", "5"]) == 0
    assert f"nats per {tokenizer}" in capsys.readouterr().out


def test_a_run_folder_holds_weights_configuration_vocabulary_curve_and_log(gpt):
    names = {path.name for path in gpt.iterdir()}
    assert names == {
        "model.safetensors", "config.json", "tokenizer.json", "log.csv", "loss.png", "checkpoint.safetensors",
    }  # fmt: skip
    assert (gpt / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert len((gpt / "log.csv").read_text(encoding="utf-8").splitlines()) == 5
    config = json.loads((gpt / "config.json").read_text(encoding="utf-8"))
    assert config["model"] == "gpt"
    assert config["settings"]["width"] == 16


def test_an_interrupted_run_goes_on_to_the_same_model(gpt, text, tmp_path, monkeypatch, capsys):
    update = training.Trainer._update

    def interrupted_at_2(trainer):
        result = update(trainer)
        if trainer.step == 2:
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(training.Trainer, "_update", interrupted_at_2)
    run = tmp_path / "interrupted"
    assert main(["train", str(text), *SIZES["gpt"], "--out", str(run)]) == 130
    assert "stopped after step 2; the last checkpoint is" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(["generate", str(run), "To"]) == 1
    assert "training has not ended; `--resume` goes on" in capsys.readouterr().err
    assert main(["train", "--resume", "--out", str(run)]) == 0
    assert (run / "model.safetensors").read_bytes() == (gpt / "model.safetensors").read_bytes()


def test_one_seed_gives_one_run_and_another_seed_another(gpt, text, tmp_path):
    for name, seed in (("same", "0"), ("other", "1")):
        main(["train", str(text), *SIZES["gpt"], "--seed", seed, "--out", str(tmp_path / name)])
    same, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("same", "other"))
    assert same == (gpt / "model.safetensors").read_bytes() != other


def test_quality_is_perplexity_and_bits_of_the_same_sum(gpt):
    run = commands.load_run(gpt)
    nats, count = training.total_nats(run.model, run.tokenizer.encode(TEXT))
    shown = commands.quality(run, TEXT)
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", shown)]
    assert count == len(TEXT) - 1
    np.testing.assert_allclose(numbers, [nats / count, np.exp(nats / count), nats / count / np.log(2)], rtol=1e-3)


def test_three_ways_stand_side_by_side(gpt, capsys):
    commands.three_ways(commands.load_run(gpt), "你好", max_new_tokens=20)
    shown = capsys.readouterr().out
    assert re.search(r"greedy +sampled .*temperature 0.8, top-p 0.95.* +beam search \(5 beams\)", shown)
    log_probs = [float(number) for number in re.findall(r"-\d+\.\d", shown.splitlines()[-1])]
    assert len(log_probs) == 5
    assert log_probs == sorted(log_probs, reverse=True)


def test_the_corpora_are_listed_with_their_licences(capsys):
    assert main(["corpora"]) == 0
    shown = capsys.readouterr().out
    for name in ("shakespeare", "tatoeba", "CC BY 2.0 FR", "MIT"):
        assert name in shown


def test_help_tells_the_commands(capsys):
    with pytest.raises(SystemExit, match="0"):
        parser().parse_args(["--help"])
    shown = capsys.readouterr().out
    for command in ("train", "generate", "evaluate", "corpora", "beam search"):
        assert command in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "no-such-corpus"], "neither a file nor a corpus; the corpora are shakespeare"),
        (["train", "missing.txt"], "there is no file missing.txt"),
        (["train", "--resume"], "--resume needs --out"),
        (["generate", "nowhere", "To"], "nowhere is no run folder"),
        (["evaluate", "nowhere", "missing.txt"], "nowhere is no run folder"),
    ],
)
def test_a_failure_is_told_and_is_not_status_0(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--width", "15"], "width 15 is not a multiple of heads 2"),
        (["--model", "lstm"], "heads"),
        (["--batch", "4000"], "too short for a batch"),
        (["--tokenizer", "word", "--vocabulary", "1"], "size"),
    ],
)
def test_settings_that_do_not_fit_are_named_before_training(arguments, message, text, tmp_path, capsys):
    assert main(["train", str(text), *SIZES["gpt"], *arguments, "--out", str(tmp_path / "run")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten(gpt, text, capsys):
    assert main(["train", str(text), *SIZES["gpt"], "--out", str(gpt)]) == 1
    assert "holds a run already; --resume goes on with it" in capsys.readouterr().err


def test_damaged_runs_are_refused(gpt, capsys):
    (gpt / "model.safetensors").write_bytes(b"\x00" * 50)
    assert main(["generate", str(gpt), "To"]) == 1
    assert "is damaged or no safetensors file" in capsys.readouterr().err
    (gpt / "config.json").write_text("{", encoding="utf-8")
    assert main(["generate", str(gpt), "To"]) == 1
    assert "config.json is damaged" in capsys.readouterr().err


def test_an_empty_prompt_is_named(gpt, capsys):
    assert main(["generate", str(gpt), ""]) == 1
    assert "prompt has shape (0,)" in capsys.readouterr().err


def test_beams_and_sampling_exclude_each_other(gpt, capsys):
    assert main(["generate", str(gpt), "To", "--num-beams", "2", "--temperature", "1"]) == 1
    assert "choose one" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["train", "--minutes", "0"], ["train", "--model", "bert"], ["fly"]])
def test_arguments_out_of_range_are_status_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "error: argument" in capsys.readouterr().err


def test_what_a_run_began_with_cannot_change_on_resuming(gpt, capsys):
    assert main(["train", "--out", str(gpt), "--resume", "--model", "lstm", "--learning-rate", "5"]) == 1
    assert "--model, --learning-rate cannot change" in capsys.readouterr().err


def test_a_new_limit_takes_the_place_of_the_old_one(text, tmp_path, capsys):
    run = str(tmp_path / "run")
    assert main(["train", str(text), *SIZES["gpt"][:-2], "--minutes", "0.00001", "--out", run]) == 0
    assert main(["train", "--out", run, "--resume"]) == 0
    assert "training has ended already" in capsys.readouterr().out
    assert main(["train", "--out", run, "--resume", "--steps", "9"]) == 0
    assert "trained 9 steps" in capsys.readouterr().out


def test_a_text_that_has_changed_since_is_not_gone_on_with(gpt, text, capsys):
    text.write_text("something else " * 2000, encoding="utf-8")
    assert main(["train", "--out", str(gpt), "--resume"]) == 1
    assert "is not the text that the run in" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", '"x"', "{}", '{"model": "gpt"}', "{", "", "null"])
def test_a_damaged_configuration_is_named(content, gpt, capsys):
    (gpt / "config.json").write_text(content, encoding="utf-8")
    assert main(["generate", str(gpt), "a"]) == 1
    assert re.search(r"config\.json is damaged .*; take a copy, or train again", capsys.readouterr().err)


@pytest.mark.parametrize("name", ["seed", "text_sha256", "training", "batch", "minutes"])
def test_a_configuration_that_lacks_something_is_damaged(name, gpt, capsys):
    config = json.loads((gpt / "config.json").read_text(encoding="utf-8"))
    (config if name in config else config["training"]).pop(name)
    (gpt / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert main(["train", "--out", str(gpt), "--resume"]) == 1
    assert re.search(rf"is damaged .*it lacks .*{name}", capsys.readouterr().err)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_of_a_run_is_named(name, gpt, capsys):
    (gpt / name).unlink()
    assert main(["generate", str(gpt), "a"]) == 1
    assert f"has no {name}" in capsys.readouterr().err


def test_a_folder_without_checkpoint_or_weights_may_be_begun_anew(gpt, text):
    for name in ("model.safetensors", "checkpoint.safetensors"):
        (gpt / name).unlink()
    assert main(["train", str(text), *SIZES["gpt"], "--out", str(gpt)]) == 0


def test_a_file_in_the_place_of_the_folder_is_named(text, capsys):
    assert main(["train", str(text), "--out", str(text)]) == 1
    assert "is a file; expected a folder" in capsys.readouterr().err


def test_what_the_model_never_saw_is_told(gpt, text, tmp_path, capsys):
    assert main(["generate", str(gpt), "猫猫o", "--max-new-tokens", "2"]) == 0
    assert "the model never saw 猫;" in capsys.readouterr().err
    strange = tmp_path / "strange.txt"
    strange.write_text(text.read_text(encoding="utf-8")[:99] + "猫", encoding="utf-8")
    assert main(["evaluate", str(gpt), str(strange)]) == 0
    assert "1.00% of the tokens unknown to the model, such as '猫'" in capsys.readouterr().out


def test_an_unknown_word_counts_with_all_its_characters(text, tmp_path):
    folder = tmp_path / "words"
    assert main(["train", str(text), *SIZES["gpt"], "--tokenizer", "word", "--out", str(folder)]) == 0
    loaded = commands.load_run(folder)
    short, long = (commands.quality(loaded, f"a {word} a {word} a") for word in ("z", "z" * 50))
    bits = [float(re.search(r"([\d.]+) bits per character", told)[1]) for told in (short, long)]
    assert bits[0] == pytest.approx(bits[1] * 106 / 8, rel=0.01)


def test_ctrl_c_tells_how_to_go_on(text, tmp_path, capsys, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt("stopped after step 1")

    monkeypatch.setattr("minilm.training.Trainer.fit", interrupted)
    assert main(["train", str(text), *SIZES["gpt"], "--out", str(tmp_path / "run")]) == 130
    assert f"python -m minilm train --out {tmp_path / 'run'} --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "'-1' is not a whole number, 0 or more"),
        (["--width", "abc"], "'abc' is not a whole number, 1 or more"),
        (["--minutes", "inf"], "'inf' is not a number above 0"),
    ],
)
def test_a_number_that_is_none_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(["train", *arguments])
    assert message in capsys.readouterr().err
