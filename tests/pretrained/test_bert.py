"""Published BERTs: files that do not fit are told, all at once."""

import json

import numpy as np
import pytest

from minilm import pretrained
from minilm.models import Bert, BertClassifier
from minilm.pretrained.bert import bert_of, config_of, published


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    return BertClassifier(Bert(11, pad=0, width=8, layers=1, heads=2, context=8, rng=rng), 3, rng=rng).eval()


def test_what_is_saved_is_loaded(model, tmp_path):
    pretrained.save_bert(tmp_path, model)
    ids = np.array([[1, 5, 2]])
    assert (pretrained.load_bert(tmp_path)(ids).data == model(ids).data).all()


def test_all_that_is_missing_is_listed(model):
    arrays = published(model)
    del arrays["bert.embeddings.LayerNorm.weight"], arrays["bert.encoder.layer.0.output.dense.bias"]
    with pytest.raises(ValueError, match=r"(?s)LayerNorm\.weight.*output\.dense\.bias"):
        bert_of(arrays, config_of(model))


def test_a_shape_that_differs_is_told(model):
    arrays = published(model) | {"classifier.bias": np.zeros(5)}
    with pytest.raises(ValueError, match=r"head\.b: shape \(5,\), expected \(3,\)"):
        bert_of(arrays, config_of(model))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"model_type": "gpt2"}, "expected 'bert'"), ({"hidden_act": "swish"}, "hidden_act is 'swish'")],
)
def test_another_kind_of_model_is_refused(model, change, message):
    with pytest.raises(ValueError, match=message):
        bert_of(published(model), config_of(model) | change)


def test_a_damaged_configuration_is_told(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="expected the folder of a model"):
        pretrained.load_bert(tmp_path)
    pretrained.save_bert(tmp_path, model)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    del config["hidden_size"]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match="lacks hidden_size"):
        pretrained.load_bert(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="damaged"):
        pretrained.load_bert(tmp_path)
