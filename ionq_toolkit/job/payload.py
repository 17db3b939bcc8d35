"""The body of POST /jobs, from circuits and checked options."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from qiskit import QuantumCircuit

from ionq_toolkit.api import metadata
from ionq_toolkit.api.connection import encode
from ionq_toolkit.api.record import MULTI_CIRCUIT, PROGRAM, SINGLE_CIRCUIT
from ionq_toolkit.circuits.qasm3 import to_qasm3
from ionq_toolkit.circuits.wire import check_native, circuit_header, needs_qasm3, to_wire
from ionq_toolkit.errors import IonQBackendError, IonQError, IonQJobError
from ionq_toolkit.job.options import MAX_METADATA_VALUE, MAX_NOISE_SEED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit.circuits.wire import WireCircuit
    from ionq_toolkit.devices import Device
    from ionq_toolkit.job.options import RunOptions


logger = logging.getLogger(__name__)

#: "At most 5,000 circuits and 150,000 gates in total across them", "the request body may not exceed
#: 10MB": operation CreateJob of the API document.
MAX_CIRCUITS, MAX_GATES, MAX_BODY_BYTES = 5_000, 150_000, 10 * 1024 * 1024

#: The compiler that names registers in the results of OpenQASM 3 as the program does; the one
#: before it called them c0, c1 and so on, as IonQ's own clients found out.
_QASM3_COMPILER = "v0.4"


class Payload(NamedTuple):
    """A job to submit.

    Attributes:
        body: The body of POST /jobs.
        metadata: The metadata in it, which IonQ stores with the job.
        tag: The tag in the metadata, which no other submission has.
        circuits: The circuits.
        dry_run: Whether the job is compiled and priced, and not run.
        name: The name of the job.
    """

    body: bytes
    metadata: dict[str, str]
    tag: str
    circuits: Sequence[QuantumCircuit]
    dry_run: bool
    name: str


def circuits_of(run_input: object) -> list[QuantumCircuit]:
    """Return the circuits of a run."""
    if isinstance(run_input, Sequence) and not isinstance(run_input, str | bytes):
        found = list(run_input)
    else:
        found = [run_input]
    for circuit in found:
        if not isinstance(circuit, QuantumCircuit):
            raise IonQBackendError(
                f"A run takes a QuantumCircuit or a list of them, not {type(circuit).__name__}."
            )
    if not found:
        raise IonQBackendError("A run takes at least one circuit, and the list is empty.")
    return found


def job_type(run_input: Sequence[QuantumCircuit]) -> str:
    """Return the type of the job that circuits make."""
    midway = [circuit.name for circuit in run_input if needs_qasm3(circuit)]
    if not midway:
        return SINGLE_CIRCUIT if len(run_input) == 1 else MULTI_CIRCUIT
    if len(run_input) > 1:
        raise IonQJobError(
            f"Circuit {midway[0]!r} measures or resets midway, so that it goes as OpenQASM 3, of "
            "which a job takes one program: run it by itself."
        )
    return PROGRAM


def check_circuits(run_input: Sequence[QuantumCircuit], device: Device, noise_model: str) -> None:
    """Refuse circuits that a job on a device cannot have."""
    if device.retired:
        raise IonQBackendError(
            f"{device.name} is retired: its jobs can be retrieved, but it takes no more."
        )
    if len(run_input) > MAX_CIRCUITS:
        raise IonQJobError(
            f"A job takes {MAX_CIRCUITS:,} circuits, not {len(run_input):,}: run them in several."
        )
    widest = _modelled(device, noise_model).num_qubits
    for circuit in run_input:
        if circuit.num_qubits > widest:
            raise IonQBackendError(
                f"Circuit {circuit.name!r} has {circuit.num_qubits} qubits, "
                f"{_described(device, noise_model)} has {widest}. "
                "Use a smaller circuit or a wider backend."
            )


def build_payload(
    run_input: Sequence[QuantumCircuit],
    options: RunOptions,
    device: Device,
    *,
    seed: int,
    tag: str,
) -> Payload:
    """Make the job that runs circuits on a device; `check_circuits` has checked them.

    Args:
        run_input: One circuit, or more.
        options: The options of the run.
        device: The backend's device.
        seed: Fixes the sampled counts and the noise.
        tag: Tells this submission from all others.

    Raises:
        IonQGateError: IonQ does not take a gate of a circuit.
        IonQJobError: A circuit cannot be run, or the circuits are too large for a job.
    """
    kind = job_type(run_input)
    if kind == PROGRAM:
        body_input, described = _qasm3(run_input)
    else:
        body_input, described = _gates(run_input, device, options)
    stored = _metadata(described, options, seed, tag)
    body: dict[str, Any] = {
        "type": kind,
        "name": options.name or _name(run_input),
        "backend": device.api_name,
        "shots": options.shots,
        "metadata": stored,
    }
    settings = _settings(kind, options)
    if settings:
        body["settings"] = settings
    if options.noise_model != "ideal":
        body["noise"] = {"model": options.noise_model, "seed": noise_seed(seed)}
    if options.session_id is not None:
        body["session_id"] = options.session_id
    if options.dry_run:
        body["dry_run"] = True
        if device.simulator:
            logger.warning("the simulator has no dry run: the job is simulated, at no cost")
    encoded = encode({**body, **options.extra_fields, "input": body_input})
    if len(encoded) > MAX_BODY_BYTES:
        raise IonQJobError(
            f"The job is {len(encoded):,} bytes, and IonQ takes {MAX_BODY_BYTES:,}. "
            "Run fewer circuits in a job, or circuits of fewer gates."
        )
    return Payload(encoded, stored, tag, run_input, options.dry_run, body["name"])


def noise_seed(seed: int) -> int:
    """Return the seed of a noise model for a run's seed: the same, if it is in range."""
    return (seed - 1) % MAX_NOISE_SEED + 1


