"""The effect of each kind of fault on an exchange.

Each function takes the exchange, a random stream, and the parameters of the fault.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.faults import statuses
from ionq_toolkit_fake.faults.exchange import Delivery

if TYPE_CHECKING:
    from random import Random

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.faults.exchange import Exchange


def http(
    exchange: Exchange, _: Random, status: int, retry_after: float | str | None = None
) -> Exchange:
    """Respond with an error."""
    text = (
        retry_after
        if isinstance(retry_after, str | None)
        else format(Decimal(str(retry_after)).normalize(), "f")
    )
    return exchange._replace(response=statuses.answer(status, text, exchange.request_id))


def latency(exchange: Exchange, chance: Random, seconds: float, jitter: float = 0.0) -> Exchange:
    """Delay the response, in addition to earlier delays."""
    late_s = seconds + (chance.uniform(-jitter, jitter) if jitter else 0.0)
    return exchange._replace(delay_s=exchange.delay_s + late_s)


def timeout(exchange: Exchange, _: Random) -> Exchange:
    """Send no byte, ever."""
    return exchange._replace(delay_s=math.inf)


def refused(exchange: Exchange, _: Random) -> Exchange:
    """Refuse the connection."""
    return exchange._replace(delivery=Delivery.REFUSED)


def reset(exchange: Exchange, _: Random) -> Exchange:
    """Reset the connection."""
    return exchange._replace(delivery=Delivery.RESET)


def lost_answer(
    exchange: Exchange, chance: Random, how: str | None = None, status: int | None = None
) -> Exchange:
    """Lose the response."""
    if status is not None:
        return http(exchange, chance, status)
    return (timeout if how == "timeout" else reset)(exchange, chance)


def truncated(exchange: Exchange, _: Random, bytes: int | None = None) -> Exchange:  # noqa: A002 - the parameter's name
    """Cut the body before its end."""
    length = len(_made(exchange).body)
    size = length // 2 if bytes is None else bytes
    return exchange._replace(delivery=Delivery.CUT, size=min(size, max(length - 1, 0)))


def dribble(exchange: Exchange, _: Random, bytes: int, seconds: float) -> Exchange:  # noqa: A002 - as above
    """Send the body in pieces."""
    return exchange._replace(delivery=Delivery.PIECES, size=bytes, pause_s=seconds)


def malformed(exchange: Exchange, _: Random) -> Exchange:
    """Send the first half of the body, which is not JSON."""
    response = _made(exchange)
    return exchange._replace(
        response=response._replace(body=response.body[: len(response.body) // 2])
    )


def empty(exchange: Exchange, _: Random) -> Exchange:
    """Send an empty body."""
    return exchange._replace(response=_made(exchange)._replace(body=b""))


def html(exchange: Exchange, _: Random, status: int) -> Exchange:
    """Respond with the page of a network in between."""
    page = statuses.page(status, "Sign in", "This network wants to know who you are.")
    return exchange._replace(response=page)


def content_type(exchange: Exchange, _: Random, value: str) -> Exchange:
    """Send another content type."""
    response = _made(exchange)
    headers = {**response.headers, "content-type": value}
    return exchange._replace(response=response._replace(headers=headers))


def none(exchange: Exchange, _: Random, **__: Any) -> Exchange:  # noqa: ANN401 - of any kind
    """Change nothing: the cloud applies the fault when it takes the request."""
    return exchange


def _made(exchange: Exchange) -> Response:
    response = exchange.response
    assert response is not None, "a fault that changes the response acts after it is made"  # noqa: S101
    return response
