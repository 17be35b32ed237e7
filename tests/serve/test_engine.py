"""Many texts are written together, and each is what it would be alone."""

import queue

import numpy as np
import pytest

from minilm import generate, models, serve
from minilm.serve import Settings, Task

PATIENCE = 120  # seconds: kernels may have to be compiled first


class Heard(queue.Queue):
    """What a task tells, and its answers when they are whole."""

    def answers(self, n=1):
        written = [[] for _ in range(n)]
        while not all(tokens and tokens[-1].finish_reason for tokens in written):
            event = self.get(timeout=PATIENCE)
            if isinstance(event, Exception):
                raise event
            written[event.index].append(event)
        return written

    def texts(self, n=1):
        return ["".join(token.text for token in tokens) for tokens in self.answers(n)]


@pytest.fixture
def engine(toy):
    engine = serve.Engine(toy)
    yield engine
    engine.close()


def asked(engine, prompts, settings):
    """Tasks that wait together: nothing is begun before all are there."""
    heard = [Heard() for _ in prompts]
    tasks = [Task(prompt, how, each.put) for prompt, how, each in zip(prompts, settings, heard, strict=True)]
    engine.submit(tasks)
    return tasks, heard


def various(tokenizer, number):
    """Prompts and settings that differ in all."""
    texts = ["To be", "你好", "x", "that is the question, or not"]
    prompts = [tokenizer.encode(texts[i % 4] * (1 + i // 4)) for i in range(number)]
    settings = [Settings(max_tokens=9 + i, temperature=i % 3 / 2, top_p=1 - i % 2 / 4, seed=i) for i in range(number)]
    return prompts, settings


def alone(served, prompt, settings):
    """The text that `generate` writes with these settings. (Not while the engine does: one thread at a time.)"""
    how = {"temperature": settings.temperature, "top_p": settings.top_p, "rng": np.random.default_rng(settings.seed)}
    ids = generate.sample(served.model, prompt, settings.max_tokens, **how)
    return served.tokenizer.decode([*prompt, *ids])[len(served.tokenizer.decode(prompt)) :]


def each_alone(served, prompts, settings):
    return [alone(served, *pair) for pair in zip(prompts, settings, strict=True)]


def test_answers_that_are_written_together_are_those_that_each_would_get_alone(engine, toy):
    prompts, settings = various(toy.tokenizer, 12)
    _, heard = asked(engine, prompts, settings)
    found = [each.texts()[0] for each in heard]
    assert max(toy.model.steps) >= 8
    assert found == each_alone(toy, prompts, settings)
    assert len(set(found)) > 9


def test_the_comparison_notices_texts_that_were_confused(toy):
    class Confused(type(toy.model)):
        def join(self, states):
            return super().join(states[::-1])

    wrong = toy._replace(model=Confused(toy.model.vocabulary))
    engine, (prompts, settings) = serve.Engine(wrong), various(toy.tokenizer, 12)
    _, heard = asked(engine, prompts, settings)
    assert [each.texts()[0] for each in heard] != each_alone(wrong, prompts, settings)
    engine.close()


def test_n_answers_are_those_of_a_batch_of_the_prompt(engine, toy):
    settings = Settings(max_tokens=10, n=3, seed=5)
    prompt = toy.tokenizer.encode("To be")
    drawn = generate.sample(toy.model, np.tile(prompt, (3, 1)), 10, rng=np.random.default_rng(5))
    _, [heard] = asked(engine, [prompt], [settings])
    assert heard.texts(3) == [toy.tokenizer.decode(ids) for ids in drawn]


def test_a_model_that_cannot_join_answers_all_the_same(toy):
    class Apart(type(toy.model)):
        def join(self, states):
            return models.LanguageModel.join(self, states)

    apart = toy._replace(model=Apart(toy.model.vocabulary))
    engine, (prompts, settings) = serve.Engine(apart), various(toy.tokenizer, 4)
    _, heard = asked(engine, prompts, settings)
    assert [each.texts()[0] for each in heard] == each_alone(toy, prompts, settings)
    assert set(apart.model.steps) == {1}
    engine.close()


def test_no_more_are_written_together_than_may_be(toy):
    engine, (prompts, settings) = serve.Engine(toy, serve.Limits(together=3)), various(toy.tokenizer, 8)
    _, heard = asked(engine, prompts, settings)
    found, most = [each.texts()[0] for each in heard], max(toy.model.steps)
    assert found == each_alone(toy, prompts, settings)
    assert most == 3
    engine.close()


def test_an_end_token_ends_an_answer_and_is_no_text(toy):
    prompt, settings = toy.tokenizer.encode("To be"), Settings(max_tokens=30, temperature=0)
    ids = generate.greedy(toy.model, prompt, 30)
    end = int(ids[7])
    engine = serve.Engine(toy._replace(ends=frozenset([end])))
    _, [heard] = asked(engine, [prompt], [settings])
    [tokens] = heard.answers()
    assert tokens[-1].finish_reason == "stop"
    assert len(tokens) == 1 + ids.tolist().index(end)
    assert "".join(token.text for token in tokens) == toy.tokenizer.decode(ids[: len(tokens) - 1])
    engine.close()


def test_a_cancelled_task_leaves_the_others_alone(engine, toy):
    prompts, settings = various(toy.tokenizer, 3)
    expected = each_alone(toy, prompts, settings)
    settings[1] = Settings(max_tokens=4000, seed=1)
    tasks, heard = asked(engine, prompts, settings)
    heard[1].get(timeout=PATIENCE)
    tasks[1].cancelled = True
    assert heard[0].texts() + heard[2].texts() == [expected[0], expected[2]]
    assert engine.call(lambda: heard[1].qsize()).result(PATIENCE) < 100


class Failing:
    """A model that fails at a prompt, or at a step."""

    def __init__(self, model, where):
        self.model, self.where = model, where

    def __getattr__(self, name):
        return getattr(self.model, name)

    def start(self, prompt):
        if self.where == "start" and prompt.shape[1] == 1:
            raise ZeroDivisionError("a bug")
        return self.model.start(prompt)

    def step(self, ids, state):
        if self.where == "step" and len(ids) == 2:
            raise ZeroDivisionError("a bug")
        log_probs, state = self.model.step(ids, state)
        return (log_probs * np.nan if self.where == "numbers" and len(ids) == 2 else log_probs), state

    def join(self, states):
        if self.where == "join":
            raise ZeroDivisionError("a bug")
        return self.model.join(states)


@pytest.mark.parametrize("where", ["start", "step", "join", "numbers"])
def test_a_model_that_fails_ends_the_tasks_concerned_and_not_the_engine(where, toy):
    engine = serve.Engine(toy._replace(model=Failing(toy.model, where)))
    settings = Settings(max_tokens=20, seed=0)
    prompts = [toy.tokenizer.encode("To be, or not"), toy.tokenizer.encode("x")]
    _, heard = asked(engine, prompts, [settings, settings])
    with pytest.raises((ZeroDivisionError, ValueError), match=r"a bug|NaN"):
        heard[1].texts()
    _, [again] = asked(engine, prompts[:1], [settings])
    assert again.texts() == [alone(toy, prompts[0], settings)]
    engine.close()


def test_more_than_may_wait_are_refused_together(toy):
    engine = serve.Engine(toy, serve.Limits(together=1, waiting=2))
    prompt, settings = toy.tokenizer.encode("To be"), Settings(max_tokens=5)
    with pytest.raises(serve.Full, match="0 requests wait already"):
        asked(engine, [prompt] * 3, [settings] * 3)
    _, heard = asked(engine, [prompt] * 2, [settings] * 2)
    assert [len(each.answers()[0]) for each in heard] == [5, 5]
    engine.close()


def test_closing_ends_all_tasks_and_the_thread(toy):
    engine = serve.Engine(toy)
    _, heard = asked(engine, [toy.tokenizer.encode("To be")] * 20, [Settings(max_tokens=4000)] * 20)
    engine.close()
    for each in heard:
        with pytest.raises(RuntimeError, match="stopped"):
            each.answers()
    with pytest.raises(serve.Full):
        engine.call(int)


def test_what_a_call_raises_is_raised_where_its_result_is_asked_for(engine):
    with pytest.raises(ZeroDivisionError):
        engine.call(lambda: 1 / 0).result(PATIENCE)
    assert engine.call(lambda: 7).result(PATIENCE) == 7


def test_a_listener_that_fails_is_passed_over(engine, toy):
    def fail(event):
        raise OSError("the client has left")

    prompt, settings = toy.tokenizer.encode("To be"), Settings(max_tokens=3, seed=0)
    engine.submit([Task(prompt, settings, fail)])
    _, [heard] = asked(engine, [prompt], [settings])
    assert heard.texts() == [alone(toy, prompt, settings)]
