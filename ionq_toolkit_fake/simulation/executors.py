"""Where simulations run: in this thread, in worker processes, or on any other executor."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import sys
import threading
import traceback
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ionq_toolkit_fake.simulation import limits
from ionq_toolkit_fake.simulation.program import Energy, MaxCut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

    from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome, Value
    from ionq_toolkit_fake.simulation.program import Task


P = ParamSpec("P")
T = TypeVar("T")


def _load() -> None:
    """Import Qiskit and Aer, in a thread that never ends.

    Qiskit 2.6 crashes the process when the thread that imported it has ended.
    """
    loaded = threading.Event()

    def stay() -> None:
        try:
            import qiskit  # noqa: F401, PLC0415 - Aer takes a second
        finally:
            loaded.set()
        threading.Event().wait()

    threading.Thread(target=stay, name="holds Qiskit", daemon=True).start()
    loaded.wait()


def simulate(task: Task | Energy | MaxCut) -> Outcome | Value | Optimum:
    """Simulate a task. The function, its argument and its result can be pickled.

    Args:
        task: A circuit or a quantum function, and how to run it.

    Returns:
        An outcome for a circuit, a value for an energy, an optimum for maxcut.

    Raises:
        SimulationFailure: The task cannot be run as it is.
    """
    if "qiskit" not in sys.modules and threading.current_thread() is not threading.main_thread():
        _load()
    from ionq_toolkit_fake.simulation import functions, run  # noqa: PLC0415 - as `_load`

    try:
        if isinstance(task, Energy):
            return functions.energy(task)
        if isinstance(task, MaxCut):
            return functions.maxcut(task)
        return run.run(task)
    except Exception as error:
        _drop_chain(error)
        raise


def simulate_several(tasks: Sequence[Task]) -> list[Outcome | Exception]:
    """Simulate several tasks in one call.

    Args:
        tasks: The tasks.

    Returns:
        For each task its outcome, or the error that it raised.
    """
    if "qiskit" not in sys.modules and threading.current_thread() is not threading.main_thread():
        _load()
    from ionq_toolkit_fake.simulation import run  # noqa: PLC0415 - as `_load`

    found = run.run_several(tasks)
    for one in found:
        if isinstance(one, Exception):
            _drop_chain(one)
            one.__traceback__ = None
    return found


def _drop_chain(error: Exception) -> None:
    """Forget the errors that led to this one.

    Dask pickles them with their frames, and those of a parser are nested too deeply for pickle.
    """
    error.__cause__ = error.__context__ = None


class InlineExecutor(Executor):
    """Runs each call at once, in the thread that submits it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` and return a future that is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future raises it
            future.set_exception(error)
        return future


class ProcessExecutor(Executor):
    """Runs calls in worker processes, so that this process stays responsive.

    Aer holds Python's lock while it simulates: in a thread, it would stop all other threads. When
    a worker dies, the call that it ran fails and the next call gets a new worker. Cancelling a
    running call kills its worker, and no other. Each worker has an equal share of the processors,
    and of the memory that is free when the executor is made, so that none dies for want of it.

    Each worker has a pipe of its own and gets its next call when the last one has ended. Where
    workers read from a common pipe, a worker may take the next call before it is killed for the
    last one.
    """

    def __init__(self, workers: int = 1) -> None:
        """Start no process yet: the first call of each worker starts it.

        Args:
            workers: How many calls run at the same time.

        Raises:
            ValueError: `workers` is less than 1.
        """
        if workers < 1:
            raise ValueError(f"workers must be at least 1, is {workers}")
        self._workers = workers
        self._share = limits.share(workers), max(1, (os.cpu_count() or 1) // workers)
        self._waiting: queue.SimpleQueue[_WorkerCall | None] = queue.SimpleQueue()
        self._open: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self._ended = False
        self._threads: list[threading.Thread] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand `fn` to a worker; `fn`, its arguments and its result are pickled.

        Raises:
            RuntimeError: The executor was shut down.
        """
        with self._lock:
            if self._ended:
                raise RuntimeError("the executor was shut down")
            call = _WorkerCall((fn, args, kwargs))
            self._open.add(call)
            call.add_done_callback(self._open.discard)
            self._waiting.put(call)
            # A worker more only where all are busy: a new one takes seconds to import Aer.
            if len(self._threads) < min(self._workers, len(self._open)):
                self._threads.append(threading.Thread(target=self._serve, daemon=True))
                self._threads[-1].start()
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; ``wait=False`` cancels those that run, too."""
        with self._lock:
            self._ended = True
            calls = list(self._open)
            for _ in self._threads:
                self._waiting.put(None)
        for call in calls:
            if not wait:
                call.cancel()
            elif cancel_futures:
                Future.cancel(call)  # only if it waits
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        """Give one worker its calls, one after the other."""
        worker = None
        while (call := self._waiting.get()) is not None:
            if not call.set_running_or_notify_cancel():
                continue
            try:
                if worker is None or worker.is_dead:
                    worker = _Worker(*self._share)
                succeeded, found = call.run_in(worker)
            except Exception as error:  # noqa: BLE001 - the future raises it
                succeeded, found = False, error
            if worker is not None and call.given_up:
                worker.kill()
                worker = None
            self._open.discard(call)
            if succeeded:
                call.set_result(found)
            else:
                call.set_exception(found)
            del call, found  # a result may be large, and the next call far away
        if worker is not None:
            worker.close()


class _WorkerCall(Future[Any]):
    """A call that waits for a worker, or runs in one."""

    def __init__(self, work: tuple[Any, ...]) -> None:
        super().__init__()
        self._work = work
        self._worker: _Worker | None = None
        self._holds_worker = threading.Lock()
        self.given_up = False

    def cancel(self) -> bool:
        """Cancel the call; one that runs loses its worker, and ends with an error."""
        if super().cancel():
            return True
        with self._holds_worker:
            self.given_up = True
            if self._worker is not None:
                self._worker.kill()
        return False

    def run_in(self, worker: _Worker) -> tuple[bool, Any]:
        """Run in a worker, which `cancel` kills as long as this has not returned."""
        with self._holds_worker:
            if self.given_up:
                worker.kill()
            self._worker = worker
        try:
            return worker.run(self._work)
        finally:
            with self._holds_worker:
                self._worker = None


class _Worker:
    """A process that runs one call at a time."""

    def __init__(self, gibibytes: float, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, gibibytes, threads), daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def is_dead(self) -> bool:
        """Whether the process has ended, between two calls."""
        return self._connection.closed or self._connection.poll()  # the end of the pipe

    def run(self, work: tuple[Any, ...]) -> tuple[bool, Any]:
        """Run a call, and return whether it succeeded, and its result or its error."""
        try:
            self._connection.send(work)
            reply: tuple[bool, Any] = self._connection.recv()
        except (EOFError, ConnectionError):
            self.close()
            code = self._process.exitcode
            raise BrokenExecutor(f"its process ended with exit code {code}") from None
        return reply

    def kill(self) -> None:
        """End the process at once, also in the middle of a call."""
        self._process.kill()

    def close(self) -> None:
        """Let the process end, which runs nothing, and wait until it has."""
        self._connection.close()
        self._process.join()


def _work(connection: Connection, gibibytes: float, threads: int) -> None:
    """Run calls until the parent closes the pipe, within a share of memory and processors."""
    limits.keep_to(gibibytes)
    # Read when Aer is loaded. Threads that wait busily for each other, where there are not enough
    # processors for all, have made simulations take a hundred times as long.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to every process of a terminal
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send_bytes(_reply(connection.recv_bytes()))


def _reply(call: bytes) -> bytes:
    """Run a pickled call, and pickle whether it succeeded, and its result or its error."""
    try:
        fn, args, kwargs = ForkingPickler.loads(call)
        return bytes(ForkingPickler.dumps((True, fn(*args, **kwargs))))
    except Exception as error:  # noqa: BLE001 - the parent raises it
        error.add_note(traceback.format_exc())
        try:
            return bytes(ForkingPickler.dumps((False, error)))
        except Exception:  # noqa: BLE001 - a part of it cannot be pickled
            return bytes(ForkingPickler.dumps((False, RuntimeError(repr(error)))))


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
