"""The table of a model: every number is counted once."""

import numpy as np

from minilm import models, nn


class Tied(nn.Module):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.embedding = nn.Embedding(1000, 3, rng=rng)
        self.blocks = [nn.Linear(3, 3, rng=rng), nn.Linear(3, 3, rng=rng), nn.Linear(3, 2, bias=False, rng=rng)]
        self.scale = nn.parameter(np.ones(2))
        self.head = self.embedding.table
        self.dropout = nn.Dropout(0.1, rng=rng)  # has no numbers, and no row


def rows(table):
    return [line.split() for line in table.splitlines()]


def test_layers_that_repeat_share_a_row_and_tied_weights_count_once():
    assert rows(nn.summary(Tied())) == [
        ["Tied"],
        ["layer", "kind", "shapes", "numbers"],
        ["embedding", "Embedding", "(1000,", "3)", "3,000"],
        ["blocks.*", "Linear", "(3,", "3)", "(3,)", "2", "×", "12"],
        ["blocks.*", "Linear", "(3,", "2)", "6"],
        ["Tied", "(2,)", "2"],  # its own, which has no other name
        ["total", "3,032"],
    ]


def test_columns_line_up():
    lines = nn.summary(Tied()).splitlines()[1:]
    assert len({len(line) for line in lines}) == 1
    assert lines[0].index("kind") == lines[1].index("Embedding")


def test_the_articles_lstm_has_the_articles_number_of_parameters():
    model = models.RecurrentLM(10_000, cell="lstm", embedding=256, width=1024, rng=np.random.default_rng(0))
    numbers = [row[-1] for row in rows(model.summary())]
    assert numbers[2:] == ["2,560,000", "5,246,976", "10,250,000", "18,056,976"]
