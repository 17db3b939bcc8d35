"""The command `ionq-fake conformance`."""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlsplit

import click

from ionq_toolkit_fake.conformance.checks import CHECKS
from ionq_toolkit_fake.conformance.run import check_conformance
from ionq_toolkit_fake.conformance.wire import is_loopback

#: The environment variable of the key, which is on no command line.
KEY_VARIABLE = "IONQ_API_KEY"


@click.command(name="conformance")
@click.argument("url")
@click.option(
    "--area",
    "areas",
    multiple=True,
    type=click.Choice(list(dict.fromkeys(check.area for check in CHECKS))),
    help="Check this part of the API alone; may be repeated.",
)
@click.option("--qpu", metavar="NAME", help="Check a QPU as well, such as qpu.forte-1.")
@click.option(
    "--max-cost",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    metavar="USD",
    help="The most that jobs on the QPU may cost together, by the cloud's own estimates.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def conformance_command(
    url: str, areas: tuple[str, ...], qpu: str | None, max_cost: float, as_json: bool
) -> None:
    """Check whether the cloud at URL answers as IonQ's is documented and observed to.

    URL is that of a fake, a proxy, a staging server or IonQ's own service:
    https://api.ionq.co. The key is read from the environment variable IONQ_API_KEY. Without --qpu,
    all jobs are for the simulator. The jobs are named conformance-..., and deleted in the end.

    Exit status: 0 if every check agrees that was run, 1 if one differs or none was run.

    \b
        ionq-fake conformance http://127.0.0.1:8080 --area backends --json
    """  # noqa: D301 - the backspace keeps the lines apart
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise click.BadParameter("a URL such as http://127.0.0.1:8080", param_hint="URL")
    if parts.scheme == "http" and not is_loopback(url):
        raise click.BadParameter("a key goes to another machine by https alone", param_hint="URL")
    if max_cost and qpu is None:
        raise click.UsageError("--max-cost is for the jobs on a QPU: name it with --qpu.")
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key and not is_loopback(url):
        raise click.UsageError(f"Set the environment variable {KEY_VARIABLE} to the API key.")
    report = check_conformance(
        url, key or "conformance-on-this-machine", areas=areas, qpu=qpu, max_cost=max_cost
    )
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        report.show()
    sys.exit(0 if report.agrees and report.of("agrees") else 1)
