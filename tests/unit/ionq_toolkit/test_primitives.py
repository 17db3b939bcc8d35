"""Qiskit's primitives, and our own, on every kind of backend, against what Qiskit computes."""

import numpy as np
import pytest
from clouds import submit
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, StatevectorEstimator
from qiskit.providers.jobstatus import JobStatus
from qiskit.quantum_info import SparsePauliOp

from ionq_toolkit import InProcessTransport, IonQProvider, errors
from ionq_toolkit.backend import IonQBackend
from ionq_toolkit.primitives import EstimatorV2, SamplerV2
from ionq_toolkit_fake import FakeIonQ, Transitions

ARIA = {"noise": {"model": "aria-1", "seed": 3}}
KINDS = {
    "ideal": ("simulator", {}),
    "noisy": ("simulator", ARIA),
    "machine": ("qpu.forte-1", {"settings": {"error_mitigation": {"debiasing": False}}}),
}


class ByHand(IonQBackend):
    """A backend whose circuits are submitted by hand, several as one job, with any body."""

    per_job: int = 100
    fields: dict = {}  # noqa: RUF012 - never changed in place
    submitted: int = 0

    @property
    def max_circuits(self):
        return self.per_job

    def run(self, run_input, **options):
        seed = options.get("seed_simulator")
        circuits = list(run_input)
        self.submitted += 1
        return submit(
            self.provider,
            circuits if len(circuits) > 1 else circuits[0],
            self.name,
            shots=options["shots"],
            seed=5 if seed is None else seed,
            memory=options.get("memory", False),
            **self.fields,
        )


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def backend_of(provider):
    def build(kind, per_job=100, from_provider=provider):
        name, fields = KINDS[kind]
        backend = ByHand(
            from_provider.service, from_provider.get_backend(name).device, provider=from_provider
        )
        backend.fields, backend.per_job = fields, per_job
        return backend

    return build


@pytest.mark.parametrize("grouping", [True, False])
def test_changes_after_run_do_not_affect_the_job(provider, grouping):
    backend = provider.get_backend("simulator")
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    terms = SparsePauliOp.from_list([("ZZ", 1), ("IZ", 0.5), ("XX", 2), ("ZI", 0.3)])
    estimator = EstimatorV2(backend, options={"abelian_grouping": grouping, "seed_simulator": 3})
    job = estimator.run([(circuit, terms)], precision=0.01)
    estimator.options.abelian_grouping = not grouping
    circuit.x(0)
    assert job.result()[0].data.evs == pytest.approx(3, abs=0.1)

    circuit = flipped(0)
    job = SamplerV2(backend).run([circuit], shots=10)
    circuit.add_register(ClassicalRegister(1, "later"))
    circuit.measure(0, 2)
    circuit.x(0)
    data = job.result()[0].data
    assert list(data) == ["meas"]
    assert data.meas.get_counts() == {"01": 10}


def flipped(*qubits, width=2):
    circuit = QuantumCircuit(width)
    for qubit in qubits:
        circuit.x(qubit)
    circuit.measure_all()
    return circuit


def split():
    """Return a circuit of two registers, and idle bits: a is 01, b is 1."""
    circuit = QuantumCircuit(
        QuantumRegister(3), ClassicalRegister(2, "a"), ClassicalRegister(1, "b")
    )
    circuit.x([0, 2])
    circuit.measure([0, 2], [0, 2])
    return circuit


def most_frequent(pub_result, register="meas"):
    return getattr(pub_result.data, register).get_counts()


@pytest.mark.parametrize("sampler_kind", [BackendSamplerV2, SamplerV2])
@pytest.mark.parametrize("per_job", [1, 100])
def test_a_sampler_is_right_on_every_backend(backend_of, kind, sampler_kind, per_job):
    """Without memory in hexadecimal, Qiskit's sampler gives other samples without a word."""
    sampler = sampler_kind(backend=backend_of(kind, per_job))
    pubs = [flipped(0, 1), flipped(1), split()]
    result = sampler.run(pubs, shots=100).result()
    wanted = [("meas", "11"), ("meas", "10"), ("a", "01"), ("b", "1")]
    for place, (register, outcome) in zip((0, 1, 2, 2), wanted, strict=True):
        counts = most_frequent(result[place], register)
        assert sum(counts.values()) == 100
        assert counts[outcome] == 100 if kind == "ideal" else counts[outcome] > 85


@pytest.mark.parametrize("sampler_kind", [BackendSamplerV2, SamplerV2])
def test_a_sampler_is_right_for_one_circuit(backend_of, kind, sampler_kind):
    result = sampler_kind(backend=backend_of(kind)).run([flipped(0)], shots=100).result()
    assert most_frequent(result[0])["01"] > 85


