"""IonQProvider: an API key and a transport -> backends."""

from __future__ import annotations

import functools
import math
import os
import random
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeGuard
from urllib.parse import urlsplit

import numpy as np

from ionq_toolkit import transport as transports
from ionq_toolkit.api import accounts, fields
from ionq_toolkit.api.credentials import ApiKey
from ionq_toolkit.api.models import Characterization
from ionq_toolkit.backend import BackendList, IonQBackend
from ionq_toolkit.circuits.target import Figures
from ionq_toolkit.clock import FOR_EVER_S, now_on
from ionq_toolkit.devices import DEVICES, Device, find_device, listed_device
from ionq_toolkit.display import View, shown
from ionq_toolkit.errors import (
    IonQBackendError,
    IonQBackendNotFoundError,
    IonQClientError,
    IonQCredentialsError,
    IonQError,
    did_you_mean,
)
from ionq_toolkit.events import EventLog
from ionq_toolkit.job.job import IonQJob
from ionq_toolkit.job.listing import find_jobs
from ionq_toolkit.job.recovery import SETTLED_S, Recovered, recover
from ionq_toolkit.job.search import find_job
from ionq_toolkit.journal import Journal
from ionq_toolkit.service import Service
from ionq_toolkit.transport import RetryingTransport, Transport
from ionq_toolkit.transport.base import (
    ALLOW_HTTP_VARIABLE,
    HiddenText,
    as_transport,
    hosts_without_tls,
    is_insecure,
    plain_host,
)
from ionq_toolkit.transport.in_process import shared_fake
from ionq_toolkit.transport.retry import DEFAULT_POLICY, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Clock
    from ionq_toolkit.devices import BackendName
    from ionq_toolkit.events import Event
    from ionq_toolkit.job.listing import Statuses
    from ionq_toolkit.job.options import Gateset

#: The environment variables that the provider reads, but for that of the key.
URL_VARIABLE, TRANSPORT_VARIABLE = "IONQ_API_URL", "IONQ_TRANSPORT"

#: The real service.
DEFAULT_URL = "https://api.ionq.co/v0.4"

#: The characters of a host name or address.
_HOST = re.compile(r"[^\s%/\\<>\"{}|^`\x00-\x1f\x7f]+")

#: How many seconds the search for an unknown backend takes, at most, with each of two requests.
_LISTING_S = 10.0

#: Sent where no key is needed.
_NO_KEY = "no-key-needed"


