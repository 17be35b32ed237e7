"""A model of PyTorch is probed through one line."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from minilm.check.probes import batch_order, bidirectional, causal, learns, padding, positions

V, PAD = 11, 0


class Transformer(nn.Module):
    """Embeddings, positions and one layer of PyTorch's encoder, with a causal mask or with one for padding."""

    def __init__(self, is_causal):
        torch.manual_seed(0)
        super().__init__()
        self.is_causal = is_causal
        self.embedding, self.position, self.head = nn.Embedding(V, 16), nn.Embedding(16, 16), nn.Linear(16, V)
        self.layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, dropout=0.0, batch_first=True)

    def forward(self, ids):
        T = ids.shape[1]
        x = self.embedding(ids) + self.position(torch.arange(T))
        hidden = torch.ones(T, T, dtype=torch.bool).triu(1) if self.is_causal else None
        return self.head(self.layer(x, src_mask=hidden, src_key_padding_mask=None if self.is_causal else ids == PAD))


def wrapped(model):
    return lambda ids: model(torch.tensor(ids)).detach().numpy()


def test_a_causal_transformer_of_pytorch_passes():
    model = wrapped(Transformer(is_causal=True))
    for probe in (causal, batch_order, positions):
        assert probe(model, V).correct, probe(model, V)
    assert not bidirectional(model, V).correct


def test_an_encoder_of_pytorch_passes():
    model = wrapped(Transformer(is_causal=False))
    assert padding(model, PAD, V).correct
    assert not causal(model, V).correct


def test_the_classic_mistake_of_batch_first_is_found():
    model = Transformer(is_causal=False)
    model.layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, dropout=0.0, batch_first=False)

    def without_mask(ids):
        ids = torch.tensor(ids)
        return model.head(model.layer(model.embedding(ids))).detach().numpy()

    assert not batch_order(without_mask, V).correct


def test_a_loop_of_pytorch_learns():
    model = Transformer(is_causal=True)
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)

    def step(ids, targets):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.tensor(ids)).flatten(0, 1), torch.tensor(targets).flatten())
        loss.backward()
        optimizer.step()
        return loss

    assert learns(step, V, steps=100).correct


def test_a_model_that_was_not_wrapped_is_named():
    with pytest.raises(ValueError, match=r"wrap another library's model, lambda ids: model\(torch.tensor\(ids\)\)"):
        causal(lambda ids: Transformer(is_causal=True)(torch.tensor(ids)), V)
