"""A cloud that lives in this process, behind the same seam as the network."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Never, Protocol

from ionq_toolkit.transport.base import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit.clock import Clock


class Cloud(Protocol):
    """Anything that answers requests, such as `ionq_toolkit_fake.FakeIonQ`."""

    def handle(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answer one request with (status, headers, body).

        Raises:
            ConnectionError: To play a connection that fails.
            TimeoutError: To play a reply that does not come in time.
        """
        ...


class InProcessTransport:
    """Hands every request to the `handle` method of an object in this process.

    No credentials are needed. Where the cloud has a `clock` with `monotonic()`
    and `sleep(seconds)`, the client waits on that one, so that a test never sleeps.
    """

    requires_key = False

    def __init__(self, cloud: Cloud) -> None:
        """Put `cloud` behind the client.

        Raises:
            TypeError: `cloud` has no method `handle`.
        """
        if not callable(getattr(cloud, "handle", None)):
            raise TypeError(
                f"InProcessTransport needs an object with a method handle(method, url, headers, "
                f"body, timeout), such as ionq_toolkit_fake.FakeIonQ(); got {type(cloud).__name__}"
            )
        self.cloud = cloud

    def __reduce__(self) -> Never:
        """Refuse to be pickled: a copy of the cloud would go its own way.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "A cloud in this process cannot be pickled or copied, nor what runs on it. Keep "
            "job.job_id(), and call backend.retrieve_job(job_id) where the job is wanted; for "
            "several processes, run the cloud in one of its own: ionq-fake serve."
        )

    @property
    def clock(self) -> Clock | None:
        """The cloud's own clock, if it has one that a client can wait on."""
        clock: Any = getattr(self.cloud, "clock", None)
        can_wait = callable(getattr(clock, "monotonic", None)) and callable(
            getattr(clock, "sleep", None)
        )
        return clock if can_wait else None

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> Response:
        """Hand one request over; see `Transport.send`.

        Raises:
            TypeError: The cloud's reply is not (status, headers, body).
        """
        reply = self.cloud.handle(method, url, dict(headers), body, timeout)
        try:
            status, reply_headers, reply_body = reply
            names_and_values = {str(k): str(v) for k, v in dict(reply_headers).items()}
            return Response(int(status), names_and_values, bytes(reply_body))
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{type(self.cloud).__name__}.handle() must return (status: int, headers: dict, "
                f"body: bytes); got {type(reply).__name__}"
            ) from error

    def close(self) -> None:
        """Do nothing: the cloud belongs to whoever made it."""


def new_fake(**options: Any) -> InProcessTransport:  # noqa: ANN401 - the fake's own options
    """Return a transport to a new local fake of the IonQ Cloud.

    Args:
        options: What `ionq_toolkit_fake.FakeIonQ` takes, such as `seed`.

    Raises:
        ModuleNotFoundError: The extra `fake` is not installed; the message says how to.
    """
    from ionq_toolkit_fake import FakeIonQ  # noqa: PLC0415 - nobody else pays for the fake

    return InProcessTransport(FakeIonQ(**options))


@functools.cache
def shared_fake() -> InProcessTransport:
    """Return the transport to this process's one shared fake, made at the first call.

    As with the real service, a job submitted through one provider can then be
    retrieved by its id through another.
    """
    return new_fake()