class IonQProvider:
    """Gives the backends of the IonQ Cloud, or of a local fake of it.

    ::

        IonQProvider()                        # the real service; the key is in IONQ_API_KEY
        IonQProvider(transport="fake")        # a fake in this process: no key, no network
        IonQProvider(transport="fake:lab.db")  # the same, and its jobs are there tomorrow
        IonQProvider("any-key", url="http://127.0.0.1:8080/v0.4")

    A provider can be used in a ``with`` statement, which closes its connections.
    """

    def __init__(
        self,
        token: str | None = None,
        url: str | None = None,
        *,
        account: str | None = None,
        transport: Transport | str | None = None,
        clock: Clock | None = None,
        seed: int | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = DEFAULT_POLICY,
        on_event: Callable[[Event], object] | None = None,
        allow_insecure: bool = False,
        allow_http: str | Collection[str] | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> None:
        """Choose a key, a service, and a way to reach it. Nothing is sent yet.

        Args:
            token: The API key; if None, `IONQ_API_KEY`, then the line ``IONQ_API_KEY=...`` of
                the file ``~/.ionq``, which must be its owner's alone. It is looked for when it is
                first needed.
            account: The name of a saved account in the place of `token`; see `save_account`. It
                goes before the environment. Its key is looked for when it is first needed.
            url: The API's base URL; if None, `IONQ_API_URL`, then the real service.
            transport: ``"http"``, ``"fake"``, ``"fake:FILE"`` or an object such as `HttpTransport`
                or `InProcessTransport`; if None, `IONQ_TRANSPORT`, then ``"http"``. ``"fake"`` is
                one cloud for the whole process, and takes no heed of `url`; with a file, it keeps
                its jobs there, for later processes.
            clock: The clock that jobs wait on; if None, the transport's own, then the system's.
            seed: Seeds the generator of the seeds for runs that name none, and that of the pauses
                between attempts. The tags of submissions follow from it as well, in a cloud in this
                process or on a `clock` that is not the machine's. On the network they must be
                unlike those of all other processes, and are random.
            timeout: Seconds that each call may take which is given none: `run`, `result`,
                `wait_for_final_state` and the like, with all that they do; of other calls, each
                request. None: waiting for a job has no end, and requests have what `retry` says.
            retry: The policy of retries; None retries nothing.
            on_event: Called with each event of `ionq_toolkit.events`, in the thread in which it
                happens. An exception that it raises is logged and ends nothing.
            allow_insecure: Whether to send the key without TLS (``http://``) to all other machines
                than this one.
            allow_http: The names or addresses of hosts to which to send it without TLS, also as one
                text with commas: ``"lab.example.org"``. If None, `IONQ_ALLOW_HTTP`, then none.
            journal: The path of a file in which each submission is written down before it is sent,
                so that `recover` finds what a killed process left. Several processes may share
                it. It has no keys and no circuits.

        Raises:
            IonQCredentialsError: The URL is not one, not safe, or of another version of IonQ's
                API; or the key is not a str, or is given beside an account.
            IonQClientError: The transport is unknown or not installed; `timeout` is not a positive
                number; or `allow_http` does not name hosts.
            IonQJournalError: The journal has no usable path.
        """
        # From here on the key is in an object that does not show it, also in captured locals.
        token = HiddenText(token) if isinstance(token, str) else token
        key = _key(token, account)
        if transport is None:
            name, colon, file = os.environ.get(TRANSPORT_VARIABLE, "").strip().partition(":")
            transport = f"{name.lower()}{colon}{file}" or "http"
        events = EventLog(on_event)
        try:
            hosts = hosts_without_tls(allow_http)
        except ValueError as error:
            raise IonQClientError(f"{error}.") from None
        inner = _resolve_transport(transport, allow_insecure=allow_insecure, hosts=hosts)
        outer = (
            inner
            if isinstance(inner, RetryingTransport)
            else RetryingTransport(
                inner,
                RetryPolicy.none() if retry is None else retry,
                clock=clock,
                rng=None if seed is None else random.Random(str(seed)),  # noqa: S311 - no secret
                on_event=events,
            )
        )
        # Key and URL of the environment are for a service on the network alone.
        on_network = outer.requires_key
        if _is_fake(transport):
            url = DEFAULT_URL
        if on_network:
            url = url or os.environ.get(URL_VARIABLE)
        elif not key:
            key = ApiKey(_NO_KEY, secret=False)
        url = _checked_url(url or DEFAULT_URL)
        if on_network:
            _refuse_other_version(url)
            if not allow_insecure:
                given = outer.inner.allow_http if _is_http(outer.inner) else ()
                _refuse_insecure(url, hosts.union(given))
        self._listed: dict[str, tuple[Device, Figures | None]] = {}
        waits_on = clock or outer.clock
        #: The account at the service, which the backends share.
        self.service = Service(
            key,
            url,
            outer,
            clock=waits_on,
            timeout=_checked_timeout(timeout),
            seed=seed,
            events=events,
            shared=_is_fake(transport) and transport != "fake",
            journal=None if journal is None else Journal(journal, partial(now_on, waits_on)),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.service.describe()})"

    def _view(self) -> View:
        network = self.service.on_network
        return View(
            type(self).__name__,
            badge="network" if network else "in this process",
            tone="" if network else "good",
            facts={
                "service": self.service.describe(),
                "timeout": None if self.service.timeout is None else f"{self.service.timeout:g} s",
                "backends": ", ".join(device.name for device in DEVICES),
            },
        )

    _repr_html_, _repr_pretty_ = shown(_view)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def save_account(
        name: str, token: str, *, overwrite: bool = False, keyring: bool | None = None
    ) -> None:
        """Save an API key under a name, for ``IonQProvider(account=name)`` from now on.

        ::

            IonQProvider.save_account("work", "a-key-of-work", keyring=False)  # once
            provider = IonQProvider(account="work")

        The key is saved in the system's keyring, if there is a usable one and the extra `keyring`
        is installed, and else in the file ``~/.ionq``, which only its owner can read. The file is
        replaced as a whole: if something goes wrong, it stays as it was. It keeps its other lines.

        Args:
            name: The name: letters, digits and underscores.
            token: The API key.
            overwrite: Whether to replace the key of an account of this name.
            keyring: True: in the keyring or not at all; False: in the file.

        Raises:
            IonQCredentialsError: The name or the key is not valid, there is such an account
                already, other users can read the file, or it or the keyring cannot be written.
        """
        accounts.save(name, token, overwrite=overwrite, in_keyring=keyring)

    @staticmethod
    def saved_accounts() -> dict[str, str]:
        """Return the names of the saved accounts, each with where its key is.

        ::

            IonQProvider.save_account("work", "a-key-of-work", keyring=False)
            list(IonQProvider.saved_accounts())  # -> ['work']

        Returns:
            For each name ``"keyring"`` or the path of the file; no key.

        Raises:
            IonQCredentialsError: Other users can read the file, or it cannot be read.
        """
        return accounts.saved()

    @staticmethod
    def delete_account(name: str) -> bool:
        """Delete a saved account with its key, and return whether there was one.

        The key stays valid at IonQ: revoke it at https://cloud.ionq.com.

        ::

            IonQProvider.delete_account("work")  # -> False

        Raises:
            IonQCredentialsError: The keyring or the file cannot be written.
        """
        return accounts.delete(name)

    @property
    def client(self) -> IonQClient:
        """The client of IonQ's API.

        ::

            [one["backend"] for one in provider.client.get_backends()]  # -> [...'simulator'...]

        Raises:
            IonQCredentialsError: A key is needed and there is none.
        """
        return self.service.client

    def backends(
        self,
        name: BackendName | str | None = None,
        filters: Callable[[IonQBackend], bool] | None = None,
        **attributes: object,
    ) -> BackendList:
        """Return the backends, all or some: a list, which a notebook shows as a table.

        ::

            [one.name for one in provider.backends(simulator=True)]  # -> ['ionq_simulator']
            wide = provider.backends(filters=lambda backend: backend.num_qubits >= 36)

        Args:
            name: Only the one of this name, in any customary spelling.
            filters: Only those of which this is true.
            **attributes: Only those with these values of their attributes, such as
                ``simulator=False`` or ``num_qubits=36``.

        Raises:
            IonQBackendError: Backends have no such attribute.
        """
        found = [self._backend(device) for device in DEVICES]
        if name is not None:
            try:
                found = [self.get_backend(name)]
            except IonQBackendNotFoundError:
                return BackendList()
        for attribute, value in attributes.items():
            if not hasattr(IonQBackend, attribute):
                raise IonQBackendError(f"Backends have no attribute {attribute!r} to filter by.")
            found = [backend for backend in found if getattr(backend, attribute) == value]
        return BackendList(one for one in found if filters is None or filters(one))

    def get_backend(self, name: BackendName | str, gateset: Gateset = "qis") -> IonQBackend:
        """Return the backend of that name, in any customary spelling.

        ``ionq_simulator`` and ``simulator`` are the same, and so are ``forte-1``,
        ``qpu.forte-1`` and ``ionq_qpu.forte-1``. A name that is not known here is looked for in
        GET /backends: the service may have QPUs that are newer than this release. The target of
        such a QPU is made of that response and of its newest characterization: qubits, native
        gates and, where it does not connect all of them, pairs with durations and errors.

        ::

            provider.get_backend("forte-1").num_qubits  # -> 36
            provider.get_backend("simulator", gateset="native").gateset()  # -> 'native'

        Args:
            name: Its name.
            gateset: The gateset of its circuits: ``"qis"`` or ``"native"``.

        Raises:
            IonQBackendNotFoundError: No backend has that name; the message has the closest ones.
            IonQBackendError: The gateset is unknown.
        """
        try:
            device = find_device(name)
        except IonQBackendNotFoundError as unknown:
            if not isinstance(name, str):
                raise
            try:
                device, figures = self._listed_device(name.lower())
            except IonQError as error:
                raise IonQBackendNotFoundError(
                    f"{unknown} The service was not asked whether it has newer ones: {error}"
                ) from error
            except LookupError:
                raise unknown from None
            return IonQBackend(self.service, device, gateset, provider=self, figures=figures)
        return self._backend(device, gateset)

    #: The name of the method at other services.
    backend = get_backend

    def least_busy(
        self,
        min_num_qubits: int | None = None,
        filters: Callable[[IonQBackend], bool] | None = None,
        *,
        timeout: float | None = None,
    ) -> IonQBackend:
        """Return the QPU with the shortest queue among those that take jobs now: GET /backends.

        The wait that IonQ reports for a queue can be far from the real one.

        ::

            provider.least_busy(min_num_qubits=30).name  # -> '...forte...'

        Args:
            min_num_qubits: Only QPUs with so many qubits, or more.
            filters: Only those of which this is true.
            timeout: Seconds the request may take; None: the provider's default.

        Raises:
            IonQBackendNotFoundError: No QPU that takes jobs passes the filters.
            IonQAPIError: IonQ refused.
            IonQConnectionError: The service was not reached.
        """
        listing = self.client.get_backends(timeout=timeout)
        qpus = [
            (fields.number(entry.get("average_queue_time")), str(entry.get("backend")))
            for entry in listing
            if entry.get("status") == "available"
            and str(entry.get("backend")).startswith("qpu.")
            and (fields.number(entry.get("qubits")) or 0) >= (min_num_qubits or 0)
        ]
        for _, name in sorted(qpus, key=lambda qpu: math.inf if qpu[0] is None else qpu[0]):
            found = self.get_backend(name)
            if filters is None or filters(found):
                return found
        raise IonQBackendNotFoundError(
            f"None of IonQ's QPUs takes jobs now and passes the filters; of {len(listing)} "
            f"backends, {len(qpus)} take jobs and are wide enough."
        )

    def job(self, job_id: str, timeout: float | None = None) -> IonQJob:
        """Return a job by its id, whatever its backend and status.

        ::

            provider.job(job.job_id()).backend().name  # -> 'ionq_simulator'

        Args:
            job_id: IonQ's id of the job.
            timeout: Seconds for everything; None: the provider's default.

        Raises:
            IonQAPIError: No job has that id, or not for this key.
            IonQConnectionError: The service was not reached.
        """
        deadline = self.service.deadline(timeout)
        record = self.client.retrieve_job(job_id, timeout=deadline.for_request())
        return IonQJob.from_record(self._backend_of(record), {**record, "id": job_id})

    def jobs(
        self,
        limit: int | None = 10,
        *,
        backend: IonQBackend | BackendName | str | None = None,
        status: Statuses | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
        name: str | None = None,
        session_id: str | None = None,
        timeout: float | None = None,
    ) -> list[IonQJob]:
        """Return the newest jobs of the project that pass all filters, the newest first.

        ::

            provider.jobs(backend="forte-1", status="ready")
            provider.jobs(100, created_after=datetime.now(UTC) - timedelta(days=1))
            backend.run(circuit, extra_metadata={"experiment": "vqe-7"})
            len(provider.jobs(metadata={"experiment": "vqe-7"}))  # -> 1

        IonQ filters by backend, session and one status. The client applies the other filters, and
        reads a page of 25 jobs when those of the pages before it do not suffice. A job of several
        circuits is listed once, without its child jobs. `name`, `shots`, `creation_date` and
        `metadata` of the jobs ask for nothing more.

        Args:
            limit: The number of jobs at the most, found among the newest 10,000; None: all.
            backend: Only jobs of this backend, or of the one of this name.
            status: Only jobs of this status, in IonQ's words or Qiskit's, or of one of several.
            created_after: Only jobs submitted at this time or later; without a time zone, UTC.
            created_before: Only jobs submitted at this time or earlier; likewise.
            metadata: Only jobs that were stored with these metadata, and possibly more.
            name: Only jobs of this name.
            session_id: Only jobs of this session.
            timeout: Seconds for everything; None: the provider's default.

        Raises:
            IonQBackendError: A filter is not valid, or the backend unknown.
            IonQConnectionError: The service was not reached, or the time was too short.
            IonQAPIError: IonQ refused.
            ValueError: `timeout` is negative or not a number.
        """
        if isinstance(backend, str):
            backend = self.get_backend(backend)
        records = find_jobs(
            self.client,
            self.service.deadline(timeout),
            limit=limit,
            target=None if backend is None else backend.api_name,
            status=status,
            created_after=created_after,
            created_before=created_before,
            metadata=metadata,
            name=name,
            session_id=session_id,
        )
        # One of another provider may be another account's, which must not be asked for these jobs.
        known: dict[str, IonQBackend] = {}
        if backend is not None and backend.service is self.service:
            known[backend.api_name] = backend
        for record in records:
            if (key := str(record.get("backend"))) not in known:
                known[key] = self._backend_of(record)
        return [IonQJob.from_record(known[str(one.get("backend"))], one) for one in records]

    def find_submission(
        self, tag: str, *, since: datetime | None = None, timeout: float | None = None
    ) -> IonQJob | None:
        """Return the job of a tag, or None if the project has none.

        It finds a job whose id the caller never received.

        ::

            cloud.faults.add(faults.timeout(), on="POST /jobs")
            try:
                job = backend.run(circuit)
            except IonQSubmissionUnknownError as error:
                tag, since = error.tag, error.since  # keep them, and ask later
            provider.find_submission(tag, since=since)  # -> None

        None means that no job in the list of jobs has the tag now. One may still appear as long as
        the service is in trouble, and for some minutes after the submission.

        Args:
            tag: As of `IonQSubmissionUnknownError` and `IonQJob.submission_tag`.
            since: Only jobs that were submitted after this time are looked through, at 25 a
                request; None: all jobs of the project.
            timeout: Seconds for everything; None: as of the provider.

        Raises:
            IonQClientError: `tag` is not a tag.
            IonQConnectionError: The service was not reached, or the time was too short.
            IonQAPIError: IonQ refused.
            IonQBackendNotFoundError: The job is of a backend that is not known here.
            ValueError: `timeout` is negative or not a number.
        """
        deadline = self.service.deadline(timeout)
        record = find_job(self.client, tag, since, deadline)
        if record is None:
            return None
        backend = self.get_backend(record.get("backend", ""))
        return backend.retrieve_job(record["id"], deadline.for_request())

    def recover(
        self, *, settled_s: float = SETTLED_S, timeout: float | None = None
    ) -> list[Recovered]:
        """Finish the submissions that killed processes left in the journal.

        ::

            provider = IonQProvider(journal="jobs.journal")
            for found in provider.recover():
                print(found.tag, found.outcome, found.job_id)

        Each is looked for by its tag. One that is found is adopted. One that is not is waited for
        until it is settled; then it was not sent. Submissions of this account alone are looked at,
        and none of a process on this computer that is alive.

        Args:
            settled_s: Seconds since the submission after which a job that the list of jobs does
                not show will not appear any more.
            timeout: Seconds for everything; None: as of the provider.

        Returns:
            The submissions, in the order in which they were begun. The journal keeps those whose
            outcome is not known for the next time.

        Raises:
            IonQClientError: The provider has no journal.
            IonQJournalError: The journal cannot be read or written.
            ValueError: `timeout` is negative or not a number.
        """
        journal = self.service.journal
        if journal is None:
            raise IonQClientError("Name the journal: IonQProvider(journal=...).")
        return recover(self.client, journal, self.service.deadline(timeout), settled_s)

    def close(self) -> None:
        """Close the connections to the service."""
        self.service.close()

    def _listed_device(self, name: str) -> tuple[Device, Figures | None]:
        """Return a QPU that the service lists, with the pairs of qubits that it connects.

        Where these are all, it has no figures: `calibrated` gives them, as of QPUs known here.

        Raises:
            LookupError: It lists none of that name.
            IonQError: It was not reached, or refused.
        """
        if name not in self._listed:
            device = listed_device(name, self.client.get_backends(timeout=_LISTING_S))
            if device is None:
                raise LookupError(name)
            records = self.client.get_characterizations(
                device.api_name, limit=1, timeout=_LISTING_S
            )
            figures = None
            if records:
                found = Characterization.from_reply(records[0])
                device = device.connecting(found.connectivity)
                if device.connectivity is not None:
                    figures = Figures(found.fidelity, found.timing)
            self._listed[name] = device, figures
        return self._listed[name]

    def _backend_of(self, record: Mapping[str, Any]) -> IonQBackend:
        """Return the backend of a job; one that is not known can be read from, and runs nothing."""
        name = fields.text(record.get("backend")) or "unknown"
        try:
            return self.get_backend(name)
        except IonQBackendNotFoundError:
            qubits = fields.integer(fields.mapping(record.get("stats")).get("qubits"))
            return self._backend(Device(name, qubits or 1, retired=True))

    def _backend(self, device: Device, gateset: Gateset = "qis") -> IonQBackend:
        return IonQBackend(self.service, device, gateset, provider=self)


