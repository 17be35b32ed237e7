"""The page at / and what it asks for beyond OpenAI's interface: the ids of a prompt, a beam search, attention."""

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from minilm.generate import beam_search

from . import forms
from .answer import LEAST
from .handler import Handler, conversed, encoded
from .parameters import REQUIRED, BadRequest, Parameter, chat, is_ids, is_text, parse, whole
from .served import Served

MOST_BEAMS, MOST_STEPS, MOST_SEEN = 10, 30, 512
POLICY = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
POLICY += "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
KINDS = {".html": "text/html", ".js": "text/javascript"}
INDEX, SCRIPT = "index.html", "page.js"
FILES = {name: files(__package__).joinpath("page", name).read_bytes() for name in (INDEX, SCRIPT)}


class Page(Handler):
    """A file of those that the page is made of, which were read when the server started."""

    needs_key = False

    def initialize(self, name: str):
        super().initialize()
        self.name = name

    def get(self):
        """Called by tornado."""
        self.set_header("Content-Type", f"{KINDS[Path(self.name).suffix]}; charset=utf-8")
        self.set_header("Content-Security-Policy", POLICY)
        self.write(FILES[self.name])


class Question(Handler):
    """A question of the page, answered by a function of what is served and the question's parameters."""

    def initialize(self, answer: Callable, table: Callable[..., dict[str, Parameter]]):
        super().initialize()
        self.answer, self.table = answer, table

    async def post(self):
        """Called by tornado."""
        await self.guarded(self._answer)

    async def _answer(self):
        values = parse(self.body(), self.table(self.limits))
        self.set_header("Content-Type", "application/json")
        self.write(forms.dumped(await self.ask(self.answer, self.served, self.limits, values)))


IDS = {"ids": Parameter(REQUIRED, is_ids, "a list of token ids")}


def prompt_table(limits) -> dict[str, Parameter]:
    messages = chat(limits)["messages"]._replace(default=None)
    return {"text": Parameter("", is_text, "a text"), "messages": messages}


def prompt(served: Served, limits, values: dict[str, Any]) -> dict[str, Any]:
    """The ids that a text or a conversation becomes."""
    if values["messages"]:
        return {"ids": conversed(served, values["messages"], limits.prompt)}
    return {"ids": encoded(served.tokenizer, values["text"], limits.prompt)}


def beams_table(limits) -> dict[str, Parameter]:
    return IDS | {
        "beams": Parameter(3, whole(1, MOST_BEAMS), f"a whole number from 1 to {MOST_BEAMS}"),
        "steps": Parameter(8, whole(1, MOST_STEPS), f"a whole number from 1 to {MOST_STEPS}"),
    }


def beams(served: Served, limits, values: dict[str, Any]) -> dict[str, Any]:
    """A whole beam search: its expansions step by step, and the continuations that it found."""
    ids, number = encoded(served.tokenizer, values["ids"], limits.prompt), values["beams"]
    end = min(served.ends) if served.ends else None
    found, search = beam_search(
        served.model, np.array(ids), values["steps"], num_beams=number, num_return_sequences=number,
        eos_token_id=end, return_search=True,
    )  # fmt: skip
    before = served.tokenizer.decode(ids[-1:])
    texts = [served.tokenizer.decode([*ids[-1:], *each.ids])[len(before) :] for each in found]
    return {
        "steps": [[node._asdict() | {"text": piece(served, node.token)} for node in step] for step in search],
        "found": [{"text": text, "logprob": each.log_prob} for text, each in zip(texts, found, strict=True)],
    }


def attention(served: Served, limits, values: dict[str, Any]) -> dict[str, Any]:
    """How much the last token looks at each, itself included: weights of each head in each layer (L, H, T)."""
    if not hasattr(served.model, "attention_weights"):
        raise BadRequest(f"{served.name!r} has no attention to show", "ids")
    most = min(MOST_SEEN, served.model.window)
    ids = encoded(served.tokenizer, values["ids"], limits.prompt)[-most:]
    layers = served.model.attention_weights(np.array([ids]))
    rows = [layer[0, :, -1].astype(float).round(4).tolist() for layer in layers]
    return {"tokens": [piece(served, id) for id in ids], "weights": rows}


def piece(served: Served, id: int) -> str:
    """A token as text."""
    return forms.name(forms.Candidate(id, served.tokenizer.bytes_after(id, id), LEAST))


ADDRESSES = [
    ("/", Page, {"name": INDEX}),
    (f"/{re.escape(SCRIPT)}", Page, {"name": SCRIPT}),
    ("/page/prompt", Question, {"answer": prompt, "table": prompt_table}),
    ("/page/beams", Question, {"answer": beams, "table": beams_table}),
    ("/page/attention", Question, {"answer": attention, "table": lambda limits: IDS}),
]
