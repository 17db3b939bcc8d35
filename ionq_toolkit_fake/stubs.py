"""A cloud among the stubs of `responses`, beside the user's own."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NoReturn

from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ReadTimeout
from responses import BaseResponse, RequestsMock
from urllib3 import HTTPResponse

from ionq_toolkit_fake.faults.exchange import CutShort

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest

    from ionq_toolkit_fake.api.responses import Response

#: The URLs of IonQ.
_IONQ = re.compile(r"https?://([^/?#@]*@)?([\w-]+\.)*ionq\.co\.?(:\d+)?(/|$)", re.IGNORECASE)


class CloudStub(BaseResponse):
    """A stub that lets a cloud answer each request to IonQ that no other stub matches."""

    def __init__(self, stubs: RequestsMock, handle: Callable[..., Response]) -> None:
        """Answer by `handle`, as `FakeIonQ.handle`, the requests that `stubs` leaves."""
        super().__init__("any method", _IONQ)
        self._stubs, self._handle = stubs, handle

    def matches(self, request: PreparedRequest) -> tuple[bool, str]:
        """Return whether a request is to IonQ and has no stub of the user's, and why not."""
        if not _IONQ.match(str(request.url)):
            return False, "URL is not IonQ's"
        others = [stub for stub in self._stubs.registered() if not isinstance(stub, CloudStub)]
        if any(stub.matches(request)[0] for stub in others):
            return False, "another stub matches"
        return True, ""

    @property
    def call_count(self) -> int:
        """At least 1: a cloud need not be asked, though `responses` wants each stub to be."""
        return max(1, super().call_count)

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        """Return the cloud's response, or raise the error that `requests` would raise."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        timeout = getattr(request, "req_kwargs", {}).get("timeout")
        read_s = timeout[1] if isinstance(timeout, tuple) else timeout
        arguments = (request.method, request.url, dict(request.headers), body or None, read_s)
        missing = b""
        try:
            response = self._handle(*arguments, in_parts=True)
        except (ConnectionError, TimeoutError) as error:
            cut = error.__cause__
            if not isinstance(cut, CutShort):
                _translate(error, request)
            response = cut.response._replace(body=cut.partial)
            missing = cut.response.body[len(cut.partial) :]
        length = str(len(response.body) + len(missing))
        return HTTPResponse(
            io.BytesIO(response.body),
            headers={"content-length": length, **response.headers},
            status=response.status,
            preload_content=False,
            enforce_content_length=True,
            request_method=request.method,
        )


def _translate(error: Exception, request: PreparedRequest) -> NoReturn:
    """Raise what `requests` raises for an error of the network."""
    if isinstance(error, TimeoutError):
        raise ReadTimeout(str(error), request=request) from error
    raise RequestsConnectionError(str(error), request=request) from error


def add(stubs: Any, handle: Callable[..., Response]) -> None:  # noqa: ANN401 - checked here
    """Add a cloud to the stubs of a `RequestsMock`.

    Raises:
        TypeError: `stubs` is no `RequestsMock`.
    """
    stubs = getattr(stubs, "mock", stubs)  # the module `responses` has one of its own
    if not isinstance(stubs, RequestsMock):
        raise TypeError(f"give add_to a responses.RequestsMock, not {type(stubs).__name__}")
    stubs.add(CloudStub(stubs, handle))
