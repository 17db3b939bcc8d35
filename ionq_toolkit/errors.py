"""Everything the client raises, in one tree.

::

    IonQError                             (qiskit.exceptions.QiskitError)
    |-- IonQCredentialsError              no usable key or URL
    |-- IonQBackendError                  a backend used in a way it cannot serve
    |   `-- IonQBackendNotFoundError      no backend of that name (QiskitBackendNotFoundError)
    |-- IonQClientError                   no usable reply
    |   |-- IonQConnectionError           the service was not reached, or the connection broke
    |   |   `-- IonQSubmissionUnknownError  whether there is a job or session is not known
    |   `-- IonQResponseError             the reply is not what the API promises
    |-- IonQAPIError                      the service refused: `status_code` says how
    |   `-- IonQRetriableError            for now: the same request may be taken later
    |-- IonQGateError                     a gate that cannot be sent (JobError)
    |-- IonQMidCircuitMeasurementError    a gate after a measurement (JobError)
    |-- IonQJobError                      a job used wrongly, or unreadable (JobError)
    |-- IonQJobFailureError               the job failed: `code` and `failure` say why (JobError)
    |-- IonQJobStateError                 the job's state does not allow this (JobError)
    `-- IonQJobTimeoutError               the job was not final in time (JobTimeoutError)

The names, and the four job errors being siblings under `qiskit.providers.JobError`,
are those of qiskit-ionq, except that there `IonQRetriableError` is not an `IonQAPIError`.
Every error can be pickled with all it carries, and none carries an API key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobTimeoutError
from qiskit.providers.exceptions import QiskitBackendNotFoundError

if TYPE_CHECKING:
    from datetime import datetime


class IonQError(QiskitError):
    """The root of all errors of this package.

    Attributes:
        message: What went wrong and what to do about it.
        job_id: The IonQ job concerned, or None.
        status_code: The HTTP status of the reply that it is about, or None.
        code: IonQ's code for what went wrong, or None.
        request_id: The service's id of the request, or None.
    """

    status_code: int | None = None
    code: str | None = None
    request_id: str | None = None

    def __init__(self, message: str, *, job_id: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id

    def __str__(self) -> str:
        return str(self.message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"


class IonQCredentialsError(IonQError):
    """There is no usable API key or URL."""


class IonQBackendError(IonQError):
    """A backend was used in a way it cannot serve."""


class IonQBackendNotFoundError(IonQBackendError, QiskitBackendNotFoundError):
    """There is no backend of that name."""


class IonQClientError(IonQError):
    """A request brought no usable reply."""


class IonQConnectionError(IonQClientError):
    """The service was not reached, or the connection broke before the reply was complete.

    For a request that changes something this leaves open whether it did, unless nothing was sent.

    Attributes:
        nothing_sent: Whether no connection came about, so that the request had no effect.
    """

    def __init__(
        self, message: str, *, nothing_sent: bool = False, job_id: str | None = None
    ) -> None:
        super().__init__(message, job_id=job_id)
        self.nothing_sent = nothing_sent


class IonQSubmissionUnknownError(IonQConnectionError):
    """Whether there is now a job, or a session, is not known: do not submit it again blindly.

    The answer to the submission was lost, or came from something in front of the service, and what
    was submitted was looked for and not found, so far. `IonQProvider.find_submission`
    looks for a job again, at any time and in any process.

    Attributes:
        tag: What the job is found by; None for a session, which carries nothing.
        since: A time on the service's clock before the job was submitted, or None if none is
            known: with it, the search for the job is short.
        candidates: Ids of several sessions any of which may be the one.
    """

    def __init__(
        self,
        message: str,
        *,
        tag: str | None = None,
        since: datetime | None = None,
        candidates: tuple[str, ...] = (),
        nothing_sent: bool = False,
        job_id: str | None = None,
    ) -> None:
        super().__init__(message, nothing_sent=nothing_sent, job_id=job_id)
        self.tag = tag
        self.since = since
        self.candidates = candidates


class IonQResponseError(IonQClientError):
    """The reply is not what the API promises.

    Attributes:
        status_code: HTTP status code of the reply.
        request_id: The service's id of the request, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 0,
        request_id: str | None = None,
        job_id: str | None = None,
    ) -> None:
        super().__init__(message, job_id=job_id)
        self.status_code = status_code
        self.request_id = request_id


