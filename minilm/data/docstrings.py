"""Docstrings on the reader's machine, to be summarised: name and body of a function or class, and its first line.

They are those of the packages that minilm's requirements bring, and of Python's own library (`python_files`). Most are
one line. It says how a name is told in a sentence, and so there is something to learn from it; only those with a body
are held out, as there is something to summarise in them.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from minilm.files import cache_folder, replacing

from .python_files import REQUIRED, documented, installed, sources_of

# Of the packages with 100 to 400 bodies, in the order of the sha256 of their names, the first five are for the test and
# the next five for validation (`drawn_by_hash`); written down, so that they do not change with somebody's versions.
# Before, they had been taken by the alphabet, and two lists exchanged after the baselines were seen: that was a choice,
# and a hash makes none. A first model had been measured on pytest and tornado, then for validation.
TEST = ("hypothesis", "packaging", "pygments", "pytest", "tornado")
VALIDATION = ("anyio", "babel", "jupyter-client", "numba", "traitlets")

SUMMARY, BODY = range(3, 21), 8  # words of a summary; words of a body at least, a shorter one is left out
NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
RULE = re.compile(r"([^\w\s])\1{2,}")  # ------ under a heading, >>> before an example
MARKUP = re.compile(r":[\w:]+:(?=`)|`+~?|\*\*")  # :class:`Name`, ``Name``, **bold**
FILE_FORMAT = 4  # of the cache


class Docstring(NamedTuple):
    """What somebody wrote about a function or class: the first line, and the rest, "" if there is none."""

    package: str
    name: str
    body: str
    summary: str
    owner: str = ""
    """The class that a method belongs to."""

    @property
    def qualified_name(self) -> str:
        """As Python says it, such as `Circle.area`."""
        return f"{self.owner}.{self.name}" if self.owner else self.name

    @property
    def text(self) -> str:
        """What is to be summarised: the name as words, that of a method with its class, and the body."""
        name = f"{words_of(self.name)} . {words_of(self.owner)}" if self.owner else words_of(self.name)
        return f"{name}: {self.body}".strip()


def words_of(name: str) -> str:
    """A name in words.

    >>> words_of("_get_HTMLTagName2"), words_of("__init__")
    ('get html tag name 2', 'init')
    """
    return " ".join(part.lower() for part in NAME_PARTS.findall(name))


# what there is


def docstrings() -> list[Docstring]:
    """All of them, each once. The first call reads some 4,000 files, which takes half a minute; later ones a cache.

    Raises
    ------
    OSError
        If no package of requirements.txt is installed, or the cache cannot be written.
    """
    packages = installed()
    if not packages:
        raise OSError(f"none of {', '.join(REQUIRED)} is installed; do it with: pip install -r requirements.txt")
    key = hashlib.sha256(json.dumps([FILE_FORMAT, packages]).encode()).hexdigest()[:16]
    path = cache_folder("docstrings") / f"{key}.json"
    if not path.exists():
        records = [record for package in packages for record in of_package(package)]
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(once(records), ensure_ascii=False), encoding="utf-8")
    return [Docstring(*row) for row in json.loads(path.read_text(encoding="utf-8"))]


def of_package(package: str) -> Iterator[Docstring]:
    """The docstrings of an installed package, without its tests and what it has copied from others."""
    for path in sources_of(package):
        yield from of_file(package, path)


def of_file(package: str, path: Path) -> Iterator[Docstring]:
    """The docstrings of a file of Python; none of one that cannot be read."""
    records = (cleaned(package, *found) for found in documented(path))
    return filter(None, records)


def cleaned(package: str, name: str, owner: str, docstring: str) -> Docstring | None:
    """The docstring in two parts: a line of 3 to 20 words; and 8 words or more after an empty line, or "".

    >>> text = '''Return the area of a circle.
    ...
    ... Parameters
    ... ----------
    ... radius : float
    ...     In metres, zero or more; the area is in square metres.'''
    >>> cleaned("shapes", "circle_area", "", text).text
    'circle area: Parameters radius : float In metres, zero or more; the area is in square metres.'
    >>> cleaned("shapes", "area", "Circle", "Return the area.").text, cleaned("shapes", "area", "", "The area.")
    ('area . circle:', None)
    """
    summary, _, rest = MARKUP.sub("", RULE.sub(" ", docstring)).partition("\n")
    summary, body = (" ".join(part.split()) for part in (summary, rest))
    if rest.partition("\n")[0].strip() or len(_words(summary)) not in SUMMARY or not words_of(name):
        return None
    return Docstring(package, name, body if len(_words(body)) >= BODY else "", summary, owner)


def once(records: Iterable[Docstring]) -> list[Docstring]:
    """Those whose body nobody before has, and not name and summary together either; first those with a body.

    A body counts as the same if its first 20 words are: what goes on with an example is still a copy.
    """
    seen: set[tuple] = set()
    found = []
    for record in sorted(records, key=lambda record: not record.body):
        keys = {_body_key(record), (words_of(record.name), _summary_key(record))} - {NOTHING}
        if not keys & seen:
            found.append(record)
        seen |= keys
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


NOTHING = ()  # the key of a body that is not there: no copy of another such


def _summary_key(record):
    return tuple(_words(record.summary))


def _body_key(record):
    return tuple(_words(record.body)[:20])


# what is held out


def drawn_by_hash(records: Iterable[Docstring], each: int = 5) -> tuple[list[str], list[str]]:
    """The names of packages for the test and for validation: how `TEST` and `VALIDATION` were drawn.

    >>> records = [Docstring(name, "f", "body", "Sum.") for name in ("numpy", "numba", "tqdm") for _ in range(100)]
    >>> drawn_by_hash(records, each=1)
    (['tqdm'], ['numpy'])
    """
    counts = Counter(record.package for record in records if record.body)
    drawn = sorted(
        (name for name, count in counts.items() if 100 <= count <= 400),
        key=lambda name: hashlib.sha256(name.encode()).digest(),
    )
    return sorted(drawn[:each]), sorted(drawn[each : 2 * each])


def split_docstrings(
    records: Sequence[Docstring], test: Sequence[str] = TEST, validation: Sequence[str] = VALIDATION
) -> tuple[list[Docstring], list[Docstring], list[Docstring]]:
    """Those for training, for validation and for the test, of different packages; the latter two all with a body.

    People of one package write in one way, and say the same thing of many functions: held out line by line, a docstring
    would have its like in training. Copies from package to package are left out of training, and those of test packages
    out of validation too: what has the summary or the body of a docstring that is held out.

    Raises
    ------
    ValueError
        If a package is in both lists, or one of the three parts is left empty.

    >>> records = [Docstring("numpy", "f", "long body", "Sum up."), Docstring("pytest", "g", "its body", "Open it."),
    ...            Docstring("babel", "h", "a body", "Close it."), Docstring("numpy", "open", "its file", "Open it.")]
    >>> [[record.name for record in part] for part in split_docstrings(records)]
    [['f'], ['h'], ['g']]
    """
    both = set(test) & set(validation)
    if both:
        raise ValueError(f"{', '.join(sorted(both))} is in test and in validation; a package can be in one of them")
    described = [record for record in records if record.body]
    tested = [record for record in described if record.package in test]
    validated = _without_copies([record for record in described if record.package in validation], tested)
    rest = [record for record in records if record.package not in {*test, *validation}]
    parts = _without_copies(rest, tested + validated), validated, tested
    for name, part in zip(("training", "validation", "the test"), parts, strict=True):
        if not part:
            raise ValueError(f"of {len(records)} docstrings none is left for {name}; name packages that are installed")
    return parts


def _without_copies(records, held_out):
    keys = {key for record in held_out for key in (_summary_key(record), _body_key(record))} - {NOTHING}
    return [record for record in records if not keys & {_summary_key(record), _body_key(record)}]
