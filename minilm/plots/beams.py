"""What beam search looked at, and what it chose."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .fonts import columns, lettering, visible
from .layered import curve, heights
from .style import BLUE, GREY, INK, PALE, VERMILION, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, GAP, LETTER = 0.33, 0.26, 0.08  # inches: row to row, between columns, one letter
LOOKS = {  # colour of the edge, its width, colour of the token
    "best": (VERMILION, 2.2, VERMILION),
    "kept": (BLUE, 1.3, INK),
    "pruned": (PALE, 0.8, GREY),
}


def beam_tree(
    search: Sequence[Sequence[Any]],
    decode: Callable[[list[int]], str],
    ax: "Axes | None" = None,
    *,
    best: Sequence[int] | None = None,
) -> "Axes":
    """Draw the tree of a beam search: the branches it kept, the likeliest that it pruned, and the best hypothesis.

    Under each token stands the log-probability, in nats, of the whole branch up to it; a square ends a finished branch.
    Of the pruned nodes each step shows at most as many as it kept.

    Parameters
    ----------
    search : sequence of sequences of nodes
        For each step the nodes `(parent, token, log_prob, kept, finished)`; `parent` is the place of a node in the step
        before, None in the first.
    decode : callable
        The text of a list of token ids; it is called with one id at a time.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if left out.
    best : sequence of int, optional
        The token ids of the hypothesis to highlight, such as the first that the search returned. If left out, the one
        with the highest mean log-probability per token (a length penalty of 1) among those kept that are finished or
        reach the last step.

    Raises
    ------
    TypeError, ValueError
        If `search` is not a list of lists of nodes, holds no step or a step without nodes, a parent that does not exist
        or was not kept, a NaN, or keeps nothing to the end, or if it kept no branch with the tokens `best`.
    """
    _check(search)
    best = _likeliest(search) if best is None else _branch(search, [int(token) for token in best])
    shown = [_shown(step) for step in search]
    text = {(t, i): visible(decode([int(search[t][i].token)])) for t, step in enumerate(shown) for i in step}
    places, width, height = _places(search, shown, text)
    ax, scale = sheet(ax, width, height)
    for place in text:
        _draw_node(ax, search, place, text[place], _look(search, place, best), places, scale)
    ax.plot(*places[None][:2], marker="o", markersize=5 * scale, color=INK)
    _legend(ax, scale)
    return ax


def _likeliest(search) -> list[tuple[int, int]]:
    """The branch with the highest mean log-probability per token, of those kept to an end."""
    ends = {
        (t, i): node.log_prob / (t + 1)
        for t, step in enumerate(search)
        for i, node in enumerate(step)
        if node.kept and (node.finished or t == len(search) - 1)
    }
    if not ends:
        raise ValueError("search keeps no finished node and none in its last step: there is no best hypothesis")
    return _path(search, *max(ends, key=ends.get))


def _branch(search, tokens) -> list[tuple[int, int]]:
    """The kept branch with these tokens."""
    last = len(tokens) - 1
    for i, node in enumerate(search[last] if 0 <= last < len(search) else ()):
        path = _path(search, last, i)
        if node.kept and [search[t][j].token for t, j in path] == tokens:
            return path
    raise ValueError(f"best is {tokens}, but search kept no branch with these tokens; pass ids that it returned")


def _path(search, t: int, i: int | None) -> list[tuple[int, int]]:
    """The nodes (step, place in the step) from the first token to this one."""
    path = []
    while i is not None:
        path.append((t, i))
        t, i = t - 1, search[t][i].parent
    return path[::-1]


def _check(search) -> None:
    if len(search) == 0 or any(len(step) == 0 for step in search):
        raise ValueError(f"search holds {len(search)} steps of {[len(step) for step in search]} nodes; each needs one")
    for t, step in enumerate(search):
        for i, node in enumerate(step):
            _check_node(f"entry {i} of step {t} of search", node, search[t - 1] if t else None)


def _check_node(name, node, before) -> None:
    if not hasattr(node, "parent"):
        raise TypeError(f"{name} is a {type(node).__name__}, not a node; pass the search for one prompt")
    if not (node.parent is None if before is None else _is_kept(before, node.parent)):
        raise ValueError(
            f"{name} has the parent {node.parent}; expected None in step 0, then the place of a node in the "
            "step before that was kept"
        )
    if np.isnan(node.log_prob):
        raise ValueError(f"{name} has the log_prob nan; look for what made it")


def _is_kept(step, parent) -> bool:
    return parent in range(len(step)) and step[parent].kept


def _shown(step) -> list[int]:
    """The kept nodes and as many of the likeliest others (one at least), the likeliest first."""
    order = sorted(range(len(step)), key=lambda i: -step[i].log_prob)
    kept = [i for i in order if step[i].kept]
    pruned = [i for i in order if not step[i].kept][: max(len(kept), 1)]
    return [i for i in order if i in kept + pruned]


def _places(search, shown, text):
    """The left end, middle height and width of every token, and the size of the whole, in inches."""
    stops = [[None], *([(t, i) for i in step] for t, step in enumerate(shown))]
    links = [(_parent(search, place), place, 0) for place in text]
    rows = heights(stops, links)
    top, bottom = min(rows.values()), max(rows.values())

    places, left = {None: (0.1, (rows[None] - top + 0.6) * ROW, 0.02)}, 0.1 + GAP
    for column in stops[1:]:
        for place in column:
            width = LETTER * max(columns(text[place]), 4)  # 4: the log-probability below it
            places[place] = left, (rows[place] - top + 0.6) * ROW, width
        left += max(places[place][2] for place in column) + GAP
    return places, left, (bottom - top + 2.2) * ROW


def _parent(search, place):
    t, i = place
    return (t - 1, search[t][i].parent) if t else None


def _look(search, place, best) -> str:
    t, i = place
    return "best" if place in best else "kept" if search[t][i].kept else "pruned"


def _draw_node(ax, search, place, token, look, places, scale) -> None:
    """The token with its log-probability, and the edge from its parent."""
    from matplotlib.patches import PathPatch

    node = search[place[0]][place[1]]
    edge_color, line_width, color = LOOKS[look]
    x, y, _ = places[place]
    x0, y0, width = places[_parent(search, place)]
    edge = curve([(x0 + width + 0.02, y0), (x - 0.04, y)])
    order = 2 + list(LOOKS)[::-1].index(look)
    ax.add_patch(PathPatch(edge, edgecolor=edge_color, facecolor="none", linewidth=line_width * scale, zorder=order))
    ax.text(x, y - 0.06, token, va="center", zorder=6, **lettering(9 * scale, color))
    ax.text(x, y + 0.09, f"{node.log_prob:.2f}", va="center", zorder=6, **lettering(6.5 * scale, GREY))
    if node.finished:
        ax.plot(x + LETTER * columns(token) + 0.1, y - 0.06, marker="s", markersize=5 * scale, color=color, zorder=6)


def _legend(ax, scale) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=color, linewidth=width * scale) for color, width, _ in LOOKS.values()]
    square = Line2D([], [], linestyle="", marker="s", markersize=5 * scale, color=INK)
    ax.legend(
        [*lines, square],
        [*LOOKS, "finished"],
        loc="lower center",
        ncols=4,
        frameon=False,
        fontsize=8 * scale,
        labelcolor=INK,
        borderpad=0,
        borderaxespad=0,
    )
