"""minilm: a small language-model library that people read.

Letters for shapes, the same everywhere:

    B  batch                  C  width, channels of a token      V  vocabulary, how many different tokens
    T  time (queries)         H  heads; in recurrent layers      L  layers
    S  source time (keys)        the width of the state          N  rows, whatever they are
                              D  width of a head, C/H
                              F  hidden width

The rooms, from the ground up; each imports only those below it: kernels, metrics, plots; autograd, data; nn, generate;
models, training; runs, check.
"""

from minilm import process  # isort: skip

process.tune()  # before the first thread starts

from minilm import autograd, check, compress, data, generate, kernels, metrics, models, nn, plots, runs, training
from minilm.autograd import Tensor, no_grad
from minilm.process import quick
from minilm.runs import load_run

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "autograd",
    "check",
    "compress",
    "data",
    "generate",
    "kernels",
    "load_run",
    "metrics",
    "models",
    "nn",
    "no_grad",
    "plots",
    "quick",
    "runs",
    "training",
]
