"""The command `ionq-toolkit`: run an OpenQASM 2 or 3 file."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from qiskit import generate_preset_pass_manager, qasm3
from qiskit.exceptions import MissingOptionalLibraryError
from qiskit.transpiler.exceptions import TranspilerError

from ionq_toolkit.circuits import qasm2
from ionq_toolkit.errors import IonQError
from ionq_toolkit.events import Retried
from ionq_toolkit.job.recovery import SETTLED_S, UNKNOWN
from ionq_toolkit.provider import TRANSPORT_VARIABLE, IonQProvider
from ionq_toolkit.transport.in_process import new_fake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qiskit import QuantumCircuit
    from qiskit.providers.jobstatus import JobStatus

    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.events import Event
    from ionq_toolkit.job.job import IonQJob

#: Maximum of outcomes in a histogram.
_MOST_ROWS = 32


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ionq-toolkit")
def main() -> None:
    """Run circuits on the IonQ Quantum Cloud, or on a local fake of it."""


def _refuse_nan(
    _context: click.Context, _option: click.Parameter, value: float | None
) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number of seconds")
    return value


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--transport",
    type=click.Choice(["fake", "http"], case_sensitive=False),
    default="fake",
    envvar=TRANSPORT_VARIABLE,
    show_default=True,
    show_envvar=True,
    help="fake: a cloud in this process. http: the real service, with the key in IONQ_API_KEY.",
)
@click.option("--account", help="http: a saved account, whose key to use.", metavar="NAME")
@click.option("--backend", default="ionq_simulator", show_default=True, help="Where to run.")
@click.option("--shots", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="Fix the counts drawn for a simulation.")
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    callback=_refuse_nan,
    help="Seconds to submit, wait and fetch the counts; for ever if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON and nothing else.")
def run(  # noqa: PLR0917 - click passes them by name
    file: Path,
    transport: str,
    account: str | None,
    backend: str,
    shots: int,
    seed: int | None,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Run the OpenQASM 2 or 3 program in FILE and print its counts.

    The job's statuses are shown on standard error as they change, the counts on standard output.
    """
    circuit = _load(file)

    def note(text: str) -> None:
        if not as_json:
            click.echo(text, err=True)

    try:
        with _provider(transport, account, seed, note) as provider:
            deadline = provider.service.deadline(timeout)
            target = provider.get_backend(backend)
            circuit = generate_preset_pass_manager(1, target).run(circuit)
            note(f"{file.name}: {shots} shots on {target.name}, {_describe(transport, provider)}")
            job = target.run(
                circuit, shots=shots, seed_simulator=seed, timeout=max(0.0, deadline.left())
            )
            note(f"job {job.job_id()}")
            _watch(job, deadline, note)
            counts = job.result(timeout=max(0.0, deadline.left()), progress=False).get_counts()
    except IonQError as error:
        raise click.ClickException(str(error)) from error
    except TranspilerError as error:
        raise click.ClickException(
            f"{file.name} cannot be run on {backend}: {error.message}"
        ) from error
    _print(json.dumps(counts) if as_json else _fitting(counts))


