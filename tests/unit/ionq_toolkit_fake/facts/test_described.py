"""QPUs that a user describes: their numbers are what the API reports and what jobs show."""

import contextlib
import json
import random
import tomllib

import pytest
from qiskit import QuantumCircuit, transpile
from scipy.stats import binomtest

from ionq_toolkit import IonQProvider, errors
from ionq_toolkit.circuits.native_gates import ZZGate
from ionq_toolkit.transport import InProcessTransport
from ionq_toolkit_fake import FakeIonQ, Transitions, failed
from ionq_toolkit_fake.facts.described import DeviceFileError, load_devices
from ionq_toolkit_fake.scenario import Scenario

FILE = """\
# A machine of next year.
[qpu.next-1]
qubits = 5
connectivity = "line"
native_gates = ["gpi", "gpi2", "zz"]
max_shots = 20_000
location = "Basel"

[qpu.next-1.fidelity]
1q = 0.9999
2q = 0.99
spam = 0.999

[qpu.next-1.timing]
1q = 1e-4
2q = 5e-4
readout = 2e-4
reset = 1e-4
t1 = 50
t2 = 2

[qpu.next-1.price]
1q = 0.0002
2q = 0.002
minimum = 5
minimum_mitigated = 50
"""
LEVEL = 1e-6


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "devices.toml"
    path.write_text(FILE)
    return path


