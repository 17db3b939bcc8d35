"""`ionq-fake serve`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ionq_toolkit_fake.cli.config import read_config
from ionq_toolkit_fake.clock import CLOCKS
from ionq_toolkit_fake.cloud import AS_RUN, CHARACTERIZATIONS, FakeIonQ
from ionq_toolkit_fake.facts.described import DeviceFileError
from ionq_toolkit_fake.models.agenda import Retention
from ionq_toolkit_fake.scenario import Scenario
from ionq_toolkit_fake.server import serve as serve_cloud
from ionq_toolkit_fake.server.guard import Guard, UnsafeAddressError
from ionq_toolkit_fake.server.limits import OPTIONS, ServerLimits
from ionq_toolkit_fake.server.logs import LEVELS, start_log
from ionq_toolkit_fake.server.tls import TlsFileError, tls_context
from ionq_toolkit_fake.simulation.executors import ProcessExecutor, simulate
from ionq_toolkit_fake.simulation.limits import MOST_SECONDS
from ionq_toolkit_fake.simulation.program import Program, Task
from ionq_toolkit_fake.store.base import StateError
from ionq_toolkit_fake.transitions.lifecycle import IMMEDIATELY, PREDICTED

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection

    from distributed import Client

#: The meaning of the option of each limit.
_LIMITS = {
    "connections": "How many clients may be connected; further ones get 503.",
    "requests": "How many requests may wait for the cloud; further ones get 503.",
    "body_bytes": "How many bytes the bodies of all requests may have together, while they wait; "
    "further requests get 503.",
    "path_bytes": "The longest path with its query; a longer one gets 414.",
    "head_bytes": "The longest request line with its headers; a longer one gets 400.",
    "headers": "How many headers a request may have; one with more gets 431.",
    "idle_s": "How long a connection stays open between two requests.",
    "head_s": "How long the headers of a request may take to arrive, before 408.",
    "body_s": "How long the body of a request may take to arrive, before 408.",
    "send_s": "How long a client may take nothing of its response, before it is disconnected.",
    "stop_s": "How long requests have to be finished when the server is told to stop.",
}

#: How long the scheduler of a Dask cluster has to accept a connection.
CONNECT_TIMEOUT_S = 10


def _limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each limit of a server."""
    default = ServerLimits()
    for name, what in reversed(_LIMITS.items()):
        value = getattr(default, name)
        kind = click.IntRange(1) if isinstance(value, int) else click.FloatRange(0, min_open=True)
        option = click.option(
            OPTIONS[name], name, type=kind, default=value, show_default=True, help=what
        )
        command = option(command)
    return command


for _name in ("h11", "qiskit_aer", "starlette", "uvicorn"):  # imported when they are used
    if find_spec(_name) is None:
        raise ModuleNotFoundError(name=_name)


