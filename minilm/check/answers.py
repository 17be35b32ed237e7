"""A correct variant of the catalogue as the solution in a learner's stub, with the helpers that it needs."""

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterable
from types import ModuleType

from .exercise import Exercise
from .judge import judge


def solved(stub: str, function: str, exercise: Exercise, seeds: Iterable[int] = (0,)) -> str:
    """The stub's cell with the first correct variant that works there as its body, between nbgrader's marks.

    Raises
    ------
    ValueError
        If the cell does not define the function, or no variant works there.
    """
    for variant in exercise.variants:
        cell = fill(stub, function, body(variant, _parameters(_definition(stub, function))))
        if _works(cell, function, exercise, seeds):
            return cell
    raise ValueError(f"{exercise.name}: no correct variant of the catalogue works as the body of this cell:\n{stub}")


def _definition(cell, function) -> ast.FunctionDef:
    try:
        return next(d for d in ast.parse(cell).body if isinstance(d, ast.FunctionDef) and d.name == function)
    except (SyntaxError, StopIteration):
        raise ValueError(f"expected a cell of plain Python that defines {function}, found:\n{cell}") from None


def fill(cell: str, function: str, lines: list[str]) -> str:
    """A cell with these lines as the body of its function, under the docstring."""
    definition, old = _definition(cell, function), cell.split("\n")
    rest = definition.body[bool(ast.get_docstring(definition)) and len(definition.body) > 1 :]
    marked = "\n".join(["### BEGIN SOLUTION", *lines, "### END SOLUTION"])
    new = textwrap.indent(marked, " " * rest[0].col_offset)
    return "\n".join([*old[: rest[0].lineno - 1], new, *old[definition.end_lineno :]])


def _works(cell, function, exercise, seeds) -> bool:
    names = {}
    try:
        exec("import math\nimport numpy as np\n" + cell, names)
    except Exception:
        return False
    return all(judge(exercise, names[function], seed).correct for seed in seeds)


def body(variant: Callable, parameters: list[str]) -> list[str]:
    """A function's body for a function with other parameters, after the imports and helpers that it needs."""
    definition, lines = _parsed(variant)
    if any(isinstance(node, ast.Name) and node.id == definition.name for node in ast.walk(definition)):  # recursive
        whole = lines[definition.lineno - 1 : definition.end_lineno]
        return [*_support(variant, set()), *whole, "", f"return {definition.name}({', '.join(parameters)})"]
    first = definition.body[bool(ast.get_docstring(definition)) :][0]
    own = textwrap.dedent("\n".join(lines[first.lineno - 1 : definition.end_lineno])).split("\n")
    theirs = _parameters(definition)
    renamed = [f"{', '.join(theirs)}{',' * theirs[0].startswith('*')} = {', '.join(parameters)}"]
    return [*_support(variant, set()), *renamed * (theirs != parameters), *own]


def _parameters(definition) -> list[str]:
    arguments = definition.args
    return [a.arg for a in arguments.posonlyargs + arguments.args] + [f"*{a.arg}" for a in [arguments.vararg] if a]


def _parsed(thing):
    """The first definition in a function's or class's source, and the lines."""
    source = textwrap.dedent(inspect.getsource(thing))
    definition = ast.parse(source).body[0]
    definition.decorator_list = [d for d in getattr(definition, "decorator_list", []) if not _of_catalogue(d)]
    return definition, source.split("\n")


def _of_catalogue(decorator) -> bool:
    """Whether it is `@exercise.variant` or `@exercise.misconception(...)`."""
    called = getattr(decorator, "func", decorator)
    return getattr(called, "attr", "") in {"variant", "misconception"}


def _support(thing, seen) -> list[str]:
    """Lines that define the global names a function uses: imports first, then helpers before who calls them."""
    names = [node.id for node in ast.walk(_parsed(thing)[0]) if isinstance(node, ast.Name)]
    scope = inspect.getmodule(thing).__dict__
    imports, helpers = [], []
    for name in dict.fromkeys(names):
        if name in scope and name not in seen and not hasattr(builtins, name) and scope[name] is not thing:
            seen.add(name)
            (imports if _is_import(scope[name], thing) else helpers).extend(_defined(name, scope[name], thing, seen))
    return [*sorted(imports), *[""] * bool(imports), *helpers]


def _is_import(value, user) -> bool:
    return isinstance(value, ModuleType) or getattr(value, "__module__", user.__module__) != user.__module__


def _defined(name, value, user, seen) -> list[str]:
    if isinstance(value, ModuleType):
        return [f"import {value.__name__}" + f" as {name}" * (name != value.__name__)]
    if _is_import(value, user):
        return [f"from {value.__module__} import {value.__name__}" + f" as {name}" * (name != value.__name__)]
    if not callable(value):
        return [f"{name} = {value!r}"]
    definition, lines = _parsed(value)
    first = min(node.lineno for node in (definition, *definition.decorator_list))
    return [*_support(value, seen), *lines[first - 1 : definition.end_lineno], ""]
