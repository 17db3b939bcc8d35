"""`ionq-fake doctor`: finds what is wrong with a set-up, and how to mend it.

It imports nothing of the extra before it knows that the extra is installed.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import socket
import sqlite3
import urllib.request
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from ionq_toolkit_fake.cli import output
from ionq_toolkit_fake.cli.options import DEFAULT_URL, SHARED, as_json
from ionq_toolkit_fake.cli.remote import NOT_REACHED, CommandError, Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: The states of a finding; only the last one is an error.
OK, WARNING, WRONG = "ok", "warning", "wrong"

#: Where clients reach the real service.
_REAL_HOST = "api.ionq.co"

#: The least memory of a simulation in GiB, the largest difference between clocks, and the longest
#: that a first simulation may take, in seconds.
_LEAST_GIBIBYTES, _MOST_SKEW_S, _WORKER_TIMEOUT_S = 0.5, 5.0, 120

_INSTALL = "pip install 'ionq-toolkit[fake]'"


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        check: What was checked.
        state: `ok`, `warning` or `wrong`.
        finding: What was found.
        mend: A line that mends it; empty if nothing is to be mended.
    """

    check: str
    state: str
    finding: str
    mend: str = ""


@click.command()
@click.option(
    "--url",
    help=f"A server that has to be reachable. Without it, {DEFAULT_URL} is looked at if it runs.",
)
@click.option(
    "--token", metavar="TOKEN", help="The token of the server, if it has one: as the variable."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="A port that serve is to use.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A state that serve is to use.",
)
@click.option("--quick", is_flag=True, help="Simulate nothing.")
@as_json
def doctor(  # noqa: PLR0917 - click passes them by name
    url: str | None, token: str | None, port: int, state: Path | None, quick: bool, as_json: bool
) -> None:
    """Say what is wrong with a set-up, and the line that mends it.

    Checked are versions and the packages of the extra, the port, the server and its token and keys,
    variables of the environment that contradict each other, the state, memory, a worker process,
    and the clock. Exits with 1 if something is wrong; a warning is not wrong.

    For example:

    \b
        ionq-fake doctor
        ionq-fake doctor --state lab.db --quick --json
    """  # noqa: D301 - the backspace keeps the lines apart
    found = list(_findings(url, token, port, state, quick=quick))
    wrong = sum(one.state == WRONG for one in found)
    if as_json:
        output.print_json({"ok": not wrong, "findings": [asdict(one) for one in found]})
    else:
        for one in found:
            colour = {OK: "green", WARNING: "yellow", WRONG: "red"}[one.state]
            word = (
                click.style(f"{one.state:7}", fg=colour) if output.colours() else f"{one.state:7}"
            )
            click.echo(f"{word}  {one.check:11}  {one.finding}")
            if one.mend:
                click.echo(f"{'':7}  {'':11}  -> {one.mend}")
        ending = "nothing is wrong" if not wrong else f"{wrong} wrong"
        output.note(ending)
    if wrong:
        raise SystemExit(1)


def _findings(
    url: str | None, token: str | None, port: int, state: Path | None, *, quick: bool
) -> Iterator[Finding]:
    missing = list(packages())
    yield from missing or [
        Finding("packages", OK, f"ionq-toolkit {_version('ionq-toolkit')} with the extra fake")
    ]
    yield from variables(os.environ)
    yield from _server(url or DEFAULT_URL, token, port, expected=url is not None)
    if any(one.state == WRONG for one in missing):
        return  # nothing of the fake can be imported
    if state is not None:
        yield from _state(state)
    checks: list[Callable[[], Iterator[Finding]]] = [_memory] if quick else [_memory, _worker]
    for check in checks:
        yield from check()


