"""The main job, as the README's first command ends in it: `python -m minilm` on a machine with a package index."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.network
BOUND = 1.75  # nats per character on the held-out plays
ENOUGH_STEPS = 1250  # that many reach the bound (1.746); two free cores with AVX2 make 1,500 to 1,900 in 90 s


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder it ran in, and what it printed."""
    folder = tmp_path_factory.mktemp("main")
    run = subprocess.run(
        [sys.executable, "-m", "minilm"], cwd=folder, capture_output=True, encoding="utf-8", timeout=900
    )
    assert run.returncode == 0, run.stderr
    return folder, run.stdout, run.stderr


def test_it_reaches_the_bound_on_the_held_out_plays_in_90_seconds(finished):
    _, shown, _ = finished
    print(shown)
    steps, seconds = re.search(r"trained ([\d,]+) steps in ([\d.]+) s", shown).groups()
    assert float(seconds) <= 91  # and the step that began before
    if int(steps.replace(",", "")) < ENOUGH_STEPS:
        pytest.skip(f"only {steps} steps in 90 s: the machine is too busy for the bound to say anything about the code")
    assert 1.2 < float(re.search(r"held-out text: ([\d.]+) nats per char", shown)[1]) <= BOUND


def test_it_says_what_it_trains_on_and_how_it_goes(finished):
    _, shown, progress = finished
    for part in ("38 plays", "public domain", "held out: As You Like It, Hamlet", "characters to train on", "bits per"):
        assert part in shown
    for part in ("loss", "tokens/s", "s left"):
        assert part in progress


def test_it_writes_three_ways(finished):
    _, shown, _ = finished
    assert re.search(r"greedy +sampled .* +beam search \(5 beams\)", shown)
    assert len(re.findall(r"-\d+\.\d", shown.splitlines()[-3] + shown.splitlines()[-2])) >= 5


def test_it_leaves_a_run_folder_that_can_be_used_without_a_network(finished):
    folder, _, _ = finished
    (run,) = (folder / "runs").iterdir()
    assert {"model.safetensors", "config.json", "tokenizer.json", "loss.png", "log.csv"} <= {
        p.name for p in run.iterdir()
    }
    offline = os.environ | {"PIP_NO_INDEX": "1", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_FIND_LINKS": ""}
    commands = [
        ["generate", str(run), "HAMLET:\n", "--max-new-tokens", "40"],
        ["train", "--steps", "2", "--out", "again"],
    ]
    for command in commands:
        subprocess.run([sys.executable, "-m", "minilm", *command], cwd=folder, env=offline, check=True, timeout=300)
    assert Path(folder, "again", "model.safetensors").exists()
