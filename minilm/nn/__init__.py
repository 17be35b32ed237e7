"""Floor 3. Layers: modules with parameters, built from the operations of autograd."""

from .attention import (
    AdditiveAttention,
    DotAttention,
    KeyValues,
    MultiHeadAttention,
    head_width,
    join_heads,
    split_heads,
)
from .cache import Cache, append, stack
from .layers import (
    ACTIVATIONS,
    Dropout,
    Embedding,
    FeedForward,
    LayerNorm,
    Linear,
    RMSNorm,
    SwiGLU,
    TiedEmbedding,
)
from .lora import LoRA, adapt, adapters, merge
from .module import Module, parameter
from .packed import PackedEmbedding, PackedLinear, matrices_in_memory
from .position import LearnedPositions, RotaryPositions, SinusoidalPositions, check_context
from .recurrent import GRUCell, LSTMCell, Recurrent, RNNCell
from .summary import summary
from .transformer import Block, Decoder, Encoder

__all__ = [
    "ACTIVATIONS",
    "AdditiveAttention",
    "Block",
    "Cache",
    "Decoder",
    "DotAttention",
    "Dropout",
    "Embedding",
    "Encoder",
    "FeedForward",
    "GRUCell",
    "KeyValues",
    "LSTMCell",
    "LayerNorm",
    "LearnedPositions",
    "Linear",
    "LoRA",
    "Module",
    "MultiHeadAttention",
    "PackedEmbedding",
    "PackedLinear",
    "RMSNorm",
    "RNNCell",
    "Recurrent",
    "RotaryPositions",
    "SinusoidalPositions",
    "SwiGLU",
    "TiedEmbedding",
    "adapt",
    "adapters",
    "append",
    "check_context",
    "head_width",
    "join_heads",
    "matrices_in_memory",
    "merge",
    "parameter",
    "split_heads",
    "stack",
    "summary",
]
