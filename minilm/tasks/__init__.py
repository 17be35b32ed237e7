"""Floor 5. Whole tasks on files of one's own: classify, answer, translate, summarize."""

from types import ModuleType

from . import answer, classify, summarize, translate

# A module for each command: its `read`, its `split`, and its class as `Task`.
TASKS: dict[str, ModuleType] = {
    "classify": classify, "answer": answer, "translate": translate, "summarize": summarize
}  # fmt: skip

__all__ = ["TASKS"]
