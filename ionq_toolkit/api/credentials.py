"""API keys: looked for in the environment and the key file, and never shown."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self
from urllib.parse import quote

from ionq_toolkit.errors import IonQCredentialsError
from ionq_toolkit.transport.base import SHORTEST_KEY, HiddenText, in_base64

if TYPE_CHECKING:
    from collections.abc import Callable

#: The environment variable with the key, and its name in the key file.
KEY_VARIABLE = "IONQ_API_KEY"

#: The file with the key where the environment has none. Its lines are NAME=value, so that a shell
#: can read it too.
KEY_FILE = "~/.ionq"

#: Upper bound for a file of a few settings.
MOST_FILE_BYTES = 64 * 1024

#: Permissions of users other than the owner of a file.
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO

#: Bytes of the digest of a key in a pickle: enough to tell the keys of a user apart, and too few to
#: find a key by trying: many have the same digest.
_DIGEST_BYTES = 4


class _Reference(NamedTuple):
    """Says which key is needed, without revealing it."""

    salt: bytes
    digest: bytes

    @classmethod
    def to(cls, key: str, salt: bytes) -> Self:
        found = hashlib.blake2b(key.encode(), key=salt, digest_size=_DIGEST_BYTES)
        return cls(salt, found.digest())


class ApiKey:
    """An API key that only `reveal` returns.

    Neither its repr nor a pickle contains it. A pickle says which key it was, by a keyed digest,
    and by the name of its saved account if it has one. An unpickled instance looks for this key, in
    the account, the environment and the key file of the process it is in, when it is first needed,
    and takes no other: another key may be another account's.

    Attributes:
        forms: The key as texts may contain it, plain or percent-encoded; () before it is known.
        encoded: What base64 and hexadecimal make of it, whatever is before and after it.
        header: The value of the Authorization header, whose repr does not show it; empty before the
            key is known.
    """

    __slots__ = ("_find", "_reference", "_secret", "_text", "encoded", "forms", "header")

    def __init__(
        self,
        text: str | None = None,
        *,
        secret: bool = True,
        reference: _Reference | None = None,
        find: Callable[[], str] | None = None,
    ) -> None:
        """Keep a key, or find one when it is first needed.

        Args:
            text: The key; white space around it is dropped.
            secret: False for a placeholder where no key is needed; pickles contain it.
            reference: The only key to take, where one is looked for; None: any.
            find: Returns the key of a saved account, where one is looked for; pickles contain it.
                None: `find_key`.

        Raises:
            IonQCredentialsError: It is not a str, or cannot be sent in a header.
        """
        if text is not None and not isinstance(text, str):
            raise IonQCredentialsError(f"An API key is a str, not {type(text).__name__}.")
        text = None if text is None else HiddenText(text.strip())
        self._secret, self._reference, self._find = secret, reference, find
        self._text: str | None = None
        self.forms: tuple[str, ...] = ()
        self.encoded: tuple[str, ...] = ()
        self.header: str = ""
        if text:
            self._keep(checked_key(text, "token=..."))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._secret:
            with contextlib.suppress(IonQCredentialsError):  # there is none yet to refer to
                if self._reference is None:
                    self._reference = _Reference.to(self.reveal(), secrets.token_bytes(16))
            again = functools.partial(type(self), reference=self._reference, find=self._find)
            return again, ()
        return functools.partial(type(self), secret=False), (self._text,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __bool__(self) -> bool:
        """Return whether the key is known already."""
        return self._text is not None

    def digest(self, salt: bytes) -> str:
        """Return a digest that tells the keys of a user apart, and is too short to find one."""
        short = hashlib.blake2b(salt, digest_size=16).digest()
        return _Reference.to(self.reveal(), short).digest.hex()

    def reveal(self) -> str:
        """Return the key."""
        if self._text is not None:
            return self._text
        if self._reference is None:
            return self._keep((self._find or find_key)())
        if self._find is not None:
            with contextlib.suppress(IonQCredentialsError):  # the environment may have it here
                key = self._find()
                if _Reference.to(key, self._reference.salt) == self._reference:
                    return self._keep(key)
        key, _ = _found()
        if not key or _Reference.to(key, self._reference.salt) != self._reference:
            has = f"has another key in {KEY_VARIABLE} or {KEY_FILE}" if key else "has no API key"
            if self._find is not None:
                has = f"has no saved account of that name and key, and {has}"
            raise IonQCredentialsError(
                "This comes from a pickle, which does not contain the API key that it was made "
                f"with. This process {has}, and another account must not pay: set {KEY_VARIABLE} "
                "to the key of the process that made the pickle, or write it into the file."
            )
        return self._keep(key)

    def _keep(self, text: str) -> str:
        # The forms first: a key that is known can be redacted.
        forms = dict.fromkeys((str.__str__(text), quote(text, safe=""), quote(text)))
        self.forms = tuple(map(HiddenText, forms))
        encoded = dict.fromkeys((text.encode().hex(), *in_base64(text.encode())))
        self.encoded = tuple(HiddenText(form) for form in encoded if len(form) >= SHORTEST_KEY)
        self._text, self.header = HiddenText(text), HiddenText(f"apiKey {text}")
        return self._text


def find_key() -> str:
    """Return the key in the environment or else in the key file."""
    key, problem = _found()
    if not key:
        _raise_not_found(problem)
    return key


def _found() -> tuple[str, str]:
    """Return the key, or "" and what is to be said about the key file."""
    key: str = HiddenText(os.environ.get(KEY_VARIABLE, "").strip())
    if key:
        return checked_key(key, KEY_VARIABLE), ""
    path = path_of_file()
    if path is None:
        return "", "; no home directory is known"
    content = read_file(path)
    if content is None:
        return "", ""
    key, content = HiddenText(value_of(content, KEY_VARIABLE)), None
    if not key:
        return "", f" ({path} has no line {KEY_VARIABLE}=...)"
    return checked_key(key, str(path)), ""


def path_of_file() -> Path | None:
    """Return the path of the key file, or None if no home directory is known."""
    try:
        return Path(KEY_FILE).expanduser()
    except RuntimeError:
        return None


def read_file(path: Path) -> bytes | None:
    """Return the beginning of the key file, or None if it does not exist.

    Raises:
        IonQCredentialsError: It cannot be read, or others than its owner can.
    """
    try:
        with path.open("rb") as file:
            # Of the open file: another one may have replaced it since.
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _FOR_OTHERS:
                raise IonQCredentialsError(
                    f"Other users of this machine can use {path}, which has an API key (mode "
                    f"{stat.S_IMODE(mode):o}): make it yours alone with chmod 600 {path}, and "
                    "consider a new key."
                )
            return file.read(MOST_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise IonQCredentialsError(f"{path} cannot be read: {error.strerror}.") from error


def assignments(content: bytes) -> dict[str, str]:
    """Return the lines NAME=value of a key file; of several of a name, the last, as in a shell."""
    found = {}
    # A decoding error would carry the content; a key is ASCII.
    for line in content.decode("utf-8-sig", errors="replace").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals:
            without_comment = re.sub(r"(^|\s+)#.*", "", value.strip())
            found[name.strip()] = without_comment.strip("'\"").strip()
    return found


def value_of(content: bytes, name: str) -> str:
    """Return the value of a name in a key file, or ""."""
    return assignments(content).get(name, "")


def checked_key(key: str, source: str) -> str:
    """Return a key, or refuse one that a header cannot carry; `source` is where it is from."""
    if not (key.isascii() and key.isprintable()):
        raise IonQCredentialsError(
            f"The API key has characters that no key has; see whether {source} was copied whole."
        )
    return key


def _raise_not_found(place: str) -> NoReturn:
    similar = re.compile("(?=.*IONQ).*(KEY|TOKEN)", re.IGNORECASE)
    near = next((n for n in sorted(os.environ) if n != KEY_VARIABLE and similar.match(n)), None)
    hint = f" ({near} is set, but that is not the name.)" if near else ""
    raise IonQCredentialsError(
        f"There is no API key: set {KEY_VARIABLE}, pass IonQProvider(token=...), or "
        "IonQProvider(account=...) with the name of a saved account, or write a line "
        f"{KEY_VARIABLE}=... into {KEY_FILE}{place}.{hint} "
        "Keys are made at https://cloud.ionq.com. "
        "IonQProvider(transport='fake') needs none."
    )
