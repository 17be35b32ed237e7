"""The timing scripts work; what they measure is for people to look at."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_row_is_measured_against_pytorch(tmp_path):
    pytest.importorskip("torch")
    arguments = ["--only", "gpt-main", "--only", "decode", "--pairs", "2", "--json", str(tmp_path / "rows.json")]
    script = Path(__file__).with_name("run.py")
    run = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, encoding="utf-8", check=True)
    assert "gpt-main" in run.stdout
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [row["workload"] for row in rows] == ["gpt-main", "decode"]
    assert all(row["minilm_ms"] > 0 and row["pytorch_ms"] > 0 for row in rows)


@pytest.mark.slow
def test_two_ranks_are_measured_against_one_process():
    pytest.importorskip("mpi4py")
    script = Path(__file__).with_name("scaling.py")
    arguments = ["--only", "gpt-main", "--turns", "1", "--seconds", "0.1"]
    run = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, encoding="utf-8", check=True)
    of_ranks = next(line for line in run.stdout.splitlines() if "2 ranks" in line)
    assert re.search(r"efficiency \d\.\d\d   communication \d+\.\d% \(.+ alone .+ for 3\.2 MB\)", of_ranks)
