"""The table of golden cases: every layer of minilm.nn beside the same computation in PyTorch."""

from . import attention, layers, recurrent, transformer
from .case import CASES, Case, flat, waves

__all__ = ["CASES", "Case", "attention", "flat", "layers", "recurrent", "transformer", "waves"]
