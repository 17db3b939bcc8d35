"""`ionq-toolkit account`: API keys under names. A key is never an argument."""

from __future__ import annotations

import sys

import click

from ionq_toolkit.cli.common import as_json, errors, write, write_json, write_table
from ionq_toolkit.provider import IonQProvider


@click.group()
def account() -> None:
    """Save, list and delete API keys under names, for --account NAME.

    For example:

    \b
        ionq-toolkit account list
    """  # noqa: D301 - the backspace keeps the lines apart


@account.command()
@click.argument("name")
@click.option("--overwrite", is_flag=True, help="Replace the key of an account of this name.")
@click.option(
    "--keyring/--file",
    default=None,
    help="In the keyring of the system, or in ~/.ionq; by default in the keyring if there is one.",
)
def save(name: str, overwrite: bool, keyring: bool | None) -> None:
    """Save an API key under NAME: from a prompt that does not show it, or the first line of stdin.

    For example:

    \b
        ionq-toolkit account save work
        ionq-toolkit account save work --overwrite --file < key.txt
    """  # noqa: D301
    asked = sys.stdin.isatty()
    key = click.prompt("API key", hide_input=True) if asked else sys.stdin.readline()
    if not key.strip():
        raise click.UsageError("There is no key: type it, or write it to standard input.")
    with errors():
        IonQProvider.save_account(name, key.strip(), overwrite=overwrite, keyring=keyring)
        place = IonQProvider.saved_accounts()[name]
    click.echo(f"saved {name} in {place}", err=True)


@account.command("list")
@as_json
def list_accounts(as_json: bool) -> None:
    """List the names of the accounts, and where their keys are. It shows no key.

    For example:

    \b
        ionq-toolkit account list --json
    """  # noqa: D301
    with errors():
        found = IonQProvider.saved_accounts()
    if as_json:
        write_json(found)
    elif found:
        write_table(("account", "place"), sorted(found.items()))
    else:
        click.echo("no accounts: ionq-toolkit account save NAME", err=True)


@account.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete the account NAME with its key. The key stays valid at IonQ.

    For example:

    \b
        ionq-toolkit account delete work
    """  # noqa: D301
    with errors():
        if not IonQProvider.delete_account(name):
            raise click.ClickException(f"there is no account {name!r}: ionq-toolkit account list")
    write(f"deleted {name}; revoke its key at https://cloud.ionq.com")
