"""Jobs of several circuits: results by child id, and what became of each circuit."""

import contextlib
import json
import threading
from collections import Counter

import pytest
from clouds import Scripted, submit
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers.jobstatus import JobStatus
from qiskit.quantum_info import Statevector

from ionq_toolkit import HttpTransport, InProcessTransport, IonQJob, IonQProvider, errors
from ionq_toolkit.api import metadata
from ionq_toolkit_fake import FakeIonQ, FakeServer, Transitions, mock_ionq


def circuit(name, *flipped, width=2):
    """Return a circuit that flips some qubits and measures all of them."""
    made = QuantumCircuit(width, width, name=name)
    for qubit in flipped:
        made.x(qubit)
    made.measure(range(width), range(width))
    return made


CIRCUITS = [circuit("none"), circuit("first", 0), circuit("second", 1), circuit("both", 0, 1)]
COUNTS = [{"00": 100}, {"01": 100}, {"10": 100}, {"11": 100}]

PARENT = {
    "id": "p",
    "type": "ionq.multi-circuit.v1",
    "status": "completed",
    "backend": "simulator",
    "noise": {"model": "ideal"},
    "stats": {},
    "metadata": {"shots": "100"},
    "child_job_ids": ["b", "a"],
    "results": {"probabilities": {"url": "/v0.4/jobs/p/results/probabilities/aggregated"}},
}
#: Of "b", which is the first circuit, and of "a", the second.
FIRST, SECOND = {"1": 1}, {"2": 1}
HEADERS = [
    {"name": name, "n_qubits": 2, "memory_slots": 2, "meas_mapped": [0, 1]} for name in ("x", "y")
]
STORED = metadata.encode(HEADERS, shots=100, seed=3, memory=False)
AGGREGATED = "/jobs/p/results/probabilities/aggregated"


def child(status="completed", **fields):
    return {
        "type": "ionq.circuit.v1",
        "status": status,
        "backend": "simulator",
        "noise": {"model": "ideal"},
        "stats": {"qubits": 2},
        "metadata": None,
        "child_job_ids": None,
        **fields,
    }


@pytest.fixture
def parent_of(instant_clock):
    """Return a parent whose service has these replies for it and its children, and the service."""

    def build(parent=None, **replies):
        cloud = Scripted(routes={"/jobs/p": PARENT | (parent or {})} | replies.pop("paths", {}))
        cloud.routes |= {f"/jobs/{name}": reply for name, reply in replies.items()}
        provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
        return IonQJob(provider.get_backend("simulator"), "p"), cloud

    return build


# --- pairing ---------------------------------------------------------------------------------


def test_each_circuit_has_its_own_counts_in_the_order_of_the_circuits(provider):
    job = submit(provider, CIRCUITS)
    assert job.get_counts() == COUNTS
    assert [job.get_counts(n) for n in range(4)] == COUNTS
    assert job.get_counts(CIRCUITS[2]) == job.get_counts("second") == {"10": 100}
    assert [r.header["name"] for r in job.result().results] == [c.name for c in CIRCUITS]


def test_results_are_paired_by_id_and_never_by_the_order_of_the_json(parent_of):
    """By the order, each circuit would have the counts of another."""
    orders = [{"a": SECOND, "b": FIRST}, {"b": FIRST, "a": SECOND}]
    for aggregated in orders:
        job, cloud = parent_of({"metadata": STORED}, paths={AGGREGATED: aggregated})
        assert job.get_counts() == [{"01": 100}, {"10": 100}]
        assert cloud.asked == ["/jobs/p", AGGREGATED]


def test_a_job_of_one_circuit_in_a_list_has_one_result(provider):
    job = submit(provider, [CIRCUITS[1]])
    assert job.get_counts() == {"01": 100}


def test_registers_are_kept_for_each_circuit(provider):
    split = QuantumCircuit(2, name="split")
    split.add_register(ClassicalRegister(1, "a"), ClassicalRegister(1, "b"))
    split.x(0)
    split.measure([0, 1], [0, 1])
    assert submit(provider, [CIRCUITS[1], split]).get_counts() == [{"01": 100}, {"0 1": 100}]


