"""ionq-core on a machine: what it is like, what it compiles to, runs, mitigates and shows."""

import functools
import math
from collections import Counter
from uuid import UUID

import ionq_core.models
import numpy as np
import pytest
from ionq_core import gpi2_matrix, gpi_matrix, ms_matrix, zz_matrix
from ionq_core.api.backends import get_backend, get_backends
from ionq_core.api.characterizations import (
    get_characterization,
    get_characterizations_for_backend,
)
from ionq_core.api.default import get_job_probabilities
from ionq_core.api.schemas import get_format_schema
from ionq_core.models import CircuitJobResults, IonqNativeV1
from ionq_core.models.formats import FORMATS_VALUES
from jsonschema import Draft7Validator

from ionq_toolkit_fake import FakeIonQ

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")

GATES = [
    {"gate": "ry", "target": 0, "rotation": 0.8},
    {"gate": "cnot", "control": 0, "target": 2},
    {"gate": "rx", "target": 1, "rotation": 1.1},
    {"gate": "zz", "targets": [1, 2], "rotation": 0.9},
    {"gate": "h", "target": 2},
    {"gate": "ry", "target": 1, "rotation": -0.4},
]


@pytest.fixture
def cloud():
    """A cloud that follows its document, so that the client's objects hold all of a reply."""
    return FakeIonQ(seed=7, statuses={"qpu.aria-1": "available"}, deviations=())


@pytest.fixture
def mitigation():
    """Build the settings of error mitigation."""

    def build(**settings):
        return {"error_mitigation": settings}

    return build


def probabilities_of(client, job, **options):
    return get_job_probabilities.sync(job.id, client=client, **options).to_dict()


# --- what they are like ----------------------------------------------------------------------


def test_machines_are_listed_with_what_they_offer(client):
    listed = {backend.backend: backend for backend in get_backends.sync(client=client)}
    assert listed["qpu.aria-1"].status == "available"
    assert listed["qpu.harmony"].status == "retired"
    assert listed["qpu.forte-1"].supported_error_mitigations == ["debiasing"]
    assert listed["qpu.aria-1"].supported_native_gates == ["gpi", "gpi2", "ms"]
    assert "characterization_id" not in listed["simulator"].to_dict()
    assert get_backend.sync("qpu.forte-1", client=client) == listed["qpu.forte-1"]


def test_the_characterization_of_a_machine_is_found_by_its_id(client):
    newest = get_backend.sync("qpu.forte-1", client=client).characterization_id
    found = get_characterization.sync("qpu.forte-1", UUID(newest), client=client)
    assert (found.backend, found.qubits, found.date) == ("qpu.forte-1", 36, "2026-01-01T00:00:00Z")
    assert found.connectivity[:2] == [[0, 1], [0, 2]]
    assert 0.99 < found.fidelity.spam.median < 1
    assert 0.99 < found.fidelity["2q"]["median"] < found.fidelity["1q"]["median"] < 1
    assert (found.timing.t1, found.timing.t2) == (100, 1)


def test_characterizations_are_paged_newest_first(client):
    call = functools.partial(get_characterizations_for_backend.sync, "qpu.aria-1", client=client)
    pages = [call(limit=10, page=number) for number in (1, 2, 3, 4)]
    dates = [record.date for page in pages for record in page.characterizations]
    assert [len(page.characterizations) for page in pages] == [10, 10, 10, 1]
    assert [page.pages for page in pages] == [3, 2, 1, 0]
    assert dates == sorted(set(dates), reverse=True)
    assert (dates[0], dates[-1]) == ("2026-01-01T00:00:00Z", "2025-12-02T00:00:00Z")


def dates_from(client, **options):
    page = get_characterizations_for_backend.sync("qpu.forte-1", client=client, **options)
    return [record.date[:10] for record in page.characterizations]


