"""The routes of the console: its page, its static files, its data and its events."""

from __future__ import annotations

import logging
import re
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ionq_toolkit_fake.console import events, lines, views
from ionq_toolkit_fake.console.catalogue import catalogue
from ionq_toolkit_fake.console.recorder import recorder
from ionq_toolkit_fake.console.translation import MOST_SOURCE, to_qasm3
from ionq_toolkit_fake.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from ionq_toolkit_fake.cloud import FakeIonQ

logger = logging.getLogger(__name__)

#: Scripts and styles are files of this server; nothing is inline, and no text becomes markup.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

#: The headers of every response of the console.
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}

#: The types of the static files.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

#: The largest body of a request to the console: a program, and a little.
_MOST_BODY = 2 * MOST_SOURCE


def routes(serving: Callable[[], FakeIonQ]) -> list[BaseRoute]:
    """Return the routes; see `ionq_toolkit_fake.console.routes`."""
    recorder(serving())
    folder = resources.files(__package__).joinpath("static")
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    found: list[BaseRoute] = [
        Route("/" if name == "index.html" else f"/_static/{name}", partial(_static, name, content))
        for name, content in files.items()
    ]
    feed = events.Feed()
    found.append(Route("/_console/events", partial(_events, serving, feed)))
    for name, view in READS.items():
        found.append(Route(f"/_console/{name}", partial(_data, serving, view)))
    for name, action in ACTIONS.items():
        found.append(Route(f"/_console/{name}", partial(_data, serving, action), methods=["POST"]))
    return found


async def _static(name: str, content: bytes, _: Request) -> Response:
    kind = _TYPES[name[name.rindex(".") :]]
    return Response(content, headers={**HEADERS, "cache-control": "no-cache", "content-type": kind})


async def _events(serving: Callable[[], FakeIonQ], feed: events.Feed, request: Request) -> Response:
    if feed.listeners >= events.MOST_LISTENERS:
        return _json({"message": "Too many pages listen to this server"}, 503)
    stream = feed.events(serving, request.headers.get("last-event-id"))
    return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)


async def _data(
    serving: Callable[[], FakeIonQ], view: Callable[..., object], request: Request
) -> Response:
    """Answer with the data of a view, made in a thread."""
    arguments: tuple[object, ...] = (request,)
    if request.method == "POST":
        body = await _body(request)
        if isinstance(body, Response):
            return body
        arguments = (body, request)
    try:
        cloud = serving()
        recorder(cloud)
        return _json(await run_in_threadpool(view, cloud, *arguments))
    except views.Missing as missing:
        return _json({"message": str(missing)}, 404)
    except ValueError as error:
        return _json({"message": str(error)}, 400)
    except Exception:
        logger.exception("no answer to %s", request.url.path)
        return _json({"message": "The console failed; the log of the server has the reason."}, 500)


async def _body(request: Request) -> dict[str, Any] | Response:
    """Return the JSON object that a request has as its body, or the refusal."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _json({"message": "Send Content-Type: application/json"}, 415)
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > _MOST_BODY:
            return _json({"message": f"The body is longer than {_MOST_BODY} bytes"}, 413)
    try:
        return msgspec.json.decode(bytes(found), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _json({"message": f"The body must be a JSON object: {error}"}, 400)


def _json(content: object, status: int = 200) -> Response:
    body = msgspec.json.encode(content)
    return Response(body, status, {**HEADERS, "content-type": "application/json; charset=utf-8"})


def _jobs(cloud: FakeIonQ, request: Request) -> object:
    query = request.query_params
    wanted = views.JobFilter(
        query.getlist("status"), query.getlist("backend"), query.get("text", "")[:200]
    )
    return views.jobs(cloud, wanted, *_page(query))


def _requests(cloud: FakeIonQ, request: Request) -> object:
    query = request.query_params
    return views.requests(cloud, query.get("text", "")[:200], *_page(query))


def _histogram(cloud: FakeIonQ, request: Request) -> object:
    query = request.query_params
    top = _number(query, "top", 32, 1, views.MOST_OUTCOMES)
    return views.histogram(cloud, request.path_params["job_id"], top, query.get("order", ""))


def _line(_cloud: FakeIonQ, body: dict[str, Any], _request: Request) -> object:
    inner = body.get("body") or {}
    if not isinstance(inner, dict):
        raise ValueError("body: expected an object")  # noqa: TRY004 - of the caller's data
    try:
        return {"line": lines.line(str(body.get("control")), inner)}
    except ValueError as error:  # as a form is filled in: no failure of the request
        return {"problem": str(error)}


def _scenario(cloud: FakeIonQ, body: dict[str, Any], _request: Request) -> object:
    lines.line(lines.SCENARIO, body)  # which checks the name
    Scenario.of(body["scenario"]).apply(cloud)
    return views.rules(cloud)


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    limit = _number(query, "limit", 50, 1, views.MOST_ROWS)
    return _number(query, "offset", 0, 0, 10**9), limit


def _number(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
        raise ValueError(f"{name}: expected a number from {least} to {most}, not {text[:40]!r}")
    return int(text)


def _base(request: Request) -> str:
    """Return the base URL of the API; the guard has checked the header Host."""
    return f"{request.url.scheme}://{request.url.netloc}/v0.4"


#: The views, by their paths below /_console/.
READS: Mapping[str, Callable[..., object]] = {
    "catalogue": lambda cloud, _: catalogue(cloud),
    "jobs": _jobs,
    "jobs/{job_id}": lambda c, request: views.job(c, request.path_params["job_id"], _base(request)),
    "jobs/{job_id}/histogram": _histogram,
    "requests": _requests,
    "requests/{id}": lambda c, request: views.request(c, request.path_params["id"], _base(request)),
    "rules": lambda cloud, _: views.rules(cloud),
    "backends": lambda cloud, _: views.backends(cloud),
    "account": lambda cloud, _: views.account(cloud),
}

#: The actions that are no controls; all others are requests to /_fake/.
ACTIONS: Mapping[str, Callable[..., object]] = {
    "line": _line,
    "scenario": _scenario,
    "qasm2": lambda _cloud, body, _request: {"qasm3": to_qasm3(body.get("source"))},
}
