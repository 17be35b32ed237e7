"""Folders of published models: what is saved is loaded; all that does not fit is told before it costs memory."""

import json
import re
import tracemalloc

import numpy as np
import pytest

from minilm import pretrained
from minilm.models import GPT, MLP, Bert, BertClassifier, BertSpans, Llama, MaskedLM
from minilm.pretrained.folder import published
from minilm.training import save_arrays


def bert(rng):
    return Bert(11, pad=0, width=8, layers=2, heads=2, hidden=12, context=8, rng=rng)


SIZE = {"width": 8, "layers": 2, "heads": 4, "context": 8}
MODELS = {
    "llama": lambda rng: Llama(11, **SIZE, kv_heads=2, tied=False, theta=500.0, rng=rng),
    "llama, tied": lambda rng: Llama(11, **SIZE, rng=rng),
    "gpt": lambda rng: GPT(11, **SIZE, positions="learned", rng=rng),
    "gpt, tied": lambda rng: GPT(11, **SIZE, positions="learned", tied=True, rng=rng),
    "bert": bert,
    "bert, classifier": lambda rng: BertClassifier(bert(rng), 3, rng=rng),
    "bert, spans": lambda rng: BertSpans(bert(rng), rng=rng),
    "bert, masked": lambda rng: MaskedLM(bert(rng), next_sentence=True, rng=rng),
}
IDS = np.array([[1, 5, 2]])
every_model = pytest.mark.parametrize("name", MODELS)


def build(name):
    """A model that also had its gains and biases moved."""
    rng = np.random.default_rng(0)
    model = MODELS[name](rng).eval()
    for tensor in model.parameters():
        tensor.data = tensor.data + 0.1 * rng.standard_normal(tensor.shape, dtype=np.float32)
    return model


@pytest.fixture
def folder(tmp_path):
    """Of a Llama."""
    pretrained.save_pretrained(tmp_path, build("llama"))
    return tmp_path


def change(folder, **settings):
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | settings
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not ...}), encoding="utf-8")


@every_model
def test_what_is_saved_is_loaded(name, tmp_path):
    model = build(name)
    pretrained.save_pretrained(tmp_path, model)
    loaded = pretrained.load_model(tmp_path)
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(loaded(IDS).data, model(IDS).data)
    assert not loaded.training


def test_the_comparison_would_see_two_matrices_exchanged(folder):
    arrays = published(build("llama"))
    q, o = (f"model.layers.0.self_attn.{name}_proj.weight" for name in "qo")
    save_arrays(folder / "model.safetensors", arrays | {q: arrays[o], o: arrays[q]})
    assert abs(pretrained.load_model(folder)(IDS).data - build("llama")(IDS).data).max() > 1e-3


@every_model
def test_a_loaded_model_can_be_trained_and_saved_again(name, tmp_path):
    pretrained.save_pretrained(tmp_path, build(name))
    model = pretrained.load_model(tmp_path).train()
    model.load_state_dict(model.state_dict())
    model(IDS).sum().backward()
    pretrained.save_pretrained(tmp_path, model)


def test_a_tied_gpt_decodes_as_it_reads():
    model, ids = build("gpt, tied"), np.array([[1, 5, 2, 7], [3, 3, 9, 10]])
    _, state = model.start(ids[:, :3])
    log_probs, _ = model.step(ids[:, 3], state)
    np.testing.assert_allclose(log_probs, model(ids).log_softmax().data[:, -1], atol=2e-6)


