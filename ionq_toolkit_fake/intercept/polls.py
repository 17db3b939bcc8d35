"""Polls of clients that wait for a job, and whether they can ever see a change."""

from __future__ import annotations

import re
from collections import OrderedDict
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
_MOST_PATHS = 256

#: After so many polls without a change, sleeps of a second or less last until the next change.
_PATIENT_POLLS, _SHORT_S = 400, 1.0

#: After so many polls without a change, the test ends: the clock stands still, or no time helps.
_STANDING_POLLS, _HOPELESS_POLLS = 500, 10_000


class StandstillError(UnansweredRequest):
    """A client polls a job that will never change, and would wait for ever.

    It must reach the test, as `UnansweredRequest`. The message says what to do.
    """


class Polls:
    """The polls of one scope since the last change of a status."""

    def __init__(self, cloud: FakeIonQ) -> None:
        self._cloud = cloud
        self._statuses: OrderedDict[str, list[bytes]] = OrderedDict()
        self._unchanged = self._standing = 0
        self._at_s = -1.0

    def saw(self, method: str, path: str, response: Response) -> None:
        """Count the response to a poll.

        Raises:
            StandstillError: There were too many without a change.
        """
        if method != "GET" or not _JOBS.search(path):
            if method != "GET":
                self._reset()
            return
        statuses = _STATUS.findall(response.body)
        known = self._statuses.get(path)
        self._statuses[path] = statuses
        if len(self._statuses) > _MOST_PATHS:
            self._statuses.popitem(last=False)
        if not statuses or FINAL.issuperset(status.decode() for status in statuses):
            return
        if known not in (None, statuses):
            self._reset()
            return
        now_s = self._cloud.clock.monotonic()
        self._unchanged += 1
        self._standing = self._standing + 1 if now_s == self._at_s else 0
        self._at_s = now_s
        if self._standing >= _STANDING_POLLS or self._unchanged >= _HOPELESS_POLLS:
            self._judge(path)

    def _reset(self) -> None:
        self._unchanged = self._standing = 0

    def stretched(self, seconds: float) -> float:
        """Return for how long a client sleeps that asks for so many seconds."""
        if seconds > _SHORT_S or self._unchanged < _PATIENT_POLLS:
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

    def _judge(self, path: str) -> None:
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
        stands = self._standing >= _STANDING_POLLS
        if polled or (moment is not None and not stands):
            self._reset()
            return
        status = b", ".join(sorted(set(self._statuses[path]))).decode()
        now = iso(self._cloud.clock.now())
        if stands:
            raise StandstillError(
                f"GET {path} was sent {self._standing} times and showed {status!r}, while the "
                f"virtual clock of the cloud stood still at {now}. Sleeping moves it in the thread "
                "or task that entered mock_ionq, but not in other threads, and not with "
                "sleep='real'. Sleep between polls, move it by cloud.clock.sleep(seconds), take "
                "transitions='immediately', or clock='real'."
            )
        raise StandstillError(
            f"GET {path} was sent {self._unchanged} times and showed {status!r}, and no time will "
            "change that: the job is held, or its transitions end there. Release it by "
            "cloud.release(job_id), end it by cloud.end(job_id), or give the wait a timeout."
        )
