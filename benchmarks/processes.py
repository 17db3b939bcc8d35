"""Servers in processes of their own."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

SERVE = "from ionq_toolkit_fake.cli import main; main()"
EMPTY = "from benchmarks.processes import answer; answer()"


@contextlib.contextmanager
def served(code: str, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the address that a program prints when it listens, and its process."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not (found := re.search(r"http://\S+", line)):
                raise RuntimeError(f"the server did not start: {line!r}")
            yield found[0], process
        finally:
            process.terminate()


def answer() -> None:
    """Answer the requests of a Bell job at once, always with the same bytes: what HTTP costs.

    On uvicorn with h11 and Starlette, like the fake.
    """
    import uvicorn  # noqa: PLC0415 - only in the process of the server
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.responses import JSONResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    record = {"id": "j", "status": "completed", "name": "x" * 700}  # as long as a record is

    async def job(request: Request) -> Response:
        await request.body()
        return JSONResponse(record, 201 if request.method == "POST" else 200)

    async def probabilities(_: Request) -> Response:
        return JSONResponse({"0": 0.5, "3": 0.5})

    routes = [
        Route("/v0.4/jobs", job, methods=["POST"]),
        Route("/v0.4/jobs/{id}", job),
        Route("/v0.4/jobs/{id}/results/probabilities", probabilities),
    ]
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:  # or asyncio leaves Nagle on
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/v0.4", flush=True)
        config = uvicorn.Config(Starlette(routes=routes), http="h11", log_level="error")
        uvicorn.Server(config).run(sockets=[listening])
