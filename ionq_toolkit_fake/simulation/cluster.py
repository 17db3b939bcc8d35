"""A Dask cluster as the place where simulations run."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

#: Seconds that a scheduler is given to answer.
CONNECT_TIMEOUT_S = 10

P = ParamSpec("P")
T = TypeVar("T")


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
