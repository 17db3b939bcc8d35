"""ionq-core runs quantum functions: the energy of a Hamiltonian, and maxcut by QAOA."""

import itertools
import json
import math

import pytest
from ionq_core.api.default import clone_job, get_job, get_job_probabilities, get_jobs
from ionq_core.models import CloneJobPayload, QaoaJob, QuantumFunctionJob, SingleCircuitJob

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")

#: Turns qubit 0 by the first parameter and qubit 1 by the second, both about Y.
ANSATZ = """OPENQASM 3.0;
input float first;
input float second;
qubit[2] q;
ry(first) q[0];
ry(second) q[1];
"""
HAMILTONIAN = {"II": 0.25, "IZ": 2.0, "ZI": -1.0, "XX": 0.5}
EDGES = {("a", "b"): 1.0, ("b", "c"): 1.0, ("c", "d"): 1.0, ("d", "a"): 1.0, ("a", "c"): 3.5}


@pytest.fixture
def energy_body():
    """Build the body of a job that evaluates the energy of a Hamiltonian."""

    def build(hamiltonian, params=(), ansatz=ANSATZ, constraints=(), penalty=None, **fields):
        data = {
            "hamiltonian": [
                {"pauli_string": term, "coefficient": coefficient}
                for term, coefficient in hamiltonian.items()
            ],
            "ansatz": {"data": ansatz},
        }
        if constraints:
            data = {**data, "linear_constraints": list(constraints), "penalty": penalty}
        body = {"data": {"type": "hamiltonian-energy", "data": data}, "params": list(params)}
        base = {"type": "quantum-function", "backend": "simulator", "input": body}
        return {**base, **fields}

    return build


@pytest.fixture
def maxcut_body():
    """Build the body of a job that cuts a graph in two."""

    def build(edges, **fields):
        nodes = sorted(set(itertools.chain.from_iterable(edges)))
        beside = {
            node: [
                {"id": other, "weight": weight}
                for pair, weight in edges.items()
                if node in pair
                for other in pair
                if other != node
            ]
            for node in nodes
        }
        graph = {
            "directed": False,
            "multigraph": False,
            "graph": [],
            "nodes": [{"id": node} for node in nodes],
            "adjacency": list(beside.values()),
        }
        base = {
            "type": "qctrl.qaoa.v1",
            "backend": "simulator",
            "input": {"problem_type": "maxcut", "problem": graph},
            "external_settings": {"api_credentials": "a secret of Q-CTRL"},
        }
        return {**base, **fields}

    return build


def cut(edges, bits):
    """Return the weight of the edges between the two sides; the nodes are in the bits' order."""
    nodes = sorted(set(itertools.chain.from_iterable(edges)))
    side = dict(zip(nodes, bits, strict=True))
    return sum(weight for (a, b), weight in edges.items() if side[a] != side[b])


def exact_energy(first, second):
    both = 0.5 * math.sin(first) * math.sin(second)
    return 0.25 + 2.0 * math.cos(first) - math.cos(second) + both


def test_the_energy_of_a_hamiltonian_is_the_exact_one(client, run, energy_body):
    job = run(client, energy_body(HAMILTONIAN, (0.7, 1.9)))
    assert isinstance(job, QuantumFunctionJob)
    assert (job.status, job.child_job_ids) == ("completed", None)
    assert job.results.value == pytest.approx(exact_energy(0.7, 1.9))


def test_the_energy_on_a_machine_is_near_the_exact_one_and_varies(client, run, energy_body):
    job = run(client, energy_body(HAMILTONIAN, (0.7, 1.9), shots=4000, backend="qpu.forte-1"))
    assert job.cost_model == "2QGE_operations"
    assert job.results.value == pytest.approx(exact_energy(0.7, 1.9), abs=0.15)
    assert job.results.value != pytest.approx(exact_energy(0.7, 1.9), abs=1e-6)
    singles = [4 * math.sin(0.7) ** 2, math.sin(1.9) ** 2]
    both = 0.25 * (1 - (math.sin(0.7) * math.sin(1.9)) ** 2)
    assert job.results.variance == pytest.approx(sum(singles) + both, rel=0.1)


