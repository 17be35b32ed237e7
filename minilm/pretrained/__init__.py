"""Floor 5. Published weights: by which names others know them, and how they are read and written."""

from .adapters import load_adapters, save_adapters
from .folder import load, save_pretrained

__all__ = ["load", "load_adapters", "save_adapters", "save_pretrained"]
