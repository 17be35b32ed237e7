"""Floor 5. Published weights: by which names others know them, and how they are read and written."""

from .bert import load_bert, save_bert

__all__ = ["load_bert", "save_bert"]
