"""The suites that scripts/ecosystem.py runs, and the known causes of failures in them."""

from __future__ import annotations

import dataclasses
import re

#: Whose a failure is. OURS is never an entry of the table of causes: such a fault is mended.
OURS, THEIRS, LIMITS, NOISE = "ours", "its own", "a limit of IonQ's", "noise, as on the service"
UNEXPLAINED = "not explained"


@dataclasses.dataclass(frozen=True)
class Suite:
    """A program or a test suite of others, and the way to run it.

    Attributes:
        name: Its name on the page and for `--only`.
        runs: One sentence for the page: the things that run.
        requires: Requirements, the first of which is the package that the suite is about.
        probe: A program of scripts/ecosystem; without one, pytest runs.
        pytest: The arguments of pytest; `{tests}` stands for the folder of the tests.
        tests: The origin of the tests: "installed" with the package, "sdist" for the source
            distribution (or a checkout), "checkout" if the distributions have no tests.
        folder: The folder of the tests within its origin.
        files: The probe takes files from a checkout, if the caller names one.
        quick: The arguments for the quick subset; None: not part of it.
    """

    name: str
    runs: str
    requires: tuple[str, ...]
    probe: str = ""
    pytest: tuple[str, ...] = ()
    tests: str = ""
    folder: str = ""
    files: bool = False
    quick: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Cause:
    """A known reason of failures: in which suites, by which test and message, and whose it is."""

    suite: str
    test: str
    message: str
    whose: str
    why: str

    def explains(self, suite: str, failure: dict[str, str]) -> bool:
        """Return whether a failure is of this kind."""
        patterns = ((self.suite, suite), (self.test, failure["test"]))
        return all(re.search(*pair) for pair in patterns) and bool(
            re.search(self.message, failure["message"], re.DOTALL)
        )


