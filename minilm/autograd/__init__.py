"""Floor 2. Automatic differentiation: tensor.py is the engine, operations.py the rules, fused.py those with kernels."""

from . import methods  # noqa: F401  teaches Tensor its operators
from .fused import (
    attention,
    cross_entropy,
    frozen_linear,
    gelu,
    gelu_exact,
    gru,
    layer_norm,
    linear,
    lstm,
    packed_linear,
    quantized_linear,
    rms_norm,
    rnn,
    rotary,
    scatter,
    swiglu,
)
from .operations import check_ids, concatenate, dropout, gather, log_softmax, softmax, stack, where
from .tensor import OPERATIONS, Tensor, no_grad, operation, unbroadcast
from .vector import in_one_vector, move, pieces

__all__ = [
    "OPERATIONS",
    "Tensor",
    "attention",
    "check_ids",
    "concatenate",
    "cross_entropy",
    "dropout",
    "frozen_linear",
    "gather",
    "gelu",
    "gelu_exact",
    "gru",
    "in_one_vector",
    "layer_norm",
    "linear",
    "log_softmax",
    "lstm",
    "move",
    "no_grad",
    "operation",
    "packed_linear",
    "pieces",
    "quantized_linear",
    "rms_norm",
    "rnn",
    "rotary",
    "scatter",
    "softmax",
    "stack",
    "swiglu",
    "unbroadcast",
    "where",
]
