"""The exceptions of the client, in one tree.

::

    IonQError                             (qiskit.exceptions.QiskitError)
    |-- IonQCredentialsError              no usable key or URL
    |-- IonQBackendError                  a backend used in a way it cannot serve
    |   `-- IonQBackendNotFoundError      no backend of that name (QiskitBackendNotFoundError)
    |-- IonQJournalError                  the journal of submissions cannot be used
    |-- IonQClientError                   no usable response
    |   |-- IonQConnectionError           the service was not reached, or the connection broke
    |   |   `-- IonQSubmissionUnknownError  whether there is a job or session is not known
    |   `-- IonQResponseError             the response is not what the API promises
    |-- IonQAPIError                      the service refused: `status_code` says how
    |   `-- IonQRetriableError            for now: the same request may be taken later
    |-- IonQGateError                     a gate that cannot be sent (JobError)
    |-- IonQMidCircuitMeasurementError    a gate after a measurement (JobError)
    |-- IonQJobError                      a job used wrongly, or unreadable (JobError)
    |-- IonQJobFailureError               the job failed: `code` and `failure` say why (JobError)
    |-- IonQJobStateError                 the job's state does not allow this (JobError)
    `-- IonQJobTimeoutError               the job was not final in time (JobTimeoutError)

::

    from ionq_toolkit import errors

    cloud.fail(backend.run(circuit, name="late").job_id(), "SystemCancel")
    try:
        provider.jobs(name="late")[0].result()
    except errors.IonQJobFailureError as error:
        error.code  # -> 'SystemCancel'

The names, and the four job errors being siblings under `qiskit.providers.JobError`,
are those of qiskit-ionq, except that there `IonQRetriableError` is not an `IonQAPIError`.
Every error can be pickled with all it carries, and none carries an API key.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobTimeoutError
from qiskit.providers.exceptions import QiskitBackendNotFoundError

from ionq_toolkit.tracebacks import hide_frames, render

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


def printable(text: str) -> str:
    r"""Return a text with its control characters and marks of direction written as escapes.

    A text of the service must not act on a terminal, or begin a new line of a log.

    ::

        printable("two\nlines")  # -> 'two\\nlines'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\t" else repr(one)[1:-1] for one in text)


#: The most characters of a message, with texts of the service in it.
MOST_CHARACTERS = 10_000


def _shortened(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[: MOST_CHARACTERS - 40]} ... of {len(text)} characters"


class IonQError(QiskitError):
    """The root of all errors of this package.

    Each attribute can be given by its name: ``IonQError(message, job_id=...)``.

    Attributes:
        message: The error, and advice.
        job_id: The IonQ job concerned, or None.
        status_code: The HTTP status of the response concerned, or None.
        code: IonQ's code of the error, or None.
        request_id: The service's id of the request, or None.
    """

    message: str
    job_id: str | None = None
    status_code: int | None = None
    code: str | None = None
    request_id: str | None = None

    def __init__(self, message: str, **fields: object) -> None:
        if isinstance(message, str):
            message = _shortened(printable(_shortened(message)))
        super().__init__(message)
        for name, value in fields.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no attribute {name!r}")
            setattr(self, name, value)
        hide_frames(self)

    def _render_traceback_(self) -> list[str]:
        """Return the traceback that IPython shows: it ends at the caller's own line."""
        return render(self)

    def __str__(self) -> str:
        return str(self.message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"


class IonQCredentialsError(IonQError):
    """The API key or URL is missing or unusable."""


class IonQBackendError(IonQError):
    """A backend was used in a way it cannot serve."""


class IonQBackendNotFoundError(IonQBackendError, QiskitBackendNotFoundError):
    """No backend has that name."""


class IonQJournalError(IonQError):
    """The journal of submissions cannot be read or written; nothing was sent."""


class IonQClientError(IonQError):
    """A request brought no usable response."""


class IonQConnectionError(IonQClientError):
    """The service was not reached, or the connection broke before the response was complete.

    A request that changes something may have taken effect, unless nothing was sent.

    Attributes:
        nothing_sent: Whether no connection was made, so that the request had no effect.
    """

    nothing_sent: bool = False


class IonQSubmissionUnknownError(IonQConnectionError):
    """Whether a job or session was created is not known: do not submit it again blindly.

    The response to the submission was lost, or came from something in front of the service, and
    the client searched for the job or session without finding it so far.
    `IonQProvider.find_submission` searches for a job again, at any time and in any process.

    Attributes:
        tag: The tag that the job can be found by; None for a session, which has no tag.
        since: A time on the service's clock before the job was submitted, which makes the search
            for the job short, or None.
        candidates: Ids of several sessions any of which may be the one.
    """

    tag: str | None = None
    since: datetime | None = None
    candidates: tuple[str, ...] = ()


class IonQResponseError(IonQClientError):
    """The response is not what the API promises.

    Attributes:
        status_code: HTTP status code of the response.
        request_id: The service's id of the request, or None.
    """

    status_code: int = 0


class IonQAPIError(IonQError):
    """The service refused a request.

    Attributes:
        status_code: HTTP status code.
        error_type: IonQ's short name of the error, such as ``Bad Request``, or None.
        code: IonQ's code of the error, or None: most refusals have none.
        detail: IonQ's own message.
        request_id: IonQ's id of the request, to quote to their support, or None.
    """

    status_code: int = 0
    error_type: str | None = None
    detail: str = ""


class IonQRetriableError(IonQAPIError):
    """The service refused for now: it is overloaded, or something in front of it has trouble.

    A request that changes something may have taken effect, since a gateway may have answered
    instead of the service: look before sending it again. After 425 and 429 it has not.

    Attributes:
        retry_after_s: Seconds after which the service asks to be tried again, or None.
    """

    retry_after_s: float | None = None


class IonQGateError(IonQError, JobError):
    """A gate cannot be sent to an IonQ backend.

    Attributes:
        gate_name: Qiskit's name of the gate.
        gateset: The IonQ gateset asked for.
    """

    gate_name: str = ""
    gateset: str = "qis"


class IonQMidCircuitMeasurementError(IonQError, JobError):
    """A gate acts on a qubit after its measurement.

    Attributes:
        qubit_index: The qubit that was measured before.
        gate_name: Qiskit's name of the gate.
    """

    qubit_index: int = -1
    gate_name: str = ""


class IonQJobError(IonQError, JobError):
    """A job was used wrongly, or its record or result cannot be read."""


class IonQJobFailureError(IonQError, JobError):
    """The job failed on IonQ's side.

    Attributes:
        code: IonQ's failure code, such as ``NotEnoughQubits``, or None.
        failure: IonQ's text of the failure.
    """

    failure: str = ""


class IonQJobStateError(IonQError, JobError):
    """The job's state does not allow what was asked, such as the result of a cancelled job."""


class IonQJobTimeoutError(IonQError, JobTimeoutError):
    """The job was not final within the time allowed. It keeps running; wait for it again."""


def did_you_mean(word: str, choices: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> str:
    """Return " Did you mean ...?" with the choices closest to `word`, or "" if none is close.

    ::

        did_you_mean("fort-1", ["forte-1", "aria-1"])  # -> " Did you mean 'forte-1'?"

    Args:
        word: The word that is not one of the choices.
        choices: The valid words.
        most: The number of choices to name at the most.
        cutoff: The similarity that a choice needs, from 0 to 1.
    """
    near = difflib.get_close_matches(word, list(choices), n=most, cutoff=cutoff)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