def _key(token: str | None, account: str | None) -> ApiKey:
    if account is None:
        return ApiKey(token)
    if token is not None or not isinstance(account, str):
        raise IonQCredentialsError(
            "Give token=..., or account=... with the name of a saved account, a str; not both."
        )
    return ApiKey(find=functools.partial(accounts.find_account, account))


def _checked_timeout(timeout: float | None) -> float | None:
    if timeout is None:
        return None
    number = isinstance(timeout, int | float | np.number) and not isinstance(timeout, bool)
    if not (number and timeout > 0):  # NaN is not either
        raise IonQClientError(
            f"timeout={timeout!r} is not a positive number of seconds; None is no limit."
        )
    return math.inf if timeout >= FOR_EVER_S else float(timeout)


def _checked_url(url: object) -> str:
    """Return the base URL without what may surround it; never show one that is wrong.

    It may hold a secret: a key that was given in its place.
    """
    text = url.strip().rstrip("/") if isinstance(url, str) else ""
    try:
        parts = urlsplit(text)
        usable = (
            parts.scheme in ("http", "https")
            and _HOST.fullmatch(parts.hostname or "") is not None
            and not (parts.query or parts.fragment or "@" in parts.netloc)
        )
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise IonQCredentialsError(
            f"url=... or {URL_VARIABLE} is not the base URL of an IonQ API. It is of the form "
            f"{DEFAULT_URL}, without a query, a user or a password."
        )
    return text


