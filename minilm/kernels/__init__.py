"""Floor 1. The hot loops: arrays in, arrays out, no Tensor. Each is a formula in NumPy with a compiled twin."""

from .activation import gelu, gelu_backward, gelu_exact, gelu_exact_backward, swiglu, swiglu_backward
from .attention import attend, attention, attention_backward, by_head, visible
from .decode import decode
from .decode_llama import decode_llama
from .gather import gather, scatter_add
from .linear import frozen_linear_backward, linear, linear_backward
from .norm import layer_norm, layer_norm_backward, rms_norm, rms_norm_backward
from .optimizer import adamw
from .packed import packed_linear
from .pair import ALL, Kernel, reference_only
from .quantized import quantized_linear
from .recurrent import gru, gru_backward, lstm, lstm_backward, rnn, rnn_backward
from .rotary import rotate, turn
from .softmax import (
    cross_entropy,
    cross_entropy_backward,
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
)

__all__ = [
    "ALL",
    "Kernel",
    "adamw",
    "attend",
    "attention",
    "attention_backward",
    "by_head",
    "cross_entropy",
    "cross_entropy_backward",
    "decode",
    "decode_llama",
    "frozen_linear_backward",
    "gather",
    "gelu",
    "gelu_backward",
    "gelu_exact",
    "gelu_exact_backward",
    "gru",
    "gru_backward",
    "layer_norm",
    "layer_norm_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "lstm",
    "lstm_backward",
    "packed_linear",
    "quantized_linear",
    "reference_only",
    "rms_norm",
    "rms_norm_backward",
    "rnn",
    "rnn_backward",
    "rotate",
    "scatter_add",
    "softmax",
    "softmax_backward",
    "swiglu",
    "swiglu_backward",
    "turn",
    "visible",
]
