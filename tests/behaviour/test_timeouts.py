"""One limit for everything below a call: its own, or that of the provider."""

import asyncio
import socket
import threading

import numpy as np
import pytest
from clouds import RECORD, Scripted
from lossy import provider_of
from qiskit import QuantumCircuit

from ionq_toolkit import IonQJob, IonQProvider, RetryPolicy, errors
from ionq_toolkit.primitives import EstimatorV2, SamplerV2
from ionq_toolkit_fake import FakeIonQ, FakeServer, Transitions

WAITS = {
    "wait_for_final_state": lambda job, **limit: job.wait_for_final_state(**limit),
    "wait_async": lambda job, **limit: asyncio.run(job.wait_async(**limit)),
    "result": lambda job, **limit: job.result(**limit),
    "result_async": lambda job, **limit: asyncio.run(job.result_async(**limit)),
}
READS = {
    "get_counts": lambda job: job.get_counts(),
    "get_probabilities": lambda job: job.get_probabilities(),
    "get_memory": lambda job: job.get_memory(),
}


class Slow(Scripted):
    """A cloud that takes so many seconds for each request, or the time that it is given."""

    def __init__(self, clock, seconds, **paths):
        started = {**RECORD, "status": "started"}
        super().__init__(routes={"/jobs/job-1": started, **paths}, before=self.take)
        self.clock, self.seconds = clock, seconds

    def take(self, method, url, headers, body, timeout):
        self.clock.sleep(min(self.seconds, timeout))
        if self.seconds > timeout:
            raise TimeoutError("too slow")


@pytest.mark.parametrize("seconds", [0.01, 1, 7, 1000])
@pytest.mark.parametrize("call", [*WAITS, *READS])
def test_the_providers_limit_is_that_of_each_call_that_names_none(instant_clock, call, seconds):
    provider = provider_of(Slow(instant_clock, seconds), clock=instant_clock, timeout=5)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    for _ in range(2):  # each call has it anew
        began = instant_clock.time
        with pytest.raises(errors.IonQJobTimeoutError, match=r"5\.0 s"):
            {**WAITS, **READS}[call](job)
        assert 5 <= instant_clock.time - began <= 5.1


@pytest.mark.parametrize("call", WAITS)
@pytest.mark.parametrize("timeout", [1, 60])
def test_a_limit_of_its_own_goes_before_that_of_the_provider(instant_clock, call, timeout):
    provider = provider_of(Slow(instant_clock, 0.5), clock=instant_clock, timeout=5)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(errors.IonQJobTimeoutError, match=f"after waiting {timeout} s"):
        WAITS[call](job, timeout=timeout)
    assert timeout <= instant_clock.time <= timeout + 0.1


def test_a_call_may_wait_for_ever_all_the_same(scripted, instant_clock):
    cloud = scripted(*[(200, {**RECORD, "status": "ready"})] * 300, (200, RECORD))
    provider = provider_of(cloud, clock=instant_clock, timeout=5)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    job.wait_for_final_state(timeout=float("inf"))
    assert instant_clock.time > 1000


def test_fetching_a_result_is_within_the_limit(instant_clock):
    found = {"/jobs/job-1": RECORD, "/jobs/job-1/results/probabilities": {"0": 1.0}}
    provider = provider_of(Slow(instant_clock, 3, **found), clock=instant_clock, timeout=4)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(errors.IonQJobTimeoutError, match="ask again with a longer timeout"):
        job.result()
    assert instant_clock.time <= 4.1
    assert sum(job.result(timeout=4).get_counts().values()) == 100


def test_requests_of_other_calls_have_the_limit_each(instant_clock):
    def asked(timeout):
        cloud = Slow(instant_clock, 0.1, **{"/backends": []})
        provider = provider_of(cloud, clock=instant_clock, timeout=timeout)
        provider.get_backend("simulator").status()
        provider.get_backend("simulator").retrieve_job("job-1").status()
        return [request[4] for request in cloud.requests]

    assert asked(5) == pytest.approx([5] * 3)
    assert asked(0.5) == pytest.approx([0.5] * 3)
    assert asked(1000) == asked(None)  # no request has more than without


