"""Input that is to take the machine: refused by its size, or ended by a limit of the system."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import hostile
import psutil
import pytest
import records

from ionq_toolkit.errors import MOST_CHARACTERS, IonQAPIError
from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.request import Request, without_secret
from ionq_toolkit_fake.api.responses import Response
from ionq_toolkit_fake.control import CONTROLS, answer
from ionq_toolkit_fake.faults import FaultRule, http
from ionq_toolkit_fake.faults.exchange import Delivery, Exchange
from ionq_toolkit_fake.simulation import qasm3
from ionq_toolkit_fake.simulation.executors import ProcessExecutor, simulate
from ionq_toolkit_fake.simulation.outcome import SimulationFailure
from ionq_toolkit_fake.simulation.program import Qasm3, Task
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.transitions.spec import Transitions
from ionq_toolkit_fake.validation import unknown

KEY = {"Authorization": "apiKey k-0123456789abcdef"}


@pytest.mark.slow
def test_malformed_requests_are_refused_and_break_nothing():
    """scripts/hostile.py sends 10,000 of them to a server, and measures its memory."""
    cloud = FakeIonQ(seed=1)
    for number in range(1500):
        method, path, headers, body = hostile.request(number)
        if path.startswith("/_fake"):
            status = answer(cloud, method, path, body).status
        else:
            status = cloud.handle(method, path, headers, body).status
        assert status < 500, number
        cloud.faults.clear()
        cloud.transitions.clear()
    job = {"type": "ionq.circuit.v1", "backend": "simulator"}
    job["input"] = {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]}
    assert cloud.handle("POST", "/v0.4/jobs", KEY, json.dumps(job).encode()).status == 201


def test_hostile_records_are_read_or_refused_by_the_client():
    """scripts/hostile.py reads 200 of them."""
    ends = Counter(end for number in range(60) for end in records.read(number))
    assert ends["IonQJobError"] > 10
    assert ends["read"] > 10


@pytest.mark.parametrize("text", ["<" * 2**20, "\x00" * 2**20, "x" * 10_001])
def test_a_message_is_bounded_whatever_the_service_says(text):
    error = IonQAPIError(text)
    assert len(str(error)) <= MOST_CHARACTERS
    assert str(error).isprintable()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.slow
def test_hostile_programs_fail_by_their_size_or_run_within_the_limits():
    """Half a minute of computing and 1 GiB are far more than a check of sizes needs."""
    with ProcessExecutor(1, gibibytes=1, seconds=15) as executor:
        for number in range(1, 46, 3):  # scripts/hostile.py has all kinds
            task = Task(Qasm3(hostile.program(number)), 1, width=29)
            failure = executor.submit(simulate, task).exception()
            assert failure is None or isinstance(failure, SimulationFailure), number
            assert getattr(failure, "code", "") != "SimulationTimeout", number
            assert "memory" not in str(failure), number


CHAIN = "gate g0 a { h a; } " + "".join(f"gate g{n} a {{ g{n - 1} a; }} " for n in range(1, 202))
WIDE = "gate g a, b, c, d, e, f, h0, i, j { x a; } qubit[9] q; "
NINE = ", ".join(f"q[{n}]" for n in range(9))
PROGRAMS = {
    "qubit[1000000*1000] q;": "NotEnoughQubits",
    "qubit[5000] q; qubit[5001] r;": "NotEnoughQubits",
    "qubit q; bit[99999/2] c;": "CompilationError",
    "qubit q; bit[5000] c; bit[5001] d;": "CompilationError",
    f"qubit[{'9' * 30}] q;": "PreflightError",
    f"{WIDE} pow(0.5) @ g {NINE};": "TooManyGates",
    f"qubit[9] q; ctrl(3) @ ctrl(5) @ x {NINE};": "TooManyControls",
    f"qubit q; {'inv @ ' * 17} x q;": "PreflightError",
    f"{CHAIN} qubit q; g201 q;": "PreflightError",
    "qubit[1000] q;" + "h q;" * 151: "TooManyGates",
    "qubit[1000] q;" + "barrier q;" * 1001: "CompilationError",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_refused_by_its_size_before_it_is_built(program, monkeypatch):
    monkeypatch.setattr("ionq_toolkit_fake.simulation.qasm3.convert", pytest.fail)
    with pytest.raises(SimulationFailure) as failed:
        qasm3.load(Qasm3(f'include "stdgates.inc"; {program}'), 29)
    assert failed.value.code == PROGRAMS[program]


@pytest.mark.parametrize(
    ("program", "gates"),
    [
        ("qubit[2] q; pow(0.5) @ swap q[0], q[1];", None),
        ("qubit[3] q; inv @ ctrl @ pow(2) @ x q[0], q[1];", None),
        ("qubit[5+5*2] q; h q;", 15),
        ("qubit[8] q; let a = q[0:3] ++ q[5:7]; h a;", 7),
        ("qubit[8] q; h q[{0, 2}];", 2),
    ],
)
def test_programs_of_common_sizes_are_read(program, gates):
    loaded = qasm3.load(Qasm3(f'include "stdgates.inc"; {program}'), 29)
    assert gates in {None, len(loaded.circuit.data) - loaded.circuit.num_qubits}


def allocate(gibibytes):
    return len(bytes(int(gibibytes * 2**30)))


def compute(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return seconds


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of a process")
def test_the_system_holds_a_worker_to_memory_and_time():
    with ProcessExecutor(1, gibibytes=0.5, seconds=0.3) as executor:
        assert executor.submit(allocate, 0.4).result() == int(0.4 * 2**30)
        with pytest.raises(SimulationFailure, match=r"each worker may take 0\.5 GiB"):
            executor.submit(allocate, 16).result()
        with pytest.raises(SimulationFailure, match="--job-seconds") as failed:
            executor.submit(compute, 600).result()
        assert failed.value.code == "SimulationTimeout"
        for _ in range(8):  # each call has its own time
            assert executor.submit(compute, 0.3).result() == 0.3


@pytest.mark.parametrize("limits", [{"gibibytes": 0}, {"seconds": 0}, {"seconds": float("nan")}])
def test_a_limit_of_a_worker_is_above_zero(limits):
    with pytest.raises(ValueError, match="above 0"):
        ProcessExecutor(1, **limits)


BUSY = """
import threading
from ionq_toolkit_fake.simulation import qasm3
from ionq_toolkit_fake.simulation.executors import ProcessExecutor
from ionq_toolkit_fake.simulation import executors
if __name__ == "__main__":
    executor = ProcessExecutor(1)
    print(executor.submit(__import__("os").getpid).result(), flush=True)
    # In C, with Python's lock held, as Aer simulates:
    executor.submit(pow, 3, 10**9)
    threading.Event().wait()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux ends a process with its parent")
