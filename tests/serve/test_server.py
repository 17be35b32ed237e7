"""The server in OpenAI's terms: what it answers, what it refuses, and that it lives on."""

import asyncio
import json
import math
import socket
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.httpclient import AsyncHTTPClient

from minilm import generate, serve

CHAT = {"messages": [{"role": "user", "content": "To be?"}]}


def greedy_text(served, prompt, count):
    ids = generate.greedy(served.model, served.tokenizer.encode(prompt), count)
    return served.tokenizer.decode(ids)


# answers


def test_a_completion_has_the_model_s_own_words_and_counts_them(client, toy):
    content = client.complete("To be", temperature=0, max_tokens=9)
    assert content["object"] == "text_completion"
    [choice] = content["choices"]
    assert choice["text"] == greedy_text(toy, "To be", 9)
    assert (choice["index"], choice["finish_reason"], choice["logprobs"]) == (0, "length", None)
    read = len(toy.tokenizer.encode("To be"))
    assert content["usage"] == {"prompt_tokens": read, "completion_tokens": 9, "total_tokens": read + 9}


def test_the_article_s_question_is_gone_on_with(client, toy):
    prompt = "人工智能的发展对人类社会有哪些影响？"
    content = client.complete(prompt, max_tokens=100, temperature=0)
    assert content["choices"][0]["text"] == greedy_text(toy, prompt, 100)
    assert content["usage"]["completion_tokens"] == 100


def test_one_seed_gives_one_answer_and_another_seed_another(client):
    first, again, other = (client.complete(seed=seed, max_tokens=20)["choices"][0]["text"] for seed in (-3, -3, 4))
    assert first == again != other


def test_several_prompts_and_answers_come_in_their_order(client, toy):
    content = client.complete(["To be", "x"], n=2, seed=1, max_tokens=6)
    assert [choice["index"] for choice in content["choices"]] == [0, 1, 2, 3]
    found = [choice["text"] for choice in content["choices"]]
    ids = [toy.tokenizer.encode(prompt) for prompt in ("To be", "x")]
    drawn = [generate.sample(toy.model, np.tile(each, (2, 1)), 6, rng=np.random.default_rng(1)) for each in ids]
    assert found == [toy.tokenizer.decode(answer) for answers in drawn for answer in answers]


def test_ids_are_as_good_as_their_text(client, toy):
    ids = toy.tokenizer.encode("To be").tolist()
    by_text, by_ids, by_list = (client.complete(prompt, seed=1)["choices"][0] for prompt in ("To be", ids, [ids]))
    assert by_text == by_ids == by_list


def test_an_answer_ends_before_a_stop_string(client):
    whole = client.complete(temperature=0, max_tokens=30)["choices"][0]["text"]
    stop = whole[8:11]
    stopped = client.complete(temperature=0, max_tokens=30, stop=[stop, "never"])
    assert stopped["choices"][0]["text"] == whole[: whole.index(stop)]
    assert stopped["choices"][0]["finish_reason"] == "stop"
    assert stopped["usage"]["completion_tokens"] < 30


def test_log_probabilities_are_the_model_s(client, toy):
    told = client.complete("To be", temperature=1.5, seed=0, max_tokens=5, logprobs=3)["choices"][0]["logprobs"]
    ids = toy.tokenizer.encode("To be").tolist()
    for t, id in enumerate(told["ids"]):
        expected = toy.model.start(np.array([ids + told["ids"][:t]]))[0][0]
        best = np.argsort(-expected)[:3]
        assert [token["id"] for token in told["top"][t]] == best.tolist()
        assert told["token_logprobs"][t] == pytest.approx(expected[id], abs=1e-4)
        assert list(told["top_logprobs"][t].values()) == pytest.approx(expected[best].tolist(), abs=1e-4)
    assert len(told["tokens"]) == len(told["text_offset"]) == 5


