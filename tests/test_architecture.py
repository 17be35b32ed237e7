"""The house rules that a machine can check: imports only go down, files and functions stay short, all is documented."""

import ast
import importlib
import inspect
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minilm"
FLOORS = [
    ["arguments", "expect", "files", "packages", "process"],
    ["kernels", "metrics", "plots"],
    ["autograd", "data"],
    ["nn", "generate"],
    ["models", "training"],
    ["runs", "compress", "pretrained", "tasks"],
    ["check", "serve"],
    ["commands"],
    ["__main__"],
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
ROOMS = [room for rooms in FLOORS[1:7] for room in rooms]
FILES = sorted(PACKAGE.rglob("*.py"))
TEXTS = [ROOT / name for name in subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
).stdout.splitlines()]  # fmt: skip
TEXTS = [
    path for path in TEXTS if path.suffix in {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ""} and path.is_file()
]


def imported_rooms(source, module):
    """The rooms of minilm that the source of `module` ("models.gpt") imports, its own not counted."""
    package = ["minilm", *module.split(".")][: -1 if module else None]
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            names |= {base} if base.count(".") else {f"{base}.{alias.name}" for alias in node.names}
    rooms = {name.split(".")[1] for name in names if name.startswith("minilm.")}
    return (rooms & set(FLOOR)) - {module.split(".")[0]}


def climbing(source, module):
    """Imports that do not go down."""
    own = module.split(".")[0]
    return {room for room in imported_rooms(source, module) if FLOOR[room] >= FLOOR[own]}


def test_every_room_has_a_floor():
    assert {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} == {
        *FLOOR,
        "__init__",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_only_go_down(path):
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    if module != "__init__":
        assert climbing(path.read_text(encoding="utf-8"), module) == set()


@pytest.mark.parametrize(
    "source",
    [
        "from minilm.models import GPT",
        "from minilm import models",
        "import minilm.models.gpt",
        "from ..models import gpt",
        "from .. import training",
        "def late():\n    from minilm.runs import load_run",
    ],
)
def test_an_import_that_climbs_is_noticed(source):
    assert climbing(source, "nn.layers")


def test_an_import_of_the_own_room_or_of_a_lower_one_is_fine():
    source = "from .module import Module\nfrom minilm import autograd\nfrom minilm.kernels.pair import Kernel"
    assert climbing(source, "nn.layers") == set()


@pytest.mark.parametrize("module", ["minilm", "minilm.commands"])
def test_importing_minilm_imports_nothing_heavy(module):
    heavy = ["numba", "matplotlib", "mpi4py", "torch", "transformers", "scipy"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_is_read_in_one_sitting(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= (900 if path.parent.name == "topics" else 265)  # a catalogue is looked up in
    assert ast.get_docstring(ast.parse(source))


def length(function):
    """Lines of a function without its docstring."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if documented else 0)


def test_functions_are_short():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES]
    lengths = sorted(length(node) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    assert statistics.median(lengths) <= 7
    assert lengths[int(0.9 * len(lengths))] <= 20
    assert lengths[-1] <= 45


def undocumented(owner, prefix):
    """Public functions, classes and methods of a room that have no docstring, of their own or of what they override."""
    for name, thing in vars(owner).items():
        if name.startswith("_") or not callable(thing) or not getattr(thing, "__module__", "").startswith("minilm"):
            continue
        if not inspect.getdoc(getattr(owner, name)) and not overrides(owner, name):
            yield f"{prefix}.{name}"
        if inspect.isclass(thing):
            yield from undocumented(thing, f"{prefix}.{name}")


def overrides(owner, name):
    """Whether a base documents what a class does anew."""
    return any(inspect.getdoc(vars(base)[name]) for base in owner.__mro__[1:] if name in vars(base))


@pytest.mark.parametrize("room", ROOMS)
def test_all_that_is_public_is_documented(room):
    module = importlib.import_module(f"minilm.{room}")
    exported = {name: vars(module)[name] for name in getattr(module, "__all__", vars(module))}
    assert list(undocumented(type(room, (), exported), room)) == []


def test_something_undocumented_is_noticed():
    class Room:
        class Layer:
            """Documented, unlike its method."""

            def method(self):
                return self

    Room.Layer.__module__ = Room.Layer.method.__module__ = "minilm.room"
    assert list(undocumented(Room, "room")) == ["room.Layer.method"]


def test_no_generator_of_random_numbers_is_global():
    calls = re.compile(r"np\.random\.(?!default_rng\(|Generator|SeedSequence)|^import random|from random", re.MULTILINE)
    assert [path.name for path in FILES if calls.search(path.read_text(encoding="utf-8"))] == []
    assert calls.search("x = np.random.rand(3)")


def test_texts_are_utf8_with_unix_line_ends_and_name_no_machine():
    machine = re.compile("/" + r"(?:home|root|Users|work)/\w")
    for path in TEXTS:
        content = path.read_bytes()
        assert b"\r" not in content, path
        assert not machine.search(content.decode("utf-8")), path
