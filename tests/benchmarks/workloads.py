"""What is timed: sizes, and the tokens that both sides are given."""

VOCABULARY = 71

GPTS = {
    "gpt-main": {"width": 128, "layers": 4, "heads": 4, "context": 128, "batch": 4},  # the main job's model
    "gpt-s": {"width": 128, "layers": 4, "heads": 4, "context": 64, "batch": 12},
    "gpt-m": {"width": 192, "layers": 6, "heads": 6, "context": 128, "batch": 16},
}
LSTMS = {
    "lstm": {"vocabulary": 65, "embedding": 64, "width": 128, "context": 64, "batch": 32},
    "lstm-m": {"vocabulary": 1000, "embedding": 128, "width": 256, "context": 64, "batch": 32},
    "lstm-l": {"vocabulary": 10_000, "embedding": 256, "width": 1024, "context": 32, "batch": 64},  # Keras tutorials
}
PROMPT, NEW_TOKENS = list(range(16)), 64

TRAINING = {**GPTS, **LSTMS}
IN_TURN = (*TRAINING, "decode")


def vocabulary_of(name: str) -> int:
    return TRAINING.get(name, {}).get("vocabulary", VOCABULARY)


def batch_of(name: str):
    """Inputs and targets: arrays (B, T)."""
    import numpy as np  # here, for the sake of run.py

    B, T = TRAINING[name]["batch"], TRAINING[name]["context"]
    ids = np.random.default_rng(0).integers(vocabulary_of(name), size=(B, T + 1))
    return ids[:, :-1].copy(), ids[:, 1:].copy()


def model_size(name: str) -> dict[str, int]:
    """The model's own part of a workload; decoding is done by the main job's."""
    size = dict(TRAINING["gpt-main" if name == "decode" else name])
    not_the_models = ("batch", "vocabulary", "context") if name in LSTMS else ("batch",)
    return {key: value for key, value in size.items() if key not in not_the_models}
