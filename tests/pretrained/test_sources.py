"""Published models from a folder or a GGUF file: the same model, with tokenizer, chat and ends; and what is refused."""

import contextlib
import json

import numpy as np
import pytest
from tiny import MERGES, SYMBOLS, TEMPLATE, TOKENIZER, entries, gguf, llama

from minilm import generate, pretrained
from minilm.data import CharTokenizer, WordPieceTokenizer
from minilm.models import Bert

IDS = np.array([[5, 17, 33, 4, 260, 1, 0, 9]])


@pytest.fixture
def file(tmp_path):
    def file(model, *arguments, **changes):
        (tmp_path / "model.gguf").write_bytes(gguf(model, *arguments, **changes))
        return tmp_path / "model.gguf"

    return file


def load(path):
    return pretrained.load(path, show_progress=False)


def write_json(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")


def folder_of(folder, model):
    """As transformers would have it."""
    pretrained.save_pretrained(folder, model)
    added = [{"id": i, "content": SYMBOLS[i], "special": True} for i in (0, 1)]
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False}
    bpe = {"type": "BPE", "vocab": {symbol: i for i, symbol in enumerate(SYMBOLS)}, "merges": MERGES}
    write_json(folder / "tokenizer.json", {"added_tokens": added, "pre_tokenizer": bytes_, "model": bpe})
    named = {"bos_token": "<s>", "eos_token": {"content": "</s>"}}
    write_json(folder / "tokenizer_config.json", {"chat_template": TEMPLATE, **named})
    write_json(folder / "generation_config.json", {"eos_token_id": [1, 7]})
    return folder


@pytest.mark.parametrize("tied", [True, False])
def test_a_gguf_file_holds_the_model_that_a_folder_holds(file, tmp_path, tied):
    model = llama(tied)
    expected = model(IDS).data
    np.testing.assert_allclose(load(file(model)).model(IDS).data, expected, atol=1e-6)
    np.testing.assert_allclose(load(folder_of(tmp_path, model)).model(IDS).data, expected, atol=1e-6)


def test_rows_that_are_not_turned_are_noticed(file):
    """Negative control of the test above."""
    model = llama()
    other = load(file(model, "F32", lambda array, heads: array)).model
    assert np.abs(other(IDS).data - model(IDS).data).max() > 1e-3


@pytest.mark.parametrize(("kind", "most"), [("F16", 0.002), ("Q8_0", 0.03), ("Q4_1", 0.3), ("Q4_0", 0.4)])
def test_blocks_change_logits_by_their_rounding(file, kind, most):
    model = llama()
    expected = model(IDS).data
    difference = (load(file(model, kind)).model(IDS).data - expected).std() / expected.std()
    assert most / 10 < difference < most


def test_texts_and_answers_are_what_the_model_writes(file):
    loaded = load(file(llama()))
    ids = generate.greedy(loaded.model, TOKENIZER.encode("the then"), 12, eos_token_id=1)
    assert loaded.write("the then", 12) == TOKENIZER.decode(ids[ids != 1])
    assert TOKENIZER.decode(loaded.chat([{"role": "user", "content": "the"}])) == "<s>user:the</s><s>a:"
    assert loaded.answer("the", 5) == loaded.answer([{"role": "user", "content": "the"}], 5)
    drawn = loaded.answer("the", 8, temperature=0.7, rng=np.random.default_rng(0))
    assert drawn == loaded.answer("the", 8, temperature=0.7, rng=np.random.default_rng(0)) != loaded.answer("the", 8)


def test_an_answer_stops_before_any_of_the_ends(file):
    loaded = load(file(llama()))
    written = generate.greedy(loaded.model, loaded.chat([{"role": "user", "content": "the"}]), 8)
    ended = pretrained.Pretrained(loaded.model, TOKENIZER, ends=(1, int(written[3])), chat=loaded.chat)
    stop = written.tolist().index(written[3])
    assert ended.answer("the", 8) == TOKENIZER.decode(written[:stop])


def test_ends_and_template_come_from_the_files(file, tmp_path):
    from_file, from_folder = (
        load(file(llama(), tokenizer__ggml__eot_token_id=(4, 7))),
        load(folder_of(tmp_path, llama())),
    )
    assert from_file.ends == from_folder.ends == (1, 7)
    messages = [{"role": "user", "content": "the"}]
    assert from_file.chat(messages).tolist() == from_folder.chat(messages).tolist()
    (tmp_path / "chat_template.jinja").write_text("{{ eos_token }}", encoding="utf-8")
    assert load(tmp_path).chat(messages).tolist() == [1]


@pytest.fixture
def encoder(tmp_path):
    tokenizer = WordPieceTokenizer.train("a cat sat on a mat, a dog on a log. " * 3, size=40)
    bert = Bert(40, pad=0, width=16, layers=2, heads=2, context=32, rng=np.random.default_rng(0)).eval()
    pretrained.save_pretrained(tmp_path, bert)
    (tmp_path / "vocab.txt").write_text(
        "\n".join(tokenizer.vocabulary.symbols(range(len(tokenizer)))), encoding="utf-8"
    )
    write_json(tmp_path / "sentence_bert_config.json", {"max_seq_length": 12})
    return load(tmp_path)


