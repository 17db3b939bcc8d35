"""The command `ionq-fake chaos`."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

import click

from ionq_toolkit_fake.chaos.checks import CHECKS
from ionq_toolkit_fake.chaos.harness import CHUNK, ChaosTest
from ionq_toolkit_fake.chaos.report import Report, describe
from ionq_toolkit_fake.chaos.schedule import StuckError
from ionq_toolkit_fake.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from ionq_toolkit_fake.chaos.record import Run

#: The number of runs by default, and of processes.
_RUNS, _WORKERS = 200, min(4, os.cpu_count() or 1)


@click.command(name="chaos")
@click.argument("program", default="ionq-toolkit")
@click.option(
    "--runs",
    type=click.IntRange(1),
    help=f"Number of runs. Each run has its own seed. Default: {_RUNS}.",
)
@click.option("--first-seed", type=int, help="Seed of the first run. Default: 0.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Number of processes; it does not change the report. Default: number of CPUs, at most 4.",
)
@click.option("--seed", type=int, help="Run this one seed, and print its plan and its requests.")
@click.option(
    "--callers",
    type=click.IntRange(1, 100),
    help="Number of callers that run PROGRAM at the same time. Default: 1 to 4, by seed.",
)
@click.option(
    "--deadline",
    "deadline_s",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Virtual seconds that each caller has. Default: 5 to 900, by seed.",
)
@click.option(
    "--scenario",
    metavar="NAME",
    help="The cloud and its faults in all runs: a ready-made scenario (list them with: ionq-fake "
    "scenarios), a TOML file, or a token. Default: random faults, by seed.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="CHECK",
    type=click.Choice(list(CHECKS)),
    help=f"Leave out a check; repeatable. Checks: {', '.join(CHECKS)}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the totals as JSON.")
def chaos_command(  # noqa: PLR0917 - click passes them by name
    program: str,
    runs: int | None,
    first_seed: int | None,
    workers: int | None,
    seed: int | None,
    callers: int | None,
    deadline_s: float | None,
    scenario: str | None,
    without: tuple[str, ...],
    as_json: bool,
) -> None:
    """Prove that a program never loses a job or pays twice.

    Several callers run PROGRAM at the same time against a faulty cloud, on a virtual clock. After
    each run, the jobs that the cloud accepted are compared with the jobs that the callers know.

    PROGRAM is a function that takes a Caller: module:function or file.py:function. Its module may
    list the errors that it may raise as EXPECTED. Or it is one of the programs that come with this
    command: ionq-toolkit (default), qiskit-ionq.

    All events of a run depend on its seed. If a run breaks a check, the command reduces it to few
    callers and faults, prints its requests and a command that replays it, and exits with status 1.

    For example:

    \b
        ionq-fake chaos my_code.py:submit --runs 1000
        ionq-fake chaos my_code.py:submit --seed 32
        ionq-fake chaos qiskit-ionq --scenario flaky-network --callers 2
    """  # noqa: D301 - the backspace keeps the lines apart
    if seed is not None:
        for name, value in (("runs", runs), ("first-seed", first_seed), ("workers", workers)):
            if value is not None:
                raise click.UsageError(f"--seed runs one seed; it excludes --{name}.")
    try:
        cloud = None if scenario is None else Scenario.of(scenario)
        test = ChaosTest(program, None, callers, deadline_s, cloud, without)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    first, count = (first_seed or 0, runs or _RUNS) if seed is None else (seed, 1)
    seeds = range(first, first + count)
    report = Report(without)
    try:
        with _progress(test.runs(seeds, workers or _WORKERS), report, len(seeds)) as finished:
            for run in finished:
                report.add(run)
        if as_json:
            click.echo(json.dumps({"program": program, **report.as_dict()}, indent=2))
        else:
            click.echo(f"program   {program}\n{report}")
            if seed is not None:
                click.echo(f"\n{describe(run)}")
            elif not report.ok:
                worst = report.failures[0]
                shrunk = test.shrink(worst)
                click.echo(f"\n{describe(shrunk)}\n\nreplay: {_replay(test, worst, shrunk)}")
    except StuckError as error:
        raise click.ClickException(str(error)) from error
    if not report.ok:
        raise SystemExit(1)


def _progress(
    runs: Iterator[Run], report: Report, length: int
) -> AbstractContextManager[Iterable[Run]]:
    """Show a progress bar on a terminal while `runs` are consumed."""
    if not sys.stderr.isatty():
        return contextlib.nullcontext(runs)
    return click.progressbar(
        runs,
        length=length,
        label="chaos",
        update_min_steps=1 if length <= CHUNK else CHUNK,
        item_show_func=lambda _: f"{report.failed:,} failed" if report.failed else None,
        file=sys.stderr,
    )


def _replay(test: ChaosTest, first: Run, shrunk: Run) -> str:
    """Return the command that runs a reduced plan."""
    plan = shrunk.plan
    words = ["ionq-fake", "chaos", str(test.program), "--seed", str(plan.seed)]
    if test.callers is not None or plan.callers != first.plan.callers:
        words += ["--callers", str(plan.callers)]
    if test.deadline_s is not None:
        words += ["--deadline", f"{test.deadline_s:g}"]
    if test.scenario is not None or plan.scenario != first.plan.scenario:
        words += ["--scenario", plan.scenario.token()]
    for name in test.without:
        words += ["--without", name]
    return shlex.join(words)
