"""A toy model that is served, and tornado's client to ask it. Published models are those of tests/pretrained."""

import json
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tornado")

from tornado.httpclient import HTTPClient

from minilm import data, models, serve

sys.path.insert(0, str(Path(__file__).parent.parent / "pretrained"))

TEXT = "To be, or not to be: that is the question. 你好，世界。我喜欢读书。" * 3


class Toy(models.GPT):
    """A GPT that counts how many texts each step is for."""

    def __init__(self, vocabulary, seed=0):
        sizes = {"width": 16, "layers": 2, "heads": 2, "context": 12}
        super().__init__(vocabulary, **sizes, rng=np.random.default_rng(seed))
        for tensor in self.parameters():  # untrained, and sure of itself, so that a wrong row is another text
            tensor.data *= 3
        self.steps = []

    def step(self, ids, state):
        self.steps.append(len(ids))
        return super().step(ids, state)


class Client:
    """Requests to a server, and what they give: the status, and JSON or the events of a stream."""

    def __init__(self, address):
        self.address = address
        self._client = HTTPClient(defaults={"request_timeout": 120})  # kernels may have to be compiled first

    def fetch(self, path, **options):
        return self._client.fetch(self.address + path, raise_error=False, **options)

    def post(self, path, body, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body)
        headers = {"Content-Type": "application/json"} | {key.replace("_", "-"): v for key, v in headers.items()}
        answer = self.fetch(path, method="POST", body=body, headers=headers)
        return answer.code, read(answer)

    def complete(self, prompt="To be", **settings):
        status, content = self.post("/v1/completions", {"prompt": prompt, **settings})
        assert status == 200, content
        return content

    def close(self):
        self._client.close()


def read(answer):
    """JSON, or a list of it if it is a stream, without the last word."""
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        return json.loads(answer.body)
    *events, done, rest = answer.body.decode("utf-8").split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


@pytest.fixture(scope="session")
def tokenizer():
    return data.BPETokenizer.train(TEXT, size=290)


@pytest.fixture
def toy(tokenizer):
    def chat(messages):
        return tokenizer.encode("".join(f"{message['role']}: {message['content']}\n" for message in messages))

    return serve.Served("toy", Toy(len(tokenizer)), tokenizer, chat=chat)


@pytest.fixture
def connect():
    """Clients of servers, which all end with the test: connect(served, key=..., limits=...)"""
    with ExitStack() as stack:

        def connected(served, **settings):
            address = stack.enter_context(serve.running(served, **settings))
            return stack.enter_context(closing(Client(address)))

        yield connected


@pytest.fixture
def client(connect, toy):
    return connect(toy)


@pytest.fixture(scope="module")
def lasting(tokenizer):
    """A client of one server for many requests, whose answers are short."""
    served, limits = serve.Served("toy", Toy(len(tokenizer)), tokenizer), serve.Limits(answer=20)
    with serve.running(served, limits=limits) as address, closing(Client(address)) as client:
        yield client
