"""What a job has shot by shot: memory, OpenQASM 3 programs by register, and where it is found."""

from collections import Counter

import pytest
from clouds import RECORD, Scripted, submit, submit_program
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors
from ionq_toolkit.api import metadata
from ionq_toolkit.results.histogram import fold
from ionq_toolkit_fake import FakeIonQ

ARIA = {"noise": {"model": "aria-1", "seed": 3}}


@pytest.fixture(params=["urls and artifacts", "artifacts alone"])
def either(request):
    """Return a provider whose cloud says where results are in both ways, or in the document's."""
    options = {} if request.param == "urls and artifacts" else {"deviations": set()}
    return IonQProvider(transport=InProcessTransport(FakeIonQ(seed=7, **options)), seed=7)


@pytest.fixture
def job_at(instant_clock):
    """Return a job whose service has these replies, and the service."""

    def build(record, replies=None):
        cloud = Scripted(routes={"/jobs/j": RECORD | record, **(replies or {})})
        provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
        return IonQJob(provider.get_backend("simulator"), "j"), cloud

    return build


def swapped():
    """Return a circuit whose classical bits are not in the order of its qubits: counts 0 1."""
    circuit = QuantumCircuit(
        QuantumRegister(3), ClassicalRegister(1, "a"), ClassicalRegister(1, "b")
    )
    circuit.x(2)
    circuit.measure([2, 0], [0, 1])
    return circuit


# --- memory ----------------------------------------------------------------------------------


def test_noisy_memory_is_what_ionq_says_of_each_shot(either, bell):
    job = submit(either, bell, memory=True, shots=400, **ARIA)
    raw = either.client.get_shots(job.job_id())
    assert job.get_memory() == [format(int(shot), "02b") for shot in raw]
    assert Counter(job.get_memory()) == job.get_counts()
    assert sum(job.get_counts().values()) == 400


@pytest.mark.parametrize("memory", [True, False])
def test_symmetry_verification_leaves_fewer_shots_than_the_job_had(either, memory):
    """X on one qubit, measured again and again: 0 is an error of the machine, and dropped."""
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    for _ in range(40):
        circuit.sx(1)
    circuit.measure([0, 1], [0, 1])
    job = submit(
        either,
        circuit,
        "qpu.forte-1",
        memory=memory,
        shots=2000,
        settings={"error_mitigation": {"symmetry_verification": True}},
    )
    kept = len(either.client.get_shots(job.job_id()))
    assert 1500 < kept < 2000
    if memory:
        assert job.get_memory() == ["01"] * kept
    assert set(job.get_counts()) == {"01"}


@pytest.mark.parametrize(
    ("fields", "shots", "complaint"),
    [
        ({}, 3, "outcomes of 3 shots; the job had 4"),
        ({"applied": True}, 5, "outcomes of 5 shots; the job had 4"),
        ({"applied": True}, 0, "outcomes of 0 shots; the job had 4"),
        ({"applied": False}, 3, "outcomes of 3 shots; the job had 4"),
        ({"applied": True}, 3, None),
    ],
)
def test_only_a_verified_job_may_have_lost_shots(job_at, fields, shots, complaint):
    record = {
        "backend": "qpu.forte-1",
        "shots": 4,
        "output": {"error_mitigation": {"symmetry_verification": fields}},
        "results": {
            "probabilities": {"url": "/v0.4/jobs/j/results/probabilities"},
            "shots": {"url": "/v0.4/jobs/j/results/shots"},
        },
    }
    replies = {
        "/jobs/j/results/probabilities": {"1": 1.0},
        "/jobs/j/results/shots": ["1"] * shots,
    }
    job, _ = job_at(record, replies)
    if complaint is None:
        assert job.get_memory() == ["01"] * shots
        return
    with pytest.raises(errors.IonQJobError, match=complaint):
        job.get_memory()


def test_the_memory_of_a_machine_is_what_ionq_says_of_each_shot(either, bell):
    job = submit(either, bell, "qpu.forte-1", memory=True, shots=50)
    raw = either.client.get_shots(job.job_id())
    assert job.get_memory() == [format(int(shot), "02b") for shot in raw]
    assert Counter(job.get_memory()) == job.get_counts()


