"""The one place where the client reaches for the fake, and only when asked to."""

from __future__ import annotations

import functools
from typing import Any

from ionq_toolkit.transport.in_process import InProcessTransport


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