@pytest.mark.parametrize(
    ("aggregated", "complaint"),
    [
        ({"b": FIRST}, r"nothing for 1 of 2 circuits: 1 \(a\)"),
        ({}, r"nothing for 2 of 2 circuits: 0 \(b\), 1 \(a\)"),
        ({"b": FIRST, "a": SECOND, "c": FIRST}, "none of its: c"),
        ({"b": FIRST, "c": FIRST}, r"nothing for 1 .* and something for jobs that are none"),
        ({"b": FIRST, "a": 0.5}, "not a histogram for each"),
        ({"0": 0.5, "1": 0.5}, "not a histogram for each"),
    ],
)
def test_results_that_do_not_pair_are_a_job_error(parent_of, aggregated, complaint):
    """There may be more children than headers, or one without a result."""
    for stored in (STORED, {"shots": "100"}):
        job, _ = parent_of({"metadata": stored}, paths={AGGREGATED: aggregated})
        for _ in range(2):
            with pytest.raises(errors.IonQJobError, match=complaint) as caught:
                job.result()
            assert caught.value.job_id == "p"


@pytest.mark.parametrize("headers", [HEADERS[:1], HEADERS[0], [*HEADERS, HEADERS[0]], []])
def test_more_or_fewer_headers_than_circuits_are_a_job_error(parent_of, headers):
    stored = metadata.encode(headers, shots=1, seed=1, memory=False)
    paths = {AGGREGATED: {"b": FIRST, "a": SECOND}, "/jobs/b/results/probabilities": FIRST}
    job, _ = parent_of({"metadata": stored}, paths=paths, b=child())
    advice = r"2 circuits and .* stored .* client.get_results\(job_id\)"
    with pytest.raises(errors.IonQJobError, match=advice):
        job.result()
    alone = job.child_jobs()[0]
    with pytest.raises(errors.IonQJobError, match=advice):
        alone.result()
    assert alone.backend().client.get_results(alone.job_id()) == FIRST


@pytest.mark.parametrize("ids", [None, [], "ab", {"a": 1}, [1, 2], [None], [""]])
def test_child_ids_that_are_none_are_a_job_error(parent_of, ids):
    job, _ = parent_of({"child_job_ids": ids})
    with pytest.raises(errors.IonQJobError, match="child jobs"):
        job.result()
    assert job.done()


def test_the_results_of_artifacts_alone_are_read_without_a_url(provider):
    cloud = FakeIonQ(seed=7, deviations=set())
    plain = IonQProvider(transport=InProcessTransport(cloud))
    job = submit(plain, CIRCUITS)
    assert job.get_counts() == COUNTS


def test_a_result_of_artifacts_is_asked_for_at_the_artifact(parent_of):
    descriptor = {"id": "probabilities-aggregate", "media_type": "application/json"}
    results = {"ionq.result.probabilities-aggregate.json.v1": descriptor}
    path = "/jobs/p/artifacts/probabilities-aggregate"
    job, cloud = parent_of(
        {"metadata": STORED, "results": results}, paths={path: {"a": SECOND, "b": FIRST}}
    )
    assert job.get_counts() == [{"01": 100}, {"10": 100}]
    assert cloud.asked == ["/jobs/p", path]


GATES = st.sampled_from(["h", "x", "t", "sx", "cx"])


@st.composite
def measured_circuits(draw):
    """Return a circuit of up to four qubits, and which qubit each of its bits is measured from."""
    width = draw(st.integers(1, 4))
    made = QuantumCircuit(width, draw(st.integers(1, 5)))
    for gate in draw(st.lists(GATES, max_size=8)):
        first = draw(st.integers(0, width - 1))
        if gate != "cx":
            getattr(made, gate)(first)
        elif width > 1:
            made.cx(first, (first + draw(st.integers(1, width - 1))) % width)
    free = st.lists(st.integers(0, made.num_clbits - 1), min_size=1, max_size=width, unique=True)
    bits = draw(free)
    qubits = draw(st.permutations(range(width)))[: len(bits)]
    return made, dict(zip(bits, qubits, strict=True))