def test_memory_is_of_the_classical_bits_register_by_register(either):
    quiet = {"noise": {"model": "forte-1", "seed": 1}}
    job = submit(either, swapped(), memory=True, shots=20, **quiet)
    assert Counter(job.get_memory()).most_common(1)[0][0] == "0 1"
    assert set(job.result().data(0)["memory"]) <= {"0x0", "0x1", "0x2", "0x3"}


def test_each_circuit_of_a_noisy_job_has_its_own_memory(either, bell):
    job = submit(either, [bell, swapped(), bell], memory=True, shots=60, **ARIA)
    children = [one.job_id() for one in job.child_jobs()]
    for index in (0, 2):
        raw = either.client.get_shots(children[index])
        assert job.get_memory(index) == [format(int(shot), "02b") for shot in raw]
    assert Counter(job.get_memory(1)) == job.get_counts(1)
    assert set(job.get_memory(1)) <= {"0 0", "0 1", "1 0", "1 1"}


def test_each_circuit_of_a_machines_job_has_its_own_memory(either, bell):
    job = submit(either, [bell, swapped()], "qpu.forte-1", memory=True, shots=40)
    assert [len(job.get_memory(n)) for n in (0, 1)] == [40, 40]
    assert [Counter(job.get_memory(n)) for n in (0, 1)] == job.get_counts()


def test_ideal_memory_is_drawn_once_and_agrees_with_the_counts(either, bell):
    job = submit(either, [bell, bell], memory=True)
    memory = job.get_memory(0)
    assert Counter(memory) == job.get_counts(0)
    assert memory != sorted(memory)
    assert job.get_memory(1) != memory


def test_shots_are_asked_for_only_when_memory_is(job_at):
    noisy = {"noise": {"model": "aria-1"}, "shots": 2}
    job, cloud = job_at(noisy, {"/jobs/j/results/probabilities": {"0": 0.5, "3": 0.5}})
    assert job.get_counts() == {"00": 1, "11": 1}
    assert cloud.asked == ["/jobs/j", "/jobs/j/results/probabilities"]


MEMORY = {
    "noise": {"model": "aria-1"},
    "shots": 3,
    "metadata": {"shots": "3", "memory": "true"},
}
HISTOGRAM = {"/jobs/j/results/probabilities": {"0": 2 / 3, "3": 1 / 3}}
V1, V2 = "ionq.result.shots.json.v1", "ionq.result.shots.json.v2"
BY_REGISTER = {"shots": [{"registers": {"output_all": bits}} for bits in ([1, 1], [0, 0], [0, 0])]}


WHERE = pytest.mark.parametrize(
    ("results", "path", "shots"),
    [
        ({"shots": {"url": "/v0.4/jobs/j/results/shots"}}, "results/shots", ["3", "0", "0"]),
        # Wherever a record points to, the key is sent to the service alone.
        ({"shots": {"url": "https://elsewhere.example/s"}}, "results/shots", ["3", "0", "0"]),
        ({}, "results/shots", [3, 0, 0]),
        (None, "results/shots", ["3", "0", "0"]),
        ({V1: {"id": "s1"}}, "artifacts/s1", ["3", "0", "0"]),
        ({V2: {"id": "s2"}}, "artifacts/s2", BY_REGISTER),
        ({V1: {"id": "s1"}, V2: {"id": "s2"}}, "artifacts/s1", ["3", "0", "0"]),
        ({V1: {"id": None}, V2: {"id": "s2"}}, "artifacts/s2", BY_REGISTER),
        ({"shots": None, V1: "s1"}, "results/shots", ["3", "0", "0"]),
        ({"shots": {"url": "/x"}, V1: {"id": "s1"}}, "results/shots", ["3", "0", "0"]),
    ],
)


