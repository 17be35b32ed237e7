"""Python's sources on the reader's machine, and what is documented in them: read, never imported.

They are those of the packages that minilm's requirements bring to every installation, and of Python's own library.
"""

import ast
import platform
import re
import sysconfig
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

# What requirements.txt names; numba is missing on some machines, and is then left out.
REQUIRED = ("hypothesis", "jupyterlab", "matplotlib", "numba", "numpy", "pytest", "safetensors", "tqdm")

PYTHON = "python"  # stands for Python's own library; read last, so that a copy is left out here and not elsewhere
NOT_DOCUMENTED = re.compile(r"(^|/)(_?tests?|testing|_vendor|conftest\.py|test_[^/]*\.py)(/|$)")
INSTALLED = ("site-packages", "dist-packages")  # what is not Python's own, but beside it


def installed() -> dict[str, str]:
    """Names and versions of what is read: the packages of requirements.txt, all that they need, and Python."""
    found, to_do = {}, list(REQUIRED)
    while to_do:
        name = re.sub(r"[-_.]+", "-", to_do.pop()).lower()
        if name not in found and (package := _distribution(name)):
            found[name] = package.version
            to_do += [_name(need) for need in package.requires or [] if "extra ==" not in need]
    return dict(sorted(found.items())) | ({PYTHON: platform.python_version()} if found else {})


def _distribution(name):
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:  # needed on other machines than this one
        return None


def _name(requirement):
    return re.match(r"[\w.-]+", requirement)[0]


def sources_of(package: str) -> Iterator[Path]:
    """The files of an installed package, without its tests and what it has copied from others."""
    for name, path in sorted(_of_python() if package == PYTHON else _of_distribution(package)):
        if name.endswith(".py") and not NOT_DOCUMENTED.search(name):
            yield path


def _of_distribution(package) -> Iterator[tuple[str, Path]]:
    """(name within the package, path) of its files."""
    return ((file.as_posix(), Path(file.locate())) for file in metadata.distribution(package).files or [])


def _of_python() -> Iterator[tuple[str, Path]]:
    library = Path(sysconfig.get_paths()["stdlib"])
    for part in library.iterdir():
        if part.name not in INSTALLED:
            for path in part.rglob("*.py") if part.is_dir() else [part]:
                yield path.relative_to(library).as_posix(), path


class Documented(NamedTuple):
    """A function or class, and what is said of it."""

    name: str
    owner: str
    """The class in whose body it stands, "" if in none."""
    docstring: str
    """"" if there is none."""


def documented(path: Path) -> Iterator[Documented]:
    """Each function and class in a file; nothing of a file that is no Python.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "shapes.py"
    >>> _ = path.write_text('class Circle:\\n  def area(self):\\n    "Return the area."', encoding="utf-8")
    >>> for found in documented(path):
    ...     print(tuple(found))
    ('Circle', '', '')
    ('area', 'Circle', 'Return the area.')
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes such as "\d" in other people's files
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node, owner in _definitions(tree):
        yield Documented(node.name, owner, ast.get_docstring(node) or "")


def _definitions(node, owner="") -> Iterator[tuple[ast.AST, str]]:
    """The functions and classes in a node's body, and in theirs; each with the class in whose body it stands."""
    for child in getattr(node, "body", []):
        inner = owner  # what stands under an `if` belongs to the same class
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child, owner
            inner = child.name if isinstance(child, ast.ClassDef) else ""
        yield from _definitions(child, inner)