def _gates(
    run_input: Sequence[QuantumCircuit], device: Device, options: RunOptions
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    wires = [
        _wire(circuit, index, len(run_input), device, options)
        for index, circuit in enumerate(run_input)
    ]
    count = sum(len(wire.gates) for wire in wires)
    if count > MAX_GATES:
        raise IonQJobError(
            f"A job takes {MAX_GATES:,} gates, not {count:,}. "
            "Run fewer circuits in a job, or circuits of fewer gates."
        )
    headers = [
        circuit_header(circuit, wire) for circuit, wire in zip(run_input, wires, strict=True)
    ]
    if len(wires) == 1:
        (wire,) = wires
        body_input = {
            "gateset": options.gateset,
            "qubits": wire.num_qubits,
            "circuit": wire.gates,
        }
        return body_input, headers
    body_input = {
        "gateset": options.gateset,
        "qubits": max(wire.num_qubits for wire in wires),
        "circuits": [
            {"name": circuit.name, "qubits": wire.num_qubits, "circuit": wire.gates}
            for circuit, wire in zip(run_input, wires, strict=True)
        ],
    }
    return body_input, headers


def _wire(
    circuit: QuantumCircuit, index: int, count: int, device: Device, options: RunOptions
) -> WireCircuit:
    try:
        wire = to_wire(circuit, options.gateset, compiler_synthesis=options.compiler_synthesis)
        check_native(wire, _modelled(device, options.noise_model))
    except IonQError as error:
        if options.noise_model != "ideal":
            error.add_note(f"The noise model is {options.noise_model!r}.")
        if count > 1:
            error.add_note(f"It is circuit {index} of the {count} of this run.")
        raise
    return wire


def _modelled(device: Device, noise_model: str) -> Device:
    return device if noise_model == "ideal" else device.under(noise_model)


def _described(device: Device, noise_model: str) -> str:
    return device.name if noise_model == "ideal" else f"{device.name} with noise {noise_model}"


def _qasm3(run_input: Sequence[QuantumCircuit]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    (circuit,) = run_input
    return {"data": to_qasm3(circuit)}, [circuit_header(circuit, None)]


def _name(run_input: Sequence[QuantumCircuit]) -> str:
    return str(run_input[0].name) if len(run_input) == 1 else f"{len(run_input)} circuits"


def _settings(kind: str, options: RunOptions) -> dict[str, Any]:
    settings = dict(options.settings)
    if kind == PROGRAM:
        compilation = settings.get("compilation") or {}
        settings["compilation"] = {"service_version": _QASM3_COMPILER, **compilation}
    return settings


def _metadata(
    described: Sequence[Mapping[str, Any]], options: RunOptions, seed: int, tag: str
) -> dict[str, str]:
    header: Any = described[0] if len(described) == 1 else list(described)
    own = metadata.encode(header, shots=options.shots, seed=seed, memory=options.memory, tag=tag)
    size = len(own["qiskit_header"])
    if size > MAX_METADATA_VALUE:
        carrying = [header["name"] for header in described if header.get("metadata")]
        advice = (
            f"Set circuit.metadata = {{}} (circuit {carrying[0]!r} has some)"
            if carrying
            else "Run fewer circuits in a job, or give them fewer and larger registers"
        )
        raise IonQJobError(
            f"The description of the circuits takes {size:,} characters of the job's metadata, and "
            f"IonQ keeps {MAX_METADATA_VALUE:,}. {advice}."
        )
    return {**own, **options.extra_metadata}
