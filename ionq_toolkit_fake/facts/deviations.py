"""Where the live service is known to differ from its own API document.

The fake does as the service does. Each deviation can be left out by its name, and the document is
followed there: ``FakeIonQ(deviations=set(DEVIATIONS) - {"results-urls"})``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Deviation(NamedTuple):
    """One difference between document and service.

    Attributes:
        operations: The operations it shows in, as `METHOD /path`.
        document: The behaviour in the API document.
        service: The behaviour of the service.
        source: Who saw it.
    """

    operations: tuple[str, ...]
    document: str
    service: str
    source: str


_JOB = ("GET /jobs", "GET /jobs/<job_id>", "GET /sessions/<session_id>/jobs")
_CHARACTERIZATIONS = ("GET /backends/<backend>/characterizations",)

_VQE = "github.com/Venkatallu11/quantum-chemistry-vqe, August 2026"
_MLI = "github.com/iseungsang01/ml-intern-revision, August 2026"
_QEM = "a job of 25 August 2026 in github.com/Venkatallu11/qem-auditor"
_FLUX = "github.com/converged-computing/flux-quantum, autumn 2026"

DEVIATIONS: Mapping[str, Deviation] = MappingProxyType(
    {
        "results-urls": Deviation(
            _JOB,
            "a job's results are artifact descriptors",
            "they have entries {url} as well, which every client reads",
            "a job recorded by IonQ in qiskit-ionq's tests, June 2026",
        ),
        "failure-error": Deviation(
            _JOB,
            "a failure has code and message",
            "it has its text as error, too",
            "cirq-ionq, qiskit-ionq and qBraid read failure.error",
        ),
        "compilation-code": Deviation(
            _JOB,
            "a failure has one of 20 codes",
            "a circuit without qubits fails with UnexpectedCompilationError, which is none of them",
            "overlay of the document in ionq-core 0.2.0",
        ),
        "debiasing-false": Deviation(
            _JOB,
            "output.error_mitigation.debiasing is an object",
            "it is false where there is no debiasing",
            "overlay of the document in ionq-core 0.2.0",
        ),
        "compilation-output": Deviation(
            _JOB,
            "output.compilation has compiled_circuits and nothing else",
            "it has the compiler's settings: opt, precision, gate_basis, service_version",
            "a job of 2024 in qBraid's tests",
        ),
        "target-is-no-backend": Deviation(
            ("POST /jobs",),
            "backend is required",
            "a job with v0.3's target and no backend runs on the simulator",
            "a user's log of experiments, July 2026; the cause is not proven",
        ),
        "characterizations-null": Deviation(
            _CHARACTERIZATIONS,
            "characterizations is a list",
            "it is null where there are none",
            "qiskit-ionq, commit 8ab195c",
        ),
        "characterizations-of-any": Deviation(
            _CHARACTERIZATIONS,
            "the backend is one of two",
            "any backend is taken, even qpu.qpu, which there is not",
            "qiskit-ionq, commit 8ab195c",
        ),
        "characterizations-end": Deviation(
            _CHARACTERIZATIONS,
            "characterizations before `end`",
            "those of the day itself, too",
            "noisevault, which reads the live service",
        ),
        "characterizations-pages": Deviation(
            _CHARACTERIZATIONS,
            "pages is the number of remaining pages",
            "it is the number of all pages",
            "noisevault, which reads the live service",
        ),
        "characterizations-backfill": Deviation(
            _CHARACTERIZATIONS,
            "a record is as measured",
            "on a page of several, a missing median is that of the next newer record",
            "noisevault, which reads the live service",
        ),
        "characterization-nulls": Deviation(
            (
                *_CHARACTERIZATIONS,
                "GET /backends/<backend>/characterizations/<characterization_id>",
            ),
            "a median is a number, and stderr null as long as it is not measured",
            "a median may be null, and stderr is always 0",
            "noisevault, which reads the live service",
        ),
        "characterization-times": Deviation(
            (
                *_CHARACTERIZATIONS,
                "GET /backends/<backend>/characterizations/<characterization_id>",
            ),
            "times are whole numbers of seconds",
            "they are fractions",
            "noisevault, which reads the live service",
        ),
        "backend-noise-models": Deviation(
            ("GET /backends", "GET /backends/<backend>"),
            "a backend has no noise_models",
            "the simulator lists its own",
            "a recorded listing of 2025 in qBraid's tests; qiskit-ionq's fixtures of 2026",
        ),
        "usage-timestamps": Deviation(
            ("GET /organizations/<organization_id>/usage",),
            "`from` is a date",
            "it is a date and time",
            "overlay of the document in ionq-core 0.2.0",
        ),
        "noise-on-compiled": Deviation(
            ("POST /jobs",),
            "noise follows each gate of the circuit",
            "of a circuit in the qis gateset, each gate of the compiled one: folded gates vanish",
            f"{_VQE}: a Bell pair folded up to 81 times, 1,000,000 shots each",
        ),
        "forte-1-rates": Deviation(
            ("POST /jobs",),
            "the noise model forte-1 has the rates 0.00027 and 0.00495",
            "it has 0.000133 and 0.01413 (2026)",
            f"{_VQE}: native circuits of 1,000,000 shots",
        ),
        "compiled-quarter-turns": Deviation(
            ("POST /jobs",),
            "zz and ms take angles up to a quarter turn",
            "the compiler uses quarter turns alone: an interaction by another angle takes two",
            "circuits compiled in 2023, github.com/ionq-publications/forte_aq29_data",
        ),
        "forte-any-turns": Deviation(
            ("POST /jobs",),
            "a compiled circuit for Forte has quarter turns alone, as in 2023",
            "its zz take any angle up to a quarter turn: half as many gates, and their errors",
            "a job on qpu.forte-1, July 2026, github.com/unitaryfoundation/metriq-data; inferred",
        ),
        "qpu-loses-signal": Deviation(
            ("POST /jobs",),
            "a QPU is as good as its characterization",
            "a circuit of 128 and 32 gates keeps a third of the signal on Forte",
            f"{_MLI}: 18 jobs on qpu.forte-1; github.com/amazon-braket/amazon-braket-examples",
        ),
        "one-noise-seed": Deviation(
            ("POST /jobs",),
            "circuits of one job are simulated each by itself",
            "those that compile to the same have the same noisy results: one seed for the job",
            f"{_VQE}: 12 of 12; inferred",
        ),
        "native-angles": Deviation(
            ("POST /jobs",),
            "an angle of zz may have either sign",
            "angles of zz and ms are from 0 to 0.25; others are refused",
            f"{_VQE}: -0.25 and 1.75 were rejected",
        ),
        "bare-qpu": Deviation(
            ("POST /jobs",),
            "a backend must be one of those listed",
            'the text of the refusal ends in "See https://docs.ionq.com for valid backends."',
            "a user's log of experiments, 2026",
        ),
        "list-limit": Deviation(
            ("GET /jobs",),
            "a page has at most 25 jobs",
            "limit may be 250",
            f"{_MLI}; {_FLUX}: programs that work send 40, 100 and 250",
        ),
        "projects-object": Deviation(
            ("GET /projects",),
            "projects are a list",
            "they are in an object {projects}, and allowedTargets lists QPUs alone",
            f"{_MLI}",
        ),
        "record-of-2026": Deviation(
            _JOB,
            "a job without settings is compiled by v0.3, and shows opt",
            "a QPU's record says service_version v0.4 and has no opt; compiled circuits are there "
            "as ionq.native.v1 and ionq.qasm3.v1; predicted_quantum_compute_time_us is 0",
            _QEM,
        ),
        "symmetry-verification-shown": Deviation(
            _JOB,
            "symmetry_verification is there where it was asked for",
            "it is always there, not applied and with null states",
            _QEM,
        ),
        "prediction-is-short": Deviation(
            _JOB,
            "a job takes as long as predicted",
            "it takes longer: 6692 ms instead of 3197, and 9426 from its start to its end",
            _QEM,
        ),
        "degraded-missing": Deviation(
            ("GET /backends", "GET /backends/<backend>"),
            "degraded is required",
            "qpu.forte-enterprise-1 has none",
            "contract tests of ionq/ionq-core-python, spring 2026",
        ),
        "estimate-both-keys": Deviation(
            ("GET /jobs/estimate",),
            "estimate_context, rate_card, estimated_unit",
            "two sources disagree: input_values, rate_information, cost_unit as well",
            f"contract tests of ionq/ionq-core-python; {_FLUX}",
        ),
        "session-end-cancels": Deviation(
            ("POST /sessions/<session_id>/end",),
            "jobs in the queue of an ended session run",
            "they are canceled",
            "docs.ionq.com/llms.txt, 2026",
        ),
        "session-cost-limit-ends": Deviation(
            ("POST /jobs",),
            "a session at its cost limit refuses jobs",
            "it ends; a session that ran a job is billed at least one hour",
            f"{_FLUX}: IonQ told its author",
        ),
    }
)
