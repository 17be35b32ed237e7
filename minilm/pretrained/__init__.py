"""Floor 5. Published weights: by which names others know them, and how they are read and written."""

from .folder import load, save_pretrained

__all__ = ["load", "save_pretrained"]
