"""Floor 4. Language models, each with a loss, a summary and the decoding protocol start, step, reorder; and BERT."""

from functools import partial

from .bags import LogisticRegression, NaiveBayes
from .bert import Bert, BertClassifier, BertSpans, MaskedLM
from .classifier import RecurrentClassifier
from .conditional import ConditionalModel, Given
from .encoder_decoder import EncoderDecoder
from .gpt import GPT
from .language_model import LanguageModel
from .llama import Llama
from .mlp import MLP
from .nearest import Nearest
from .ngram import NGram
from .pointer import PointerGenerator
from .rnn import RecurrentLM
from .seq2seq import Seq2Seq
from .spans import RecurrentSpans

MODELS = {
    "ngram": lambda *, rng, **settings: NGram(**settings),  # counting draws nothing at random
    "mlp": MLP,
    "rnn": partial(RecurrentLM, cell="rnn"),
    "gru": partial(RecurrentLM, cell="gru"),
    "lstm": partial(RecurrentLM, cell="lstm"),
    "gpt": GPT,
    "llama": Llama,
}

__all__ = [
    "GPT",
    "MLP",
    "MODELS",
    "Bert",
    "BertClassifier",
    "BertSpans",
    "ConditionalModel",
    "EncoderDecoder",
    "Given",
    "LanguageModel",
    "Llama",
    "LogisticRegression",
    "MaskedLM",
    "NGram",
    "NaiveBayes",
    "Nearest",
    "PointerGenerator",
    "RecurrentClassifier",
    "RecurrentLM",
    "RecurrentSpans",
    "Seq2Seq",
]
