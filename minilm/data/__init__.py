"""Floor 2. Texts become numbers: corpora, tokenizers, batches. Knows no Tensor and no model."""

import json
from pathlib import Path

from .bag import BagOfNGrams, Bags, characters, words
from .batches import Windows, consecutive, length_mask, pad
from .bpe import BPETokenizer
from .by_length import ByLength
from .corpora import CORPORA, Corpus, documents, fetch, records
from .framing import Examples, Special, framed, padded
from .leaks import sharing_beginning
from .masking import FollowingTexts, MaskedTexts, Masking
from .pairs import Pairs, split_pairs, teacher_forcing
from .published_bpe import PublishedBPE
from .texts import Document, read_text, split
from .tokenizers import CharTokenizer, Tokenizer, WordTokenizer
from .vocabulary import Vocabulary
from .wordpiece import WordPieceTokenizer

__all__ = [
    "CORPORA",
    "TOKENIZERS",
    "BPETokenizer",
    "BagOfNGrams",
    "Bags",
    "ByLength",
    "CharTokenizer",
    "Corpus",
    "Document",
    "Examples",
    "FollowingTexts",
    "MaskedTexts",
    "Masking",
    "Pairs",
    "PublishedBPE",
    "Special",
    "Tokenizer",
    "Vocabulary",
    "Windows",
    "WordPieceTokenizer",
    "WordTokenizer",
    "characters",
    "consecutive",
    "documents",
    "fetch",
    "framed",
    "length_mask",
    "load_tokenizer",
    "pad",
    "padded",
    "read_text",
    "records",
    "sharing_beginning",
    "split",
    "split_pairs",
    "teacher_forcing",
    "words",
]

TOKENIZERS: dict[str, type[Tokenizer]] = {
    kind.name: kind for kind in (CharTokenizer, WordTokenizer, BPETokenizer, WordPieceTokenizer)
}  # those that can be trained


def load_tokenizer(path: str | Path) -> Tokenizer:
    """The tokenizer that `save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or something else than a tokenizer.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no tokenizer {path}; `tokenizer.save` writes one")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kinds = TOKENIZERS | {PublishedBPE.name: PublishedBPE}
        return kinds[content["tokenizer"]].from_json(content)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not a tokenizer as `save` writes it ({type(error).__name__}: {error}); save it again"
        ) from error
