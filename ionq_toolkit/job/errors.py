"""Failure: the error that says why a job has no result, or not yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit._version import __version__
from ionq_toolkit.api.record import in_words
from ionq_toolkit.clock import SHORTEST_REQUEST_S
from ionq_toolkit.errors import (
    IonQError,
    IonQJobError,
    IonQJobFailureError,
    IonQJobStateError,
    IonQJobTimeoutError,
)

if TYPE_CHECKING:
    from ionq_toolkit.api.record import JobRecord
    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.job.state import JobState


#: How many circuits of a failed job an error message names.
_MOST_NAMED = 10

#: The advice for a status that is not known.
_NEWER = f"A newer version of ionq-toolkit than {__version__} may know it."


def error_message(state: JobState) -> str | None:
    """Return why a job failed, for several circuits each; None if it has not failed."""
    if state.status is not JobStatus.ERROR:
        return None
    if state.unknown_word is not None and not state.record.has_failure:
        return str(final_error(state))
    text = in_words(*_reason(state, state.record))
    if not state.record.is_parent:
        return text
    try:
        told = _failed_circuits(state)
    except IonQError as error:
        told = [f"which circuits failed cannot be told: {error}"]
    return "; ".join([text, *told])


def _failed_circuits(state: JobState) -> list[str]:
    """Return how many of the circuits failed and, of the first of these, why each did."""
    records = state.child_records()
    failed = [record for record in records if record.apparent_state is JobStatus.ERROR]
    told = [f"{len(failed)} of {len(records)} circuits failed"]
    for record in failed[:_MOST_NAMED]:
        reason = state.client.redact(in_words(*record.failure))
        told.append(f"circuit {record.index} (job {record.job_id}): {reason}")
    if len(failed) > _MOST_NAMED:
        told.append(f"and {len(failed) - _MOST_NAMED} more")
    return told


def _reason(state: JobState, record: JobRecord) -> tuple[str | None, str]:
    code, text = record.failure
    return code and state.client.redact(code), state.client.redact(text)


def final_error(state: JobState) -> IonQJobFailureError | IonQJobStateError | IonQJobError:
    """Return the error that says why a final job has no result."""
    record, job_id = state.record, state.job_id
    if state.unknown_word is not None:
        why = f", and failed: {in_words(*_reason(state, record))}" if record.has_failure else ""
        return IonQJobError(
            f"Job {job_id} is over{why}. What its status {state.unknown_word!r} means is not "
            f"known to ionq-toolkit {__version__}: a newer version may read it. "
            "client.retrieve_job(job_id) returns what IonQ says of the job, and "
            "client.get_results(job_id) its bare histogram, if it has one.",
            job_id=job_id,
        )
    if state.status is JobStatus.CANCELLED:
        why = f" ({in_words(*_reason(state, record))})" if record.has_failure else ""
        return IonQJobStateError(
            f"Job {job_id} was cancelled{why}, so it has no result.", job_id=job_id
        )
    if not state.over:
        return IonQJobStateError(
            f"Job {job_id} is not final: it was last seen as {state.status.name}. Wait for it.",
            job_id=job_id,
        )
    if state.status is JobStatus.DONE:
        return IonQJobError(
            f"Job {job_id} is completed, and none of its circuits has a result.", job_id=job_id
        )
    code, text = _reason(state, record)
    hint = ""
    if record.is_parent:
        hint = (
            f"{'' if text.endswith(('.', '!')) else '.'} error_message() says which circuits "
            "failed, and result(partial=True) has what the others came to."
        )
    return IonQJobFailureError(
        f"Job {job_id} failed: {in_words(code, text)}{hint}",
        job_id=job_id,
        code=code,
        failure=text,
    )


def stuck_error(state: JobState) -> IonQJobError:
    """Return the error for a job that is stuck in an unknown status."""
    return IonQJobError(
        f"Job {state.job_id} has the unknown status {state.unknown_word!r}, and nothing in its "
        f"record has changed for {state.unknown_for:.0f} s. With a timeout it is waited for "
        f"longer. {_NEWER}",
        job_id=state.job_id,
    )


def timeout_error(
    state: JobState, deadline: Deadline, failure: IonQError | None = None
) -> IonQJobError | IonQJobTimeoutError:
    """Return the error that says that the time was too short.

    Args:
        state: The job as last seen.
        deadline: The deadline that has passed.
        failure: The error of the last request, if that failed.
    """
    job_id, timeout = state.job_id, deadline.timeout
    if state.unknown_word is not None and failure is None and not state.over:
        return IonQJobError(
            f"Job {job_id} has the unknown status {state.unknown_word!r} after waiting "
            f"{timeout} s. {_NEWER}",
            job_id=job_id,
        )
    last = state.client.redact(str(state.record.status)) if state.record else None
    if state.over:
        text = (
            f"Job {job_id} is {last}, and what it came to was not there after {timeout} s: "
            "ask again with a longer timeout."
        )
    else:
        seen = "was last seen as" if failure else "is"
        position = f"{seen} {last}" if last else "was not seen yet"
        waited = f"{timeout} s"
        if failure is not None and deadline.left() > SHORTEST_REQUEST_S:
            waited = f"{deadline.elapsed():.1f} of {waited}"
        text = (
            f"Job {job_id} {position} after waiting {waited}. It goes on: ask again with a "
            "longer timeout, or cancel it."
        )
    if failure is not None:
        retry_after_s = getattr(failure, "retry_after_s", None)
        if retry_after_s:
            text += f" The service asks to be left alone for {retry_after_s:g} s."
        text += f" At the end the service gave no answer: {failure}"
    return IonQJobTimeoutError(text, job_id=job_id)
