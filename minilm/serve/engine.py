"""The thread that writes all answers: texts of many clients go through the model together, a token at a time.

Kernels run in this thread alone, so what else needs the model or its tokenizer is a `call` between two tokens. A
prompt is read between two tokens too, one each time: those who are being answered never wait for more than one.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from .answer import Answer, Settings
from .limits import Limits
from .served import Served

DEFAULT = Limits()


class Full(Exception):
    """As many wait as may."""


class Task:
    """A prompt and the n answers that are wanted.

    Parameters
    ----------
    prompt : sequence of int
    settings : Settings
    tell : callable
        Is given each `Written`, or the exception that ended the task, in the engine's thread.
    """

    def __init__(self, prompt, settings: Settings, tell: Callable):
        self.prompt, self.settings, self.tell = np.asarray(prompt, np.int64), settings, tell
        self.cancelled = False  # set it to True, in any thread, and nothing more is written


class Batch(NamedTuple):
    """Answers that are written together, and what the model remembers of them."""

    answers: list[Answer]
    state: Any


class Engine:
    """Writes what it is asked for, until it is closed.

    >>> engine = Engine(Served("toy", model=None, tokenizer=None))
    >>> engine.call(lambda: 6 * 7).result()
    42
    >>> engine.close()
    """

    def __init__(self, served: Served, limits: Limits = DEFAULT):
        self.served, self.limits = served, limits
        self._calls, self._waiting, self._batches = deque(), deque(), []
        self._closed, self._changed = False, threading.Condition()
        self._thread = threading.Thread(target=self._work, name="minilm engine", daemon=True)
        self._thread.start()

    def submit(self, tasks: list[Task]) -> None:
        """Have these answered.

        Raises
        ------
        Full
            If more would wait than may; then none of them does.
        """
        with self._changed:
            self._waiting = deque(task for task in self._waiting if not task.cancelled)
            self._admit_to(self._waiting, tasks)

    def call(self, function: Callable[[], Any]) -> Future:
        """What a function returns that is called between two tokens.

        Raises
        ------
        Full
            If more calls would wait than may.
        """
        future = Future()
        with self._changed:
            self._admit_to(self._calls, [(function, future)])
        return future

    def close(self) -> None:
        """End the thread, and all tasks with a RuntimeError."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _admit_to(self, line, new):
        if self._closed or len(line) + len(new) > self.limits.waiting:
            raise Full(f"{len(line)} requests wait already; try again later")
        line.extend(new)
        self._changed.notify()

    def _work(self):
        while self._has_work():
            try:
                self._turn()
            except Exception as error:  # whatever it is: those it was written for are told, and the next begin
                self._end_all(error)
        stopped = RuntimeError("the server was stopped")
        self._end_all(stopped)
        for task in self._waiting:
            _tell(task, stopped)
        for _, future in self._calls:
            future.cancel()

    def _turn(self):
        """A call, a new prompt, and a token for each answer."""
        if self._calls:
            _fulfil(*self._calls.popleft())
        if task := self._next_task():
            self._begin(task)
        self._batches = [grown for batch in self._batches if (grown := self._grown(batch)).answers]

    def _end_all(self, error):
        batches, self._batches = self._batches, []
        for answer in (answer for batch in batches for answer in batch.answers):
            _tell(answer.task, error)

    def _has_work(self) -> bool:
        """Wait until there is something to do; False when the engine is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._calls or self._waiting or self._batches)
            return not self._closed

    def _next_task(self):
        """The first that waits, if there is room for all its answers."""
        with self._changed:
            while self._waiting and self._waiting[0].cancelled:
                self._waiting.popleft()
            busy = sum(len(batch.answers) for batch in self._batches)
            if self._waiting and busy + self._waiting[0].settings.n <= self.limits.together:
                return self._waiting.popleft()
        return None

    def _begin(self, task):
        """Read a prompt, and write the first token of its answers."""
        n, model = task.settings.n, self.served.model
        try:
            log_probs, state = model.start(task.prompt[None])
            answers = Answer.of(task, self.served)
            state = model.reorder(state, np.zeros(n, np.int64))
        except Exception as error:  # of this prompt: the others are still answered
            return _tell(task, error)
        begun = self._chosen(Batch(answers, state), np.repeat(log_probs, n, axis=0))
        if begun.answers:
            self._batches.append(begun)
            self._batches = self._joined(self._batches)

    def _joined(self, batches):
        """As one batch, if the model can."""
        if len(batches) < 2 or not hasattr(self.served.model, "join"):
            return batches
        try:
            state = self.served.model.join([batch.state for batch in batches])
        except NotImplementedError:
            return batches
        return [Batch([answer for batch in batches for answer in batch.answers], state)]

    def _grown(self, batch) -> Batch:
        """The batch, a token later."""
        batch = self._kept(batch, [not answer.task.cancelled for answer in batch.answers])
        if not batch.answers:
            return batch
        log_probs, state = self.served.model.step(np.array([answer.last for answer in batch.answers]), batch.state)
        return self._chosen(Batch(batch.answers, state), log_probs)

    def _chosen(self, batch, log_probs) -> Batch:
        """The answers that go on after each has taken its next token and told it."""
        return self._kept(batch, [_take(*pair) for pair in zip(batch.answers, log_probs, strict=True)])

    def _kept(self, batch, keep: list[bool]) -> Batch:
        if all(keep):
            return batch
        rows = np.flatnonzero(keep)
        state = self.served.model.reorder(batch.state, rows) if len(rows) else None
        return Batch([batch.answers[row] for row in rows], state)


def _take(answer, log_probs) -> bool:
    """Whether an answer goes on after its next token."""
    try:
        written = answer.take(log_probs)
    except Exception as error:
        _tell(answer.task, error)
        return False
    _tell(answer.task, written)
    return written.finish_reason is None


def _tell(task, event):
    """To a client that may have left in the meantime, or may be wrong."""
    task.cancelled |= isinstance(event, Exception)
    with suppress(Exception):
        task.tell(event)


def _fulfil(function, future):
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)
