"""`ionq-toolkit jobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit.cli.common import (
    as_json,
    fitting,
    with_provider,
    write,
    write_json,
    write_pairs,
    write_table,
)

if TYPE_CHECKING:
    from ionq_toolkit.job.job import IonQJob
    from ionq_toolkit.provider import IonQProvider

_STATUSES = ("submitted", "ready", "started", "completed", "failed", "canceled")


@click.group()
def jobs() -> None:
    """List, show and cancel the jobs of your project.

    For example:

    \b
        ionq-toolkit jobs list --status completed
    """  # noqa: D301 - the backspace keeps the lines apart


@jobs.command("list")
@click.option("--limit", type=click.IntRange(1), default=25, show_default=True)
@click.option("--status", type=click.Choice(_STATUSES), help="Only jobs with this status.")
@click.option("--backend", metavar="NAME", help="Only jobs on this backend.")
@as_json
@with_provider
def list_jobs(
    provider: IonQProvider, limit: int, status: str | None, backend: str | None, as_json: bool
) -> None:
    """List jobs, the newest first.

    For example:

    \b
        ionq-toolkit jobs list --backend forte-1 --limit 5
    """  # noqa: D301
    found = provider.jobs(limit, backend=backend, status=status)
    rows = [_facts(job) for job in found]
    if as_json:
        write_json(rows)
    elif rows:
        names = ("id", "status", "backend", "shots", "submitted_at", "name")
        write_table(
            ("id", "status", "backend", "shots", "submitted", "name"),
            [[str(row[name] or "")[:16] if name == "submitted_at" else row[name] for name in names]
             for row in rows],
        )  # fmt: skip
    else:
        click.echo("no jobs", err=True)


def _facts(job: IonQJob) -> dict[str, object]:
    created = job.creation_date
    status = job.state.status
    return {
        "id": job.job_id(),
        "status": None if status is None else status.name,
        "backend": job.backend().name,
        "shots": job.shots,
        "submitted_at": None if created is None else created.isoformat(" ", "milliseconds"),
        "name": job.name,
    }


@jobs.command()
@click.argument("job_id", metavar="JOB")
@as_json
@with_provider
def show(provider: IonQProvider, job_id: str, as_json: bool) -> None:
    """Show JOB: its status, and its counts if it is completed.

    For example:

    \b
        ionq-toolkit jobs show $JOB
    """  # noqa: D301
    job = provider.job(job_id)
    facts = {**_facts(job), "failure": job.error_message()}
    done = job.state.status is JobStatus.DONE and not job.dry_run
    found = job.get_counts() if done else None
    several = [] if found is None else found if isinstance(found, list) else [found]
    if as_json:
        write_json({**facts, "counts": [dict(one) for one in several]})
        return
    write_pairs(facts)
    for counts in several:
        write("")
        write(fitting(counts))


@jobs.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True)
@as_json
@with_provider
def cancel(provider: IonQProvider, job_ids: tuple[str, ...], as_json: bool) -> None:
    """Cancel each JOB that is not final. Exits with 1 if one was not canceled.

    For example:

    \b
        ionq-toolkit jobs cancel $JOB
    """  # noqa: D301
    found = [provider.job(job_id) for job_id in job_ids]  # before one of them is canceled
    canceled = {job.job_id(): job.cancel() for job in found}
    if as_json:
        write_json(canceled)
    else:
        for job_id, done in canceled.items():
            write(f"{job_id} {'canceled' if done else 'was final already'}")
    if not all(canceled.values()):
        raise SystemExit(1)
