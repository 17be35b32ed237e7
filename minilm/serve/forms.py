"""Answers in the forms that OpenAI's clients read: whole, or in chunks that are sent as they come."""

import json
import time
import uuid
from typing import Any

from .answer import Candidate, Written


class Completion:
    """The form of /v1/completions. One of these for each answer to a request."""

    prefix, whole, part = "cmpl", "text_completion", "text_completion"

    def __init__(self, model: str):
        self.head = {"id": f"{self.prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}

    def response(self, written: list[list[Written]], usage: dict[str, int]) -> dict[str, Any]:
        """All choices at once, each made of all its tokens."""
        choices = [self._choice(index, tokens, self.text) for index, tokens in enumerate(written)]
        return {**self.head, "object": self.whole, "choices": choices, "usage": usage}

    def chunk(self, index: int, written: Written) -> dict[str, Any]:
        """What a token adds to a choice."""
        return self._chunk([self._choice(index, [written], self.delta)])

    def first(self, choices: int) -> list[dict[str, Any]]:
        """The chunks before all others."""
        return []

    def last(self, usage: dict[str, int]) -> dict[str, Any]:
        """The chunk that tells the usage."""
        return self._chunk([]) | {"usage": usage}

    def text(self, text: str) -> dict[str, Any]:
        """The field of a choice that has its text."""
        return {"text": text}

    delta = text

    def logprobs(self, tokens: list[Written]) -> dict[str, Any]:
        """Log-probabilities by columns. The last two columns are our own addition."""
        return {
            "tokens": [name(written.token) for written in tokens],
            "token_logprobs": [written.token.logprob for written in tokens],
            "top_logprobs": [{name(token): token.logprob for token in written.top} for written in tokens],
            "text_offset": [written.offset for written in tokens],
            "ids": [written.token.id for written in tokens],
            "top": [[_entry(token) for token in written.top] for written in tokens],
        }

    def _chunk(self, choices):
        return {**self.head, "object": self.part, "choices": choices}

    def _choice(self, index, tokens, field):
        """tokens: those of one choice, in their order."""
        text = "".join(written.text for written in tokens)
        told = self.logprobs(tokens) if tokens[0].token else None
        return {"index": index, **field(text), "logprobs": told, "finish_reason": tokens[-1].finish_reason}


class Chat(Completion):
    """The form of /v1/chat/completions."""

    prefix, whole, part = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def first(self, choices: int) -> list[dict[str, Any]]:
        delta = {"role": "assistant", "content": ""}
        heads = [{"index": i, "delta": delta, "logprobs": None, "finish_reason": None} for i in range(choices)]
        return [self._chunk([head]) for head in heads]

    def text(self, text: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text, "refusal": None}}

    def delta(self, text: str) -> dict[str, Any]:
        """The field of a choice that has what is new."""
        return {"delta": {"content": text}}

    def logprobs(self, tokens: list[Written]) -> dict[str, Any]:
        """Log-probabilities by tokens."""
        content = [
            {**_entry(written.token), "top_logprobs": [_entry(token) for token in written.top]} for written in tokens
        ]
        return {"content": content, "refusal": None}


def name(token: Candidate) -> str:
    r"""A token as text; part of a character is told by its bytes.

    >>> name(Candidate(0, "喜".encode(), -1.0)), name(Candidate(0, "喜".encode()[:2], -1.0))
    ('喜', 'bytes:\\xe5\\x96')
    """
    try:
        return token.bytes.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in token.bytes)


def _entry(token):
    return {"token": name(token), "bytes": list(token.bytes), "logprob": token.logprob, "id": token.id}


def dumped(content: dict[str, Any]) -> str:
    """Compact JSON in ASCII: half a surrogate pair that a client sends may come back in an error."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """How many tokens were read and written."""
    total = prompt_tokens + completion_tokens
    return {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "total_tokens": total}


def error(message: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """What went wrong."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