def _refuse_other_version(url: str) -> None:
    """Refuse another version of the API, and the real service without one.

    A gateway may have any other path.
    """
    parts, real = urlsplit(url), urlsplit(DEFAULT_URL)
    other = parts.path != real.path and re.fullmatch(r"/*(v[\d.]+)?", parts.path)
    if other and (parts.hostname or "").rstrip(".") == real.hostname:
        named = f"names version {other[1]}" if other[1] else "has no version"
        raise IonQCredentialsError(
            f"url=... or {URL_VARIABLE} {named} of IonQ's API, and this client speaks another: "
            f"use {DEFAULT_URL}."
        )
    old = re.search(r"/(v0\.[0-35-9]\d*)/*$", parts.path)
    if old:
        raise IonQCredentialsError(
            f"url=... or {URL_VARIABLE} names version {old[1]} of IonQ's API, and this client "
            f"speaks another: use a URL that ends in /v0.4, as {DEFAULT_URL} does."
        )


def _refuse_insecure(url: str, hosts: Collection[str]) -> None:
    host = urlsplit(url).hostname or ""
    if is_insecure(url) and plain_host(host) not in hosts:
        raise IonQCredentialsError(
            f"Without TLS the API key could be read on its way to {host}: use https:// in url=... "
            f"or {URL_VARIABLE}, or say that the network is safe: {ALLOW_HTTP_VARIABLE}={host} or "
            f"IonQProvider(allow_http={host!r}) for this host, allow_insecure=True for all."
        )


def _is_http(transport: object) -> TypeGuard[transports.HttpTransport]:
    return isinstance(transport, transports.HttpTransport)


def _is_fake(transport: object) -> bool:
    return isinstance(transport, str) and (
        transport == "fake" or (transport.startswith("fake:") and transport != "fake:")
    )


def _resolve_transport(
    transport: object, *, allow_insecure: bool, hosts: Collection[str]
) -> Transport:
    if transport == "http":
        return transports.HttpTransport(allow_insecure=allow_insecure, allow_http=hosts)
    if _is_fake(transport):
        _, _, file = str(transport).partition(":")
        try:
            return shared_fake(str(Path(file).absolute()) if file else None)
        except (ModuleNotFoundError, ValueError) as error:
            raise IonQClientError(str(error)) from error
    if isinstance(transport, str):
        hint = did_you_mean(transport, ("http", "fake"), cutoff=0.4)
        raise IonQClientError(
            f"There is no transport {transport!r}: transport=... or {TRANSPORT_VARIABLE} is 'http' "
            f"or 'fake', or 'fake:lab.db' to keep the jobs in a file.{hint}"
        )
    try:
        return as_transport(transport)
    except TypeError as error:
        raise IonQClientError(str(error)) from None
