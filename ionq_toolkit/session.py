"""Session: a QPU for so many jobs, minutes or dollars."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Self, Unpack

from ionq_toolkit.api import fields
from ionq_toolkit.api.statuses import FINAL
from ionq_toolkit.display import View, shown
from ionq_toolkit.errors import (
    IonQAPIError,
    IonQBackendError,
    IonQError,
    IonQResponseError,
    IonQSubmissionUnknownError,
)
from ionq_toolkit.job.options import completed, integer
from ionq_toolkit.job.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from qiskit import QuantumCircuit

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.job.job import IonQJob
    from ionq_toolkit.job.options import RunArguments

logger = logging.getLogger(__name__)

#: The largest limit of a session: the API document says int32.
_MAX_LIMIT = 2**31 - 1


class Session:
    """A session on a backend: created, or attached to by its id.

    ::

        with Session(backend, max_time=60, max_cost=100) as session:
            job = backend.run(circuit)  # is part of the session
            print(job.result().get_counts())

    Within ``with``, the jobs of `backend` are part of the session, in every thread: Qiskit's
    primitives run in threads of their own. The jobs of other backend objects are not. The end of
    ``with`` ends the session: wait for results before. If an error ends it, the jobs of the session
    that are not final are cancelled.
    """

    def __init__(
        self,
        backend: IonQBackend,
        *,
        max_time: int | str | None = None,
        max_cost: float | str | None = None,
        max_jobs: int | str | None = None,
        create_new: bool = True,
        session_id: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Create a session, or attach to the one that is named.

        A session is created once. If the response is lost, the client searches for the session.
        IonQ stores nothing with a session that says who created it, so it takes none over: the
        error names the new ones on this backend, with these limits, without a job.

        Args:
            backend: Its backend.
            max_time: Minutes after which it ends by itself.
            max_cost: US dollars that its jobs may cost.
            max_jobs: The number of jobs that it takes.
            create_new: False asks for `session_id`.
            session_id: The id of an existing session; its limits stay as they are.
            timeout: Seconds for everything; None: the provider's default.

        Raises:
            IonQBackendError: A limit is no positive number, or the session is on another backend.
            IonQAPIError: IonQ refused, or no session has that id.
            IonQSubmissionUnknownError: The response was lost: the session may exist. Its
                `candidates` are the sessions that may be it.
            IonQConnectionError: The service was not reached.
            ValueError: `timeout` is negative or not a number.
        """
        self._backend = backend
        self._client = backend.client
        limits = _limits(max_time, max_cost, max_jobs)
        service = backend.service
        deadline = service.deadline(timeout)
        if session_id is None:
            if not create_new:
                raise IonQBackendError("A session that is not made anew needs its session_id.")
            payload: dict[str, Any] = {"backend": backend.api_name}
            if limits:
                payload["settings"] = limits
            self._create(payload, deadline)
        else:
            if limits:
                raise IonQBackendError(
                    "max_time, max_cost and max_jobs are for a new session; leave session_id out."
                )
            record = self._client.get_session(session_id, timeout=deadline.for_request())
            on = record.get("backend")
            if isinstance(on, str) and on != backend.api_name:
                raise IonQBackendError(
                    f"Session {session_id} is on {on!r}, not on {backend.api_name!r}."
                )
            self._take(session_id, limits)

    def _create(self, payload: dict[str, Any], deadline: Deadline) -> None:
        service = self._backend.service
        submission = SessionSubmission(
            self._client, payload, service.sessions, deadline, tag=service.draw_tag()
        )
        try:
            session_id = submission.run(deadline)
            logger.debug("created session %s", session_id)
            self._take(session_id, payload.get("settings", {}))
        except BaseException as error:
            if not isinstance(error, IonQError):  # an interrupt: the caller never gets the session
                error.add_note(submission.told())
            raise

    def _take(self, session_id: str, limits: Mapping[str, Any]) -> None:
        self._session_id, self._limits = session_id, limits
        self._backend.service.sessions[session_id] = self._backend.api_name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._session_id} on {self._backend.name}>"

    def _view(self) -> View:
        sessions, limits = self._backend.service.sessions, self._limits
        ended = sessions.get(self._session_id, self._backend.api_name) is None
        return View(
            f"{type(self).__name__} {self._session_id}",
            badge="ended here" if ended else "",
            facts={"backend": self._backend.name, **{f"limit: {n}": limits[n] for n in limits}},
            note="" if ended else "details() asks the service.",
        )

    _repr_html_, _repr_pretty_ = shown(_view)

    @classmethod
    def from_id(cls, session_id: str, *, backend: IonQBackend) -> Self:
        """Attach to a session that exists.

        ::

            session = Session(backend, max_time=60)
            again = Session.from_id(session.session_id, backend=backend)  # in another process
            again.close()

        Raises:
            IonQAPIError: No session has that id, or not for this key.
            IonQBackendError: It is on another backend.
        """
        return cls(backend, session_id=session_id, create_new=False)

    @property
    def session_id(self) -> str:
        """IonQ's id of the session."""
        return self._session_id

    @property
    def backend(self) -> IonQBackend:
        """The backend of the session."""
        return self._backend

    @completed
    def run(
        self,
        run_input: QuantumCircuit | Sequence[QuantumCircuit],
        *,
        timeout: float | None = None,
        **options: Unpack[RunArguments],
    ) -> IonQJob:
        """Submit a job of the session, as `IonQBackend.run` does.

        ::

            session = Session(backend, max_jobs=10)
            session.run(circuit, shots=100).get_counts()
            session.close()
        """
        options["session_id"] = self._session_id
        return self._backend.run(run_input, timeout=timeout, **options)

    def details(self) -> dict[str, Any]:
        """Return IonQ's record of the session, as it is now.

        ::

            with Session(backend, max_cost=100) as session:
                session.details()["settings"]  # -> {...}
        """
        return self._client.get_session(self._session_id)

    def status(self) -> str | None:
        """Return the status in IonQ's words: ``created``, ``started`` or ``ended``.

        ::

            session = Session(backend)
            session.close()
            session.status()  # -> 'ended'
        """
        return fields.text(self.details().get("status"))

    def active(self) -> bool:
        """Return whether the session has not ended.

        ::

            with Session(backend) as session:
                session.active()  # -> True
        """
        details = self.details()
        active = details.get("active")
        return active if isinstance(active, bool) else details.get("ended_at") is None

    def jobs(self) -> Iterator[dict[str, Any]]:
        """Yield IonQ's records of the session's jobs, the newest first.

        ::

            with Session(backend) as session:
                backend.run(circuit)
                len(list(session.jobs()))  # -> 1
        """
        return self._client.list_session_jobs(self._session_id)

    def usage(self) -> float:
        """Return the seconds that the session's jobs have run so far.

        IonQ's record of a session does not say; these are added up from its jobs.
        """
        seconds = (fields.milliseconds(job.get("execution_duration_ms")) for job in self.jobs())
        return math.fsum(s for s in seconds if s is not None)

    def cancel(self) -> None:
        """Cancel the jobs of the session that are not final, each whatever becomes of the others.

        ::

            with Session(backend) as session:
                job = backend.run(circuit)
                cloud.hold(job.job_id(), "ready")  # it is in the queue
                session.cancel()
            job.cancelled()  # -> True

        Raises:
            IonQError: Some were not cancelled; the message says why.
        """
        # Read to the end first: a job that is cancelled meanwhile would move the pages.
        jobs = list(self.jobs())
        self._client.cancel_jobs(
            job["id"]
            for job in jobs
            if isinstance(job.get("id"), str) and job.get("status") not in FINAL
        )

    def close(self) -> None:
        """End the session; once more is no error. IonQ takes no more jobs for it."""
        self._client.end_session(self._session_id)
        self._backend.service.sessions[self._session_id] = None

    def __enter__(self) -> Self:
        self._backend.join_session(self._session_id)
        return self

    def __exit__(self, _: object, exc: BaseException | None, *__: object) -> None:
        self._backend.leave_session(self._session_id)
        if exc is None:
            self._close_or_say_so()
            return
        for step in (self.cancel, self.close):  # the first error is the one that is raised
            try:
                step()
            except IonQError as error:
                logger.warning("at the end of session %s: %s", self._session_id, error)
                exc.add_note(f"And at the end of session {self._session_id}: {error}")

    def _close_or_say_so(self) -> None:
        try:
            self.close()
        except IonQError as error:
            error.add_note(
                f"Session {self._session_id} may still go on, and cost: "
                "Session.from_id(..., backend=...).close() ends it."
            )
            raise