def test_vectors_are_means_over_a_text_of_length_one(encoder):
    texts = ["a cat", "a dog sat on a mat, a mat", "", "a cat sat"]
    vectors = encoder.encode(texts, batch=3)
    assert vectors.shape == (4, 16)
    for text, vector in zip(texts, vectors, strict=True):
        ids = [encoder.tokenizer.vocabulary.id(s) for s in ("[CLS]", "[SEP]")]
        row = np.array([[ids[0], *encoder.tokenizer.encode(text)[:10], ids[1]]])
        mean = encoder.model(row).data[0].mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    assert np.abs(vectors[0] - vectors[3]).max() > 1e-3  # negative control
    assert encoder.encode([]).shape == (0, 16)


def test_what_a_model_cannot_do_is_said(encoder, file):
    decoder = load(file(llama(), tokenizer__chat_template=None))
    with pytest.raises(ValueError, match="the model is a Bert; a decoder writes, a Bert encodes"):
        encoder.write("a")
    with pytest.raises(ValueError, match="the model is a Llama"):
        decoder.encode(["a"])
    with pytest.raises(ValueError, match="the model has no chat template"):
        decoder.answer("a")
    with pytest.raises(ValueError, match="the model came without a tokenizer"):
        pretrained.Pretrained(decoder.model).write("a")
    with pytest.raises(ValueError, match="texts is 'a'; expected a list of texts"):
        encoder.encode("a")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"general__architecture": (8, "qwen2")}, "general.architecture is 'qwen2'; expected 'llama'"),
        ({"llama__block_count": None, "llama__context_length": None}, "lacks llama.block_count, llama.context_length"),
        ({"llama__block_count": (4, 3)}, r"missing: layers.2.input_layernorm.weight \(32,\).*layers.2.mlp"),
        ({"llama__block_count": (4, 2**31)}, "the configuration is of 2,147,483,648 layers"),
        ({"llama__attention__head_count": (4, 0)}, "llama.attention.head_count is 0; expected an integer, 1 or more"),
        ({"llama__attention__head_count_kv": (9, (4, [2, 2]))}, "head_count_kv is .* expected an integer"),
        ({"llama__rope__dimension_count": (4, 4)}, "head_dim is 4; expected"),
        ({"llama__rope__scaling__type": (8, "yarn")}, "rope_type is 'yarn'; expected 'default'"),
        ({"tokenizer__ggml__eos_token_id": (4, 999)}, "the id of a special token is 999; expected one from 0 to 260"),
        ({"tokenizer__chat_template": (4, 1)}, "the chat template is int; expected a str"),
        (
            {"tokenizer__ggml__tokens": (9, (8, [*SYMBOLS, "the"])), "tokenizer__ggml__token_type": None},
            "symbols is 262; expected at most 261",
        ),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_together_is_refused_by_name(file, changes, message):
    with pytest.raises(ValueError, match=rf"(?s)model\.gguf.*{message}"):
        load(file(llama(), **changes))


@pytest.mark.parametrize("other", [(4, 7), (8, "x"), (6, float("nan")), (9, (8, ["a"])), (9, (5, [-1, 2])), (7, True)])
def test_an_entry_of_another_kind_is_an_error_that_can_be_read(file, other):
    for name, *_ in entries(llama()):
        changes = {name.replace(".", "__"): other}
        with contextlib.suppress(ValueError):  # a few fit after all
            load(file(llama(), **changes))


@pytest.mark.parametrize("kind", ["decoder", "encoder"])
def test_what_is_saved_is_loaded(encoder, file, tmp_path, kind):
    loaded = encoder if kind == "encoder" else load(file(llama(), tokenizer__ggml__pre=(8, "smollm")))
    pretrained.save_pretrained(tmp_path / "again", loaded)
    again = load(tmp_path / "again")
    assert again.tokenizer.to_json() == loaded.tokenizer.to_json()
    assert (again.ends, again.longest) == (loaded.ends, loaded.longest)
    if kind == "encoder":
        assert (again.encode(["a cat sat"]) == loaded.encode(["a cat sat"])).all()
    else:
        assert again.answer("the", 5) == loaded.answer("the", 5)
        assert (again.chat.source, again.chat.symbols) == (loaded.chat.source, loaded.chat.symbols)


def test_a_tokenizer_of_our_own_goes_along(tmp_path):
    tokenizer = CharTokenizer.train("读书")
    pretrained.save_pretrained(tmp_path, pretrained.Pretrained(llama(), tokenizer))
    assert load(tmp_path).tokenizer.to_json() == tokenizer.to_json()


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="fetched by name are smollm2 and minilm-l6"):
        load(tmp_path / "nothing")
