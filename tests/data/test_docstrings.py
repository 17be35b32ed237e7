"""Docstrings are read from sources, cleaned, and split so that no package and no copy is on both sides."""

import json
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

from minilm.data import docstrings as module
from minilm.data import python_files
from minilm.data.docstrings import (
    TEST,
    VALIDATION,
    Docstring,
    cleaned,
    drawn_by_hash,
    installed,
    of_file,
    once,
    split_docstrings,
)

SOURCE = '''
raise RuntimeError("whoever imports this file fails")

class Reader:
    """Read \\d+ one record after another.

    Records are separated by a line of :class:`Mark` and ``dots``, and may be empty.
    """
    def close(self):
        """Close it."""
        def inner():
            """Give the file back to the system.

            ----------
            It can be opened again, as often as you like, by anybody who may.
            """
    if True:
        def sort(self):
            """Sort the records."""
'''


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "reader.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_functions_and_classes_are_read_without_import(source):
    found = list(of_file("files", source))
    assert [(record.qualified_name, record.summary) for record in found] == [
        ("Reader", r"Read \d+ one record after another."),
        ("inner", "Give the file back to the system."),  # within a function
        ("Reader.sort", "Sort the records."),
    ]
    assert found[2].body == "" and found[2].text == "sort . reader:"
    assert found[0].body == "Records are separated by a line of Mark and dots, and may be empty."
    assert found[1].body == "It can be opened again, as often as you like, by anybody who may."
    assert "reader" not in sys.modules


@pytest.mark.parametrize("content", [b"def f(:\n", b"\xff\xfe\x00", b""], ids=["no Python", "no UTF-8", "empty"])
def test_a_file_that_cannot_be_read_has_none(content, tmp_path):
    (tmp_path / "bad.py").write_bytes(content)
    assert list(of_file("files", tmp_path / "bad.py")) == []


@pytest.mark.parametrize(
    ("docstring", "kept"),
    [
        ("Sum the rows.\n\nOne two three four five six seven eight.", "One two three four five six seven eight."),
        ("Sum rows.\n\nOne two three four five six seven eight.", None),
        ("Sum the rows.\nOne two three four five six seven eight.", None),
        ("Sum the rows.\n\nOne two three four five six seven.", ""),
        ("Sum the rows.", ""),
        ("Sum " + "very " * 20 + "much.\n\nOne two three four five six seven eight.", None),
        ("", None),
    ],
    ids=["right", "short summary", "two lines", "short body", "no body", "long summary", "none"],
)
def test_a_line_is_kept_with_the_body_under_it_if_that_is_long_enough(docstring, kept):
    record = cleaned("p", "name", "", docstring)
    assert (record and record.body) == kept


def record(package, name="f", body="a body", summary="Sum it."):
    return Docstring(package, name, body, summary)


def test_a_body_is_kept_once_and_a_name_with_its_summary_too():
    long = "word " * 20
    records = [
        record("a", "f", long + "one", "First."),
        record("b", "g", long + "two", "Second."),  # the same first 20 words
        record("c", "f", "another", "First."),  # the same name and summary
        record("d", "g", "a third", "First."),
    ]
    assert [r.package for r in once(records)] == ["a", "d"]


def test_a_line_without_a_body_is_no_copy_of_another_but_gives_way_to_one_with_a_body():
    records = [record("a", "f", "", "One."), record("b", "g", "", "Two."), record("c", "f", "a body", "One.")]
    assert [r.package for r in once(records)] == ["c", "b"]


def test_a_line_without_a_body_is_learned_from_and_never_held_out():
    records = [
        record("numpy", body="b1", summary="S1"),
        record("numpy", body="", summary="S2"),
        record("numpy", body="", summary="S5"),  # the summary of a test package
        record(VALIDATION[0], body="b3", summary="S3"),
        record(VALIDATION[0], body="", summary="S4"),
        record(TEST[0], body="b5", summary="S5"),
        record(TEST[0], body="", summary="S6"),
    ]
    assert [[r.summary for r in part] for part in split_docstrings(records)] == [["S1", "S2"], ["S3"], ["S5"]]


