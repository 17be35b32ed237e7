import numpy as np
import pytest

from minilm.generate import greedy, sample


def test_greedy_takes_the_likeliest_token_each_time(Table):
    model, history = Table(7, seed=1), [4, 2]
    for _ in range(6):
        history.append(int(np.argmax(model.probabilities(history))))
    assert greedy(model, [4, 2], 6).tolist() == history[2:]


def test_texts_end_with_the_end_token(Table):
    model, prompts = Table(4, seed=6), np.arange(4)[:, None]
    texts = greedy(model, prompts, 12, eos_token_id=1)
    endless = greedy(model, prompts, 12)
    lengths = [len(text) for text in texts]
    assert min(lengths) < max(lengths)
    for text, longer in zip(texts, endless, strict=True):
        np.testing.assert_array_equal(text, longer[: len(text)])
        assert 1 not in text[:-1]
        assert text[-1] == 1 or len(text) == 12


@pytest.mark.parametrize("eos", [None, 1])
def test_a_batch_writes_what_each_prompt_writes_alone(Table, eos):
    model, prompts = Table(4, seed=6), np.random.default_rng(1).integers(4, size=(6, 2))
    one_by_one, side_by_side = np.random.default_rng(5), np.random.default_rng(5)
    together = greedy(model, prompts, 9, eos_token_id=eos, repetition_penalty=1.3)
    drawn_together = sample(model, prompts, 9, eos_token_id=eos, rng=side_by_side)
    for prompt, text, drawn in zip(prompts, together, drawn_together, strict=True):
        np.testing.assert_array_equal(text, greedy(model, prompt, 9, eos_token_id=eos, repetition_penalty=1.3))
        np.testing.assert_array_equal(drawn, sample(model, prompt, 9, eos_token_id=eos, rng=one_by_one))


def test_a_batch_with_a_lost_reorder_is_caught(Table, ForgetsToReorder):
    """Negative control of the test above: when a text ends, the others must keep their own state."""
    prompts = np.random.default_rng(1).integers(4, size=(6, 2))
    texts = [greedy(model, prompts, 9, eos_token_id=1) for model in (Table(4, seed=6), ForgetsToReorder(4, seed=6))]
    assert any(a.tolist() != b.tolist() for a, b in zip(*texts, strict=True))


@pytest.mark.parametrize("setting", [{"temperature": 0}, {"temperature": 1e-6}, {"top_k": 1}, {"top_p": 1e-9}])
def test_sampling_without_a_choice_is_greedy(Table, setting):
    model, prompts = Table(6, seed=4), np.arange(6)[:, None]
    drawn = sample(model, prompts, 10, rng=np.random.default_rng(0), **setting)
    np.testing.assert_array_equal(drawn, greedy(model, prompts, 10))


PROBS = np.array([0.1, 0.4, 0.05, 0.25, 0.2])


class Die:
    vocabulary = 5

    def start(self, prompt):
        return np.tile(np.log(PROBS), (len(prompt), 1)), None


def frequencies(**settings):
    """How often each token comes in 40,000 throws."""
    first = sample(Die(), np.zeros((40_000, 1), int), 1, rng=np.random.default_rng(0), **settings)
    return np.bincount(np.concatenate(first), minlength=5) / 40_000


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, PROBS),
        ({"top_k": 2}, np.array([0, 0.4, 0, 0.25, 0]) / 0.65),
        ({"top_p": 0.7}, np.array([0, 0.4, 0, 0.25, 0.2]) / 0.85),  # 0.65 is not enough, the next crosses 0.7
        ({"temperature": 0.5}, PROBS**2 / (PROBS**2).sum()),
        ({"temperature": 2.0}, PROBS**0.5 / (PROBS**0.5).sum()),
        ({"temperature": 0.5, "top_k": 3, "top_p": 0.8}, np.array([0, 16, 0, 6.25, 0]) / 22.25),  # 22.25 > 0.8 * 26.25
        ({"repetition_penalty": 2.0}, np.array([0.01, 0.4, 0.05, 0.25, 0.2]) / 0.91),  # the prompt is token 0
    ],
)
def test_tokens_come_as_often_as_they_should(settings, expected):
    tolerance = 4.5 * np.sqrt(expected * (1 - expected) / 40_000)  # 4.5 standard deviations of a frequency
    assert (np.abs(frequencies(**settings) - expected) <= tolerance).all()


def test_wrong_frequencies_are_caught():
    """Negative control of the test above."""
    tolerance = 4.5 * np.sqrt(PROBS * (1 - PROBS) / 40_000)
    assert not (np.abs(frequencies(temperature=1.05) - PROBS) <= tolerance).all()


def test_impossible_tokens_are_never_drawn(Table):
    model = Table(5, seed=9, impossible=0.5)
    for text in sample(model, np.zeros((200, 1), int), 3, rng=np.random.default_rng(0)):
        assert all(model.probabilities([0, *text[:t]])[i] > 0 for t, i in enumerate(text))


def test_no_new_tokens_are_no_tokens(Table):
    model = Table(3)
    assert greedy(model, [1], 0).tolist() == []
    assert [text.tolist() for text in sample(model, [[1], [2]], 0, rng=np.random.default_rng(0))] == [[], []]
