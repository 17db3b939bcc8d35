"""`ionq-fake jobs` and `ionq-fake submit`."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from ionq_toolkit_fake.cli import output
from ionq_toolkit_fake.cli.options import as_json, on_server
from ionq_toolkit_fake.cli.remote import NOT_FOUND, NOT_REACHED, REFUSED, CommandError
from ionq_toolkit_fake.clock import SystemClock

if TYPE_CHECKING:
    from typing import TextIO

    from ionq_toolkit_fake.cli.remote import Remote

#: The statuses of a job, and those that do not change any more.
_FINAL = ("completed", "failed", "canceled")
_STATUSES = ("submitted", "ready", "started", *_FINAL)

#: Seconds between two polls, the first and the last, and the polls in a row that may fail.
_FIRST_PAUSE_S, _LAST_PAUSE_S, _MOST_FAILURES = 0.1, 2.0, 10

#: The most child jobs that are shown.
_MOST_CHILDREN = 20

#: HTTP statuses: created, and those after which the same request may succeed.
_CREATED, _TEMPORARY = 201, frozenset({429, 500, 502, 503, 504, 520, 522, 524})


@click.group()
def jobs() -> None:
    """List, show, cancel and delete the jobs of a server, of all API keys.

    For example:

    \b
        ionq-fake jobs list --status completed
        ionq-fake jobs show
    """  # noqa: D301 - the backspace keeps the lines apart


@jobs.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=25, show_default=True)
@click.option("--status", type=click.Choice(_STATUSES), help="Only jobs with this status.")
@click.option("--backend", metavar="NAME", help="Only jobs on this backend: simulator, ...")
@click.option("--next", "first", metavar="JOB", help="Begin with this job: the next page.")
@as_json
@on_server
def list_jobs(  # noqa: PLR0917 - click passes them by name
    remote: Remote,
    limit: int,
    status: str | None,
    backend: str | None,
    first: str | None,
    as_json: bool,
) -> None:
    """List jobs, the newest first. Child jobs are not listed.

    For example:

    \b
        ionq-fake jobs list
        ionq-fake jobs list --backend simulator --limit 5 --json
    """  # noqa: D301
    query = {"limit": limit, "status": status, "backend": backend, "next": first}
    found = remote.control("GET", "jobs", query=query)
    if as_json:
        output.print_json({"jobs": found["jobs"], "next": found["next"]})
        return
    if not found["jobs"]:
        output.note("no jobs: ionq-fake submit FILE submits one")
        return
    # A terminal is narrow: of today's jobs it has the time, of others the day.
    short, newest = sys.stdout.isatty(), found["jobs"][0]["submitted_at"]
    rows = [
        (
            one["id"],
            one["status"] + (" (held)" if one["held"] else ""),
            one["backend"],
            one["shots"],
            one["submitted_at"] if not short else _short(one["submitted_at"], newest),
            one["name"],
        )
        for one in found["jobs"]
    ]
    columns = ("id", "status", "backend", "shots", "time", "name")
    output.print_table(columns, rows, numeric=("shots",), fold=("backend", "name"))
    if found["next"] is not None:
        output.note(f"more jobs: --next {found['next']}")


def _short(moment: str, newest: str) -> str:
    return moment[11:16] if moment[:10] == newest[:10] else moment[5:10]


@jobs.command()
@click.argument("job_id", metavar="[JOB]", required=False)
@click.option(
    "--outcomes",
    type=click.IntRange(1, 1000),
    default=32,
    show_default=True,
    help="The most outcomes of the histogram.",
)
@as_json
@on_server
def show(remote: Remote, job_id: str | None, outcomes: int, as_json: bool) -> None:
    """Show JOB, or the newest job: its record and its histogram.

    This does not count as a poll. Outcomes have qubit 0 last.

    For example:

    \b
        ionq-fake jobs show
        ionq-fake jobs show $JOB --json
    """  # noqa: D301
    if job_id is None:
        newest = remote.control("GET", "jobs", query={"limit": 1})["jobs"]
        if not newest:
            raise CommandError("the server has no jobs: ionq-fake submit FILE", NOT_FOUND)
        job_id = newest[0]["id"]
    found = remote.control("GET", "jobs", str(job_id), "record", query={"outcomes": outcomes})
    if as_json:
        output.print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    record = found["record"]
    names = ("id", "name", "status", "backend", "type", "shots", "session_id", "parent_job_id")
    pairs = {name: record.get(name) for name in names}
    failure = record.get("failure") or {}
    pairs["failure"] = ": ".join(filter(None, (failure.get("code"), failure.get("message"))))
    for name in ("submitted_at", "started_at", "completed_at"):
        pairs[name] = (record.get(name) or "").replace("T", " ").removesuffix("Z")
    pairs["metadata"] = json.dumps(record["metadata"]) if record.get("metadata") else None
    children = record.get("child_job_ids") or []
    pairs["child jobs"] = len(children) or None
    output.print_pairs(pairs)
    for child in children[:_MOST_CHILDREN]:
        click.echo(f"  {child}")
    if len(children) > _MOST_CHILDREN:
        click.echo(f"  and {len(children) - _MOST_CHILDREN} more: --json has them all")
    if found["outcomes"]:
        click.echo()
        output.print_histogram(found["outcomes"], found["outcome_count"])


@jobs.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True)
@as_json
@on_server
def cancel(remote: Remote, job_ids: tuple[str, ...], as_json: bool) -> None:
    """Cancel each JOB. A final job is not canceled.

    For example:

    \b
        ionq-fake jobs cancel $OPEN_JOB
    """  # noqa: D301
    _change(remote, job_ids, "POST", "canceled", as_json)


@jobs.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True)
@as_json
@on_server
def delete(remote: Remote, job_ids: tuple[str, ...], as_json: bool) -> None:
    """Delete each JOB with its child jobs. Requests for it get 404 from then on.

    For example:

    \b
        ionq-fake jobs delete $JOB
    """  # noqa: D301
    _change(remote, job_ids, "DELETE", "deleted", as_json)


def _change(
    remote: Remote, job_ids: tuple[str, ...], method: str, done: str, as_json: bool
) -> None:
    """Change jobs, or none of them if one does not exist."""
    for job_id in job_ids:
        remote.control("GET", "jobs", job_id)
    for job_id in job_ids:
        remote.control(method, "jobs", job_id, body={"end": done} if method == "POST" else None)
        if not as_json:
            click.echo(f"{job_id} {done}")
    if as_json:
        output.print_json({"ids": list(job_ids), "status": done})


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
@click.option("--backend", metavar="NAME", help="simulator (the default), qpu.forte-1, ...")
@click.option("--shots", type=click.IntRange(1), help="100 if neither this nor FILE says it.")
@click.option("--name", metavar="NAME", help="The name of the job.")
@click.option("--noise", metavar="MODEL", help="The noise model of the simulator: aria-1, ...")
@click.option("--wait", is_flag=True, help="Wait for the end, and show the job.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="How long to wait; without it for ever.",
)
@click.option(
    "--key",
    metavar="KEY",
    default="ionq-fake",
    help="The API key, whose project the job belongs to. Other users of this computer can read a "
    "command line: the variable hides it from them.",
)
@as_json
@on_server
def submit(  # noqa: PLR0917 - click passes them by name
    remote: Remote,
    file: TextIO,
    backend: str | None,
    shots: int | None,
    name: str | None,
    noise: str | None,
    wait: bool,
    timeout: float | None,
    key: str,
    as_json: bool,
) -> None:
    """Submit the circuit in FILE, or of standard input, and print the id of its job.

    FILE is OpenQASM 2 or 3, or JSON: the body of a job, its input, or a list of gates. With --wait,
    the command exits with 1 if the job does not complete. Ctrl-C ends the waiting, not the job.

    For example:

    \b
        ionq-fake submit bell.qasm --shots 1000 --wait
        ionq-fake submit bell.json --backend qpu.forte-1 --name bell --json
        ionq-fake submit < bell.qasm
    """  # noqa: D301
    if timeout is not None and not wait:
        raise click.UsageError("--timeout is for --wait: give both.")
    body = _read(file)
    given = {"backend": backend, "shots": shots, "name": name}
    body.update({field: value for field, value in given.items() if value is not None})
    if noise is not None:
        body["noise"] = {"model": noise}
    if "backend" not in body and "target" not in body:
        body["backend"] = "simulator"
    status, accepted = remote.api("POST", "/jobs", key, body)
    if status != _CREATED:
        raise CommandError(f"{status} {accepted.get('error')}: {accepted.get('message')}")
    job_id = str(accepted["id"])
    if not wait:
        if as_json:
            output.print_json({"id": job_id, "status": accepted["status"]})
        else:
            click.echo(job_id)
        return
    try:
        ended = _wait(remote, job_id, key, timeout)
    except KeyboardInterrupt:
        output.note(f"job {job_id} goes on: ionq-fake jobs show {job_id}")
        raise
    found = remote.control("GET", "jobs", job_id, "record")
    if as_json:
        output.print_json(found)
    else:
        _show(found)
    if ended != "completed":
        raise CommandError(f"job {job_id} is {ended}")


def _read(file: TextIO) -> dict[str, Any]:
    try:
        return job_body(file.read())
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file.name} is not text", param_hint="FILE") from None
    except ValueError as error:
        raise click.BadParameter(f"{file.name}: {error}", param_hint="FILE") from None


def job_body(text: str) -> dict[str, Any]:
    """Return the body of POST /jobs for a circuit.

    Args:
        text: OpenQASM 2 or 3, the JSON body of a job, the JSON of its input, or a list of gates.

    Raises:
        ValueError: It is not one of them.
    """
    if not text.strip():
        raise ValueError("it is empty")
    code = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL).lstrip("\ufeff \t\r\n")
    version = re.match(r"OPENQASM\s+(\d+)", code)
    if version is not None or code.startswith("include"):
        if version is None or version[1] == "3":
            return {"type": "ionq.qasm3.v1", "input": {"data": text}}
        if version[1] != "2":
            raise ValueError(f"it is OpenQASM {version[1]}, and OpenQASM 2 or 3 is needed")
        return {"type": "ionq.qasm3.v1", "input": {"data": _as_qasm3(text)}}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"it is neither OpenQASM, which begins with OPENQASM 2 or 3, nor JSON ({error})"
        ) from None
    if isinstance(found, dict) and "input" in found:
        return {"type": "ionq.circuit.v1", **found}
    if isinstance(found, list):
        found = {"circuit": found}
    if not isinstance(found, dict) or not {"circuit", "circuits"} & set(found):
        raise ValueError("its JSON has neither an input nor a circuit")
    if "circuit" in found and "qubits" not in found:
        found = {"qubits": _width(found["circuit"]), **found}
    several = "circuits" in found
    return {"type": "ionq.multi-circuit.v1" if several else "ionq.circuit.v1", "input": found}


def _width(gates: object) -> int:
    """Return the number of qubits that a list of gates needs; the server checks everything else."""
    names = ("target", "targets", "control", "controls")
    found = [gate[name] for gate in _list(gates) if isinstance(gate, dict) for name in gate
             if name in names]  # fmt: skip
    qubits = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return max((one for one in qubits if isinstance(one, int)), default=0) + 1


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _as_qasm3(text: str) -> str:
    """Return OpenQASM 2 as OpenQASM 3."""
    from qiskit import qasm2, qasm3  # noqa: PLC0415 - slow to import, for OpenQASM 2 alone

    try:
        circuit = qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
        return str(qasm3.dumps(circuit))
    except (qasm2.QASM2ParseError, qasm3.QASM3ExporterError) as error:
        raise ValueError(error.message) from error


def _wait(remote: Remote, job_id: str, key: str, timeout: float | None) -> str:
    """Poll a job until it is final, and return its status."""
    clock = SystemClock()
    end = None if timeout is None else clock.monotonic() + timeout
    pause, failures, shown = _FIRST_PAUSE_S, 0, ""
    with output.waiting(f"job {job_id}") as show:
        while True:
            try:
                code, found = remote.api("GET", f"/jobs/{job_id}", key)
            except CommandError as error:
                if error.exit_code == REFUSED:
                    raise
                code, found = 0, {"message": str(error)}
            if code in {0, *_TEMPORARY}:
                failures += 1
                if failures == _MOST_FAILURES:
                    message = f"job {job_id} goes on, and is not polled: {found['message']}"
                    raise CommandError(message, NOT_REACHED)
            elif code != 200:  # noqa: PLR2004 - OK
                raise CommandError(f"{code} {found.get('error')}: {found.get('message')}")
            else:
                failures, shown = 0, str(found["status"])
                show(f"job {job_id}: {shown}")
                if shown in _FINAL:
                    return shown
            if end is not None and clock.monotonic() + pause >= end:
                raise CommandError(
                    f"job {job_id} is {shown or 'not known to end'} after {timeout:g} s. If the "
                    "clock of the server stands still: ionq-fake clock advance 1h"
                )
            clock.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE_S)
