"""`--config FILE`: the options of a command in a TOML file, below the environment."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import click

from ionq_toolkit_fake.cli.options import SECRET, long_name
from ionq_toolkit_fake.validation import unknown, wrong

if TYPE_CHECKING:
    from pathlib import Path


def read_config(context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    """Take the defaults of the options from a file, as the callback of ``--config``.

    A key is the name of an option without the dashes before it: ``port = 8080``,
    ``job-memory = 2``. An option that may be repeated has a list; ``status`` a table as well.

    Raises:
        click.BadParameter: The file cannot be read, or has a key or a value that is not valid.
    """
    if file is None:
        return None
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        reason = getattr(error, "strerror", None) or error
        raise click.BadParameter(f"{file} cannot be read: {reason}") from None
    options = {
        long_name(one).removeprefix("--"): one
        for one in context.command.params
        if isinstance(one, click.Option) and one.name != "config"
    }
    defaults: dict[str, Any] = {}
    for key, value in data.items():
        try:
            if key not in options:
                raise unknown("option", key, options)
            option = options[key]
            defaults[str(option.name)] = plain = _plain(option, value)
            option.type_cast_value(context, plain)
        except ValueError as error:
            raise click.BadParameter(f"{file}: {error}") from None
        except click.BadParameter as error:
            raise click.BadParameter(f"{file}: {key}: {error.message}") from None
    context.default_map = {**(context.default_map or {}), **defaults}
    return file


def _plain(option: click.Option, value: object) -> object:
    """Return a value as the command line has it, or raise ValueError."""
    name = long_name(option).removeprefix("--")
    shown = "another value" if name in SECRET else value
    if option.is_flag:
        if not isinstance(value, bool):
            raise wrong(name, "true or false", shown)
        return value
    if option.multiple:
        if isinstance(value, dict):  # status."qpu.aria-1" = "available"
            value = [f"{key}={word}" for key, word in value.items()]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise wrong(name, "a list of texts", shown)
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong(name, "a text or a number", shown)
    return str(value)
