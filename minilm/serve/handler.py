"""What all addresses of the server have in common: who may ask, how much, and how an error is told."""

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler, stream_request_body

from minilm.data import Tokenizer

from . import forms
from .engine import Engine, Full
from .limits import Limits
from .parameters import BadRequest, is_text, plain
from .served import Served

LOG = logging.getLogger("minilm.serve")


@stream_request_body  # so that no more of a body is kept than is allowed
class Handler(RequestHandler):
    """A request's way in and out."""

    needs_key = True

    def initialize(self):
        """Called by tornado for each request."""
        self.engine: Engine = self.settings["engine"]
        self.served: Served = self.engine.served
        self.limits: Limits = self.engine.limits
        self._body, self._size = [], 0
        self._asked: Future | None = None

    def set_default_headers(self):
        """No page of another origin may use what is sent, and no browser may guess what it is."""
        self.set_header("Server", "minilm")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")

    def prepare(self):
        """Refuse strangers before their body is read."""
        if self.settings["local"] and not is_loopback(self.request.host_name.strip("[]")):
            # a page elsewhere whose name was made to point to this machine (DNS rebinding)
            return self.fail(BadRequest(f"this server is local, and not {self.request.host_name}", status=403))
        key = self.settings["key"]
        given = self.request.headers.get("Authorization", "").encode("latin-1")  # the bytes that were sent
        if key and self.needs_key and not hmac.compare_digest(given, f"Bearer {key}".encode()):
            self.fail(BadRequest("the API key is missing or wrong", status=401, code="invalid_api_key"))

    def data_received(self, chunk: bytes):
        """A part of the body; beyond the limit it is counted and forgotten."""
        self._size += len(chunk)
        if self._size <= self.limits.body:
            self._body.append(chunk)

    def body(self) -> bytes:
        """The body, if it is JSON and not too long."""
        if self._size > self.limits.body:
            message = f"the body has {self._size:,} bytes; expected {self.limits.body:,} at most, this server's limit"
            raise BadRequest(message, status=413)
        kind = self.request.headers.get("Content-Type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":  # a form of another page cannot send that
            raise BadRequest(f"the Content-Type is {kind[:80]!r}; expected application/json", status=415)
        return b"".join(self._body)

    async def guarded(self, answer: Callable[[], Awaitable[None]]) -> None:
        """Answer, and tell what goes wrong as OpenAI's clients expect it."""
        try:
            await answer()
        except (StreamClosedError, asyncio.CancelledError):
            pass  # the client has left, or the server was stopped
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End the request with an error."""
        status, content = told(error)
        if status == 429:
            self.set_header("Retry-After", "1")
        if self._headers_written:  # too late for a status: a stream is under way
            self.write_event(content)
        else:
            self.set_status(status)
            self.set_header("Content-Type", "application/json")
            self.write(forms.dumped(content))
        self.finish()

    def write_event(self, content: dict) -> None:
        """One server-sent event."""
        self.write(f"data: {forms.dumped(content)}\n\n")

    def write_error(self, status_code: int, **kwargs) -> None:
        """Tornado's own errors, such as an address or a method that there is not, in the same form."""
        self.finish(forms.error(self._reason, "invalid_request_error"))

    async def ask(self, function: Callable, *arguments):
        """What a function returns that needs the model or its tokenizer."""
        self._asked = self.engine.call(lambda: function(*arguments))
        return await asyncio.wrap_future(self._asked)

    def on_connection_close(self):
        """The client has left: what it asked is not begun any more."""
        if self._asked:
            self._asked.cancel()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def told(error: Exception) -> tuple[int, dict]:
    """The status and the content of an error; of one that is not the client's fault only the log says more."""
    if isinstance(error, BadRequest):
        return error.status, forms.error(str(error), "invalid_request_error", error.param, error.code)
    if isinstance(error, Full):
        return 429, forms.error(str(error), "rate_limit_error", code="rate_limit_exceeded")
    LOG.error("a request failed", exc_info=error)
    return 500, forms.error("the server failed at this request; its log says why", "server_error")


def encoded(tokenizer: Tokenizer, prompt: str | list[int], longest: int) -> list[int]:
    """The ids of a prompt, if there are some, and not too many.

    Raises
    ------
    BadRequest
    """
    try:
        ids = tokenizer.encode(prompt).tolist() if is_text(prompt) else prompt
    except ValueError as error:
        raise BadRequest(f"prompt: {error}", "prompt") from error
    if not 1 <= len(ids) <= longest:
        raise BadRequest(f"the prompt has {len(ids)} tokens; expected 1 to {longest}, this server's limit", "prompt")
    if not all(0 <= id < len(tokenizer) for id in ids):
        raise BadRequest(f"the prompt has ids outside 0 to {len(tokenizer) - 1}, the model's vocabulary", "prompt")
    return ids


def conversed(served: Served, messages: list[dict], longest: int) -> list[int]:
    """The ids of a conversation, up to where the assistant answers.

    Raises
    ------
    BadRequest
        Also if the model knows no conversation, or its own template refuses this one.
    """
    if not served.chat:
        message = f"{served.name!r} continues texts and knows no conversation; use /v1/completions"
        raise BadRequest(message, "messages")
    try:
        ids = served.chat([plain(message) for message in messages])
    except ValueError as error:
        raise BadRequest(f"messages: {error}", "messages") from error
    return encoded(served.tokenizer, ids.tolist(), longest)