def test_tokens_stand_in_the_text_where_their_offset_says(client):
    choice = client.complete("To be", temperature=0, max_tokens=12, logprobs=0)["choices"][0]
    pairs = zip(choice["logprobs"]["tokens"], choice["logprobs"]["text_offset"], strict=True)
    whole = [(token, start) for token, start in pairs if not token.startswith("bytes:")]
    assert whole
    assert all(choice["text"].startswith(token, start) for token, start in whole)


# chat


def test_a_conversation_is_answered(client, toy):
    status, content = client.post("/v1/chat/completions", {**CHAT, "temperature": 0, "max_completion_tokens": 8})
    assert (status, content["object"]) == (200, "chat.completion")
    message = content["choices"][0]["message"]
    assert message["role"] == "assistant"
    assert message["content"] == greedy_text(toy, "user: To be?\n", 8)


def test_parts_of_a_message_are_one_text_and_developers_are_the_system(client):
    plain = [{"role": "system", "content": "Be brief."}, *CHAT["messages"]]
    parts = [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]
    other = [{"role": "developer", "content": parts}, *CHAT["messages"]]
    first, second = (
        client.post("/v1/chat/completions", {"messages": messages, "seed": 0, "max_tokens": 16})[1]["choices"]
        for messages in (plain, other)
    )
    assert first == second


def test_log_probabilities_of_a_chat_come_by_tokens(client):
    body = {**CHAT, "logprobs": True, "top_logprobs": 2, "max_tokens": 4, "temperature": 0}
    content = client.post("/v1/chat/completions", body)[1]["choices"][0]["logprobs"]["content"]
    for token in content:
        assert token["token"] == token["top_logprobs"][0]["token"]
        assert token["logprob"] == token["top_logprobs"][0]["logprob"] >= token["top_logprobs"][1]["logprob"]
    assert b"".join(bytes(token["bytes"]) for token in content)


def test_a_model_without_a_template_says_what_it_can_do(connect, toy):
    status, content = connect(toy._replace(chat=None)).post("/v1/chat/completions", CHAT)
    assert status == 400
    assert "use /v1/completions" in content["error"]["message"]


def test_what_a_template_refuses_is_the_client_s_fault(connect, toy):
    def refuse(messages):
        raise ValueError("roles must alternate")

    status, content = connect(toy._replace(chat=refuse)).post("/v1/chat/completions", CHAT)
    assert (status, content["error"]["message"]) == (400, "messages: roles must alternate")


# streams


@pytest.mark.parametrize("extra", [{}, {"stop": ["e"]}, {"logprobs": 2}, {"n": 3}])
def test_a_stream_tells_the_same_as_the_whole(client, extra):
    body = {"max_tokens": 25, "seed": 3, **extra}
    whole = client.complete(**body)
    *chunks, last = client.complete(**body, stream=True, stream_options={"include_usage": True})
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    for choice in whole["choices"]:
        parts = [part for chunk in chunks for part in chunk["choices"] if part["index"] == choice["index"]]
        assert "".join(part["text"] for part in parts) == choice["text"]
        assert [part["finish_reason"] for part in parts if part["finish_reason"]] == [choice["finish_reason"]]
        if choice["logprobs"]:
            for name, column in choice["logprobs"].items():
                assert [value for part in parts for value in part["logprobs"][name]] == column
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_a_streamed_chat_begins_with_the_role(client):
    body = {**CHAT, "seed": 0, "max_tokens": 12}
    whole = client.post("/v1/chat/completions", body)[1]
    first, *chunks = client.post("/v1/chat/completions", {**body, "stream": True})[1]
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]


def test_a_stream_comes_while_it_is_written(client):
    async def arrivals():
        times, body = [], json.dumps({"prompt": "To be", "max_tokens": 400, "stream": True})
        await AsyncHTTPClient().fetch(
            f"{client.address}/v1/completions", method="POST", body=body, headers={"Content-Type": "application/json"},
            streaming_callback=lambda chunk: times.append(time.perf_counter()),
        )  # fmt: skip
        return times

    assert len(asyncio.run(arrivals())) > 20


# refusals