def test_characterizations_are_found_by_date_and_the_end_is_one_on_the_live_service(
    client, client_of
):
    dates = {"start": "2025-12-30", "end": "2026-01-01"}
    assert dates_from(client, **dates) == ["2025-12-31", "2025-12-30"]
    live = client_of(FakeIonQ(seed=7))
    assert dates_from(live, **dates) == ["2026-01-01", "2025-12-31", "2025-12-30"]


def test_the_simulator_has_no_characterizations_and_the_live_service_says_null(client, client_of):
    assert dates_from(client, start="2030-01-01") == []
    assert get_characterizations_for_backend.sync("simulator", client=client).pages == 0
    live = client_of(FakeIonQ(seed=7))
    with pytest.raises(TypeError, match="NoneType"):  # the client knows of no null there
        get_characterizations_for_backend.sync("simulator", client=live)


# --- what they compile to --------------------------------------------------------------------


def embedded(matrix, qubits, width):
    """Return the matrix of a gate on all qubits; qubit 0 is the least significant bit."""
    tensor = np.reshape(matrix, (2,) * (2 * len(qubits)))
    axes = [width - 1 - qubit for qubit in qubits]
    found = np.tensordot(
        tensor,
        np.eye(2**width).reshape((2,) * width + (2**width,)),
        axes=(range(len(qubits), 2 * len(qubits)), axes),
    )
    return np.moveaxis(found, range(len(qubits)), axes).reshape(2**width, 2**width)


def distribution(circuit):
    """Return what a native circuit measures, by the client's own matrices."""
    state = np.eye(2**circuit.qubits)[0]
    for gate in circuit.circuit:
        if gate.gate in {"gpi", "gpi2"}:
            matrix = {"gpi": gpi_matrix, "gpi2": gpi2_matrix}[gate.gate](gate.phase)
            qubits = [gate.target]
        else:
            qubits = [int(qubit) for qubit in gate.targets]
            arguments = [gate.angle] if gate.gate == "zz" else [*gate.phases, gate.angle]
            matrix = {"zz": zz_matrix, "ms": ms_matrix}[gate.gate](*arguments)
        state = embedded(matrix, qubits, circuit.qubits) @ state
    return {str(outcome): p for outcome, p in enumerate(np.abs(state) ** 2) if p > 1e-12}


@pytest.mark.parametrize(("backend", "entangler"), [("qpu.forte-1", "zz"), ("qpu.aria-1", "ms")])
def test_the_compiled_circuit_of_a_job_does_what_its_circuit_does(
    client, run, fetch, job_body, backend, entangler
):
    job = run(client, job_body(GATES, qubits=3, backend=backend))
    compiled = job.output.compilation.compiled_circuits["ionq.native.v1"]
    circuit = IonqNativeV1.from_dict(fetch(client, job, compiled))
    counts = Counter(gate.gate for gate in circuit.circuit)
    assert set(counts) <= {"gpi", "gpi2", entangler}
    expected = {f"{name.upper()}q": count for name, count in counts.items()}
    expected |= {"1q": counts["gpi"] + counts["gpi2"], "2q": counts[entangler]}
    assert job.stats.gate_counts.to_dict() == expected
    ideal = probabilities_of(client, run(client, job_body(GATES, qubits=3)))
    assert distribution(circuit) == pytest.approx(ideal)


def test_a_compiled_circuit_can_be_submitted_again(client, run, fetch, job_body):
    job = run(client, job_body(GATES, qubits=3, backend="qpu.aria-1"))
    compiled = job.output.compilation.compiled_circuits["ionq.native.v1"]
    body = job_body()
    body["input"] = {"gateset": "native", **fetch(client, job, compiled)}
    ideal = probabilities_of(client, run(client, job_body(GATES, qubits=3)))
    assert probabilities_of(client, run(client, body)) == pytest.approx(ideal)


