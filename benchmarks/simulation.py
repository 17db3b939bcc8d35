"""What the fake adds to Aer, as ratios in one run: `python benchmarks/simulation.py`.

Each row times the fake and what it is compared with in turns, and shows the ratio of the medians.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import multiprocessing
import resource
import sys
import time

import msgspec
import numpy as np
from measuring import compare, table
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.program import Gate, Program, Task

KEY = {"Authorization": "apiKey benchmark"}


def circuit(width: int) -> tuple[QuantumCircuit, tuple[Gate, ...]]:
    """Return one circuit in Qiskit's form and in the fake's."""
    bare, gates = QuantumCircuit(width), []
    for qubit in range(width):
        bare.h(qubit)
        gates.append(Gate("h", (qubit,)))
    for qubit in range(width - 1):
        bare.cx(qubit, qubit + 1)
        gates.append(Gate("cnot", (qubit + 1,), (qubit,)))
    for qubit in range(width):
        bare.ry(0.1 * qubit + 0.2, qubit)
        gates.append(Gate("ry", (qubit,), (), (0.1 * qubit + 0.2,)))
    return bare, tuple(gates)


def wire(gates: tuple[Gate, ...]) -> list[dict[str, object]]:
    """Return gates as they are sent."""
    return [
        {
            "gate": gate.name,
            "targets": gate.targets,
            **({"controls": gate.controls} if gate.controls else {}),
            **({"rotation": gate.parameters[0]} if gate.parameters else {}),
        }
        for gate in gates
    ]


def distribution(width: int, rounds: int) -> float:
    """The distribution of one circuit against Aer's probabilities of it."""
    bare, gates = circuit(width)
    bare.save_probabilities()
    simulator = AerSimulator(method="statevector")
    task = Task(Program(width, gates), seed=0)
    return compare(
        lambda: simulate(task),
        lambda: simulator.run(bare, shots=1).result().data(0)["probabilities"],
        rounds,
    )


def various(width: int, count: int) -> list[tuple[QuantumCircuit, tuple[Gate, ...]]]:
    """Return circuits like that of `circuit`, each of other angles and on other pairs."""
    generator = np.random.default_rng(1)
    found = []
    for _ in range(count):
        bare, gates = QuantumCircuit(width), []
        for qubit in range(width):
            bare.h(qubit)
            gates.append(Gate("h", (qubit,)))
        for control, target in itertools.pairwise(generator.permutation(width).tolist()):
            bare.cx(control, target)
            gates.append(Gate("cnot", (target,), (control,)))
        for qubit, angle in enumerate(generator.random(width).tolist()):
            bare.ry(angle, qubit)
            gates.append(Gate("ry", (qubit,), (), (angle,)))
        bare.save_probabilities()
        found.append((bare, tuple(gates)))
    return found


def many(count: int, rounds: int) -> float:
    """A job of many circuits, from its body to all results, against one call of Aer."""
    bare, gates = zip(*various(5, count), strict=True)
    simulator = AerSimulator(method="statevector")
    body = json.dumps(
        {
            "type": "ionq.multi-circuit.v1",
            "backend": "simulator",
            "input": {
                "gateset": "qis",
                "circuits": [{"qubits": 5, "circuit": wire(each)} for each in gates],
            },
        }
    ).encode()

    def ours() -> bytes:
        cloud = FakeIonQ(seed=1)
        created = cloud.handle("POST", "/v0.4/jobs", KEY, body)
        path = f"/v0.4/jobs/{json.loads(created.body)['id']}/results/probabilities/aggregated"
        return cloud.handle("GET", path, KEY).body

    def theirs() -> list[object]:
        result = simulator.run(list(bare), shots=1).result()
        return [result.data(index)["probabilities"] for index in range(count)]

    return compare(ours, theirs, rounds, frozen=True)


