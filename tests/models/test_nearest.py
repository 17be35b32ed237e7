"""The nearest example is the one with the highest cosine, computed here without lists of n-grams."""

import numpy as np
import pytest

from minilm.models.nearest import Nearest

LETTERS = np.array(list("abcd"))


def texts(rng, number):
    return ["".join(rng.choice(LETTERS, rng.integers(1, 9))) for _ in range(number)]


def grams(text, order):
    return [text[i : i + n] for n in range(1, order + 1) for i in range(len(text) - n + 1)]


def cosines(text, sources, order):
    """With every vector written out."""
    known = sorted({gram for source in sources for gram in grams(source, order)})
    idf = np.array([np.log(len(sources) / sum(gram in source for source in sources)) for gram in known])
    vectors = np.array([[grams(t, order).count(gram) for gram in known] for t in [text, *sources]]) * idf
    return vectors[1:] @ vectors[0] / np.maximum(np.linalg.norm(vectors[1:], axis=1), 1e-12)


@pytest.mark.parametrize("order", [1, 3])
def test_it_finds_the_highest_cosine(order):
    rng = np.random.default_rng(order)
    sources = texts(rng, 30)
    nearest = Nearest(sources, order)
    for text in texts(rng, 30):
        similarity = cosines(text, sources, order)
        assert similarity[nearest.find(text)] == pytest.approx(similarity.max())
    assert len({nearest.find(text) for text in texts(rng, 30)}) > 5


def test_a_known_source_is_nearest_to_itself():
    sources = ["我喜欢读书。", "他在睡觉。", "我喜欢你。"]
    assert [Nearest(sources).find(source) for source in sources] == [0, 1, 2]


def test_with_nothing_in_common_the_first_is_found():
    assert Nearest(["ab", "cd"]).find("xyz") == 0


def test_without_sources_nothing_can_be_found():
    with pytest.raises(ValueError, match="no sources"):
        Nearest([])