@pytest.mark.parametrize("primitive", [SamplerV2, EstimatorV2])
def test_the_jobs_of_a_primitive_have_one_limit_together(primitive):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(10**6))
    backend = provider_of(cloud, timeout=3).get_backend("simulator")
    circuit = QuantumCircuit(1)
    circuit.h(0)
    if primitive is SamplerV2:
        circuit.measure_all()
        pubs = [(circuit, None, shots) for shots in (10, 20)]
    else:
        pubs = [(circuit, "Z", None, precision) for precision in (0.1, 0.2)]
    job = primitive(backend=backend).run(pubs)
    assert len(job.jobs) == 2
    for limit, seconds in (({}, 3), ({"timeout": 2}, 2)):
        began = cloud.clock.monotonic()
        with pytest.raises(errors.IonQJobTimeoutError):
            job.result(**limit)
        assert cloud.clock.monotonic() - began == pytest.approx(seconds)


def test_what_the_jobs_of_a_primitive_came_to_is_fetched_within_the_limit(instant_clock):
    class SlowToTell(FakeIonQ):
        def handle(self, method, url, headers, body=None, timeout=None):
            if "/results" in url:
                instant_clock.sleep(timeout)
                raise TimeoutError("too slow")
            return super().handle(method, url, headers, body, timeout)

    backend = provider_of(SlowToTell(seed=1), clock=instant_clock).get_backend("simulator")
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    job = SamplerV2(backend=backend).run([circuit])
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=3)
    assert instant_clock.time <= 3.1


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "5", True, [1]])
def test_what_is_no_limit_is_refused(timeout):
    with pytest.raises(errors.IonQClientError, match="not a positive number of seconds"):
        IonQProvider(transport="fake", timeout=timeout)


@pytest.mark.parametrize("timeout", [1e9, 1e10, 10**400, float("inf")])
def test_thirty_years_are_for_ever(timeout):
    with FakeServer(FakeIonQ(seed=1)) as server:
        retry = RetryPolicy(attempt_s=None, total_s=None)
        provider = IonQProvider("any-key", server.url, retry=retry, timeout=timeout)
        with provider:
            circuit = QuantumCircuit(1)
            circuit.measure_all()
            job = provider.get_backend("simulator").run(circuit, shots=10, timeout=timeout)
            assert job.result(timeout=timeout).get_counts() == {"0": 10}


@pytest.mark.parametrize("timeout", [1, 0.5, float("inf"), np.float32(2), np.int64(3)])
def test_any_positive_number_is_a_limit(timeout):
    assert IonQProvider(transport="fake", timeout=timeout).service.timeout == timeout


# --- over a socket -----------------------------------------------------------------------------

REPLY = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"

#: What a service sends that has taken a job, before it closes the connection.
ENDINGS = {
    "nothing": b"",
    "half a status": b"HTTP/1.1 20",
    "half a body": REPLY % (b"201 Created", 100, b'{"id": "job'),
    "no JSON": REPLY % (b"201 Created", 6, b"<html>"),
    "a gateway": REPLY % (b"504 Gateway Timeout", 0, b""),
    "something else": b"220 smtp.example.org ready\r\n",
}


def serve(listener, ending, seen):
    """Take submissions, end them so, and list them to those who ask."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as stream:
            request, fields = stream.readline(), {}
            while (line := stream.readline()).strip():
                name, _, value = line.partition(b":")
                fields[name.lower()] = value.strip()
            body = stream.read(int(fields.get(b"content-length", 0)))
            if request.startswith(b"POST"):
                seen.append(body)
                connection.sendall(ending)
            elif request:
                metadata = b"".join(seen).partition(b'"metadata":')[2].partition(b"}")[0] + b"}"
                page = b'{"jobs": [{"id": "job-7", "metadata": %s}], "next": null}' % metadata
                connection.sendall(REPLY % (b"200 OK", len(page), page))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_job_whose_answer_breaks_off_on_the_socket_is_found(bell, instant_clock, ending):
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = (listener, ENDINGS[ending], seen)
        thread = threading.Thread(target=serve, args=arguments)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v0.4"
        with IonQProvider("any-key", url, clock=instant_clock) as provider:
            job = provider.get_backend("simulator").run(bell)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert job.job_id() == "job-7"
    assert len(seen) == 1
    assert job.submission_tag.encode() in seen[0]
