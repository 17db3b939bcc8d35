"""The command `ionq-fake chaos`."""

from __future__ import annotations

import json
import os
import shlex
import sys

import click

from ionq_toolkit_fake.chaos.checks import CHECKS
from ionq_toolkit_fake.chaos.harness import ChaosTest
from ionq_toolkit_fake.chaos.report import Failure, Report, describe
from ionq_toolkit_fake.chaos.schedule import StuckError
from ionq_toolkit_fake.scenario import Scenario


@click.command(name="chaos")
@click.argument("program", default="ionq-toolkit")
@click.option(
    "--runs", type=click.IntRange(1), default=200, show_default=True, help="How many seeds to run."
)
@click.option("--first-seed", type=int, default=0, show_default=True, help="The first of them.")
@click.option("--seed", type=int, help="Run this seed alone, and show what was sent.")
@click.option(
    "--callers",
    type=click.IntRange(1, 100),
    help="How many callers at a time; or as the seed says.",
)
@click.option(
    "--deadline",
    "deadline_s",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="How long each caller has; or as the seed says.",
)
@click.option(
    "--scenario",
    metavar="NAME",
    help="What the cloud is like in all runs: a ready-made scenario (see: ionq-fake scenarios), a "
    "TOML file, or a token; or as the seed says.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(list(CHECKS)),
    help="A check to leave out; may be repeated.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=min(4, os.cpu_count() or 1),
    show_default="the number of processors, at most 4",
    help="How many processes the runs are divided among.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def chaos_command(  # noqa: PLR0917 - click passes them by name
    program: str,
    runs: int,
    first_seed: int,
    seed: int | None,
    callers: int | None,
    deadline_s: float | None,
    scenario: str | None,
    without: tuple[str, ...],
    workers: int,
    as_json: bool,
) -> None:
    """Let several callers run PROGRAM on clouds in trouble, and check what came of it.

    PROGRAM is a function that takes a Caller: module:function, file.py:function, or the name of one
    that there is: ionq-toolkit, qiskit-ionq. What its module calls EXPECTED are the errors that it
    may raise.

    Time is virtual, and everything that goes wrong follows from the seed of each run. The exit
    status is 1 if a check was broken; what is printed then says how to see it again.
    """
    try:
        like = None if scenario is None else Scenario.of(scenario)
        job = ChaosTest(program, None, callers, deadline_s, like, without)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    seeds = [seed] if seed is not None else range(first_seed, first_seed + runs)
    try:
        report = _run(job, seeds, 1 if seed is not None else workers)
    except StuckError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"program": program, **report.as_dict()}, indent=2))
    else:
        _show(job, report, asked=seed is not None)
    if not report.ok:
        raise SystemExit(1)


def _run(job: ChaosTest, seeds: range | list[int], workers: int) -> Report:
    if not sys.stderr.isatty():
        return job.over(seeds, workers=workers)
    with click.progressbar(length=len(seeds), label="chaos", file=sys.stderr) as bar:
        return job.over(seeds, workers=workers, progress=bar.update)


def _show(job: ChaosTest, report: Report, *, asked: bool) -> None:
    click.echo(f"program   {job.program}")
    click.echo(str(report))
    if report.ok:
        return
    worst = report.failures[0]
    smaller = worst if asked else job.smaller(worst)
    click.echo(f"\n{describe(smaller, _replay(job, worst, smaller))}")
    _, *others = report.first_seeds.items()
    if others:
        first = ", ".join(f"{name} with seed {seed}" for name, seed in others)
        click.echo(f"\nfirst broken: {first}")


def _replay(job: ChaosTest, first: Failure, failure: Failure) -> str:
    """Return the command that shows a failure again."""
    words = ["ionq-fake", "chaos", str(job.program), "--seed", str(failure.seed)]
    if job.callers is not None or failure.plan.callers != first.plan.callers:
        words += ["--callers", str(failure.plan.callers)]
    if job.deadline_s is not None:
        words += ["--deadline", f"{job.deadline_s:g}"]
    if job.scenario is not None or failure.plan.scenario != first.plan.scenario:
        words += ["--scenario", failure.plan.scenario.token()]
    for name in job.without:
        words += ["--without", name]
    return shlex.join(words)
