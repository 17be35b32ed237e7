"""minilm's pointer-generator and one in PyTorch, from the same weights: the same probabilities and losses."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn

from minilm.models import PointerGenerator

KNOWN, ROOM, PAD = 9, 3, 1
SOURCE = np.array([[4, 9, 5, 9, 10], [6, 7, 9, PAD, PAD]])  # the words 9 and 10 differ from row to row
IDS = np.array([[2, 4, 9, 5], [2, 9, 8, 3]])
TARGETS = np.array([[4, 9, 5, 10], [9, 8, 3, -1]])
KINDS = pytest.mark.parametrize("coverage", [False, True], ids=["plain", "coverage"])


class Pointer(nn.Module):
    """See, Liu and Manning's equations, one step and one word of the source after another."""

    def __init__(self, embedding, width, attention, coverage):
        super().__init__()
        self.coverage = coverage
        self.embedding = nn.Embedding(KNOWN + ROOM, embedding)
        self.encoder = nn.GRU(embedding, width // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRUCell(embedding, width)
        self.memory, self.query = nn.Linear(width, attention), nn.Linear(width, attention, bias=False)
        self.seen = nn.Linear(1, attention, bias=False)
        self.score = nn.Linear(attention, 1, bias=False)
        self.combine = nn.Linear(2 * width, embedding)
        self.bias = nn.Parameter(torch.zeros(KNOWN))
        self.generate = nn.Linear(2 * width + embedding, 1)

    def read(self, ids):
        return self.embedding(ids) * self.embedding.embedding_dim**0.5

    def row(self, source, ids):
        """P (T, V) and the cost of looking again (T,) of one source (S,) without padding, and ids (T,)."""
        memory, last = self.encoder(self.read(source)[None])
        memory, h, covered = memory[0], last.flatten()[None], torch.zeros(len(source), dtype=memory.dtype)
        P, again = [], []
        for x in self.read(ids):
            h = self.decoder(x[None], h)
            score = self.memory(memory) + self.query(h)
            score = score + self.seen(covered[:, None]) if self.coverage else score
            a = self.score(score.tanh())[:, 0].softmax(0)
            context = a @ memory
            p_gen = self.generate(torch.cat([context, h[0], x]))[0].sigmoid()
            hidden = self.combine(torch.cat([h[0], context])).tanh()
            vocabulary = (self.embedding.weight[:KNOWN] @ hidden + self.bias).softmax(0)
            mixed = torch.cat([p_gen * vocabulary, torch.zeros(ROOM)])
            for s, word in enumerate(source):
                mixed = mixed + (1 - p_gen) * a[s] * nn.functional.one_hot(word, KNOWN + ROOM)
            P.append(mixed)
            again.append(torch.minimum(a, covered).sum())
            covered = covered + a
        return torch.stack(P), torch.stack(again)

    def loss(self, source, ids, targets):
        costs = []
        for row, read, wanted in zip(source, ids, targets, strict=True):
            P, again = self.row(row[row != PAD], read)
            for t in (wanted != -1).nonzero().flatten():
                costs.append(-P[t, wanted[t]].log() + (again[t] if self.coverage else 0))
        return torch.stack(costs).mean()


def layout(a):
    """Arrays of minilm's model, parameters or gradients, as PyTorch has them."""
    cells = {
        "encoder.{}_l0": "encoder.cells.0",
        "encoder.{}_l0_reverse": "encoder.cells.1",
        "decoder.{}": "decoder.cells.0",
    }
    names = {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "bias_hh": "b_state"}
    theirs = {"embedding.weight": a["embedding.table"], "bias": a["bias"]}
    for cell, ours in cells.items():
        theirs |= {cell.format(name): a[f"{ours}.{array}"].T for name, array in names.items()}
    for name in ("memory", "query", "seen", "score", "combine", "generate"):
        theirs |= {f"{name}.weight": a[f"{name}.W"].T} if f"{name}.W" in a else {}
        theirs |= {f"{name}.bias": a[f"{name}.b"]} if f"{name}.b" in a else {}
    return theirs


def both(coverage, seed=0):
    sizes = {"embedding": 6, "width": 8, "attention": 5, "coverage": coverage}
    ours = PointerGenerator(KNOWN, room=ROOM, pad=PAD, rng=np.random.default_rng(seed), **sizes)
    rng = np.random.default_rng(seed)
    for tensor in ours.parameters():  # biases too, and large enough for coverage to matter
        tensor.data = tensor.data.astype(np.float64) + 0.5 * rng.standard_normal(tensor.shape)
    theirs = Pointer(**sizes).double()
    arrays = {name: torch.tensor(array) for name, array in layout(ours.state_dict()).items()}
    missing, unexpected = theirs.load_state_dict(arrays, strict=False)
    assert not unexpected and set(missing) <= {"seen.weight"} - ({"seen.weight"} if coverage else set())
    return ours, theirs


def log_probabilities(theirs):
    with torch.no_grad():
        rows = [
            theirs.row(torch.tensor(source[source != PAD]), torch.tensor(ids))[0]
            for source, ids in zip(SOURCE, IDS, strict=True)
        ]
        return torch.stack(rows).log().numpy()


def close(a, b):
    """Where a probability is not zero: minilm adds 1e-12 to each before the logarithm."""
    return np.allclose(np.where(b > -20, a, 0), np.where(b > -20, b, 0), atol=1e-5) and (a[b <= -20] < -20).all()


@KINDS
def test_log_probabilities_are_equal(coverage):
    ours, theirs = both(coverage)
    expected = log_probabilities(theirs)
    assert close(ours(SOURCE, IDS).data, expected)
    assert np.isneginf(expected[1, :, 10]).all()  # a word of the other row
    assert not close(both(coverage, seed=1)[0](SOURCE, IDS).data, expected)


@KINDS
def test_losses_and_gradients_are_equal(coverage):
    ours, theirs = both(coverage)
    loss, expected = ours.loss(SOURCE, IDS, TARGETS), theirs.loss(*map(torch.tensor, (SOURCE, IDS, TARGETS)))
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    gradients = layout({name: tensor.grad for name, tensor in ours.named_parameters()})
    for name, parameter in theirs.named_parameters():
        if name in gradients:
            np.testing.assert_allclose(gradients[name], parameter.grad, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("change", ["coverage", "source", "p_gen"])
def test_a_difference_would_be_seen(change):
    ours, theirs = both(coverage=True)
    source = SOURCE.copy()
    if change == "coverage":
        theirs.coverage = False
    elif change == "source":
        source[0, 1] = 10
    else:
        ours.generate.b.data += 0.01
    expected = theirs.loss(torch.tensor(SOURCE), torch.tensor(IDS), torch.tensor(TARGETS)).item()
    assert ours.loss(source, IDS, TARGETS).item() != pytest.approx(expected, abs=1e-5)