class IonQAPIError(IonQError):
    """The service refused a request.

    Attributes:
        status_code: HTTP status code.
        error_type: IonQ's short name of the error, such as ``Bad Request``, or None.
        code: IonQ's code of the error, or None: most refusals have none.
        detail: IonQ's own message.
        request_id: IonQ's id of the request, to quote to their support, or None.
    """

    status_code: int

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 0,
        error_type: str | None = None,
        code: str | None = None,
        detail: str = "",
        request_id: str | None = None,
        job_id: str | None = None,
    ) -> None:
        super().__init__(message, job_id=job_id)
        self.status_code = status_code
        self.error_type = error_type
        self.code = code
        self.detail = detail
        self.request_id = request_id


class IonQRetriableError(IonQAPIError):
    """The service refused for now: it is overloaded, or something in front of it has trouble.

    A request that changes something may have taken effect all the same, as a gateway may have
    answered in the service's place: look before sending it again. After 425 and 429 it has not.

    Attributes:
        retry_after_s: Seconds after which the service asks to be tried again, or None if it
            does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 0,
        error_type: str | None = None,
        code: str | None = None,
        detail: str = "",
        request_id: str | None = None,
        job_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(
            message,
            status_code=status_code,
            error_type=error_type,
            code=code,
            detail=detail,
            request_id=request_id,
            job_id=job_id,
        )
        self.retry_after_s = retry_after_s


class IonQGateError(IonQError, JobError):
    """A gate cannot be sent to an IonQ backend.

    Attributes:
        gate_name: Qiskit's name of the gate.
        gateset: The IonQ gateset asked for.
    """

    def __init__(self, message: str, *, gate_name: str = "", gateset: str = "qis") -> None:
        super().__init__(message)
        self.gate_name = gate_name
        self.gateset = gateset


class IonQMidCircuitMeasurementError(IonQError, JobError):
    """A gate acts on a qubit after its measurement.

    Attributes:
        qubit_index: The qubit that was measured before.
        gate_name: Qiskit's name of the gate.
    """

    def __init__(self, message: str, *, qubit_index: int = -1, gate_name: str = "") -> None:
        super().__init__(message)
        self.qubit_index = qubit_index
        self.gate_name = gate_name


class IonQJobError(IonQError, JobError):
    """A job was used wrongly, or its record or result cannot be read."""


class IonQJobFailureError(IonQError, JobError):
    """The job failed on IonQ's side.

    Attributes:
        code: IonQ's failure code, such as ``NotEnoughQubits``, or None.
        failure: IonQ's text of the failure.
    """

    def __init__(
        self,
        message: str,
        *,
        job_id: str | None = None,
        code: str | None = None,
        failure: str = "",
    ) -> None:
        super().__init__(message, job_id=job_id)
        self.code = code
        self.failure = failure


class IonQJobStateError(IonQError, JobError):
    """The job's state does not allow what was asked, such as the result of a cancelled job."""


class IonQJobTimeoutError(IonQError, JobTimeoutError):
    """The job was not final within the time allowed; it goes on, and can be asked again."""


__all__ = [
    "IonQAPIError",
    "IonQBackendError",
    "IonQBackendNotFoundError",
    "IonQClientError",
    "IonQConnectionError",
    "IonQCredentialsError",
    "IonQError",
    "IonQGateError",
    "IonQJobError",
    "IonQJobFailureError",
    "IonQJobStateError",
    "IonQJobTimeoutError",
    "IonQMidCircuitMeasurementError",
    "IonQResponseError",
    "IonQRetriableError",
    "IonQSubmissionUnknownError",
]