def asker(cloud):
    def ask(method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        found = cloud.handle(method, path, {"Authorization": "apiKey k"}, data)
        return found.status, json.loads(found.body)

    return ask


def job_of(gates, gateset="qis", shots=1000, **fields):
    circuit = {"gateset": gateset, "qubits": 2, "circuit": gates}
    body = {"type": "ionq.circuit.v1", "backend": "qpu.next-1", "shots": shots, "input": circuit}
    return {**body, "settings": {"error_mitigation": {"debiasing": False}}, **fields}


def test_both_versions_list_it_with_its_numbers(file):
    ask = asker(FakeIonQ(seed=1, devices=file))
    listed = ask("GET", "/v0.4/backends/qpu.next-1")[1]
    assert (listed["qubits"], listed["status"], listed["location"]) == (5, "available", "Basel")
    assert listed["supported_native_gates"] == ["gpi", "gpi2", "zz"]
    path = f"/v0.4/backends/qpu.next-1/characterizations/{listed['characterization_id']}"
    found = ask("GET", path)[1]
    assert found["connectivity"] == [[0, 1], [1, 2], [2, 3], [3, 4]]
    assert {k: v["median"] for k, v in found["fidelity"].items()} == {
        "spam": 0.999, "1q": 0.9999, "2q": 0.99,
    }  # fmt: skip
    times = {"readout": 2e-4, "reset": 1e-4, "1q": 1e-4, "2q": 5e-4, "t1": 50.0, "t2": 2.0}
    assert found["timing"] == times
    old = ask("GET", "/v0.3/characterizations/backends/qpu.next-1/current")[1]
    assert (old["timing"], old["fidelity"]["2q"]) == (times, {"mean": 0.99})
    assert "qpu.next-1" in {one["backend"] for one in ask("GET", "/v0.3/backends")[1]}


def test_price_and_duration_are_those_of_the_file(file):
    ask = asker(FakeIonQ(seed=1, devices=file))
    asked = "backend=qpu.next-1&shots=10000&1q_gates=10&2q_gates=5"
    found = ask("GET", f"/v0.4/jobs/estimate?{asked}")[1]
    assert found["estimated_total_cost"] == pytest.approx(10_000 * (10 * 0.0002 + 5 * 0.002))
    # 669 ms for a job, as on Forte; each shot: its gates, the readout and the reset.
    each_ms = 1000 * (10 * 1e-4 + 5 * 5e-4 + 2e-4 + 1e-4)
    assert found["estimated_execution_time"] == pytest.approx(669 + 10_000 * each_ms, abs=1)
    few = "backend=qpu.next-1&shots=1&1q_gates=10&2q_gates=5"
    assert ask("GET", f"/v0.4/jobs/estimate?{few}")[1]["estimated_total_cost"] == 5
    dear = ask("GET", f"/v0.4/jobs/estimate?{few}&error_mitigation=true")[1]
    assert dear["estimated_total_cost"] == 50
    job_id = ask("POST", "/v0.4/jobs", job_of([{"gate": "x", "target": 0}], shots=1))[1]["id"]
    assert ask("GET", f"/v0.4/jobs/{job_id}/cost")[1]["cost"] == {"unit": "usd", "value": 5}


@pytest.mark.parametrize("echoes", [1, 8])
def test_a_job_is_as_noisy_as_the_file_says(file, echoes):
    """2 N gates zz(1/4) N times there and back: depolarised as often, then read with errors."""
    ask = asker(FakeIonQ(seed=2, devices=file))
    gates = [{"gate": "zz", "targets": [0, 1], "angle": 0.25}] * (4 * echoes)
    shots = 10_000
    job_id = ask("POST", "/v0.4/jobs", job_of(gates, "native", shots))[1]["id"]
    found = ask("GET", f"/v0.4/jobs/{job_id}/results/histogram")[1]
    kept = (1 - 0.01 * 16 / 15) ** (4 * echoes)  # of the state; the rest is white noise
    read = 0.999**2
    expected = kept * read + (1 - kept) / 4  # white noise stays so when it is read wrongly
    assert binomtest(found["0"], shots, expected).pvalue > LEVEL


def test_what_it_cannot_do_fails_or_is_refused(file):
    ask = asker(FakeIonQ(seed=1, devices=file))
    midway = 'OPENQASM 3.0; include "stdgates.inc"; qubit[1] q; bit[2] c; h q[0]; '
    midway += "c[0] = measure q[0]; x q[0]; c[1] = measure q[0];"
    wide = {"qubits": 6, "circuit": []}
    bodies = {
        "PreflightError": job_of([], type="ionq.qasm3.v1", input={"data": midway}),
        "NotEnoughQubits": job_of([], input=wide),
        "TooManyShots": job_of([], shots=20_001),
    }
    for gate in (
        {"gate": "zz", "targets": [0, 2], "angle": 0.25},
        {"gate": "ms", "targets": [0, 1], "phases": [0, 0]},
    ):
        circuit = {"gateset": "native", "qubits": 3, "circuit": [gate]}
        bodies = {**bodies, f"UnsupportedGate {gate['gate']}": job_of([], input=circuit)}
    for code, body in bodies.items():
        status, created = ask("POST", "/v0.4/jobs", body)
        record = ask("GET", f"/v0.4/jobs/{created['id']}")[1]
        assert (status, record["status"]) == (201, "failed"), code
        assert record["failure"]["code"] == code.split()[0]
        assert ask("GET", f"/v0.4/jobs/{created['id']}/cost")[0] == 404
    assert ask("GET", "/v0.4/jobs/estimate?backend=qpu.next-2")[0] == 400


def test_midway_runs_where_the_file_allows_it(file):
    file.write_text(FILE.replace("max_shots", "mid_circuit = true\nmax_shots"))
    provider = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1, devices=file)))
    circuit = QuantumCircuit(1, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    circuit.measure(0, 1)
    counts = provider.get_backend("next-1").run(circuit, shots=200).get_counts()
    assert counts["01"] > 190


def test_the_client_builds_the_target_and_refuses_what_is_beyond_it(file):
    cloud = FakeIonQ(seed=1, devices=file)
    provider = IonQProvider(transport=InProcessTransport(cloud))
    backend = provider.get_backend("next-1")
    assert set(backend.coupling_map.get_edges()) == {
        pair for a in range(4) for pair in ((a, a + 1), (a + 1, a))
    }
    found = backend.target["cx"][(1, 2)]
    assert (found.duration, found.error) == (5e-4, pytest.approx(0.01))
    assert backend.target["sx"][(0,)].error == pytest.approx(1e-4)
    assert backend.target["measure"][(4,)].error == pytest.approx(1e-3)
    assert backend.target.qubit_properties[0].t1 == 50

    circuit = QuantumCircuit(5)
    circuit.h(0)
    for target in range(1, 5):
        circuit.cx(0, target)
    circuit.measure_all()
    for one in (backend, provider.get_backend("next-1", gateset="native")):
        ready = transpile(circuit, one, seed_transpiler=1)
        places = {
            frozenset(ready.find_bit(qubit).index for qubit in item.qubits)
            for item in ready.data
            if len(item.qubits) == 2 and item.operation.name != "barrier"
        }
        assert places <= {frozenset((a, a + 1)) for a in range(4)}
        counts = one.run(ready, shots=500, error_mitigation=False).get_counts()
        assert counts["00000"] + counts["11111"] > 400

    native = provider.get_backend("next-1", gateset="native")
    before = len(cloud.jobs)
    beyond = QuantumCircuit(3)
    beyond.append(ZZGate(0.25), [0, 2])
    beyond.measure_all()
    with pytest.raises(errors.IonQGateError, match=r"no 'zz' on qubits 0 and 2.*transpile"):
        native.run(beyond)
    wide = QuantumCircuit(6)
    wide.measure_all()
    with pytest.raises(errors.IonQBackendError, match="6 qubits"):
        backend.run(wide)
    assert len(cloud.jobs) == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_any_connectivity_gives_the_same_result(seed):
    """Without errors, a circuit of X and CX has one outcome: as it is, and written for the QPU."""
    generator = random.Random(seed)
    width = generator.randint(3, 7)
    pairs = [[generator.randrange(new), new] for new in range(1, width)]  # a random tree
    pairs += [sorted(generator.sample(range(width), 2)) for _ in range(generator.randrange(3))]
    gates = ["gpi", "gpi2", generator.choice(["ms", "zz"])]
    machine = {"qubits": width, "connectivity": pairs, "native_gates": gates}
    machine["fidelity"] = {"1q": 1, "2q": 1, "spam": 1}
    provider = IonQProvider(
        transport=InProcessTransport(FakeIonQ(seed=seed, devices={"qpu": {"any-1": machine}}))
    )
    circuit, bits = QuantumCircuit(width), [0] * width
    for _ in range(12):
        one, other = generator.sample(range(width), 2)
        if generator.random() < 0.4:
            circuit.x(one)
            bits[one] ^= 1
        else:
            circuit.cx(one, other)
            bits[other] ^= bits[one]
    circuit.measure_all()
    expected = {"".join(map(str, bits[::-1])): 50}
    assert provider.get_backend("any-1").run(circuit, shots=50).get_counts() == expected
    for gateset in ("qis", "native"):
        backend = provider.get_backend("any-1", gateset=gateset)
        ready = transpile(circuit, backend, seed_transpiler=seed)
        assert backend.run(ready, shots=50).get_counts() == expected


def test_it_survives_a_restart_with_its_jobs(file, tmp_path):
    state = tmp_path / "lab.db"
    cloud = FakeIonQ(seed=1, devices=file, state=state)
    body = job_of([{"gate": "x", "target": 0}], shots=10)
    job_id = asker(cloud)("POST", "/v0.4/jobs", body)[1]["id"]
    before = asker(cloud)("GET", f"/v0.4/jobs/{job_id}")
    cloud.close()
    other = {"qpu": {"other-1": {"qubits": 2, "fidelity": {"1q": 1, "2q": 1, "spam": 1}}}}
    for devices in (None, other, None):
        cloud = FakeIonQ(devices=devices, state=state)
        assert asker(cloud)("GET", f"/v0.4/jobs/{job_id}") == before
        names = set(cloud.facility.devices)
        cloud.close()
    assert {"qpu.next-1", "qpu.other-1"} <= names


def test_a_file_may_describe_tempo_anew():
    tempo = {"qubits": 7, "fidelity": {"1q": 1, "2q": 1, "spam": 1}}
    cloud = FakeIonQ(devices={"qpu": {"tempo-1": tempo}})
    provider = IonQProvider(transport=InProcessTransport(cloud))
    assert provider.get_backend("tempo-1").num_qubits == 7


def test_a_scenario_carries_it_and_rules_can_be_for_it(file):
    settings = {"devices": str(file), "statuses": {"qpu.next-1": "unavailable"}}
    token = Scenario.from_dict(settings).token()
    file.unlink()
    cloud = Scenario.of(token).cloud()
    assert cloud.facility.devices["qpu.next-1"].status == "unavailable"
    assert cloud.facility.devices["qpu.next-1"].qubits == 5
    cloud.transitions.set(Transitions(end=failed("InternalError")), backend="qpu.next-1")
    with pytest.raises(ValueError, match=r"Did you mean 'qpu\.next-1'"):
        cloud.transitions.set(Transitions(end="canceled"), backend="qpu.next-2")
    assert "a user's, not IonQ's" in cloud.fidelity_notes("next-1")[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message"),
    [
        ("qubits = 5", "qbits = 5", 3, "qpu.next-1.qbits", "Did you mean 'qubits'"),
        ("qubits = 5", "", 2, "qpu.next-1", "qubits is missing"),
        ("qubits = 5", "qubits = 0", 3, "qpu.next-1.qubits", "from 1 to 256"),
        ("qubits = 5", "qubits = true", 3, "qpu.next-1.qubits", "whole number"),
        ('"line"', '"lin"', 4, "qpu.next-1.connectivity", "all, line, ring.*Did you mean 'line'"),
        ('"line"', "[[0, 1], [1, 5]]", 4, "qpu.next-1.connectivity", r"0 to 4.*\[1, 5\]"),
        ('"line"', "[[0, 1], [3, 4]]", 4, "qpu.next-1.connectivity", "connect all.*0 to 2"),
        ('"line"', '"parcels"\nparcels = 2', 5, "qpu.next-1.parcels", "divisor of the 5"),
        ('"zz"]', '"zzz"]', 5, "qpu.next-1.native_gates", "Did you mean 'zz'"),
        ('"zz"]', '"zz", "ms"]', 5, "qpu.next-1.native_gates", "one of ms and zz"),
        ('"zz"]', "]", 5, "qpu.next-1.native_gates", "one of ms and zz"),
        ("20_000", '"many"', 6, "qpu.next-1.max_shots", "whole number"),
        ("2q = 0.99", "2q = 99", 11, "qpu.next-1.fidelity.2q", "at least 0.25 and at most 1"),
        ("2q = 0.99", "q2 = 0.99", 11, "qpu.next-1.fidelity.q2", "there are 1q, 2q, spam"),
        ("2q = 0.99", "2q = nan", 11, "qpu.next-1.fidelity.2q", "finite"),
        ("spam = 0.999", "", 9, "qpu.next-1.fidelity", "spam is missing"),
        ("t2 = 2", "t3 = 2", 20, "qpu.next-1.timing.t3", "there are 1q, 2q, readout"),
        ("readout = 2e-4", "readout = -1", 17, "qpu.next-1.timing.readout", "at least 0"),
        ("minimum = 5", "minimum = -5", 25, "qpu.next-1.price.minimum", "at least 0"),
        ('location = "Basel"', "location = 3", 7, "qpu.next-1.location", "text"),
        ('location = "Basel"', 'status = "ready"', 7, "qpu.next-1.status", "available, unavail"),
        ('location = "Basel"', "mid_circuit = 1", 7, "qpu.next-1.mid_circuit", "true or false"),
        ("[qpu.next-1]", "[qpu.Next-1]", None, None, "a-z, 0-9"),
        ("next-1", "forte-1", 2, "qpu.forte-1", "is a QPU of IonQ's"),
        ("[qpu.next-1]", "[qpus.next-1]", 2, "qpus", "Did you mean 'qpu'"),
        ("[qpu.next-1.fidelity]", "[qpu.next-1.fidelitys]", 9, None, "Did you mean 'fidelity'"),
        ("qubits = 5", "qubits == 5", None, "", "no TOML.*line 3"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_key(file, old, new, line, key, message):
    assert old in FILE
    file.write_text(FILE.replace(old, new))
    with pytest.raises(DeviceFileError, match=message) as found:
        FakeIonQ(devices=file)
    assert str(file) in str(found.value)
    if key is not None:
        assert found.value.key == key
    if line is not None:
        assert found.value.line == line
        assert f"line {line}" in str(found.value)


def test_a_missing_file_and_tables_without_a_file_are_refused(tmp_path):
    with pytest.raises(DeviceFileError, match="cannot be read: No such file"):
        load_devices(tmp_path / "none.toml")
    with pytest.raises(DeviceFileError, match="there is no key of the file 'x'"):
        load_devices({"x": 1})
    for table in ({}, {"qpu": 3}, {"qpu": {"a": 3}}, {"qpu": {"a": {"qubits": 1}}}):
        with pytest.raises(DeviceFileError):
            load_devices(table)


@pytest.mark.parametrize(("layout", "edges"), [("all", 15), ("ring", 6), ("line", 5)])
def test_layouts_connect_the_qubits(layout, edges):
    machine = {"qubits": 6, "connectivity": layout}
    machine["fidelity"] = {"1q": 1, "2q": 1, "spam": 1}
    cloud = FakeIonQ(devices={"qpu": {"a": machine}})
    assert len(cloud.facility.devices["qpu.a"].pairs) == edges


def test_parcels_are_connected_inside_and_each_to_the_next():
    machine = {"qubits": 6, "connectivity": "parcels", "parcels": 2}
    machine["fidelity"] = {"1q": 1, "2q": 1, "spam": 1}
    cloud = FakeIonQ(devices={"qpu": {"a": machine}})
    pairs = {(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)}
    assert set(cloud.facility.devices["qpu.a"].pairs) == pairs


WEIRD = (
    *(True, "x", -1, 0, 10**30, 1.5, float("nan"), float("inf"), -float("inf")),
    *([], {}, [[0]], [[0, 0]], [[0, True]], ["gpi", 3], {"1q": {}}),
)
WHERE = (
    *((key,) for key in ("qubits", "connectivity", "parcels", "native_gates", "mid_circuit")),
    *((key,) for key in ("max_shots", "status", "location", "fidelity", "timing", "price")),
    *(("fidelity", key) for key in ("1q", "2q", "spam")),
    *(("timing", key) for key in ("1q", "2q", "readout", "reset", "t1", "t2")),
    *(("price", key) for key in ("1q", "2q", "minimum", "minimum_mitigated")),
)


@pytest.mark.parametrize("path", WHERE, ids=".".join)
def test_a_value_of_another_kind_is_refused_by_its_key_or_is_valid(path):
    for value in WEIRD:
        table = tomllib.loads(FILE)
        inner = table["qpu"]["next-1"]
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        found = refusal_of(table)
        if found is not None:
            assert found.key.startswith("qpu.next-1")
            assert len(str(found)) < 600


def refusal_of(source):
    """Return the error of a description, or None if it is valid."""
    try:
        assert load_devices(source) == source
    except DeviceFileError as error:
        return error
    return None


def test_damaged_files_are_refused_or_are_valid(tmp_path):
    generator, path = random.Random(5), tmp_path / "damaged.toml"
    for _ in range(100):
        damaged = bytearray(FILE.encode())
        for _ in range(generator.randint(1, 4)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(DeviceFileError):
            load_devices(path)


def test_a_reset_keeps_it(file):
    cloud = FakeIonQ(seed=1, devices=file)
    cloud.reset()
    assert asker(cloud)("GET", "/v0.4/backends/qpu.next-1")[0] == 200
