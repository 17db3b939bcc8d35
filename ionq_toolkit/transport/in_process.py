"""A transport to a cloud in this process."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Never, Protocol, Self

from ionq_toolkit.transport.base import Response, Transport

if TYPE_CHECKING:
    from ionq_toolkit.transport.base import Headers


class Cloud(Protocol):
    """An object that answers requests, such as `ionq_toolkit_fake.FakeIonQ`."""

    def handle(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: float | None
    ) -> tuple[int, Headers, bytes]:
        """Return (status, headers, body).

        Raises:
            ConnectionError: To simulate a connection that fails.
            TimeoutError: To simulate a response that is late.
        """
        ...


class InProcessTransport(Transport):
    """Hands every request to the `handle` method of an object in this process.

    It needs no API key. If the cloud has a `client_clock` or a `clock` with `monotonic()` and
    `sleep(seconds)`, the client waits on the first of them, so a test never sleeps.

    ::

        cloud = FakeIonQ(seed=7)
        provider = IonQProvider(transport=InProcessTransport(cloud))
        provider.get_backend("simulator").run(circuit)
        len(cloud.jobs)  # -> 1
    """

    requires_key = False

    def __init__(self, cloud: Cloud) -> None:
        """Send requests to `cloud`.

        Raises:
            TypeError: `cloud` has no method `handle`.
        """
        if not callable(getattr(cloud, "handle", None)):
            raise TypeError(
                f"InProcessTransport needs an object with a method handle(method, url, headers, "
                f"body, timeout), such as ionq_toolkit_fake.FakeIonQ(); got {type(cloud).__name__}"
            )
        self.cloud = cloud
        clock = getattr(cloud, "client_clock", None) or getattr(cloud, "clock", None)
        self.clock = clock if hasattr(clock, "monotonic") and hasattr(clock, "sleep") else None

    def __copy__(self) -> Self:
        return self

    def __reduce__(self) -> Never:
        """Refuse to be pickled: a copy of the cloud would diverge from the original.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "A cloud in this process cannot be pickled, nor what runs on it. Keep "
            "job.job_id(), and call backend.retrieve_job(job_id) where the job is wanted; for "
            "several processes, run the cloud in one of its own: ionq-fake serve."
        )

    def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: float | None
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


def new_fake(**options: Any) -> InProcessTransport:  # noqa: ANN401 - the fake's own options
    """Return a transport to a new local fake of the IonQ Cloud.

    Args:
        options: Arguments of `ionq_toolkit_fake.FakeIonQ`, such as `seed`.

    Raises:
        ModuleNotFoundError: The extra `fake` is not installed; the message names the command.
    """
    from ionq_toolkit_fake import FakeIonQ  # noqa: PLC0415 - an optional extra

    return InProcessTransport(FakeIonQ(**options))


@functools.cache
def shared_fake(state: str | None = None) -> InProcessTransport:
    """Return the transport to the one fake that all providers of this process share.

    As with the real service, one provider can retrieve a job that another has submitted.

    Args:
        state: The absolute path of the file that keeps its jobs: one fake for each file. None: its
            jobs are gone with the process.

    Raises:
        ValueError: The file cannot be used.
    """
    return new_fake() if state is None else new_fake(state=state)
