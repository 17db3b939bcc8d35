"""`ionq-fake snapshot` and `ionq-fake scenarios`."""

from __future__ import annotations

from pathlib import Path

import click

from ionq_toolkit_fake.cli import output
from ionq_toolkit_fake.cli.options import as_json
from ionq_toolkit_fake.cli.remote import Remote
from ionq_toolkit_fake.scenario import Scenario, names
from ionq_toolkit_fake.store.base import StateError
from ionq_toolkit_fake.store.sqlite import copy_store, keep_snapshot


@click.command()
@click.argument("source", metavar="URL|FILE")
@click.argument("target", metavar="NEW_FILE", type=click.Path(dir_okay=False))
@click.option(
    "--token",
    metavar="TOKEN",
    help="The token of the server, if it has one. Other users of this computer can read a command "
    "line: the variable hides it from them.",
)
@as_json
def snapshot(source: str, target: str, token: str | None, as_json: bool) -> None:
    """Copy a cloud into one new file, which serve --state takes.

    The cloud is that of a running server, such as http://127.0.0.1:8080, or that of a file which
    no server uses.

    For example:

    \b
        ionq-fake snapshot http://127.0.0.1:8080 copy.db
        ionq-fake snapshot lab.db lab-copy.db
    """  # noqa: D301
    try:
        if "://" in source:
            if Path(target).exists():  # before everything is copied for nothing
                raise click.ClickException(f"{target} exists already: give another name.")
            with output.progress("snapshot") as show:
                content = Remote(source, token).download("GET", "snapshot", on_bytes=show)
            keep_snapshot(target, content)
        elif not Path(source).is_file():
            raise click.BadParameter(f"there is no file {source}", param_hint="URL|FILE")
        else:
            copy_store(source, target)
    except (StateError, OSError) as error:
        raise click.ClickException(f"no snapshot of {source}: {error}") from error
    if as_json:
        output.print_json({"source": source, "file": target, "bytes": Path(target).stat().st_size})
    else:
        output.note(f"snapshot of {source} in {target}")


@click.command()
@as_json
def scenarios(as_json: bool) -> None:
    """List the ready-made scenarios of serve --scenario and chaos --scenario.

    For example:

    \b
        ionq-fake scenarios
    """  # noqa: D301
    found = [{"name": name, "description": Scenario.of(name).description} for name in names()]
    if as_json:
        output.print_json(found)
    else:
        rows = [(one["name"], one["description"]) for one in found]
        output.print_table(("name", "description"), rows, fold=("description",))
