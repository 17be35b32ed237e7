"""What importing minilm sets for the process: how threads wait, and how many. Each case is a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from minilm import process

SETTINGS = ("OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT", "GOMP_SPINCOUNT", "NUMBA_NUM_THREADS")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
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
        ("import numpy, minilm", ("passive", "17", "20000", None)),
        ("import sys; sys.modules['torch'] = sys\nimport minilm", ("passive", "17", "20000", "1")),
    ],
    ids=["minilm first", "after NumPy, whose own threads no longer look", "after a library with threads of its own"],
)
def test_threads_wait_as_suits_what_was_imported_before(code, expected):
    assert settings_after(code) == dict(zip(SETTINGS, expected, strict=True))


def test_a_value_of_the_users_own_stays():
    own = {"OMP_WAIT_POLICY": "active", "OPENBLAS_THREAD_TIMEOUT": "20", "GOMP_SPINCOUNT": "7"}
    assert settings_after("import minilm", **own) == own | {"NUMBA_NUM_THREADS": None}


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, (0, 1, 0, 1)),
        ({"PMI_RANK": "3", "PMI_SIZE": "8", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}, (3, 8, 1, 2)),
        ({"PMI_RANK": "3", "PMI_SIZE": "8"}, (3, 8, 3, 8)),  # which may all be on one machine
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "0",
          "OMPI_COMM_WORLD_LOCAL_SIZE": "1"}, (1, 4, 0, 1)),
    ],
    ids=["none", "MPICH", "an old MPICH", "Open MPI"],
)  # fmt: skip
def test_the_place_among_processes_is_what_the_launcher_tells(environment, place, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert process.place() == place


@pytest.mark.parametrize(
    ("local_size", "threads"),
    [(2, str(max(1, CORES // 2))), (CORES + 1, "1"), (1, None)],
    ids=["two", "more than cores", "one a machine"],
)
def test_processes_on_one_machine_divide_its_cores(local_size, threads):
    ranks = {"PMI_RANK": "0", "PMI_SIZE": "9", "MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": str(local_size)}
    assert settings_after("import minilm", **ranks)["NUMBA_NUM_THREADS"] == threads
    own = {"NUMBA_NUM_THREADS": "2"}
    assert settings_after("import minilm", **ranks, **own)["NUMBA_NUM_THREADS"] == "2"
