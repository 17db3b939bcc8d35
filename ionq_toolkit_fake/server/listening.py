"""Listening: accepts connections until it is told to stop, and then finishes their requests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from uvicorn import Config
from uvicorn.server import ServerState

from ionq_toolkit_fake.server.app import Application
from ionq_toolkit_fake.server.connection import Connection
from ionq_toolkit_fake.server.metrics import Metrics

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.server.guard import Guard
    from ionq_toolkit_fake.server.limits import ServerLimits

logger = logging.getLogger("ionq_toolkit_fake.server")

#: How many requests are in the cloud at a time: one has its lock, others read or write JSON.
_THREADS = 8

#: Connections that the system keeps until they are accepted.
_BACKLOG = 512

#: How often the server looks whether its last requests are finished.
_TICK_S = 0.01

#: Iterations of the loop from accepting a client to its connection.
_STEPS_OF_ACCEPTING = 4

#: Seconds that connections have to be closed in order.
_CLOSING_S = 1.0

#: Seconds between two warnings of the same shortage.
_PAUSE_OF_WARNINGS_S = 30.0


async def listen(
    serving: Callable[[], FakeIonQ],
    host: str,
    port: int,
    *,
    stop: asyncio.Event,
    on_listening: Callable[[str], None],
    guard: Guard,
    limits: ServerLimits,
    tls: ssl.SSLContext | None,
) -> None:
    """Serve a cloud until `stop` is set; see `ionq_toolkit_fake.server.serve`."""
    loop, metrics, limits = asyncio.get_running_loop(), Metrics(), limits.checked()
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ionq-fake request")
    app = Application(serving, guard, limits, metrics, threads)
    config = Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=limits.head_bytes,
    )
    config.load()
    state = ServerState()
    _warn_seldom(loop)
    server = await loop.create_server(
        lambda: Connection(config, state, limits, metrics, loop),
        host,
        port,
        ssl=tls,
        backlog=_BACKLOG,
    )
    try:
        scheme = "http" if tls is None else "https"
        on_listening(_base_url(scheme, server.sockets[0].getsockname()))
        await stop.wait()
    finally:
        await _accept_no_more(server)
        for connection in list(state.connections):
            connection.shutdown()
        end = loop.time() + limits.stop_s
        while app.busy and loop.time() < end:
            await asyncio.sleep(_TICK_S)
        tasks = list(state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _close(state)
        threads.shutdown(wait=False, cancel_futures=True)


async def _accept_no_more(server: asyncio.Server) -> None:
    """Stop accepting, and then close the listening sockets.

    Python 3.11 leaves a client's socket open that is accepted while they are closed.
    """
    with contextlib.suppress(NotImplementedError):  # Windows
        for listener in server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
    for _ in range(_STEPS_OF_ACCEPTING):
        await asyncio.sleep(0)
    server.close()


async def _close(state: ServerState) -> None:
    """Close every connection: those that do not take what they were sent at once are reset."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _CLOSING_S
    while state.connections:
        for connection in list(state.connections):
            if loop.time() < end:
                connection.transport.close()
            else:
                connection.transport.abort()
        await asyncio.sleep(_TICK_S if loop.time() < end else 0)


def _base_url(scheme: str, address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v0.4"


def _warn_seldom(loop: asyncio.AbstractEventLoop) -> None:
    """Let the loop warn of want of file descriptors once in a while, and not for each client.

    The loop accepts connections again when a second is over; until then, clients wait.
    """
    before, next_warning = loop.get_exception_handler(), 0.0

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal next_warning
        if "out of system resource" in context.get("message", ""):
            if loop.time() >= next_warning:
                next_warning = loop.time() + _PAUSE_OF_WARNINGS_S
                logger.warning(
                    "no connection can be accepted now (%s): clients wait until others leave; "
                    "ulimit -n raises the number of open files, ionq-fake serve --max-connections "
                    "lowers that of clients",
                    context.get("exception"),
                )
        elif before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
