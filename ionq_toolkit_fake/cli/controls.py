"""`ionq-fake status`, `requests`, `clock` and `faults`: watch a server and change it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ionq_toolkit_fake.cli import output, syntax
from ionq_toolkit_fake.cli.options import as_json, on_server
from ionq_toolkit_fake.clock import SystemClock
from ionq_toolkit_fake.faults import KINDS, to_dict

if TYPE_CHECKING:
    from ionq_toolkit_fake.cli.remote import Remote

#: Seconds between two questions for new requests.
_PAUSE_S = 0.5

#: The statuses that are errors of the caller, and of the service.
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


@click.command()
@as_json
@on_server
def status(remote: Remote, as_json: bool) -> None:
    """Show the state of a server: version, clock, jobs, requests, faults, backends.

    For example:

    \b
        ionq-fake status
        ionq-fake status --url http://127.0.0.1:8080 --json
    """  # noqa: D301
    found = {"url": remote.url, **remote.control("GET", "status")}
    if as_json:
        output.print_json(found)
        return
    down = [name for name, word in found["backends"].items() if word == "unavailable"]
    jobs = found["jobs"]
    counted = ", ".join(f"{count} {word}" for word, count in jobs.items())
    total = sum(jobs.values())
    output.print_pairs(
        {
            "server": f"{found['url']} (ionq-toolkit {found['version']})",
            "clock": _clock(found["clock"]),
            "seed": str(found["seed"]),
            "API keys": "every key is accepted" if found["takes_every_key"] else "named keys only",
            "projects": found["projects"],
            "jobs": f"{total} ({counted})" if total else "0",
            "requests": str(found["requests"]),
            "faults": f"{found['fault_rules']} rules, {found['faults_fired']} fired",
            "transitions": f"{found['transition_rules']} rules",
            "unavailable": ", ".join(down),
        }
    )


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on with new ones until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=25, show_default=True)
@as_json
@on_server
def requests(remote: Remote, follow: bool, limit: int, as_json: bool) -> None:
    """List the requests that clients sent: time, status, method, path, faults.

    JSON is one object a line. Time is the clock of the server. A request without a status got no
    response.

    For example:

    \b
        ionq-fake requests --limit 100
        ionq-fake requests --follow
        ionq-fake requests --json
    """  # noqa: D301
    clock, last = SystemClock(), None
    while True:
        query: dict[str, object] = {"limit": limit} if last is None else {"after": last}
        for one in remote.control("GET", "requests", query=query)["requests"]:
            click.echo(json.dumps(one) if as_json else _line(one))
            last = one["request_id"]
        if not follow:
            return
        clock.sleep(_PAUSE_S)


def _line(one: dict[str, Any]) -> str:
    code = one["status"]
    status = f"{'-' if code is None else code:>3}"
    if output.colours():
        bad = "red" if code is None or code >= _SERVER_ERROR else "yellow"
        status = click.style(status, fg="green" if (code or 999) < _CLIENT_ERROR else bad)
    faults = f"  [{', '.join(one['faults'])}]" if one["faults"] else ""
    path = output.printable(one["path"])
    return f"{one['at'][11:23]}  {status}  {one['method']:<6}  {path}{faults}"


@click.group()
def clock() -> None:
    """Show and move the clock of a server.

    For example:

    \b
        ionq-fake clock show
        ionq-fake clock advance 1h
    """  # noqa: D301


@clock.command("show")
@as_json
@on_server
def show_clock(remote: Remote, as_json: bool) -> None:
    """Show the time.

    For example:

    \b
        ionq-fake clock show --json
    """  # noqa: D301
    _print_clock(remote.control("GET", "clock"), as_json)


@clock.command()
@click.argument("duration")
@as_json
@on_server
def advance(remote: Remote, duration: str, as_json: bool) -> None:
    """Move a virtual clock on by DURATION: 90 (seconds), 15m, 2h30m, 1d.

    For example:

    \b
        ionq-fake clock advance 2h30m
    """  # noqa: D301
    try:
        amount = syntax.seconds(duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="DURATION") from None
    _print_clock(remote.control("POST", "clock", body={"seconds": amount}), as_json)


@clock.command("set")
@click.argument("moment")
@as_json
@on_server
def set_clock(remote: Remote, moment: str, as_json: bool) -> None:
    """Move a virtual clock on to MOMENT, a date and time of ISO 8601, in UTC if it has no offset.

    For example:

    \b
        ionq-fake clock set 2026-02-01T12:00
    """  # noqa: D301
    _print_clock(remote.control("POST", "clock", body={"until": moment}), as_json)


def _print_clock(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.print_json(found)
    else:
        click.echo(_clock(found))


def _clock(found: dict[str, Any]) -> str:
    now = found["now"].replace("T", " ").removesuffix("Z")
    return f"{now} UTC, {found['clock']}, {found['elapsed_s']:,.0f} s since the cloud began"


@click.group()
def faults() -> None:
    """List, add and remove the faults that a server injects.

    For example:

    \b
        ionq-fake faults add 'faults.http(429, retry_after=3), on="POST /jobs", times=2'
        ionq-fake faults list
    """  # noqa: D301


@faults.command("list")
@as_json
@on_server
def list_faults(remote: Remote, as_json: bool) -> None:
    """List the rules, and how often each fired.

    For example:

    \b
        ionq-fake faults list
    """  # noqa: D301
    _print_rules(remote.control("GET", "faults"), as_json)


@faults.command("kinds")
@as_json
def list_kinds(as_json: bool) -> None:
    """List the kinds of faults, each with an example.

    For example:

    \b
        ionq-fake faults kinds
    """  # noqa: D301
    if as_json:
        output.print_json(
            [{"fault": n, "example": k.example, "summary": k.summary} for n, k in KINDS.items()]
        )
        return
    for kind in KINDS.values():
        click.echo(f"{kind.example}\n    {kind.summary}")


@faults.command()
@click.argument("rule")
@as_json
@on_server
def add(remote: Remote, rule: str, as_json: bool) -> None:
    """Add RULE, which is written as in Python: the arguments of cloud.faults.add.

    A fault comes first (list them with: ionq-fake faults kinds), then on=, times=, skip=,
    probability=, key=, after_effect=.

    For example:

    \b
        ionq-fake faults add 'faults.lost_answer(), on="POST /jobs", times=1'
        ionq-fake faults add 'cloud.faults.add(faults.latency(2), probability=0.5)'
    """  # noqa: D301
    try:
        body = to_dict(syntax.fault_rule(rule))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="RULE") from None
    _print_rules(remote.control("POST", "faults", body=body), as_json)


@faults.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Remove all rules.")
@as_json
@on_server
def remove(remote: Remote, numbers: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Remove the rules with these NUMBERs.

    For example:

    \b
        ionq-fake faults remove 1
        ionq-fake faults remove --all
    """  # noqa: D301
    if bool(numbers) == everything:
        raise click.UsageError("Give the numbers of rules (ionq-fake faults list), or --all.")
    for number in numbers:
        found = remote.control("DELETE", "faults", number)
    if everything:
        found = remote.control("DELETE", "faults")
    _print_rules(found, as_json)


def _print_rules(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.print_json({"rules": found["rules"], "fired": found["fired"]})
        return
    if not found["rules"]:
        output.note("no rules: ionq-fake faults add --help shows how to add one")
        return
    own = ("number", "fault", "on", "times", "reached", "fired")
    rows = [
        (
            one["number"],
            one["fault"],
            one["on"] if isinstance(one["on"], str) else ", ".join(one["on"]),
            f"{one['fired']} of {one.get('times', 'any')}",
            ", ".join(f"{name}={value}" for name, value in one.items() if name not in own),
        )
        for one in found["rules"]
    ]
    columns = ("rule", "fault", "on", "fired", "settings")
    output.print_table(columns, rows, fold=("on", "settings"))
