from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from minilm.plots import beam_tree
from minilm.plots.style import BLUE, GREY, PALE, VERMILION

TEXT = ["the", " cat", " sat", "\n", "<eos>"]


class Node(NamedTuple):
    parent: int | None
    token: int
    log_prob: float
    kept: bool
    finished: bool = False


SEARCH = [
    [Node(None, 0, -0.5, True), Node(None, 1, -1.25, True), Node(None, 2, -3.0, False)],
    [Node(0, 1, -1.0, True), Node(1, 4, -1.5, True, True), Node(0, 3, -2.0, True), Node(1, 0, -4.0, False)],
    [Node(0, 2, -3.5, True), Node(2, 4, -3.0, True, True), Node(0, 4, -5.0, False, True)],
]
BEST = [1, 4]  # -1.5 / 2 beats -3.0 / 3


def decode(ids):
    return "".join(TEXT[token] for token in ids)


def edges(ax, colour):
    """The ends of the edges of this colour."""
    return [p.get_path().vertices[-1] for p in ax.patches if to_hex(p.get_edgecolor()) == colour.lower()]


def tokens(ax, colour):
    """The texts of this colour, from left to right."""
    texts = sorted(ax.texts, key=lambda text: text.get_position())
    return [text.get_text() for text in texts if text.get_color() == colour]


def test_every_node_is_an_edge_with_its_token_and_log_probability(words):
    ax = beam_tree(SEARCH, decode)
    assert sum(isinstance(patch, PathPatch) for patch in ax.patches) == 10
    shown = words(ax)
    assert sorted(shown[::2]) == sorted(["the", "the", "␣cat", "␣cat", "␣sat", "␣sat", "↵", "<eos>", "<eos>", "<eos>"])
    assert shown[1::2] == [f"{x:.2f}" for step in SEARCH for x in sorted((n.log_prob for n in step), reverse=True)]


def test_the_best_mean_log_probability_is_highlighted():
    ax = beam_tree(SEARCH, decode)
    assert tokens(ax, VERMILION) == ["␣cat", "<eos>"]
    assert len(edges(ax, VERMILION)) == 2


def test_the_highlight_moves_when_another_branch_is_the_best():
    likelier = [*SEARCH[:2], [Node(2, 4, -2.1, True, True), *SEARCH[2]]]
    assert tokens(beam_tree(likelier, decode), VERMILION) == ["the", "↵", "<eos>"]


def test_the_given_hypothesis_is_highlighted():
    ax = beam_tree(SEARCH, decode, best=np.array([0, 3, 4]))
    assert tokens(ax, VERMILION) == ["the", "↵", "<eos>"]


def test_kept_branches_are_strong_and_pruned_ones_faint():
    ax = beam_tree(SEARCH, decode)
    assert len(edges(ax, BLUE)) == 5
    assert len(edges(ax, PALE)) == 3
    assert [t for t in tokens(ax, GREY) if not t.startswith("-")] == ["␣sat", "the", "<eos>"]


def test_finished_branches_end_in_a_square():
    squares = [line for line in beam_tree(SEARCH, decode).lines if line.get_marker() == "s"]
    assert len(squares) == 3


def test_edges_start_where_their_parents_stand():
    ax = beam_tree(SEARCH, decode)
    height = {line: line.get_ydata()[0] for line in ax.lines}
    starts = {round(p.get_path().vertices[0][1], 6) for p in ax.patches}
    stops = {round(p.get_path().vertices[-1][1], 6) for p in ax.patches}
    root = next(y for line, y in height.items() if line.get_marker() == "o")
    assert starts <= stops | {round(root, 6)}


def test_a_crowd_of_pruned_nodes_is_thinned_to_the_likeliest(words):
    crowd = [[Node(None, 0, -0.5, True)] + [Node(None, 1, -1.0 - i, False) for i in range(400)]]
    ax = beam_tree(crowd, decode)
    assert words(ax) == ["the", "-0.50", "␣cat", "-1.00"]


def test_a_real_search_highlights_the_first_hypothesis_it_returned():
    generate = pytest.importorskip("minilm.generate")

    class Chain:
        """Each token depends on the one before."""

        vocabulary = 5

        def __init__(self):
            scores = np.random.default_rng(4).normal(size=(5, 5))
            self.log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

        def start(self, prompt):
            return self.step(prompt[:, -1], None)

        def step(self, ids, state):
            return self.log_probs[ids], state

        def reorder(self, state, rows):
            return state

    found, search = generate.beam_search(Chain(), np.array([0]), 4, num_beams=3, eos_token_id=4, return_search=True)
    ax = beam_tree(search, decode, best=found[0].ids)
    visible = [{" cat": "␣cat", " sat": "␣sat", "\n": "↵"}.get(TEXT[i], TEXT[i]) for i in found[0].ids]
    assert tokens(ax, VERMILION) == visible


def changed(t, i, **values):
    return [[n._replace(**values) if (t, i) == (u, j) else n for j, n in enumerate(s)] for u, s in enumerate(SEARCH)]


@pytest.mark.parametrize(
    "search, error, message",
    [
        ([], ValueError, "search holds 0 steps"),
        ([SEARCH[0], []], ValueError, r"search holds 2 steps of \[3, 0\] nodes"),
        ([SEARCH], TypeError, "entry 0 of step 0 of search is a list, not a node; pass the search for one prompt"),
        (changed(0, 1, parent=0), ValueError, "entry 1 of step 0 of search has the parent 0; expected None in step 0"),
        (changed(1, 0, parent=None), ValueError, "entry 0 of step 1 of search has the parent None"),
        (changed(1, 0, parent=7), ValueError, "has the parent 7"),
        (changed(1, 0, parent=2), ValueError, "the place of a node in the step before that was kept"),
        (changed(2, 0, log_prob=np.nan), ValueError, "entry 0 of step 2 of search has the log_prob nan"),
        ([[Node(None, 0, -1.0, False)]], ValueError, "there is no best hypothesis"),
    ],
)
def test_a_search_that_is_no_tree_is_refused(search, error, message):
    with pytest.raises(error, match=message):
        beam_tree(search, decode)


@pytest.mark.parametrize("best", [[], [0, 0], [2], [0, 1, 2, 3]])
def test_a_hypothesis_that_the_search_did_not_keep_is_refused(best):
    with pytest.raises(ValueError, match=r"best is \[.*\], but search kept no branch with these tokens"):
        beam_tree(SEARCH, decode, best=best)