@settings(max_examples=40)
@given(st.lists(measured_circuits(), min_size=1, max_size=4))
def test_any_circuits_have_each_the_distribution_that_qiskit_computes(cases):
    several, expected = [], []
    for place, (made, bits) in enumerate(cases):
        state = Statevector(made).probabilities_dict([qubit for _, qubit in sorted(bits.items())])
        distribution = {}
        for outcome, probability in state.items():
            values = dict(zip(sorted(bits), reversed(outcome), strict=True))
            key = "".join(values.get(bit, "0") for bit in reversed(range(made.num_clbits)))
            distribution[key] = distribution.get(key, 0) + probability
        expected.append({k: p for k, p in distribution.items() if p > 1e-12})
        measured = made.copy(name=f"c{place}")
        for bit, qubit in bits.items():
            measured.measure(qubit, bit)
        several.append(measured)
    provider = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1)))
    result = submit(provider, several, memory=True).result()
    for place, distribution in enumerate(expected):
        assert result.get_probabilities(place) == pytest.approx(distribution, abs=1e-9)
        assert Counter(result.get_memory(place)) == result.get_counts(place)
        assert set(result.get_counts(place)) <= set(distribution)


# --- values ----------------------------------------------------------------------------------


def test_equal_circuits_are_drawn_apart_and_the_same_for_ever(provider, cloud, bell):
    job = submit(provider, [bell] * 6, shots=1000)
    counts = job.get_counts()
    assert len({c["00"] for c in counts}) > 1
    assert all(sum(c.values()) == 1000 for c in counts)
    again = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator")
    assert again.retrieve_job(job.job_id()).get_counts() == counts


def test_the_seed_stored_with_the_job_fixes_the_counts(bell):
    drawn = []
    for seed in (5, 5, 6):
        provider = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1)))
        drawn.append(submit(provider, [bell, bell], seed=seed, shots=1000).get_counts())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_child_job_has_the_result_that_its_circuit_has_in_the_whole(provider, bell):
    job = submit(provider, [bell, CIRCUITS[3]], memory=True)
    whole = job.result()
    for index, one in enumerate(job.child_jobs()):
        assert one.get_counts() == whole.get_counts(index)
        assert one.get_memory() == whole.get_memory(index)
        assert one.result().results[0].header["name"] == whole.results[index].header["name"]
    assert job.child_jobs()[0] is job.child_jobs()[0]


@pytest.mark.parametrize("noise_model", [None, "aria-1"])
def test_a_child_job_by_its_own_id_has_the_result_of_its_circuit(provider, noise_model):
    """It had all its qubits for its bits, and no counts of an ideal simulation."""
    circuits = []
    for name, excited in (("first", 1), ("second", 0)):
        circuits.append(QuantumCircuit(2, 1, name=name))
        circuits[-1].x(excited)
        circuits[-1].measure(1, 0)
    job = submit(provider, circuits, memory=noise_model is not None, noise_model=noise_model)
    whole = job.result()
    assert whole.get_counts() == [{"1": 100}, {"0": 100}]
    for index, one in enumerate(job.child_jobs()):
        alone = provider.get_backend("simulator").retrieve_job(one.job_id())
        assert alone.result().results[0].to_dict() == whole.results[index].to_dict()
        assert alone.child_jobs() == []


def one_of(parent, cloud_replies, clock):
    """Return the job of the child ``b`` by its own id, and its service."""
    cloud = Scripted(
        routes={"/jobs/p": parent, "/jobs/b": child(parent_job_id="p")} | cloud_replies
    )
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=clock)
    return IonQJob(provider.get_backend("simulator"), "b"), cloud


def test_the_parent_of_a_child_is_asked_for_once(instant_clock):
    replies = {
        "/jobs/b": [child(status, parent_job_id="p") for status in ("ready", "started")]
        + [child(parent_job_id="p")],
        "/jobs/b/results/probabilities": FIRST,
    }
    job, cloud = one_of(PARENT | {"metadata": STORED}, replies, instant_clock)
    assert job.get_counts() == {"01": 100}
    assert cloud.asked.count("/jobs/p") == 1


