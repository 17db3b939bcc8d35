"""What each kind of fault makes of an exchange.

Each function gets the exchange, what chance to draw from, and the parameters of the fault.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.faults import statuses
from ionq_toolkit_fake.faults.exchange import Ending

if TYPE_CHECKING:
    from random import Random

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.faults.exchange import Exchange


def http(
    exchange: Exchange, _: Random, status: int, retry_after: float | str | None = None
) -> Exchange:
    """Answer with an error."""
    text = (
        retry_after
        if isinstance(retry_after, str | None)
        else format(Decimal(str(retry_after)).normalize(), "f")
    )
    return replace(exchange, response=statuses.answer(status, text, exchange.request_id))


def latency(exchange: Exchange, chance: Random, seconds: float, jitter: float = 0.0) -> Exchange:
    """Be late, and later than one was already."""
    late_s = seconds + (chance.uniform(-jitter, jitter) if jitter else 0.0)
    return replace(exchange, delay_s=exchange.delay_s + late_s)


def timeout(exchange: Exchange, _: Random) -> Exchange:
    """Say nothing."""
    return replace(exchange, delay_s=math.inf)


def refused(exchange: Exchange, _: Random) -> Exchange:
    """Have no connection."""
    return replace(exchange, ending=Ending.REFUSED)


def reset(exchange: Exchange, _: Random) -> Exchange:
    """Reset the connection."""
    return replace(exchange, ending=Ending.RESET)


def lost_answer(
    exchange: Exchange, chance: Random, how: str | None = None, status: int | None = None
) -> Exchange:
    """Keep the answer from the client."""
    if status is not None:
        return http(exchange, chance, status)
    return (timeout if how == "timeout" else reset)(exchange, chance)


def truncated(exchange: Exchange, _: Random, bytes: int | None = None) -> Exchange:  # noqa: A002 - the parameter's name
    """Cut the body, and never just behind its end."""
    length = len(_answer(exchange).body)
    size = length // 2 if bytes is None else bytes
    return replace(exchange, ending=Ending.CUT, size=min(size, max(length - 1, 0)))


def dribble(exchange: Exchange, _: Random, bytes: int, seconds: float) -> Exchange:  # noqa: A002 - as above
    """Send the body in pieces."""
    return replace(exchange, ending=Ending.PIECES, size=bytes, pause_s=seconds)


def malformed(exchange: Exchange, _: Random) -> Exchange:
    """Leave the end of the body out: no beginning of an object or a list is JSON."""
    answer = _answer(exchange)
    return replace(exchange, response=answer._replace(body=answer.body[: len(answer.body) // 2]))


def empty(exchange: Exchange, _: Random) -> Exchange:
    """Leave the body out."""
    return replace(exchange, response=_answer(exchange)._replace(body=b""))


def html(exchange: Exchange, _: Random, status: int) -> Exchange:
    """Answer with the page of somebody else."""
    page = statuses.page(status, "Sign in", "This network wants to know who you are.")
    return replace(exchange, response=page)


def content_type(exchange: Exchange, _: Random, value: str) -> Exchange:
    """Say that the body is something else."""
    answer = _answer(exchange)
    headers = {**answer.headers, "content-type": value}
    return replace(exchange, response=answer._replace(headers=headers))


def none(exchange: Exchange, _: Random, **__: Any) -> Exchange:  # noqa: ANN401 - of any kind
    """Change nothing: it is in how the cloud takes the request."""
    return exchange


def _answer(exchange: Exchange) -> Response:
    answer = exchange.response
    assert answer is not None, "what changes the answer comes after the effect"  # noqa: S101
    return answer