@pytest.mark.parametrize("estimator_kind", [BackendEstimatorV2, EstimatorV2])
def test_an_estimator_agrees_with_qiskits_exact_one(backend_of, kind, estimator_kind):
    angle = Parameter("t")
    circuit = QuantumCircuit(2)
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    observables = [[SparsePauliOp("ZZ")], [SparsePauliOp(["XX", "ZI"], [0.5, -1.5])]]
    pub = (circuit, observables, [[0.3], [1.1]])
    exact = StatevectorEstimator().run([pub]).result()[0].data.evs

    found = estimator_kind(backend=backend_of(kind)).run([pub, pub], precision=0.05).result()

    for pub_result in found:
        # Six standard errors, and what the noise of two gates takes off.
        allowed = 6 * 0.05 * 2 + (0 if kind == "ideal" else 0.1)
        assert np.abs(pub_result.data.evs - exact).max() < allowed


@pytest.mark.parametrize("estimator_kind", [BackendEstimatorV2, EstimatorV2])
@pytest.mark.parametrize("model", ["ideal", "aria-1"])  # with zz, with ms
def test_an_estimator_measures_x_and_y_of_a_native_circuit(provider, estimator_kind, model):
    backend = provider.get_backend("simulator", gateset="native")
    backend.set_options(noise_model=model)
    circuit = QuantumCircuit(2)
    circuit.ry(0.4, 0)
    circuit.cx(0, 1)
    circuit.rx(0.9, 1)
    pub = (transpile(circuit, backend), [SparsePauliOp(term) for term in ("XX", "YX", "ZY", "YI")])
    found = estimator_kind(backend=backend, options={"seed_simulator": 5}).run([pub]).result()
    right = StatevectorEstimator().run([(circuit, pub[1])]).result()[0].data.evs
    assert np.allclose(found[0].data.evs, right, atol=0.08)


def test_sampler_and_estimator_equal_qiskits(bell):
    def run(sampler_kind, estimator_kind):
        provider = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=3)), seed=3)
        backend = provider.get_backend("simulator")
        options = {"seed_simulator": 5}
        sampled = sampler_kind(backend=backend, options=options).run([bell, (bell, None, 50)])
        plain = bell.remove_final_measurements(inplace=False)
        estimated = estimator_kind(backend=backend, options=options).run([(plain, "ZZ")])
        counts = [pub.data.c.get_counts() for pub in sampled.result()]
        return counts, estimated.result()[0].data.evs.tolist()

    assert run(SamplerV2, EstimatorV2) == run(BackendSamplerV2, BackendEstimatorV2)


def dynamic(flip):
    """Return a circuit that measures midway: 1 then 0 where it flips, 0 then 1 where not."""
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "mid"))
    if flip:
        circuit.x(0)
    circuit.measure(0, 0)
    circuit.x(0)
    return circuit


@pytest.mark.parametrize(
    ("name", "options"),
    [("simulator", {}), ("simulator", {"noise_model": "forte-1"}), ("qpu.forte-1", {})],
)
def test_circuits_that_measure_midway_are_sampled_one_job_each(provider, name, options):
    backend = provider.get_backend(name)
    pubs = []
    for flip in (True, False):
        circuit = dynamic(flip)
        circuit.measure_all()
        pubs.append(circuit)
    job = SamplerV2(backend=backend, options={"run_options": options}).run(pubs, shots=50)
    assert len(job.job_ids()) == 2
    for pub_result, (mid, end) in zip(job.result(), ("10", "01"), strict=True):
        assert pub_result.data.mid.get_counts()[mid] > 40
        assert pub_result.data.meas.get_counts()[end] > 40


def test_circuits_that_measure_midway_are_estimated_one_job_each(provider):
    backend = provider.get_backend("simulator")
    job = EstimatorV2(backend=backend).run([(dynamic(True), ["Z", "X"]), (dynamic(False), "Z")])
    up, down = job.result()
    assert len(job.job_ids()) == 3
    assert up.data.evs == pytest.approx([1, 0], abs=0.1)
    assert down.data.evs == -1


# --- the jobs of a primitive -----------------------------------------------------------------


def test_a_primitive_job_reports_its_ionq_jobs(backend_of, cloud):
    """Qiskit gives it a random id, which IonQ does not know."""
    backend = backend_of("ideal", per_job=2)
    pubs = [flipped(0), (flipped(1), None, 7), flipped(0, 1), flipped()]

    job = SamplerV2(backend=backend).run(pubs, shots=20)

    parents = [one.id for one in reversed(cloud.jobs) if one.parent_id is None]
    assert job.job_ids() == [one.job_id() for one in job.jobs]
    assert sorted(job.job_ids()) == sorted(parents)
    assert job.job_id() == job.job_ids()[0]
    assert len(job.job_ids()) == 3  # two and one of 20 shots, one of 7
    again = [backend.retrieve_job(job_id).get_counts() for job_id in job.job_ids()]
    assert again[0] == [{"01": 20}, {"11": 20}]
    assert sorted(map(str, again[1:])) == [str({"00": 20}), str({"10": 7})]
    counts = [most_frequent(pub_result) for pub_result in job.result()]
    assert counts == [{"01": 20}, {"10": 7}, {"11": 20}, {"00": 20}]
    assert job.result() is job.result()
    assert backend.submitted == 3


