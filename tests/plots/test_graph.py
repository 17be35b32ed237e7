from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from minilm.plots import computation_graph, computation_graph_mermaid
from minilm.plots.graph import MOST_NODES
from minilm.plots.style import BLUE, GREY


def leaf(shape=(), name="", requires_grad=True):
    return SimpleNamespace(data=np.full(shape, 0.5), requires_grad=requires_grad, parents=(), operation="", name=name)


def result(operation, *parents, shape=(), name=""):
    requires_grad = any(parent.requires_grad for parent in parents)
    return SimpleNamespace(
        data=np.full(shape, 0.5), requires_grad=requires_grad, parents=parents, operation=operation, name=name
    )


def neuron():
    x, w, b = leaf((5, 3), "x", requires_grad=False), leaf((3, 4), "W"), leaf((4,))
    return result("tanh", result("add", result("matmul", x, w, shape=(5, 4)), b, shape=(5, 4)), shape=(5, 4), name="y")


def drawn(ax, kind):
    return [patch for patch in ax.patches if isinstance(patch, kind)]


def lines(ax):
    """The points of every arrow's line, without its head."""
    paths = [arrow.get_path() for arrow in drawn(ax, FancyArrowPatch)]
    return [path.to_polygons(closed_only=False)[0] for path in paths]


def colours(patches):
    from matplotlib.colors import to_hex

    return [to_hex(patch.get_edgecolor()) for patch in patches]


def test_every_tensor_is_a_box_with_its_operation_or_name_and_its_shape(words):
    ax = computation_graph(neuron())
    assert len(drawn(ax, FancyBboxPatch)) == 6
    assert words(ax)[::2] == ["x", "W", "matmul", "parameter", "add", "y = tanh"]
    assert words(ax)[1::2] == ["(5, 3)", "(3, 4)", "(5, 4)", "(4,)", "(5, 4)", "(5, 4)"]


def test_every_parent_is_an_arrow_also_one_used_twice():
    x = leaf()
    square = result("multiply", x, x)
    assert len(drawn(computation_graph(square), FancyArrowPatch)) == 2
    assert len(drawn(computation_graph(result("exp", square)), FancyArrowPatch)) == 3


def test_blue_boxes_get_a_gradient_and_grey_ones_do_not():
    boxes = colours(drawn(computation_graph(neuron()), FancyBboxPatch))
    assert boxes == [GREY.lower()] + [BLUE.lower()] * 5


def test_the_value_of_a_single_number_is_shown(words):
    assert "() = 0.5" in words(computation_graph(result("exp", leaf())))


def test_children_stand_right_of_their_parents_and_boxes_do_not_overlap():
    x = leaf((2,))
    residual = result("add", x, result("matmul", result("gelu", result("matmul", x, leaf())), leaf()))
    ax = computation_graph(residual)
    boxes = [box.get_bbox() for box in drawn(ax, FancyBboxPatch)]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all((np.diff(line[:, 0]) > 0).all() for line in lines(ax))


def test_an_arrow_past_other_columns_goes_around_their_boxes():
    x = leaf()
    ax = computation_graph(result("add", x, result("exp", result("tanh", x))))
    between = [box.get_bbox() for box in drawn(ax, FancyBboxPatch)][1:3]
    around = max(lines(ax), key=np.ptp)
    mirrored = around * [1, -1] + [0, around[0, 1] + around[-1, 1]]
    assert not any(box.contains(*point) for box in between for point in around)
    assert any(box.contains(*point) for box in between for point in mirrored)


def test_each_use_of_a_constant_is_a_box_without_a_value(words):
    constant = SimpleNamespace(data=np.zeros(()), requires_grad=False, parents=(), operation="", name="constant")
    ax = computation_graph(result("add", result("multiply", leaf(name="x"), constant), constant))
    assert len(drawn(ax, FancyBboxPatch)) == 5 and len(drawn(ax, FancyArrowPatch)) == 4
    assert words(ax).count("constant") == 2 and "() = 0" not in words(ax)


def test_a_real_tensor_is_drawn(words):
    Tensor = pytest.importorskip("minilm.autograd.tensor").Tensor
    pytest.importorskip("minilm.autograd.operations")
    w = Tensor(np.ones((2, 3), np.float32), requires_grad=True, name="w")
    ax = computation_graph(((w * w) + 1).sum())
    assert len(drawn(ax, FancyBboxPatch)) == 5 and len(drawn(ax, FancyArrowPatch)) == 5
    assert {"w", "(2, 3)", "constant", "() = 12"} <= set(words(ax))


def test_a_chain_of_thousands_is_refused_without_recursion():
    tensor = leaf()
    for _ in range(20_000):
        tensor = result("tanh", tensor)
    with pytest.raises(ValueError, match=f"20001 tensors led to tensor, more than the {MOST_NODES}"):
        computation_graph(tensor)


def test_large_drawings_shrink_to_fit_given_axes():
    from matplotlib.figure import Figure

    small = computation_graph(neuron(), Figure(figsize=(3, 1)).subplots())
    assert small.texts[0].get_fontsize() < computation_graph(neuron()).texts[0].get_fontsize()


def test_mermaid_has_a_line_for_each_box_and_arrow():
    lines = computation_graph_mermaid(result("multiply", leaf(name='a "b"'), leaf((2,)))).splitlines()
    assert lines == [
        "graph LR",
        '    t0["a #quot;b#quot;<br/>() = 0.5"]',
        '    t1["parameter<br/>(2,)"]',
        '    t2["multiply<br/>() = 0.5"]',
        "    t0 --> t2",
        "    t1 --> t2",
    ]


@pytest.mark.parametrize("draw", [computation_graph, computation_graph_mermaid])
def test_what_has_no_graph_is_refused(draw):
    with pytest.raises(TypeError, match="tensor is a ndarray, which has no graph"):
        draw(np.ones(3))
    with pytest.raises(ValueError, match=r"tensor has no parents: .* backward has freed its graph"):
        draw(leaf())
