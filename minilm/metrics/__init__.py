"""Floor 1. How good is it? Arrays and texts in, numbers out: likelihood, classes, BLEU, ROUGE, right answers."""

from .answers import exact_match, f1, longest_common_run, normalised
from .bleu import Bleu, bleu, bleu_counts, bleu_of_counts, brevity_penalty, clipped_matches, closest_length
from .bootstrap import bootstrap, interval, resamplings
from .chrf import chrf, chrf_counts, chrf_of_counts
from .classes import Bins, calibration_error, confusion, f1_of_classes, reliability
from .likelihood import accuracy, bits_per_character, cross_entropy, perplexity, total_nats
from .rouge import Rouge, longest_common_subsequence, rouge_l, rouge_n
from .tokens import TOKENIZERS, is_chinese, ngrams, tokens

__all__ = [
    "TOKENIZERS",
    "Bins",
    "Bleu",
    "Rouge",
    "accuracy",
    "bits_per_character",
    "bleu",
    "bleu_counts",
    "bleu_of_counts",
    "bootstrap",
    "brevity_penalty",
    "calibration_error",
    "chrf",
    "chrf_counts",
    "chrf_of_counts",
    "clipped_matches",
    "closest_length",
    "confusion",
    "cross_entropy",
    "exact_match",
    "f1",
    "f1_of_classes",
    "interval",
    "is_chinese",
    "longest_common_run",
    "longest_common_subsequence",
    "ngrams",
    "normalised",
    "perplexity",
    "reliability",
    "resamplings",
    "rouge_l",
    "rouge_n",
    "tokens",
    "total_nats",
]
