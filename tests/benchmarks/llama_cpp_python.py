"""llama.cpp, by its Python package, on the same file: SmolLM2 from its blocks."""

import itertools

import workloads
from turns import Unavailable

from minilm.pretrained import archives


def build(name, weights):
    """A function that writes once, greedily, and returns the ids."""
    try:
        from llama_cpp import Llama
    except ImportError as error:
        raise Unavailable("no llama_cpp: pip install llama-cpp-python, which compiles it") from error
    path = archives.fetched("smollm2")
    model = Llama(str(path), n_ctx=512, n_threads=2, n_threads_batch=2, verbose=False)

    def write():
        model.reset()  # or it would remember the prompt
        return list(itertools.islice(model.generate(workloads.PROMPT, top_k=1), workloads.NEW_TOKENS[name]))

    return write
