"""Where simulations run: a plain function under any `concurrent.futures.Executor`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ionq_toolkit_fake.simulation.program import Energy, MaxCut

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome, Value
    from ionq_toolkit_fake.simulation.program import Task

P = ParamSpec("P")
T = TypeVar("T")


def simulate(task: Task | Energy | MaxCut) -> Outcome | Value | Optimum:
    """Return what a task comes to. The function and what it takes and returns can be pickled.

    Raises:
        SimulationFailure: The task cannot be run as it is.
    """
    from ionq_toolkit_fake.simulation import circuits, functions  # noqa: PLC0415 - Aer takes a second

    if isinstance(task, Energy):
        return functions.energy(task)
    if isinstance(task, MaxCut):
        return functions.maxcut(task)
    return circuits.run(task)


class InlineExecutor(Executor):
    """Runs each call at once, in the thread that submits it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` and return a future that is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asks the future
            future.set_exception(error)
        return future


class ProcessExecutor(Executor):
    """Runs calls one after the other in another process, so that this one stays responsive.

    Aer holds Python's lock while it simulates: in a thread, it would stop all others. A process
    that dies fails the calls that were given to it, and is replaced for the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._worker: set[BaseProcess] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand `fn` to the other process; it and its arguments are pickled."""
        with self._lock:
            if self._pool is not None:
                try:
                    return self._pool.submit(fn, *args, **kwargs)
                except BrokenProcessPool:
                    self._pool.shutdown(wait=False)
            self._pool = ProcessPoolExecutor(
                max_workers=1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_follow_the_parent,
            )
            others = set(multiprocessing.active_children())
            future = self._pool.submit(fn, *args, **kwargs)
            self._worker = set(multiprocessing.active_children()) - others
            return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; with ``wait=False`` the one that is running is given up."""
        with self._lock:
            if self._pool is None:
                return
            self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)
            if not wait:
                for process in self._worker:
                    process.kill()


def _follow_the_parent() -> None:
    """Leave Ctrl-C, which a terminal sends to every process, to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
