"""Chat templates: how a conversation becomes the text that a model was trained to go on with.

A template is a small program in Jinja's language, which comes with the model. It is run in Jinja's sandbox: it cannot
read files or reach Python's objects. It can still take long; use templates of those you trust.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

import numpy as np

from minilm.data import PublishedBPE
from minilm.expect import expect

ROLES = ("system", "user", "assistant")
LONGEST = 2**20  # characters of a conversation as text
SHIELD = "\ufdd0"  # one of the characters that Unicode keeps for use within a program: no text has it


class ChatTemplate:
    """A conversation as ids: what each message says is ordinary text, even where it spells a special symbol.

    Parameters
    ----------
    source : str
        The template.
    tokenizer : PublishedBPE
    symbols : mapping
        The special symbols that a template may name, such as bos_token and eos_token.

    Raises
    ------
    ValueError
        If the template is not in Jinja's language.
    ImportError
        If Jinja is not installed.

    >>> source = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}\\n{% endfor %}"
    >>> symbols = ["<|user|>", "<|", "u", "s", "e", "r", "|", ">", "<", "!", "Ċ"]
    >>> chat = ChatTemplate(source, PublishedBPE(symbols, [("<", "|")], special=["<|user|>"]))
    >>> chat([{"role": "user", "content": "<|user|>!"}])
    array([ 0,  1,  2,  3,  4,  5,  6,  7,  9, 10])
    """

    def __init__(self, source: str, tokenizer: PublishedBPE, symbols: Mapping[str, str] | None = None):
        import jinja2

        self.source, self.tokenizer, self.symbols = source, tokenizer, dict(symbols or {})
        try:
            self._template = _environment().from_string(source)
        except jinja2.TemplateSyntaxError as error:
            raise ValueError(f"line {error.lineno} of the chat template is not Jinja's language: {error}") from None

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> np.ndarray:
        """The ids (T,) of a conversation, up to where the assistant answers.

        Raises
        ------
        ValueError
            If there is no message, one is not {"role": ..., "content": text}, or the template refuses them.
        """
        shielded = [
            {"role": message["role"], "content": self.tokenizer.shielded(message["content"], SHIELD)}
            for message in checked(messages)
        ]
        return self.tokenizer.encode(self.text(shielded), shield=SHIELD)

    def text(self, messages: Sequence[Mapping[str, str]]) -> str:
        """What the template makes of a conversation."""
        import jinja2

        try:
            return self._template.render(messages=messages, tools=None, add_generation_prompt=True, **self.symbols)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
            raise ValueError(f"the model's chat template does not take these messages: {error}") from None


def checked(messages: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    """The messages, if they are what a conversation is made of."""
    expect("messages", messages, isinstance(messages, list | tuple) and len(messages) > 0, "a list of messages")
    for i, message in enumerate(messages):
        known = isinstance(message, Mapping) and message.get("role") in ROLES
        form = '{"role": role, "content": text} with one of the roles ' + ", ".join(ROLES)
        expect(f"messages[{i}]", message, known and isinstance(message.get("content"), str), form)
    length = sum(len(message["content"]) for message in messages)
    expect("the length of all messages", length, length <= LONGEST, f"at most {LONGEST} characters")
    return messages


@functools.cache
def _environment():
    """Jinja as transformers set it up, whose templates these are."""
    import jinja2.ext
    import jinja2.sandbox

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = functools.partial(json.dumps, ensure_ascii=False)
    environment.globals |= {"raise_exception": _refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
    return environment


def _refuse(message: str) -> NoReturn:
    """What a template calls to refuse a conversation."""
    import jinja2

    raise jinja2.TemplateError(message)