def _limits(max_time: object, max_cost: object, max_jobs: object) -> dict[str, Any]:
    """Return the settings of a session: numbers, which qiskit-ionq takes as strings as well."""
    limits: dict[str, Any] = {}
    if max_jobs is not None:
        limits["job_count_limit"] = _whole(max_jobs, "max_jobs")
    if max_time is not None:
        limits["duration_limit_min"] = _whole(max_time, "max_time")
    if max_cost is not None:
        limits["cost_limit"] = {"unit": "usd", "value": _amount(max_cost)}
    return limits


def _whole(value: object, name: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return integer(value, name, 1, _MAX_LIMIT)


def _amount(value: object) -> float:
    try:
        amount = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        amount = math.nan
    if isinstance(value, bool) or not 0 < amount < math.inf:
        raise IonQBackendError(f"max_cost must be a positive number of dollars, not {value!r}.")
    return amount


class SessionSubmission(Submission):
    """The creation of a session.

    Sessions carry no tag: IonQ stores nothing of the caller's with them. So the client lists the
    sessions before it creates one, and after a lost response names those that are new, on its
    backend, with its limits, and neither used nor ended. It takes none over, not even the only one:
    another process of the project may have created it in these seconds, and is using it.
    """

    def __init__(
        self,
        client: IonQClient,
        payload: Mapping[str, Any],
        known: Collection[str],
        deadline: Deadline,
        *,
        tag: str,
    ) -> None:
        """Prepare to create a session.

        Args:
            client: The client of the service.
            payload: The body of POST /sessions.
            known: Ids of sessions that it is not.
            deadline: The deadline of the list of existing sessions.
            tag: A text that no other submission has. It is not sent: the pauses follow from it.

        Raises:
            IonQConnectionError: The service was not reached.
        """
        super().__init__(client, tag)
        self.what = f"a new session on {payload['backend']}"
        self._payload = payload
        self._known = known
        self._candidates: tuple[str, ...] = ()
        self._before: Collection[str] | None = None
        try:
            self._before = set(_ids(client.list_sessions(timeout=deadline.for_request())))
        except (IonQAPIError, IonQResponseError) as error:
            logger.debug("the existing sessions cannot be listed: %s", error)

    def told(self) -> str:
        """Return what is known of the session when the caller is interrupted."""
        if self.made is not None:
            return f"Session {self.made} was created: Session.from_id(...).close() ends it."
        if self.open:
            return f"There may be {self.what}: provider.client.list_sessions(active=True) shows it."
        return f"There is not {self.what}: nothing was sent."

    def _send(self, timeout: float | None) -> str:
        session_id: str = self._client.create_session(self._payload, timeout=timeout)["id"]
        return session_id

    def _look(self, deadline: Deadline) -> str | None:
        """Look for sessions that may be this one; no session is certainly it."""
        if self._before is None:
            return None
        listed = self._client.list_sessions(timeout=deadline.for_one_of_many())
        alike = [
            session
            for session in listed
            if session.get("backend") == self._payload["backend"]
            and session.get("status") == "created"
            and _limits_of(session) == _limits_of(self._payload)
        ]
        self._candidates = tuple(
            one for one in _ids(alike) if one not in self._before and one not in self._known
        )
        self.ambiguous = bool(self._candidates)
        return None

    def _unknown(self, told: str) -> IonQSubmissionUnknownError:
        found = " or ".join(self._candidates)
        return IonQSubmissionUnknownError(
            f"{told}{f' It may be {found}.' if found else ''} Before you begin another, "
            "look at provider.client.list_sessions(active=True): Session.from_id(...) takes one "
            "up, and its close() ends it.",
            candidates=self._candidates,
        )


def _ids(records: Iterable[Mapping[str, Any]]) -> list[str]:
    return [record["id"] for record in records if isinstance(record.get("id"), str)]


def _limits_of(session: Mapping[str, Any]) -> tuple[object, ...]:
    settings = fields.mapping(session.get("settings"))
    cost = fields.mapping(settings.get("cost_limit"))
    return settings.get("job_count_limit"), settings.get("duration_limit_min"), cost.get("value")


#: Held while it is found out whether another thread submits the same job; one for all, since a lock
#: of its own would keep a job from being pickled.
