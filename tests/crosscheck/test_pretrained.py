"""Randomly initialised models of transformers, and minilm's with their weights: same logits, same text, same files."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from minilm import models, pretrained
from minilm.autograd import no_grad
from minilm.generate import greedy

VOCABULARY, CONTEXT = 99, 128
LLAMA = {
    "vocab_size": VOCABULARY, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 8,
    "num_key_value_heads": 2, "intermediate_size": 112, "max_position_embeddings": CONTEXT, "initializer_range": 0.2,
}  # fmt: skip
THETA = {"rope_type": "default", "rope_theta": 5e4}
GPT2 = {
    "vocab_size": VOCABULARY, "n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": CONTEXT,
    "initializer_range": 0.2,
}  # fmt: skip
DECODERS = {
    "Llama": ("LlamaForCausalLM", "LlamaConfig", LLAMA | {"rope_parameters": THETA}),
    "Llama, tied": ("LlamaForCausalLM", "LlamaConfig", LLAMA | {"tie_word_embeddings": True, "rms_norm_eps": 1e-3}),
    "Mistral": ("MistralForCausalLM", "MistralConfig", LLAMA | {"sliding_window": None}),
    "GPT-2": ("GPT2LMHeadModel", "GPT2Config", GPT2),
    "GPT-2, untied": ("GPT2LMHeadModel", "GPT2Config", GPT2 | {"tie_word_embeddings": False}),
}  # fmt: skip
IDS = np.random.default_rng(0).integers(VOCABULARY, size=(3, 17))
every_decoder = pytest.mark.parametrize("name", DECODERS)


def theirs(name):
    """Every parameter random, also those that begin as zeros and ones."""
    kind, config, settings = DECODERS[name]
    torch.manual_seed(0)
    no_ends = {"bos_token_id": None, "eos_token_id": None}
    model = getattr(transformers, kind)(getattr(transformers, config)(**settings, **no_ends)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.2 * torch.randn_like(parameter)
    return model


def their_logits(model, ids=IDS):
    with torch.no_grad():
        return model(torch.tensor(ids)).logits.numpy()


def our_logits(model, ids=IDS):
    with no_grad():
        return model(ids).data


def difference(ours, theirs):
    return abs(our_logits(ours) - their_logits(theirs)).max()


def saved(model, folder, **changes):
    """The folder with their model, whose configuration may be changed."""
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    return folder


@every_decoder
def test_logits_are_those_of_transformers(name, tmp_path):
    model = theirs(name)
    assert difference(pretrained.load_model(saved(model, tmp_path)), model) < 1e-4
    assert abs(their_logits(model)).max() > 1


@every_decoder
def test_a_hundred_greedy_tokens_are_those_of_transformers(name, tmp_path):
    model, prompt = theirs(name), IDS[:2, :9]
    written = greedy(pretrained.load_model(saved(model, tmp_path)), prompt, 100)
    ids = torch.tensor(prompt)
    expected = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=100, do_sample=False)[:, 9:]
    assert np.array_equal(written, expected.numpy())
    assert len(set(written[0])) > 5


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("Llama", {"rope_parameters": None, "rope_theta": 1e4}),
        ("Llama", {"rms_norm_eps": 1e-2}),
        ("Mistral", {"num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": None}),
    ],
    ids=["theta", "eps", "heads"],
)
def test_a_setting_that_differs_is_seen_in_the_logits(name, changes, tmp_path):
    model = theirs(name)
    assert difference(pretrained.load_model(saved(model, tmp_path, **changes)), model) > 1e-3


@every_decoder
def test_transformers_load_what_minilm_saves(name, tmp_path):
    model = pretrained.load_model(saved(theirs(name), tmp_path / "theirs"))
    rng = np.random.default_rng(1)
    model.load_state_dict({key: rng.normal(0, 0.2, array.shape) for key, array in model.state_dict().items()})
    pretrained.save_pretrained(tmp_path / "ours", model)
    kind = getattr(transformers, DECODERS[name][0].replace("Mistral", "Llama"))
    loaded, told = kind.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(told[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert difference(model, loaded.eval()) < 1e-4


@every_decoder
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_read_exactly(name, dtype, tmp_path):
    saved(theirs(name).to(getattr(torch, dtype)), tmp_path)
    model = getattr(transformers, DECODERS[name][0]).from_pretrained(tmp_path, dtype=torch.float32).eval()
    assert difference(pretrained.load_model(tmp_path), model) < 1e-4


def test_a_model_in_several_files_is_read(tmp_path):
    model = theirs("Llama")
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert difference(pretrained.load_model(tmp_path), model) < 1e-4


@pytest.mark.parametrize("name", ["Llama, tied", "GPT-2"])
def test_a_model_without_its_head_is_read(name, tmp_path):
    model = theirs(name)
    model.base_model.save_pretrained(tmp_path)
    assert difference(pretrained.load_model(tmp_path), model) < 1e-4


def test_what_minilm_trained_is_read_by_transformers(tmp_path):
    rng = np.random.default_rng(0)
    for ours, kind in [
        (models.Llama(VOCABULARY, width=32, layers=2, heads=4, context=40, rng=rng), transformers.LlamaForCausalLM),
        (models.GPT(VOCABULARY, width=32, layers=2, heads=4, context=40, positions="learned", rng=rng),
         transformers.GPT2LMHeadModel),
    ]:  # fmt: skip
        pretrained.save_pretrained(tmp_path / kind.__name__, ours)
        assert difference(ours, kind.from_pretrained(tmp_path / kind.__name__).eval()) < 1e-4