def test_all_that_does_not_fit_is_listed(folder):
    arrays = published(build("llama"))
    del arrays["model.norm.weight"], arrays["model.layers.1.mlp.up_proj.weight"]
    arrays["model.layers.0.self_attn.k_proj.weight"] = np.zeros((8, 8), np.float32)
    arrays["model.layers.0.self_attn.k_proj.bias"] = np.zeros(8, np.float32)
    save_arrays(folder / "model.safetensors", arrays)
    expected = (
        r"missing: norm\.weight \(8,\)\n.*missing: layers\.1\.mlp\.up_proj\.weight \(21, 8\)\n.*"
        r"unexpected: layers\.0\.self_attn\.k_proj\.bias \(8,\)\n.*"
        r"layers\.0\.self_attn\.k_proj\.weight: shape \(8, 8\), expected \(4, 8\)"
    )
    with pytest.raises(ValueError, match=f"(?s){expected}"):
        pretrained.load_model(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "t5"}, r"model_type is 't5'; expected one of 'llama'.*'bert'"),
        ({"model_type": []}, "model_type is"),
        ({"hidden_size": ...}, "lacks hidden_size"),
        ({"hidden_size": "8"}, "hidden_size is 8; expected an integer"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0; expected an integer, 1 or more"),
        ({"num_attention_heads": 3}, "8 is not a multiple of heads 3"),
        ({"num_key_value_heads": 3}, "kv_heads is 3; expected a divisor of heads, 4"),
        ({"num_key_value_heads": "many"}, "kv_heads is many; expected an integer"),
        ({"rms_norm_eps": None}, "rms_norm_eps is None; expected a number"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps is nan; expected a number, 0 or more"),
        ({"rope_parameters": {"rope_theta": float("inf")}}, "rope_theta is inf; expected a number > 0"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu'; expected 'silu'"),
        ({"head_dim": 16}, "head_dim is 16; expected"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_type is 'yarn'; expected 'default'"),
        ({"rope_parameters": 3}, "rope_parameters is 3; expected"),
        ({"vocab_size": 10**15}, "take both from one model"),
        ({"num_hidden_layers": 10**9}, "take both from one model"),
        ({"intermediate_size": 10**12}, "take both from one model"),
        ({"max_position_embeddings": 10**12}, "take both from one model"),
    ],
)
def test_a_configuration_of_another_model_is_refused(folder, settings, message):
    change(folder, **settings)
    with pytest.raises(ValueError, match=message):
        pretrained.load_model(folder)


def test_a_mismatch_is_found_before_memory_is_taken(folder):
    change(folder, vocab_size=50_000, hidden_size=1000)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"expected \(50000, 1000\)"):
        pretrained.load_model(folder)
    assert tracemalloc.get_traced_memory()[1] < 10e6  # the embeddings alone would be 200 MB
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["bert", "bert, spans"])
def test_a_pooler_that_the_file_need_not_have_takes_no_memory_before_all_fits(name, tmp_path):
    pretrained.save_pretrained(tmp_path, build(name))
    change(tmp_path, hidden_size=8000, num_attention_heads=1, intermediate_size=1, num_hidden_layers=1)
    tracemalloc.start()
    with pytest.raises(ValueError, match="the weights do not fit the configuration"):
        pretrained.load_model(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 10e6  # the pooler would be 256 MB
    tracemalloc.stop()


def test_a_pooler_that_is_missing_begins(tmp_path):
    pretrained.save_pretrained(tmp_path, build("bert"))
    arrays = {name: array for name, array in published(build("bert")).items() if not name.startswith("pooler")}
    save_arrays(tmp_path / "model.safetensors", arrays)
    loaded = pretrained.load_model(tmp_path)
    assert loaded.pooler.W.data.std() > 0
    np.testing.assert_array_equal(loaded(IDS).data, build("bert")(IDS).data)


def test_arrays_may_come_in_several_files_but_each_only_once(folder):
    arrays = published(build("llama"))
    first = dict(list(arrays.items())[:9])
    rest = {name: array for name, array in arrays.items() if name not in first}
    (folder / "model.safetensors").unlink()
    save_arrays(folder / "model-00001-of-00002.safetensors", first)
    save_arrays(folder / "model-00002-of-00002.safetensors", rest)
    np.testing.assert_array_equal(pretrained.load_model(folder)(IDS).data, build("llama")(IDS).data)
    save_arrays(folder / "model-00002-of-00002.safetensors", arrays)
    with pytest.raises(ValueError, match=rf"{re.escape(str(folder))}: .*weight occurs twice"):
        pretrained.load_model(folder)


def test_an_array_with_and_without_its_prefix_is_refused(folder):
    arrays = published(build("llama"))
    save_arrays(folder / "model.safetensors", arrays | {"norm.weight": arrays["model.norm.weight"]})
    with pytest.raises(ValueError, match=r"norm\.weight occurs twice"):
        pretrained.load_model(folder)


def test_what_is_missing_or_damaged_is_told(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json; expected the folder of a model"):
        pretrained.load_model(tmp_path / "nothing")
    for content, message in (("{", "damaged"), ("[]", "holds a list"), ("[" * 100_000, "damaged")):
        (folder / "config.json").write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            pretrained.load_model(folder)


def test_a_pickle_is_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pytorch_model\.bin, a pickle, which may run any program"):
        pretrained.load_model(folder)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda rng: GPT(11, **SIZE, rng=rng), ValueError, "positions is 'rotary'; expected 'learned'"),
        (lambda rng: MLP(11, rng=rng), TypeError, "model is a MLP; transformers have these: GPT, Llama"),
    ],
)
def test_a_model_that_transformers_do_not_have_is_not_saved(model, error, message, tmp_path):
    with pytest.raises(error, match=message):
        pretrained.save_pretrained(tmp_path, model(np.random.default_rng(0)))
    assert list(tmp_path.iterdir()) == []