def test_an_estimators_job_is_submitted_once(backend_of):
    backend = backend_of("ideal")
    job = EstimatorV2(backend=backend).run([(QuantumCircuit(2), "ZZ")], precision=0.1)
    assert len(job.job_ids()) == 1
    assert job.result()[0].data.evs == 1
    assert backend.submitted == 1


def test_an_estimator_rejects_a_precision_that_is_not_positive(backend_of):
    backend = backend_of("ideal")
    with pytest.raises(ValueError, match="precision less than or equal to 0"):
        EstimatorV2(backend=backend).run([(QuantumCircuit(2), "ZZ")], precision=0)
    assert backend.submitted == 0


def test_no_circuit_is_submitted_before_all_can_be(backend_of):
    """The second pub has another precision, and Qiskit refuses the name of its register."""
    backend = backend_of("ideal")
    taken = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "__c_Z"))
    pubs = [(QuantumCircuit(1), "Z", None, 0.1), (taken, "Z", None, 0.2)]
    with pytest.raises(QiskitError, match="register"):
        EstimatorV2(backend=backend).run(pubs)
    assert backend.submitted == 0


def test_run_raises_circuit_errors_and_cancels_submitted_jobs(backend_of, cloud):
    backend = backend_of("ideal", per_job=1)
    bad = QuantumCircuit(1, 1)
    bad.u(1, 2, 3, 0)
    bad.measure(0, 0)
    with pytest.raises(errors.IonQGateError):
        SamplerV2(backend=backend).run([flipped(0), bad])
    assert [job.status for job in cloud.jobs] == ["canceled"]


def test_run_without_pubs_submits_no_jobs(backend_of):
    job = SamplerV2(backend=backend_of("ideal")).run([])
    assert (job.job_ids(), job.job_id(), job.status()) == ([], "", JobStatus.DONE)
    assert len(job.result()) == 0


def test_status_of_a_primitive_job_follows_its_ionq_jobs(backend_of):
    slow = IonQProvider(
        transport=InProcessTransport(FakeIonQ(seed=1, transitions=Transitions.polls(2)))
    )
    job = SamplerV2(backend=backend_of("ideal", 1, slow)).run([flipped(0), flipped(1)])
    seen = [job.status() for _ in range(8)]
    assert list(dict.fromkeys(seen)) == [
        JobStatus.INITIALIZING,
        JobStatus.QUEUED,
        JobStatus.RUNNING,
        JobStatus.DONE,
    ]
    assert (job.done(), job.running(), job.cancelled(), job.in_final_state()) == (
        *(True, False, False, True),
    )


def test_a_primitives_job_is_cancelled_with_all_its_jobs(backend_of):
    slow = IonQProvider(
        transport=InProcessTransport(FakeIonQ(seed=1, transitions=Transitions.polls(9)))
    )
    job = SamplerV2(backend=backend_of("ideal", 1, slow)).run([flipped(0), flipped(1)])
    assert job.cancel() is True
    assert job.cancelled()
    assert all(one.cancelled() for one in job.jobs)
    with pytest.raises(errors.IonQJobStateError):
        job.result()


def test_result_of_a_failed_primitive_job_raises_each_time(backend_of):
    backend = backend_of("ideal", per_job=1)
    job = SamplerV2(backend=backend).run([flipped(0), flipped(29, width=30)])
    assert job.status() is JobStatus.ERROR
    for _ in range(2):
        with pytest.raises(errors.IonQJobFailureError, match="NotEnoughQubits"):
            job.result()


def test_result_of_a_primitive_job_has_one_deadline(backend_of):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(10**6))
    slow = IonQProvider(transport=InProcessTransport(cloud))
    job = SamplerV2(backend=backend_of("ideal", 1, slow)).run([flipped(0), flipped(1)])
    began = cloud.clock.monotonic()
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=3)
    assert cloud.clock.monotonic() - began == pytest.approx(3)


def test_a_run_adds_up_its_jobs_and_tells_of_one_that_failed(cloud, forte, bell):
    job = SamplerV2(forte).run([(bell, None, 100), (bell, None, 200)])
    assert len(job.jobs) == 2  # of different shots
    job.result()
    assert job.usage() == sum(one.timings().execution_s for one in job.jobs) > 0
    assert not job.errored()
    failing = SamplerV2(forte).run([bell])
    cloud.fail(failing.job_id(), "InternalError")
    assert failing.errored()
