"""Where simulations run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for_all
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from ionq_toolkit_fake.simulation import limits
from ionq_toolkit_fake.simulation.program import Energy, MaxCut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess

    from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome, Value
    from ionq_toolkit_fake.simulation.program import Task


P = ParamSpec("P")
T = TypeVar("T")


def _load() -> None:
    """Import Qiskit and Aer, in a thread that never ends.

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
    """Return what a task comes to. The function and what it takes and returns can be pickled.

    Raises:
        SimulationFailure: The task cannot be run as it is.
    """
    _load()
    from ionq_toolkit_fake.simulation import functions, run  # noqa: PLC0415 - as `_load`

    if isinstance(task, Energy):
        return functions.energy(task)
    if isinstance(task, MaxCut):
        return functions.maxcut(task)
    return run.run(task)


def simulate_several(tasks: Sequence[Task]) -> list[Outcome | Exception]:
    """Return what each of several tasks comes to, or what it raised; one call for many."""
    _load()
    from ionq_toolkit_fake.simulation import run  # noqa: PLC0415 - as `_load`

    return run.run_several(tasks)


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
    """Runs calls in other processes, so that this one stays responsive.

    Aer holds Python's lock while it simulates: in a thread, it would stop all others. A process
    that dies fails the one call that it ran, and is replaced. A call that is cancelled while
    it runs is given up, and its process with it. All processes have the same share of the
    processors, and of the memory that is free when the executor is made, so that none dies for
    want of it.
    """

    def __init__(self, workers: int = 1) -> None:
        """Start no process yet: each when there is a call for it.

        Args:
            workers: How many calls run at the same time.

        Raises:
            ValueError: `workers` is less than 1.
        """
        if workers < 1:
            raise ValueError(f"workers must be at least 1, is {workers}")
        share = _Share(limits.share(workers), max(1, (os.cpu_count() or 1) // workers))
        self._lock = threading.RLock()
        self._waiting: deque[_Call] = deque()
        self._idle = [_Worker(share) for _ in range(workers)]
        self._busy: dict[_Call, _Worker] = {}
        self._ending = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand `fn` to another process; it and its arguments are pickled.

        Raises:
            RuntimeError: The executor was shut down.
        """
        with self._lock:
            if self._ending:
                raise RuntimeError("the executor was shut down")
            call = _Call(self, fn, args, kwargs)
            self._waiting.append(call)
            self._start()
            return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; with ``wait=False`` those that are running are given up."""
        with self._lock:
            self._ending = True
            if cancel_futures or not wait:
                while self._waiting:
                    self._waiting.popleft().cancel()
            left, workers = [*self._waiting, *self._busy], [*self._idle, *self._busy.values()]
        if not wait:
            for worker in workers:
                worker.kill()
        wait_for_all(left)
        for worker in {*workers, *self._idle}:  # those that have died have successors
            worker.close()

    def give_up(self, call: _Call) -> None:
        """End the process that a call runs in, if it does."""
        with self._lock:
            worker = self._busy.get(call)
            if worker is not None:
                worker.kill()

    def _start(self) -> None:
        """Give waiting calls to idle workers."""
        while self._waiting and self._idle:
            call = self._waiting.popleft()
            if call.set_running_or_notify_cancel():
                worker = self._idle.pop()
                self._busy[call] = worker
                worker.run(call).add_done_callback(partial(self._finish, call))

    def _finish(self, call: _Call, done: Future[Any]) -> None:
        """Take over how a call ended, and go on with the next."""
        with self._lock:
            worker = self._busy.pop(call)
            error = done.exception()
            if isinstance(error, BrokenProcessPool):
                worker = worker.successor()
            self._idle.append(worker)
            if not self._ending or self._waiting:
                self._start()
        if error is not None:
            call.set_exception(error)
        else:
            call.set_result(done.result())


class _Call(Future[Any]):
    """A call that waits for a process, or runs in one."""

    def __init__(
        self,
        executor: ProcessExecutor,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__()
        self._executor = executor
        self.work = (fn, args, kwargs)

    def cancel(self) -> bool:
        """Give the call up, even if it runs: then it ends with an error."""
        if super().cancel():
            return True
        self._executor.give_up(self)
        return False


class _Share(NamedTuple):
    """What one process may take of the machine.

    Attributes:
        gibibytes: So much of its memory.
        threads: So many of its processors.
    """

    gibibytes: float
    threads: int


class _Worker:
    """One process, started with its first call."""

    def __init__(self, share: _Share) -> None:
        self._share = share
        self._pool: ProcessPoolExecutor | None = None
        self._processes: set[BaseProcess] = set()

    def run(self, call: _Call) -> Future[Any]:
        """Run a call; no other is running."""
        fn, args, kwargs = call.work
        if self._pool is not None:
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except BrokenProcessPool:  # it died since
                self._pool.shutdown(wait=False)
        self._pool = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._share,),
        )
        others = set(multiprocessing.active_children())
        done = self._pool.submit(fn, *args, **kwargs)
        self._processes = set(multiprocessing.active_children()) - others
        return done

    def successor(self) -> _Worker:
        """Return another one in its place."""
        return _Worker(self._share)

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        for process in self._processes:
            process.kill()

    def close(self) -> None:
        """Let the process end, which has nothing to do or is killed, and wait until it has.

        Python is not to end before it has: its own tidying up would meet that of the pool.
        """
        if self._pool is not None:
            self._pool.shutdown()


def _begin(share: _Share) -> None:
    """Keep to a share of the machine; leave Ctrl-C to the parent, and end with it.

    A terminal sends Ctrl-C to every process.
    """
    limits.keep_to(share.gibibytes)
    # Read when Aer is loaded. Threads that wait busily for each other, where there are not enough
    # processors for all, have made simulations take a hundred times as long.
    os.environ.setdefault("OMP_NUM_THREADS", str(share.threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


#: Seconds that a scheduler is given to answer.
CONNECT_TIMEOUT_S = 10


class DaskExecutor(Executor):
    """Runs calls on the workers of a Dask cluster, which have ionq-toolkit installed.

    The call of a worker that dies is given to another one, as often as the cluster's setting
    ``distributed.scheduler.allowed-failures`` says, and fails then.
    """

    def __init__(self, address: str) -> None:
        """Connect to a cluster.

        Args:
            address: Where its scheduler listens, such as ``tcp://127.0.0.1:8786``.

        Raises:
            ModuleNotFoundError: Dask is not installed; the message says how to.
            OSError: There is no scheduler.
            ValueError: That is no address.
        """
        try:
            from distributed import Client  # noqa: PLC0415 - an extra, and slow to import
            from distributed.comm import resolve_address  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "A Dask cluster needs an extra: pip install 'ionq-toolkit[dask]'", name=error.name
            ) from error
        resolve_address(address)  # a client for what is none never comes to its end
        self._client: Any = Client(address, set_as_default=False, timeout=CONNECT_TIMEOUT_S)
        # Each call is one of its own, even if another is equal: else to cancel one cancels both.
        self._executor: Executor = self._client.get_executor(pure=False)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand `fn` to the cluster; it and its arguments are pickled.

        Raises:
            RuntimeError: The executor was shut down.
        """
        future: Future[T] = self._executor.submit(_without_history, fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls and leave the cluster; without waiting, they are cancelled."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def _without_history(fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `fn`; what it raises, or returns as errors in a list, is without what led to it.

    Dask pickles that too, down to the frames of a parser, which are nested too deeply.
    """
    try:
        found = fn(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - it is raised again
        raised = error
    else:
        for one in found if isinstance(found, list) else ():
            if isinstance(one, Exception):
                _forget_history(one)
        return found
    _forget_history(raised)
    raise raised


def _forget_history(error: Exception) -> None:
    error.__cause__ = error.__context__ = error.__traceback__ = None
