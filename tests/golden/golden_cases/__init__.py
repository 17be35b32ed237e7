"""The table of golden cases: layers of minilm.nn and encoder-decoders beside the same computation in PyTorch."""

from . import attention, encoder_decoders, layers, recurrent, transformer
from .case import CASES, Case, flat, waves

__all__ = ["CASES", "Case", "attention", "encoder_decoders", "flat", "layers", "recurrent", "transformer", "waves"]
