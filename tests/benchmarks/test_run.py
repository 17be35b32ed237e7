"""The timing script works, and judges as it says; what it measures is for people to look at."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import products
import pytest
import table
import turns
import workloads

SCRIPT = Path(__file__).with_name("run.py")


@pytest.mark.slow
def test_rows_are_measured_against_pytorch(tmp_path):
    pytest.importorskip("torch")
    names = ["gpt-main", "decode-s"]
    arguments = [argument for name in names for argument in ("--only", name)]
    files = ["--json", str(tmp_path / "rows.json"), "--out", str(tmp_path)]
    command = [sys.executable, str(SCRIPT), *arguments, "--pairs", "2", *files]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert all(name in run.stdout for name in names)
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [row["workload"] for row in rows] == names
    assert all(row["ratio"] > 0 and {"peer", "target", "met"} <= row.keys() for row in rows)
    assert (tmp_path / "table.md").read_text(encoding="utf-8") in run.stdout
    assert (tmp_path / "table.png").stat().st_size > 0


def test_a_ratio_is_judged_by_its_median():
    columns = {"minilm": [0.7, 0.7, 9.0], workloads.EAGER: [1.0, 1.0, 1.0], workloads.COMPILED: [0.5, 1.0, 9.0]}
    eager, compiled = table.comparisons("gpt-s", columns)
    assert (eager["ratio"], eager["target"], eager["met"]) == (0.7, 0.75, True)
    assert (compiled["ratio"], compiled["target"], compiled["met"]) == (1.0, 0.85, False)
    assert "0.70 (0.70 to 4.85)" in table.markdown([eager, compiled])


def test_without_a_peer_seconds_are_judged():
    [row] = table.comparisons("first-step-cold", {"minilm": [21.0]})
    assert (row["peer"], row["ratio"], row["met"]) == (None, 21.0, False)
    assert "at most 20 s: not met" in table.markdown([row])


def test_a_peer_that_is_missing_is_named_and_not_judged():
    rows = table.comparisons("gpt-s", {"minilm": [1.0, 1.0], workloads.EAGER: [2.0, 2.0], workloads.COMPILED: "no g++"})
    assert [row["met"] for row in rows] == [True, None]
    assert "no g++" in table.markdown(rows)


def test_results_agree_only_if_they_are_the_same():
    assert turns.agree(4.1702, 4.1703) and turns.agree([1, 2], [1, 2])
    assert not turns.agree(4.17, 4.18) and not turns.agree([1, 2], [1, 3])


def test_the_limit_counts_the_products_of_a_step():
    size = {"vocabulary": 5, "width": 8, "layers": 2, "heads": 2, "context": 4, "batch": 3}
    N, C, T = 12, 8, 4
    counted = sum(a.size * b.shape[-1] for a, b, _ in products.products_of(**size))
    assert counted == 3 * N * C * (2 * 12 * C + 5) + 2 * 6 * N * T * C
    assert all(np.shape(a @ b) == out.shape for a, b, out in products.products_of(**size))