def test_models_are_listed_and_told(client):
    [model] = json.loads(client.fetch("/v1/models").body)["data"]
    assert (model["id"], model["object"], model["chat"]) == ("toy", "model", True)
    assert json.loads(client.fetch("/v1/models/toy").body) == model
    assert client.fetch("/v1/models/other").code == 404


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": None}, "prompt"), ({"prompt": ""}, "prompt"), ({"prompt": []}, "prompt"), ({"prompt": 7}, "prompt"),
        ({"prompt": [10**9]}, "prompt"), ({"prompt": [-1]}, "prompt"), ({"prompt": [True]}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"), ({"prompt": "\ud800"}, "prompt"), ({"prompt": "x" * 9000}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": 10**6}, "max_tokens"), ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"), ({"temperature": -1}, "temperature"), ({"temperature": 3}, "temperature"),
        ({"temperature": math.nan}, "temperature"), ({"top_p": 2}, "top_p"), ({"n": 17}, "n"), ({"n": True}, "n"),
        ({"seed": 2**70}, "seed"), ({"seed": "x"}, "seed"), ({"stop": ["a"] * 5}, "stop"), ({"stop": [""]}, "stop"),
        ({"stop": {"a": 1}}, "stop"), ({"stream": "yes"}, "stream"), ({"stream_options": 1}, "stream_options"),
        ({"logprobs": 21}, "logprobs"), ({"logprobs": True}, "logprobs"), ({"model": 1}, "model"),
        ({"best_of": 2}, "best_of"), ({"echo": True}, "echo"), ({"suffix": "x"}, "suffix"), ({"what": 1}, "what"),
        ({"presence_penalty": 0.5}, "presence_penalty"), ({"logit_bias": {"5": 1}}, "logit_bias"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(client, change, param):
    status, content = client.post("/v1/completions", {"prompt": "To be", **change})
    assert (status, content["error"]["param"]) == (400, param)
    assert param in content["error"]["message"]
    assert content["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "messages", [None, [], "hi", [{}], [{"role": "user"}], [{"role": "robot", "content": "x"}], [["user", "x"]],
                 [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]],
)  # fmt: skip
def test_a_wrong_conversation_is_named(client, messages):
    status, content = client.post("/v1/chat/completions", {"messages": messages})
    assert (status, content["error"]["param"]) == (400, "messages")


def test_what_would_change_nothing_is_accepted(client):
    assert client.complete(presence_penalty=0, best_of=1, user="me", suffix=None, logit_bias={}, echo=False)


def test_another_model_is_not_found(client):
    status, content = client.post("/v1/completions", {"prompt": "x", "model": "gpt-4"})
    assert (status, content["error"]["code"]) == (404, "model_not_found")
    assert "'toy'" in content["error"]["message"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"n":' + b"9" * 5000 + b"}"]
)
def test_what_is_no_object_of_json_is_refused(client, body):
    status, content = client.post("/v1/completions", body)
    assert status == 400
    assert "body" in content["error"]["message"] or "n is" in content["error"]["message"]


def test_a_long_body_is_refused_and_not_kept(connect, toy):
    client = connect(toy, limits=serve.Limits(body=1000))
    status, content = client.post("/v1/completions", {"prompt": "x" * 1000})
    assert status == 413
    assert "1,000 at most" in content["error"]["message"]
    assert client.complete("x" * 900)


def test_a_form_of_another_page_is_refused(client):
    assert client.post("/v1/completions", {"prompt": "x"}, Content_Type="text/plain")[0] == 415


@pytest.mark.parametrize("name", ["evil.example", "127.evil.example", "10.0.0.1"])
def test_a_name_that_was_made_to_point_here_is_refused(client, name):
    status, content = client.post("/v1/completions", {"prompt": "x"}, Host=f"{name}:8000")
    assert status == 403
    assert name in content["error"]["message"]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.0.0.2", "[::1]"])
def test_every_name_of_this_machine_is_accepted(client, name):
    assert client.post("/v1/completions", {"prompt": "x"}, Host=f"{name}:8000")[0] == 200


