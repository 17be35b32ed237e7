"""SmolLM2 and MiniLM, fetched from the package index, compute what transformers compute from the same numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

from mixed_texts import mixed_texts
from tokenizers import models, pre_tokenizers

from minilm import generate, pretrained
from minilm.pretrained import archives

pytestmark = pytest.mark.network
NUMBER = 10_000
SPEECH = "To be, or not to be: that is the question: whether 'tis nobler in the mind to suffer"
SENTENCES = [
    "A man is eating food.", "Someone eats a meal.", "The sky is blue.", "我喜欢读书", SPEECH, "", "naïve 🐈",
    "word " * 400,
]  # fmt: skip


@pytest.fixture(scope="module")
def smollm2():
    return pretrained.load("smollm2", packed=False, show_progress=False)


@pytest.fixture(scope="module")
def minilm():
    return pretrained.load("minilm-l6", show_progress=False)


def assert_same_ids(ours, theirs, texts):
    ours.encode("\n".join(texts))  # most words are now known, which takes less time than one text after another
    for text, encoding in zip(texts, theirs.encode_batch(texts, add_special_tokens=False), strict=True):
        assert ours.encode(text).tolist() == encoding.ids, repr(text)


def test_smollm2_encodes_10000_strings_as_tokenizers_do(smollm2):
    ours = smollm2.tokenizer
    theirs = tokenizers.Tokenizer(models.BPE({symbol: i for i, symbol in enumerate(ours.symbols)}, ours.merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    theirs.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    theirs.add_special_tokens(list(ours.special))
    assert_same_ids(ours, theirs, list(mixed_texts(0, NUMBER, extra=["<|im_end|>", "\x04", "<|endoftext|>"])))


def test_minilm_encodes_10000_strings_as_tokenizers_do(minilm):
    theirs = tokenizers.Tokenizer.from_file(str(archives.fetched("minilm-l6") / "tokenizer.json"))
    theirs.no_truncation()
    theirs.no_padding()
    assert_same_ids(minilm.tokenizer, theirs, list(mixed_texts(0, NUMBER)))


def test_smollm2_has_the_logits_of_transformers_and_writes_the_same(smollm2, tmp_path):
    pretrained.save_pretrained(tmp_path, smollm2.model)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    ids = smollm2.chat([{"role": "user", "content": "Why is the sky blue? 为什么？"}])
    with torch.no_grad():
        expected = theirs(torch.from_numpy(ids[None])).logits[0].numpy()
        written = theirs.generate(torch.from_numpy(ids[None]), max_new_tokens=20, do_sample=False)[0, len(ids) :]
    logits = smollm2.model(ids[None]).data[0]
    np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())
    assert (logits.argmax(axis=1) == expected.argmax(axis=1)).mean() == 1
    assert np.abs(np.roll(logits, 1, axis=0) - expected).max() > 1  # negative control
    assert generate.greedy(smollm2.model, ids, 20).tolist() == written.tolist()


def test_minilm_has_the_similarities_of_sentence_transformers(minilm):
    """Its method: BERT's output, the mean over all tokens that are no padding, to length 1."""
    folder = archives.fetched("minilm-l6")
    bert = transformers.BertModel.from_pretrained(folder).eval()
    tokenizer = transformers.BertTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    rows = tokenizer(SENTENCES, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        hidden = bert(input_ids=rows["input_ids"], attention_mask=rows["attention_mask"]).last_hidden_state
    mask = rows["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).numpy()
    vectors = minilm.encode(SENTENCES, batch=3)
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-4)
    np.testing.assert_allclose(vectors, expected, atol=1e-4)
    assert vectors[0] @ vectors[1] > 0.7 > 0.3 > vectors[0] @ vectors[2]
    assert np.abs(hidden[:, 0].numpy() - expected).max() > 0.01  # negative control: [CLS] alone is something else
