"""API keys: where they come from, and how they are kept from where they must not be."""

from __future__ import annotations

import functools
import os
import re
import stat
from pathlib import Path
from typing import Any, NoReturn, Self

from ionq_toolkit.errors import IonQCredentialsError

#: The environment variable with the key, and its name in the key file.
KEY_VARIABLE = "IONQ_API_KEY"

#: The file that is looked into when there is no key in the environment. Lines of the form
#: NAME=value, as in files of environment variables, so that a shell can read it too.
KEY_FILE = "~/.ionq"

#: More than that is no file of a few settings.
_MOST_FILE_BYTES = 64 * 1024

#: Permissions that let others than the owner of a file read or change it.
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class ApiKey:
    """An API key that only `reveal` shows.

    Neither its repr nor a pickle has it. An unpickled one is looked for again, in the environment
    and the key file of where it is, when it is first needed.
    """

    __slots__ = ("_secret", "_text")

    def __init__(self, text: str | None = None, *, secret: bool = True) -> None:
        """Keep a key, or look for one when it is first needed.

        Args:
            text: The key; white space around it is dropped.
            secret: False for what stands for a key where none is needed; pickles have that.

        Raises:
            IonQCredentialsError: It is not a str, or no header can carry it.
        """
        if text is not None and not isinstance(text, str):
            raise IonQCredentialsError(f"An API key is a str, not {type(text).__name__}.")
        self._text = _checked(text.strip(), "token=...") if text and text.strip() else None
        self._secret = secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._secret:
            return type(self), ()
        return functools.partial(type(self), secret=False), (self._text,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __bool__(self) -> bool:
        """Whether a key is kept here, and does not have to be looked for."""
        return self._text is not None

    def reveal(self) -> str:
        """Return the key.

        Raises:
            IonQCredentialsError: There is none, or it cannot be used.
        """
        if self._text is None:
            self._text = find_key()
        return self._text


#: A value in quotes, and what may come after one; a comment after a value without them.
_QUOTED = re.compile(r"""(['"])(.*?)\1\s*(?:#.*)?$""")
_COMMENT = re.compile(r"(^|\s+)#.*$")


def find_key() -> str:
    """Return the key in the environment or, if there is none, in the key file.

    Raises:
        IonQCredentialsError: There is none, or the file cannot be trusted or read.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key:
        return _checked(key, KEY_VARIABLE)
    try:
        path = Path(KEY_FILE).expanduser()
    except RuntimeError:  # nobody has a home here
        _none_found("; no home directory is known")
    text = _read(path)
    if text is None:
        _none_found("")
    key = _value(text)
    if not key:
        _none_found(f" ({path} has no line {KEY_VARIABLE}=...)")
    return _checked(key, str(path))


def _read(path: Path) -> str | None:
    """Return the text of the key file, or None if there is none.

    Raises:
        IonQCredentialsError: Others can read or change it, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            # Of the file that is open, not of what may have come in its place since.
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _FOR_OTHERS:
                raise IonQCredentialsError(
                    f"Other users of this machine can use {path}, which has an API key (mode "
                    f"{stat.S_IMODE(mode):o}): make it yours alone with chmod 600 {path}, and "
                    "consider a new key."
                )
            content = file.read(_MOST_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise IonQCredentialsError(f"{path} cannot be read: {error.strerror}.") from error
    # An error of decoding would carry the content. What is no text is in no key.
    return content.decode("utf-8-sig", errors="replace")


def _value(text: str) -> str:
    """Return the key in lines of the form NAME=value; the last one counts, as in a shell."""
    found = ""
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip() == KEY_VARIABLE:
            value = value.strip()
            quoted = _QUOTED.match(value)
            # As in a shell: a comment begins with a # after a space, and not within quotes.
            found = quoted[2].strip() if quoted else _COMMENT.sub("", value)
    return found


def _checked(key: str, source: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise IonQCredentialsError(
            f"The API key has characters that no key has; see whether {source} was copied whole."
        )
    return key


def _none_found(what_there_is: str) -> NoReturn:
    near = [
        name
        for name in sorted(os.environ)
        if name != KEY_VARIABLE and "IONQ" in name.upper() and _names_a_key(name)
    ]
    hint = f" ({near[0]} is set, but that is not the name.)" if near else ""
    raise IonQCredentialsError(
        f"There is no API key: set {KEY_VARIABLE}, pass IonQProvider(token=...), or write a line "
        f"{KEY_VARIABLE}=... into {KEY_FILE}{what_there_is}.{hint} "
        "Keys are made at https://cloud.ionq.com. "
        "IonQProvider(transport='fake') needs none."
    )


def _names_a_key(variable: str) -> bool:
    return any(word in variable.upper() for word in ("KEY", "TOKEN"))