_DEVICE = ("{tests}", "-p", "on_the_fake", "--shots", "10000")
_PENNYLANE = ("pennylane-ionq", "pennylane", "pytest", "pytest-mock", "flaky", "pytest-benchmark")
_QISKIT_IONQ = ("qiskit-ionq", "qiskit-aer", "pytest", "requests-mock", "ddt")
SUITES = (
    Suite(
        "PennyLane device suite, simulator",
        "PennyLane's suite for devices, on `ionq.simulator` under `mock_ionq`, as the plugin's CI runs it",
        _PENNYLANE,
        pytest=(*_DEVICE, "--device", "ionq.simulator", "--skip-ops", "--analytic", "False"),
        tests="installed",
        folder="pennylane/devices/tests",
        quick=("-k", "test_measurements and (Expval or Sample or Var)"),
    ),
    Suite(
        "PennyLane device suite, QPU",
        "the same on `ionq.qpu`, backend forte-1, which the fake simulates with noise",
        _PENNYLANE,
        pytest=(
            *(*_DEVICE, "--device", "ionq.qpu", "--device-kwargs", "backend=forte-1"),
            *("--skip-ops", "--analytic", "False"),
        ),
        tests="installed",
        folder="pennylane/devices/tests",
    ),
    Suite(
        "PennyLane device suite, QPU without noise",
        "the same with `fidelities` of 1: what passes here, and not above, fails by the noise",
        _PENNYLANE,
        pytest=(
            *(*_DEVICE, "--device", "ionq.qpu", "--device-kwargs", "backend=forte-1"),
            *("--skip-ops", "--analytic", "False", "--noiseless"),
        ),
        tests="installed",
        folder="pennylane/devices/tests",
    ),
    Suite(
        "pennylane-ionq",
        "the plugin's own tests with a key, under `mock_ionq`; its CI runs them on the service",
        _PENNYLANE,
        pytest=("{tests}", "-p", "on_the_fake"),
        tests="checkout",
        folder="tests",
    ),
    Suite(
        "qiskit-ionq",
        "the provider's own tests under `mock_ionq`; they answer themselves",
        _QISKIT_IONQ,
        pytest=("{tests}", "-p", "on_the_fake"),
        tests="sdist",
        folder="test",
    ),
    Suite(
        "qiskit-ionq, on the fake's backends",
        "the same with their canned backends taken out, so that the fake is asked, without the two folders "
        "that simulate the whole width of a backend",
        _QISKIT_IONQ,
        pytest=(
            *("{tests}", "-p", "on_the_fake", "-p", "past_requests_mock"),
            *("--ignore={tests}/ionq_optimizer_plugin", "--ignore={tests}/transpile_ionq_gates"),
        ),
        tests="checkout",
        folder="test",
    ),
    Suite(
        "ionq-core",
        "the integration tests of IonQ's client, which its authors run on the service, under `mock_ionq`",
        ("ionq-core", "pytest", "pytest-asyncio", "pytest-httpx", "pytest-cov"),
        pytest=("{tests}/integration", "-p", "on_the_fake", "-o", "addopts=", "-m", "integration"),
        tests="sdist",
        folder="tests",
    ),
    Suite(
        "ionq-core, unit tests",
        "the other tests of the same client, which answer themselves, beside the toolkit",
        ("ionq-core", "pytest", "pytest-asyncio", "pytest-httpx", "pytest-cov"),
        pytest=("{tests}", "-o", "addopts=", "-m", "not integration"),
        tests="sdist",
        folder="tests",
    ),
    Suite(
        "cirq-ionq",
        "the package's own tests under `mock_ionq`; they answer themselves",
        ("cirq-ionq", "pytest"),
        pytest=("{tests}", "-p", "on_the_fake"),
        tests="installed",
        folder="cirq_ionq",
        quick=("-k", "job_test or service_test"),
    ),
    Suite(
        "cirq-ionq, as a program",
        "Cirq's IonQ guide under `mock_ionq`: run, sampler, sweeps, batches, native circuits, noise, jobs",
        ("cirq-ionq",),
        probe="cirq_guide.py",
        quick=(),
    ),
    Suite(
        "qiskit-ionq, as a program",
        "qiskit-ionq's documented flows under `mock_ionq`",
        ("qiskit-ionq",),
        probe="qiskit_ionq_flows.py",
        quick=(),
    ),
    Suite(
        "qiskit-experiments",
        "its documented flows, `experiment.run(backend)`, on the simulator, with noise, on a QPU, and native",
        ("qiskit-experiments",),
        probe="experiments.py",
    ),
    Suite(
        "qiskit-algorithms",
        "VQE, QAOA, Grover, phase and amplitude estimation, gradients; Qiskit's primitives and ours",
        ("qiskit-algorithms",),
        probe="algorithms.py",
    ),
    Suite(
        "qiskit-machine-learning",
        "kernels, estimator and sampler networks, a classifier",
        ("qiskit-machine-learning",),
        probe="machine_learning.py",
    ),
    Suite(
        "qiskit-nature",
        "the ground state of H2 by VQE with UCCSD, against exact diagonalization",
        ("qiskit-nature", "pyscf"),
        probe="nature.py",
    ),
    Suite(
        "qiskit-optimization",
        "maximum cut by QAOA, and Grover's optimizer",
        ("qiskit-optimization",),
        probe="optimization.py",
    ),
    Suite(
        "qiskit-addon-cutting",
        "a circuit cut in two, run in parts, and put together again",
        ("qiskit-addon-cutting",),
        probe="cutting.py",
    ),
    Suite(
        "mitiq",
        "ZNE, REM, DDD, PEC and CDR over the noise of `aria-1`",
        ("mitiq", "cirq-core", "ply"),
        probe="mitigation.py",
    ),
    Suite(
        "pytket-qiskit",
        "circuits compiled by pytket, on the backends and through its own wrapper",
        ("pytket-qiskit",),
        probe="tket.py",
    ),
    Suite(
        "qBraid",
        "qBraid's `IonQProvider` under `mock_ionq`: devices, four kinds of programs, batches, noise, cost",
        ("qbraid[ionq]", "cirq-core"),
        probe="qbraid_flows.py",
    ),
    Suite(
        "MQT Bench",
        "its algorithms at 4 and 6 qubits, qis and native, against bare Aer by total variation",
        ("mqt.bench",),
        probe="mqt_bench.py",
    ),
    Suite(
        "QASMBench",
        "OpenQASM 2 files, qis and native, against bare Aer by total variation; QASMBench's own with a checkout",
        ("qiskit",),
        probe="qasm_files.py",
        files=True,
        quick=("--quick",),
    ),
    Suite(
        "Aer and Qiskit tools",
        "tools that read a backend: `AerSimulator.from_backend`, `NoiseModel.from_backend`, `plot_gate_map`, "
        "dynamical decoupling, error-aware layout, all levels of the transpiler",
        ("qiskit-aer", "matplotlib"),
        probe="aer_tools.py",
        quick=(),
    ),
)

CAUSES = (
    Cause(
        "device suite, QPU$",
        "",
        "assert",
        NOISE,
        "tolerances of a device without noise: see the row without noise",
    ),
    Cause(
        "experiments",
        "",
        "rzz is supported only for angles",
        THEIRS,
        "a check of IBM's sampler, which it runs on all backends",
    ),
    Cause(
        "experiments",
        "RB.*native",
        "target basis|is not supported on qubits",
        THEIRS,
        "it knows RB of standard gates only",
    ),
    Cause(
        "machine-learning",
        "sampler_network",
        "_input_qubit_count",
        THEIRS,
        "its gradient reads a layout, which no all-to-all target gives; bare Aer's neither",
    ),
    Cause("MQT|QASM", "", "control-flow construct", LIMITS, "IonQ has no control flow by outcomes"),
    Cause(
        "MQT",
        "qaoa",
        "No counts",
        THEIRS,
        "the circuit measures nothing; bare Aer has no counts of it either",
    ),
    Cause(
        "QASM", "", "QASM2ParseError", THEIRS, "the file names a register that it does not declare"
    ),
    Cause(
        "qiskit-ionq, on",
        "test_mock",
        "google",
        THEIRS,
        "they test the guard of its conftest, which is taken out here",
    ),
    Cause(
        "cirq-ionq",
        "calibration",
        "no operation of IonQ's API",
        THEIRS,
        "it asks for paths of v0.2, which v0.4 does not have",
    ),
    Cause(
        "Aer",
        "from_backend.*native",
        "unknown instruction",
        THEIRS,
        "Aer has no native gates of IonQ",
    ),
)
