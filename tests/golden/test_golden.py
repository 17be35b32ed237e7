"""Every layer gives PyTorch's values and gradients, stored by make_golden.py; PyTorch itself is not needed here."""

from pathlib import Path

import numpy as np
import pytest
from golden_cases import CASES, flat, waves
from safetensors.numpy import load_file

from minilm import autograd, models, nn
from minilm.autograd import Tensor

STORED = {name: {} for name in CASES}
for key, array in load_file(Path(__file__).with_name("golden.safetensors")).items():
    name, _, rest = key.partition("/")
    STORED.setdefault(name, {})[rest] = array

TOLERANCE = {"float64": 1e-11, "float32": 2e-5}  # the formulas; the compiled kernels
WITHOUT_GOLDEN_VALUES = {
    "Module", "Dropout",  # the one computes nothing, the other draws at random
    "PackedEmbedding", "PackedLinear",  # what they store are no floats; tests/kernels has their formula
}  # fmt: skip


def within(stored, prefix):
    return {key.removeprefix(prefix): array for key, array in stored.items() if key.startswith(prefix)}


def computed(layer, case, stored, dtype):
    """minilm's outputs and gradients, by the names under which PyTorch's are stored."""
    layer.astype(dtype).load_state_dict(within(stored, "parameters/"))
    inputs = {key: Tensor(stored[f"inputs/{key}"].astype(dtype), requires_grad=True) for key in case.inputs}
    outputs = flat(case.call(layer, **inputs, **case.settings))
    sum((y * waves(y.shape).astype(dtype)).sum() for y in outputs).backward()
    leaves = {f"parameters/{key}": tensor for key, tensor in layer.named_parameters()}
    leaves |= {f"inputs/{key}": tensor for key, tensor in inputs.items()}
    values = {f"outputs/{number}": y.data for number, y in enumerate(outputs)}
    return values | {f"gradients/{key}": leaf.grad for key, leaf in leaves.items()}


def disagreement(layer, name, dtype):
    """The largest difference from PyTorch's numbers, relative to the largest of an array where that exceeds 1."""
    ours = computed(layer, CASES[name], STORED[name], dtype)
    theirs = {key: array for key, array in STORED[name].items() if key.startswith(("outputs/", "gradients/"))}
    assert {key: array.shape for key, array in ours.items()} == {key: array.shape for key, array in theirs.items()}
    assert {array.dtype for array in ours.values()} == {np.dtype(dtype)}
    return max(np.abs(ours[key] - theirs[key]).max() / max(1.0, np.abs(theirs[key]).max()) for key in theirs)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", CASES)
def test_a_layer_gives_the_values_and_gradients_of_pytorch(name, dtype):
    assert disagreement(CASES[name].build(), name, dtype) < TOLERANCE[dtype]


def test_every_public_layer_has_golden_values():
    public = {name for name in nn.__all__ if isinstance(vars(nn)[name], type) and issubclass(vars(nn)[name], nn.Module)}
    golden = {type(case.build()).__name__ for name, case in CASES.items() if STORED[name]}
    assert public - WITHOUT_GOLDEN_VALUES <= golden


def test_no_golden_values_are_left_over():
    assert set(STORED) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_script_makes_the_stored_numbers(name):
    pytest.importorskip("torch")
    from make_golden import answers

    drawn = {key: array for key, array in STORED[name].items() if key.startswith(("parameters/", "inputs/"))}
    for key, array in answers(CASES[name], drawn).items():
        np.testing.assert_allclose(array, STORED[name][key], rtol=1e-10, atol=1e-12)


# Layers that are wrong in ways that have happened: the same comparison must reject each.


class EpsOutsideTheRoot(nn.LayerNorm):
    def __call__(self, x):
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = (centred * centred).mean(axis=-1, keepdims=True).sqrt()
        return self.gamma * centred / (spread + self.eps) + self.beta


class InputAndForgetGateSwapped(nn.LSTMCell):
    def __call__(self, x, state):
        H, (h, c) = self.width, state
        z = x @ self.W + h @ self.U + self.b
        f, i, o = z[:, :H].sigmoid(), z[:, H : 2 * H].sigmoid(), z[:, 3 * H :].sigmoid()
        c = f * c + i * z[:, 2 * H : 3 * H].tanh()
        return o * c.tanh(), c


class ResetBeforeTheProduct(nn.GRUCell):
    def __call__(self, x, h):
        H = self.width
        from_x = x @ self.W + self.b + self.b_state
        gates = (from_x + h @ self.U).sigmoid()
        n = (from_x[:, 2 * H :] + (gates[:, :H] * h) @ self.U[:, 2 * H :]).tanh()
        u = gates[:, H : 2 * H]
        return (1 - u) * n + u * h


class SeesOneTokenAhead(nn.MultiHeadAttention):
    def __call__(self, x, causal):
        return super().__call__(x, mask=np.tri(x.shape[1], k=1, dtype=bool))


class TurnsNeighbours(nn.RotaryPositions):
    def __call__(self, x, offset):
        apart = np.concatenate([np.arange(0, x.shape[-1], 2), np.arange(1, x.shape[-1], 2)])
        return super().__call__(x[..., apart], offset)[..., np.argsort(apart)]


class GradientOfTheBiasDoubled(nn.Linear):
    def __call__(self, x):
        return autograd.linear(x, self.W, 2 * self.b - self.b.detach())


class LooksAtPadding(models.Seq2Seq):
    def _encode(self, source):
        return super()._encode(source)._replace(memory_mask=np.ones(source.shape, bool))


RNG = np.random.default_rng(0)
WRONG = {
    "layer_norm": EpsOutsideTheRoot(6, eps=0.1),
    "lstm_cell": InputAndForgetGateSwapped(3, 4, rng=RNG),
    "gru_cell": ResetBeforeTheProduct(3, 4, rng=RNG),
    "causal_self_attention": SeesOneTokenAhead(8, 2, rng=RNG),
    "rotary_positions": TurnsNeighbours(7, 6),
    "linear": GradientOfTheBiasDoubled(3, 5, rng=RNG),
    "seq2seq_with_additive_attention": LooksAtPadding(7, 5, pad=6, embedding=3, width=8, rng=RNG),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_layer_is_rejected(name, dtype):
    assert disagreement(WRONG[name], name, dtype) > 10 * TOLERANCE[dtype]
