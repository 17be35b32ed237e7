"""Floor 5. Whole tasks on files of one's own: classify, answer, translate, summarize."""

from types import ModuleType

TASKS: dict[str, ModuleType] = {}  # a module for each command: its `read`, its `split`, and its class as `Task`

__all__ = ["TASKS"]
