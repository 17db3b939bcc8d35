"""Where simulations run: a plain function under any `concurrent.futures.Executor`."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.simulation.program import Program

P = ParamSpec("P")
T = TypeVar("T")


def simulate(program: Program) -> dict[str, float]:
    """Return a program's exact distribution; see `aer.distribution`. It can be pickled."""
    from ionq_toolkit_fake.simulation.aer import distribution  # noqa: PLC0415 - Aer takes a second

    return distribution(program)


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
