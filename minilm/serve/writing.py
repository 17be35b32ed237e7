"""/v1/completions, /v1/chat/completions and /v1/models."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from tornado.iostream import StreamClosedError

from . import forms, parameters
from .answer import Written
from .engine import Engine, Task
from .handler import Handler, conversed, encoded
from .parameters import BadRequest

PATIENCE = 60  # seconds for which a client may read nothing


class Writing:
    """The answers to a request while the engine writes them.

    An asynchronous iterator of pairs: the number of a choice, and what was `Written` of it.
    """

    def __init__(self, engine: Engine, prompts: list[list[int]], settings):
        self._events, self._loop = asyncio.Queue(), asyncio.get_running_loop()
        firsts = [index * settings.n for index in range(len(prompts))]
        self._tasks = [
            Task(prompt, settings, partial(self._hear, first)) for prompt, first in zip(prompts, firsts, strict=True)
        ]
        self.choices = settings.n * len(prompts)
        engine.submit(self._tasks)

    async def __aiter__(self) -> AsyncIterator[tuple[int, Written]]:
        going = self.choices
        while going:
            first, event = await self._events.get()
            if isinstance(event, Exception):
                raise event
            going -= event.finish_reason is not None
            yield first + event.index, event

    def cancel(self) -> None:
        """Have no more written; who waits for more gets a StreamClosedError."""
        for task in self._tasks:
            task.cancelled = True
        self._events.put_nowait((0, StreamClosedError()))

    def _hear(self, first, event):
        """In the engine's thread."""
        self._loop.call_soon_threadsafe(self._events.put_nowait, (first, event))


class Completions(Handler):
    """/v1/completions"""

    table, form = staticmethod(parameters.completion), forms.Completion
    writing: Writing | None = None
    left = False

    async def post(self):
        """Called by tornado."""
        try:
            await self.guarded(self._answer)
        finally:
            self.on_connection_close()

    def on_connection_close(self):
        """The client has left, or has its answer."""
        super().on_connection_close()
        self.left = True
        if self.writing:
            self.writing.cancel()

    async def _answer(self):
        values = parameters.parse(self.body(), self.table(self.limits))
        if values["model"] not in (None, self.served.name):
            message = f"there is no model {values['model'][:80]!r} here; this server has {self.served.name!r}"
            raise BadRequest(message, "model", status=404, code="model_not_found")
        settings = parameters.settings_of(values, self.limits)
        prompts = await self.ask(self.prompts, values)
        self.writing = Writing(self.engine, prompts, settings)
        if self.left:  # while its prompts were encoded
            self.writing.cancel()
        form, read = self.form(self.served.name), sum(map(len, prompts))
        if values["stream"]:
            await self._stream(form, read, values["stream_options"].get("include_usage") is True)
        else:
            await self._whole(form, read)

    def prompts(self, values) -> list[list[int]]:
        """The ids of each prompt."""
        prompts = parameters.prompts_of(values["prompt"])
        return [encoded(self.served.tokenizer, prompt, self.limits.prompt) for prompt in prompts]

    async def _whole(self, form, read):
        written = [[] for _ in range(self.writing.choices)]
        async for choice, token in self.writing:
            written[choice].append(token)
        self.set_header("Content-Type", "application/json")
        self.write(forms.dumped(form.response(written, forms.usage(read, sum(map(len, written))))))

    async def _stream(self, form, read, tell_usage):
        count = 0
        async for choice, token in self.writing:
            if not count:  # only now it is certain that there is no error to tell instead
                self.set_header("Content-Type", "text/event-stream; charset=utf-8")
                for chunk in form.first(self.writing.choices):
                    self.write_event(chunk)
            count += 1
            if token.text or token.token or token.finish_reason:
                self.write_event(form.chunk(choice, token))
                await self._sent()
        if tell_usage:
            self.write_event(form.last(forms.usage(read, count)))
        self.write("data: [DONE]\n\n")

    async def _sent(self):
        try:
            await asyncio.wait_for(self.flush(), PATIENCE)
        except TimeoutError:
            self.request.connection.stream.close()
            raise StreamClosedError from None


class ChatCompletions(Completions):
    """/v1/chat/completions"""

    table, form = staticmethod(parameters.chat), forms.Chat

    def prompts(self, values):
        return [conversed(self.served, values["messages"], self.limits.prompt)]


class Models(Handler):
    """/v1/models"""

    def get(self):
        """Called by tornado."""
        self.write({"object": "list", "data": [self._model()]})

    def _model(self):
        about = {"id": self.served.name, "object": "model", "created": self.settings["created"], "owned_by": "minilm"}
        return {**about, "chat": self.served.chat is not None}  # the last is our own addition


class OneModel(Models):
    """/v1/models/NAME"""

    def get(self, name: str):
        """Called by tornado."""
        if name == self.served.name:
            return self.write(self._model())
        self.fail(BadRequest(f"there is no model {name[:80]!r} here", "model", status=404, code="model_not_found"))
