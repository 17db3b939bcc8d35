"""What the client takes, beside qiskit-ionq and Aer in one run: `python benchmarks/client.py`."""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import qiskit_ionq
from measuring import compare, table
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_ionq.ionq_job import _build_counts

from ionq_toolkit import InProcessTransport, IonQProvider, IonQResult
from ionq_toolkit.results.experiment import experiment
from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake import server as server_module

if TYPE_CHECKING:
    from collections.abc import Callable


def histogram(width: int, shots: int, rounds: int, read: str = "") -> float:
    """A histogram of every outcome to counts and probabilities, against qiskit-ionq's.

    Ours ends with what the user gets from `get_counts` and `get_probabilities`. Theirs is the
    function that makes the two dicts: Qiskit's formatting of them comes on top.

    Args:
        width: The number of qubits.
        shots: How many are drawn.
        rounds: How often to measure.
        read: What is also done to all probabilities: nothing, reading each outcome and its
            probability as ``for outcome, probability in probabilities.items()`` does, or writing
            them as a plain dict. Theirs writes those that were drawn, and no others.
    """
    weights = np.random.default_rng(1).exponential(size=2**width)
    order = np.random.default_rng(2).permutation(2**width)
    probabilities = weights / weights.sum()
    body = dict(zip(map(str, order.tolist()), probabilities[order].tolist(), strict=True))
    decoded = dict(zip(order.tolist(), body.values(), strict=True))  # as the client decodes it
    measured = list(range(width))
    header = {"name": "c", "n_qubits": width, "meas_mapped": measured, "creg_sizes": [["c", width]]}

    def ours() -> object:
        one = experiment(decoded, header, shots=shots, seed=1, memory=False)
        result = IonQResult.from_dict({"job_id": "job", "success": True, "results": [one]})
        probabilities = result.get_probabilities()
        if read == "each":
            deque(probabilities.items(), maxlen=0)
        elif read == "dict":
            probabilities = dict(probabilities.items())
        return result.get_counts(), probabilities

    def theirs() -> object:
        return _build_counts(body, width, measured, shots, use_sampler=True, sampler_seed=1)

    return compare(ours, theirs, rounds)


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def in_process(rounds: int) -> float:
    """A Bell pair on the embedded fake, from `run` to counts, against bare Aer."""
    circuit, simulator = bell(), AerSimulator()
    backend = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1))).get_backend("simulator")
    return compare(
        lambda: backend.run(circuit, shots=1000).get_counts(),
        lambda: simulator.run(circuit, shots=1000).result().get_counts(),
        rounds,
    )


class _Late(ThreadPoolExecutor):
    """Begins each simulation late."""

    def submit(self, fn, /, *args, **kwargs):  # noqa: ANN001, ANN002, ANN003, ANN202
        def late() -> object:
            time.sleep(0.2)
            return fn(*args, **kwargs)

        return super().submit(late)


def over_loopback(client: Callable[[str], object]) -> float:
    """Seconds from `run` to counts of a job that takes 0.2 s on a server, the best of some."""
    times = []
    with _Late(1) as executor, FakeServer(FakeIonQ(seed=1, executor=executor)) as server:
        backend = client(server.url).get_backend("ionq_simulator")
        for _ in range(3):
            start = time.perf_counter()
            backend.run(bell(), shots=100).get_counts()
            times.append(time.perf_counter() - start)
    return min(times)


class _Counting:
    """Counts what comes to a server: requests, and connections that they come by."""

    def __init__(self) -> None:
        self.requests = self.connections = 0

    def fetch(self, client: Callable[[str], object], count: int) -> None:
        """Fetch the memory of a noisy job of so many circuits."""
        cloud = FakeIonQ(seed=1)
        circuits = [bell() for _ in range(count)]
        exchange, run = cloud.exchange, server_module._Connection.run  # noqa: SLF001

        def counted_exchange(*arguments: object) -> object:
            self.requests += 1
            return exchange(*arguments)

        async def counted_run(connection: object) -> None:
            self.connections += 1
            await run(connection)

        cloud.exchange = counted_exchange
        server_module._Connection.run = counted_run  # noqa: SLF001
        try:
            with FakeServer(cloud) as server:
                backend = client(server.url).get_backend("ionq_simulator")
                backend.set_options(noise_model="aria-1")
                result = backend.run(circuits, shots=10, memory=True).result()
                for index in range(count):
                    assert len(result.get_memory(index)) == 10  # noqa: PLR2004, S101
        finally:
            server_module._Connection.run = run  # noqa: SLF001


def connections(count: int) -> float:
    """Connections for the memory of a job of many circuits, against qiskit-ionq's."""
    ours, theirs = _Counting(), _Counting()
    ours.fetch(lambda url: IonQProvider("key", url=url), count)
    theirs.fetch(lambda url: qiskit_ionq.IonQProvider("key", url=url), count)
    for name, found in (("ionq_toolkit", ours), ("qiskit-ionq", theirs)):
        print(
            f"  {name}: {found.requests} requests by {found.connections} connections",
            file=sys.stderr,
        )
    return ours.connections / theirs.connections


def import_time(rounds: int) -> float:
    """Seconds that importing ionq_toolkit takes above importing qiskit."""

    def seconds(module: str) -> float:
        code = (
            f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        )
        found = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(rounds)]
        return statistics.median(map(float, found))

    return seconds("ionq_toolkit") - seconds("qiskit")


def main() -> int:
    """Print the table; return 1 if a figure is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qubits", type=int, default=20, help="width of the histograms")
    parser.add_argument("--circuits", type=int, default=1000, help="circuits whose memory is read")
    arguments = parser.parse_args()
    what = f"2^{arguments.qubits} outcomes"
    ours, theirs = IonQProvider, qiskit_ionq.IonQProvider
    return table(
        [
            (
                f"{what}, 10,000 shots / qiskit-ionq",
                lambda: histogram(arguments.qubits, 10_000, 5),
                0.05,
            ),
            (
                f"{what}, 10,000 shots, all probabilities read / qiskit-ionq",
                lambda: histogram(arguments.qubits, 10_000, 5, "each"),
                0.1,
            ),
            (
                f"{what}, 10,000 shots, all probabilities as a dict / qiskit-ionq",
                lambda: histogram(arguments.qubits, 10_000, 5, "dict"),
                0.25,
            ),
            (
                f"{what}, 1,000,000 shots / qiskit-ionq",
                lambda: histogram(arguments.qubits, 10**6, 5),
                0.12,
            ),
            ("Bell pair in process, run to counts / bare Aer", lambda: in_process(300), 2.5),
            (
                "a job of 0.2 s over loopback, in seconds",
                lambda: over_loopback(lambda url: ours("key", url=url)),
                0.35,
            ),
            (
                "the same with qiskit-ionq, in seconds",
                lambda: over_loopback(lambda url: theirs("key", url=url)),
                math.inf,
            ),
            (
                f"memory of {arguments.circuits} circuits, connections / qiskit-ionq",
                lambda: connections(arguments.circuits),
                0.1,
            ),
            ("import above qiskit, in seconds", lambda: import_time(7), 0.15),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
