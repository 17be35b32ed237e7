"""The load test finds nothing wrong with the server, and would notice answers that are mixed up or lost."""

import asyncio

import pytest

pytest.importorskip("tornado")

import serving

from minilm import serve
from minilm.runs import load_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return serving.untrained(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def asked(run):
    return serving.questions(load_run(run), 6)


def test_no_answer_is_lost_or_mixed_up(run, asked):
    with serve.running(serve.load(run)) as address:
        outcomes = asyncio.run(serving.load(address, clients=4, seconds=0.3, asked=asked))
    found = serving.figures(outcomes, 0.3)
    assert (found["lost"], found["mixed up"]) == (0, 0)
    assert found["questions"] >= 4


def test_mixed_and_lost_answers_are_counted(run, asked, capsys):
    wrong = [question._replace(answer=asked[0].answer) for question in asked[1:]]
    with serve.running(serve.load(run)) as address:
        outcomes = asyncio.run(serving.load(address, clients=2, seconds=0.1, asked=wrong))
    lost = asyncio.run(serving.load("http://127.0.0.1:9", clients=1, seconds=0.01, asked=asked))
    found = serving.figures([*outcomes, *lost], 0.1)
    assert (found["lost"], found["mixed up"]) == (len(lost), len(outcomes))
    assert lost
    assert "lost" in capsys.readouterr().err


def test_a_stream_without_its_end_is_lost():
    with pytest.raises(IndexError, match="no end"):
        serving.streamed(b'data: {"choices": [{"text": "a"}]}\n\n')