@WHERE
def test_shots_are_found_where_the_record_says(job_at, results, path, shots):
    job, cloud = job_at(MEMORY | {"results": results}, HISTOGRAM | {f"/jobs/j/{path}": shots})
    assert job.get_memory() == ["11", "00", "00"]
    assert job.get_counts() == {"11": 1, "00": 2}
    assert set(cloud.asked) == {"/jobs/j", "/jobs/j/results/probabilities", f"/jobs/j/{path}"}


# --- memory that nobody asked for ------------------------------------------------------------


@WHERE
def test_shots_that_are_there_are_memory_for_whoever_asks_later(job_at, results, path, shots):
    """As of qiskit-ionq, which stores with no job whether it was run with memory=True."""
    elsewhere = MEMORY | {"metadata": {"shots": "3", "sampler_seed": "1"}, "results": results}
    job, cloud = job_at(elsewhere, HISTOGRAM | {f"/jobs/j/{path}": shots})
    assert job.get_counts() == {"11": 1, "00": 2}
    assert f"/jobs/j/{path}" not in cloud.asked
    for _ in range(2):
        assert job.get_memory() == ["11", "00", "00"]
    assert cloud.asked.count(f"/jobs/j/{path}") == 1
    assert job.get_counts() == {"11": 1, "00": 2}


def test_of_several_circuits_each_has_its_memory_afterwards(either, bell):
    job = submit(either, [bell, swapped()], shots=60, **ARIA)
    for index in (0, 1):
        raw = either.client.get_shots(job.child_jobs()[index].job_id())
        assert len(job.get_memory(index)) == len(raw) == 60
        assert Counter(job.get_memory(index)) == job.get_counts(index)
    raw = either.client.get_shots(job.child_jobs()[0].job_id())
    assert job.get_memory(0) == [format(int(shot), "02b") for shot in raw]
    assert job.child_jobs()[0].get_memory() == job.get_memory(0)


def test_a_programs_shots_are_memory_afterwards(either):
    job = submit_program(either, program(), SOURCE, **ARIA)
    assert Counter(job.get_memory()) == job.get_counts()


def test_memory_that_ionq_does_not_have_is_said_to_be_missing(job_at):
    noisy = {"noise": {"model": "aria-1"}, "shots": 3}
    job, _ = job_at(noisy, HISTOGRAM)
    with pytest.raises(errors.IonQJobError, match="No memory: job j was not run with") as caught:
        job.get_memory()
    assert caught.value.job_id == "j"
    assert job.get_counts() == {"00": 2, "11": 1}


@pytest.mark.parametrize("status", [401, 403, 500])
def test_shots_that_are_refused_are_not_said_to_be_missing(instant_clock, status):
    noisy = RECORD | {"noise": {"model": "aria-1"}, "shots": 3}
    cloud = Scripted(routes={"/jobs/j": noisy, "/jobs/j/results/shots": (status, {})} | HISTOGRAM)
    provider = IonQProvider(
        transport=InProcessTransport(cloud), clock=instant_clock, retry=None, seed=1
    )
    with pytest.raises(errors.IonQAPIError) as caught:
        IonQJob(provider.get_backend("simulator"), "j").get_memory()
    assert caught.value.status_code == status


def test_of_an_ideal_simulation_no_memory_is_asked_for(job_at):
    job, cloud = job_at({}, {"/jobs/j/results/probabilities": {"0": 0.5, "3": 0.5}})
    with pytest.raises(errors.IonQJobError, match="No memory: The job was not run with memory"):
        job.get_memory()
    assert cloud.asked == ["/jobs/j", "/jobs/j/results/probabilities"]


