"""Floor 5. Smaller and faster models made of trained ones."""

from .quantize import QuantizedLinear, quantize, quantized

__all__ = ["QuantizedLinear", "quantize", "quantized"]