def test_a_worker_that_holds_the_lock_ends_with_its_parent(tmp_path):
    (tmp_path / "busy.py").write_text(BUSY)
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "busy.py"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert worker.wait(20) is None


@pytest.mark.parametrize("pattern", ["<" * 60_000, "{" * 60_000, "*a" * 30_000, "x" * 201])
def test_a_long_pattern_of_operations_is_refused_at_once(pattern):
    with pytest.raises(ValueError, match="there is no operation") as refused:
        FaultRule(http(503), pattern)
    assert len(str(refused.value)) < 2000


def test_patterns_and_rules_have_a_number():
    with pytest.raises(ValueError, match="more than 100 operations"):
        FaultRule(http(503), ["POST /jobs"] * 101)
    cloud = FakeIonQ(seed=1)
    for _ in range(1000):
        cloud.faults.add(http(503), times=1)
        cloud.transitions.add(TransitionRule(Transitions(end="canceled")))
    with pytest.raises(ValueError, match="1000 rules of faults"):
        cloud.faults.add(http(503), times=1)
    with pytest.raises(ValueError, match="1000 rules of transitions"):
        cloud.transitions.add(TransitionRule(Transitions(end="canceled")))


def test_the_body_of_a_control_is_small():
    body = b'{"fault":"http","status":503,"on":"' + b"<" * 1_000_000 + b'"}'
    for name in CONTROLS:
        method, path = name.split()
        if method == "POST":
            assert answer(FakeIonQ(seed=1), method, path, body).status == 413