def test_no_package_summary_or_body_is_on_two_sides():
    records = [
        record("numpy", body="b1", summary="S1"),
        record("numpy", body="b2", summary="S4."),  # the summary of a test package
        record("numpy", body="B3", summary="S3"),  # the body of a validation package
        record(VALIDATION[0], body="b3", summary="s5"),
        record(VALIDATION[0], body="b4", summary="s6"),  # the body of a test package
        record(TEST[0], body="b4", summary="s4"),
    ]
    train, validation, test = split_docstrings(records)
    assert [r.summary for r in train] == ["S1"]
    assert [r.summary for r in validation] == ["s5"]
    assert [r.summary for r in test] == ["s4"]


def test_what_is_held_out_was_drawn_by_a_hash_among_packages_of_like_size():
    one_line = [record("jedi", body="")] * 300  # the first by its hash; but it has nothing to summarise
    large = ("pygments", "pytest", "packaging", "hypothesis", "tornado", "traitlets", "jupyter-client", "numba",
             "babel", "anyio", "pyzmq", "prompt-toolkit", "pillow", "jupyter-server")  # fmt: skip
    records = [record(name) for name in reversed(large) for _ in range(100)]
    records += [record("matplotlib")] * 401 + [record("attrs")] * 99 + one_line
    assert drawn_by_hash(records) == (list(TEST), list(VALIDATION))
    assert drawn_by_hash(records[100:]) == (list(TEST), list(VALIDATION))  # without the last of the order
    assert drawn_by_hash([r for r in records if r.package != TEST[0]]) != (list(TEST), list(VALIDATION))


def test_bad_splits_are_named():
    with pytest.raises(ValueError, match="numpy is in test and in validation"):
        split_docstrings([record("numpy")], test=["numpy"], validation=["numpy"])
    with pytest.raises(ValueError, match="none is left for validation"):
        split_docstrings([record("numpy"), record(TEST[0], body="b", summary="Another.")])


def test_the_packages_are_those_of_the_requirements():
    requirements = Path(__file__).parents[2] / "requirements.txt"
    lines = [line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    named = {line.split()[0] for line in lines if line and line != "-e ." and line[0].isalpha()}
    assert named == set(python_files.REQUIRED)


def test_needs_of_needs_are_installed_packages_too():
    found = installed()
    assert found["numpy"] == metadata.version("numpy")
    assert "pluggy" in found  # pytest needs it
    assert "torch" not in found


def test_without_any_package_it_is_told_how_to_install_them(monkeypatch):
    monkeypatch.setattr(python_files, "REQUIRED", ("no-such-package",))
    with pytest.raises(OSError, match=r"pip install -r requirements\.txt"):
        module.docstrings()


def test_a_second_call_reads_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MINILM_CACHE", str(tmp_path))
    monkeypatch.setattr(python_files, "REQUIRED", ("pluggy",))
    monkeypatch.setattr(python_files, "_of_python", lambda: [("json/decoder.py", Path(json.decoder.__file__))])
    first = module.docstrings()
    monkeypatch.setattr(module, "of_package", lambda package: pytest.fail("it was read again"))
    assert first == module.docstrings()
    found = Counter(r.package for r in first)
    assert set(found) == {"pluggy", "python"} and found["pluggy"] > 5


def test_pythons_own_library_is_read_but_not_what_is_installed_beside_it(monkeypatch):
    names = [name for name, _ in python_files._of_python()]
    assert "json/decoder.py" in names and not any("site-packages" in name for name in names)
    monkeypatch.setattr(python_files, "_of_python", lambda: [(name, Path(json.decoder.__file__)) for name in names[:9]])
    assert {record.name for record in module.of_package("python")} == {"JSONDecoder", "JSONDecodeError"}
