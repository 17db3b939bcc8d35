"""Jobs of QIR, in both versions of the API: their results, their failures, and hostile modules.

The bodies are those that CUDA-Q 0.16 sends by v0.3, and QRMI by v0.4.
"""

import contextlib
import json
import math
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyqir
import pytest
from qir_modules import BELL, BY_HAND, DAMAGED, damaged, encoded, module
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.simulation import qir
from ionq_toolkit_fake.simulation.outcome import SimulationFailure
from ionq_toolkit_fake.simulation.program import Gate, Program, Qir


@pytest.fixture
def cloud():
    return FakeIonQ(seed=1)


@pytest.fixture
def ask(cloud):
    def send(method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        response = cloud.handle(method, path, {"Authorization": "apiKey k"}, data)
        return response.status, json.loads(response.body)

    return send


def old(data, **others):
    """Return a body of v0.3, as CUDA-Q has it: its `qubits` is a character of that number."""
    return {"target": "simulator", "shots": 100, "name": "k", "qubits": "\x1d",
            "input": {"format": "qir", "data": data}, **others}  # fmt: skip


def new(data, **others):
    return {"type": "ionq.qir.v1", "backend": "simulator", "input": {"data": data}, **others}


def bitcode():
    simple = pyqir.SimpleModule("bell", 2, 2)
    builder = pyqir.BasicQisBuilder(simple.builder)
    builder.h(simple.qubits[0])
    builder.cx(*simple.qubits)
    return simple.bitcode()


@pytest.mark.parametrize("data", [encoded(bitcode()), encoded(module(*BELL)), module(*BELL)])
def test_a_job_as_cuda_q_sends_it_and_reads_it(ask, data):
    status, created = ask("POST", "/v0.3/jobs", old(data))
    assert status == 200
    (record,) = ask("GET", f"/v0.3/jobs?id={created['id']}")[1]["jobs"]
    assert (record["status"], record["qubits"]) == ("completed", 2)
    assert record["gate_counts"] == {"1q": 1, "2q": 1}
    for form in ("", "?format=qir.quantum-log.v0", "?sharpen=true&format=qir.quantum-log.v0"):
        assert ask("GET", record["results_url"] + form) == (200, {"0": 0.5, "3": 0.5})
    refused = ask("GET", record["results_url"] + "?format=csv")
    assert (refused[0], refused[1]["validation"]["keys"]) == (400, ["format"])


def test_the_quantum_log_is_of_qir_alone(ask):
    circuit = {"qubits": 1, "circuit": []}
    job_id = ask("POST", "/v0.3/jobs", {"input": circuit})[1]["id"]
    assert ask("GET", f"/v0.3/jobs/{job_id}/results?format=qir.quantum-log.v0")[0] == 400
    assert ask("GET", f"/v0.3/jobs/{job_id}/results") == (200, {"0": 1.0})


def test_the_same_job_in_version_0_4(ask):
    status, created = ask("POST", "/v0.4/jobs", new(encoded(bitcode())))
    assert status == 201
    record = ask("GET", f"/v0.4/jobs/{created['id']}")[1]
    assert (record["type"], record["stats"]["qubits"]) == ("ionq.qir.v1", 2)
    url = record["results"]["probabilities"]["url"]
    assert ask("GET", url) == (200, {"0": 0.5, "3": 0.5})
    assert ask("POST", f"/v0.4/jobs/{created['id']}/clone", {})[0] == 201


def test_noise_and_qpus_run_the_module_as_any_circuit(ask):
    job_id = ask("POST", "/v0.3/jobs", old(encoded(bitcode()), noise={"model": "aria-1"}))[1]["id"]
    found = ask("GET", f"/v0.3/jobs/{job_id}/results")[1]
    assert sum(found.values()) == pytest.approx(1)
    assert found["0"] + found["3"] > 0.9
    body = old(encoded(bitcode()), target="qpu.forte-1", shots=500)
    body["error_mitigation"] = {"debias": True}
    job_id = ask("POST", "/v0.3/jobs", body)[1]["id"]
    record = ask("GET", f"/v0.3/jobs/{job_id}")[1]
    assert record["error_mitigation"] == {"debias": True}
    assert record["cost_usd"] == 168.2  # the least of a debiased job: 500 shots
    assert ask("GET", record["results_url"] + "?sharpen=true&format=qir.quantum-log.v0")[0] == 200


def test_a_state_keeps_the_job(tmp_path):
    with contextlib.closing(FakeIonQ(seed=1, state=tmp_path / "state.db")) as cloud:
        body = json.dumps(new(encoded(bitcode()))).encode()
        headers = {"Authorization": "apiKey k"}
        made = json.loads(cloud.handle("POST", "/v0.4/jobs", headers, body).body)["id"]
    with contextlib.closing(FakeIonQ(seed=1, state=tmp_path / "state.db")) as cloud:
        answer = cloud.handle("GET", f"/v0.4/jobs/{made}/results/probabilities", headers, None)
        assert json.loads(answer.body) == {"0": 0.5, "3": 0.5}


@pytest.mark.parametrize(
    ("data", "code", "named"),
    [
        (encoded(module(("teleport", 0))), "UnsupportedGate", "__quantum__qis__teleport__body"),
        (encoded(module(*BELL, qubits=30)), "NotEnoughQubits", "requires 30 qubits"),
        (encoded(module(qubits=0)), "PreflightError", "has no qubits"),
        ("no base64!", "PreflightError", "base64"),
    ],
)
def test_what_is_no_base_profile_fails_the_job_by_its_name(ask, data, code, named):
    for version, body in (("v0.3", old(data)), ("v0.4", new(data))):
        created = ask("POST", f"/{version}/jobs", body)
        assert created[0] in {200, 201}
        job_id = created[1]["id"]
        failure = ask("GET", f"/{version}/jobs/{job_id}")[1]["failure"]
        assert (failure["code"], named in failure["error"]) == (code, True), failure
        assert ask("GET", f"/{version}/jobs/{job_id}/results/probabilities")[0] == 404


#: The gates by their functions: Qiskit's methods that do the same, and whether they have an angle.
_GATES = {
    **{name: (name, 1, False) for name in ("h", "x", "y", "z", "s", "t", "sx")},
    "s__adj": ("sdg", 1, False),
    "t__adj": ("tdg", 1, False),
    **{f"r{axis}": (f"r{axis}", 1, True) for axis in "xyz"},
    **{f"r{axis}{axis}": (f"r{axis}{axis}", 2, True) for axis in "xyz"},
    **{name: (name, 2, False) for name in ("ch", "cx", "cy", "cz", "swap")},
    **{f"cr{axis}": (f"cr{axis}", 2, True) for axis in "xyz"},
    "cnot": ("cx", 2, False),
    "r1": ("p", 1, True),
    "cr1": ("cp", 2, True),
    "ccx": ("ccx", 3, False),
    "ccnot": ("ccx", 3, False),
    "cswap": ("cswap", 3, False),
}


@pytest.mark.parametrize("seed", range(3))
def test_every_gate_is_that_of_qiskit(ask, seed):
    chance = random.Random(seed)
    circuit, calls = QuantumCircuit(4), []
    for name in chance.sample([*_GATES] * 2, 2 * len(_GATES)):
        method, width, angle = _GATES[name]
        qubits = chance.sample(range(4), width)
        angles = [chance.uniform(-math.pi, math.pi)] if angle else []
        getattr(circuit, method)(*angles, *qubits)
        calls.append((name, *angles, *qubits))
    job_id = ask("POST", "/v0.3/jobs", old(encoded(module(*calls, qubits=4))))[1]["id"]
    found = ask("GET", f"/v0.3/jobs/{job_id}/results")[1]
    expected = Statevector(circuit).probabilities()
    assert np.allclose([found.get(str(n), 0) for n in range(16)], expected, atol=1e-9)


def test_a_module_is_a_program():
    calls = [*BELL, ("rz", 0.25, 1)]
    assert qir.load(Qir(module(*calls)), 29) == Program(
        2, (Gate("h", (0,)), Gate("cnot", (1,), (0,)), Gate("rz", (1,), (), (0.25,)))
    )


def test_a_reader_that_hangs_is_ended(monkeypatch):
    def hang(*arguments, **others):
        raise subprocess.TimeoutExpired("reader", 300)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(SimulationFailure, match="takes more than 300 s to read"):
        qir.load(Qir(module(*BELL)), 29)


def _outcome(data):
    """Return the failure code of a module, or None if it was read."""
    try:
        qir.load(Qir(data), 29)
    except SimulationFailure as failure:
        return failure.code if len(failure.message) < 500 else "too long"
    return None


@pytest.mark.slow
def test_sixty_malformed_modules_are_refused_and_executed_by_none():
    whole = bitcode()
    seeds = [damaged(whole, number) for number in range(DAMAGED)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(_outcome, map(encoded, [*BY_HAND.values(), *seeds])))
    by_hand, seeded = dict(zip(BY_HAND, found, strict=False)), found[len(BY_HAND) :]
    refusals = {"PreflightError", "CompilationError", "UnsupportedGate", "NotEnoughQubits"}
    assert {name for name, code in by_hand.items() if code not in refusals} == set()
    # Some damage leaves a module that is well, such as in the name of its file.
    assert set(seeded) <= {None, *refusals}
    assert seeded.count(None) < DAMAGED // 3
    assert _outcome(encoded(whole)) is None
