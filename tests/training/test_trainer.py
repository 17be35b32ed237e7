"""Training is reproducible, can be interrupted at any step, and never loses what it had."""

import errno
import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest

from minilm import training
from minilm.data import Windows
from minilm.models import GPT
from minilm.training import AdamW, Log, Trainer, load_arrays, mean_loss, save_arrays, total_nats
from minilm.training import checkpoint as checkpoint_module

TEXT = np.random.default_rng(0).integers(1, 3, 600).cumsum() % 7  # after each token come only two of seven


def make(folder=None, *, steps=6, dropout=0.2, seed=3, **settings):
    model = GPT(7, width=8, layers=1, heads=2, context=8, dropout=dropout, rng=np.random.default_rng(seed))
    settings = {"validation": TEXT[500:], "evaluate_every": 2, "show_progress": False} | settings
    windows = Windows(TEXT[:500], context=8, batch=4, seed=seed)
    return Trainer(model, AdamW(model.parameters(), 1e-2), windows, steps=steps, folder=folder, seed=seed, **settings)


def weights(trainer):
    return np.concatenate([p.data.ravel() for p in trainer.model.parameters()])


def losses(log):
    return log.columns()["train_loss"]


def test_one_seed_gives_one_curve():
    first, second, other = make(), make(), make(seed=4)
    assert losses(first.fit()) == losses(second.fit())
    assert np.array_equal(weights(first), weights(second))
    assert losses(other.fit()) != losses(first.log)


def test_training_lowers_the_loss():
    log = make(steps=150, dropout=0.0).fit()
    assert np.mean(losses(log)[-10:]) < 0.8 * np.mean(losses(log)[:10])


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path, stop):
    schedule = training.schedules.warmup_cosine()
    whole = make(steps=6, schedule=schedule, accumulate=2)
    whole.fit()
    first = make(tmp_path, steps=6, schedule=schedule, accumulate=2)
    first_step, first._update = first._update, None

    def update_then_stop():
        result = first_step()
        if first.step == stop:
            signal.raise_signal(signal.SIGINT)
        return result

    first._update = update_then_stop
    with pytest.raises(KeyboardInterrupt, match=f"stopped after step {stop}; the last checkpoint is .*checkpoint"):
        first.fit()
    second = make(tmp_path, steps=6, schedule=schedule, accumulate=2)
    second.load_checkpoint()
    assert second.step == stop
    second.fit()
    assert np.array_equal(weights(whole), weights(second))
    assert losses(whole.log) == losses(second.log)
    assert whole.log.columns()["validation_loss"] == pytest.approx(second.log.columns()["validation_loss"], nan_ok=True)


def test_forgetting_the_optimizers_memory_would_be_noticed(tmp_path):
    whole, first, second = make(steps=6), make(tmp_path, steps=3), make(tmp_path, steps=6)
    whole.fit()
    first.fit()
    second.load_checkpoint()
    second.optimizer.memory["m"][...] = 0
    second.fit()
    assert not np.array_equal(weights(whole), weights(second))


def test_accumulating_batches_equals_one_larger_batch():
    def gradient(batch, accumulate):
        model = GPT(7, width=8, layers=1, heads=2, context=8, rng=np.random.default_rng(0)).astype(np.float64)
        windows = Windows(TEXT, context=8, batch=batch, seed=0)
        trainer = Trainer(model, AdamW(model.parameters(), 1e-9), windows, steps=1, accumulate=accumulate, clip=1e9)
        trainer._update()
        return np.concatenate([p.grad.ravel() for p in model.parameters()])

    np.testing.assert_allclose(gradient(8, 1), gradient(4, 2), atol=1e-12)
    assert np.abs(gradient(8, 1) - gradient(4, 1)).max() > 1e-6


def test_a_loss_that_is_not_a_number_stops_training_and_keeps_the_checkpoint(tmp_path):
    trainer = make(tmp_path, steps=10)
    trainer.fit()
    kept = (tmp_path / checkpoint_module.CHECKPOINT).read_bytes()
    trainer.steps = 20
    trainer.model.head.W.data[0, 0] = np.nan
    with pytest.raises(FloatingPointError, match=r"loss is nan .* step 11; the last checkpoint is .*smaller learning"):
        trainer.fit()
    assert (tmp_path / checkpoint_module.CHECKPOINT).read_bytes() == kept


def test_early_stopping_returns_to_the_best_weights():
    trainer = make(steps=400, dropout=0.0, evaluate_every=5, patience=3)
    trainer.model.loss = _worse_after(trainer, step=20)
    log = trainer.fit()
    measured = [loss for loss in log.columns()["validation_loss"] if not math.isnan(loss)]
    assert trainer.step < 400
    assert measured[-3:] == sorted(measured[-3:]) or min(measured) < min(measured[-3:])
    del trainer.model.loss
    assert mean_loss(trainer.model, TEXT[500:]) == pytest.approx(min(measured), rel=1e-5)


def _worse_after(trainer, step):
    """Ascend instead of descend from a step on, so that the validation loss must rise."""
    honest = trainer.model.loss

    def loss(inputs, targets):
        value = honest(inputs, targets)
        return value * -1 if trainer.step >= step and trainer.model.training else value

    return loss


def test_training_ends_by_the_clock():
    trainer = make(steps=None, minutes=0.3 / 60, evaluate_every=10_000)
    trainer.fit()
    assert trainer.step > 1
    assert 0.3 <= trainer.seconds < 2


def test_the_rate_follows_the_schedule():
    log = make(steps=10, schedule=training.schedules.linear(warmup=0.5)).fit()
    np.testing.assert_allclose(log.columns()["learning_rate"], 1e-2 * np.array([2, 4, 6, 8, 10, 8, 6, 4, 2, 0]) / 10)


