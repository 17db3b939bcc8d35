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
    }
)