@click.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    is_eager=True,
    callback=read_config,
    expose_value=False,
    metavar="FILE",
    help="Take options from a TOML file, such as: port = 8080. The command line and the "
    "environment go before it.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@click.option(
    "--clock",
    type=click.Choice([name for name in CLOCKS if name != "instant"]),
    default="real",
    show_default=True,
    help="The machine's time, or one that begins on 1 January 2026 and stands still until it is "
    "moved: POST /_fake/clock.",
)
@click.option(
    "--transitions",
    type=click.Choice([IMMEDIATELY, PREDICTED]),
    default=IMMEDIATELY,
    show_default=True,
    help="When jobs go on: as soon as they can, or after the time that a QPU predicts.",
)
@click.option("--seed", type=int, help="Seed everything random, such as job ids.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=min(4, os.cpu_count() or 1),
    show_default="the number of processors, at most 4",
    help="How many circuits are simulated at the same time, each in a process of its own.",
)
@click.option(
    "--job-memory",
    "gibibytes",
    type=click.FloatRange(0, min_open=True),
    show_default="an equal share of what is free",
    help="How much memory each of these processes may take, in GiB.",
)
@click.option(
    "--job-seconds",
    "seconds",
    type=click.FloatRange(0, min_open=True),
    default=MOST_SECONDS,
    show_default=True,
    help="How long one simulation may compute, on each of its processors.",
)
@click.option(
    "--dask",
    "scheduler",
    metavar="ADDRESS",
    help="Simulate on a Dask cluster, whose scheduler listens at ADDRESS "
    "(tcp://127.0.0.1:8786), instead of in processes of this computer.",
)
@click.option(
    "--scenario",
    metavar="NAME",
    help="The settings of the cloud: a ready-made scenario (see: ionq-fake scenarios), a TOML "
    "file, or a token. Seed and clock given here go before its own.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False),
    help="Keep everything in this file, and begin with it if it exists.",
)
@click.option(
    "--keep-jobs",
    metavar="NUMBER",
    type=click.IntRange(0),
    show_default=f"{Retention().jobs}",
    help="The most final jobs that are kept; then those that ended first are deleted.",
)
@click.option(
    "--keep-days",
    metavar="DAYS",
    type=click.FloatRange(0, 10**6),
    show_default="for ever",
    help="How long final jobs are kept.",
)
@click.option(
    "--status",
    "statuses",
    metavar="BACKEND=STATUS",
    multiple=True,
    help="The status of a backend, such as qpu.aria-1=available; may be repeated.",
)
@click.option(
    "--characterization",
    type=click.Choice(CHARACTERIZATIONS),
    default=AS_RUN,
    show_default=True,
    help="How good QPUs are: losing signal as jobs on them did, or as they are characterized.",
)
@click.option(
    "--session-capacity",
    metavar="N",
    type=click.IntRange(0),
    show_default="any number",
    help="How many sessions a QPU has room for at a time; beyond, POST /sessions is answered 409.",
)
@click.option(
    "--devices",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="QPUs beside IonQ's, described in a TOML file.",
)
@click.option(
    "--api-key",
    "api_keys",
    metavar="KEY",
    multiple=True,
    help="Take this API key and no other; may be repeated, in the environment as words.",
)
@click.option(
    "--keys",
    "key_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the keys of a file and no others: one a line, each with its project if several "
    "share one; sha256: and a digest stand for a key.",
)
@click.option(
    "--token",
    metavar="TOKEN",
    help="The token of the routes below /_fake, where --host is not loopback; drawn and printed "
    "if it is not given.",
)
@click.option(
    "--allow-host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="A further name by which clients may call the server; may be repeated.",
)
@click.option(
    "--insecure", is_flag=True, help="Take every API key, also from other machines: see --host."
)
@_limit_options
@click.option(
    "--tls-cert",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Serve https with the certificate in this PEM file.",
)
@click.option(
    "--tls-key",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The key of the certificate, if its file does not have it.",
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="warning",
    show_default=True,
    help="The least important lines of the log on standard error; info has one for each request.",
)
@click.pass_context
def serve(  # noqa: PLR0917 - click passes them by name
    context: click.Context,
    /,
    host: str,
    port: int,
    clock: str,
    transitions: str,
    seed: int | None,
    workers: int,
    gibibytes: float | None,
    seconds: float,
    scheduler: str | None,
    scenario: str | None,
    state: str | None,
    keep_jobs: int | None,
    keep_days: float | None,
    statuses: tuple[str, ...],
    characterization: str,
    session_capacity: int | None,
    devices: str | None,
    api_keys: tuple[str, ...],
    key_file: Path | None,
    token: str | None,
    hosts: tuple[str, ...],
    insecure: bool,
    tls_cert: str | None,
    tls_key: str | None,
    log_level: str,
    **limits: float,
) -> None:
    """Serve a cloud until Ctrl-C: a new, empty one, or that of --state.

    The first line printed is the base URL to give to a client, as
    "ionq-fake listening on URL", the second the address of the console, a page that shows the jobs
    and changes the cloud. Any API key is taken, unless keys are given. The routes that
    change the cloud are below /_fake: GET /_fake lists them. Where other machines can reach the
    server, it needs keys (or --insecure), and those routes a token.

    For example:

    \b
        ionq-fake serve
        ionq-fake serve --port 0 --state lab.db --scenario busy-queue
        ionq-fake serve --config fake.toml --clock virtual
    """  # noqa: D301 - the backspace keeps the lines apart
    gc.disable()  # until it listens: the jobs of a state stay, and would be visited again and again
    context.call_on_close(gc.enable)
    like = None if scenario is None else _scenario(context, scenario)
    keys = _keys(api_keys, key_file)
    kept = {} if like is None else like.retention
    retention = Retention.of({**kept, **_given(jobs=keep_jobs, days=keep_days)})
    context.call_on_close(start_log(log_level))
    tls = _tls(tls_cert, tls_key)
    guard = Guard(host, hosts=hosts, token=token, scheme="http" if tls is None else "https")
    client = None if scheduler is None else _cluster(scheduler)
    simulations = (
        ProcessExecutor(workers, gibibytes=gibibytes, seconds=seconds)
        if client is None
        else client.get_executor(pure=False)
    )
    try:
        if like is not None:
            if _is_default(context, "clock") and like.clock != "instant":
                clock = like.clock
            changed = _given(
                keys=keys,
                devices=devices,
                session_capacity=session_capacity,
                characterization=None
                if _is_default(context, "characterization")
                else characterization,
            )
            like = replace(like, **changed)
            cloud = like.cloud(
                seed, clock=clock, executor=simulations, state=state, retention=retention
            )
        else:
            cloud = FakeIonQ(
                seed,
                clock=clock,
                executor=simulations,
                keys=keys,
                transitions=transitions if not _is_default(context, "transitions") else None,
                statuses=dict(_pair(text) for text in statuses) or None,
                characterization=characterization,
                session_capacity=session_capacity,
                state=state,
                devices=devices,
                retention=retention,
            )
    except StateError as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        hint = "--devices" if isinstance(error, DeviceFileError) else "--status"
        raise click.BadParameter(str(error), param_hint=hint) from error
    try:
        guard.check_cloud(cloud, insecure=insecure)
    except UnsafeAddressError as error:
        raise click.BadParameter(str(error), param_hint="--host") from error
    # So that the first job need not wait for Aer:
    simulations.submit(simulate, Task(Program(1, ()), seed=0))
    if guard.token is not None:
        click.echo(f"Warning: {host} can be reached from other machines.", err=True)
        if token is None:
            click.echo(f"Token of /_fake: {guard.token}", err=True)
    try:
        asyncio.run(_serve(cloud, host, port, guard, _limits(limits), tls))
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host}:{port}: {error.strerror or error}. "
            "Choose another --host or --port; --port 0 takes a free one."
        ) from error
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # it is ending already
        simulations.shutdown(wait=False)  # Dask's takes no cancel_futures
        if client is not None:
            client.close()
        cloud.close()
    click.echo("ionq-fake stopped", err=True)


