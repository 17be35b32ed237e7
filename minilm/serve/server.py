"""The server: its addresses, and its life."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application

from . import page, writing
from .engine import DEFAULT, Engine
from .handler import Handler, is_loopback
from .limits import Limits
from .served import Served

MOST = 64_000_000  # bytes of a body that are read, though not kept, to be able to say that they are too many
TIMES = {"idle_connection_timeout": 60, "body_timeout": 60}  # seconds


def application(engine: Engine, *, key: str | None = None, local: bool = True) -> Application:
    """The addresses of the server, for an engine.

    Parameters
    ----------
    key : str, optional
        What clients must send as their API key.
    local : bool
        Whether requests that name another host than this machine are refused.
    """
    addresses = [
        ("/v1/completions", writing.Completions),
        ("/v1/chat/completions", writing.ChatCompletions),
        ("/v1/models", writing.Models),
        ("/v1/models/(.+)", writing.OneModel),
        *page.ADDRESSES,
    ]
    settings = {"engine": engine, "key": key, "local": local, "created": int(time.time())}
    return Application(addresses, default_handler_class=Nowhere, log_function=lambda handler: None, **settings)


class Nowhere(Handler):
    """All other addresses."""

    def prepare(self):
        self.send_error(404)


def listen(app: Application, host: str, port: int) -> tuple[HTTPServer, int]:
    """Open the port, 0 for any that is free.   ->   the server, and its port

    Raises
    ------
    OSError
        If the port is taken, or not ours to take.
    """
    server = HTTPServer(app, max_body_size=MOST, max_header_size=64_000, **TIMES)
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.create_server(place[:2], family=family)
    except OSError as error:
        message = f"port {port} of {host} cannot be opened ({error.strerror}); choose another --port or --host"
        raise OSError(error.errno, message) from error
    opened.setblocking(False)
    server.add_socket(opened)
    return server, opened.getsockname()[1]


@contextmanager
def running(
    served: Served, *, host: str = "127.0.0.1", port: int = 0, key: str | None = None, limits: Limits = DEFAULT
) -> Iterator[str]:
    """A server in threads of its own, as long as the block runs; the address is what the block gets.

    Raises
    ------
    OSError
        If the port cannot be opened.
    """
    engine, opened = Engine(served, limits), Future()
    app = application(engine, key=key, local=is_loopback(host))
    thread = Thread(target=lambda: asyncio.run(_serve(app, host, port, opened)), name="minilm server", daemon=True)
    thread.start()
    try:
        loop, end, port = opened.result()
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
        finally:
            loop.call_soon_threadsafe(end.set)
    finally:
        engine.close()
        thread.join(timeout=5)


async def _serve(app, host, port, opened):
    """Serve until the event is set that `opened` gets, beside the loop and the port."""
    try:
        server, port = listen(app, host, port)
    except OSError as error:
        return opened.set_exception(error)
    end = asyncio.Event()
    opened.set_result((asyncio.get_running_loop(), end, port))
    await end.wait()
    server.stop()
    await server.close_all_connections()


def serve(served: Served, *, ready: Callable[[str], None] = print, **settings: Any) -> None:
    """As `running`, until the process is interrupted; `ready` is told the address."""
    with running(served, **settings) as address:
        ready(address)
        while True:
            time.sleep(3600)
