"""What importing minilm sets for the process: how threads wait. Each case is a process of its own."""

import json
import os
import subprocess
import sys

import pytest

SETTINGS = ("OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT", "GOMP_SPINCOUNT", "NUMBA_NUM_THREADS")
TELL = f"""
import json, os
print(json.dumps([os.environ.get(name) for name in {SETTINGS}]))
"""


def settings_after(code, **environment):
    clean = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    command = [sys.executable, "-c", code + TELL]
    told = subprocess.run(command, env=clean | environment, capture_output=True, check=True, encoding="utf-8").stdout
    return dict(zip(SETTINGS, json.loads(told), strict=True))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import minilm", ("passive", "17", "20000", None)),
        ("import numpy, minilm", ("passive", None, None, None)),
        ("import sys; sys.modules['torch'] = sys\nimport minilm", ("passive", "17", "20000", "1")),
    ],
    ids=["minilm first", "after NumPy", "after a library with threads of its own"],
)
def test_threads_wait_as_suits_what_was_imported_before(code, expected):
    assert settings_after(code) == dict(zip(SETTINGS, expected, strict=True))


def test_a_value_of_the_users_own_stays():
    own = {"OMP_WAIT_POLICY": "active", "OPENBLAS_THREAD_TIMEOUT": "20", "GOMP_SPINCOUNT": "7"}
    assert settings_after("import minilm", **own) == own | {"NUMBA_NUM_THREADS": None}