async def _serve(  # noqa: PLR0917 - as above
    cloud: FakeIonQ,
    host: str,
    port: int,
    guard: Guard,
    limits: ServerLimits,
    tls: ssl.SSLContext | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels this coroutine
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    with contextlib.suppress(asyncio.CancelledError):
        await serve_cloud(
            lambda: cloud,
            host,
            port,
            stop=stop,
            on_listening=_announce,
            guard=guard,
            limits=limits,
            tls=tls,
        )


def _tls(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise click.UsageError("--tls-key belongs to --tls-cert: give both.")
        return None
    try:
        return tls_context(certificate, key)
    except TlsFileError as error:
        raise click.BadParameter(str(error), param_hint="--tls-cert") from error


def _limits(given: dict[str, float]) -> ServerLimits:
    return ServerLimits(**given)  # type: ignore[arg-type]  # each option has the type of its limit


def _scenario(context: click.Context, text: str) -> Scenario:
    others = ("transitions", "statuses")
    if not all(_is_default(context, name) for name in others):
        raise click.UsageError("--scenario says it all: leave --transitions and --status out.")
    try:
        return Scenario.of(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--scenario") from error


def _given(**options: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def _is_default(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.DEFAULT


def _cluster(address: str) -> Client:
    try:
        import distributed  # noqa: PLC0415 - not a dependency, and slow to import
        from distributed.comm import resolve_address  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise click.ClickException(
            "--dask needs another package: pip install distributed"
        ) from error
    try:
        resolve_address(address)  # a client for an invalid address never ends
        return distributed.Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{address}: {error}", param_hint="--dask") from error


def _keys(given: Collection[str], file: Path | None) -> dict[str, str] | None:
    """Return the keys and their projects, or None if every key is taken."""
    keys = {key: f"project {number}" for number, key in enumerate(given, 1)}
    if file is not None:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            key, _, project = line.partition("#")[0].strip().partition(" ")
            if key:
                keys[key] = project.strip() or f"{file.name}:{number}"
        if not keys:
            raise click.BadParameter(f"{file} has no key", param_hint="--keys")
    return keys or None


def _pair(text: str) -> tuple[str, str]:
    name, separator, status = text.partition("=")
    if not separator:
        raise ValueError(f"{text!r} is not BACKEND=STATUS")
    return name, status


def _announce(url: str) -> None:
    gc.enable()
    try:
        click.echo(f"ionq-fake listening on {url}")  # flushed
        click.echo(f"console: {url.removesuffix('/v0.4')}/")
    except OSError as error:
        raise click.ClickException(f"cannot write to standard output: {error}") from error
