"""The command `ionq-toolkit`: one module for each group of commands."""

from __future__ import annotations

from typing import Any

import click

from ionq_toolkit.cli import account, backends, files, jobs, run

#: The exit code after Ctrl-C, as of shells.
_INTERRUPTED = 130


class InterruptibleGroup(click.Group):
    """A group whose commands end with the exit code of shells after Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(_INTERRUPTED)


@click.group(cls=InterruptibleGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ionq-toolkit")
def main() -> None:
    """Run circuits on the IonQ Quantum Cloud, or on a local fake of it.

    run uses a fake in this process by default. The other commands use the service, with the key in
    IONQ_API_KEY or of a saved account. IONQ_API_URL, or --url, names another service.

    For example:

    \b
        ionq-toolkit run bell.qasm
        ionq-toolkit account save work
        ionq-toolkit jobs list --account work
    """  # noqa: D301 - the backspace keeps the lines apart


for _command in (
    account.account,
    backends.backends,
    backends.estimate,
    files.record,
    files.recover,
    jobs.jobs,
    run.run,
):
    main.add_command(_command)