@pytest.mark.parametrize(
    "parent", [{"child_job_ids": ["a"]}, {"child_job_ids": None, "type": "ionq.circuit.v1"}, 404]
)
def test_a_child_that_its_parent_does_not_know_of_is_read_for_itself(instant_clock, caplog, parent):
    found = PARENT | parent if isinstance(parent, dict) else (404, {"message": "no such job"})
    replies = {
        "/jobs/b": [child("started", parent_job_id="p")] * 2 + [child(parent_job_id="p")],
        "/jobs/b/results/probabilities": FIRST,
    }
    job, _ = one_of(found, replies, instant_clock)
    assert job.get_probabilities() == {"01": 1.0}
    warnings = [r.getMessage() for r in caplog.records if "one circuit of job p" in r.getMessage()]
    assert len(warnings) == 1


def test_a_parent_that_cannot_be_had_is_no_reason_to_read_a_child_without_it(instant_clock):
    job, cloud = one_of((403, {"message": "not yours"}), {}, instant_clock)
    with pytest.raises(errors.IonQAPIError, match="not yours"):
        job.done()
    cloud.routes["/jobs/p"] = PARENT | {"metadata": STORED}
    cloud.routes["/jobs/b/results/probabilities"] = FIRST
    assert job.get_counts() == {"01": 100}


def test_a_job_of_one_circuit_has_no_child_jobs(provider, bell):
    assert submit(provider, bell).child_jobs() == []


def test_many_circuits_are_read_in_two_requests(cloud):
    counting = Scripted(otherwise=cloud)
    job = submit(IonQProvider(transport=InProcessTransport(counting)), CIRCUITS * 10)
    job.get_counts()
    job.get_probabilities()
    assert len(counting.asked) == 3  # one of them submits


def test_what_is_stored_of_many_circuits_is_unpacked_once(provider, bell, monkeypatch):
    unpacked = []

    def unpacker(*arguments):
        unpacked.append(arguments)
        return original(*arguments)

    job, original = submit(provider, [bell] * 50, memory=True), metadata.zlib.decompressobj
    monkeypatch.setattr(metadata.zlib, "decompressobj", unpacker)
    job.result()
    assert len(unpacked) == 1


# --- of other clients ------------------------------------------------------------------------


def test_a_parent_of_another_client_is_read_by_its_childrens_records(parent_of):
    """It has no metadata, shots or stats."""
    bare = {"metadata": None, "stats": None}
    job, cloud = parent_of(
        bare,
        b=child(stats={"qubits": 3}),
        a=child(),
        paths={AGGREGATED: {"a": SECOND, "b": FIRST}},
    )
    assert job.get_probabilities() == [{"001": 1.0}, {"10": 1.0}]
    with pytest.raises(errors.IonQJobError, match="how many shots"):
        job.get_counts()
    assert cloud.asked == ["/jobs/p", AGGREGATED, "/jobs/b", "/jobs/a"]


def test_the_shots_of_a_parent_of_another_client_are_its_childrens(parent_of):
    bare = {"metadata": None, "noise": {"model": "aria-1"}}
    noisy = {"noise": {"model": "aria-1"}, "shots": 50}
    job, _ = parent_of(
        bare, b=child(**noisy), a=child(**noisy), paths={AGGREGATED: {"a": SECOND, "b": FIRST}}
    )
    assert job.get_counts() == [{"01": 50}, {"10": 50}]


@pytest.mark.parametrize("stats", [None, {}, [], {"qubits": "2"}, {"qubits": 0}, {"qubits": True}])
def test_a_width_that_nobody_knows_is_a_job_error(parent_of, stats):
    job, _ = parent_of(
        {"metadata": None},
        b=child(stats=stats),
        a=child(),
        paths={AGGREGATED: {"a": SECOND, "b": FIRST}},
    )
    with pytest.raises(errors.IonQJobError, match="how many qubits"):
        job.result()


# --- failures --------------------------------------------------------------------------------

