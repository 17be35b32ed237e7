"""What a number was computed from."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .fonts import columns, drawable, lettering
from .layered import curve, heights
from .style import BLUE, GREY, INK, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NODES = 60  # what a picture can hold and a reader can follow
ROW, BOX, GAP = 0.62, 0.44, 0.36  # inches: row to row, height of a box, between columns
TITLE, SHAPE = 9, 7.5  # points: the two lines of a box
LETTER = 0.62 / 72  # inches: the width of a letter of one point


def computation_graph(tensor: Any, ax: "Axes | None" = None) -> "Axes":
    """Draw the operations that led to `tensor`, from the left to the right, one box for each tensor.

    A box names the operation, or the tensor if it is a leaf, and gives the shape, and the value of a single number.
    Numbers and arrays that were no Tensors are not kept by the graph: they are boxes that say only "constant".
    Blue boxes get a gradient, grey ones do not. An arrow goes from each parent to its child; the first argument
    arrives at the top.

    Parameters
    ----------
    tensor : Tensor
        The result, before `backward`, which frees the graph. Anything with `data`, `requires_grad`, `parents`,
        `operation` and perhaps `name` will do.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if left out.

    Raises
    ------
    TypeError
        If `tensor` has no `parents` and `operation`.
    ValueError
        If it has no parents left, or more than 60 tensors led to it.
    """
    nodes, edges = graph_of(tensor)
    layers = _layers(nodes, edges)
    routes = [_route(number, edge, layers) for number, edge in enumerate(edges)]
    places, width, height = _places(nodes, edges, layers, routes)
    ax, scale = sheet(ax, width, height)
    for (_, child, argument), route in zip(edges, routes, strict=True):
        _draw_arrow(ax, nodes, route, argument - (len(nodes[child].parents) - 1) / 2, places, scale)
    for number, node in enumerate(nodes):
        _draw_box(ax, node, places[number], scale)
    return ax


def computation_graph_mermaid(tensor: Any) -> str:
    """The same graph in Mermaid's language, which JupyterLab and many Markdown readers draw themselves.

    Raises
    ------
    TypeError, ValueError
        As `computation_graph`.

    Examples
    --------
    In JupyterLab: ``display({"text/vnd.mermaid": computation_graph_mermaid(loss)}, raw=True)``
    """
    nodes, edges = graph_of(tensor)
    boxes = [f'    t{i}["{_mermaid_text(node)}"]' for i, node in enumerate(nodes)]
    arrows = [f"    t{parent} --> t{child}" for parent, child, _ in edges]
    return "\n".join(["graph LR", *boxes, *arrows])


def _mermaid_text(node) -> str:
    return "<br/>".join(filter(None, _lines(node))).replace('"', "#quot;")


def graph_of(tensor: Any) -> tuple[list, list[tuple[int, int, int]]]:
    """The tensors that led to `tensor`, parents first, and the edges (parent, child, number of the argument)."""
    if not all(hasattr(tensor, name) for name in ("data", "parents", "operation")):
        raise TypeError(f"tensor is a {type(tensor).__name__}, which has no graph; pass a Tensor that was computed")
    if not tensor.parents:
        raise ValueError(
            "tensor has no parents: it is a leaf, or was computed under no_grad, or backward has freed its graph; "
            "draw the result of a computation before its backward"
        )
    nodes, edges = _with_constants(_ancestors(tensor))
    if len(nodes) > MOST_NODES:
        raise ValueError(f"{len(nodes)} tensors led to tensor, more than the {MOST_NODES} a picture holds; draw a part")
    return nodes, edges


def _with_constants(nodes) -> tuple[list, list[tuple[int, int, int]]]:
    """The nodes and a constant for every use of one (the graph keeps a single tensor for all), and the edges."""
    number = {id(node): i for i, node in enumerate(nodes)}
    nodes, edges = list(nodes), []
    for child, node in enumerate(tuple(nodes)):
        for argument, parent in enumerate(node.parents):
            if _is_constant(parent):
                number[id(parent)] = len(nodes)
                nodes.append(parent)
            edges.append((number[id(parent)], child, argument))
    return nodes, edges


def _ancestors(tensor) -> list:
    """`tensor` and all it was computed from, parents before children, without recursion: chains may be long."""
    found, seen, stack = [], set(), [(tensor, False)]
    while stack:
        node, parents_are_found = stack.pop()
        if parents_are_found:
            found.append(node)
        elif id(node) not in seen and not _is_constant(node):
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(node.parents))
    return found


def _is_constant(node) -> bool:
    return getattr(node, "name", None) == "constant" and not node.parents


def _layers(nodes, edges) -> list[int]:
    """The column of each node: one right of its rightmost parent; leaves stand just left of their first child."""
    layer, first_child = [0] * len(nodes), [len(nodes)] * len(nodes)
    for parent, child, _ in edges:  # in the order of the children, so a parent's layer is final
        layer[child] = max(layer[child], layer[parent] + 1)
    for parent, child, _ in edges:
        first_child[parent] = min(first_child[parent], layer[child])
    return [layer[i] if node.parents else first_child[i] - 1 for i, node in enumerate(nodes)]


def _route(number, edge, layers) -> list:
    """The parent, a waypoint in every column that the edge crosses, and the child."""
    parent, child, _ = edge
    return [parent, *((number, layer) for layer in range(layers[parent] + 1, layers[child])), child]


def _places(nodes, edges, layers, routes):
    """The middle and the width of every box and waypoint, and the size of the whole, in inches."""
    stops = [[i for i, layer in enumerate(layers) if layer == column] for column in range(max(layers) + 1)]
    for route in routes:
        for waypoint in route[1:-1]:
            stops[waypoint[1]].append(waypoint)
    ports = [0.1 * argument for _, _, argument in edges]
    links = [(*pair, port) for route, port in zip(routes, ports, strict=True) for pair in pairwise(route)]
    rows = heights(stops, links)
    top, bottom = min(rows.values()), max(rows.values())

    places, left = {}, GAP / 4
    for column in stops:
        width = max(_width(nodes[stop]) for stop in column if isinstance(stop, int))
        for stop in column:
            places[stop] = left + width / 2, (rows[stop] - top + 0.5) * ROW, width
        left += width + GAP
    return places, left - 3 * GAP / 4, (bottom - top + 1) * ROW


def _width(node) -> float:
    title, shape = _lines(node)
    return LETTER * max(TITLE * columns(title), SHAPE * columns(shape)) + 0.16


def _lines(node) -> tuple[str, str]:
    """What a box says: name and operation, and the shape, with the value if there is only one."""
    if _is_constant(node):
        return "constant", ""
    value = f" = {np.asarray(node.data).item():.4g}" if np.size(node.data) == 1 else ""
    title = " = ".join(filter(None, (getattr(node, "name", None), node.operation)))
    title = title or ("parameter" if node.requires_grad else "input")
    return drawable(title), f"{np.shape(node.data)}{value}"


def _draw_box(ax, node, place, scale) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, width = place
    color = BLUE if node.requires_grad else GREY
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - BOX / 2),
            width,
            BOX,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white" if node.parents else f"{color}22",
            edgecolor=color,
            linewidth=1.2 * scale,
            zorder=3,
        )
    )
    title, shape = _lines(node)
    ax.text(x, y - 0.09 if shape else y, title, ha="center", va="center", zorder=4, **lettering(TITLE * scale, INK))
    ax.text(x, y + 0.10, shape, ha="center", va="center", zorder=4, **lettering(SHAPE * scale, GREY))


def _draw_arrow(ax, nodes, route: list, port: float, places, scale) -> None:
    from matplotlib.patches import FancyArrowPatch

    x, y, width = places[route[0]]
    points = [(x + width / 2, y)]
    for waypoint in route[1:-1]:
        x, y, width = places[waypoint]
        points += [(x - width / 2, y), (x + width / 2, y)]
    x, y, width = places[route[-1]]
    points.append((x - width / 2, y + 0.13 * port))
    color = BLUE if nodes[route[0]].requires_grad else GREY
    ax.add_patch(
        FancyArrowPatch(
            path=curve(points), arrowstyle="-|>", mutation_scale=8 * scale, linewidth=1 * scale, color=color, zorder=2
        )
    )