def parsing(gates: int, rounds: int) -> float:
    """A body of many gates, parsed and checked, against msgspec decoding it."""
    from ionq_toolkit_fake.api.payload import read_submission  # noqa: PLC0415 - only here
    from ionq_toolkit_fake.api.request import Request  # noqa: PLC0415
    from ionq_toolkit_fake.models.accounts import Accounts  # noqa: PLC0415
    from ionq_toolkit_fake.models.identifiers import Identifiers  # noqa: PLC0415

    _, some = circuit(20)
    circuit_ = (wire(some) * math.ceil(gates / len(some)))[:gates]
    body = json.dumps(
        {
            "type": "ionq.circuit.v1",
            "backend": "simulator",
            "input": {"gateset": "qis", "qubits": 20, "circuit": circuit_},
        }
    ).encode()
    print(f"  the body has {len(body) / 2**20:.1f} MiB", file=sys.stderr)
    cloud = FakeIonQ(seed=1)
    request = Request.read(
        "POST",
        "/v0.4/jobs",
        {"authorization": "apiKey benchmark"},
        body,
        accounts=Accounts(Identifiers(1), None),
        facility=cloud.facility,
        deviations=cloud.deviations,
        clock=cloud.clock,
    )
    return compare(lambda: read_submission(request), lambda: msgspec.json.decode(body), rounds)


def noisy(width: int, shots: int, rounds: int) -> float:
    """A noisy job, compiled already, against Aer with the same noise on the same circuit."""
    from qiskit_aer.noise import NoiseModel, depolarizing_error  # noqa: PLC0415 - only here

    from ionq_toolkit_fake.simulation.aer import sampled  # noqa: PLC0415
    from ionq_toolkit_fake.simulation.compiler import compile_program, pulses  # noqa: PLC0415
    from ionq_toolkit_fake.simulation.program import Noise, Qpu  # noqa: PLC0415

    bare, gates = circuit(width)
    qpu, rates = Qpu(29, "zz"), Noise(1.33e-4, 0.01413)
    start = time.perf_counter()
    program, _ = compile_program(Program(width, gates), qpu, range(width), 1)
    spent = time.perf_counter() - start
    print(f"  compiling {width} qubits, {len(gates)} gates: {1000 * spent:.0f} ms", file=sys.stderr)
    compiled, model = pulses(bare, qpu, 1), NoiseModel()
    compiled.measure_all()
    model.add_all_qubit_quantum_error(depolarizing_error(rates.one_qubit, 1), ["sx", "x"])
    model.add_all_qubit_quantum_error(depolarizing_error(rates.two_qubits, 2), ["rzz"])
    simulator = AerSimulator(noise_model=model)
    return compare(
        lambda: sampled(program, shots, rates, 1),
        lambda: simulator.run(compiled, shots=shots, max_parallel_shots=1).result().get_counts(),
        rounds,
    )


def _peak(width: int, answer: multiprocessing.Queue[float]) -> None:
    gates = [Gate("h", (0,))] + [Gate("cnot", (q + 1,), (q,)) for q in range(width - 1)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = simulate(Task(Program(width, tuple(gates)), seed=0))
    assert list(as_map(outcome.distribution)) == ["0", str(2**width - 1)]  # noqa: S101
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer.put((peak - before) * 1024 / (16 * 2**width))


def memory(width: int) -> float:
    """The most memory of the process that simulates a GHZ state, against the state itself."""
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    process = spawn.Process(target=_peak, args=(width, answer))
    process.start()
    process.join()
    return answer.get() if process.exitcode == 0 else math.inf


def main() -> int:
    """Print the table; return 1 if a ratio is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ghz", type=int, default=24, help="width of the GHZ state (29: 13 GiB)")
    width = parser.parse_args().ghz
    rows = [
        ("2 qubits, distribution / bare Aer", lambda: distribution(2, 300), 1.5),
        ("20 qubits, distribution / bare Aer", lambda: distribution(20, 7), 1.1),
        (
            "10 qubits, 1000 noisy shots / Aer on the compiled circuit",
            lambda: noisy(10, 1000, 7),
            1.5,
        ),
        ("1000 circuits of 5 qubits, job / one Aer call", lambda: many(1000, 5), 1.3),
        ("150,000 gates, parsed and checked / decoded", lambda: parsing(150_000, 7), 3.0),
        (f"GHZ of {width} qubits, peak memory / state", lambda: memory(width), 1.7),
    ]
    return table(rows)


if __name__ == "__main__":
    sys.exit(main())