FAILED = {"status": "failed", "failure": {"code": "NotEnoughQubits", "message": "too wide"}}
HALF = {
    "b": child(),
    "a": child("failed", failure={"code": "TooManyGates", "error": "too long"}),
    "paths": {"/jobs/b/results/probabilities": FIRST},
}


def test_a_failed_circuit_fails_the_job_and_the_error_says_what_to_do(parent_of):
    job, _ = parent_of(FAILED | {"metadata": STORED}, **HALF)
    for ask in (job.result, job.status, job.result):
        with pytest.raises(errors.IonQJobFailureError, match=r"too wide.*partial=True") as caught:
            ask()
        assert (caught.value.code, caught.value.failure) == ("NotEnoughQubits", "too wide")


def test_the_error_message_names_the_circuits_that_failed_and_why(parent_of):
    job, _ = parent_of(FAILED | {"metadata": STORED}, **HALF)
    assert job.error_message() == (
        "NotEnoughQubits: too wide; 1 of 2 circuits failed; "
        "circuit 1 (job a): TooManyGates: too long"
    )


def test_an_error_message_tells_of_the_first_of_many_circuits(parent_of):
    ids = [f"c{n}" for n in range(15)]
    bad = {name: child("failed", failure={"code": "X", "message": "y"}) for name in ids}
    job, _ = parent_of(FAILED | {"child_job_ids": ids}, **bad)
    message = job.error_message()
    assert "15 of 15 circuits failed" in message
    assert "circuit 9 (job c9): X: y" in message
    assert "circuit 10" not in message
    assert message.endswith("and 5 more")


def test_an_error_message_is_there_even_if_the_circuits_are_not(parent_of):
    job, _ = parent_of(FAILED, a=child())
    assert job.error_message().startswith("NotEnoughQubits: too wide; which circuits failed cannot")


@pytest.mark.parametrize("ids", ["ab", [1], {"a": 1}])
def test_a_failure_is_told_even_if_the_circuits_have_no_ids(parent_of, ids):
    job, _ = parent_of(FAILED | {"child_job_ids": ids})
    with pytest.raises(errors.IonQJobFailureError, match="too wide"):
        job.result()
    assert job.error_message().startswith("NotEnoughQubits: too wide; which circuits failed cannot")


def test_a_partial_result_has_the_others_and_says_why_one_is_missing(parent_of):
    job, _ = parent_of(FAILED | {"metadata": STORED}, **HALF)

    result = job.result(partial=True)

    assert [e.success for e in result.results] == [True, False]
    assert (result.success, result.status) == (False, "1 of 2 circuits failed")
    assert result.get_counts(0) == result.get_counts("x") == {"01": 100}
    assert result.results[1].status == "TooManyGates: too long"
    for key in (1, -1, "y"):
        for read in (result.get_counts, result.get_probabilities, result.get_memory, result.data):
            with pytest.raises(errors.IonQJobFailureError, match=r"'y'.*too long") as caught:
                read(key)
            assert (caught.value.code, caught.value.job_id) == ("TooManyGates", "a")
    with pytest.raises(errors.IonQJobFailureError, match="too long"):
        result.get_counts()
    with pytest.raises(QiskitError):
        result.get_counts(2)
    assert job.result(partial=True) is result
    with pytest.raises(errors.IonQJobFailureError):
        job.result()


def test_a_partial_result_survives_a_round_trip_through_a_dict(parent_of):
    job, _ = parent_of(FAILED | {"metadata": STORED}, **HALF)
    result = job.result(partial=True)
    copy = type(result).from_dict(result.to_dict())
    assert copy.get_counts(0) == {"01": 100}
    with pytest.raises(errors.IonQJobFailureError, match="too long") as caught:
        copy.get_counts(1)
    assert caught.value.code == "TooManyGates"


def test_a_partial_result_of_nothing_is_the_failure(parent_of):
    bad = child("failed", failure={"code": "X", "message": "y"})
    job, _ = parent_of(FAILED, a=bad, b=bad)
    with pytest.raises(errors.IonQJobFailureError, match="too wide"):
        job.result(partial=True)


