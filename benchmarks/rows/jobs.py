"""From `run` to counts, in each way to the service, beside bare Aer and qiskit-ionq."""

from __future__ import annotations

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import qiskit_ionq
import requests
import responses
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ionq.helpers import qiskit_circ_to_ionq_circ

from benchmarks.circuits import bell, dense, ghz, long
from benchmarks.measuring import Figure, compare, growth, peak_mib, row, seconds, summary, told_by
from ionq_toolkit import GPI2Gate, GPIGate, IonQProvider, MSGate, ZZGate
from ionq_toolkit.circuits.wire import to_wire
from ionq_toolkit_fake import FakeIonQ, FakeServer, mock_ionq
from ionq_toolkit_fake.simulation.compiler import compile_circuit
from ionq_toolkit_fake.simulation.program import Qpu

if TYPE_CHECKING:
    from collections.abc import Callable


def _runs(backend: Any, circuit: QuantumCircuit, shots: int = 1000) -> Callable[[], object]:  # noqa: ANN401
    return lambda: backend.run(circuit, shots=shots).get_counts()


def _bare(circuit: Any, shots: int = 1000, **options: Any) -> Callable[[], object]:  # noqa: ANN401
    simulator = AerSimulator(**options)
    return lambda: simulator.run(circuit, shots=shots).result().get_counts()


def _in_process() -> Any:  # noqa: ANN401 - a backend
    return IonQProvider(transport="fake", seed=1).get_backend("simulator")


@row("Bell pair in process, run to counts", "bare Aer", 2.0)
def in_process(quick: bool) -> Figure:
    return compare(_runs(_in_process(), bell()), _bare(bell()), 30 if quick else 300)


@row("Bell pair, intercepted", "bare Aer", 3.0)
def intercepted(quick: bool) -> Figure:
    with mock_ionq():
        backend = IonQProvider("key").get_backend("simulator")
        figure = compare(_runs(backend, bell()), _bare(bell()), 30 if quick else 300)
    return figure._replace(note=_mocked_requests(figure.theirs))


def _mocked_requests(bare_s: float) -> str:
    """Return how long as many requests take that `responses` answers, beside Aer."""
    record = {"id": "j", "status": "completed", "name": "x" * 700}  # as long as a record is
    url = "https://api.ionq.co/v0.4/jobs"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.add("POST", url, json=record)
        mocked.add("GET", f"{url}/j", json=record)
        mocked.add("GET", f"{url}/j/results", json={"0": 0.5, "3": 0.5})
        session = requests.Session()

        def run() -> None:
            session.post(url, json=record, timeout=30).json()
            session.get(f"{url}/j", timeout=30).json()
            session.get(f"{url}/j/results", timeout=30).json()

        took = statistics.median(seconds(run) for _ in range(50))
    return (
        "three requests of `requests` that the package `responses` answers are "
        f"{took / bare_s:.2f} of the time of Aer"
    )


@row("Bell pair over the socket", "bare Aer", 6.0)
def over_socket(quick: bool) -> Figure:
    with FakeServer(FakeIonQ(seed=1)) as server:
        backend = IonQProvider("key", url=server.url).get_backend("simulator")
        return compare(_runs(backend, bell()), _bare(bell()), 20 if quick else 100)


@row("Bell pair over the socket", "qiskit-ionq on the same server", 1.0)
def beside_qiskit_ionq(quick: bool) -> Figure:
    with FakeServer(FakeIonQ(seed=1)) as server:
        ours = IonQProvider("key", url=server.url).get_backend("simulator")
        theirs = qiskit_ionq.IonQProvider("key", url=server.url).get_backend("ionq_simulator")
        return compare(_runs(ours, bell()), _runs(theirs, bell()), 3 if quick else 20)


@row("dense circuits in process, run to counts", "bare Aer, warm", 4.0)
def wide(quick: bool) -> Figure:
    def at(width: int) -> Figure:
        rounds = 2 if quick else 5
        return compare(_runs(_in_process(), dense(width)), _bare(dense(width)), rounds)

    figure = growth([10, 16] if quick else [10, 16, 22, 20], at)
    return figure._replace(note=_floor(14 if quick else 20, figure.theirs))


def _floor(width: int, bare_s: float) -> str:
    """Return how long the histogram takes to be written and read, beside Aer."""
    weights = np.random.default_rng(1).exponential(size=2**width)
    histogram = dict(enumerate((weights / weights.sum()).tolist()))
    reply = msgspec.json.encode(histogram)
    read = msgspec.json.Decoder(dict[int, float])
    floor_s = min(seconds(lambda: read.decode(msgspec.json.encode(histogram))) for _ in range(3))
    return (
        f"the histogram is {len(reply) / 2**20:.1f} MiB of JSON: to write and read it by msgspec "
        f"alone is {floor_s / bare_s:.2f} of the {bare_s:.3g} s of Aer, which sends nothing"
    )


@row("1,000 circuits as one job", "one call of Aer", 1.15)
def batch(quick: bool) -> Figure:
    backend, simulator = _in_process(), AerSimulator()

    def at(count: int) -> Figure:
        circuits = [dense(5, seed) for seed in range(count)]
        return compare(
            lambda: backend.run(circuits, shots=100).get_counts(),
            lambda: simulator.run(circuits, shots=100).result().get_counts(),
            2 if quick else 5,
        )

    sizes = [10, 100] if quick else [10, 100, 1000]
    figure = growth(sizes, at)
    return figure._replace(note=_without_a_service(sizes[-1], figure.theirs))


