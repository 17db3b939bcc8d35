"""`ionq-fake snapshot` and `ionq-fake scenarios`."""

from __future__ import annotations

import contextlib
import http.client
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import click

from ionq_toolkit_fake.scenario import Scenario, names
from ionq_toolkit_fake.store.base import StateError
from ionq_toolkit_fake.store.sqlite import copy_store, keep_snapshot


@click.command()
@click.argument("source", metavar="URL|FILE")
@click.argument("target", metavar="NEW_FILE", type=click.Path(dir_okay=False))
@click.option("--token", help="The token of the server's controls, if it has one.")
def snapshot(source: str, target: str, token: str | None) -> None:
    """Copy a cloud into one new file, which serve --state takes.

    The cloud is that of a running server, such as http://127.0.0.1:8080, or that of a file which
    no server uses.
    """
    try:
        if source.startswith("http://"):
            address = urlsplit(source)
            connection = http.client.HTTPConnection(address.hostname or "", address.port)
            with contextlib.closing(connection):
                headers = {} if token is None else {"Authorization": f"Bearer {token}"}
                connection.request("GET", "/_fake/snapshot", headers=headers)
                response = connection.getresponse()
                body = response.read()
            if response.status != HTTPStatus.OK:
                raise click.ClickException(f"{source} sent no snapshot: {body[:500]!r}")
            keep_snapshot(target, body)
        elif not Path(source).is_file():
            raise click.BadParameter(f"there is no file {source}", param_hint="URL|FILE")
        else:
            copy_store(source, target)
    except (StateError, OSError, http.client.HTTPException) as error:
        raise click.ClickException(f"no snapshot of {source}: {error}") from error
    click.echo(f"snapshot of {source} in {target}", err=True)


@click.command()
def scenarios() -> None:
    """List the ready-made scenarios."""
    for name in names():
        click.echo(f"{name:16} {Scenario.of(name).description}")
