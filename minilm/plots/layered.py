"""Where to put the nodes of a layered graph: few crossings, short edges (after Sugiyama, Tagawa and Toda 1981)."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.path import Path

SWEEPS = 24


def heights(columns: list[list[Hashable]], links: Iterable[tuple[Hashable, Hashable, float]]) -> dict[Hashable, float]:
    """The height of every node: as near to the mean of its neighbours as a distance of 1 from the next node allows.

    columns: the nodes from left to right. links: (left, right, port) between neighbouring columns; `port` is where on
    the right node the link arrives, up or down from its middle.
    """
    links = list(links)
    height = {node: row - (len(column) - 1) / 2 for column in columns for row, node in enumerate(column)}
    before, after = defaultdict(list), defaultdict(list)
    for left, right, port in links:
        before[right].append((left, -port))
        after[left].append((right, port))
    tries = []
    for sweep in range(SWEEPS):
        _settle(*((columns, before) if sweep % 2 else (columns[::-1], after)), height)
        tries.append(dict(height))
    return min(tries, key=lambda height: _disorder(columns, links, height))


def _disorder(columns, links, height) -> tuple[int, float]:
    """How many pairs of links cross, and how steep the links are."""
    column = {node: number for number, nodes in enumerate(columns) for node in nodes}
    lines = [(column[left], height[left], height[right] + port) for left, right, port in links]
    crossings = sum(a[0] == b[0] and (a[1] - b[1]) * (a[2] - b[2]) < 0 for a, b in combinations(lines, 2))
    return crossings, sum((start - stop) ** 2 for _, start, stop in lines)


def _settle(columns, neighbours, height) -> None:
    """Move every node towards its neighbours in the column that was settled before."""
    for column in columns:
        wish = {n: _mean([height[m] + port for m, port in neighbours[n]] or [height[n]]) for n in column}
        column = sorted(column, key=lambda n: (wish[n], height[n]))
        height.update(zip(column, spread([wish[n] for n in column]), strict=True))


def spread(wishes: Sequence[float]) -> list[float]:
    """The heights nearest to `wishes`, which ascend, that are at least 1 apart.

    Least squares by pooling adjacent violators: nodes that would come too near move as one block.

    >>> spread([0, 0, 5])
    [-0.5, 0.5, 5.0]
    """
    blocks = []  # [sum of the shifts wished for, nodes]
    for row, wish in enumerate(wishes):
        blocks.append([wish - row, 1])
        while len(blocks) > 1 and _mean_shift(blocks[-2]) > _mean_shift(blocks[-1]):
            total, nodes = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += nodes
    shifts = [_mean_shift(block) for block in blocks for _ in range(block[1])]
    return [row + shift for row, shift in enumerate(shifts)]


def _mean_shift(block) -> float:
    return block[0] / block[1]


def _mean(values) -> float:
    return sum(values) / len(values)


def curve(points: Sequence[tuple[float, float]]) -> "Path":
    """A smooth path through `points` that leaves and meets each of them horizontally."""
    from matplotlib.path import Path

    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)
