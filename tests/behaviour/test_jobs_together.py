"""Many jobs waited for by few requests: `ionq_toolkit.wait` and `gather`."""

from collections import Counter

import pytest
from clouds import Scripted
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors, gather, wait
from ionq_toolkit.job.polling import IDS_AT_A_TIME
from ionq_toolkit_fake import FakeIonQ, Transitions, after, failed

AN_HOUR = Transitions(started=after(seconds=3600))


class Counting(FakeIonQ):
    """A fake that counts requests."""

    def __init__(self, **fields):
        super().__init__(**fields)
        self.seen = Counter()

    def handle(self, method, url, headers, body=None, timeout=None):
        self.seen[method, url.partition("?")[0].partition("/v0.4")[2].partition("/results")[0]] += 1
        return super().handle(method, url, headers, body, timeout)


def connect(cloud, **fields):
    return IonQProvider(transport=InProcessTransport(cloud), seed=1, **fields)


@pytest.fixture
def numbered():
    """Return a circuit whose only outcome is a number of three bits."""

    def build(number):
        circuit = QuantumCircuit(3)
        for qubit in range(3):
            if number >> qubit & 1:
                circuit.x(qubit)
        circuit.measure_all()
        return circuit

    return build


def test_hundreds_of_jobs_cost_at_most_three_times_the_requests_of_one(numbered):
    def requests(count):
        cloud = Counting(seed=1, transitions=Transitions(started=after(seconds=60)))
        backend = connect(cloud).get_backend("simulator")
        jobs = [backend.run(numbered(n % 8), shots=5) for n in range(count)]
        cloud.seen.clear()
        wait(jobs, timeout=4000)
        assert all(job.state.over for job in jobs)
        return cloud.seen.total()

    alone = requests(1)
    assert alone > 15
    assert requests(2 * IDS_AT_A_TIME + 1) <= 3 * alone


def test_gather_returns_each_result_in_its_place(numbered):
    cloud = Counting(seed=1, transitions=Transitions.polls(2))
    backend = connect(cloud).get_backend("simulator")
    jobs = [backend.run(numbered(n), shots=5) for n in (3, 0, 7)]
    jobs.append(backend.run([numbered(1), numbered(6)], shots=5))
    found = gather(reversed(jobs))
    assert [result.get_counts() for result in found] == [
        [{"001": 5}, {"110": 5}],
        {"111": 5},
        {"000": 5},
        {"011": 5},
    ]
    # By lists alone, but for the job with children, which a list does not name.
    single = {("GET", f"/jobs/{job.job_id()}") for job in jobs[:3]}
    assert all(cloud.seen[one] == 1 for one in single)  # its probabilities


def test_a_failed_job_ends_the_wait_and_raises_when_read(numbered):
    cloud = FakeIonQ(seed=1)
    provider = connect(cloud)
    backend = provider.get_backend("simulator")
    good = backend.run(numbered(2), shots=5)
    cloud.transitions.set(Transitions(end=failed("SimulationError", "no luck")))
    bad = backend.run(numbered(2), shots=5)
    wait([good, bad])
    assert [job.state.status.name for job in (good, bad)] == ["DONE", "ERROR"]
    with pytest.raises(errors.IonQJobFailureError, match="no luck"):
        gather([good, bad])
    result, error = gather([good, bad], return_exceptions=True)
    assert result.get_counts() == {"010": 5}
    assert isinstance(error, errors.IonQJobFailureError)


def test_jobs_of_several_providers_share_one_timeout(numbered):
    clouds = [FakeIonQ(seed=n, transitions=AN_HOUR) for n in (1, 2)]
    jobs = [connect(cloud).get_backend("simulator").run(numbered(5)) for cloud in clouds]
    wait(jobs, timeout=7300)
    assert all(job.state.over for job in jobs)
    late = [connect(cloud).get_backend("simulator").run(numbered(5)) for cloud in clouds]
    with pytest.raises(errors.IonQJobTimeoutError, match=f"{late[0].job_id()} is ready"):
        wait(late, timeout=60)


def test_a_job_that_a_list_leaves_out_is_asked_for_itself(instant_clock):
    record = {"id": "a", "status": "completed", "backend": "simulator"}
    cloud = Scripted(routes={"/jobs?ids=a%2Cb&limit=2": {"jobs": [record], "next": None}})
    cloud.routes["/jobs/b"] = record | {"id": "b", "status": "failed"}
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    backend = provider.get_backend("simulator")
    jobs = [IonQJob(backend, name) for name in "ab"]
    wait(jobs)
    assert [job.state.status.name for job in jobs] == ["DONE", "ERROR"]


def test_nothing_is_asked_of_no_jobs_or_of_final_ones(numbered):
    cloud = Counting(seed=1)
    job = connect(cloud).get_backend("simulator").run(numbered(1), shots=5)
    assert gather([job])[0].get_counts() == {"001": 5}
    cloud.seen.clear()
    wait([job, job])
    wait([])
    assert gather([]) == []
    assert not cloud.seen


def test_a_job_that_is_not_submitted_is_refused(numbered):
    backend = connect(FakeIonQ(seed=1)).get_backend("simulator")
    with pytest.raises(errors.IonQJobStateError, match=r"submit\(\)"):
        wait([IonQJob(backend, circuit=numbered(1))])


@pytest.mark.parametrize("fields", [{"timeout": -1}, {"wait": float("nan")}])
def test_times_that_are_none_are_refused(numbered, fields):
    job = connect(FakeIonQ(seed=1)).get_backend("simulator").run(numbered(1))
    with pytest.raises(ValueError, match="must not be negative"):
        wait([job], **fields)