def test_a_folder_that_cannot_be_written_is_noticed_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    trainer = make(tmp_path / "file")
    with pytest.raises(OSError, match="could not be written"):
        trainer.fit()
    assert trainer.step == 0


def test_a_disk_that_is_full_for_a_while_does_not_end_training(tmp_path, monkeypatch, capsys):
    trainer, real = make(tmp_path), checkpoint_module.save_arrays

    def full_at_step_2(path, arrays, metadata=None):
        if trainer.step == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, arrays, metadata)

    monkeypatch.setattr(checkpoint_module, "save_arrays", full_at_step_2)
    trainer.fit()
    assert "no checkpoint at step 2, training goes on" in capsys.readouterr().out
    assert trainer.step == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.safetensors", "log.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_file_that_grows_too_large_is_an_error_that_names_it(tmp_path):
    code = (
        "import resource, numpy as np\n"
        "from pathlib import Path\n"
        "from minilm.files import replacing\n"
        "from minilm.training import save_arrays\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with replacing('x.safetensors') as path:\n"
        "        save_arrays(path, {'x': np.zeros(1000)})\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert "x.safetensors could not be written" in run.stdout
    assert "free some space or choose another folder" in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_fitted_model_is_ready_for_use():
    trainer = make(dropout=0.5)
    trainer.fit()
    assert not any(module.training for module in trainer.model.modules())


def test_ctrl_c_while_evaluating_is_not_forgotten(tmp_path, monkeypatch):
    trainer = make(tmp_path, validation=np.arange(20) % 5, evaluate_every=100)
    monkeypatch.setattr(trainer, "_evaluate", lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match=r"stopped after step 6, the last; the last checkpoint is"):
        trainer.fit()


def test_a_log_that_is_missing_or_damaged_is_named(tmp_path):
    make(tmp_path).fit()
    path = tmp_path / "log.csv"
    for content, message in (("step,seconds\n1,2\n", "damaged"), (path.read_text().replace("1", "x", 1), "damaged")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=rf"log\.csv is {message}"):
            make(tmp_path).load_checkpoint()
    path.unlink()
    with pytest.raises(FileNotFoundError, match="there is no log"):
        make(tmp_path).load_checkpoint()


def test_a_checkpoint_with_foreign_arrays_is_refused(tmp_path):
    trainer = make(tmp_path)
    trainer.fit()
    path = tmp_path / checkpoint_module.CHECKPOINT
    arrays, metadata = load_arrays(path)
    save_arrays(path, arrays | {"other/x": np.zeros(1)}, metadata)
    with pytest.raises(ValueError, match="holds 'other/x', which is no part of a trainer's checkpoint"):
        make(tmp_path).load_checkpoint()
    save_arrays(path, arrays)
    with pytest.raises(ValueError, match="holds arrays, but no checkpoint"):
        make(tmp_path).load_checkpoint()


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    trainer = make(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        trainer.load_checkpoint()
    trainer.fit()
    with pytest.raises(ValueError, match="seed is 9, expected 3"):
        make(tmp_path, seed=9).load_checkpoint()
    path = tmp_path / checkpoint_module.CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="is damaged or no safetensors file"):
        make(tmp_path).load_checkpoint()


def test_the_log_survives_its_file(tmp_path):
    log = Log()
    log.add(step=1, seconds=0.25, tokens=32, learning_rate=1e-3, gradient_norm=1.5, train_loss=0.1 + 0.2)
    log.add(step=2, validation_loss=2.5)
    log.write(tmp_path / "log.csv")
    again = Log.read(tmp_path / "log.csv", until_step=2)
    np.testing.assert_equal(again.columns(), log.columns())
    assert len(Log.read(tmp_path / "log.csv", until_step=1).rows) == 1
    assert (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()[
        1
    ] == "1,0.25,32,0.001,1.5,0.30000000000000004,"


def test_evaluation_predicts_each_token_once_and_divides_once():
    model = make().model.eval()
    nats, count = total_nats(model, TEXT[:30], batch=2)
    assert count == 29
    by_hand = 0.0
    for start in range(0, 29, 8):
        window = TEXT[start : min(start + 9, 30)]
        logits = model(window[None, :-1]).data[0].astype(float)
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        by_hand -= log_probs[np.arange(len(window) - 1), window[1:]].sum()
    assert nats == pytest.approx(by_hand, rel=1e-5)
    assert mean_loss(model, TEXT[:30]) == pytest.approx(nats / 29)


def test_evaluation_switches_dropout_off_and_on_again():
    model = make(dropout=0.5).model
    assert mean_loss(model, TEXT[:50]) == mean_loss(model, TEXT[:50])
    assert model.training


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": None}, "neither steps nor minutes"),
        ({"steps": -1}, "steps is -1"),
        ({"accumulate": 0}, "accumulate is 0"),
        ({"patience": 2, "validation": None}, "needs a validation text"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_the_progress_bar_tells_loss_speed_and_time_left(capsys):
    make(steps=4, show_progress=True).fit()
    shown = capsys.readouterr().err
    for part in ("100%", "loss ", "tokens/s", "s left"):
        assert part in shown


def test_safetensors_receive_arrays_in_c_order(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    training.save_arrays(tmp_path / "a.safetensors", {"a": array}, {"note": json.dumps("中文")})
    arrays, metadata = training.load_arrays(tmp_path / "a.safetensors")
    assert np.array_equal(arrays["a"], array)
    assert json.loads(metadata["note"]) == "中文"
