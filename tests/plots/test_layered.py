from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minilm.plots.layered import _disorder, curve, heights, spread


def isotonic(values):
    """Least-squares ascending values by the max-min formula."""
    n = len(values)
    return [max(min(np.mean(values[j : k + 1]) for k in range(i, n)) for j in range(i + 1)) for i in range(n)]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=7).map(sorted))
def test_spread_is_the_nearest_that_keeps_a_distance_of_one(wishes):
    rows = np.arange(len(wishes))
    np.testing.assert_allclose(spread(wishes), rows + isotonic(np.array(wishes) - rows), atol=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=20).map(sorted))
def test_spread_keeps_a_distance_of_one(wishes):
    assert min(b - a for a, b in pairwise(spread(wishes))) >= 1 - 1e-9


def test_crossings_that_can_be_avoided_are_avoided():
    columns = [["a", "b", "c"], ["x", "y", "z"]]
    links = [("a", "z", 0), ("b", "y", 0), ("c", "x", 0)]
    as_listed = {node: row for column in columns for row, node in enumerate(column)}
    assert _disorder(columns, links, as_listed)[0] == 3
    assert _disorder(columns, links, heights(columns, links))[0] == 0


@settings(max_examples=40)
@given(st.data())
def test_the_branches_of_a_tree_never_cross(data):
    columns, links = [[(0, 0)]], []
    for t in range(1, 5):
        size = data.draw(st.integers(1, 5))
        columns.append([(t, i) for i in range(size)])
        links += [(data.draw(st.sampled_from(columns[t - 1])), node, 0) for node in columns[t]]
    assert _disorder(columns, links, heights(columns, links))[0] == 0


def test_a_curve_passes_through_its_points_horizontally():
    path = curve([(0, 0), (1, 2), (3, 1)])
    assert path.vertices[[0, 3, 6]].tolist() == [[0, 0], [1, 2], [3, 1]]
    slopes = path.vertices[[1, 2, 4, 5], 1] - path.vertices[[0, 3, 3, 6], 1]
    assert slopes.tolist() == [0, 0, 0, 0]
