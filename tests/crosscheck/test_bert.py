"""minilm's BERT and transformers', from the same weights, in both directions: the same outputs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from minilm import models, pretrained
from minilm.pretrained.folder import model_of
from minilm.pretrained.safetensors import Stored

CONFIG = {
    "vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48,
    "max_position_embeddings": 40, "initializer_range": 0.3,
}  # fmt: skip
IDS = np.random.default_rng(0).integers(5, 99, (3, 11))
IDS[1, 7:] = 0
SEGMENTS = np.broadcast_to(np.arange(11) > 4, IDS.shape).astype(int)
TEXT = IDS != 0
KINDS = {
    "BertModel": models.Bert, "BertForSequenceClassification": models.BertClassifier,
    "BertForQuestionAnswering": models.BertSpans, "BertForMaskedLM": models.MaskedLM,
    "BertForPreTraining": models.MaskedLM,
}  # fmt: skip


def theirs(kind, **config):
    torch.manual_seed(0)
    return getattr(transformers, kind)(transformers.BertConfig(**CONFIG | config)).eval()


def ours(model, **changes):
    """minilm's, whose configuration may be changed."""
    arrays = {name: Stored("F32", tensor.numpy()) for name, tensor in model.state_dict().items()}
    return model_of(model.config.to_dict() | changes, arrays)


def their_output(model, ids=IDS, segments=SEGMENTS):
    with torch.no_grad():
        out = model(
            input_ids=torch.tensor(ids), attention_mask=torch.tensor((ids != 0).astype(int)),
            token_type_ids=torch.tensor(segments),
        )  # fmt: skip
    if "start_logits" in out:
        return np.stack([out.start_logits, out.end_logits], axis=1)
    return next(iter(out.values())).numpy()


def disagreement(model, output):
    """The largest difference; of logits of words, which reach 6, divided by the largest of them.

    For there float32 alone leaves transformers' own 1e-5 from what they are in float64.
    """
    found, scale = model(IDS, SEGMENTS).data, abs(output).max() if isinstance(model, models.MaskedLM) else 1
    if found.shape != IDS.shape[:1] + found.shape[1:2]:  # not one row a text: where there is padding they may differ
        axis = 2 if isinstance(model, models.BertSpans) else 1
        found, output = (np.moveaxis(a, axis, 1)[TEXT] for a in (found, output))
    return abs(found - output).max() / scale


@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_transformers_give_their_outputs(kind, activation):
    model = theirs(kind, hidden_act=activation)
    assert type(ours(model)) is KINDS[kind]
    assert disagreement(ours(model), their_output(model)) < 1e-5


def test_the_pooled_output_is_the_same():
    model = theirs("BertModel")
    with torch.no_grad():
        pooled = model(torch.tensor(IDS[:1]), token_type_ids=torch.tensor(SEGMENTS[:1])).pooler_output.numpy()
    bert = ours(model)
    np.testing.assert_allclose(bert.pooled(bert(IDS[:1], SEGMENTS[:1])).data, pooled, atol=1e-5)


@pytest.mark.parametrize("wrong", ["segments", "activation", "eps"])
def test_a_difference_would_be_seen(wrong):
    model = theirs("BertModel", **{"hidden_act": "gelu_new"} if wrong == "activation" else {})
    changes = {"activation": {"hidden_act": "gelu"}, "eps": {"layer_norm_eps": 0.01}}.get(wrong, {})
    segments = 1 - SEGMENTS if wrong == "segments" else SEGMENTS
    assert abs(ours(model, **changes)(IDS, segments).data - their_output(model))[TEXT].max() > 1e-5


def test_a_difference_would_be_seen_in_logits_of_words_too():
    model = theirs("BertForMaskedLM", hidden_act="gelu_new")
    assert disagreement(ours(model, hidden_act="gelu"), their_output(model)) > 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_load_what_minilm_saves(kind, tmp_path):
    model = ours(theirs(kind))
    rng = np.random.default_rng(1)
    model.load_state_dict({name: rng.normal(0, 0.3, a.shape) for name, a in model.state_dict().items()})
    pretrained.save_pretrained(tmp_path, model)
    loaded, told = getattr(transformers, kind).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(told[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert disagreement(model, their_output(loaded.eval())) < 1e-5
    again = pretrained.load_model(tmp_path)
    assert all((a == again.state_dict()[name]).all() for name, a in model.state_dict().items() if "pooler" not in name)