def test_a_machine_does_not_run_the_native_gate_of_another(client, run, job_body):
    body = job_body([{"gate": "zz", "targets": [0, 1], "angle": 0.25}], backend="qpu.aria-1")
    body["input"]["gateset"] = "native"
    assert run(client, body).failure.code == "UnsupportedGate"


# --- what they run and mitigate --------------------------------------------------------------


def test_a_machine_is_noisy_and_shows_every_shot(client, run, fetch, job_body, bell_gates):
    job = run(client, job_body(bell_gates, backend="qpu.forte-1", shots=400))
    assert isinstance(job.results, CircuitJobResults)
    assert (job.shots, job.cost_model, job.output.error_mitigation.to_dict()) == (
        400,
        "2QGE_operations",
        {},
    )
    histogram = fetch(client, job, job.results["ionq.result.histogram.json.v1"])
    assert set(histogram) == {"0", "1", "2", "3"}
    assert histogram["0"] + histogram["3"] > 380
    assert Counter(fetch(client, job, job.results["ionq.result.shots.json.v1"])) == histogram
    frequencies = {outcome: count / 400 for outcome, count in histogram.items()}
    assert probabilities_of(client, job) == pytest.approx(frequencies)


@pytest.fixture
def debiased(client, run, job_body, bell_gates):
    return run(client, job_body(bell_gates, backend="qpu.forte-1", shots=500))


def test_a_job_of_500_shots_is_debiased_unless_it_says_otherwise(
    client, run, job_body, bell_gates, debiased, mitigation
):
    assert debiased.output.error_mitigation.debiasing.aggregation_method == "average"
    few = run(client, job_body(bell_gates, backend="qpu.forte-1", shots=499))
    settings = mitigation(debiasing=False)
    off = run(client, job_body(bell_gates, backend="qpu.forte-1", shots=500, settings=settings))
    assert few.output.error_mitigation.to_dict() == off.output.error_mitigation.to_dict() == {}


def test_the_variants_of_a_debiased_job_have_their_own_qubits_and_results(client, fetch, debiased):
    variants = debiased.output.error_mitigation.debiasing.variants
    assert len({variant.variant_id for variant in variants}) == 32
    assert [variant.shots for variant in variants] == [16] * 20 + [15] * 12
    assert len({tuple(variant.qubit_map) for variant in variants}) > 20
    assert all(0 <= a < 36 and 0 <= b < 36 and a != b for a, b in (v.qubit_map for v in variants))
    everything = Counter()
    for variant in variants:
        content = fetch(client, debiased, variant.results["ionq.result.histogram.json.v2"])
        counts = content["histogram"]["registers"]["output_all"]
        assert sum(counts.values()) == variant.shots
        everything.update(counts)
    average = debiased.output.error_mitigation.aggregations.average
    content = fetch(client, debiased, average)
    assert content["histogram"]["registers"]["output_all"] == everything


def test_a_variant_has_its_shots_and_probabilities_too(client, fetch, debiased):
    variant = debiased.output.error_mitigation.debiasing.variants[0]
    results = variant.results
    shots = fetch(client, debiased, results["ionq.result.shots.json.v2"])["shots"]
    keys = Counter("".join(map(str, s["registers"]["output_all"][::-1])) for s in shots)
    content = fetch(client, debiased, results["ionq.result.probabilities.json.v2"])
    expected = {key: count / variant.shots for key, count in keys.items()}
    assert content["probabilities"]["registers"]["output_all"] == pytest.approx(expected)


