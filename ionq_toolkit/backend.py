"""IonQBackend: one simulator or QPU of the IonQ Cloud, as a Qiskit backend."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any, Self, Unpack

from qiskit.providers import BackendV2, Options

from ionq_toolkit.api import fields
from ionq_toolkit.api.models import Characterization, JobEstimate
from ionq_toolkit.circuits.gates import count_gates
from ionq_toolkit.circuits.inlining import inlined
from ionq_toolkit.circuits.target import Figures, target_for, with_figures
from ionq_toolkit.devices import DEVICES, RETIRED_DEVICES
from ionq_toolkit.display import View, plots, shown
from ionq_toolkit.errors import IonQBackendError, IonQError
from ionq_toolkit.job import options as run_options
from ionq_toolkit.job.job import IonQJob
from ionq_toolkit.job.listing import find_jobs
from ionq_toolkit.job.options import DEBIASING_SHOTS, GATESETS, choice, completed
from ionq_toolkit.job.payload import (
    MAX_CIRCUITS,
    build_payload,
    check_circuits,
    circuits_of,
    job_type,
)
from ionq_toolkit.job.progress import duration
from ionq_toolkit.job.search import find_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.devices import Device
    from ionq_toolkit.job.listing import Statuses
    from ionq_toolkit.job.options import (
        BackendOptions,
        ErrorMitigation,
        Gateset,
        Mitigation,
        RunArguments,
        RunOptions,
    )
    from ionq_toolkit.job.payload import Payload
    from ionq_toolkit.service import Service


#: The characterizations that a missing median is looked for in: a page of the API.
_RECENT = 10


class IonQBackend(BackendV2):
    """A backend of the IonQ Cloud, taking circuits of the `qis` or the `native` gateset.

    Get one from `IonQProvider.get_backend`; building it needs neither network nor key. Two are
    equal if they are of the same name and gateset, and of the same service.

    ::

        backend = provider.get_backend("forte-1")
        backend.num_qubits, backend.simulator  # -> (36, False)
        backend.run(circuit, shots=100).get_counts()
    """

    def __init__(
        self,
        service: Service,
        device: Device,
        gateset: Gateset = "qis",
        *,
        provider: object = None,
        figures: Figures | None = None,
    ) -> None:
        """Describe a backend.

        Args:
            service: The account at the service that has it.
            device: Its facts.
            provider: The provider that Qiskit's `provider` attribute returns.
            figures: Measured properties for its target, which then has a coupling map.
            gateset: ``"qis"``: IonQ compiles the circuits; ``"native"``: they are run as they are,
                but for Qiskit's gates on one qubit, each of which is sent as native ones.

        Raises:
            IonQBackendError: The gateset is unknown.
        """
        super().__init__(
            provider=provider,
            name=device.name,
            description="IonQ cloud simulator" if device.simulator else "IonQ trapped-ion QPU",
            backend_version="0.4",
        )
        self._service = service
        self._device = device
        self._gateset = choice(gateset, "gateset", GATESETS)
        self._targets: dict[str, Target] = {}
        self._figures = figures
        self._sessions: list[str] = []

    def __repr__(self) -> str:
        native = ", native" if self._gateset == "native" else ""
        return f"<{type(self).__name__} {self.name!r}{native}, {self.num_qubits} qubits>"

    def _view(self) -> View:
        seen = self._service.seen[self.api_name]
        listing, calibration = seen.listing or {}, seen.calibration
        fidelity = None if calibration is None else calibration.median_2q_fidelity
        status, queue = listing.get("status"), listing.get("average_queue_time")
        return View(
            f"{type(self).__name__} {self.name}",
            badge=str(status or ""),
            tone={"available": "good", None: ""}.get(status, "busy"),
            facts={
                "service": self._service.describe(),
                "qubits": self.num_qubits,
                "gateset": self._gateset,
                "native gates": ", ".join(self._device.native_gates),
                "noise model": self.options.noise_model if self.simulator else None,
                "connectivity": "all pairs"
                if self._device.connectivity is None
                else f"{len(self._device.connectivity)} pairs",
                "queue": None if queue is None else in_words(queue),
                "2q fidelity": None if fidelity is None else f"{fidelity:.2%}",
                "price": None if seen.estimate is None else seen.estimate.price,
            },
            note="" if seen.listing else "status(), calibration() and estimate() ask for more.",
        )

    _repr_html_, _repr_pretty_ = shown(_view)

    def plot(self) -> Any:  # noqa: ANN401 - a figure of matplotlib's
        """Return a drawing of the qubits and the pairs that a gate can act on.

        ::

            provider.get_backend("forte-1").plot().savefig("forte-1.png")

        Raises:
            IonQClientError: matplotlib, of the extra `notebook`, is not installed.
        """
        return plots.coupling(self.num_qubits, self._device.connectivity, title=self.name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IonQBackend):
            return NotImplemented
        same = (self.name, self._gateset) == (other.name, other._gateset)
        return same and self._service.address == other._service.address

    def __hash__(self) -> int:
        return hash((self.name, self._gateset))

    @classmethod
    def _default_options(cls) -> Options:
        return Options(**run_options.DEFAULTS)

    def set_options(self, **fields: Unpack[BackendOptions]) -> None:
        """Set options for the runs to come; see `run`.

        ::

            backend.set_options(shots=200, noise_model="aria-1")
            backend.run(circuit).shots  # -> 200

        Raises:
            IonQBackendError: An option is unknown or out of range, or the gateset, which stays.
        """
        given = run_options.drop_standard(fields)
        run_options.refuse_unknown(given, run_options.DEFAULTS)
        self._checked(given)
        self.options.update_options(**given)

    @property
    def target(self) -> Target:
        """Qiskit's target; for the simulator, with the noise model of its options."""
        noise_model = self.options.noise_model or "ideal"
        if noise_model not in self._targets:
            target = target_for(self._device, self._gateset, noise_model)
            if self._figures is not None:
                target = with_figures(target, self._figures)
            self._targets[noise_model] = target
        return self._targets[noise_model]

    @property
    def max_circuits(self) -> int:
        """The number of circuits that one job takes."""
        return MAX_CIRCUITS

    @property
    def api_name(self) -> str:
        """IonQ's name of the backend, such as ``qpu.forte-1``."""
        return self._device.api_name

    @property
    def simulator(self) -> bool:
        """Whether it is the cloud simulator."""
        return self._device.simulator

    @property
    def service(self) -> Service:
        """The account at the service, shared with the provider and the jobs."""
        return self._service

    @property
    def client(self) -> IonQClient:
        """The client of IonQ's API."""
        return self._service.client

    @property
    def device(self) -> Device:
        """The facts about the backend that need no request."""
        return self._device

    def gateset(self) -> Gateset:
        """Return what the backend's circuits are written in: ``"qis"`` or ``"native"``."""
        return self._gateset

    @completed
    def run(
        self,
        run_input: QuantumCircuit | Sequence[QuantumCircuit],
        *,
        timeout: float | None = None,
        **options: Unpack[RunArguments],
    ) -> IonQJob:
        """Submit circuits as one job, and return it.

        A job is submitted once. Its metadata carry a tag that no other submission has. If the
        response is lost, or leaves open whether a job exists (no response in time, a broken
        connection, a response that cannot be read, 5xx), the client looks through the newest jobs
        for the tag, several times, since a list can be out of date. A job that it finds is returned
        as usual. If it finds none, it does not send the job again, which may be under way: it
        raises `IonQSubmissionUnknownError` with the tag, by which `find_submission` finds the job
        later. After every other error no job exists.

        ::

            job = backend.run(circuit, shots=1000, noise_model="aria-1")
            sum(job.get_counts().values())  # -> 1000
            several = backend.run(circuits, shots=100).get_counts()
            len(several)  # -> 2

        Args:
            run_input: One circuit, or a sequence of up to 5,000.
            timeout: Seconds for everything, the search included; None: the provider's default. Up
                to half of it is for the submission and its retries; submission and search take at
                most 60 s each.
            **options: For this run, over the backend's own options:

                `shots`: 1 to 1,000,000, on a QPU to 10,000.
                `memory` (bool): keep the outcome of each shot.
                `seed_simulator`, or `sampler_seed` as qiskit-ionq calls it: an int, which fixes
                the sampled counts of an ideal simulation, and the noise of another.
                `noise_model`: of the simulator, such as ``"aria-1"``; ``"ideal"`` has no noise.
                `error_mitigation`: of a QPU: an `ErrorMitigation`, True or False for debiasing,
                or a dict of `debiasing` and `symmetry_verification`. None: IonQ debiases from
                500 shots on.
                `session_id`: a session that the job is part of.
                `dry_run` (bool): have it compiled and priced, and not run, on a QPU.
                `name`: the name of the job.
                `job_settings` (dict): its settings, such as ``{"compilation": {...}}``.
                `extra_query_params` (dict): further fields of the body of POST /jobs.
                `extra_metadata` (dict of str): more metadata to store with the job.
                `compiler_synthesis` (bool): let IonQ approximate a `PauliEvolutionGate` whose terms
                do not commute, and not the gate's own synthesis.
                `gateset`: the gateset of these circuits, if not the backend's.

                Qiskit's `meas_level`, `init_qubits`, `rep_delay` and the like are taken at values
                that ask for no more than counts of circuits that begin in 0.

        Raises:
            IonQBackendError: An option is unknown or out of range, or a circuit too wide.
            IonQGateError: A circuit has a gate that IonQ does not take.
            IonQJobError: The circuits are too many or too large for a job.
            IonQCredentialsError: There is no API key.
            IonQAPIError: IonQ refused the job.
            IonQSubmissionUnknownError: The response was lost, and the job not found: it may exist.
            IonQConnectionError: The service was not reached, so that nothing was sent.
            ValueError: `timeout` is negative or not a number.
        """
        if self._sessions:
            options.setdefault("session_id", self._sessions[-1])
        job = IonQJob(self, None, None, run_input, options)
        try:
            job.submit(timeout)
            return job  # noqa: TRY300 - an interrupt here loses the job as well
        except BaseException as error:
            if not isinstance(error, IonQError):  # an interrupt: the caller never gets the job
                error.add_note(f"Job {job.job_id() or '(id unknown)'}, tag {job.submission_tag}.")
            raise

    def estimate(
        self,
        run_input: QuantumCircuit | Sequence[QuantumCircuit],
        *,
        shots: int | None = None,
        error_mitigation: ErrorMitigation | bool | Mapping[Mitigation, bool] | None = None,
    ) -> JobEstimate:
        """Return what a job would cost, and how long it would take, without submitting it.

        ::

            estimate = provider.get_backend("forte-1").estimate(circuit, shots=1000)
            estimate.price  # -> '... USD'

        Args:
            run_input: One circuit, or several, whose gates are added up. They are counted as
                they are: what IonQ compiles them to may have fewer.
            shots: How often to run each; None: as the backend's options say.
            error_mitigation: As of `run`. None: as the options say, else on a QPU debiasing
                from 500 shots on, as IonQ does by itself.

        Raises:
            IonQBackendError: An option is out of range, or a circuit too wide.
            IonQAPIError: IonQ refused.
        """
        given = {"shots": shots, "error_mitigation": error_mitigation}
        checked = self._checked({k: v for k, v in given.items() if v is not None})
        circuits = circuits_of(run_input)
        check_circuits(circuits, self._device, checked.noise_model)
        mitigated = checked.debiasing
        if mitigated is None:  # https://docs.ionq.com/guides/error-mitigation-debiasing
            long = checked.shots >= DEBIASING_SHOTS
            mitigated = long and not self.simulator and self._gateset != "native"
        gates = count_gates(map(inlined, circuits))
        reply = self.client.estimate_job(
            backend=self.api_name,
            oneq_gates=gates.one_qubit,
            twoq_gates=gates.two_qubits,
            qubits=max(1, *(circuit.num_qubits for circuit in circuits)),
            shots=checked.shots,
            error_mitigation=mitigated,
            job_type=job_type(circuits),
        )
        seen = self._service.seen[self.api_name]
        seen.estimate = JobEstimate.from_reply(reply)
        return seen.estimate

    def retrieve_job(self, job_id: str, timeout: float | None = None) -> IonQJob:
        """Return a job by its id, whatever its status.

        ::

            backend.retrieve_job(job.job_id()).get_counts()

        Args:
            job_id: IonQ's id of the job.
            timeout: Seconds for everything; None: the provider's default.

        Raises:
            IonQAPIError: No job has that id, or not for this key.
            IonQBackendError: The job ran on another backend.
        """
        job = IonQJob(self, job_id, self.client)
        ran_on = job.api_backend(timeout)
        if ran_on not in (None, self.api_name):
            raise IonQBackendError(
                f"Job {job_id} is of backend {ran_on!r}, not of {self.api_name!r}; "
                f"use provider.get_backend({ran_on!r}).retrieve_job(...)."
            )
        return job

    def retrieve_jobs(self, job_ids: Iterable[str]) -> list[IonQJob]:
        """Return jobs by their ids, in their order; see `retrieve_job`.

        ::

            ids = [backend.run(one).job_id() for one in circuits]
            [one.name for one in backend.retrieve_jobs(ids)]  # -> ['bell', 'flip']
        """
        return [self.retrieve_job(job_id) for job_id in job_ids]

    def jobs(
        self,
        limit: int | None = 10,
        *,
        status: Statuses | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
        name: str | None = None,
        session_id: str | None = None,
        timeout: float | None = None,
    ) -> list[IonQJob]:
        """Return the newest jobs of this backend, the newest first; see `IonQProvider.jobs`.

        ::

            [one.name for one in backend.jobs(5)]  # -> ['bell']
        """
        records = find_jobs(
            self.client,
            self._service.deadline(timeout),
            limit=limit,
            target=self.api_name,
            status=status,
            created_after=created_after,
            created_before=created_before,
            metadata=metadata,
            name=name,
            session_id=session_id,
        )
        return [IonQJob.from_record(self, record) for record in records]

    def find_submission(
        self, tag: str, *, since: datetime | None = None, timeout: float | None = None
    ) -> IonQJob | None:
        """Return the job of a tag, or None if the project has none; see `IonQProvider`.

        ::

            backend.find_submission(job.submission_tag).job_id() == job.job_id()  # -> True

        Raises:
            IonQBackendError: The job is of another backend.
            IonQError: As of `IonQProvider.find_submission`.
        """
        deadline = self._service.deadline(timeout)
        record = find_job(self.client, tag, since, deadline)
        if record is None:
            return None
        return self.retrieve_job(record["id"], deadline.for_request())

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        """Cancel a job by its id; return that and its new status.

        IonQ cancels a completed job as well, whose results are then gone: `IonQJob.cancel` looks.

        ::

            job = backend.run(circuit)
            backend.cancel_job(job.job_id())["status"]  # -> 'canceled'
        """
        return self.client.cancel_job(job_id)

    def cancel_jobs(self, job_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Cancel jobs by their ids, each of them whatever becomes of the others.

        ::

            ids = [backend.run(one).job_id() for one in circuits]
            [reply["status"] for reply in backend.cancel_jobs(ids)]  # -> ['canceled', 'canceled']

        Raises:
            IonQError: Some were not cancelled: the first reason, with the others as notes.
        """
        return self.client.cancel_jobs(job_ids)

    def status(self) -> bool:
        """Return whether the backend takes jobs now, by IonQ's list of backends.

        ::

            provider.get_backend("forte-1").status()  # -> True
        """
        note_listing(self._service, self.client.get_backends())
        listing = self._service.seen[self.api_name].listing or {}
        return listing.get("status") == "available"

    def fidelity_notes(self) -> list[str]:
        """Return the values of a simulated backend that rest on a guess, each with its basis.

        ::

            provider = IonQProvider(transport="fake")
            for note in provider.get_backend("forte-1").fidelity_notes():
                print(note)

        Returns:
            One line for each. IonQ's own service sends none: the list is empty.

        Raises:
            IonQAPIError: The service refused.
        """
        return self.client.get_fidelity_notes(self.api_name)

    def calibration(self) -> Characterization | None:
        """Return the latest characterization of the backend; None for the simulator.

        ::

            found = provider.get_backend("forte-1").calibration()
            found.median_2q_fidelity  # -> 0.99...
        """
        if self.simulator:
            return None
        records = self.client.get_characterizations(self.api_name, limit=1)
        found = Characterization.from_reply(records[0]) if records else None
        self._service.seen[self.api_name].calibration = found
        return found

    def calibrated(
        self,
        characterization: Characterization | None = None,
        *,
        num_qubits: int | None = None,
    ) -> IonQBackend:
        """Return the backend with a target that tools can read: coupling map, durations, errors.

        ::

            from qiskit_aer.noise import NoiseModel

            device = provider.get_backend("forte-1").calibrated(num_qubits=3)
            noise = NoiseModel.from_backend(device)
            device.coupling_map.size(), noise.noise_instructions  # -> (3, [...])

        The target of `get_backend` has none of them: all qubits are connected, which Qiskit writes
        as no coupling map, and with one its transpiler takes no gate on more than two qubits and
        makes circuits as wide as the device. The figures are medians, the same for all qubits. One
        that IonQ has not measured is a warning, and no error in the target.

        Args:
            characterization: The figures; None: the newest of the backend, by a request, with the
                last measured median for each that it lacks. The simulator has none of its own, and
                takes those of a QPU.
            num_qubits: How many qubits the target has; None: all. Aer's noise model of all 630
                pairs of a Forte takes half a minute, and of 28 a second.

        Raises:
            IonQBackendError: IonQ has no characterization of this QPU, or not so many qubits.
            IonQAPIError: IonQ refused.
        """
        device, figures = self._device, Figures({}, {})
        if num_qubits is not None:
            if num_qubits not in range(1, device.num_qubits + 1):
                raise IonQBackendError(
                    f"num_qubits is 1 to {device.num_qubits} for {self.name!r}, not {num_qubits!r}."
                )
            device = device.limited(num_qubits)
        found = characterization or self._completed_calibration()
        if found is None and not self.simulator:
            raise IonQBackendError(
                f"IonQ has no characterization of {self.api_name!r}: give one to calibrated()."
            )
        if found is not None:
            device = device.connecting(found.connectivity)
            figures = Figures(found.fidelity, found.timing)
            unknown = ", ".join(sorted(name for name, f in found.fidelity.items() if f is None))
            if unknown:
                warnings.warn(
                    f"The characterization of {found.backend} has no fidelity of {unknown}: "
                    "a noise model made of the target has no such errors.",
                    stacklevel=2,
                )
        backend = type(self)(
            self._service, device, self._gateset, provider=self.provider, figures=figures
        )
        backend.options.update_options(**self.options)
        backend._sessions.extend(self._sessions)  # noqa: SLF001
        return backend

    def _completed_calibration(self) -> Characterization | None:
        """Return the latest characterization, with earlier medians for those that it lacks."""
        if self.simulator:
            return None
        replies = self.client.get_characterizations(self.api_name, limit=_RECENT)
        records = [Characterization.from_reply(reply) for reply in replies]
        if not records:
            return None
        known = [record.fidelity for record in records]
        medians = {
            name: next((found[name] for found in known if found[name] is not None), None)
            for name in known[0]
        }
        return dataclasses.replace(records[0], fidelity=medians)

    def join_session(self, session_id: str) -> None:
        """Make runs part of a session, from now until `leave_session`, if they name none."""
        self._sessions.append(session_id)

    def leave_session(self, session_id: str) -> None:
        """Undo the last `join_session` of this session."""
        latest = len(self._sessions) - 1 - self._sessions[::-1].index(session_id)
        del self._sessions[latest]

    def prepare(self, run_input: object, options: Mapping[str, Any]) -> Payload:
        """Check a run and return the job to submit; nothing is sent.

        Raises:
            IonQBackendError: An option is unknown or out of range, or a circuit too wide.
            IonQGateError: IonQ does not take a gate of a circuit.
            IonQJobError: The circuits are too many or too large for a job.
        """
        checked = self._checked(options)
        self._check_session(checked.session_id)
        circuits = circuits_of(run_input)
        check_circuits(circuits, self._device, checked.noise_model)
        seed = self._service.draw_seed() if checked.seed is None else checked.seed
        return build_payload(
            circuits, checked, self._device, seed=seed, tag=self._service.draw_tag()
        )

    def _check_session(self, session_id: str | None) -> None:
        """Refuse a session that is known to take no job of this backend."""
        if session_id is None or session_id not in self._service.sessions:
            return
        on = self._service.sessions[session_id]
        if on is None:
            raise IonQBackendError(f"Session {session_id} has ended: begin another.")
        if on != self.api_name:
            raise IonQBackendError(f"Session {session_id} is on {on!r}, not on {self.api_name!r}.")

    def _checked(self, options: Mapping[str, Any]) -> RunOptions:
        given = dict(options)
        if given.get("shots", 0) is None:  # as to Aer: the backend's own number
            del given["shots"]
        return run_options.check({**self.options, "gateset": self._gateset, **given}, self._device)


class BackendList(list[IonQBackend]):
    """Backends, which a notebook or IPython shows as a table."""

    def refresh(self) -> Self:
        """Ask the service for status, queue, fidelity and price of each, and return the list.

        It takes one request for all, and two for each QPU.

        Raises:
            IonQError: The service was not reached, or refused.
        """
        if self:
            note_listing(self[0].service, self[0].client.get_backends())
        qpus = [backend for backend in self if not backend.simulator]
        for backend in qpus:
            backend.calibration()
            reply = backend.client.estimate_job(
                backend=backend.api_name, oneq_gates=0, twoq_gates=1, qubits=2, shots=1
            )
            backend.service.seen[backend.api_name].estimate = JobEstimate.from_reply(reply)
        return self

    def _view(self) -> View:
        rows = []
        for backend in self:
            seen = backend.service.seen[backend.api_name]
            listing, calibration = seen.listing or {}, seen.calibration
            queue = listing.get("average_queue_time")
            fidelity = None if calibration is None else calibration.median_2q_fidelity
            rows.append(
                [
                    backend.name,
                    str(listing.get("status") or "?"),
                    str(backend.num_qubits),
                    "?" if queue is None else in_words(queue),
                    "-" if backend.simulator else "?" if fidelity is None else f"{fidelity:.2%}",
                    "free" if backend.simulator else (seen.estimate and seen.estimate.price) or "?",
                ]
            )
        known = all(backend.service.seen[backend.api_name].listing for backend in self)
        return View(
            f"{len(self)} backends",
            columns=("backend", "status", "qubits", "queue", "2q fidelity", "price"),
            rows=rows,
            note="" if known else "Not asked yet: refresh() asks the service.",
        )

    _repr_html_, _repr_pretty_ = shown(_view)


def note_listing(service: Service, listing: Iterable[Mapping[str, Any]]) -> None:
    """Remember the response to GET /backends for what is shown."""
    found = {entry["backend"]: entry for entry in listing if isinstance(entry.get("backend"), str)}
    for device in (*DEVICES, *RETIRED_DEVICES):
        service.seen[device.api_name].listing = found.get(device.api_name)
    for name, entry in found.items():
        service.seen[name].listing = entry


def in_words(queue_ms: object) -> str:
    """Return the time in the queue, which IonQ sends in milliseconds."""
    found = fields.milliseconds(queue_ms)
    return "?" if found is None else duration(found)