@main.command()
@click.argument("journal", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help="The base URL of the API, if not the one of IONQ_API_URL.")
@click.option(
    "--settled",
    "settled_s",
    type=click.FloatRange(0),
    default=SETTLED_S,
    show_default=True,
    callback=_refuse_nan,
    help="Seconds after which a job that no list shows will not appear any more.",
)
@click.option(
    "--timeout", type=click.FloatRange(0), callback=_refuse_nan, help="Seconds for everything."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each submission.")
def recover(
    journal: Path, url: str | None, settled_s: float, timeout: float | None, as_json: bool
) -> None:
    """Finish the submissions that killed processes left in JOURNAL.

    Prints the tag of each, and adopted with the id of its job, not sent, or unknown. Exits with 3
    if one is unknown.
    """
    try:
        with IonQProvider(url=url, transport="http", journal=journal) as provider:
            found = provider.recover(settled_s=settled_s, timeout=timeout)
    except (IonQError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    for one in found:
        told = {"tag": one.tag, "outcome": one.outcome, "job_id": one.job_id, "reason": one.reason}
        words = " ".join(filter(None, (one.tag, one.outcome, one.job_id, one.reason)))
        _print(json.dumps(told) if as_json else words)
    if any(one.outcome == UNKNOWN for one in found):
        sys.exit(3)


def _provider(
    transport: str, account: str | None, seed: int | None, note: Callable[[str], None]
) -> IonQProvider:
    def show(event: Event) -> None:
        if isinstance(event, Retried):
            note(f"  {event.reason}: trying again in {event.seconds:.1f} s")

    if transport != "fake":
        return IonQProvider(account=account, transport=transport, seed=seed, on_event=show)
    # A cloud of its own, whose jobs show each of their statuses once.
    transitions = {step: {"polls": 1} for step in ("ready", "started", "finished")}
    try:
        return IonQProvider(transport=new_fake(seed=seed, transitions=transitions), seed=seed)
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from error


def _describe(transport: str, provider: IonQProvider) -> str:
    return "local fake" if transport == "fake" else provider.client.url


def _load(file: Path) -> QuantumCircuit:
    try:
        text = file.read_text(encoding="utf-8")
        _check_version(text)
        circuit = qasm2.loads(text, file.parent) if qasm2.is_qasm2(text) else qasm3.loads(text)
    except MissingOptionalLibraryError as error:
        raise click.ClickException(
            "Reading OpenQASM 3 needs another package: pip install 'ionq-toolkit[qasm3]'"
        ) from error
    except Exception as error:
        # The parser's own error has no message; the str of one of Qiskit's has quotes around it.
        reason = getattr(error, "message", str(error)) or "it is not valid OpenQASM 3"
        raise click.ClickException(f"{file} cannot be read: {reason}") from error
    circuit.name = file.stem
    return circuit


def _check_version(text: str) -> None:
    if not text.strip():
        raise ValueError("it is empty")
    version = re.search(r"\bOPENQASM\s+([\d.]+)", qasm2.without_comments(text))
    if version is not None and not version[1].startswith(("2", "3")):
        raise ValueError(f"it is OpenQASM {version[1]}, and OpenQASM 2 or 3 is needed")


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


def _print(text: str) -> None:
    try:
        click.echo(text)
    except OSError as error:
        raise click.ClickException(f"cannot write to standard output: {error}") from error


def _fitting(counts: Mapping[str, int]) -> str:
    """Return a histogram that fits the terminal."""
    room = shutil.get_terminal_size().columns - len(next(iter(counts))) - 22
    return text_histogram(counts, width=max(10, min(60, room)), bar=_bar())


def text_histogram(counts: Mapping[str, int], *, width: int = 40, bar: str = "#") -> str:
    """Return counts as a table with a bar for each outcome.

    Args:
        counts: Outcomes and their counts; not empty.
        width: The length of the longest bar, in characters.
        bar: The character of the bars.

    Returns:
        A line for each outcome, in their order as bit strings; of more than 32, the most frequent.
    """
    total, most = sum(counts.values()), max(counts.values())
    kept = sorted(sorted(counts, key=lambda key: -counts[key])[:_MOST_ROWS])
    digits = len(str(most))
    lines = [
        f"  {key}  {bar * round(width * counts[key] / most):<{width}}  "
        f"{counts[key]:>{digits}}  {counts[key] / total:6.1%}"
        for key in kept
    ]
    if len(kept) < len(counts):
        rest = total - sum(counts[key] for key in kept)
        lines.append(f"  and {len(counts) - len(kept)} more outcomes in {rest} shots")
    return "\n".join(lines)


def _bar() -> str:
    """Return a block character if standard output can encode it, else an ASCII character."""
    try:
        "\u2588".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return "#"
    return "\u2588"
