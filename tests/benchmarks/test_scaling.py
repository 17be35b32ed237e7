"""The table of how training scales can be made; what it says is for people to look at."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_two_ranks_are_measured_against_one_process():
    pytest.importorskip("mpi4py")
    script = Path(__file__).with_name("scaling.py")
    arguments = ["--only", "gpt-main", "--turns", "1", "--seconds", "0.1"]
    run = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, encoding="utf-8", check=True)
    of_ranks = next(line for line in run.stdout.splitlines() if "2 ranks" in line)
    assert re.search(r"efficiency \d\.\d\d   communication \d+\.\d% \(.+ alone .+ for 3\.2 MB\)", of_ranks)
