"""Tests of notebooks take `path`, each notebook, or `stub`, each exercise's stub with its notebook and its name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from reading import NOTEBOOKS, read, stubs


def pytest_generate_tests(metafunc):
    if "path" in metafunc.fixturenames:
        metafunc.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
    if "stub" in metafunc.fixturenames:
        found = [(path, name, cell) for path in NOTEBOOKS for name, cell in stubs(read(path))]
        metafunc.parametrize("stub", found, ids=[f"{path.stem}-{name}" for path, name, _ in found])
