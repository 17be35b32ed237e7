"""The file of a study's results keeps what it is given, and shows each run in a line of its own."""

import json

import results
from results import Results

CONTENT = {"baselines": {"majority": 0.5}, "runs": [{"seed": 0, "said": "我喜欢读书。"}, {"seed": 1, "said": ""}]}


def kept(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    return Results("study", {"runs": []})


def test_what_is_written_is_read(monkeypatch, tmp_path):
    study = kept(monkeypatch, tmp_path)
    assert study.read() == {"runs": []}
    study.write(CONTENT)
    assert study.read() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_each_run_has_a_line_of_its_own(monkeypatch, tmp_path):
    study = kept(monkeypatch, tmp_path)
    study.write(CONTENT)
    lines = study.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line.rstrip(","))["seed"] for line in lines if line.startswith('{"seed"')] == [0, 1]
    study.write(CONTENT | {"runs": CONTENT["runs"][:1]})
    assert sum(line.startswith('{"seed"') for line in study.path.read_text(encoding="utf-8").splitlines()) == 1
