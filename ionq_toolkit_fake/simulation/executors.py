"""Where simulations run: in this thread, in worker processes, or on any other executor."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
import weakref
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from functools import partial
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ionq_toolkit_fake.forks import ForkLock, call_in_child
from ionq_toolkit_fake.simulation import limits
from ionq_toolkit_fake.simulation.program import Energy, MaxCut
from ionq_toolkit_fake.simulation.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

    from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome, Value
    from ionq_toolkit_fake.simulation.program import Task


P = ParamSpec("P")
T = TypeVar("T")


def _load() -> None:
    """Import Qiskit and Aer, if this thread may end, in one that does not.

    Qiskit 2.6 crashes the process when the thread that imported it has ended.
    """
    if "qiskit" in sys.modules or threading.current_thread() is threading.main_thread():
        return
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
    """Simulate a task, or raise SimulationFailure; all of it can be pickled."""
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
    """Simulate several tasks in one call, and return for each its outcome, or its error."""
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


class Running:
    """The calls of a cloud's executor that have not ended."""

    def __init__(self) -> None:
        self._futures: set[Future[Any]] = set()

    def watched(self, executor: Executor) -> Executor:
        """Return an executor whose calls are known here as long as they run."""
        inline = isinstance(executor, InlineExecutor)
        return executor if inline else _Watched(executor, self._futures)

    def wait(self, seconds: float) -> None:
        """Wait until one of the calls ends, for so long at most; not at all if none runs."""
        futures = self._futures.copy()
        if futures:
            wait(futures, min(seconds, threading.TIMEOUT_MAX), FIRST_COMPLETED)


