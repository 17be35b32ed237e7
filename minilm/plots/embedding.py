"""Which vectors lie near one another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .fonts import columns, lettering, visible
from .style import BLUE, INK, WIDTH, canvas, numbers, one_label_each, quiet_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 9  # of a label, in points
AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))  # where a label may stand


def embedding_scatter(vectors: np.ndarray, labels: Sequence[str], ax: "Axes | None" = None) -> "Axes":
    """Draw vectors in the plane in which they spread the most, the one of their two first principal components.

    Both directions have the same scale, so distances in the picture can be compared; the axes say how much of the
    variance they show, and what they do not show may be far apart all the same.

    Parameters
    ----------
    vectors : ndarray (V, C)
        One vector a row, V and C at least 2.
    labels : sequence of V strings
        Written beside the points, where there is room.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if left out.

    Raises
    ------
    TypeError, ValueError
        If `vectors` is not an array (V, C) of finite numbers, has fewer than two rows or columns or only equal rows, or
        if there are not V labels.
    """
    vectors = numbers("vectors", vectors, "(V, C)")
    labels = one_label_each("labels", labels, len(vectors), "vectors")
    points, shares = principal_plane(vectors)
    ax = canvas(ax, WIDTH, 5)
    ax.scatter(*points.T, s=14, color=BLUE, linewidths=0)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.08)
    _write_labels(ax, points, [visible(label) for label in labels])
    ax.set_xlabel(f"first principal component ({shares[0]:.0%} of the variance)")
    ax.set_ylabel(f"second principal component ({shares[1]:.0%})")
    quiet_frame(ax)
    return ax


def principal_plane(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates (V, 2) along the two directions of the largest variance, and their shares of it (2,).

    X - mean = U S Vᵀ; the coordinates are the first columns of U S, the variances S² / V. The sign of a direction is
    free: its largest component is taken to be positive, so that pictures can be compared.

    >>> principal_plane(np.array([[0., 0.], [3., 0.], [0., 1.], [3., 1.]]))[1]
    array([0.9, 0.1])
    """
    if min(vectors.shape) < 2:
        raise ValueError(f"vectors has the shape {vectors.shape}; a plane needs two rows and two columns at least")
    u, s, vt = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    if s[0] <= 1e-12 * np.abs(vectors).max():
        raise ValueError("the rows of vectors are all the same: there is no direction in which they differ")
    largest = np.abs(vt[:2]).argmax(axis=1)
    signs = np.sign(vt[[0, 1], largest])
    return u[:, :2] * s[:2] * signs, s[:2] ** 2 / np.sum(s**2)


def _write_labels(ax, points, labels) -> None:
    ax.autoscale_view()
    ax.apply_aspect()
    places = ax.transData.transform(points) * 72 / ax.figure.dpi
    taken = [(x - 2, y - 2, x + 2, y + 2) for x, y in places]
    for point, place, label in zip(points, places, labels, strict=True):
        offset, box = _freest(place, label, np.array(taken))
        taken.append(box)
        ax.annotate(label, point, offset, textcoords="offset points", ha="center", va="center", **lettering(SIZE, INK))


def _freest(place, label, taken):
    """The offset of a label around its point, and its box, that overlaps least with what is taken."""
    half = np.array([0.3 * SIZE * columns(label), 0.55 * SIZE])
    offsets = np.array(AROUND) * (half + 2.5)
    boxes = np.hstack([place + offsets - half, place + offsets + half])
    low = np.maximum(boxes[:, None, :2], taken[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], taken[None, :, 2:])
    best = np.maximum(high - low, 0).prod(axis=-1).sum(axis=-1).argmin()
    return offsets[best], boxes[best]
