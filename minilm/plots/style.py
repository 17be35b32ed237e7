"""What all pictures share: colours, axes, and the check of numbers."""

import functools
from typing import TYPE_CHECKING

import numpy as np

from .fonts import drawable, families

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, VERMILION = "#0072B2", "#D55E00"  # two colours that every kind of sight tells apart (Okabe and Ito 2008)
INK, GREY, PALE = "#24292F", "#6E7781", "#D0D5DA"
SMALLEST = 2 / 3  # drawings shrink no further, or their letters could not be read
WIDTH = 7  # inches, at matplotlib's 100 dots per inch: 700 pixels


def canvas(ax: "Axes | None", width: float, height: float) -> "Axes":
    """`ax`, or the axes of a new figure of this size in inches."""
    return with_our_fonts(new_axes(width, height)[0] if ax is None else ax)


def new_axes(width: float, height: float, down: int = 1, across: int = 1) -> np.ndarray:
    """The axes (down * across,) of a new figure of this size in inches."""
    import matplotlib.pyplot as plt

    return plt.subplots(down, across, figsize=(width, height), layout="compressed", squeeze=False)[1].ravel()


def with_our_fonts(ax: "Axes") -> "Axes":
    """`ax`, whose title and axis labels may now be Chinese, and be set later."""
    for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
        text.set_fontfamily(list(families()))
        text.set_text = functools.partial(_set_text, text)
    return ax


def _set_text(text, words) -> None:
    """Set the words of a matplotlib Text, without a warning if no font has them."""
    lines = "" if words is None else "\n".join(map(drawable, str(words).split("\n")))
    type(text).set_text(text, lines)
    text.set_fontfamily(list(families()))  # one may just have been fetched


def sheet(ax: "Axes | None", width: float, height: float) -> tuple["Axes", float]:
    """Axes on which a drawing is measured in inches, y downwards, and the factor by which it had to shrink to fit."""
    scale = np.clip(WIDTH / width, SMALLEST, 1) if ax is None else min(1, *(inches(ax) / (width, height)))
    ax = canvas(ax, width * scale, height * scale)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
    return ax, float(scale)


def inches(ax: "Axes") -> np.ndarray:
    """The width and height of `ax`."""
    return ax.get_window_extent().size / ax.figure.dpi


def quiet_frame(ax: "Axes") -> None:
    """Only the two axes that carry numbers, in grey."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(color=GREY, labelcolor=INK, labelsize=9)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=INK, fontsize=9)


def numbers(name: str, values, shape: str) -> np.ndarray:
    """`values` as an array with one axis per letter of `shape`, such as "(T, S)", and without NaN or infinity."""
    array = floats(name, values)
    if array.ndim != shape.count(",") + 1:
        raise ValueError(f"{name} has the shape {array.shape}, but {shape} is needed; choose or add an axis")
    if array.size == 0:
        raise ValueError(f"{name} has the shape {array.shape}: there is nothing to draw")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {np.sum(~np.isfinite(array))} NaN or infinite numbers; look for what made them")
    return array


def floats(name: str, values) -> np.ndarray:
    """`values` as an array of float64."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} is a {type(values).__name__} that holds more than numbers; pass an array (of a Tensor its .data)"
        ) from None


def one_label_each(name: str, labels, count: int, what: str) -> list[str]:
    """`labels` as a list of `count` strings."""
    if len(labels) != count:
        raise ValueError(f"{name} holds {len(labels)} labels for {count} {what}; give one label for each")
    return [str(label) for label in labels]
