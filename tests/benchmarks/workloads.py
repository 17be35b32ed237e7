"""What is timed: sizes, the tokens that both sides are given, whom it is compared with, and how fast it ought to be.

A workload's name is what is done and the size of the model: `gpt-s` trains, `decode-s` and `beam-s` write, and
`prompt-smollm2` reads.
"""

SIZES = {
    "gpt-main": {"vocabulary": 71, "width": 128, "layers": 4, "heads": 4, "context": 128, "batch": 4},  # the main job's
    "gpt-s": {"vocabulary": 65, "width": 128, "layers": 4, "heads": 4, "context": 64, "batch": 12},
    "gpt-m": {"vocabulary": 65, "width": 192, "layers": 6, "heads": 6, "context": 128, "batch": 16},
    "gpt-l": {"vocabulary": 65, "width": 384, "layers": 6, "heads": 6, "context": 256, "batch": 8},
    "gpt-gpt2": {"vocabulary": 50257, "width": 768, "layers": 12, "heads": 12, "context": 1024},  # GPT-2 small's shape
    "gpt-tiny": {"vocabulary": 65, "width": 32, "layers": 1, "heads": 1, "context": 256, "batch": 8},  # to warm up
    "lstm": {"vocabulary": 65, "embedding": 64, "width": 128, "context": 64, "batch": 32},
    "lstm-m": {"vocabulary": 1000, "embedding": 128, "width": 256, "context": 64, "batch": 32},
    "lstm-l": {"vocabulary": 10000, "embedding": 256, "width": 1024, "context": 32, "batch": 64},  # Keras' tutorials'
}
PROMPT, BEAMS = list(range(16)), 5
NEW_TOKENS = {
    **{"decode-s": 48, "decode-l": 64, "decode-gpt2": 32, "decode-int8": 32, "beam-l": 100},
    **{"decode-smollm2": 128, "blocks-smollm2": 128},  # as many as llama.cpp's own benchmark has
}
LONG_PROMPT = list(range(256))

EAGER, COMPILED, PRODUCTS = "PyTorch eager", "PyTorch compiled", "matrix products"
TRANSFORMERS, FLOAT32, LLAMA_CPP = "transformers", "minilm float32", "llama.cpp"
SIDES = {  # where the work of each is built
    "minilm": "ours.build",
    EAGER: "theirs.build",
    COMPILED: "theirs.build_compiled",
    PRODUCTS: "products.build",
    TRANSFORMERS: "hugging_face.build",
    FLOAT32: "ours.build_float32",
    LLAMA_CPP: "llama_cpp_python.build",
}
IN_TURN = {
    "gpt-main": [EAGER],
    **{name: [EAGER, COMPILED, PRODUCTS] for name in ("gpt-s", "gpt-m", "gpt-l")},
    **{name: [EAGER] for name in ("lstm", "lstm-m", "lstm-l", "decode-s", "decode-l", "decode-gpt2")},
    "decode-int8": [FLOAT32],
    **{name: [TRANSFORMERS] for name in ("beam-l", "decode-smollm2", "prompt-smollm2")},
    "blocks-smollm2": [LLAMA_CPP],
}
RUST, PYTHON, NLTK = "tokenizers (Rust)", "pure Python", "nltk.lm"
TEXT_PEERS = {
    **{"bpe-train": RUST, "bpe-encode": RUST, "bpe-train-python": PYTHON, "bpe-encode-python": PYTHON},
    **{"kneser-ney-build": NLTK, "kneser-ney-score": NLTK},
}
MAY_DIFFER = {"decode-int8", PRODUCTS, LLAMA_CPP}  # whose results are not the others': it rounds to 8 bits

TARGETS = {  # the most that minilm's seconds (or bytes) may be, over the peer's; with no peer, seconds
    ("gpt-s", EAGER): 0.75,
    ("gpt-m", EAGER): 0.80,
    ("gpt-l", EAGER): 0.80,
    **{(name, COMPILED): 0.85 for name in ("gpt-s", "gpt-m", "gpt-l")},
    ("gpt-m", PRODUCTS): 1.20,
    ("gpt-l", PRODUCTS): 1.10,
    **{(name, EAGER): 0.75 for name in ("lstm", "lstm-m", "lstm-l")},
    ("decode-s", EAGER): 1 / 4.5,
    ("decode-l", EAGER): 1 / 3.5,
    ("decode-gpt2", EAGER): 1 / 2.8,
    ("decode-int8", FLOAT32): 1 / 2.2,
    ("beam-l", TRANSFORMERS): 1 / 3,
    ("decode-smollm2", TRANSFORMERS): 1 / 3,
    ("prompt-smollm2", TRANSFORMERS): 1 / 0.8,
    ("bpe-train", RUST): 2,
    ("bpe-encode", RUST): 2,
    ("bpe-train-python", PYTHON): 1 / 50,
    ("bpe-encode-python", PYTHON): 1 / 50,
    ("kneser-ney-build", NLTK): 1 / 20,
    ("kneser-ney-score", NLTK): 1 / 20,
    ("peak-memory", EAGER): 0.8,
    ("import", "import torch"): 0.3,
    ("first-step-cold", None): 20,
    ("first-step-warm", None): 1.5,
}


def size_of(name: str) -> dict[str, int]:
    """The size of a workload's model, and of a batch."""
    letter = {"decode-int8": "gpt2"}.get(name, name.partition("-")[2])
    return SIZES[name] if name in SIZES else SIZES[f"gpt-{letter}"]


def model_size(size: dict[str, int]) -> dict[str, int]:
    """The arguments of the model."""
    return {key: value for key, value in size.items() if key != "batch"}


def batch_of(size: dict[str, int]):
    """Inputs and targets: arrays (B, T)."""
    import numpy as np  # here, for the sake of run.py

    ids = np.random.default_rng(0).integers(size["vocabulary"], size=(size["batch"], size["context"] + 1))
    return ids[:, :-1].copy(), ids[:, 1:].copy()
