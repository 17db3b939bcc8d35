"""The table of checks: what a cloud of IonQ's API does, each with its source."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit_fake.conformance import flows
from ionq_toolkit_fake.conformance.flows import BELL, samples
from ionq_toolkit_fake.conformance.kit import LEFT_OUT, asks, fails, gives, refuses, takes
from ionq_toolkit_fake.conformance.shapes import MOMENT, NUMBER
from ionq_toolkit_fake.conformance.wire import NONE, WRONG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ionq_toolkit_fake.conformance.kit import Probe

#: The needs of a check beyond the simulator.
QPU = "qpu"


class Check(NamedTuple):
    """One expectation.

    Attributes:
        area: The part of the API.
        name: The behaviour that is expected.
        source: Where it comes from.
        probe: Yields the differences that it finds.
        deviations: Its names in the fake's table of deviations, if it is one; tests compare them.
        needs: `QPU`, or nothing.
    """

    area: str
    name: str
    source: str
    probe: Probe
    deviations: tuple[str, ...] = ()
    needs: str = ""


#: Sources.
SPEC = "API document v0.4, October 2026"
OVERLAY = "overlay of the document in ionq-core 0.2.0"
CORE = "contract tests of ionq-core-python, 2026"
KFE = "a user's log of experiments, July and August 2026"
NOISE = "https://docs.ionq.com/guides/simulation-with-noise-models"
NATIVE = "https://docs.ionq.com/api-reference/v0.3/native-gates-api"
PROGRAMS = "https://docs.ionq.com/api-reference/v0.3/writing-quantum-programs"
LIMITS = "https://docs.ionq.com/api-reference/v0.3/core-concepts"
QASM3 = "https://docs.ionq.com/api-reference/v0.4/openqasm3"
QISKIT, CIRQ = "qiskit-ionq's tests, recorded 2026", "cirq-ionq reads or sends it"
PENNYLANE = "tests of PennyLane-IonQ, which run with a key"
VQE = "github.com/Venkatallu11/quantum-chemistry-vqe, August 2026"
MLI = "github.com/iseungsang01/ml-intern-revision, August 2026"
QUELL = "github.com/magnobit/quell, September 2026"
QBRAID = "qBraid's tests, recorded 2024"
NOISEVAULT = "noisevault, which reads the live service"

_NO_JOB = "00000000-0000-4000-8000-000000000000"
_BACKEND = {
    "backend": str,
    "status": ("available", "unavailable", "retired"),
    "qubits": int,
    "average_queue_time": NUMBER,
    "last_updated": MOMENT,
}


def _circuit(*gates: dict[str, Any], gateset: str = "qis", qubits: int = 2) -> dict[str, Any]:
    return {"input": {"gateset": gateset, "qubits": qubits, "circuit": list(gates)}}


def _gate(name: str, *targets: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    one = {"target": targets[0]} if len(targets) == 1 else {"targets": list(targets)}
    return {"gate": name, **one, **fields}


_H, _X = _gate("h", 0), _gate("x", 0)
_HH = [_gate("h", 0, 1)]
_SIN, _COS = math.sin(0.5) ** 2, math.cos(0.5) ** 2

#: Circuits of `qis` gates and their probabilities, by hand: |amplitude|^2 of the matrices in
#: Qiskit's conventions, which IonQ's page on programs has too. Qubit 0 is the least significant.
_QIS: dict[str, tuple[list[dict[str, Any]], dict[int, float]]] = {
    "x": ([_X], {1: 1}),
    "not": ([_gate("not", 1)], {2: 1}),
    "y": ([_gate("y", 0)], {1: 1}),
    "h": ([_H], {0: 0.5, 1: 0.5}),
    "z": ([_H, _gate("z", 0), _H], {1: 1}),
    "s": ([_H, _gate("s", 0), _gate("s", 0), _H], {1: 1}),
    "si": ([_H, _gate("s", 0), _gate("si", 0), _H], {0: 1}),
    "t": ([_H, *[_gate("t", 0)] * 4, _H], {1: 1}),
    "ti": ([_H, _gate("s", 0), _gate("ti", 0), _gate("ti", 0), _H], {0: 1}),
    "v": ([_gate("v", 0), _gate("v", 0)], {1: 1}),
    "vi": ([_gate("v", 0), _gate("vi", 0)], {0: 1}),
    "rx": ([_gate("rx", 0, rotation=1.0)], {0: _COS, 1: _SIN}),
    "ry": ([_gate("ry", 0, rotation=1.0)], {0: _COS, 1: _SIN}),
    "rz": ([_H, _gate("rz", 0, rotation=1.0), _H], {0: _COS, 1: _SIN}),
    "cnot": ([_X, _gate("cnot", 1, control=0)], {3: 1}),
    "swap": ([_X, _gate("swap", 0, 1)], {2: 1}),
    "xx": ([_gate("xx", 0, 1, rotation=1.0)], {0: _COS, 3: _SIN}),
    "yy": ([_gate("yy", 0, 1, rotation=1.0)], {0: _COS, 3: _SIN}),
    "zz": ([*_HH, _gate("zz", 0, 1, rotation=1.0), *_HH], {0: _COS, 3: _SIN}),
    "a gate on several targets": ([_gate("x", 0, 1)], {3: 1}),
}

#: The same of native gates: angles are turns.
_NATIVE: dict[str, tuple[list[dict[str, Any]], dict[int, float]]] = {
    "gpi": ([_gate("gpi", 0, phase=0.125)], {1: 1}),
    "gpi2": ([_gate("gpi2", 1, phase=0.3)], {0: 0.5, 2: 0.5}),
    "gpi2 there and back": ([_gate("gpi2", 0, phase=0.1), _gate("gpi2", 0, phase=0.6)], {0: 1}),
    "ms": ([_gate("ms", 0, 1, phases=[0, 0])], {0: 0.5, 3: 0.5}),
    "ms by an angle": (
        [_gate("ms", 0, 1, phases=[0, 0], angle=0.125)],
        {0: math.cos(math.pi / 8) ** 2, 3: math.sin(math.pi / 8) ** 2},
    ),
    "zz by an angle": (
        [
            *(_gate("gpi2", q, phase=0) for q in (0, 1)),
            _gate("zz", 0, 1, angle=0.125),
            *(_gate("gpi2", q, phase=0.5) for q in (0, 1)),
        ],
        {0: math.cos(math.pi / 8) ** 2, 3: math.sin(math.pi / 8) ** 2},
    ),
    "a phase beyond a turn": ([_gate("gpi2", 0, phase=1.25), _gate("gpi2", 0, phase=0.75)], {0: 1}),
}


def _left(rate: float, gates: int) -> float:
    """Return the share of 00 after so many depolarised gates that do nothing together."""
    kept = (1 - rate) ** gates
    return kept + (1 - kept) / 4


_SHOTS = 10_000
_ZZ = _circuit(*[_gate("zz", 0, 1, angle=0.25)] * 40, gateset="native")
_MS = _circuit(*[_gate("ms", 0, 1, phases=[0, 0])] * 40, gateset="native")
_XX_BELL = [*BELL, *_HH]
_FOLDED = [BELL[0], *[BELL[1]] * 41, *_HH]
_METADATA = {f"k{number}": "v" for number in range(11)}


def _refusals() -> Iterator[tuple[str, str, Probe]]:
    """Yield name, source and probe of each refusal of POST /jobs."""
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        "no type": ("type", {"type": LEFT_OUT}),
        "an unknown type": ("type", {"type": "ionq.circuit.v9"}),
        "an unknown backend": ("backend", {"backend": "no-such-backend"}),
        "an input that is a list": ("input", {"input": []}),
        "no input": ("input", {"input": LEFT_OUT}),
        "circuits where one circuit belongs": ("circuit", {"input": {"circuits": []}}),
        "circuit and circuits together": (
            "circuit",
            {"input": {"qubits": 1, "circuit": [], "circuits": [{"circuit": []}]}},
        ),
        "0 shots": ("shots", {"shots": 0}),
        "1,000,001 shots": ("shots", {"shots": 1_000_001}),
        "half a shot": ("shots", {"shots": 0.5}),
        "an unknown noise model": ("noise", {"noise": {"model": "no-such-model"}}),
        "an unknown gate": ("gate", _circuit(_gate("no-such-gate", 0))),
        "an unknown gateset": ("gateset", _circuit(gateset="no-such-gateset")),
        "a rotation without an angle": ("rotation", _circuit(_gate("rx", 0))),
        "a qubit that the circuit does not have": ("circuit", _circuit(_gate("x", 2))),
        "a gate on one qubit twice": ("circuit", _circuit(_gate("cnot", 0, control=0))),
        "a cnot without control": ("control", _circuit(_gate("cnot", 0))),
        "a native gate without a phase": ("phase", _circuit(_gate("gpi", 0), gateset="native")),
        "metadata that are no text": ("metadata", {"metadata": {"a": 1}}),
    }
    for name, (field, change) in changes.items():
        yield name, SPEC, refuses(field, change)
    yield "a body that is no JSON", SPEC, refuses("", b'{"type":')
    yield "a body that is a list", SPEC, refuses("", b"[]")
    yield "more than 10 metadata", LIMITS, refuses("metadata", {"metadata": _METADATA})


_LOST = f"/jobs/{_NO_JOB}"
_OF_A_JOB = (
    *(f"GET {_LOST}", f"DELETE {_LOST}", f"PUT {_LOST}/status/cancel", f"GET {_LOST}/cost"),
    *(f"GET {_LOST}/results/probabilities", f"GET {_LOST}/artifacts/{_NO_JOB}"),
)
_AS_XX = (1 + 0.985492) / 2
_SIMULATOR = {**_BACKEND, "backend": "simulator", "qubits": 29, "noise_models": [str]}
_OLD_SHAPE = {"characterizations": None, "pages": 0}
_ESTIMATE = {"estimated_total_cost": 0, "estimated_at": MOMENT, "rate_card": dict}
_COMPILATION = {"precision": str, "gate_basis": str, "service_version": str}
_FAILURES = ("UnexpectedCompilationError", "CompilationError", "PreflightError")
_URL = re.compile("/v0.4/jobs/[0-9a-f-]{36}/results/probabilities")
_NO_PROGRAM = {"type": "ionq.qasm3.v1", "input": {"data": "no program"}}
_NO_KEYS = (("no key", NONE), ("a wrong key", WRONG))


def _sampled(gates: dict[str, Any], model: str, outcomes: list[int], share: float) -> Probe:
    return samples({**gates, "shots": _SHOTS, "noise": {"model": model}}, outcomes, share)


# fmt: off
#: The checks by their areas, in the order in which they are run.
_ROWS: dict[str, list[tuple[Any, ...]]] = {
    "service": [
        ("GET /health passes", QISKIT, asks("GET /health", 200, {"status": "pass"})),
        ("GET /whoami shows the key's id, name and project", SPEC,
         asks("GET /whoami", 200, {"key_id": str, "key_name": str, "project_id?": (str, None)})),
        ("GET /projects has an object of projects", MLI,
         asks("GET /projects", 200, {"projects": [{"name": str, "allowedTargets": [str]}]}),
         ("projects-object",)),
        ("an unknown path is not found", SPEC, asks("GET /no-such-path", 404)),
    ],
    "keys": [
        (f"{request} with {word} is answered by 401", SPEC, asks(request, 401, key=key))
        for request in ("GET /whoami", "GET /jobs", f"GET {_LOST}") for word, key in _NO_KEYS
    ],
    "backends": [
        ("GET /backends needs no key", SPEC, asks("GET /backends", 200, [_BACKEND], key=NONE)),
        ("the simulator has 29 qubits and lists noise models", QISKIT,
         asks("GET /backends/simulator", 200, _SIMULATOR, key=NONE), ("backend-noise-models",)),
        ("a QPU of another name has characterizations null", QISKIT,
         asks("GET /backends/qpu.qpu/characterizations", 200, _OLD_SHAPE, key=NONE),
         ("characterizations-of-any", "characterizations-null")),
        ("a characterization has medians, stderr 0 and times in fractions", NOISEVAULT,
         flows.characterization_form, ("characterization-times", "characterization-nulls")),
        ("characterizations to `end` have that day; pages counts all", NOISEVAULT,
         flows.characterized_days, ("characterizations-end", "characterizations-pages")),
        ("qpu.forte-enterprise-1 is listed without degraded", CORE,
         flows.degraded, ("degraded-missing",)),
    ],
    "refusals": [
        *((f"refused: {name}", source, probe) for name, source, probe in _refusals()),
        ("refused: a native zz by a negative angle", VQE,
         refuses("angle", _circuit(_gate("zz", 0, 1, angle=-0.25), gateset="native")),
         ("native-angles",)),
        ("a bare qpu is refused with the address of the list of backends", KFE,
         refuses("https://docs.ionq.com", {"backend": "qpu", "dry_run": True}), ("bare-qpu",)),
        *((f"{request} of an unknown job is answered by 404", SPEC, asks(request, 404))
          for request in _OF_A_JOB),
        ("fails: a circuit wider than the simulator", SPEC,
         fails(_circuit(_gate("x", 0), qubits=30), "NotEnoughQubits", "SimulationError")),
        ("fails: a circuit without qubits", OVERLAY,
         fails({"input": {"circuit": BELL}}, "UnexpectedCompilationError"), ("compilation-code",)),
    ],
    "tolerances": [
        ("shots may be text", CIRQ, takes({"shots": "100"})),
        ("a seed may be null", QISKIT, takes({"noise": {"model": "ideal", "seed": None}})),
        ("unknown fields are ignored", CIRQ, takes({"lang": "json"})),
        ("dry_run may be false", QISKIT, takes({"dry_run": False})),
        ("a target without a backend means the simulator", KFE,
         takes({"backend": LEFT_OUT, "target": "simulator"}, {"backend": "simulator"}),
         ("target-is-no-backend",)),
        ("a list may be filtered by an unknown status", CIRQ, asks("GET /jobs?status=queued", 200)),
        ("a page may have 100 jobs", MLI, asks("GET /jobs?limit=100", 200), ("list-limit",)),
    ],
    "gates": [
        *((f"qis: {name}", PROGRAMS, gives(*one)) for name, one in _QIS.items()),
        ("qis: several controls", PROGRAMS,
         gives([_gate("x", 0, 1), _gate("x", 2, controls=[0, 1])], {7: 1}, qubits=3)),
        ("qis: four equal outcomes have 0.25 each", PENNYLANE,
         gives(_HH, dict.fromkeys(range(4), 0.25))),
        ("qis: pauliexp whose terms do not commute is one step of Trotter", PENNYLANE,
         gives([_gate("pauliexp", 0, terms=["X", "Z"], coefficients=[1.0, 1.0], time=0.5)],
               {0: _COS, 1: _SIN})),
        *((f"native: {name}", NATIVE, gives(*one, "native")) for name, one in _NATIVE.items()),
    ],
    "jobs": [
        ("an ideal job: its record", SPEC, flows.record_of_a_job),
        ("results have URLs beside descriptors", QISKIT,
         takes({}, {"results": {"probabilities": {"url": _URL}}}), ("results-urls",)),
        ("each descriptor names an artifact", SPEC, flows.artifacts),
        ("a failure has its text as error", CIRQ,
         fails({"input": {"circuit": BELL}}, *_FAILURES, error=str), ("failure-error",)),
        ("debiasing off is false", OVERLAY,
         takes({"settings": {"error_mitigation": {"debiasing": False}}},
               {"output": {"error_mitigation": {"debiasing": False}}}), ("debiasing-false",)),
        ("the compiler's settings are shown", QBRAID,
         takes({}, {"output": {"compilation": _COMPILATION}}), ("compilation-output",)),
        ("a job from creation to deletion", SPEC, flows.life_of_a_job),
        ("pages of a list", SPEC, flows.pages),
        ("several are canceled, though completed, and deleted", CIRQ, flows.several_at_once),
        ("a job of several circuits", QISKIT, flows.children),
        ("a clone", SPEC, flows.clones),
        ("probabilities of a Bell pair are 0.5 and 0.5", PENNYLANE, gives(BELL, {0: 0.5, 3: 0.5})),
        ("compiled circuits are gone", QISKIT, asks(f"GET {_LOST}/circuits/native", 410)),
    ],
    "noise": [
        ("counts, shots and probabilities agree", NOISE, flows.noisy_counts),
        ("a seed repeats the noise", PENNYLANE, flows.seeds),
        ("equal circuits of a job have equal noise", VQE,
         flows.one_seed_per_job, ("one-noise-seed",)),
        ("aria-1 errs in 1.33 % of native gates on two qubits", NOISE,
         _sampled(_MS, "aria-1", [0], _left(0.0133, 40))),
        ("forte-1 errs in 1.413 % of native gates on two qubits", VQE,
         _sampled(_ZZ, "forte-1", [0], _left(0.01413, 40)), ("forte-1-rates",)),
        ("a Bell pair read as XX under aria-1 keeps 0.9855", VQE,
         _sampled(_circuit(*_XX_BELL), "aria-1", [0, 3], _AS_XX)),
        ("the same with its cnot 41 times: the compiler folds it", VQE,
         _sampled(_circuit(*_FOLDED), "aria-1", [0, 3], _AS_XX), ("noise-on-compiled",)),
    ],
    "programs": [
        ("OpenQASM 3: registers by their names", QASM3, flows.registers),
        ("OpenQASM 3: an invalid program is accepted, and fails", QASM3,
         fails(_NO_PROGRAM, "PreflightError", "CompilationError", "InvalidInput")),
    ],
    "sessions": [("a session of the simulator", CORE, flows.sessions)],
    "costs": [
        ("the simulator is free", OVERLAY, flows.free_of_charge),
        ("an estimate for the simulator is 0", SPEC,
         asks("GET /jobs/estimate?backend=simulator&shots=100&qubits=2", 200, _ESTIMATE)),
    ],
    "v0.3": [
        ("a job, which v0.4 sees as well", QUELL, flows.old_job),
        ("a refusal names target", SPEC, flows.old_refusal),
        ("characterizations by milliseconds", QBRAID, flows.old_characterizations),
    ],
    "qpu": [
        ("an estimate has price and rates", SPEC, flows.estimate_of_a_qpu, (), QPU),
        ("a dry run is priced, and has no results", QISKIT,
         flows.dry_run, ("record-of-2026",), QPU),
        ("a paid job", SPEC, flows.paid_job, (), QPU),
    ],
}
# fmt: on

CHECKS = tuple(Check(area, *row) for area, rows in _ROWS.items() for row in rows)
