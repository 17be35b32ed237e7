"""Who looks at whom."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .fonts import columns, lettering, visible
from .style import GREY, INK, WIDTH, canvas, inches, new_axes, numbers, one_label_each, with_our_fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELLS_WITH_NUMBERS = 8  # in maps of at most this many rows and columns the weights are written out
ROW_TOLERANCE = 1e-3  # float16 weights sum to one that well


def attention_map(weights: np.ndarray, queries: Sequence[str], keys: Sequence[str], ax: "Axes | None" = None) -> "Axes":
    """Draw softmax(Q Kᵀ / √D): row t shows how query t divides its attention among the keys.

    The palest blue is 0 and the darkest the largest weight, as the colour bar says. Labels are tokens in any script;
    their whitespace is made visible.

    Parameters
    ----------
    weights : ndarray (T, S)
        Attention weights; every row sums to one.
    queries, keys : sequences of T and S strings
        The tokens that look, beside the rows, and those that are looked at, above the columns.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if left out.

    Raises
    ------
    TypeError, ValueError
        If `weights` is not an array (T, S) of finite numbers, has a negative weight or a row that does not sum to one,
        or if the number of labels is not T and S.

    >>> ax = attention_map(np.array([[1.0, 0.0], [0.4, 0.6]]), ["I", "read"], ["I", "read"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['I', 'read']
    """
    weights = _distributions(numbers("weights", weights, "(T, S)"))
    queries, keys = _labels(weights, queries, keys)
    T, S = weights.shape
    cell = min(0.5, (WIDTH - 2) / max(T, S))
    ax = canvas(ax, max(S * cell + 2, 3), max(T * cell + 1, 2))
    image = _draw(ax, weights, queries, keys, weights.max())
    ax.set_ylabel("query", fontsize=9, color=GREY)
    ax.set_xlabel("key", fontsize=9, color=GREY)
    ax.xaxis.set_label_position("top")
    if max(T, S) <= CELLS_WITH_NUMBERS:
        _write_numbers(ax, weights)
    _colour_bar(image, ax)
    return ax


def attention_heads(weights: np.ndarray, queries: Sequence[str], keys: Sequence[str]) -> "np.ndarray[Axes]":
    """Draw the attention maps of H heads side by side, on one colour scale.

    Parameters
    ----------
    weights : ndarray (H, T, S)
        Attention weights of the heads; every row sums to one.
    queries, keys : sequences of T and S strings
        The tokens that look and those that are looked at.

    Returns
    -------
    ndarray (H,) of matplotlib Axes
        One for each head, in order.

    Raises
    ------
    TypeError, ValueError
        As `attention_map`, for an array (H, T, S).
    """
    weights = _distributions(numbers("weights", weights, "(H, T, S)"))
    queries, keys = _labels(weights, queries, keys)
    H, T, S = weights.shape
    across = min(H, 4)
    down = -(-H // across)
    axes = new_axes(WIDTH, down * ((WIDTH - 1) / across * T / S + 0.5), down, across)
    for head, ax in enumerate(axes[:H]):
        image = _draw(with_our_fonts(ax), weights[head], queries, keys, weights.max())
        ax.set_xlabel(f"head {head}", fontsize=9, color=INK)
    for ax in axes[H:]:
        ax.remove()
    _colour_bar(image, list(axes[:H]))
    return axes[:H]


def _draw(ax, weights, queries, keys, highest):
    T, S = weights.shape
    image = ax.imshow(weights, cmap="Blues", vmin=0, vmax=highest)
    points = 72 * min(inches(ax) / (S, T))  # the side of a cell
    size = float(np.clip(0.6 * points, 6, 10))
    ax.set_yticks(*_ticks(queries, 1.1 * size / points), **lettering(size, INK))
    longest = max(columns(visible(key)) for key in keys)
    if longest <= 2 or longest * 0.6 * size < points:
        ax.set_xticks(*_ticks(keys, 1.1 * size / points), **lettering(size, INK))
    else:
        slanted = {"rotation": 45, "ha": "left", "va": "baseline", "rotation_mode": "anchor"}
        ax.set_xticks(*_ticks(keys, 1.5 * size / points), **slanted, **lettering(size, INK))
    ax.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    ax.spines[:].set_visible(False)
    return image


def _ticks(tokens, cells_per_label):
    """The places and texts of the labels that do not overlap: all of them, or every second, ..."""
    shown = range(0, len(tokens), int(np.ceil(cells_per_label)))
    return shown, [visible(tokens[t]) for t in shown]


def _write_numbers(ax, weights) -> None:
    for (t, s), weight in np.ndenumerate(weights):
        color = "white" if weight > 0.6 * weights.max() else INK
        ax.text(s, t, f"{weight:.2f}", ha="center", va="center", fontsize=8, color=color)


def _colour_bar(image, axes) -> None:
    bar = image.axes.figure.colorbar(image, ax=axes, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label("attention weight", color=INK, fontsize=9)
    bar.ax.tick_params(length=0, labelcolor=INK, labelsize=8)
    bar.outline.set_visible(False)


def _labels(weights, queries, keys) -> tuple[list[str], list[str]]:
    T, S = weights.shape[-2:]
    return one_label_each("queries", queries, T, "rows"), one_label_each("keys", keys, S, "columns")


def _distributions(weights: np.ndarray) -> np.ndarray:
    if weights.min() < 0:
        raise ValueError(f"weights holds {weights.min():.4g}, but no attention is negative; pass what softmax gives")
    sums = weights.sum(axis=-1)
    wrong = np.argwhere(abs(sums - 1) > ROW_TOLERANCE)
    if len(wrong):
        row = tuple(wrong[0].tolist())
        raise ValueError(
            f"row {', '.join(map(str, row))} of weights sums to {sums[row]:.4g}, not 1; pass what softmax over the "
            "keys gives, without the rows of padding"
        )
    return weights
