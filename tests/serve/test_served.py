"""Published models are served like runs: their texts, their conversations, and where an answer ends."""

import numpy as np
import pytest
from tiny import TOKENIZER, gguf, llama

from minilm import generate, models, pretrained, serve

QUESTION = {"messages": [{"role": "user", "content": "the"}], "temperature": 0, "max_tokens": 8}


@pytest.fixture
def file(tmp_path):
    """A GGUF file of a model that has learned nothing."""
    (tmp_path / "tiny.gguf").write_bytes(gguf(llama()))
    return tmp_path / "tiny.gguf"


def test_a_gguf_file_is_served_with_its_conversation(connect, file):
    served = serve.load(file)
    assert (served.name, served.ends) == ("tiny.gguf", {1})
    status, content = connect(served).post("/v1/chat/completions", QUESTION)
    assert status == 200
    assert content["choices"][0]["message"]["content"] == pretrained.load(file).answer("the", 8)


def test_texts_are_gone_on_with_whatever_bytes_they_are_made_of(connect, file):
    served = serve.load(file)
    ids = generate.greedy(served.model, TOKENIZER.encode("读书"), 20)
    assert 1 not in ids
    found = connect(served).complete("读书", temperature=0, max_tokens=20)["choices"][0]["text"]
    assert found == TOKENIZER.decode(ids)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    pretrained.save_pretrained(tmp_path, llama())
    with pytest.raises(ValueError, match="came without a tokenizer"):
        serve.load(tmp_path)


def test_an_encoder_is_refused(tmp_path):
    bert = models.Bert(9, pad=0, width=8, layers=1, heads=1, context=8, rng=np.random.default_rng(0))
    pretrained.save_pretrained(tmp_path, bert)
    with pytest.raises(ValueError, match="writes no texts"):
        serve.load(tmp_path)


@pytest.mark.network
@pytest.mark.slow
def test_smollm2_answers_in_a_conversation(connect):
    body = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "temperature": 0}
    status, content = connect(serve.load("smollm2")).post("/v1/chat/completions", {**body, "max_tokens": 20})
    assert status == 200
    assert "Paris" in content["choices"][0]["message"]["content"]
    assert content["choices"][0]["finish_reason"] == "stop"
