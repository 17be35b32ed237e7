"""The course's notebooks, and what tests read in them."""

import json
import os
import re
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
COURSE = (
    "00_start_here", "01_chain_rule", "02_ngrams", "03_autograd", "04_neural_language_model", "05_training",
    "06_recurrent_networks", "07_lstm_and_gru", "08_tokens", "09_seq2seq_and_attention", "10_transformer", "11_gpt",
    "12_decoding", "13_evaluation",
    "14_bert", "15_sentiment", "16_question_answering", "17_translation", "18_summaries", "22_real_models",
    "23_deployment",
)  # fmt: skip
NEWS = re.compile(r"\s*\d+%\s*\|.*|fetching .+: package .+")  # a progress bar, or what is fetched the first time
CHECK = re.compile(r'check\.solution\("(\w+)", (\w+)\)')


def read(path):
    """A notebook, each cell's source as one text."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def prose(notebook):
    return "\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")


def outputs(notebook, kind):
    """All outputs of a kind, such as "error" or "stream"."""
    return [output for cell in code(notebook) for output in cell["outputs"] if output["output_type"] == kind]


def stubs(notebook):
    """The name of each exercise, and the stub's cell: the one before its check."""
    cells = code(notebook)
    for stub, check in pairwise(cells):
        if "exercise" in stub["metadata"].get("tags", []):
            yield CHECK.search(check["source"])[1], stub["source"]


def text_of(output):
    """What an output says in plain text."""
    return "".join(output.get("text", output.get("data", {}).get("text/plain", "")))


def complaints(notebook):
    """What its cells wrote to the error stream, but for progress bars and what is fetched."""
    said = [text_of(output) for output in outputs(notebook, "stream") if output["name"] == "stderr"]
    lines = [line for text in said for line in re.split(r"[\r\n]", text)]
    return [line for line in lines if line.strip() and not NEWS.fullmatch(line)]


def quick_environment(tmp_path):
    """For kernels that train a few steps only, and leave the home folder alone."""
    return os.environ | {"MINILM_QUICK": "1", "MINILM_PROGRESS": str(tmp_path / "progress.json")}
