"""Floor 6. A local server of a trained model that speaks the interface of OpenAI's clients, and its page."""

from .engine import Engine, Full, Settings, Task
from .handler import is_loopback
from .limits import Limits
from .served import Served, load
from .server import application, listen, running, serve
from .stream import TextStream

__all__ = [
    "Engine",
    "Full",
    "Limits",
    "Served",
    "Settings",
    "Task",
    "TextStream",
    "application",
    "is_loopback",
    "listen",
    "load",
    "running",
    "serve",
]
