import numpy as np
import pytest

from minilm.plots import embedding_scatter
from minilm.plots.embedding import principal_plane

VECTORS = np.random.default_rng(0).normal(size=(12, 5)) * [3, 2, 1, 0.5, 0.1]


def test_the_plane_is_that_of_the_largest_eigenvalues_of_the_covariance():
    points, shares = principal_plane(VECTORS)
    values, directions = np.linalg.eigh(np.cov(VECTORS.T, bias=True))
    expected = (VECTORS - VECTORS.mean(axis=0)) @ directions[:, [-1, -2]]
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-12)
    np.testing.assert_allclose(shares, values[[-1, -2]] / values.sum())


def test_the_signs_of_the_directions_are_fixed():
    order = np.random.default_rng(1).permutation(len(VECTORS))
    points, _ = principal_plane(VECTORS)
    np.testing.assert_allclose(principal_plane(VECTORS[order])[0], points[order], atol=1e-12)
    np.testing.assert_allclose(principal_plane(-VECTORS)[0], -points, atol=1e-12)


def test_vectors_of_a_plane_keep_their_distances():
    plane = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 2)))[0]
    flat = VECTORS[:, :2] @ plane.T

    def distances(x):
        return np.linalg.norm(x[:, None] - x[None], axis=-1)

    np.testing.assert_allclose(distances(principal_plane(flat)[0]), distances(flat), atol=1e-12)


def test_every_vector_has_its_point_and_its_label_beside_it(words):
    ax = embedding_scatter(VECTORS, [f"w{i}" for i in range(12)])
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), principal_plane(VECTORS)[0])
    assert words(ax) == [f"w{i}" for i in range(12)]
    for text, point in zip(ax.texts, principal_plane(VECTORS)[0], strict=True):
        np.testing.assert_array_equal(text.xy, point)


def overlaps(ax):
    """How many pairs of labels overlap in the finished picture."""
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent().padded(-1) for text in ax.texts]
    return sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_labels_keep_out_of_each_others_way():
    close = np.random.default_rng(3).normal(size=(25, 2))
    ax = embedding_scatter(close, ["word"] * 25)
    placed = overlaps(ax)
    for text in ax.texts:
        text.set_position((15, 0))  # what a plain label to the right would do
    assert placed < overlaps(ax)


def test_the_axes_say_how_much_they_show():
    ax = embedding_scatter([[0, 0], [3, 0], [0, 1], [3, 1]], "abcd")
    assert ax.get_xlabel() == "first principal component (90% of the variance)"
    assert ax.get_ylabel() == "second principal component (10%)"


@pytest.mark.parametrize(
    "vectors, labels, message",
    [
        (np.ones(3), "abc", r"vectors has the shape \(3,\), but \(V, C\) is needed"),
        (VECTORS, "abc", "labels holds 3 labels for 12 vectors"),
        (VECTORS[:1], "a", "a plane needs two rows and two columns"),
        (VECTORS[:, :1], "abcdefghijkl", "a plane needs two rows and two columns"),
        (np.full((3, 2), 0.1), "abc", "the rows of vectors are all the same"),
        ([[np.inf, 0], [0, 1]], "ab", "vectors holds 1 NaN or infinite"),
    ],
)
def test_bad_vectors_are_refused(vectors, labels, message):
    with pytest.raises(ValueError, match=message):
        embedding_scatter(vectors, labels)
