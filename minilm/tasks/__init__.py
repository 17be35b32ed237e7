"""Floor 5. Whole tasks on files of one's own: classify, answer, translate, summarize."""

from types import ModuleType

from . import summarize

# A module for each command: its `read`, its `split`, and its class as `Task`.
TASKS: dict[str, ModuleType] = {"summarize": summarize}

__all__ = ["TASKS"]
