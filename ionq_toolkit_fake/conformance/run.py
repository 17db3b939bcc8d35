"""The run: each check of the table once, and nothing left behind."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ionq_toolkit_fake.clock import SystemClock
from ionq_toolkit_fake.conformance.checks import CHECKS, QPU
from ionq_toolkit_fake.conformance.kit import (
    DifferenceError,
    Kit,
    NotApplicableError,
    NotRunError,
)
from ionq_toolkit_fake.conformance.report import (
    AGREES,
    DIFFERS,
    NOT_APPLICABLE,
    NOT_RUN,
    ConformanceReport,
    Result,
)
from ionq_toolkit_fake.conformance.wire import NoJsonError, StoppedError, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.conformance.checks import Check
    from ionq_toolkit_fake.conformance.wire import Send

#: After so many requests in a row without a response, no more checks are run.
_MOST_SILENT = 3

#: How many differences of one check are reported.
_MOST_DETAILS = 8


def check_conformance(
    url: str,
    key: str,
    *,
    areas: Sequence[str] = (),
    qpu: str | None = None,
    max_cost: float = 0.0,
    tag: str | None = None,
    clock: Clock | None = None,
    send: Send | None = None,
    on_result: Callable[[Result], object] | None = None,
) -> ConformanceReport:
    """Check whether a cloud answers as IonQ's is documented and observed to.

    It uses the simulator, whose jobs cost nothing, and deletes the jobs that it made.

    ::

        with FakeServer() as server:
            report = check_conformance(server.url, "any-key", areas=["backends"])
        print(report.summary)

    Args:
        url: Its URL, with or without the version: ``http://127.0.0.1:8080``.
        key: The API key. It is in no result.
        areas: The areas to check; none: all.
        qpu: A QPU to check as well, by jobs that are dry runs or paid for.
        max_cost: The most US dollars that paid jobs may cost together. The estimate of each is
            asked for first; without one, it is not submitted.
        tag: In the name and metadata of each job; None: drawn.
        clock: Measures the pauses between polls; None: the machine's.
        send: Sends the requests; None: by HTTP.
        on_result: Called with each result as it is there.

    Raises:
        ValueError: An area is unknown.
    """
    known = list(dict.fromkeys(check.area for check in CHECKS))
    for area in areas:
        if area not in known:
            raise ValueError(f"there is no area {area!r}; there are {', '.join(known)}")
    tag = f"conformance-{secrets.token_hex(6)}" if tag is None else tag
    wire = Wire(url, key, send)
    kit = Kit(wire, clock or SystemClock(), tag=tag, qpu=qpu, max_cost=max_cost)
    results, silent, left = [], 0, list[str]()
    try:
        for check in CHECKS:
            if areas and check.area not in areas:
                continue
            if silent >= _MOST_SILENT:
                found = _result(check, NOT_RUN, "the cloud does not respond")
            else:
                found, answered = _checked(check, kit)
                silent = 0 if answered else silent + 1
            results.append(found)
            if on_result is not None:
                on_result(found)
    finally:
        left = kit.clean_up()
    if wire.leaked:
        source = "SECURITY.md"
        named = tuple(dict.fromkeys(wire.leaked))[:_MOST_DETAILS]
        results.append(Result("keys", "no response has the key", DIFFERS, named, source))
    return ConformanceReport(url, tag, results, kit.spent, wire.sent, left)


def _result(check: Check, verdict: str, *details: str) -> Result:
    shown = details[:_MOST_DETAILS]
    if len(details) > len(shown):
        shown = (*shown, f"and {len(details) - len(shown)} more")
    return Result(check.area, check.name, verdict, shown, check.source, check.deviations)


def _checked(check: Check, kit: Kit) -> tuple[Result, bool]:
    """Return the result of a check, and whether the cloud responded."""
    if check.needs == QPU and kit.qpu is None:
        return _result(check, NOT_RUN, "checks of a QPU were not asked for"), True
    try:
        details = tuple(check.probe(kit))
    except (DifferenceError, NoJsonError) as error:
        details = tuple(map(str, error.args))
    except NotApplicableError as error:
        return _result(check, NOT_APPLICABLE, str(error)), True
    except (NotRunError, StoppedError) as error:
        return _result(check, NOT_RUN, str(error)), True
    except OSError as error:
        return _result(check, DIFFERS, f"no response: {type(error).__name__}"), False
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        details = (f"a response has another form: {type(error).__name__}: {error}",)
    return _result(check, DIFFERS if details else AGREES, *details), True
