"""Several processes train as one would, to rounding; one that dies ends them all, and what was saved goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minilm.__main__ import main
from minilm.training import ALONE, parallel

RANK = Path(__file__).with_name("rank.py")
FORMULAS = os.environ | {"MINILM_KERNELS": "reference"}  # what runs in float64, and needs no compiler
SMALL = ["--model", "mlp", "--width", "8", "--batch", "4", "--context", "3"]


@pytest.fixture(scope="module")
def mpiexec():
    """The one beside Python, which fits mpi4py."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: pip install mpi4py mpich")
    found = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
    return found or pytest.skip("no mpiexec is installed: pip install mpich")


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(f"To be, or not to be: {n} questions.\n" for n in range(200)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(mpiexec, tmp_path_factory):
    """Number of processes -> what each of its ranks found."""
    return {N: _ranks([mpiexec], N, tmp_path_factory.mktemp(f"{N}")) for N in (1, 2, 3)}


def _ranks(launcher, N, folder, **environment):
    start = [*launcher, "-n", str(N)] if N > 1 else []
    subprocess.run([*start, sys.executable, RANK, folder], env=FORMULAS | environment, check=True, timeout=60)
    return [dict(np.load(folder / f"{rank}.npz")) for rank in range(N)]


# equal to one process


@pytest.mark.slow
@pytest.mark.parametrize("N", [2, 3])
@pytest.mark.parametrize("case", ["windows", "pairs"])
def test_ranks_give_the_curve_and_the_weights_of_one_process(case, N, trained):
    for what in ("losses", "validation", "weights"):
        np.testing.assert_allclose(trained[N][0][f"{case}/{what}"], trained[1][0][f"{case}/{what}"], rtol=1e-9)


@pytest.mark.slow
def test_a_mean_of_means_would_be_noticed(trained):
    wrong, right = trained[2][0]["a mean of means/losses"], trained[1][0]["pairs/losses"]
    assert np.abs(wrong - right).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("case", ["windows", "pairs", "dropout", "by the clock", "out of patience"])
def test_all_ranks_stop_at_the_same_step_with_the_same_weights(case, trained):
    for N in (2, 3):
        for other in trained[N][1:]:
            for what in ("losses", "validation", "weights"):
                np.testing.assert_array_equal(trained[N][0][f"{case}/{what}"], other[f"{case}/{what}"])


@pytest.mark.slow
def test_dropout_differs_between_ranks_and_follows_from_seed_step_and_rank(mpiexec, trained, tmp_path):
    first, second = (rank["draws"] for rank in trained[2])
    assert not np.intersect1d(first, second).size
    again = _ranks([mpiexec], 2, tmp_path)
    np.testing.assert_array_equal(again[1]["draws"], second)
    np.testing.assert_array_equal(again[0]["dropout/weights"], trained[2][0]["dropout/weights"])


# the command


class Job:
    """`python -m minilm train` by N ranks, running."""

    def __init__(self, mpiexec, N, folder, *arguments):
        command = [mpiexec, "-n", str(N), sys.executable, "-m", "minilm", "train", *arguments, "--out", folder]
        self.log = folder / "log.csv"
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                                        start_new_session=True)  # fmt: skip

    def saved(self):
        """The last step of the log, which stands beside the checkpoint."""
        return len(self.log.read_text(encoding="utf-8").splitlines()) - 1 if self.log.exists() else 0

    def wait_for_step(self, step):
        """A checkpoint of that step, or a later one, is there."""
        while self.saved() < step:
            assert self.process.poll() is None, self.end()
            time.sleep(0.02)

    def end(self):
        """The status, and what was shown."""
        out, errors = self.process.communicate(timeout=100)
        return self.process.returncode, out + errors


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the ranks are found through /proc")
def test_a_rank_that_is_killed_ends_the_job_and_any_number_goes_on_from_the_checkpoint(mpiexec, text, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", str(text), *SMALL, "--steps", "10", "--out", str(run)]) == 0
    job = Job(mpiexec, 2, run, "--resume", "--minutes", "1")
    job.wait_for_step(250)
    os.kill(_descendants(job.process.pid)[-1], signal.SIGKILL)
    status, shown = job.end()
    assert status == 9
    assert "Killed (signal 9)" in shown
    assert shown.count("2 processes train together; if one dies all end, and this goes on") == 1
    assert main(["train", "--resume", "--steps", str(job.saved() + 5), "--out", str(run)]) == 0
    assert f"trained {job.saved():,} steps" in capsys.readouterr().out


def _descendants(pid):
    """Process ids of mpiexec's ranks, as Linux's /proc tells: they are children of its proxy."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(rank for child in children for rank in _descendants(child))]


@pytest.mark.slow
def test_ctrl_c_stops_all_ranks_at_one_step_and_tells_once_how_to_go_on(mpiexec, text, tmp_path):
    job = Job(mpiexec, 2, tmp_path / "run", text, *SMALL, "--minutes", "1")
    job.wait_for_step(250)
    os.killpg(job.process.pid, signal.SIGINT)  # as a terminal does
    status, shown = job.end()
    assert status == 130
    assert shown.count("stopped after step") == 1
    assert "go on with:  mpiexec -n 2 python -m minilm train --out" in shown


@pytest.mark.slow
def test_an_error_is_told_once_and_leaves_nothing(mpiexec, text, tmp_path):
    status, shown = Job(mpiexec, 3, tmp_path / "run", text, *SMALL, "--batch", "2").end()
    assert (status, shown.count("error:")) == (1, 1)
    assert "batch is 2; expected a row or more for each of 3 processes" in shown
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.mark.slow
def test_a_rank_that_fails_on_its_own_says_so_and_ends_the_job(mpiexec):
    code = (
        "from minilm import training\n"
        "with training.all_ranks() as group:\n"
        "    assert group.rank == 0, 'a rank on its own'\n"
        "    group.once(int)\n    group.communicator.Barrier()"
    )
    command = [mpiexec, "-n", "2", sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30)
    assert run.returncode == 1
    assert "rank 1 of 2 ends the job: AssertionError('a rank on its own')" in run.stderr


# two machines


@pytest.fixture
def two_hosts(mpiexec, tmp_path):
    """Two network namespaces that a cable joins; an mpiexec in the first, which starts a rank in each."""
    if not shutil.which("ip"):
        pytest.skip("no `ip` to make network namespaces with")
    commands = ["ip netns add minilm-1", "ip netns add minilm-2",
                "ip link add wire netns minilm-1 type veth peer name wire netns minilm-2"]  # fmt: skip
    for i in (1, 2):
        commands += [f"ip -n minilm-{i} addr add 10.77.0.{i}/24 dev wire", f"ip -n minilm-{i} link set wire up",
                     f"ip -n minilm-{i} link set lo up"]  # fmt: skip
    launcher = tmp_path / "launcher.sh"  # mpiexec gives it options, the host, and what to start there
    launcher.write_text(
        "#!/bin/sh\n"
        "while case $1 in -*) true;; *) false;; esac; do shift; done\n"
        'host=$1; shift; exec ip netns exec "minilm-${host##*.}" sh -c "$*"\n'
    )
    launcher.chmod(0o755)
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True, encoding="utf-8")
        end = time.monotonic() + 5
        while any(_of_cable(i, "operstate") != "up" for i in (1, 2)) and time.monotonic() < end:
            time.sleep(0.02)
        yield ["ip", "netns", "exec", "minilm-1", mpiexec, "-launcher", "ssh", "-launcher-exec", launcher,
               "-hosts", "10.77.0.1,10.77.0.2", "-ppn", "1"]  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces on this machine: {error} {getattr(error, 'stderr', '')}")
    finally:
        for i in (1, 2):
            subprocess.run(["ip", "netns", "del", f"minilm-{i}"], check=False, capture_output=True)


def _of_cable(i, what):
    """What Linux says of host i's end of the cable."""
    command = ["ip", "netns", "exec", f"minilm-{i}", "cat", f"/sys/class/net/wire/{what}"]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()


@pytest.mark.slow
def test_two_hosts_train_as_one_process(two_hosts, trained, tmp_path):
    cable = {"UCX_TLS": "tcp", "UCX_NET_DEVICES": "wire"}  # MPICH would find the memory that both hosts share
    ranks = _ranks(two_hosts, 2, tmp_path, **cable)
    for case in ("windows", "pairs"):
        np.testing.assert_array_equal(ranks[0][f"{case}/losses"], trained[2][0][f"{case}/losses"])
    sent = int(_of_cable(2, "statistics/tx_bytes"))
    assert sent > 6 * sum(ranks[0][f"{case}/weights"].nbytes for case in ("windows", "pairs"))  # gradients of 6 steps


# without MPI


def test_one_process_is_a_group_that_changes_nothing():
    batch = np.ones((2, 3)), np.ones((2, 3))
    with parallel.all_ranks() as group:
        assert group is ALONE
    assert group.part(batch) == (batch, 1.0)
    assert group.once(max, 3, 5) == 5


@pytest.mark.parametrize("N", [1, 2, 3])
def test_the_parts_of_a_batch_are_all_of_it_and_their_weights_add_up(N):
    targets = np.arange(20).reshape(5, 4) % 6 - 1  # some do not count
    ranks = [parallel.Ranks(type("Communicator", (), {"rank": rank, "size": N})) for rank in range(N)]
    parts, weights = zip(*(rank.part((targets + 9, targets)) for rank in ranks), strict=True)
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in parts]), targets)
    assert sum(weights) == pytest.approx(1)


def test_without_mpiexec_nothing_of_mpi_is_imported(text, tmp_path):
    train = ["train", str(text), *SMALL, "--steps", "1", "--out", str(tmp_path / "run")]
    code = f"import sys; from minilm.__main__ import main; main({train}); assert 'mpi4py' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], env=FORMULAS, check=True, capture_output=True)


@pytest.mark.parametrize("variables", [("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")])
def test_mpiexec_without_mpi4py_is_an_error_and_not_many_trainings(variables, text, tmp_path, monkeypatch, capsys):
    for name, value in zip(variables, "02", strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert main(["train", str(text), *SMALL, "--steps", "1", "--out", str(tmp_path / "run")]) == 1
    assert "mpiexec started 2 processes, which need mpi4py" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_other_commands_are_for_one_process(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PMI_SIZE", "2")
    for rank in ("0", "1"):
        monkeypatch.setenv("PMI_RANK", rank)
        assert main(["generate", str(tmp_path), "a"]) == 1
    assert capsys.readouterr().err.count("mpiexec is for `train`") == 1
