"""Files are whole or not there, and caches find a place."""

import tempfile
from pathlib import Path

import pytest

from minilm import files
from minilm.files import cache_folder, replacing


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "名.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        _ = 1 / 0
    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["名.txt"]


def test_an_error_of_the_disk_names_the_file(tmp_path):
    with pytest.raises(OSError, match=r"model could not be written \(No space left"), replacing(tmp_path / "model"):
        raise OSError(28, "No space left on device")


def test_missing_folders_are_made(tmp_path):
    with replacing(tmp_path / "a" / "b.txt") as temporary:
        temporary.write_text("x", encoding="utf-8")
    assert (tmp_path / "a" / "b.txt").exists()


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MINILM_CACHE", str(tmp_path))
    assert cache_folder("corpora") == tmp_path / "corpora"


def test_an_unwritable_cache_gives_way_to_a_temporary_one(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("MINILM_CACHE", str(tmp_path / "file"))
    assert Path(tempfile.gettempdir()) in cache_folder("test").parents


def test_no_writable_cache_at_all_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("MINILM_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(OSError, match="set the environment variable MINILM_CACHE"):
        cache_folder("test")
