"""A model that others have trained, with all that makes texts of its numbers and numbers of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minilm import generate
from minilm.data import Tokenizer
from minilm.expect import expect
from minilm.models import Bert
from minilm.nn import Module

from .chat import ChatTemplate
from .sentences import sentence_vectors


@dataclass(frozen=True)
class Pretrained:
    """A published model; `load` makes it.

    Attributes
    ----------
    model : Module
    tokenizer : Tokenizer, optional
        None where it came without.
    ends : tuple of int
        The tokens that end a text or an answer.
    chat : ChatTemplate, optional
        Messages -> ids, of a model that was trained to converse.
    longest : int, optional
        Tokens of a text that count for `encode`.
    """

    model: Module
    tokenizer: Tokenizer | None = None
    ends: tuple[int, ...] = ()
    chat: ChatTemplate | None = None
    longest: int | None = None

    def write(self, prompt: str, max_new_tokens: int = 100, **settings: Any) -> str:
        """Go on with a text.

        Parameters
        ----------
        prompt : str
        max_new_tokens : int
        **settings
            Of `generate.sample` if `rng` is among them, and else of `generate.greedy`.

        Raises
        ------
        ValueError
            If the model writes no text, or a setting is out of its range.
        """
        return self._written(self._tokenizer(hasattr(self.model, "step")).encode(prompt), max_new_tokens, settings)

    def answer(self, messages: str | Sequence[Mapping[str, str]], max_new_tokens: int = 200, **settings: Any) -> str:
        """What the assistant says next in a conversation: a question, or a list of {"role": ..., "content": text}.

        The other parameters and the errors are those of `write`.
        """
        if self.chat is None:
            raise ValueError(
                "the model has no chat template, so it was not trained to converse; `write` goes on with texts"
            )
        messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        return self._written(self.chat(messages), max_new_tokens, settings)

    def encode(self, texts: Sequence[str], batch: int = 32) -> np.ndarray:
        """A vector of length 1 for each text: see `sentence_vectors`.   N texts -> (N, C)

        Raises
        ------
        ValueError
            If the model is no Bert, or `texts` is a single one.
        """
        expect("texts", repr(texts), not isinstance(texts, str), "a list of texts")
        tokenizer = self._tokenizer(isinstance(self.model, Bert))
        longest = min(self.longest or self.model.context, self.model.context)
        return sentence_vectors(self.model, tokenizer, texts, longest=longest, batch=batch)

    def _written(self, ids, max_new_tokens, settings) -> str:
        choose = generate.sample if "rng" in settings else generate.greedy
        end = self.ends[0] if self.ends else None
        written = choose(self.model, ids, max_new_tokens, eos_token_id=end, **settings).tolist()
        stop = next((i for i, token in enumerate(written) if token in self.ends), len(written))
        return self.tokenizer.decode(written[:stop])

    def _tokenizer(self, able) -> Tokenizer:
        if not able:
            raise ValueError(f"the model is a {type(self.model).__name__}; a decoder writes, a Bert encodes")
        if self.tokenizer is None:
            raise ValueError("the model came without a tokenizer; take its tokenizer.json from where it is from")
        return self.tokenizer