def test_a_partial_result_of_one_circuit_is_the_failure(job_of):
    job, _ = job_of((200, {"status": "failed", "failure": {"code": "X", "message": "y"}}))
    with pytest.raises(errors.IonQJobFailureError, match="X: y"):
        job.result(partial=True)


def test_a_partial_result_of_a_job_that_went_well_is_the_whole(provider):
    job = submit(provider, CIRCUITS)
    assert job.result(partial=True).get_counts() == COUNTS
    assert job.result(partial=True).success


def test_a_completed_parent_with_a_failed_child_has_a_partial_result(parent_of):
    """What IonQ makes of a parent whose child fails is not published: it may be completed."""
    paths = {AGGREGATED: {"b": FIRST}}
    job, _ = parent_of({"metadata": STORED}, a=HALF["a"], b=child(), paths=paths)
    with pytest.raises(errors.IonQJobError, match=r"nothing for 1 of 2.*partial=True"):
        job.result()
    result = job.result(partial=True)
    assert result.get_counts(0) == {"01": 100}
    assert result.results[1].status == "TooManyGates: too long"


def test_a_cancelled_parent_has_what_was_completed_before(parent_of):
    job, _ = parent_of(
        {"status": "canceled", "metadata": STORED},
        b=child(),
        a=child("canceled"),
        paths={"/jobs/b/results/probabilities": FIRST},
    )
    with pytest.raises(errors.IonQJobStateError, match="cancelled"):
        job.result()
    result = job.result(partial=True)
    assert result.get_counts(0) == {"01": 100}
    with pytest.raises(errors.IonQJobFailureError, match="status is 'canceled'"):
        result.get_counts(1)


def test_a_circuit_that_is_not_final_yet_is_asked_for_again(parent_of):
    job, cloud = parent_of(FAILED | {"metadata": STORED}, **HALF | {"b": child("started")})
    cloud.routes["/jobs/c"] = child()
    cloud.routes["/jobs/c/results/probabilities"] = SECOND
    cloud.routes["/jobs/p"] = PARENT | FAILED | {"child_job_ids": ["b", "a", "c"]}
    first = job.result(partial=True)
    assert [e.success for e in first.results] == [False, False, True]
    assert first.results[0].status == "its status is 'started'"
    cloud.routes["/jobs/b"] = child()
    second = job.result(partial=True)
    assert [e.success for e in second.results] == [True, False, True]
    assert job.result(partial=True) is second


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("errored", "QuantumComputerError: laser off (its status is 'errored')"),
        ("canceled", "QuantumComputerError: laser off (its status is 'canceled')"),
    ],
)
def test_why_a_circuit_failed_is_told_whatever_its_status_is_called(parent_of, status, told):
    failure = {"code": "QuantumComputerError", "message": "laser off"}
    replies = HALF | {"a": child(status, failure=failure)}
    job, _ = parent_of(FAILED | {"metadata": STORED}, **replies)
    result = job.result(partial=True)
    assert result.results[1].status == told
    with pytest.raises(errors.IonQJobFailureError, match="laser off") as caught:
        result.get_counts(1)
    assert caught.value.code == "QuantumComputerError"
    if status == "errored":
        assert "1 of 2 circuits failed; circuit 1 (job a): QuantumC" in job.error_message()
        assert job.status(detailed=True)["failed"] == 1
    else:
        with pytest.raises(errors.IonQJobStateError, match=r"cancelled .*laser off"):
            job.child_jobs()[1].result()


