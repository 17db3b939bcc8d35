"""The artifacts of a completed job: its results in every format, and its compiled circuits."""

from __future__ import annotations

import uuid
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ionq_toolkit_fake.api import query
from ionq_toolkit_fake.api.formats import (
    HISTOGRAM_V1,
    HISTOGRAM_V2,
    NATIVE_V1,
    PROBABILITIES_AGGREGATE_V1,
    PROBABILITIES_V1,
    PROBABILITIES_V2,
    QASM3_V1,
    SHOTS_V1,
    SHOTS_V2,
)
from ionq_toolkit_fake.api.large import LARGE, Later, as_map
from ionq_toolkit_fake.api.responses import Text, gone, not_found
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT
from ionq_toolkit_fake.simulation.mitigation import filtered, majority, voted
from ionq_toolkit_fake.simulation.outcome import Distribution, Outcome, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.simulation.program import Gate

    Registers = Mapping[str, Sequence[int | None]]

#: The aggregations of the shots of variants: schema AggregationsOutput.
AGGREGATIONS = ("average", "voting", "dnl", "majority")

#: How much a product of a whole number of shots may fall short of it.
_ROUNDING = 1e-6


class ArtifactKind(Enum):
    """The part of a job's record that lists an artifact."""

    RESULT = "results"
    VARIANT = "the results of a variant"
    AGGREGATION = "aggregations of its variants"
    COMPILED = "its compiled circuits"


class Artifact(NamedTuple):
    """A file that belongs to a completed job.

    Attributes:
        id: Its id.
        format: Its format.
        kind: The part of the job's record that lists it.
        part: The key of its url, the number of its variant, or the name of its aggregation.
        path: Its path below the job's results; None: it is an artifact alone.
        content: Returns its content.
        variant_id: The id of its variant, if it belongs to one.
        media_type: The type of its content.
    """

    id: str
    format: str
    kind: ArtifactKind
    part: str
    path: str | None
    content: Callable[[], object]
    variant_id: str = ""
    media_type: str = "application/json"


def artifacts_of(job: Job) -> list[Artifact]:
    """Return the artifacts of a completed job."""
    if job.type == MULTI_CIRCUIT:
        return [_aggregate(job)]
    outcome = job.result
    if not isinstance(outcome, Outcome):
        return []
    return [*_results(job, outcome), *_mitigation(job, outcome), *_compiled(job, outcome)]


#: The ids of these two are examples of the operations GetJobs and GetJob of the API document.
_KNOWN_IDS = {
    PROBABILITIES_V1: "probabilities",
    PROBABILITIES_AGGREGATE_V1: "probabilities-aggregate",
}


def _id(job: Job, *parts: str) -> str:
    """Return the id of an artifact of a job; the same each time."""
    return str(uuid.uuid5(uuid.UUID(job.id), "/".join(parts)))


def _aggregate(job: Job) -> Artifact:
    completed = {
        child.id: child.outcome.distribution
        for child in job.children
        if child.outcome is not None and child.status == "completed"
    }

    def content() -> object:
        return {name: as_map(found) for name, found in completed.items() if found is not None}

    name = PROBABILITIES_AGGREGATE_V1
    path = "probabilities/aggregated"
    return Artifact(_KNOWN_IDS[name], name, ArtifactKind.RESULT, "probabilities", path, content)


def _results(job: Job, outcome: Outcome) -> Iterator[Artifact]:
    """Yield the probabilities and, if the job has shots, the histogram and the shots."""
    found, shots, registers = outcome.distribution, outcome.shots, outcome.registers
    if found is None:
        return

    def result(name: str, part: str, path: str | None, content: Callable[[], object]) -> Artifact:
        known = _KNOWN_IDS.get(name)
        return Artifact(known or _id(job, name), name, ArtifactKind.RESULT, part, path, content)

    part = "probabilities"
    yield result(PROBABILITIES_V1, part, part, lambda: as_map(found))
    yield result(PROBABILITIES_V2, part, None, partial(_probabilities_v2, found, registers))
    if shots is None:
        return
    number, part = len(shots), "histogram"
    yield result(HISTOGRAM_V1, part, part, lambda: _counts(as_map(found), number))
    yield result(HISTOGRAM_V2, part, None, partial(_histogram_v2, found, registers, number))
    yield result(SHOTS_V1, "shots", "shots", lambda: [str(shot) for shot in shots.tolist()])
    yield result(SHOTS_V2, "shots", None, partial(_shots_v2, shots, registers))