class _Watched(Executor):
    """An executor whose calls are in a set as long as they run."""

    def __init__(self, executor: Executor, running: set[Future[Any]]) -> None:
        self._executor, self._running = executor, running

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand `fn` to the executor."""
        future = self._executor.submit(fn, *args, **kwargs)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future


class ProcessExecutor(Executor):
    """Runs calls in worker processes, so that this process stays responsive.

    Aer holds Python's lock while it simulates: in a thread, it would stop all other threads. When
    a worker dies, the call that it ran fails and the next call gets a new worker. Cancelling a
    running call kills its worker, and no other. Each worker has an equal share of the processors,
    and of the memory that is free when the executor is made, so that none dies for want of it.
    Each has a pipe of its own: from a common one, it may take a call before it is killed for the
    last one. Where the system has such limits (POSIX), it holds each worker to its share of the
    memory, and to `seconds` of computing for each call; on Linux it ends the workers with this
    process, whatever they are at.
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        gibibytes: float | None = None,
        seconds: float = limits.MOST_SECONDS,
    ) -> None:
        """Start no process yet: the first call of each worker starts it.

        Args:
            workers: How many processes there are.
            gibibytes: The memory that each of them may take; None: an equal share of what is free.
            seconds: How long a call may compute, on each of its worker's processors.
        """
        if workers < 1:
            raise ValueError(f"workers must be at least 1, is {workers}")
        if not (seconds > 0 and (gibibytes is None or gibibytes > 0)):
            raise ValueError(f"limits are above 0: gibibytes={gibibytes}, seconds={seconds}")
        self._workers = workers
        memory = limits.share(workers) if gibibytes is None else gibibytes
        self._share = memory, max(1, (os.cpu_count() or 1) // workers), seconds
        self._waiting: Turns[_WorkerCall] = Turns()
        self._open: set[_WorkerCall] = set()
        self._lock = ForkLock()
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._end = weakref.finalize(self, _end, self._waiting, self._threads)
        call_in_child(self._begin_anew)

    def _begin_anew(self) -> None:
        """Have workers of its own in a forked process; the calls that run are the parent's."""
        calls, self._open = list(self._open), set()
        self._end.detach()
        self._waiting, self._threads = Turns(), []
        self._end = weakref.finalize(self, _end, self._waiting, self._threads)
        for call in calls:
            call.lose()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand `fn` to a worker; `fn`, its arguments and its result are pickled."""
        return self._submit("", fn, args, kwargs)

    def lane(self, party: str) -> Executor:
        """Return an executor on the same workers, for whose calls they take turns.

        The calls of each party run in their order, and no party waits for all calls of another.
        """
        return _Lane(partial(self._submit, party))

    def load(self) -> tuple[int, int, int]:
        """Return how many workers there are, and how many calls run and wait."""
        waiting = len(self._waiting)
        return self._workers, max(0, len(self._open) - waiting), waiting

    def _submit(
        self,
        party: str,
        fn: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Future[T]:
        with self._lock:
            if self._ended:
                raise RuntimeError("the executor was shut down")
            call = _WorkerCall((fn, args, kwargs))
            self._open.add(call)
            call.add_done_callback(self._open.discard)
            self._waiting.put(call, party)
            # A worker more only where all are busy: a new one takes seconds to import Aer.
            if len(self._threads) < min(self._workers, len(self._open)):
                what = self._waiting, self._open, self._share  # not self: see `_end`
                self._threads.append(threading.Thread(target=_serve, args=what, daemon=True))
                self._threads[-1].start()
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; ``wait=False`` cancels those that run, too."""
        with self._lock:
            self._ended = True
            calls = list(self._open)
            self._end()
        for call in calls:
            if not wait:
                call.cancel()
            elif cancel_futures:
                Future.cancel(call)  # only if it waits
        for thread in self._threads:
            thread.join()


class _Lane(Executor):
    """The calls of one party to a `ProcessExecutor`, which others use as well."""

    def __init__(self, submit: Callable[..., Future[Any]]) -> None:
        self._submit = submit

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand `fn` to a worker."""
        return self._submit(fn, args, kwargs)


def lane(executor: Executor, party: str) -> Executor:
    """Return the lane of a party in an executor; one without lanes serves all in its own order."""
    return executor.lane(party) if isinstance(executor, ProcessExecutor) else executor


def _end(waiting: Turns[_WorkerCall], threads: list[threading.Thread]) -> None:
    """Let the threads of an executor end, which was shut down or is no longer referenced."""
    for _ in threads:
        waiting.end()


def _serve(
    waiting: Turns[_WorkerCall],
    open_calls: set[Future[Any]],
    share: tuple[float, int, float],
) -> None:
    """Give one worker its calls, one after the other."""
    worker = None
    while (call := waiting.get()) is not None:
        if not call.set_running_or_notify_cancel():
            continue
        try:
            if worker is not None and worker.is_dead:
                worker.close()
                worker = None
            worker = worker or _Worker(*share)
            succeeded, found = call.run_in(worker)
        except Exception as error:  # noqa: BLE001 - the future raises it
            succeeded, found = False, error
        if worker is not None and call.given_up:
            worker.kill()
            worker.close()
            worker = None
        open_calls.discard(call)
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
        self._holds_worker = ForkLock()
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

    def lose(self) -> None:
        """Fail in a forked process: the worker answers the process that called it."""
        # A thread that is in the other process only may have held the old one.
        self._condition = threading.Condition()
        self._worker = None
        if not self.done():
            self.set_exception(BrokenExecutor("its process was forked, and the other one has it"))

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


#: How long a worker that runs nothing has for its end, before it is killed.
_GRACE_S = 5


class _Worker:
    """A process that runs one call at a time."""

    def __init__(self, gibibytes: float, threads: int, seconds: float) -> None:
        self._connection, theirs = multiprocessing.Pipe()
        self._seconds = seconds
        what = theirs, gibibytes, threads, seconds, os.getpid()
        self._process = _Process(target=_work, args=what)
        self._process.made_in = os.getpid()
        self._exit_code: int | None = None
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
        except (EOFError, OSError):
            code = self.close()
            failure = limits.reason_of_end(code, self._seconds)
            raise failure or BrokenExecutor(f"its process ended with exit code {code}") from None
        return reply

    def kill(self) -> None:
        """End the process at once, also in the middle of a call."""
        with contextlib.suppress(ValueError):  # it has ended
            self._process.kill()

    def close(self) -> int | None:
        """Let the process end, which runs nothing, and return its exit code when it has.

        It is told so: a forked child of this process keeps the pipe open.
        """
        with contextlib.suppress(OSError):
            self._connection.send_bytes(b"")
        self._connection.close()
        with contextlib.suppress(ValueError):  # it was closed, or was waited for elsewhere
            self._process.join(_GRACE_S)
            self._process.join()
            self._exit_code = self._process.exitcode
            self._process.close()
        return self._exit_code


class _Process(SpawnProcess):
    """The process of a worker. It is no daemon, which a forked child of its parent would end."""

    made_in = 0

    def join(self, timeout: float | None = None) -> None:
        """Wait; without a bound, as multiprocessing does at exit, kill it before."""
        if self.made_in == os.getpid():
            if timeout is None:
                self.kill()
            super().join(timeout)


def _work(
    connection: Connection, gibibytes: float, threads: int, seconds: float, parent: int
) -> None:
    """Run calls until an empty one or the pipe's end, within a share of memory and processors."""
    limits.end_with(parent)
    limits.keep_to(gibibytes)
    # Read when Aer is loaded. Threads that wait busily for each other, where there are not enough
    # processors for all, have made simulations take a hundred times as long.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to every process of a terminal
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while call := connection.recv_bytes():
            limits.keep_call_to(seconds, threads)
            connection.send_bytes(_reply(call))


def _reply(call: bytes) -> bytes:
    """Run a pickled call, and pickle whether it succeeded, and its result or its error."""
    try:
        fn, args, kwargs = ForkingPickler.loads(call)
        return bytes(ForkingPickler.dumps((True, fn(*args, **kwargs))))
    except MemoryError:
        return bytes(ForkingPickler.dumps((False, limits.out_of_memory())))
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
