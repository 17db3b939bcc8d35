"""The command `ionq-fake`: one module for each group of commands.

Each command is imported when it is called, so that none waits for what only another one needs.
"""

from __future__ import annotations

import importlib
from typing import cast

import click

#: The module of each command, and its name there.
_COMMANDS = {
    "chaos": "chaos.command:chaos_command",
    "conformance": "conformance.command:conformance_command",
    "scenarios": "cli.files:scenarios",
    "serve": "cli.serve:serve",
    "snapshot": "cli.files:snapshot",
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
            return cast("click.Command", getattr(loaded, name))
        except ModuleNotFoundError as error:  # the command is installed without the extra as well
            raise SystemExit(
                f"ionq-fake needs the module {error.name!r}, which is not installed. "
                "Install the extra: pip install 'ionq-toolkit[fake]'"
            ) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ionq-toolkit")
def main() -> None:
    """IonQ's cloud on your own machine, simulated with Qiskit Aer."""