@pytest.mark.parametrize(
    ("form", "shots"),
    [
        (V1, {"shots": []}),
        (V1, "x"),
        (V1, ["x"]),
        (V1, [None]),
        (V1, []),
        (V1, ["4"]),
        (V2, []),
        (V2, {"shots": []}),
        (V2, {"shots": [{}]}),
        (V2, {"shots": [7]}),
        (V2, {"shots": [{"registers": []}]}),
        (V2, {"shots": [{"registers": {"c": [0, 1]}}]}),
        (V2, {"shots": [{"registers": {"output_all": [0, 2]}}]}),
        (V2, {"shots": [{"registers": {"output_all": [0, None]}}]}),
        (V2, {"shots": [{"registers": {"output_all": 3}}]}),
        (V2, {"shots": [{"registers": {"output_all": [0, 1, 1]}}]}),
        (V2, {"shots": [{"registers": {"output_all": [0, 1]}, "leakage_bits": [0]}]}),
    ],
)
def test_shots_that_are_none_are_a_job_error(job_at, form, shots):
    job, _ = job_at(
        MEMORY | {"results": {form: {"id": "s"}}}, HISTOGRAM | {"/jobs/j/artifacts/s": shots}
    )
    with pytest.raises(errors.IonQJobError):
        job.result()


def test_shots_that_are_not_there_are_an_error_and_no_zeros(job_at):
    """Qiskit's sampler takes missing memory for zeros."""
    job, _ = job_at(MEMORY, HISTOGRAM)
    with pytest.raises(errors.IonQAPIError) as caught:
        job.result()
    assert caught.value.status_code == 404


def test_a_histogram_put_together_otherwise_is_not_that_of_the_single_shots(job_at):
    sharpened = {"/jobs/j/results/probabilities?sharpen=true": {"0": 1}}
    job, _ = job_at(MEMORY, sharpened)
    assert job.result(sharpen=True).get_counts() == {"00": 3}


def test_children_that_have_artifacts_alone_are_each_asked_for_once(bell):
    counting = Scripted(otherwise=FakeIonQ(seed=1, deviations=set()))
    job = submit(
        IonQProvider(transport=InProcessTransport(counting)),
        [bell] * 20,
        memory=True,
        shots=5,
        **ARIA,
    )
    assert len(job.result().get_memory(7)) == 5
    # To submit, the parent, its results; of each child its record and its shots.
    assert len(counting.asked) == 3 + 2 * 20


def test_parents_whose_records_have_artifacts_alone_are_read_by_their_childrens(either, bell):
    job = submit(either, [bell, bell], memory=True, shots=10, **ARIA)
    assert all(len(job.get_memory(n)) == 10 for n in (0, 1))


# --- OpenQASM 3 ------------------------------------------------------------------------------

