"""The timing script works; what it measures is for people to look at."""

import json
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