@pytest.mark.parametrize("form", ["{}", r"\u0073{}"])
def test_a_key_in_the_failure_of_a_circuit_is_nowhere(instant_clock, form):
    key = "sesame-sesame-sesame"
    echoed = form.format(key if form == "{}" else key[1:])
    text = json.dumps(child("failed", failure={"code": "X", "message": "bad key KEY"}))
    bodies = {
        "/jobs/p": PARENT | FAILED | {"metadata": STORED},
        "/jobs/b": child(),
        "/jobs/b/results/probabilities": FIRST,
        "/jobs/a": text.replace("KEY", echoed).encode(),
    }

    class Networked(InProcessTransport):
        requires_key = True

    provider = IonQProvider(key, transport=Networked(Scripted(routes=bodies)), clock=instant_clock)
    result = IonQJob(provider.get_backend("simulator"), "p").result(partial=True)
    with pytest.raises(errors.IonQJobFailureError, match="bad key \\[API key\\]") as caught:
        result.get_counts(1)
    for shown in (
        repr(result),
        repr(result.to_dict()),
        str(caught.value),
        result.results[1].status,
    ):
        assert key not in shown


def test_the_fakes_own_failed_child_is_told_apart(provider):
    wide = circuit("wide", 29, width=30)
    job = submit(provider, [CIRCUITS[1], wide, CIRCUITS[2]])
    assert "circuit 1 (job" in job.error_message()
    assert "NotEnoughQubits" in job.error_message()
    result = job.result(partial=True)
    assert [result.get_counts(0), result.get_counts(2)] == [COUNTS[1], COUNTS[2]]
    with pytest.raises(errors.IonQJobFailureError, match=r"'wide'.*NotEnoughQubits"):
        result.get_counts(1)


# --- detailed status -------------------------------------------------------------------------


def test_the_detailed_status_of_a_parent_is_that_of_its_circuits(parent_of):
    job, cloud = parent_of(
        {"status": "started", "child_job_ids": ["a", "b", "c", "d"]},
        a=child(),
        b=child("failed"),
        c=child("started"),
        d=[child("paused"), child()],
    )
    states = [JobStatus.DONE, JobStatus.ERROR, JobStatus.RUNNING, JobStatus.INITIALIZING]
    assert job.status(detailed=True) == {
        "total": 4,
        "completed": 1,
        "failed": 1,
        "percentage_complete": 0.25,
        "statuses": states,
    }
    cloud.asked.clear()
    assert job.status(detailed=True)["completed"] == 2
    assert cloud.asked == ["/jobs/p", "/jobs/c", "/jobs/d"]


@pytest.mark.parametrize("status", ["failed", "canceled", "completed"])
def test_the_detailed_status_of_a_parent_is_told_whatever_became_of_it(parent_of, status):
    job, _ = parent_of({"status": status}, a=child(status), b=child())
    assert job.status(detailed=True)["total"] == 2


def test_the_detailed_status_of_the_fake_goes_on_with_it(bell):
    provider = IonQProvider(
        transport=InProcessTransport(FakeIonQ(seed=1, transitions=Transitions.polls(4)))
    )
    job = submit(provider, [bell, bell, bell])
    seen = [job.status(detailed=True) for _ in range(9)]
    assert seen[0]["statuses"] == [JobStatus.INITIALIZING] * 3
    assert seen[-1]["percentage_complete"] == 1
    assert [s["completed"] for s in seen] == sorted(s["completed"] for s in seen)


# --- the deadline ----------------------------------------------------------------------------


def test_the_requests_of_many_circuits_are_part_of_the_wait(instant_clock):
    """Each takes a second: no more are begun when the time is up."""

    ids = [f"c{n}" for n in range(100)]
    names = [{"name": name, "n_qubits": 1, "meas_mapped": [0]} for name in ids]
    noisy = {"noise": {"model": "aria-1"}, "shots": 1, "child_job_ids": ids}
    stored = {"metadata": metadata.encode(names, shots=1, seed=1, memory=True)}
    cloud = Scripted(
        routes={"/jobs/p": PARENT | noisy | stored, AGGREGATED: {name: {"1": 1} for name in ids}}
        | {f"/jobs/{name}/results/shots": ["1"] for name in ids},
        before=lambda *_: instant_clock.sleep(1),
    )
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "p")
    with pytest.raises(errors.IonQJobTimeoutError, match=r"completed.*not there after 10 s"):
        job.result(timeout=10)
    assert instant_clock.time <= 11
    # What has come is not fetched again: short waits come to the end as well.
    calls = 1
    while calls < 20:
        calls += 1
        with contextlib.suppress(errors.IonQJobTimeoutError):
            job.result(timeout=10)
            break
    assert job.result(timeout=0).get_memory(99) == ["1"]
    assert 10 <= calls < 15
    assert len(cloud.asked) <= 100 + 2 + calls