SOURCE = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[1] mid;
bit[2] last;
x q[0];
mid[0] = measure q[0];
x q[0];
x q[1];
last[0] = measure q[0];
last[1] = measure q[1];
"""


def program():
    """Return a circuit with the registers of `SOURCE`, whose answer is 10 1."""
    return QuantumCircuit(
        QuantumRegister(2, "q"), ClassicalRegister(1, "mid"), ClassicalRegister(2, "last"), name="m"
    )


def test_a_program_has_exact_results_by_register(either):
    job = submit_program(either, program(), SOURCE, memory=True)
    assert job.get_counts() == {"10 1": 100}
    assert job.get_probabilities() == {"10 1": 1.0}
    assert set(job.get_memory()) == {"10 1"}
    assert job.result().results[0].header["n_qubits"] == 2


def test_a_noisy_program_is_read_shot_by_shot(either):
    job = submit_program(either, program(), SOURCE, memory=True, **ARIA)
    counts = job.get_counts()
    assert sum(counts.values()) == 100
    assert counts["10 1"] > 80
    assert Counter(job.get_memory()) == counts
    assert job.get_probabilities() == {key: n / 100 for key, n in counts.items()}


def test_a_program_on_a_machine_is_read_shot_by_shot(either):
    job = submit_program(either, program(), SOURCE, "qpu.forte-1", shots=60)
    counts = job.get_counts()
    assert sum(counts.values()) == 60
    assert counts["10 1"] > 40


def test_a_program_of_another_client_has_the_registers_that_its_shots_have(either):
    client = either.client
    body = {
        "type": "ionq.qasm3.v1",
        "backend": "simulator",
        "shots": 60,
        "input": {"data": SOURCE},
        **ARIA,
    }
    job = either.get_backend("simulator").retrieve_job(client.submit_job(body)["id"])
    assert job.get_counts()["10 1"] > 40


PROGRAM = {"type": "ionq.qasm3.v1", "noise": {"model": "aria-1"}, "results": {V2: {"id": "s"}}}
LABELLED = {
    "memory_slots": 3,
    "creg_sizes": [["mid", 1], ["end", 2]],
    "clbit_labels": [["mid", 0], ["end", 0], ["end", 1]],
}


def stored(memory=True, **header):
    return {"metadata": metadata.encode(LABELLED | header, shots=2, seed=1, memory=memory)}


def shot(mid, end, **fields):
    return {"registers": {"output_all": [1, 1], "end": end, "mid": mid}, **fields}


def test_leaked_shots_are_surplus_and_dropped(job_at):
    shots = [shot([1], [0, 1]), shot([0], [1, 1], leakage_bits=[0]), shot([0], [0, 0])]
    job, _ = job_at(PROGRAM | stored(), {"/jobs/j/artifacts/s": {"shots": shots}})
    assert job.get_memory() == ["10 1", "00 0"]
    assert job.get_counts() == {"10 1": 1, "00 0": 1}


def test_empty_leakage_is_none(job_at):
    shots = [shot([1], [0, 1], leakage_bits=[]), shot([1], [0, 1], leakage_bits=None)]
    job, _ = job_at(PROGRAM | stored(memory=False), {"/jobs/j/artifacts/s": {"shots": shots}})
    assert job.get_counts() == {"10 1": 2}


@pytest.mark.parametrize(
    "registers",
    [
        {"c0": [1], "c1": [0, 1]},
        {"mid": [1]},
        {"mid": [1], "end": [0]},
        {"mid": [1], "end": [0, 7]},
        {"mid": 1, "end": [0, 1]},
        {},
    ],
)
def test_registers_of_other_names_or_sizes_are_an_error_and_no_zeros(job_at, registers):
    """An older compiler of IonQ's calls them c0 and c1."""
    strange = {"registers": registers}
    for shots in ([shot([1], [0, 1]), strange], [strange, strange]):
        job, _ = job_at(PROGRAM | stored(), {"/jobs/j/artifacts/s": {"shots": shots}})
        with pytest.raises(errors.IonQJobError, match="register"):
            job.result()


def test_registers_that_share_bits_are_sent_as_one_and_read_as_it(job_at):
    labels = [["a", 0], ["a", 1], ["b", 0], ["b", 1]]
    shared = stored(memory_slots=3, creg_sizes=[], clbit_labels=labels)
    shots = {"shots": [{"registers": {"c": [1, 0, 1], "output_all": [0, 1]}}] * 2}
    job, _ = job_at(PROGRAM | shared, {"/jobs/j/artifacts/s": shots})
    assert job.get_counts() == {"101": 2}


@pytest.mark.parametrize(
    "labels", ["ab", [["mid", -1]], [[1, 0]], [["mid"]], [["mid", "0"]], 7, [["mid", 0]]]
)
def test_labels_that_name_no_bits_are_a_job_error(job_at, labels):
    shots = {"shots": [shot([1], [0, 1])]}
    job, _ = job_at(PROGRAM | stored(clbit_labels=labels), {"/jobs/j/artifacts/s": shots})
    with pytest.raises(errors.IonQJobError):
        job.result()


def test_a_program_with_no_more_than_a_histogram_needs_its_registers_stored(job_at):
    ideal = {"type": "ionq.qasm3.v1"}
    found = {"/jobs/j/results/probabilities": {"5": 1}}
    job, _ = job_at(ideal | stored(memory=False), found)
    assert job.get_counts() == {"10 1": 2}
    job, _ = job_at(ideal, found)
    with pytest.raises(errors.IonQJobError, match="classical bits"):
        job.result()


def test_bits_are_folded_at_any_width():
    bits = [("c", place) for place in range(70)]
    shots = [{"c": [0] * 69 + [1]}, {"c": [1] + [0] * 69}]
    assert fold(shots, bits, "j").tolist() == [2**69, 1]
    assert fold([{"a": [0, 1], "b": [1]}], [("b", 0), ("a", 1)], "j").tolist() == [3]
