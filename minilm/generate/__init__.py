"""Floor 3. Writing text with any model: greedy decoding, sampling, beam search and consensus, written once for all."""

from .beam import Hypothesis, Node, beam_search
from .consensus import consensus
from .filters import block_repeats, keep_top_k, keep_top_p, penalise_repetition, with_temperature
from .protocol import Model
from .write import greedy, sample

__all__ = [
    "Hypothesis",
    "Model",
    "Node",
    "beam_search",
    "block_repeats",
    "consensus",
    "greedy",
    "keep_top_k",
    "keep_top_p",
    "penalise_repetition",
    "sample",
    "with_temperature",
]
