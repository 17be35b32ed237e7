"""Floor 5. Published models: by which names others know the weights, how they are read, and what goes with them."""

from .adapters import load_adapters, save_adapters
from .archives import PUBLISHED
from .folder import load_model
from .gguf import GGUF, read_gguf
from .pretrained import Pretrained
from .saving import save_pretrained
from .sentences import sentence_vectors
from .sources import load

__all__ = [
    "GGUF",
    "PUBLISHED",
    "Pretrained",
    "load",
    "load_adapters",
    "load_model",
    "read_gguf",
    "save_adapters",
    "save_pretrained",
    "sentence_vectors",
]
