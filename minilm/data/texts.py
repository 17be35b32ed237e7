"""Texts: documents, what is held out of them for validation, and a file of one's own."""

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple


class Document(NamedTuple):
    """A text that a language model trains on, whole."""

    title: str
    text: str


def split(
    documents: Iterable[Document], held_out: str | Collection[str] | float
) -> tuple[list[Document], list[Document]]:
    """Training and validation documents. A document is never cut, and goes to the same side for ever.

    Parameters
    ----------
    documents : iterable of Document
    held_out : collection of str, or float
        The titles for validation, or their fraction of the documents, near enough: a document is held out if the hash
        of its text, as a number from 0 to 1, is below the fraction. So equal texts stay together, and neither order nor
        new documents change where the others go. Of few documents, that with the least hash is held out in any case,
        and that with the greatest never.

    Raises
    ------
    ValueError
        At a title that no document has, a fraction that is not between 0 and 1, or if either side is left empty: by a
        fraction only if all texts are equal.

    >>> plays = [Document("Hamlet", "To be"), Document("Macbeth", "Is this a dagger")]
    >>> train, validation = split(plays, ["Hamlet"])
    >>> [play.title for play in train], [play.title for play in validation]
    (['Macbeth'], ['Hamlet'])
    """
    documents = list(documents)
    choose = _has_hash_below if isinstance(held_out, int | float) else _has_title_among
    held = choose(documents, held_out)
    if all(held) or not any(held):
        side = "training" if any(held) else "validation"
        raise ValueError(
            f"held_out={held_out!r} leaves none of {len(documents)} documents for {side}; "
            "choose other titles, or give more documents, with other texts"
        )
    train = [document for document, out in zip(documents, held, strict=True) if not out]
    return train, [document for document, out in zip(documents, held, strict=True) if out]


def _has_title_among(documents: list[Document], titles: str | Collection[str]) -> list[bool]:
    titles = {titles} if isinstance(titles, str) else set(titles)
    missing = titles - {document.title for document in documents}
    if missing:
        known = ", ".join(document.title for document in documents[:50])
        raise ValueError(f"held_out names {', '.join(sorted(missing))}, but the documents are: {known}")
    return [document.title in titles for document in documents]


def _has_hash_below(documents: list[Document], fraction: float) -> list[bool]:
    if not 0 < fraction < 1:
        raise ValueError(f"held_out is {fraction}, expected a fraction between 0 and 1, or titles")
    digests = (hashlib.sha256(document.text.encode("utf-8")).digest() for document in documents)
    hashes = [int.from_bytes(digest[:8]) for digest in digests]
    bound = min(max(fraction * 2**64, min(hashes, default=0) + 1), max(hashes, default=0))  # the least out, the most in
    return [value < bound for value in hashes]


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, without a byte order mark, and with Unix line ends.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file, or `path` is a folder.
    ValueError
        If the file is empty, or not UTF-8; the message says from which byte on, and how to convert it.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a text file; name one of the files in it")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path} (looked in {path.absolute().parent}); check its name")
    text = _decoded(path).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise ValueError(f"{path} is empty, expected a text; is it the right file, and was it saved?")
    return text


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8: byte {error.start} is 0x{content[error.start]:02x}. Save it as UTF-8 in an editor, "
            f"or, if it is GB 18030, in Python: Path('new.txt').write_text(Path({path.name!r})"
            ".read_text(encoding='gb18030'), encoding='utf-8')"
        ) from None