def test_the_log_keeps_the_beginning_of_a_long_path_without_the_key():
    cloud = FakeIonQ(seed=1)
    for end in "ab":
        path = "/v0.4/health?" + "a" * 485 + KEY["Authorization"].split()[1] + "a" * 60_000 + end
        cloud.handle("GET", path, KEY)
    first, second = (one.path for one in cloud.requests)
    assert len(first) < 600
    assert first != second
    assert "k-0" not in first
    assert "characters" in first


def test_a_text_of_many_characters_is_no_key():
    """To look for a key in a path takes time in proportion to the lengths of both."""
    cloud = FakeIonQ(seed=1)
    key = {"Authorization": "apiKey " + "a" * 60_000}
    assert cloud.handle("GET", "/v0.4/whoami?" + "a" * 60_000, key).status == 401
    assert without_secret("/x?a-key-0123", "a-key-0123") == "/x?[API key]"
    assert Request.__name__  # the reader of both


def test_a_cloud_remembers_so_many_keys(monkeypatch):
    monkeypatch.setattr("ionq_toolkit_fake.models.accounts.MOST_KEYS", 3)
    cloud = FakeIonQ(seed=1)
    keys = [{"Authorization": f"apiKey key-{n}"} for n in range(4)]
    assert [cloud.handle("GET", "/v0.4/whoami", key).status for key in keys] == [200] * 3 + [401]
    assert cloud.handle("GET", "/v0.4/whoami", keys[0]).status == 200


def submitted(cloud, circuit, **fields):
    body = {"type": "ionq.circuit.v1", "backend": "simulator", "input": circuit, **fields}
    status, _, reply = cloud.handle("POST", "/v0.4/jobs", KEY, json.dumps(body).encode())
    assert status == 201, reply
    path = f"/v0.4/jobs/{json.loads(reply)['id']}"
    return json.loads(cloud.handle("GET", path, KEY)[2])["failure"]["code"]


def test_gates_count_by_their_targets_before_they_are_built():
    gate = {"gate": "h", "targets": list(range(10))}
    cloud = FakeIonQ(seed=1)
    assert submitted(cloud, {"qubits": 10, "circuit": [gate] * 15_001}) == "TooManyGates"
    assert len(cloud.jobs[0].circuit.program.gates) == 150_001
    several = {"qubits": 10, "circuits": [{"circuit": [gate] * 7501}] * 2}
    body = {"type": "ionq.multi-circuit.v1", "backend": "simulator", "input": several}
    status, _, reply = cloud.handle("POST", "/v0.4/jobs", KEY, json.dumps(body).encode())
    assert status == 400
    assert b"150000 gates" in reply


def test_a_pauliexp_has_a_number_of_terms():
    gate = {"gate": "pauliexp", "targets": [0, 1], "terms": ["XY"] * 5001, "time": 1}
    gate["coefficients"] = [0.1] * 5001
    circuit = {"qubits": 2, "circuit": [gate]}
    assert submitted(FakeIonQ(seed=1), circuit) == "QuantumCircuitComplexityError"


def test_a_large_body_arrives_in_a_bounded_number_of_pieces():
    body = bytes(1_000_001)
    exchange = Exchange("", Response(200, {}, body), delivery=Delivery.PIECES, size=1)
    assert len(exchange.pieces) == 90_910  # of 11 bytes
    assert b"".join(exchange.pieces) == body


def test_an_unknown_name_among_many_is_told_shortly():
    error = unknown("job", "x", [f"job-{number}" for number in range(50_000)])
    assert str(error).endswith("job-99 and 49900 more.")
    assert len(str(error)) < 2000
