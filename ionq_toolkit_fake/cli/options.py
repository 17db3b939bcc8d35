"""The options that several commands have, and the variable of the environment of each option."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from ionq_toolkit_fake.cli.remote import Remote, own_version

if TYPE_CHECKING:
    from collections.abc import Callable

#: The variables of options that have the same meaning in several commands.
SHARED = {
    "--url": "IONQ_FAKE_URL",
    "--token": "IONQ_FAKE_TOKEN",
    "--key": "IONQ_FAKE_KEY",
    "--api-key": "IONQ_FAKE_API_KEYS",
    "--json": "IONQ_FAKE_JSON",
}

#: The options whose values no message has.
SECRET = frozenset({"token", "key", "api-key"})

#: Where a server is expected.
DEFAULT_URL = "http://127.0.0.1:8080"

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def long_name(option: click.Option) -> str:
    """Return the first long name of an option, such as ``--port``."""
    return next((name for name in option.opts if name.startswith("--")), option.opts[0])


def with_variables(command: click.Command, path: str = "IONQ_FAKE") -> None:
    """Give each option of a command the variable that its help shows.

    It is ``IONQ_FAKE``, the command and the option, as ``IONQ_FAKE_SERVE_PORT``, or that of
    `SHARED`.
    """
    for option in command.params:
        if isinstance(option, click.Option) and long_name(option) not in {"--help", "--version"}:
            name = long_name(option)
            word = name.removeprefix("--").replace("-", "_").upper()
            option.envvar = SHARED.get(name, f"{path}_{word}")
            option.show_envvar = True
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            with_variables(one, f"{path}_{name.upper()}")


def on_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a server, and its `Remote` as the first argument."""

    @click.option(
        "--url", default=DEFAULT_URL, show_default=True, help="The address of the server."
    )
    @click.option(
        "--token",
        metavar="TOKEN",
        help="The token of the server, if it has one. Other users of this computer can read a "
        "command line: the variable hides it from them.",
    )
    @functools.wraps(command)
    def wrapped(url: str, token: str | None, **others: Any) -> object:  # noqa: ANN401
        remote = Remote(url, token)
        try:
            return command(remote, **others)
        except (KeyError, TypeError):  # a response of another shape
            if remote.version in {None, own_version()}:
                raise
            raise remote.other_version() from None

    return wrapped
