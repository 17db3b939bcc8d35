"""Polls of clients that wait for a job, and whether they can ever see a change."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ionq_toolkit_fake.clock import iso
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest
from ionq_toolkit_fake.transitions.lifecycle import FINAL, FINISHED, POLLS, expected

if TYPE_CHECKING:
    from datetime import datetime

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.cloud import FakeIonQ

_JOBS = re.compile(r"/v[\d.]+/jobs(/[^/]+)?/?$")
_STATUS = re.compile(rb'"status":"([^"]+)"')

#: As many paths are remembered.
_MOST_PATHS = 1024

#: After so many polls without a change, sleeps of a second or less last until the next change.
_PATIENT_POLLS, _SHORT_S = 400, 1.0

#: After so many polls without a change, the test ends: the clock stands still, or no time helps.
_STANDING_POLLS, _HOPELESS_POLLS = 500, 2_000


class StandstillError(UnansweredRequest):
    """A client polls a job that will never change, and would wait for ever.

    It must reach the test, as `UnansweredRequest`. The message says what to do.

    ::

        with mock_ionq(transitions=Transitions(started="never")):
            job = IonQProvider().get_backend("simulator").run(circuit)
            try:
                while not job.done():  # it is in the queue for ever
                    pass
            except StandstillError as error:
                print(error)
    """


@dataclass
class _Polled:
    """The polls of one path since the last change: all, and those since the clock has moved."""

    statuses: list[bytes]
    at_s: float
    unchanged: int = 0
    standing: int = 0


class Polls:
    """The polls of one scope since the last change of a status."""

    def __init__(self, cloud: FakeIonQ) -> None:
        self._cloud = cloud
        self._polled: OrderedDict[str, _Polled] = OrderedDict()
        self._last: _Polled | None = None

    def saw(self, method: str, path: str, response: Response) -> None:
        """Count the response to a poll.

        Raises:
            StandstillError: There were too many without a change.
        """
        if method != "GET":
            self._polled.clear()
        if method != "GET" or not _JOBS.search(path):
            return
        statuses, now_s = _STATUS.findall(response.body), self._cloud.clock.monotonic()
        polled = self._polled.get(path)
        if polled is not None and polled.statuses != statuses:
            self._polled.clear()
            polled = None
        if FINAL.issuperset(status.decode() for status in statuses):
            return
        if polled is None:
            polled = self._polled[path] = _Polled(statuses, now_s)
            if len(self._polled) > _MOST_PATHS:
                self._polled.popitem(last=False)
        polled.unchanged += 1
        polled.standing = polled.standing + 1 if now_s == polled.at_s else 0
        polled.at_s, self._last = now_s, polled
        if polled.standing >= _STANDING_POLLS or polled.unchanged >= _HOPELESS_POLLS:
            self._judge(path, polled)

    def stretched(self, seconds: float) -> float:
        """Return for how long a client sleeps that asks for so many seconds."""
        if seconds > _SHORT_S or self._last is None or self._last.unchanged < _PATIENT_POLLS:
            return seconds
        moment = self._next_change()
        if moment is None:
            return seconds
        return max(seconds, (moment - self._cloud.clock.now()).total_seconds())

    def _next_change(self) -> datetime | None:
        """Return when time moves a job on; None: it moves none."""
        now = self._cloud.clock.now()
        found: list[datetime] = []
        for job in self._cloud.jobs:
            if job.status in FINAL:
                continue
            places = range(job.position.place + 1, FINISHED + 1)
            times = (expected(job.plan.steps, job.position, place) for place in places)
            found.extend(moment for moment in times if moment is not None and moment > now)
        return min(found, default=None)

    def _judge(self, path: str, found: _Polled) -> None:
        """End the test, unless polls or time will move a job on.

        Raises:
            StandstillError: Neither will.
        """
        polled = any(
            job.plan.steps[job.position.place].kind == POLLS and job.position.held_at is None
            for job in self._cloud.jobs
            if job.status not in FINAL
        )
        moment = self._next_change()
        stands = found.standing >= _STANDING_POLLS
        if polled or (moment is not None and not stands):
            self._polled.clear()
            return
        status = b", ".join(sorted(set(found.statuses))).decode()
        now = iso(self._cloud.clock.now())
        if stands:
            raise StandstillError(
                f"GET {path} was sent {found.standing} times and showed {status!r}, while the "
                f"virtual clock of the cloud stood still at {now}. Sleeping moves it in the thread "
                "or task that entered mock_ionq, but not in other threads, and not with "
                "sleep='real'. Sleep between polls, move it by cloud.clock.sleep(seconds), take "
                "transitions='immediately', or clock='real'."
            )
        raise StandstillError(
            f"GET {path} was sent {found.unchanged} times and showed {status!r}, and no time will "
            "change that: the job is held, or its transitions end there. Release it by "
            "cloud.release(job_id), end it by cloud.end(job_id), or give the wait a timeout."
        )