def test_the_aggregations_of_a_debiased_job(client, run, fetch, job_body):
    tilted = [{"gate": "ry", "target": 0, "rotation": 1.2}, {"gate": "x", "target": 1}]
    job = run(client, job_body(tilted, backend="qpu.forte-1", shots=640))
    aggregations = job.output.error_mitigation.aggregations
    average, voting, dnl, majority = (
        fetch(client, job, getattr(aggregations, how))["histogram"]["registers"]["output_all"]
        for how in ("average", "voting", "dnl", "majority")
    )
    assert average["10"] / 640 == pytest.approx(math.cos(0.6) ** 2, abs=0.06)
    assert average["10"] < voting["10"] <= majority["10"]
    wrong = [found.get("00", 0) + found.get("01", 0) for found in (average, dnl)]
    assert 10 > wrong[0] > wrong[1]
    assert {sum(found.values()) for found in (average, voting, dnl, majority)} == {640}
    voted = {str(int(key, 2)): count / 640 for key, count in voting.items()}
    assert probabilities_of(client, job, sharpen=True) == pytest.approx(voted)
    averaged = {str(int(key, 2)): count / 640 for key, count in average.items()}
    assert probabilities_of(client, job, sharpen=False) == pytest.approx(averaged)


@pytest.mark.parametrize("debiasing", [True, False])
def test_symmetry_verification_drops_what_the_circuit_cannot_give(
    client, run, fetch, job_body, bell_gates, mitigation, debiasing
):
    settings = mitigation(debiasing=debiasing, symmetry_verification=True)
    body = job_body(bell_gates, backend="qpu.aria-1", shots=600, settings=settings)
    job = run(client, body)
    verification = job.output.error_mitigation.symmetry_verification
    assert (verification.applied, verification.num_allowed_states) == (True, 2)
    histogram = fetch(client, job, job.results["ionq.result.histogram.json.v1"])
    assert set(histogram) == {"0", "3"}
    assert 560 < sum(histogram.values()) < 600


def test_a_dry_run_is_compiled_and_not_run(client, run, fetch, job_body, bell_gates):
    job = run(client, job_body(bell_gates, backend="qpu.forte-1", shots=700, dry_run=True))
    assert (job.status, job.dry_run, job.shots) == ("completed", True, 700)
    assert (job.results, job.started_at, job.execution_duration_ms) == (None, None, None)
    assert job.predicted_execution_duration_ms > 0
    compiled = job.output.compilation.compiled_circuits["ionq.native.v1"]
    assert "zz" in {gate["gate"] for gate in fetch(client, job, compiled)["circuit"]}


# --- the formats of what they show -----------------------------------------------------------


@pytest.fixture
def artifacts(client, run, fetch, job_body, bell_gates, debiased):
    """An artifact of each format."""
    several = job_body(type="ionq.multi-circuit.v1")
    circuits = [{"circuit": bell_gates}, {"circuit": bell_gates[:1]}]
    several["input"] = {"gateset": "qis", "qubits": 2, "circuits": circuits}
    parent = run(client, several)
    compiled = debiased.output.compilation.compiled_circuits
    return {
        descriptor.format_: fetch(client, job, descriptor)
        for job, descriptors in (
            (debiased, debiased.results),
            (debiased, compiled),
            (parent, parent.results),
        )
        for descriptor in descriptors.additional_properties.values()
    }


def test_every_artifact_has_the_shape_that_its_format_says(client, artifacts):
    assert set(artifacts) == {*FORMATS_VALUES, "ionq.qasm3.v1"}  # recorded in August 2026
    for name, content in artifacts.items():
        schema = get_format_schema.sync(name, client=client).to_dict()
        assert schema["$id"] == name
        Draft7Validator.check_schema(schema)
        validator = Draft7Validator(schema)
        assert validator.is_valid(content)
        assert not validator.is_valid({"1": "one"} if isinstance(content, list) else [content])


def test_every_artifact_is_parsed_by_the_clients_model_of_its_format(artifacts):
    for name, content in artifacts.items():
        # ionq.native.v1 is IonqNativeV1
        title = "".join(part.capitalize() for part in name.replace("-", ".").split("."))
        if name in {"ionq.result.shots.json.v1", "ionq.qasm3.v1"}:
            assert not hasattr(ionq_core.models, title)  # a list, a text: they have no model
        else:
            parsed = getattr(ionq_core.models, title).from_dict(content)
            assert parsed.to_dict() == content