def packages() -> Iterator[Finding]:
    """Find packages of the extra that are missing or too old."""
    try:
        required = metadata.requires("ionq-toolkit") or []
    except metadata.PackageNotFoundError:
        yield Finding(
            "packages", WRONG, "ionq-toolkit runs from its sources, not installed", _INSTALL
        )
        return
    for one in required:
        name, _, marker = one.partition(";")
        extra = re.search(r"extra == ['\"](\w+)['\"]", marker)
        if extra is not None and extra[1] not in {"fake", "qasm3"}:
            continue
        parsed = re.match(r"\s*([A-Za-z0-9_.-]+)(\[[^]]*\])?\s*(.*)", name)
        if parsed is None or parsed[1] == "ionq-toolkit":
            continue
        have = _version(parsed[1])
        if have is None:
            yield Finding("packages", WRONG, f"{parsed[1]} is not installed", _INSTALL)
        elif not _fits(have, parsed[3]):
            need = f"{parsed[1]}{parsed[3].strip()}"
            yield Finding(
                "packages", WRONG, f"{parsed[1]} {have} is not {need}", f"pip install '{need}'"
            )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _fits(version: str, bounds: str) -> bool:
    """Return whether a version is within the bounds that this project uses: ``>=`` and ``!=``."""
    have = _numbers(version)
    for sign, bound in re.findall(r"(>=|!=)\s*([\d.]+)", bounds):
        wanted = _numbers(bound)
        if (sign == ">=" and have < wanted) or (sign == "!=" and have[: len(wanted)] == wanted):
            return False
    return True


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Find variables of the environment that contradict each other or are not read.

    Args:
        environment: The environment.
    """
    url = environment.get("IONQ_API_URL", "")
    kinds = (_of_transport, _of_address, _of_proxies, _unread)
    found = [Finding("environment", *one) for kind in kinds for one in kind(environment, url)]
    usual = f"clients use {url or f'https://{_REAL_HOST}/v0.4 (no fake)'}"
    yield from found or [Finding("environment", OK, usual)]


def _of_transport(environment: Mapping[str, str], url: str) -> Iterator[tuple[str, str, str]]:
    if environment.get("IONQ_TRANSPORT") == "fake":
        ignored = "IONQ_TRANSPORT=fake makes clients ignore"
        if url:
            yield WARNING, f"{ignored} IONQ_API_URL", "unset IONQ_TRANSPORT"
        if environment.get("IONQ_API_KEY"):
            mend = "unset IONQ_TRANSPORT # to use the service"
            yield WARNING, f"{ignored} IONQ_API_KEY: no job reaches IonQ", mend
    elif url and _host(url) != _REAL_HOST and not environment.get("IONQ_API_KEY"):
        text = "IONQ_API_URL is set, and IONQ_API_KEY is not: clients need a key, or ~/.ionq"
        yield WARNING, text, "export IONQ_API_KEY=any-key"


def _of_address(environment: Mapping[str, str], url: str) -> Iterator[tuple[str, str, str]]:
    host, allowed = _host(url), environment.get("IONQ_ALLOW_HTTP", "")
    local = host in {"localhost", "::1"} or host.startswith("127.")
    if url.startswith("http://") and not local and host not in re.split(r"[,\s]+", allowed):
        text = f"clients refuse to send a key to {host} without TLS"
        yield WRONG, text, f"export IONQ_ALLOW_HTTP={host}"
    if allowed and not url.startswith("http://"):
        text = "IONQ_ALLOW_HTTP is set, and IONQ_API_URL is no address with http://"
        yield WARNING, text, "unset IONQ_ALLOW_HTTP"
    if url and "/v0." not in url:
        text = f"IONQ_API_URL={url} does not end with the version of the API"
        yield WRONG, text, f"export IONQ_API_URL={url.rstrip('/')}/v0.4"


def _of_proxies(environment: Mapping[str, str], url: str) -> Iterator[tuple[str, str, str]]:
    host = _host(url)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        if environment.get(name) and url.startswith("http://") and not _bypassed(host, environment):
            text = f"{name} is set: clients may ask the proxy for {host}"
            yield WARNING, text, f"export NO_PROXY={host}"
            return


def _unread(environment: Mapping[str, str], _url: str) -> Iterator[tuple[str, str, str]]:
    known = known_variables()
    for name in sorted(environment):
        if name.startswith("IONQ_FAKE_") and known and name not in known:
            near = get_close_matches(name, known, n=1)
            mend = f"unset {name}" + (f", or rename it to {near[0]}" if near else "")
            yield WARNING, f"no option reads {name}", mend


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _bypassed(host: str, environment: Mapping[str, str]) -> bool:
    proxies = {"no": environment.get("no_proxy") or environment.get("NO_PROXY") or ""}
    return bool(urllib.request.proxy_bypass_environment(host, proxies))  # type: ignore[attr-defined]


def known_variables() -> set[str]:
    """Return the variables that options read; empty if the extra is not installed."""
    from ionq_toolkit_fake.cli import main  # noqa: PLC0415 - which imports this module

    context = click.Context(main)
    found = set(SHARED.values())
    try:
        todo = [main.get_command(context, name) for name in main.list_commands(context)]
    except SystemExit:
        return set()
    while todo:
        command = todo.pop()
        assert command is not None, "it is listed"  # noqa: S101
        found.update(str(one.envvar) for one in command.params if one.envvar)
        if isinstance(command, click.Group):
            todo.extend(command.commands.values())
    return found


def _server(url: str, token: str | None, port: int, *, expected: bool) -> Iterator[Finding]:
    try:
        remote = Remote(url, token)
        found = remote.control("GET", "status")
    except click.BadParameter as error:
        yield Finding("server", WRONG, error.message, f"export IONQ_FAKE_URL={DEFAULT_URL}")
        return
    except CommandError as error:
        if error.exit_code == NOT_REACHED and not expected:
            yield from _port(port)
            return
        reason, _, mend = error.message.rpartition(": ")
        yield Finding("server", WRONG, reason or error.message, mend)
        return
    yield Finding("server", OK, f"{remote.url} is ionq-toolkit {found['version']}")
    if not remote.url.endswith(f":{port}"):
        yield from _port(port)
    if found["version"] != _version("ionq-toolkit"):
        have = f"this command is ionq-toolkit {_version('ionq-toolkit')}"
        yield Finding("server", WARNING, have, f"pip install ionq-toolkit=={found['version']}")
    yield from _key(remote, found)
    yield from _clock(found["clock"])


def _key(remote: Remote, found: Mapping[str, Any]) -> Iterator[Finding]:
    """Check the key that clients send, if they send it to this server."""
    key = os.environ.get("IONQ_API_KEY", "")
    client_url = os.environ.get("IONQ_API_URL", "")
    if client_url.rstrip("/").removesuffix("/v0.4") != remote.url:
        mend = f"export IONQ_API_URL={remote.url}/v0.4"
        text = "clients do not use this server: IONQ_API_URL is " + (client_url or "not set")
        yield Finding("client", WARNING, text, mend)
        return
    if found["takes_every_key"]:
        yield Finding("key", OK, "the server accepts every key")
        return
    mend = "export IONQ_API_KEY=... # one of the keys that serve was given"
    if not key:
        yield Finding(
            "key", WRONG, "the server accepts named keys, and IONQ_API_KEY is empty", mend
        )
        return
    try:
        remote.api("GET", "/whoami", key)
    except CommandError:
        yield Finding("key", WRONG, "the server does not accept the key in IONQ_API_KEY", mend)
    else:
        yield Finding("key", OK, "the server accepts the key in IONQ_API_KEY")


def _clock(found: Mapping[str, Any]) -> Iterator[Finding]:
    from datetime import datetime  # noqa: PLC0415

    clock = importlib.import_module("ionq_toolkit_fake.clock")
    if found["clock"] != "real":
        yield Finding("clock", OK, f"the server's clock is {found['clock']}")
        return
    ours = clock.SystemClock().now()
    skew = (datetime.fromisoformat(found["now"]) - ours).total_seconds()
    if abs(skew) > _MOST_SKEW_S:
        text = f"the server's clock is {abs(skew):,.0f} s {'ahead' if skew > 0 else 'behind'}"
        yield Finding("clock", WRONG, text, "timedatectl set-ntp true # on both computers")
    else:
        yield Finding("clock", OK, "the server's clock agrees with this computer's")


def _port(port: int) -> Iterator[Finding]:
    with socket.socket() as one:
        if os.name != "nt":  # as the server does: a port of connections that ended is free
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError as error:
            text = f"port {port} cannot be listened on: {error.strerror or error}"
            yield Finding("port", WRONG, text, "ionq-fake serve --port 0 # takes a free one")
        else:
            yield Finding("port", OK, f"port {port} is free")


def _state(file: Path) -> Iterator[Finding]:
    sqlite = importlib.import_module("ionq_toolkit_fake.store.sqlite")
    base = importlib.import_module("ionq_toolkit_fake.store.base")
    if not file.exists():
        folder = file.absolute().parent
        if folder.is_dir() and os.access(folder, os.W_OK):
            yield Finding("state", OK, f"{file} does not exist: serve makes it")
        else:
            text = f"{folder} is not a folder that can be written"
            yield Finding("state", WRONG, text, f"mkdir -p {folder}")
        return
    try:
        sqlite.SqliteStore(file).close()
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (damage,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        yield Finding("state", WRONG, f"{file} is damaged ({error})", "restore a snapshot")
    except base.StateError as error:
        reason, _, mend = str(error).rpartition(": ")
        yield Finding("state", WRONG, reason or str(error), mend)
    else:
        good = damage == "ok"
        text = f"{file} can be used" if good else f"{file} is damaged ({damage})"
        yield Finding("state", OK if good else WRONG, text, "" if good else "restore a snapshot")


def _memory() -> Iterator[Finding]:
    limits = importlib.import_module("ionq_toolkit_fake.simulation.limits")
    workers = min(4, os.cpu_count() or 1)
    share = limits.share(workers)
    text = f"{share:.1f} GiB for each of {workers} workers"
    if share < _LEAST_GIBIBYTES:
        yield Finding("memory", WRONG, f"only {text}", "ionq-fake serve --workers 1")
    else:
        yield Finding("memory", OK, text)


def _worker() -> Iterator[Finding]:
    """Simulate a circuit in a worker process, as serve does."""
    executors = importlib.import_module("ionq_toolkit_fake.simulation.executors")
    program = importlib.import_module("ionq_toolkit_fake.simulation.program")
    pool = executors.ProcessExecutor(1)
    try:
        with output.waiting("simulating a circuit in a worker process"):
            task = program.Task(program.Program(1, ()), seed=0)
            pool.submit(executors.simulate, task).result(_WORKER_TIMEOUT_S)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from working is the finding
        text = f"a worker process does not simulate: {type(error).__name__}: {error}"
        yield Finding("workers", WRONG, text, "ionq-fake serve --workers 1 --job-memory 2")
    else:
        yield Finding("workers", OK, "a worker process simulates")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
