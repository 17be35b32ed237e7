import math

import numpy as np
import pytest

from minilm.generate import beam_search, greedy, sample

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: greedy(m, [], 5), r"prompt has shape \(0,\); expected \(T,\) or \(B, T\) with at least one id"),
        (lambda m: greedy(m, np.zeros((1, 1, 1), int), 5), r"prompt has shape \(1, 1, 1\)"),
        (lambda m: greedy(m, [[1], [1, 2]], 5), "prompt is ragged; expected ids"),
        (lambda m: greedy(m, "To be", 5), "prompt holds <U5; expected integers: encode text"),
        (lambda m: greedy(m, [0, 4], 5), "prompt holds the id 4; expected ids from 0 to 3"),
        (lambda m: sample(m, [-1], 5, rng=RNG), "prompt holds the id -1; expected ids from 0 to 3"),
        (lambda m: beam_search(m, [9], 5), "prompt holds the id 9; expected ids from 0 to 3"),
        (lambda m: greedy(m, [0], -1), "max_new_tokens is -1; expected an integer, 0 or more"),
        (lambda m: sample(m, [0], 2.5, rng=RNG), "max_new_tokens is 2.5; expected an integer, 0 or more"),
        (lambda m: beam_search(m, [0], -2), "max_new_tokens is -2; expected an integer, 0 or more"),
        (lambda m: greedy(m, [0], 5, eos_token_id=4), "eos_token_id is 4; expected an id from 0 to 3, or None"),
        (lambda m: beam_search(m, [0], 5, eos_token_id=-1), "eos_token_id is -1; expected an id from 0 to 3"),
        (lambda m: greedy(m, [0], 5, repetition_penalty=0), "repetition_penalty is 0; expected more than 0"),
        (lambda m: sample(m, [0], 5, temperature=-1, rng=RNG), "temperature is -1; expected 0 or more"),
        (lambda m: sample(m, [0], 5, temperature=math.nan, rng=RNG), "temperature is nan; expected 0 or more"),
        (lambda m: sample(m, [0], 5, top_k=0, rng=RNG), "top_k is 0; expected an integer, 1 or more"),
        (lambda m: sample(m, [0], 5, top_p=0, rng=RNG), "top_p is 0; expected more than 0 and at most 1"),
        (lambda m: sample(m, [0], 5, top_p=1.5, rng=RNG), "top_p is 1.5; expected more than 0 and at most 1"),
        (lambda m: sample(m, [0], 5, rng=7), r"rng is 7; expected a generator.*np.random.default_rng\(seed\)"),
        (lambda m: beam_search(m, [0], 5, num_beams=0), "num_beams is 0; expected an integer, 1 or more"),
        (
            lambda m: beam_search(m, [0], 5, num_beams=2, num_return_sequences=3),
            "num_return_sequences is 3; expected at most num_beams, which is 2",
        ),
        (lambda m: beam_search(m, [0], 5, num_return_sequences=0), "num_return_sequences is 0; expected an integer, 1"),
        (lambda m: beam_search(m, [0], 5, length_penalty=math.inf), "length_penalty is inf; expected a number"),
    ],
)
def test_bad_input_is_refused_by_name_value_and_remedy(Table, call, message):
    with pytest.raises(ValueError, match=message):
        call(Table(4))


@pytest.mark.parametrize("nothing", [np.nan, -np.inf])
@pytest.mark.parametrize("write", [greedy, beam_search])
def test_a_model_that_says_nothing_is_refused(Table, monkeypatch, write, nothing):
    monkeypatch.setattr(Table, "log_probs", lambda model, histories: np.full((len(histories), 4), nothing))
    with pytest.raises(ValueError, match="the model gives NaN or no possible token at all"):
        write(Table(4), [0], 5)
