"""What a model consists of, as a table."""

from .module import Module


def summary(model: Module) -> str:
    """Layers, the shapes of their parameters and how many numbers these hold, each tensor counted once.

    >>> import numpy as np
    >>> from minilm.nn import Linear
    >>> print(summary(Linear(3, 2, rng=np.random.default_rng(0))))
    Linear
    parameter  shape   numbers
    W          (3, 2)        6
    b          (2,)          2
    total                    8
    """
    rows = [(name, str(tensor.shape), f"{tensor.size:,}") for name, tensor in model.named_parameters()]
    total = sum(tensor.size for tensor in model.parameters())
    rows = [("parameter", "shape", "numbers"), *rows, ("total", "", f"{total:,}")]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    return "\n".join([type(model).__name__, *lines])
