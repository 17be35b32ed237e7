"""`python -m minilm serve RUN`"""

import sys

import numpy as np
import pytest

from minilm import data, models, serve
from minilm.__main__ import main
from minilm.runs import Run, save_config, save_weights
from minilm.serve import command, server


@pytest.fixture
def run(tmp_path):
    """A run folder, of a model that has learned nothing."""
    tokenizer = data.CharTokenizer.train("To be, or not to be: 你好")
    model = models.GPT(len(tokenizer), width=8, layers=1, heads=1, context=8, rng=np.random.default_rng(0))
    config = {
        "model": "gpt", "settings": model.settings, "seed": 0, "text": "", "text_sha256": "",
        "training": {"batch": 1, "learning_rate": 1, "steps": 1, "minutes": None},
    }  # fmt: skip
    save_config(tmp_path / "plays", Run(model, tokenizer, config))
    save_weights(tmp_path / "plays", model)
    return tmp_path / "plays"


@pytest.fixture
def served(monkeypatch):
    """What the command would serve."""
    seen = {}

    def record(served, ready, **settings):
        seen.update(served=served, **settings)
        ready("http://127.0.0.1:8000")

    monkeypatch.setattr(server, "serve", record)
    return seen


def test_a_run_is_served_on_this_machine_only(run, served, capsys):
    assert main(["serve", str(run)]) == 0
    assert served["served"].name == "plays"
    assert (served["host"], served["port"], served["key"]) == ("127.0.0.1", 8000, None)
    shown = capsys.readouterr()
    assert "plays answers at http://127.0.0.1:8000" in shown.out
    assert shown.err == ""


def test_the_key_comes_from_the_environment(run, served, monkeypatch):
    monkeypatch.setenv(command.API_KEY, "secret")
    assert main(["serve", str(run), "--together", "3"]) == 0
    assert (served["key"], served["limits"].together) == ("secret", 3)


def test_whoever_opens_it_to_others_without_a_key_is_told(run, served, capsys):
    assert main(["serve", str(run), "--host", "0.0.0.0"]) == 0
    assert f"set {command.API_KEY} to ask for a key" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["serve", str(tmp_path / "nowhere")]) == 1
    assert "nowhere is no run folder" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(run, capsys):
    with serve.running(serve.load(run)) as address:
        port = address.rpartition(":")[2]
        assert main(["serve", str(run), "--port", port]) == 1
    assert f"port {port} of 127.0.0.1 cannot be opened" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "70000", "http"])
def test_a_port_is_a_number(port):
    with pytest.raises(SystemExit, match="2"):
        main(["serve", "run", "--port", port])


def test_without_tornado_the_rest_works_and_this_says_what_to_install(run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "minilm.serve", None)
    assert main(["corpora"]) == 0
    assert main(["serve", str(run)]) == 1
    assert "pip install tornado" in capsys.readouterr().err
