"""The counters of a server, as text for Prometheus.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ionq_toolkit_fake.cloud import FakeIonQ

#: The type of the text.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: The upper bounds of the buckets of durations, in seconds.
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts the requests of a server.

    Attributes:
        connections: How many connections are open.
        waiting: How many requests wait for the cloud.
        body_bytes: How many bytes of request bodies are held.
    """

    def __init__(self) -> None:
        """Begin to count."""
        self.connections = self.waiting = self.body_bytes = 0
        self._answered: Counter[tuple[str, str]] = Counter()
        self._dropped: Counter[str] = Counter()
        self._buckets = [0] * (len(_BUCKETS_S) + 1)
        self._seconds = 0.0

    def answered(self, route: str, status: int | None, seconds: float) -> None:
        """Count a request.

        Args:
            route: Its route, of which there are few.
            status: The HTTP status of its response; None: the client got no response.
            seconds: How long it took.
        """
        self._answered[route, "none" if status is None else str(status)] += 1
        self._buckets[bisect.bisect_left(_BUCKETS_S, seconds)] += 1
        self._seconds += seconds

    def dropped(self, why: str) -> None:
        """Count a connection that the server ended."""
        self._dropped[why] += 1

    def text(self, cloud: FakeIonQ) -> str:
        """Return everything that is counted, of the server and of its cloud."""
        return "".join(itertools.chain(self._of_server(), _of_cloud(cloud)))

    def _of_server(self) -> Iterator[str]:
        yield from _family(
            "ionq_fake_http_requests_total",
            "counter",
            "Requests by route and HTTP status; none: no response.",
            (
                ({"route": route, "status": status}, count)
                for (route, status), count in sorted(self._answered.items())
            ),
        )
        name = "ionq_fake_http_request_seconds"
        counts = list(itertools.accumulate(self._buckets))
        bounds = [*map(str, _BUCKETS_S), "+Inf"]
        yield from _family(
            name,
            "histogram",
            "Seconds from the head of a request to the end of its response.",
            (({"le": bound}, n) for bound, n in zip(bounds, counts, strict=True)),
            suffix="_bucket",
        )
        yield f"{name}_sum {self._seconds:.6f}\n{name}_count {counts[-1]}\n"
        for name, what, value in (
            ("connections", "Open connections.", self.connections),
            ("requests_waiting", "Requests that wait for the cloud.", self.waiting),
            ("body_bytes", "Bytes of request bodies that are held.", self.body_bytes),
        ):
            yield from _family(f"ionq_fake_{name}", "gauge", what, [({}, value)])
        yield from _family(
            "ionq_fake_connections_dropped_total",
            "counter",
            "Connections that the server ended, by the limit that they met.",
            (({"limit": why}, count) for why, count in sorted(self._dropped.items())),
        )


def _of_cloud(cloud: FakeIonQ) -> Iterator[str]:
    with cloud.lock:
        jobs: Counter[str] = Counter()
        for project in cloud.projects:
            jobs.update(project.jobs.index.counts())
        projects = len(cloud.projects)
    yield from _family(
        "ionq_fake_jobs",
        "gauge",
        "Jobs that are kept, by status as it was last shown; child jobs do not count.",
        (({"status": status}, count) for status, count in sorted(jobs.items())),
    )
    yield from _family("ionq_fake_projects", "gauge", "Projects.", [({}, projects)])
    load = getattr(cloud.executor, "load", None)
    if load is not None:
        workers, running, waiting = load()
        yield from _family("ionq_fake_workers", "gauge", "Worker processes.", [({}, workers)])
        yield from _family(
            "ionq_fake_simulations",
            "gauge",
            "Simulations, by whether they run or wait for a worker.",
            [({"state": "running"}, running), ({"state": "waiting"}, waiting)],
        )


def _family(
    name: str,
    kind: str,
    what: str,
    samples: Iterable[tuple[Mapping[str, str], int]],
    suffix: str = "",
) -> Iterator[str]:
    """Yield the lines of one metric."""
    yield f"# HELP {name} {what}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{suffix}{f'{{{written}}}' if written else ''} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
