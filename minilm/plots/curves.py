"""How the loss fell."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .style import BLUE, INK, VERMILION, WIDTH, canvas, floats, quiet_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("step", "train_loss", "validation_loss", "seconds")


def loss_curve(log: Mapping[str, Sequence[float]], ax: "Axes | None" = None) -> "Axes":
    """Draw the training and validation loss, in nats per token, over the training steps.

    The training loss of single batches is drawn faintly, and its moving mean over a twentieth of the run strongly; the
    validation loss is marked where it was measured, and its last value written out.

    Parameters
    ----------
    log : mapping
        The columns `step`, `train_loss`, `validation_loss` (NaN where it was not measured) and `seconds` since the
        start, equally long.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if left out.

    Raises
    ------
    TypeError, ValueError
        If a column is missing or does not hold numbers, the columns differ in length, there is no row, or the training
        loss is nowhere finite.

    >>> log = {"step": [1, 2], "train_loss": [4.4, 3.9], "validation_loss": [np.nan, 4.0], "seconds": [0.1, 0.2]}
    >>> loss_curve(log).get_ylabel()
    'nats per token'
    """
    step, train, validation, seconds = _columns(log)
    ax = canvas(ax, WIDTH, 3.6)
    ax.plot(step, train, color=BLUE, alpha=0.25, linewidth=0.8)
    ax.plot(step, moving_mean(train, len(train) // 20), color=BLUE, linewidth=1.8, label="training (moving mean)")
    _mark_validation(ax, step, validation)
    ax.set_xlabel(f"step ({step[-1]:,.0f} steps in {seconds[-1]:,.0f} s)")
    ax.set_ylabel("nats per token")
    ax.legend(frameon=False, labelcolor=INK)
    quiet_frame(ax)
    return ax


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of the numbers at most width / 2 away; NaN are left out.

    At the start, where the loss falls fast, the window reaches no further forward than back, lest it pull the curve
    down.

    >>> moving_mean(np.array([9., 3., 6., np.nan]), 2)
    array([9. , 6. , 4.5, 6. ])
    """
    known = np.isfinite(values)
    sums = np.concatenate([[0], np.cumsum(np.where(known, values, 0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    row = np.arange(len(values))
    reach = np.minimum(row, width // 2)
    start, stop = row - reach, np.minimum(row + reach + 1, len(values))
    number = counts[stop] - counts[start]
    return np.where(number > 0, (sums[stop] - sums[start]) / np.maximum(number, 1), np.nan)


def _mark_validation(ax, step, validation) -> None:
    measured = np.isfinite(validation)
    if not measured.any():
        return
    step, validation = step[measured], validation[measured]
    ax.plot(step, validation, color=VERMILION, linewidth=1.2, marker="o", markersize=4, label="validation")
    ax.annotate(
        f"{validation[-1]:.3f}",
        (step[-1], validation[-1]),
        (0, 7),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=VERMILION,
        fontsize=10,
    )


def _columns(log) -> list[np.ndarray]:
    missing = [name for name in COLUMNS if name not in log]
    if missing:
        raise ValueError(f"log lacks the columns {missing}; it holds {list(log)} and needs {list(COLUMNS)}")
    columns = [floats(f"column {name} of log", log[name]) for name in COLUMNS]
    lengths = {name: column.shape for name, column in zip(COLUMNS, columns, strict=True)}
    if len(set(lengths.values())) > 1 or columns[0].ndim != 1:
        raise ValueError(f"the columns of log have the shapes {lengths}; each needs one number per row")
    if len(columns[0]) == 0:
        raise ValueError("log is empty: train for at least one step before drawing its curve")
    if not np.isfinite(columns[1]).any():
        raise ValueError("train_loss of log holds no finite number; a smaller learning rate may keep the loss finite")
    return columns