@pytest.mark.parametrize(
    "given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Authorization": "é"}]
)
def test_a_key_is_asked_for(connect, toy, given):
    client = connect(toy, key="geheim-é")
    assert client.post("/v1/completions", {"prompt": "x"}, **given)[0] == 401
    assert client.fetch("/v1/models").code == 401


@pytest.mark.parametrize("key", ["secret", "geheim-é", "密钥"])
def test_the_key_opens(connect, toy, key):
    sent = f"Bearer {key}".encode().decode("latin-1")  # which the client makes bytes again
    assert connect(toy, key=key).post("/v1/completions", {"prompt": "x"}, Authorization=sent)[0] == 200


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/completions/..", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
             "/v1/models/../../../etc/passwd", "/static/x", "/page.js/../server.py", "/page-js", "/page.py"]
)  # fmt: skip
def test_no_address_is_a_file(client, path):
    answer = client.fetch(path)
    assert answer.code in (404, 405)
    assert b"root:" not in answer.body
    assert "error" in json.loads(answer.body)


def test_when_too_many_wait_the_next_is_told_to_come_back(connect, toy):
    client = connect(toy, limits=serve.Limits(together=1, waiting=3))
    connection = raw_request(client.address, json.dumps({"prompt": ["x"] * 3, "max_tokens": 4000}))
    wait_for(lambda: len(toy.model.steps) > 5)  # one is written, two wait
    body = json.dumps({"prompt": ["x"] * 2, "max_tokens": 2})
    answer = client.fetch("/v1/completions", method="POST", body=body, headers={"Content-Type": "application/json"})
    assert (answer.code, answer.headers["Retry-After"]) == (429, "1")
    assert json.loads(answer.body)["error"]["code"] == "rate_limit_exceeded"
    connection.close()
    assert len(client.complete(["x"] * 3, max_tokens=2)["choices"]) == 3


def test_what_can_never_be_answered_is_not_told_to_come_back(connect, toy):
    client = connect(toy, limits=serve.Limits(waiting=3))
    status, content = client.post("/v1/completions", {"prompt": ["x"] * 4})
    assert (status, content["error"]["param"]) == (400, "prompt")


@pytest.mark.parametrize("extra", [{}, {"stream": True}])
def test_answers_that_are_too_much_together_are_refused_before_any_is_written(connect, toy, extra):
    client = connect(toy, limits=serve.Limits(told=240))
    body = {"prompt": ["x", "y"], "n": 3, "max_tokens": 10, "logprobs": 3, **extra}
    assert client.post("/v1/completions", body)[0] == 200
    before = len(toy.model.steps)
    status, content = client.post("/v1/completions", body | {"logprobs": 4})
    assert (status, content["error"]["param"]) == (400, "max_tokens")
    assert "300 tokens; expected 240 at most" in content["error"]["message"]
    assert len(toy.model.steps) == before


def test_a_completion_has_sixteen_tokens_and_a_chat_goes_on_to_its_end_or_the_limit(connect, toy):
    client = connect(toy, limits=serve.Limits(answer=30))
    assert client.complete()["usage"]["completion_tokens"] == 16
    assert client.post("/v1/chat/completions", CHAT)[1]["usage"]["completion_tokens"] == 30


# life


