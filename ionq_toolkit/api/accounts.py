"""Saved accounts: API keys by name, in the system's keyring or the key file."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from typing import TYPE_CHECKING, Any

from ionq_toolkit.api.credentials import (
    KEY_VARIABLE,
    MOST_FILE_BYTES,
    ApiKey,
    assignments,
    checked_key,
    path_of_file,
    read_file,
    value_of,
)
from ionq_toolkit.errors import IonQCredentialsError, did_you_mean
from ionq_toolkit.transport.base import HiddenText

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Names of accounts: they are part of the name of a shell's variable in the key file.
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,63}")

#: Lines of the key file, each with the name of an account behind it: one has the key, the other
#: says that the keyring has it.
_KEY, _KEPT = f"{KEY_VARIABLE}_", "IONQ_ACCOUNT_"

#: Names the keyring in a line of the key file and in `saved`. It is also the service under which
#: the keyring has the keys, each with the account as the user.
KEYRING, _SERVICE = "keyring", "ionq-toolkit"


def save(name: str, token: str, *, overwrite: bool, in_keyring: bool | None) -> None:
    """Save a key under the name of an account; see `IonQProvider.save_account`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise IonQCredentialsError(
            "The name of an account is a str of up to 64 letters, digits and underscores that "
            "begins with a letter: save_account('work', token)."
        )
    if not isinstance(token, str) or not token.strip():
        raise IonQCredentialsError("An account is saved with its API key, a str that is not empty.")
    key = ApiKey(token).reveal()
    line = f"{_KEY}{name}={shlex.quote(key)}\n".encode()
    if value_of(line, _KEY + name) != key:
        raise IonQCredentialsError("The API key has quotes or blanks, which no key has.")
    ring = None if in_keyring is False else _keyring()
    if ring is None and in_keyring:
        raise IonQCredentialsError(
            "There is no usable keyring. pip install 'ionq-toolkit[keyring]' installs the library; "
            "without keyring=True, the key is saved in the key file."
        )
    with _edited() as lines:
        place = _places(b"".join(lines)).get(name)
        if place is not None and not overwrite:
            raise IonQCredentialsError(
                f"There is a saved account {name!r} already: overwrite=True replaces its key."
            )
        if ring is not None:
            line = f"{_KEPT}{name}={KEYRING}\n".encode()
            _ask(ring.set_password, name, key)
        elif place == KEYRING:
            _forget(name)
        _replace(lines, name, line)


def saved() -> dict[str, str]:
    """Return where the key of each account is; see `IonQProvider.saved_accounts`."""
    path = path_of_file()
    places = _places(b"" if path is None else read_file(path) or b"")
    return {name: place or str(path) for name, place in sorted(places.items())}


def delete(name: str) -> bool:
    """Delete an account; see `IonQProvider.delete_account`."""
    if name not in saved():
        return False
    with _edited() as lines:
        if _places(b"".join(lines)).get(name) == KEYRING:
            _forget(name)
        _replace(lines, name, b"")
    return True


def find_account(name: str) -> str:
    """Return the key of a saved account.

    Raises:
        IonQCredentialsError: There is no such account, or its key cannot be read.
    """
    path = path_of_file()
    content = b"" if path is None else read_file(path) or b""
    places = _places(content)
    if name not in places:
        names = ", ".join(sorted(places)) or "none yet"
        raise IonQCredentialsError(
            f"There is no saved account {name!r}.{did_you_mean(str(name), places)} Saved: {names}. "
            "IonQProvider.save_account(name, token) saves one."
        )
    if places[name] != KEYRING:
        key, content = HiddenText(value_of(content, _KEY + name)), b""
        return checked_key(key, str(path))
    ring = _keyring()
    if ring is None:
        raise IonQCredentialsError(
            f"The key of the account {name!r} is in a keyring, and there is no usable one here: "
            f"save it again with keyring=False, or set {KEY_VARIABLE}."
        )
    key = HiddenText(_ask(ring.get_password, name) or "")
    if not key:
        raise IonQCredentialsError(
            f"The keyring has no key of the account {name!r}: save it again with overwrite=True."
        )
    return checked_key(key, "the keyring")


def _places(content: bytes) -> dict[str, str]:
    """Return the accounts of a key file, each with `KEYRING`, or "" for the file itself."""
    found = {}
    for line, value in assignments(content).items():
        for prefix in (_KEY, _KEPT):
            name = line.removeprefix(prefix)
            if name != line and _NAME.fullmatch(name) and value:
                found[name] = KEYRING if prefix == _KEPT else ""
    return found


def _replace(lines: list[bytes], name: str, new: bytes) -> None:
    """Replace the lines of an account by one, or by nothing."""
    own = {_KEY + name, _KEPT + name}
    lines[:] = [line for line in lines if not own & assignments(line).keys()]
    if lines and not lines[-1].endswith(b"\n"):
        lines[-1] += b"\n"
    lines.append(new)


@contextlib.contextmanager
def _edited() -> Iterator[list[bytes]]:
    """Yield the lines of the key file, and write it anew: whole or not at all, for its owner only.

    The new file is made beside it, and keeps other processes from writing meanwhile.
    """
    path = path_of_file()
    if path is None:
        raise IonQCredentialsError("No home directory is known to save accounts in.")
    try:
        path = path.resolve()  # a link stays one
        new = path.with_name(f"{path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise IonQCredentialsError(
            f"{new} exists: another process is saving an account, or did not end its work. If "
            "none is running, delete this file, which may have API keys."
        ) from None
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from error
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            content = read_file(path) or b""
            if len(content) >= MOST_FILE_BYTES:
                raise IonQCredentialsError(f"{path} is too large for a file of API keys.")
            lines = content.splitlines(keepends=True)
            yield lines
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        new.unlink(missing_ok=True)


def _unwritable(path: Path, error: Exception) -> IonQCredentialsError:
    reason = getattr(error, "strerror", None) or "its links go in a circle"
    return IonQCredentialsError(f"{path} cannot be written: {reason}.")


def _keyring() -> Any:  # noqa: ANN401 - a backend of the library
    """Return the keyring of the system, or None if there is no usable one."""
    try:
        import keyring  # noqa: PLC0415 - optional

        ring = keyring.get_keyring()
        usable = ring.priority >= 1  # as the library's own `recommended`
    except Exception:  # noqa: BLE001 - not installed, or a backend that cannot be loaded
        return None
    return ring if usable else None


def _ask(method: Any, *arguments: str) -> Any:  # noqa: ANN401 - of a backend of the library
    """Call a method of the keyring; its errors are the system's own, of many kinds."""
    try:
        return method(_SERVICE, *arguments)
    except Exception as error:  # noqa: BLE001 - not shown: it may quote what it was given
        problem = type(error).__name__
    raise IonQCredentialsError(
        f"The keyring refused ({problem}): unlock it, or save the account with keyring=False."
    )


def _forget(name: str) -> None:
    """Delete the key of an account from the keyring, if it has it."""
    ring = _keyring()
    if ring is None:
        raise IonQCredentialsError(
            f"The key of the account {name!r} is in a keyring, and there is no usable one here."
        )
    if _ask(ring.get_password, name) is not None:
        _ask(ring.delete_password, name)
