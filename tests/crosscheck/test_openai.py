"""The official client of OpenAI works with our server: whole, streamed, and when it is refused."""

import numpy as np
import pytest

openai = pytest.importorskip("openai")
pytest.importorskip("tornado")

from minilm import data, generate, models, serve

TEXT = "人工智能的发展对人类社会有哪些影响？To be, or not to be. " * 3
QUESTION = "人工智能的发展对人类社会有哪些影响？"


@pytest.fixture(scope="module")
def toy():
    tokenizer = data.BPETokenizer.train(TEXT, size=300)
    model = models.GPT(len(tokenizer), width=16, layers=1, heads=2, context=32, rng=np.random.default_rng(0))

    def chat(messages):
        return tokenizer.encode("".join(f"{message['role']}: {message['content']}\n" for message in messages))

    return serve.Served("toy", model, tokenizer, chat=chat)


@pytest.fixture(scope="module")
def client(toy):
    with (
        serve.running(toy, key="secret") as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="secret", max_retries=0) as client,
    ):
        yield client


def drawn(toy, prompt, count, seed):
    """What `generate` writes."""
    ids = generate.sample(toy.model, toy.tokenizer.encode(prompt), count, rng=np.random.default_rng(seed))
    return toy.tokenizer.decode(ids)


def test_the_article_s_call_in_today_s_form(client, toy):
    response = client.completions.create(model="toy", prompt=QUESTION, max_tokens=100, seed=7)
    assert response.choices[0].text == drawn(toy, QUESTION, 100, 7) != drawn(toy, QUESTION, 100, 8)
    assert response.choices[0].finish_reason == "length"
    assert response.usage.completion_tokens == 100
    assert response.usage.prompt_tokens == len(toy.tokenizer.encode(QUESTION))


def test_a_stream_is_the_whole_in_pieces(client, toy):
    options = {"model": "toy", "prompt": QUESTION, "max_tokens": 60, "seed": 7, "stream": True}
    *chunks, last = client.completions.create(**options, stream_options={"include_usage": True})
    assert "".join(chunk.choices[0].text for chunk in chunks) == drawn(toy, QUESTION, 60, 7)
    assert len(chunks) > 10
    assert last.usage.total_tokens == last.usage.prompt_tokens + 60


def test_a_conversation_whole_and_streamed(client, toy):
    options = {"model": "toy", "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 40, "seed": 1}
    expected = drawn(toy, f"user: {QUESTION}\n", 40, 1)
    whole = client.chat.completions.create(**options)
    assert (whole.choices[0].message.role, whole.choices[0].message.content) == ("assistant", expected)
    chunks = list(client.chat.completions.create(**options, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == expected


def test_log_probabilities_have_the_types_that_the_client_knows(client):
    completion = client.completions.create(model="toy", prompt=QUESTION, max_tokens=5, logprobs=3)
    told = completion.choices[0].logprobs
    assert all(len(column) == 5 for column in (told.tokens, told.token_logprobs, told.top_logprobs, told.text_offset))
    messages = [{"role": "user", "content": QUESTION}]
    chat = client.chat.completions.create(model="toy", messages=messages, max_tokens=5, logprobs=True, top_logprobs=3)
    for token in chat.choices[0].logprobs.content:
        assert len(token.top_logprobs) == 3
        assert token.logprob <= max(other.logprob for other in token.top_logprobs) + 1e-9
        assert token.token.startswith("bytes:") or token.token.encode() == bytes(token.bytes)


def test_stop_strings_and_several_answers(client):
    options = {"model": "toy", "prompt": QUESTION, "max_tokens": 50, "seed": 3, "n": 2}
    free = client.completions.create(**options).choices
    stop = free[0].text[5:7]
    stopped = client.completions.create(**options, stop=stop).choices
    assert stopped[0].text == free[0].text[: free[0].text.index(stop)]
    assert stopped[0].finish_reason == "stop"
    assert [choice.index for choice in stopped] == [0, 1]


def test_models_are_found_by_name(client):
    assert [model.id for model in client.models.list()] == ["toy"]
    assert client.models.retrieve("toy").owned_by == "minilm"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")


def test_errors_are_those_that_the_client_knows(client):
    with pytest.raises(openai.BadRequestError, match="temperature is 9; expected a number from 0 to 2"):
        client.completions.create(model="toy", prompt="x", temperature=9)
    with pytest.raises(openai.NotFoundError, match="this server has 'toy'"):
        client.completions.create(model="davinci", prompt="x")
    with pytest.raises(openai.AuthenticationError, match="key is missing or wrong"):
        client.with_options(api_key="wrong").completions.create(model="toy", prompt="x")


def test_too_many_requests_are_a_rate_limit(toy):
    options = {"model": "toy", "prompt": ["x", "y"]}
    with (
        serve.running(toy, limits=serve.Limits(together=1, waiting=2)) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="any", max_retries=0) as client,
        client.completions.create(**options, max_tokens=4000, stream=True) as stream,
    ):
        next(iter(stream))  # one is written, the other waits
        with pytest.raises(openai.RateLimitError, match="try again later"):
            client.completions.create(**options)