def test_an_interrupt_ends_the_server_at_once(toy):
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt), serve.running(toy) as address:
        raise KeyboardInterrupt
    assert time.monotonic() - before < 4
    host, _, port = address.removeprefix("http://").partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def raw_request(address, body, path="/v1/completions"):
    """A connection with a request on its way."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return connection


@pytest.mark.parametrize("stream", [True, False])
def test_when_the_client_leaves_its_answer_is_written_no_further(client, toy, stream):
    connection = raw_request(client.address, json.dumps({"prompt": "x", "max_tokens": 4000, "stream": stream}))
    wait_for(lambda: len(toy.model.steps) > 5)
    connection.close()
    wait_for(lambda: standing_still(toy.model.steps))
    assert len(toy.model.steps) < 3000


def slow_to_read(toy):
    """The toy with a tokenizer that tells when it begins to encode, and goes on when it is told."""
    entered, go_on = threading.Event(), threading.Event()

    class Slow(type(toy.tokenizer)):
        def encode(self, text):
            entered.set()
            go_on.wait(120)
            return super().encode(text)

    return toy._replace(tokenizer=Slow(toy.tokenizer.merges)), entered, go_on


def test_when_the_client_leaves_before_its_prompt_is_read_nothing_is_written(connect, toy):
    slow, entered, go_on = slow_to_read(toy)
    client = connect(slow)
    connection = raw_request(client.address, json.dumps({"prompt": "x", "max_tokens": 4000}))
    entered.wait(120)
    connection.close()
    time.sleep(0.2)
    go_on.set()
    client.fetch("/v1/models")
    wait_for(lambda: standing_still(toy.model.steps))
    assert len(toy.model.steps) < 3000


@pytest.mark.parametrize("leaves", [True, False])
def test_no_search_is_begun_for_a_client_that_has_left(connect, toy, leaves):
    slow, entered, go_on = slow_to_read(toy)
    client = connect(slow)
    first = raw_request(client.address, json.dumps({"text": "x"}), "/page/prompt")
    entered.wait(120)
    second = raw_request(client.address, json.dumps({"ids": [1], "steps": 3}), "/page/beams")
    time.sleep(0.2)
    if leaves:
        second.close()
        time.sleep(0.2)
    go_on.set()
    assert client.post("/page/attention", {"ids": [1, 2]})[0] == 200  # its turn is after theirs
    assert bool(toy.model.steps) == (not leaves)
    first.close()
    second.close()


def wait_for(holds, patience=120):
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def standing_still(steps):
    before = len(steps)
    time.sleep(0.1)
    return len(steps) == before


def test_what_fails_inside_is_told_without_its_secrets(connect, toy, caplog):
    class Failing(type(toy.model)):
        def start(self, prompt):
            raise ZeroDivisionError("the secret")

    client = connect(toy._replace(model=Failing(toy.model.vocabulary)))
    for stream in (False, True):
        status, content = client.post("/v1/completions", {"prompt": "x", "stream": stream})
        assert (status, content["error"]["type"]) == (500, "server_error")
        assert "secret" not in json.dumps(content)
    assert "the secret" in caplog.text


def test_what_fails_in_the_middle_of_a_stream_is_an_event(connect, toy):
    class Failing(type(toy.model)):
        def step(self, ids, state):
            if len(self.steps) > 3:
                raise ZeroDivisionError("a bug")
            return super().step(ids, state)

    client = connect(toy._replace(model=Failing(toy.model.vocabulary)))
    body = json.dumps({"prompt": "x", "stream": True})
    answer = client.fetch("/v1/completions", method="POST", body=body, headers={"Content-Type": "application/json"})
    last = answer.body.decode().strip().split("\n\n")[-1]
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "server_error"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["prompt", "messages", "max_tokens", "temperature", "top_p", "n", "seed", "stop", "logprobs", "stream", "tools"]


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=5), st.sampled_from(["", "chat/"]))
def test_no_request_makes_the_server_fail(lasting, body, kind):
    status, _ = lasting.post(f"/v1/{kind}completions", json.dumps(body).encode())
    assert status in (200, 400)
    assert lasting.fetch("/v1/models").code == 200


def test_sixteen_clients_at_once_get_each_its_own(client, toy):
    prompts = [f"To be {i}" for i in range(16)]

    async def ask_all():
        asking = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 120}, max_clients=16)
        bodies = [json.dumps({"prompt": prompt, "temperature": 0, "max_tokens": 20}) for prompt in prompts]
        requests = [
            asking.fetch(f"{client.address}/v1/completions", method="POST", body=body,
                         headers={"Content-Type": "application/json"})
            for body in bodies
        ]  # fmt: skip
        return [json.loads(answer.body)["choices"][0]["text"] for answer in await asyncio.gather(*requests)]

    found, most = asyncio.run(ask_all()), max(toy.model.steps)
    assert found == [greedy_text(toy, prompt, 20) for prompt in prompts]
    assert most > 4
    assert len(set(found)) == 16