def test_a_violated_constraint_costs_its_penalty(client, run, energy_body):
    flipped = "OPENQASM 3.0; qubit[2] q; x q[0]; x q[1];"
    most_one = {"coeffs": [1.0, 2.0], "rhs": 1.0}
    job = run(client, energy_body({"ZZ": 1.0}, (), flipped, [most_one], penalty=10.0))
    assert job.results.value == pytest.approx(1.0 + 10.0 * (3 - 1) ** 2)


@pytest.mark.parametrize(
    ("hamiltonian", "params"), [({"Z": 1.0}, (0.7, 1.9)), (HAMILTONIAN, (0.7,))]
)
def test_what_does_not_fit_the_ansatz_fails(client, run, energy_body, hamiltonian, params):
    job = run(client, energy_body(hamiltonian, params))
    assert (job.status, job.failure.code, job.results) == ("failed", "InvalidInput", None)


def test_maxcut_finds_a_cut_that_no_other_is_better_than(client, run, maxcut_body):
    job = run(client, maxcut_body(EDGES, shots=50))
    assert isinstance(job, QaoaJob)
    found = job.results.qaoa_results
    assert found.processing_status == "complete"
    best = max(cut(EDGES, bits) for bits in itertools.product("01", repeat=4))
    assert best == 5.5  # that of the heavy edge with two others, not that of the ring
    assert cut(EDGES, found.optimal_bitstring) == -found.optimal_cost == best


def test_the_circuits_of_maxcut_are_listed_as_its_children(client, run, maxcut_body):
    job = run(client, maxcut_body(EDGES))
    listed = get_jobs.sync(client=client, parent_job_id=job.id).jobs
    assert [child.id for child in listed] == job.child_job_ids[::-1]
    assert {child.type_ for child in listed} == {"qctrl.qaoa-circuit.v1"}
    child = get_job.sync(listed[0].id, client=client)
    assert isinstance(child, SingleCircuitJob)
    assert (child.status, child.stats.qubits, child.parent_job_id) == ("completed", 4, job.id)
    histogram = get_job_probabilities.sync(child.id, client=client).to_dict()
    assert sum(histogram.values()) == pytest.approx(1)
    assert histogram["1"] == pytest.approx(histogram["14"])  # both sides are alike


def test_maxcut_on_a_machine_has_children_that_were_run_there(client, run, maxcut_body):
    job = run(client, maxcut_body({(0, 1): 1.0, (1, 2): 1.0}, backend="qpu.forte-1", shots=40))
    assert cut({(0, 1): 1.0, (1, 2): 1.0}, job.results.qaoa_results.optimal_bitstring) == 2
    child = get_job.sync(job.child_job_ids[0], client=client)
    assert (child.backend, child.shots) == ("qpu.forte-1", 40)
    assert child.stats.gate_counts["ZZq"] == 2  # one for each edge


def test_a_clone_of_maxcut_runs_and_the_credentials_are_shown_nowhere(client, run, maxcut_body):
    job = run(client, maxcut_body(EDGES))
    created = clone_job.sync(job.id, client=client, body=CloneJobPayload.from_dict({}))
    clone = get_job.sync(created.id, client=client)
    assert clone.results.qaoa_results.optimal_cost == -5.5
    assert "a secret of Q-CTRL" not in json.dumps([job.to_dict(), clone.to_dict()])


def test_nothing_of_a_function_is_lost_when_it_is_parsed(nothing_is_lost, energy_body, maxcut_body):
    assert nothing_is_lost(energy_body(HAMILTONIAN, (0.7, 1.9)))
    assert nothing_is_lost(energy_body(HAMILTONIAN))  # it fails
    assert nothing_is_lost(maxcut_body(EDGES))
    assert nothing_is_lost(maxcut_body(EDGES, backend="qpu.forte-1", shots=20))