def _mitigation(job: Job, outcome: Outcome) -> Iterator[Artifact]:
    """Yield the results of each variant, and those of each aggregation."""
    if not outcome.variants:
        return
    registers = outcome.registers
    for index, variant in enumerate(outcome.variants):
        variant_id, kind = _id(job, "variant", str(index)), ArtifactKind.VARIANT
        shots = variant.shots
        contents: dict[str, Callable[[], object]] = {
            PROBABILITIES_V2: partial(_of_shots, _probabilities_v2, shots, registers),
            HISTOGRAM_V2: partial(_of_shots, _histogram_v2, shots, registers, len(shots)),
            SHOTS_V2: partial(_shots_v2, shots, registers),
        }
        for name, content in contents.items():
            artifact_id = _id(job, variant_id, name)
            yield Artifact(artifact_id, name, kind, str(index), None, content, variant_id)
    number = sum(len(variant.shots) for variant in outcome.variants)
    for how in AGGREGATIONS:
        content = partial(_aggregated_histogram, outcome, how, number)
        artifact_id, kind = _id(job, "aggregation", how), ArtifactKind.AGGREGATION
        yield Artifact(artifact_id, HISTOGRAM_V2, kind, how, None, content)


def _compiled(job: Job, outcome: Outcome) -> Iterator[Artifact]:
    if outcome.compiled is not None:
        artifact_id, name, kind = _id(job, NATIVE_V1), NATIVE_V1, ArtifactKind.COMPILED
        content = partial(_native_circuit, outcome.compiled)
        yield Artifact(artifact_id, name, kind, name, None, content)
        if job.submission.device.is_qpu:  # a record of August 2026 has both
            artifact_id, text = _id(job, QASM3_V1), partial(_native_qasm3, outcome.compiled)
            yield Artifact(
                artifact_id, QASM3_V1, kind, QASM3_V1, None, text, media_type="text/plain"
            )


def _native_circuit(gates: Sequence[Gate]) -> dict[str, Any]:
    """Return native gates in the form that a job can have: schema IonqNativeV1."""
    circuit: list[dict[str, Any]] = []
    for gate in gates:
        body: dict[str, Any] = {"gate": gate.name}
        if gate.name == "ms":
            *phases, angle = gate.parameters
            body.update(targets=gate.targets, phases=phases, angle=angle)
        elif gate.name == "zz":
            body.update(targets=gate.targets, angle=gate.parameters[0])
        elif gate.name == "nop":
            body.update(target=gate.targets[0])
        else:
            body.update(target=gate.targets[0], phase=gate.parameters[0])
        circuit.append(body)
    width = max((qubit for gate in gates for qubit in gate.targets), default=0) + 1
    return {"qubits": width, "circuit": circuit}


#: The native gates as OpenQASM 3 has them, angles in turns. How IonQ writes them is not known.
_QASM3_GATES = """OPENQASM 3.0;
gate gpi(p) a { U(pi, 2*pi*p, pi-2*pi*p) a; }
gate gpi2(p) a { U(pi/2, 2*pi*p-pi/2, pi/2-2*pi*p) a; }
gate cx a, b { ctrl @ U(pi, 0, pi) a, b; }
gate zz(t) a, b { cx a, b; U(0, 0, 2*pi*t) b; cx a, b; }
gate h a { U(pi/2, 0, pi) a; }
gate xx(t) a, b { h a; h b; zz(t) a, b; h a; h b; }
gate turn(p) a { U(0, 0, 2*pi*p) a; }
gate ms(p, q, t) a, b {
  turn(-p) a; turn(-q) b; xx(t) a, b; turn(p) a; turn(q) b;
}
"""


def _native_qasm3(gates: Sequence[Gate]) -> str:
    """Return native gates as an OpenQASM 3 program that defines them."""
    width = max((qubit for gate in gates for qubit in gate.targets), default=0) + 1
    lines = [f"{_QASM3_GATES}qubit[{width}] q;"]
    for gate in gates:
        if gate.name != "nop":
            parameters = ", ".join(map(str, gate.parameters))
            lines.append(f"{gate.name}({parameters}) {', '.join(f'q[{n}]' for n in gate.targets)};")
    return "\n".join(lines) + "\n"


def _probabilities_v2(distribution: Distribution, registers: Registers) -> dict[str, Any]:
    parts = {name: distribution.marginal(bits) for name, bits in registers.items()}
    return {"probabilities": {"registers": parts}}


def _counts(probabilities: Mapping[str, float], shots: int) -> dict[str, int]:
    """Return probabilities as counts that add up to `shots`, by largest remainder."""
    exact = np.array(list(probabilities.values())) * shots
    counts = np.floor(exact + _ROUNDING).astype(np.int64)
    short = shots - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:short]] += 1
    pairs = zip(probabilities, counts.tolist(), strict=True)
    return {key: count for key, count in pairs if count}


def _histogram_v2(found: Distribution, registers: Registers, shots: int) -> dict[str, Any]:
    parts = {name: _counts(found.marginal(bits), shots) for name, bits in registers.items()}
    return {"histogram": {"registers": parts}}


