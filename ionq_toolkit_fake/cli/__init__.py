"""The command `ionq-fake`: one module for each group of commands.

Each command is imported when it is called, so that none waits for what only another one needs.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import Any, cast

import click

from ionq_toolkit_fake.cli.options import with_variables
from ionq_toolkit_fake.cli.remote import INTERRUPTED

#: The module of each command, and its name there.
_COMMANDS = {
    "chaos": "chaos.command:chaos_command",
    "clock": "cli.controls:clock",
    "conformance": "conformance.command:conformance_command",
    "doctor": "cli.doctor:doctor",
    "faults": "cli.controls:faults",
    "jobs": "cli.jobs:jobs",
    "requests": "cli.controls:requests",
    "scenarios": "cli.files:scenarios",
    "serve": "cli.serve:serve",
    "snapshot": "cli.files:snapshot",
    "status": "cli.controls:status",
    "submit": "cli.jobs:submit",
}


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands, in alphabetical order."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command with this name, or None."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        try:
            loaded = importlib.import_module(f"ionq_toolkit_fake.{module}")
        except ModuleNotFoundError as error:
            raise _without_extra(error) from None
        command = cast("click.Command", getattr(loaded, name))
        with_variables(command, f"IONQ_FAKE_{cmd_name.upper()}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of the first argument; the error has the closest match."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], _COMMANDS, n=1)
            if not near or near[0] in error.message:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command; Ctrl-C ends it with the exit code that shells use."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(INTERRUPTED)
        except ModuleNotFoundError as error:  # of what is imported when it is needed
            raise _without_extra(error) from None


def _without_extra(error: ModuleNotFoundError) -> SystemExit | ModuleNotFoundError:
    """Return what ends the command, which is installed without the extra as well."""
    if (error.name or "").startswith("ionq_toolkit_fake"):
        return error  # a defect
    return SystemExit(
        f"ionq-fake needs the module {error.name!r}, which is not installed. "
        "Install the extra: pip install 'ionq-toolkit[fake]'"
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ionq-toolkit")
def main() -> None:
    """IonQ's cloud on your own machine, simulated with Qiskit Aer.

    serve runs a server; the other commands talk to it, at --url or IONQ_FAKE_URL. Each option has a
    variable of the environment, which its help shows.

    For example:

    \b
        ionq-fake serve
        ionq-fake submit bell.qasm --wait
        ionq-fake doctor
    """  # noqa: D301 - the backspace keeps the lines apart
