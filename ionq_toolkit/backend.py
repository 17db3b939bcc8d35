"""IonQBackend: one simulator or QPU of the IonQ Cloud, as a Qiskit backend."""

from __future__ import annotations

import difflib
import operator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2, Options

from ionq_toolkit.errors import IonQBackendError
from ionq_toolkit.job import IonQJob
from ionq_toolkit.targets import target_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qiskit.transpiler import Target

    from ionq_toolkit.catalogue import Device
    from ionq_toolkit.client import IonQClient
    from ionq_toolkit.clock import Clock
    from ionq_toolkit.provider import IonQProvider

#: Shots a job may have: the API document's own limits.
MIN_SHOTS, MAX_SHOTS = 1, 1_000_000

#: The largest seed for the counts of a run.
MAX_SEED = 2**63 - 1


class IonQBackend(BackendV2):
    """A backend of the IonQ Cloud, taking circuits of the `qis` gateset.

    Every qubit can interact with every other. Get one from `IonQProvider.get_backend`;
    building it needs neither network nor key.
    """

    def __init__(self, provider: IonQProvider, device: Device) -> None:
        super().__init__(
            provider=provider,
            name=device.name,
            description="IonQ cloud simulator" if device.simulator else "IonQ trapped-ion QPU",
            backend_version="0.4",
        )
        self._ionq_provider = provider
        self._device = device

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {self.num_qubits} qubits>"

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, memory=False, seed_simulator=None, sampler_seed=None)

    @cached_property
    def target(self) -> Target:
        """The gates that the backend takes, on any of its qubits."""
        return target_for(self._device, "qis")

    @property
    def max_circuits(self) -> int:
        """How many circuits one job takes; Qiskit's primitives submit a job for each."""
        return 1

    @property
    def api_name(self) -> str:
        """IonQ's name of the backend, such as ``qpu.forte-1``."""
        return self._device.api_name

    @property
    def client(self) -> IonQClient:
        """The provider's client."""
        return self._ionq_provider.client

    @property
    def clock(self) -> Clock:
        """What the backend's jobs wait on."""
        return self._ionq_provider.clock

    def draw_seed(self) -> int:
        """Return a seed for a run that names none."""
        return self._ionq_provider.draw_seed()

    def run(
        self,
        run_input: QuantumCircuit | Sequence[QuantumCircuit],
        **options: Any,  # noqa: ANN401 - each is checked
    ) -> IonQJob:
        """Submit a circuit and return its job.

        Args:
            run_input: One circuit, or a sequence of one.
            **options: For this run, over the backend's own options:
                `shots` (1 to 1,000,000); `memory` (bool: keep each shot);
                `seed_simulator`, or `sampler_seed` as qiskit-ionq calls it (an int,
                which fixes the counts drawn for an ideal simulation).

        Raises:
            IonQBackendError: An option is unknown or out of range, or the circuit too wide.
            IonQGateError: The circuit has a gate that IonQ does not take.
            IonQCredentialsError: There is no API key.
            IonQAPIError: IonQ refused the job.
            IonQConnectionError: The answer did not arrive; the job may exist all the same.
        """
        job = IonQJob(self, None, None, self._one_circuit(run_input), options)
        job.submit()
        return job

    def retrieve_job(self, job_id: str) -> IonQJob:
        """Return a job by its id, whatever became of it.

        Raises:
            IonQAPIError: There is no such job, or not for this key.
            IonQBackendError: The job ran on another backend.
        """
        job = IonQJob(self, job_id, self.client)
        ran_on = job.api_backend()
        if ran_on not in (None, self.api_name):
            raise IonQBackendError(
                f"Job {job_id} is of backend {ran_on!r}, not of {self.api_name!r}; "
                f"use provider.get_backend({ran_on!r}).retrieve_job(...)."
            )
        return job

    def preflight(self, circuit: QuantumCircuit, options: Mapping[str, Any]) -> dict[str, Any]:
        """Check a run before anything is sent, and return all its options.

        Raises:
            IonQBackendError: An option is unknown or out of range, or the circuit too wide.
        """
        if circuit.num_qubits > self.num_qubits:
            raise IonQBackendError(
                f"Circuit {circuit.name!r} has {circuit.num_qubits} qubits, {self.name} has "
                f"{self.num_qubits}. Use a smaller circuit or a wider backend."
            )
        merged: dict[str, Any] = {**self.options}
        for name in options:
            if name not in merged:
                near = difflib.get_close_matches(name, merged, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise IonQBackendError(
                    f"run() has no option {name!r}.{hint} There are: {', '.join(sorted(merged))}."
                )
        merged |= options
        merged["shots"] = _integer(merged["shots"], "shots", MIN_SHOTS, MAX_SHOTS)
        if not isinstance(merged["memory"], bool):
            raise IonQBackendError(f"memory must be True or False, not {merged['memory']!r}.")
        if merged["memory"] and not self._device.simulator:
            raise IonQBackendError(
                f"memory=True is not supported on {self.name} yet; leave it out to get counts."
            )
        seeds = {
            _integer(merged.pop(name), name, 0, MAX_SEED)
            for name in ("seed_simulator", "sampler_seed")
            if merged[name] is not None
        }
        if len(seeds) > 1:
            raise IonQBackendError("seed_simulator and sampler_seed differ; give one of them.")
        return {**merged, "seed_simulator": seeds.pop() if seeds else None}

    @staticmethod
    def _one_circuit(run_input: object) -> QuantumCircuit:
        circuits = list(run_input) if isinstance(run_input, list | tuple) else [run_input]
        for circuit in circuits:
            if not isinstance(circuit, QuantumCircuit):
                raise IonQBackendError(
                    f"run() takes a QuantumCircuit, not {type(circuit).__name__}."
                )
        if len(circuits) != 1:
            raise IonQBackendError(
                f"run() takes one circuit a job, not {len(circuits)}; run each on its own."
            )
        return circuits[0]


def _integer(value: object, name: str, low: int, high: int) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or not low <= number <= high:
        raise IonQBackendError(
            f"{name} must be a whole number from {low:,} to {high:,}, not {value!r}."
        )
    return number