def _shots_v2(shots: NDArray[Any], registers: Registers) -> dict[str, Any]:
    """Return the bits of each register in each shot, bit 0 first: as qiskit-ionq reads them."""
    columns = {
        name: list(zip(*(take(shots, [bit]).tolist() for bit in bits), strict=True))
        for name, bits in registers.items()
    }
    rows = ({name: column[n] for name, column in columns.items()} for n in range(len(shots)))
    return {"shots": [{"registers": row} for row in rows]}


def _of_shots(
    content: Callable[..., object], shots: NDArray[Any], registers: Registers, *rest: int
) -> object:
    """Return a content of the distribution of shots."""
    return content(Distribution.of_shots(shots), registers, *rest)


def _aggregated_histogram(outcome: Outcome, how: str, shots: int) -> object:
    return _histogram_v2(_aggregated(outcome, how), outcome.registers, shots)


def _aggregated(outcome: Outcome, how: str) -> Distribution:
    """Return the distribution of all variants put together."""
    variants = outcome.variants
    if how == "voting":
        return Distribution.of_shots(voted(variants))
    if how == "dnl":
        return filtered(variants)
    if how == "majority":
        return Distribution.of_shots(majority(variants))
    return Distribution.of_shots(np.concatenate([variant.shots for variant in variants]))


def _probabilities(job: Job, how: str | None = None) -> Callable[[], Distribution]:
    """Return what makes the distribution of a completed circuit, by an aggregation."""
    outcome = job.result
    if not isinstance(outcome, Outcome) or outcome.distribution is None:
        raise not_found()
    found = outcome.distribution
    if not outcome.variants or how is None:
        return lambda: found
    return partial(_aggregated, outcome, how)


# --- operations ------------------------------------------------------------------------------


def probabilities(request: Request) -> object:
    """GET /jobs/{id}/results/probabilities: 404 until the job is completed."""
    job = _completed(request)
    if job.circuit is None:
        raise not_found()
    found = _probabilities(job, _aggregation(request))
    return Later(found) if _is_large(job) else as_map(found())


def aggregated(request: Request) -> object:
    """GET /jobs/{id}/results/probabilities/aggregated: those of a parent, by its children's ids.

    No longer in the API document; a parent's record points here, and cirq-ionq asks for it.
    """
    job = _completed(request)
    if job.type != MULTI_CIRCUIT:
        raise not_found()
    how = _aggregation(request)
    found = {
        child.id: _probabilities(child, how)
        for child in job.children
        if child.status == "completed"
    }
    if _is_large(job):
        return Later(lambda: {name: content() for name, content in found.items()})
    return {name: as_map(content()) for name, content in found.items()}


def histogram(request: Request) -> object:
    """GET /jobs/{id}/results/histogram: not in the API document; a job's url points here."""
    return _by_path(request, "histogram")


def shots(request: Request) -> object:
    """GET /jobs/{id}/results/shots: not in the API document; a job's url points here."""
    return _by_path(request, "shots")


def artifact(request: Request) -> object:
    """GET /jobs/{id}/artifacts/{artifact}."""
    job, wanted = _completed(request), request.arguments["artifact_id"]
    return _first(job, (found for found in artifacts_of(job) if found.id == wanted))


def circuit(request: Request) -> object:  # noqa: ARG001 - every handler takes one
    """GET /jobs/{id}/circuits/{lang}: gone; a job's output has its circuits."""
    raise gone("This endpoint is gone. Fetch the artifacts of output.compilation instead.")


def _by_path(request: Request, path: str) -> object:
    job = _completed(request)
    return _first(job, (found for found in artifacts_of(job) if found.path == path))


def _first(job: Job, found: Iterator[Artifact]) -> object:
    for one in found:
        if one.format == QASM3_V1:
            return Text(one.content())
        return Later(one.content) if _is_large(job) else one.content()
    raise not_found()


def _is_large(job: Job) -> bool:
    """Return whether the results of a job take long to write."""
    total = 0
    for one in (job, *job.children):
        if one.outcome is not None and one.outcome.distribution is not None:
            shots = one.outcome.shots
            total += len(one.outcome.distribution.outcomes)
            total += 0 if shots is None else len(shots)
    return total > LARGE


def _completed(request: Request) -> Job:
    job = request.found(request.project.jobs.find(request.arguments["job_id"]))
    if job.status != "completed":
        raise not_found()
    return job


def _aggregation(request: Request) -> str | None:
    """Return the aggregation of variants that the query asks for; None: their average.

    `sharpen` is plurality voting; `aggregation` is the parameter of qiskit-ionq.
    """
    if not request.query:
        return None
    how = query.choice(request, "aggregation", AGGREGATIONS)
    if query.boolean(request, "sharpen"):
        return how or "voting"
    return how
