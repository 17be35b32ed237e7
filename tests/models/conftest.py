"""What tests of several models need."""

import numpy as np
import pytest

from minilm.autograd import no_grad


@pytest.fixture
def worst_slope_error():
    """How far a model's gradients are from central differences, at worst: worst_slope_error(model, *batch)

    Each parameter is moved along one random direction: a wrong gradient has the right slope along it with probability
    zero.
    """

    def error(model, *batch, step=1e-6):
        rng, worst = np.random.default_rng(1), 0.0
        model.loss(*batch).backward()
        for tensor in model.parameters():
            kept, direction, losses = tensor.data.copy(), rng.standard_normal(tensor.shape), []
            for sign in (1, -1):
                tensor.data[...] = kept + sign * step * direction
                with no_grad():
                    losses.append(model.loss(*batch).item())
            tensor.data[...] = kept
            along = 0.0 if tensor.grad is None else (tensor.grad * direction).sum()
            worst = max(worst, abs((losses[0] - losses[1]) / (2 * step) - along))
        return worst

    return error
