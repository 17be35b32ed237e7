"""What the page asks for: its files, the ids of a prompt, a beam search, attention."""

import json

import numpy as np
import pytest

from minilm import generate, models


def test_the_page_and_its_script_come_from_here_and_fetch_nothing_from_elsewhere(client):
    page, script = (client.fetch(f"/{name}") for name in ("", "page.js"))
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for content in (page.body, script.body):
        assert b"http://" not in content.replace(b"http://www.w3.org/2000/svg", b"")  # a name, not an address
        assert b"https://" not in content


def test_the_page_needs_no_key_and_its_questions_do(connect, toy):
    client = connect(toy, key="secret")
    assert client.fetch("/").code == 200
    assert client.post("/page/prompt", {"text": "x"})[0] == 401
    assert client.post("/page/prompt", {"text": "x"}, Authorization="Bearer secret")[0] == 200


def test_a_text_or_a_conversation_becomes_ids(client, toy):
    messages = [{"role": "user", "content": "To be?"}]
    for question, text in (({"text": "To be"}, "To be"), ({"messages": messages}, "user: To be?\n")):
        assert client.post("/page/prompt", question) == (200, {"ids": toy.tokenizer.encode(text).tolist()})


def test_a_conversation_that_cannot_be_read_is_the_client_s_fault(connect, toy):
    question = {"messages": [{"role": "user", "content": "\ud800"}]}
    status, content = connect(toy).post("/page/prompt", question)
    assert (status, content["error"]["param"]) == (400, "messages")
    status, content = connect(toy._replace(chat=None)).post("/page/prompt", question)
    assert (status, content["error"]["param"]) == (400, "messages")


def test_a_beam_search_is_told_with_all_its_expansions(client, toy):
    ids = toy.tokenizer.encode("To be")
    status, content = client.post("/page/beams", {"ids": ids.tolist(), "beams": 3, "steps": 5})
    assert status == 200
    options = {"num_beams": 3, "num_return_sequences": 3, "return_search": True}
    found, search = generate.beam_search(toy.model, ids, 5, **options)
    assert [each["logprob"] for each in content["found"]] == [each.log_prob for each in found]
    assert [each["text"] for each in content["found"]] == [toy.tokenizer.decode(each.ids) for each in found]
    told = [
        [(node["parent"], node["token"], node["log_prob"], node["kept"]) for node in step] for step in content["steps"]
    ]
    assert told == [[(node.parent, node.token, node.log_prob, node.kept) for node in step] for step in search]


def test_attention_is_that_of_the_last_token(client, toy):
    ids = toy.tokenizer.encode("To be, or not").tolist()
    status, content = client.post("/page/attention", {"ids": ids})
    assert status == 200
    weights = np.array(content["weights"])
    assert weights.shape == (2, 2, len(ids)) == (2, 2, len(content["tokens"]))
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-3)
    expected = [layer[0, :, -1] for layer in toy.model.attention_weights(np.array([ids]))]
    np.testing.assert_allclose(weights, expected, atol=1e-4)
    other = client.post("/page/attention", {"ids": [*ids[:-1], ids[0]]})[1]["weights"]
    assert np.abs(weights - other).max() > 1e-3


def test_a_text_that_is_longer_than_the_context_shows_its_end(client, toy):
    ids = toy.tokenizer.encode("To be, or not to be: that is the question.").tolist()
    assert len(ids) > toy.model.window
    _, content = client.post("/page/attention", {"ids": ids})
    assert len(content["tokens"]) == toy.model.window


def test_a_model_without_attention_says_so(connect, toy):
    model = models.RecurrentLM(len(toy.tokenizer), width=8, embedding=4, rng=np.random.default_rng(0))
    status, content = connect(toy._replace(model=model)).post("/page/attention", {"ids": [1, 2]})
    assert status == 400
    assert "no attention to show" in content["error"]["message"]


@pytest.mark.parametrize(
    ("path", "question", "param"),
    [
        ("prompt", {}, "prompt"), ("prompt", {"text": 1}, "text"), ("prompt", {"messages": [{}]}, "messages"),
        ("beams", {}, "ids"), ("beams", {"ids": [10**30]}, "prompt"), ("beams", {"ids": [1], "beams": 11}, "beams"),
        ("beams", {"ids": [1], "steps": 31}, "steps"),
        ("attention", {"ids": []}, "ids"), ("attention", {"ids": [-1]}, "prompt"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_named(client, path, question, param):
    status, content = client.post(f"/page/{path}", question)
    assert (status, content["error"]["param"]) == (400, param)
    assert param in json.dumps(content["error"]["message"])