def _without_a_service(count: int, bare_s: float) -> str:
    """Return how long the circuits take that go through JSON and are simulated, and no more."""
    circuits = [dense(5, seed) for seed in range(count)]
    sent = json.dumps([to_wire(circuit).gates for circuit in circuits])
    simulator = AerSimulator()

    def run() -> None:
        read = []
        for gates in json.loads(sent):
            circuit = QuantumCircuit(5)
            for gate in gates:
                angles = [gate["rotation"]] if "rotation" in gate else []
                qubits = [*gate.get("controls", ()), *gate["targets"]]
                name = "c" * len(gate.get("controls", ())) + gate["gate"]
                getattr(circuit, name)(*angles, *qubits)
            circuit.measure_all()
            read.append(circuit)
        simulator.run(read, shots=100).result().get_counts()

    took = min(seconds(run) for _ in range(3))
    return (
        "to read the circuits from JSON, make them in Qiskit and run Aer, without client and fake, "
        "is "
        f"{took / bare_s:.2f} of the time of Aer"
    )


#: The rates of the noise models: IonQ's guide for aria-1; forte-1 as served in 2026.
_RATES = {"aria-1": (0.0005, 0.0133), "forte-1": (1.33e-4, 0.01413)}


def _compiled(circuit: QuantumCircuit, model: str) -> QuantumCircuit:
    """Return a circuit as the fake compiles it, of unitaries that are labelled by their width."""
    job = _in_process().run(circuit, shots=1, noise_model=model)
    kinds = {"gpi": GPIGate, "gpi2": GPI2Gate, "ms": MSGate, "zz": ZZGate}
    found = QuantumCircuit(circuit.num_qubits)
    for gate in job.compiled_circuit()["circuit"]:
        targets = gate.get("targets") or [gate["target"]]
        phases = gate.get("phases") or ([gate["phase"]] if "phase" in gate else [])
        angles = [gate["angle"]] if "angle" in gate else []
        matrix = kinds[gate["gate"]](*phases, *angles).to_matrix()
        found.append(UnitaryGate(matrix, label=f"of {len(targets)}"), targets)
    found.measure_all()
    return found


def _noisy(circuit: QuantumCircuit, model: str, quick: bool) -> Figure:
    noise = NoiseModel()
    for width, rate in enumerate(_RATES[model], 1):
        noise.add_all_qubit_quantum_error(depolarizing_error(rate, width), f"of {width}")
    backend, width, shots = _in_process(), circuit.num_qubits, 200 if quick else 1000
    plain, qpu = circuit.remove_final_measurements(inplace=False), Qpu(width, "zz")
    compiling = [seconds(lambda: compile_circuit(plain, qpu, range(width), 1)) for _ in range(3)]
    return compare(
        lambda: backend.run(circuit, shots=shots, noise_model=model).get_counts(),
        _bare(_compiled(circuit, model), shots, noise_model=noise, max_parallel_shots=1),
        1 if quick else 10,
        f"{min(compiling):.3f} s of ours are compilation",
    )


@row("a noisy job of 10 qubits, 1,000 shots", "Aer: same noise, same compiled circuit", 1.5)
def noisy(quick: bool) -> Figure:
    return _noisy(dense(10), "aria-1", quick)


@row("the same with an error in most shots", "Aer: same noise, same compiled circuit", 1.5)
def noisier(quick: bool) -> Figure:
    return _noisy(dense(10, layers=3 if quick else 10), "forte-1", quick)


@row("GHZ in process, run to counts", "Aer's statevector method")
def entangled(quick: bool) -> Figure:
    def at(width: int) -> Figure:
        bare = _bare(ghz(width), method="statevector")
        return compare(_runs(_in_process(), ghz(width)), bare, 1)

    return growth([16, 20] if quick else [20, 24, 28, 29], at)


def _peak(width: int, answer: Any) -> None:  # noqa: ANN401 - a queue
    backend = _in_process()
    backend.run(bell()).get_counts()
    before = peak_mib()
    backend.run(ghz(width)).get_counts()
    answer.put(peak_mib() - before)


@row("peak memory of a GHZ state", "16 bytes for each amplitude", 1.7)
def memory(quick: bool) -> Figure:
    def at(width: int) -> Figure:
        return summary([(told_by(_peak, width), 2.0 ** (width - 16))], "MiB")

    return growth([22] if quick else [24, 28, 29], at)


@row("a body of 150,000 gates, run to counts", "bare Aer")
def body(quick: bool) -> Figure:
    def at(gates: int) -> Figure:
        circuit = long(8, gates)
        return compare(_runs(_in_process(), circuit, 100), _bare(circuit, 100), 1 if quick else 3)

    return growth([1_500, 5_000] if quick else [1_500, 15_000, 150_000], at)


@row("circuit to wire: 100 qubits, 100,000 gates", "qiskit-ionq's serializer", 1.0)
def wire(quick: bool) -> Figure:
    def at(gates: int) -> Figure:
        circuit = long(100, gates)
        return compare(
            lambda: to_wire(circuit),
            lambda: qiskit_circ_to_ionq_circ(circuit, gateset="qis"),
            2 if quick else 5,
        )

    return growth([1_000, 10_000] if quick else [1_000, 10_000, 100_000], at)


@row("a job that waits 0.2 s, over the socket", "0.2 s", 1.75)
def patience(quick: bool) -> Figure:
    class Late(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):  # noqa: ANN001, ANN002, ANN003, ANN202
            def late() -> object:
                time.sleep(0.2)
                return fn(*args, **kwargs)

            return super().submit(late)

    with Late(1) as executor, FakeServer(FakeIonQ(seed=1, executor=executor)) as server:
        backend = IonQProvider("key", url=server.url).get_backend("simulator")
        took = statistics.median(seconds(_runs(backend, bell())) for _ in range(3 if quick else 9))
    return Figure(took / 0.2, took / 0.2, took / 0.2, took, 0.2)
