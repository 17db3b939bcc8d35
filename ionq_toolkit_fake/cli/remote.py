"""Remote: the commands' connection to a server."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Exit codes, besides click's own: 1 for a failure, 2 for a wrong command line.
(NOT_REACHED, REFUSED, NOT_FOUND, OTHER_VERSION, INTERRUPTED) = (3, 4, 5, 6, 130)

#: The header with the version of a server, in each response of a control.
_VERSION_HEADER = "x-ionq-fake-version"

#: Seconds that a server has for each part of a response.
_TIMEOUT_S = 60

#: Bytes of a response that are read at a time.
_CHUNK_BYTES = 1 << 16


class CommandError(click.ClickException):
    """A command failed; it has the exit code of its cause."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]


class Remote:
    """A server, as its operator reaches it.

    Proxies of the environment are not used. The address may end with the path of the API.

    Attributes:
        url: The address, without the path of the API.
        version: The version of the server; None before its first response.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        """Read the address.

        Args:
            url: The address of the server, with or without ``http://`` and ``/v0.4``.
            token: The token of its controls, if it has one.

        Raises:
            click.BadParameter: It is not an address.
        """
        whole = url if "://" in url else f"http://{url}"
        try:
            parts = urlsplit(whole)
            self._host, self._port = parts.hostname, parts.port
        except ValueError as error:
            raise click.BadParameter(f"{url}: {error}", param_hint="--url") from error
        if parts.scheme not in {"http", "https"} or not self._host:
            example = "http://127.0.0.1:8080"
            raise click.BadParameter(f"{url} is not an address like {example}", param_hint="--url")
        if parts.username is not None or parts.password is not None:
            raise click.BadParameter("it has a password: use IONQ_FAKE_TOKEN", param_hint="--url")
        self._tls = parts.scheme == "https"
        path = parts.path.rstrip("/").removesuffix("/_fake").removesuffix("/v0.4")
        self.url = f"{parts.scheme}://{parts.netloc}{path}"
        self._path, self._token = path, token
        self.version: str | None = None

    def control(
        self,
        method: str,
        *path: str,
        body: object = None,
        query: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """Ask a control, and return its JSON.

        Args:
            method: HTTP method.
            path: The parts of the path below ``/_fake``.
            body: The body, as plain data.
            query: The parameters of the query; those that are None are left out.

        Raises:
            CommandError: The server is not reached, refuses, or speaks another version.
        """
        content = self.download(method, *path, body=body, query=query)
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._stranger()
        return found

    def download(
        self,
        method: str,
        *path: str,
        body: object = None,
        query: Mapping[str, object] | None = None,
        on_bytes: Callable[[int, int | None], object] = lambda _count, _total: None,
    ) -> bytes:
        """Ask a control, and return the bytes of its response.

        Args:
            method: HTTP method.
            path: The parts of the path below ``/_fake``.
            body: The body, as plain data.
            query: The parameters of the query; those that are None are left out.
            on_bytes: Called with the number of bytes that came, and the number of all if known.
        """
        for part in path:
            if "/" in part:
                raise CommandError(f"there is no job or rule {part!r}", NOT_FOUND)
        target = "/".join(["/_fake", *(quote(part, safe="") for part in path)])
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target += f"?{urlencode(given)}" if given else ""
        bearer = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        status, headers, content = self._send(method, target, bearer, body, on_bytes)
        self.version = headers.get(_VERSION_HEADER)
        if self.version is None and status not in {401, 403}:
            raise self._stranger()
        if status != HTTPStatus.OK:
            raise self._refusal(status, content)
        return content

    def api(
        self, method: str, path: str, key: str, body: object = None
    ) -> tuple[int, dict[str, Any]]:
        """Send a request of the API with an API key, and return the status and the JSON.

        Raises:
            CommandError: The server is not reached, or does not send JSON.
        """
        given = {"Authorization": f"apiKey {key}"}
        status, _, content = self._send(method, f"/v0.4{path}", given, body)
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise CommandError(f"{self.url} answered {status} without JSON: {content[:200]!r}")
        if status in {401, 403}:
            text = "set IONQ_FAKE_KEY to a key that the server accepts"
            raise CommandError(f"{self.url}: {found.get('message')}: {text}", REFUSED)
        return status, found

    def _send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: object,
        on_bytes: Callable[[int, int | None], object] = lambda _count, _total: None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
        connection = kind(self._host or "", self._port, timeout=_TIMEOUT_S)
        content = None if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json", **headers}
        with contextlib.closing(connection):
            try:
                connection.request(method, self._path + target, content, sent)
                response = connection.getresponse()
                total, parts, count = response.length, [], 0
                while part := response.read(_CHUNK_BYTES):
                    parts.append(part)
                    count += len(part)
                    on_bytes(count, total)
            except ssl.SSLError as error:
                hint = "SSL_CERT_FILE names the file of a certificate to trust"
                raise CommandError(
                    f"no TLS with {self.url}: {error}. {hint}", NOT_REACHED
                ) from None
            except (OSError, http.client.HTTPException, UnicodeError) as error:
                raise self._unreached(error) from None
        return response.status, {k.lower(): v for k, v in response.getheaders()}, b"".join(parts)

    def _unreached(self, error: Exception) -> CommandError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        hint = "the request may have taken effect: ask with ionq-fake requests"
        if isinstance(error, ConnectionRefusedError | socket.gaierror):
            hint = "start one with ionq-fake serve, or name another with --url or IONQ_FAKE_URL"
        return CommandError(f"{self.url} was not reached ({reason}): {hint}", NOT_REACHED)

    def other_version(self) -> CommandError:
        """Return the error for a request or a response that the other version does not know."""
        return CommandError(
            f"{self.url} has version {self.version}, and this command {own_version()}: they do not "
            "understand each other; install the same version here and there",
            OTHER_VERSION,
        )

    def _stranger(self) -> CommandError:
        return CommandError(
            f"{self.url} is not an ionq-fake server of this version ({own_version()}): check "
            "--url, or install the same version of ionq-toolkit here and there",
            OTHER_VERSION,
        )

    def _refusal(self, status: int, content: bytes) -> CommandError:
        try:
            message = str(json.loads(content)["message"])
        except (ValueError, KeyError, TypeError):
            message = f"status {status}"
        if status == HTTPStatus.UNAUTHORIZED:
            state = "no token was given" if self._token is None else "the token is wrong"
            hint = "set IONQ_FAKE_TOKEN to the token that ionq-fake serve printed or was given"
            return CommandError(f"{self.url}: {state}: {hint}", REFUSED)
        if status == HTTPStatus.FORBIDDEN:
            return CommandError(f"{self.url}: {message}", REFUSED)
        if status == HTTPStatus.NOT_FOUND:
            return self.other_version()
        if message.startswith(("there is no job", "there is no rule")):
            return CommandError(message, NOT_FOUND)
        return CommandError(message)


def own_version() -> str:
    """Return the version of this package, or "unknown" if it is not installed."""
    try:
        return version("ionq-toolkit")
    except PackageNotFoundError:
        return "unknown"
