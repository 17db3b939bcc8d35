"""`ionq-toolkit recover` and `ionq-toolkit record`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from ionq_toolkit.cli.common import refuse_nan, write
from ionq_toolkit.errors import IonQError
from ionq_toolkit.job.recovery import SETTLED_S, UNKNOWN
from ionq_toolkit.provider import IonQProvider
from ionq_toolkit.transport.recording.file import RecordingError, read
from ionq_toolkit.transport.recording.observation import observation


@click.command()
@click.argument("journal", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help="The base URL of the API, if not the one of IONQ_API_URL.")
@click.option(
    "--settled",
    "settled_s",
    type=click.FloatRange(0),
    default=SETTLED_S,
    show_default=True,
    callback=refuse_nan,
    help="Seconds after which a job that no list shows will not appear any more.",
)
@click.option(
    "--timeout", type=click.FloatRange(0), callback=refuse_nan, help="Seconds for everything."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each submission.")
def recover(
    journal: Path, url: str | None, settled_s: float, timeout: float | None, as_json: bool
) -> None:
    """Finish the submissions that killed processes left in JOURNAL.

    Prints the tag of each, and adopted with the id of its job, not sent, or unknown. Exits with 3
    if one is unknown.

    For example:

    \b
        ionq-toolkit recover jobs.journal
    """  # noqa: D301 - the backspace keeps the lines apart
    try:
        with IonQProvider(url=url, transport="http", journal=journal) as provider:
            found = provider.recover(settled_s=settled_s, timeout=timeout)
    except (IonQError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    for one in found:
        told = {"tag": one.tag, "outcome": one.outcome, "job_id": one.job_id, "reason": one.reason}
        words = " ".join(filter(None, (one.tag, one.outcome, one.job_id, one.reason)))
        write(json.dumps(told) if as_json else words)
    if any(one.outcome == UNKNOWN for one in found):
        sys.exit(3)


@click.command()
@click.argument("recording", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", required=True, help="The observation in a sentence.")
@click.option("--source", required=True, help="The person or the place it is from.")
def record(recording: Path, title: str, source: str) -> None:
    """Print a recorded run as an entry for the fake's table of observations.

    RECORDING is a file of RecordingTransport with one job of one circuit. The entry has no ids,
    names or metadata: the job's circuit, parts of its record, its results and its cost.

    For example:

    \b
        ionq-toolkit record run.jsonl --title "A Bell pair on Forte-1" --source "our lab"
    """  # noqa: D301 - the backspace keeps the lines apart
    try:
        exchanges, _ = read(recording)
        text = observation(exchanges, title=title, source=source)
    except (RecordingError, ValueError) as error:
        raise click.ClickException(f"{recording.name}: {error}") from error
    click.echo(text, nl=False)
