"""The decoding protocol, and the checks of what is asked of it. B prompts of one length are continued side by side."""

from typing import Any, Protocol

import numpy as np

from minilm.expect import expect


class Model(Protocol):
    """What decoding asks of a model. The state is the model's own business: what it remembers of each row."""

    vocabulary: int

    def start(self, prompt: np.ndarray) -> tuple[np.ndarray, Any]:
        """prompt (B, T) -> the next token's log-probabilities (B, V), and the state"""

    def step(self, ids: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        """The tokens just chosen, ids (B,) -> the next log-probabilities (B, V), and the state after them"""

    def reorder(self, state: Any, rows: np.ndarray) -> Any:
        """The state of the given rows, in that order: some may be missing, some may occur several times"""


def sound(log_probs):
    """In float64, after a look that every row has a best token."""
    if not np.isfinite(log_probs.max(axis=-1)).all():  # the maximum is NaN if any is
        raise ValueError(
            "the model gives NaN or no possible token at all; expected log-probabilities: "
            "its training diverged (try a lower learning rate), or its weights are damaged"
        )
    return log_probs.astype(np.float64)


def as_batch(prompt, vocabulary) -> np.ndarray:
    """The prompt as (B, T)."""
    try:
        ids = np.asarray(prompt)
    except ValueError:
        raise ValueError(
            "prompt is ragged; expected ids (B, T): continue the prompts of each length in a call of their own"
        ) from None
    if ids.size == 0 or ids.ndim > 2:
        raise ValueError(
            f"prompt has shape {ids.shape}; expected (T,) or (B, T) with at least one id: "
            "a line break or a start token begins a text"
        )
    if not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"prompt holds {ids.dtype}; expected integers: encode text with the model's tokenizer first")
    outside = ids[(ids < 0) | (ids >= vocabulary)]
    if outside.size:
        raise ValueError(
            f"prompt holds the id {outside[0]}; expected ids from 0 to {vocabulary - 1}: "
            "encode text with the model's own tokenizer"
        )
    return np.atleast_2d(ids).astype(np.int64)


def check_end(eos_token_id, vocabulary):
    known = eos_token_id is None or 0 <= eos_token_id < vocabulary
    expect("eos_token_id", eos_token_id, known, f"an id from 0 to {vocabulary - 1}, or None for texts without an end")
