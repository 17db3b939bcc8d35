"""`ionq-toolkit run`: run an OpenQASM 2 or 3 file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from qiskit import generate_preset_pass_manager
from qiskit.transpiler.exceptions import TranspilerError

from ionq_toolkit.cli.common import errors, fitting, load, refuse_nan, write
from ionq_toolkit.events import Retried
from ionq_toolkit.provider import TRANSPORT_VARIABLE, IonQProvider
from ionq_toolkit.transport.in_process import new_fake

if TYPE_CHECKING:
    from collections.abc import Callable

    from qiskit.providers.jobstatus import JobStatus

    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.events import Event
    from ionq_toolkit.job.job import IonQJob


def _check_transport(_context: click.Context, _option: click.Parameter, value: str) -> str:
    name, colon, file = value.partition(":")
    if name.lower() not in {"fake", "http"} or (colon and (name.lower() == "http" or not file)):
        raise click.BadParameter(f"{value!r} is not one of fake, fake:FILE, http.")
    return f"{name.lower()}{colon}{file}"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--transport",
    metavar="[fake|fake:FILE|http]",
    callback=_check_transport,
    default="fake",
    envvar=TRANSPORT_VARIABLE,
    show_default="fake; http with --account or --url",
    show_envvar=True,
    help="fake: a cloud in this process, or in FILE. http: the service, with the key in "
    "IONQ_API_KEY.",
)
@click.option("--account", help="http: a saved account, whose key to use.", metavar="NAME")
@click.option("--url", help="http: the base URL of the API, if not the one of IONQ_API_URL.")
@click.option("--backend", default="ionq_simulator", show_default=True, help="Where to run.")
@click.option("--shots", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="Fix the counts drawn for a simulation.")
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    callback=refuse_nan,
    help="Seconds to submit, wait and fetch the counts; for ever if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON and nothing else.")
@click.pass_context
def run(  # noqa: PLR0917 - click passes them by name
    context: click.Context,
    file: Path,
    transport: str,
    account: str | None,
    url: str | None,
    backend: str,
    shots: int,
    seed: int | None,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Run the OpenQASM 2 or 3 program in FILE and print its counts.

    The job's statuses are shown on standard error as they change, the counts on standard output.
    Ctrl-C ends the waiting, not the job.

    For example:

    \b
        ionq-toolkit run bell.qasm
        ionq-toolkit run bell.qasm --shots 100 --seed 1 --json
        ionq-toolkit run bell.qasm --url http://127.0.0.1:8080/v0.4
    """  # noqa: D301 - the backspace keeps the lines apart
    if (account or url) and transport.startswith("fake"):
        if context.get_parameter_source("transport") is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--transport {transport} has no --account and no --url.")
        transport = "http"
    circuit = load(file)

    def note(text: str) -> None:
        if not as_json:
            click.echo(text, err=True)

    try:
        with errors(), _provider(transport, account, url, seed, note) as provider:
            deadline = provider.service.deadline(timeout)
            target = provider.get_backend(backend)
            circuit = generate_preset_pass_manager(1, target).run(circuit)
            note(f"{file.name}: {shots} shots on {target.name}, {_describe(transport, provider)}")
            job = target.run(
                circuit, shots=shots, seed_simulator=seed, timeout=max(0.0, deadline.left())
            )
            note(f"job {job.job_id()}")
            try:
                _watch(job, deadline, note)
                result = job.result(timeout=max(0.0, deadline.left()), progress=False)
            except KeyboardInterrupt:
                if transport != "fake":
                    click.echo(f"job {job.job_id()} goes on", err=True)
                raise
            counts = result.get_counts()
    except TranspilerError as error:
        raise click.ClickException(
            f"{file.name} cannot be run on {backend}: {error.message}"
        ) from error
    write(json.dumps(counts) if as_json else fitting(counts))


def _provider(
    transport: str,
    account: str | None,
    url: str | None,
    seed: int | None,
    note: Callable[[str], None],
) -> IonQProvider:
    def show(event: Event) -> None:
        if isinstance(event, Retried):
            note(f"  {event.reason}: trying again in {event.seconds:.1f} s")

    if transport != "fake":
        return IonQProvider(account=account, url=url, transport=transport, seed=seed, on_event=show)
    # A cloud of its own, whose jobs show each of their statuses once.
    transitions = {step: {"polls": 1} for step in ("ready", "started", "finished")}
    try:
        return IonQProvider(transport=new_fake(seed=seed, transitions=transitions), seed=seed)
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from error


def _describe(transport: str, provider: IonQProvider) -> str:
    return "local fake" if transport.startswith("fake") else provider.client.url


def _watch(job: IonQJob, deadline: Deadline, note: Callable[[str], None]) -> None:
    """Wait for the job, and print each new status once."""
    shown: JobStatus | None = None

    def show(_job_id: str, status: JobStatus, _job: IonQJob) -> None:
        nonlocal shown
        if status is not shown:
            note(f"  {status.name:<13} {status.value}")
            shown = status

    left = max(0.0, deadline.left())
    job.wait_for_final_state(timeout=left, callback=show, progress=False)
