"""What is timed: sizes, and the tokens that both sides are given."""

VOCABULARY = 71

GPTS = {
    "gpt-main": {"width": 128, "layers": 4, "heads": 4, "context": 128, "batch": 4},  # the main job's model
    "gpt-s": {"width": 128, "layers": 4, "heads": 4, "context": 64, "batch": 12},
    "gpt-m": {"width": 192, "layers": 6, "heads": 6, "context": 128, "batch": 16},
}
LSTM = {"embedding": 64, "width": 128, "context": 64, "batch": 32}
PROMPT, NEW_TOKENS = list(range(16)), 64

TRAINING = {**GPTS, "lstm": LSTM}
IN_TURN = (*TRAINING, "decode")


def batch_of(name: str):
    """Inputs and targets: arrays (B, T)."""
    import numpy as np  # here, for the sake of run.py

    B, T = TRAINING[name]["batch"], TRAINING[name]["context"]
    ids = np.random.default_rng(0).integers(VOCABULARY, size=(B, T + 1))
    return ids[:, :-1].copy(), ids[:, 1:].copy()


def model_size(name: str) -> dict[str, int]:
    """The model's own part of a workload; decoding is done by the main job's."""
    size = dict(TRAINING["gpt-main" if name == "decode" else name])
    del size["batch"]
    if name == "lstm":
        del size["context"]
    return size