def test_children_are_asked_for_within_the_deadline(instant_clock):
    ids = [f"c{n}" for n in range(100)]
    cloud = Scripted(
        routes={"/jobs/p": PARENT | FAILED | {"child_job_ids": ids}},
        before=lambda *_: instant_clock.sleep(1),
    )
    cloud.routes |= {f"/jobs/{name}": child("failed") for name in ids}
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "p")
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=10, partial=True)
    assert instant_clock.time <= 11


# --- several at a time -----------------------------------------------------------------------


def test_over_a_network_children_are_asked_for_at_the_same_time_over_few_connections(bell):
    class Slow:
        """Lets the requests for children through only when four of them are there at once."""

        def __init__(self, cloud):
            self.cloud, self.together = cloud, threading.Barrier(4, timeout=30)

        def __getattr__(self, name):
            return getattr(self.cloud, name)

        def exchange(self, method, url, headers, body=None):
            if url.rsplit("/", 1)[1] in self.children:
                self.together.wait()
            return self.cloud.exchange(method, url, headers, body)

        children: tuple = ()

    cloud = Slow(FakeIonQ(seed=1))
    with FakeServer(cloud) as server, IonQProvider("any-key", server.url) as provider:
        job = submit(provider, [bell] * 4)
        job.wait_for_final_state(timeout=60)
        cloud.children = tuple(one.job_id() for one in job.child_jobs())
        assert job.status(detailed=True)["completed"] == 4
    assert cloud.together.n_waiting == 0
    assert not cloud.together.broken


def test_threads_keep_to_the_cloud_of_the_caller(bell):
    """Of several mocked clouds, each request goes to the one whose scope it was made in."""
    with mock_ionq(FakeIonQ(seed=1)), IonQProvider("key-1") as one, mock_ionq(FakeIonQ(seed=2)):
        job = submit(one, [bell] * 20)
        assert job.status(detailed=True)["completed"] == 20


def test_a_cloud_in_this_process_is_asked_by_one_thread_alone(provider, cloud, bell):
    threads = set()
    handle = cloud.handle

    def watched(*request):
        threads.add(threading.get_ident())
        return handle(*request)

    cloud.handle = watched
    submit(provider, [bell] * 5).status(detailed=True)
    assert threads == {threading.get_ident()}


def test_what_fails_among_many_requests_is_raised_as_it_is(bell):
    with FakeServer(FakeIonQ(seed=1)) as server, IonQProvider("any-key", server.url) as provider:
        job = submit(provider, [bell] * 20)
        job.wait_for_final_state(timeout=60)
        provider.client.transport.send(
            "DELETE",
            f"{server.url}/jobs/{job.child_jobs()[7].job_id()}",
            {"Authorization": "apiKey any-key"},
            None,
            30,
        )
        with pytest.raises(errors.IonQAPIError) as caught:
            job.status(detailed=True)
        assert caught.value.status_code == 404
        assert HttpTransport.concurrent


def test_incomplete_results_are_asked_for_again(parent_of):
    replies = [{"b": FIRST}, {"b": FIRST, "a": SECOND}]
    job, cloud = parent_of({"metadata": STORED}, paths={AGGREGATED: replies})
    with pytest.raises(errors.IonQJobError, match="nothing for 1 of 2 circuits"):
        job.result()
    assert job.get_counts() == [{"01": 100}, {"10": 100}]
    assert cloud.asked == ["/jobs/p", AGGREGATED, AGGREGATED]


def test_a_result_is_kept_without_the_parts_that_it_was_made_of(parent_of):
    job, _ = parent_of({"metadata": STORED}, paths={AGGREGATED: {"b": FIRST, "a": SECOND}})
    job.result()
    (fetch,) = job._results._fetches.values()
    assert (fetch.histograms, fetch.experiments) == (None, {})
