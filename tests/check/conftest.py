"""Progress made in tests goes to a file of the test's own."""

import pytest


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    path = tmp_path / "progress.json"
    monkeypatch.setenv("MINILM_PROGRESS", str(path))
    return path
