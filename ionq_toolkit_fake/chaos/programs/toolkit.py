"""A program that drives ionq_toolkit, and keeps track of each submission."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit

import ionq_toolkit as client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ionq_toolkit_fake.chaos.caller import Caller


#: The errors that the program may raise.
EXPECTED = (client.errors.IonQError,)

#: Callers may be killed: they have a journal then.
DEATHS = True

SHOTS = 10

#: The journal of a process that is killed.
_JOURNAL = "jobs.journal"

#: The actions of callers. Repeated entries are sampled more often.
_KINDS = (*("one",) * 6, "several", "several", "cancel", "dry run", "session", "task", "threads")


def program(caller: Caller) -> None:
    """Submit one or several circuits, wait until the deadline at most, and check the result."""
    # The client behaves the same over requests and without it.
    transport = caller.random.choice((client.InProcessTransport(caller.cloud), "http"))
    journal = None
    caller.folder.mkdir(exist_ok=True)
    if caller.is_mortal:
        journal = caller.folder / _JOURNAL
        caller.recovers(lambda folder: _recovered(caller, transport, folder))
    recorded: Any = transport
    if not isinstance(transport, str):
        recorded = client.RecordingTransport(transport, caller.folder / "recording.jsonl")
    with _provider(caller, recorded, journal) as provider:
        match caller.random.choice(_KINDS):
            case "one":
                _check(caller, _run(caller, provider, _flip(1)), {"1": SHOTS})
            case "several":
                job = _run(caller, provider, [_flip(1), _flip(2)])
                _check(caller, job, [{"1": SHOTS}, {"11": SHOTS}])
            case "cancel":
                job = _run(caller, provider, _flip(1))
                if job.cancel() and not job.cancelled():
                    raise AssertionError("cancel() returned True, and the job is not cancelled")
            case "dry run":
                _run(caller, provider, _flip(1), on="forte-1", dry_run=True).wait_for_final_state(
                    timeout=caller.left_s()
                )
            case "session":
                _session(caller, provider)
            case "task":
                _task(caller, provider)
            case "threads":
                ends = [
                    caller.start(functools.partial(_one, caller, provider, width))
                    for width in (1, 2)
                ]
                for end in ends:
                    end()


def _provider(caller: Caller, transport: Any, journal: Path | None) -> client.IonQProvider:  # noqa: ANN401
    return client.IonQProvider(
        caller.key,
        caller.url,
        transport=transport,
        clock=caller.cloud.clock,
        seed=caller.random.getrandbits(32),
        timeout=max(0.5, caller.deadline_s / 4),
        journal=journal,
    )


def _recovered(
    caller: Caller,
    transport: Any,  # noqa: ANN401
    folder: Path,
) -> Iterator[str | list[str] | None]:
    """Finish what a killed process left: jobs by the journal, sessions by those that there are."""
    with _provider(caller, transport, folder / _JOURNAL) as provider:
        for found in provider.recover(timeout=600):
            if found.outcome == "unknown":
                raise AssertionError(f"the submission {found.tag} is unknown: {found.reason}")
            yield found.job_id
        yield [one["id"] for one in provider.client.list_sessions()]


def _one(caller: Caller, provider: client.IonQProvider, width: int) -> None:
    _check(caller, _run(caller, provider, _flip(width)), {"1" * width: SHOTS})


def _task(caller: Caller, provider: client.IonQProvider) -> None:
    """Wait in a task, cancel it at some request, and read the result all the same."""
    job = _run(caller, provider, _flip(1))

    async def waits() -> None:
        task = asyncio.ensure_future(job.result_async(timeout=caller.left_s()))
        caller.after(caller.random.randint(1, 4), task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(waits())
    caller.sleep(caller.random.uniform(0.1, 1))  # the cancelled request may have failed
    _check(caller, job, {"1": SHOTS})


def _session(caller: Caller, provider: client.IonQProvider) -> None:
    backend = provider.get_backend("forte-1")
    try:
        # If a response is lost, the settings identify the session.
        session = client.Session(backend, max_jobs=10 + caller.number, timeout=caller.left_s() / 2)
    except client.errors.IonQSubmissionUnknownError:
        caller.unsure(lambda: [one["id"] for one in provider.client.list_sessions()])
        raise
    caller.knows(session.session_id)
    session.close()


def _run(
    caller: Caller,
    provider: client.IonQProvider,
    circuits: QuantumCircuit | list[QuantumCircuit],
    *,
    on: str = "simulator",
    dry_run: bool = False,
) -> client.IonQJob:
    backend = provider.get_backend(on)
    try:
        job = backend.run(circuits, shots=SHOTS, dry_run=dry_run, timeout=caller.left_s())
    except client.errors.IonQSubmissionUnknownError as error:
        tag, since = str(error.tag), error.since

        def find() -> str | None:
            found = provider.find_submission(tag, since=since)
            return None if found is None else found.job_id()

        caller.unsure(find)
        raise
    caller.knows(job.job_id())
    return job


def _check(caller: Caller, job: client.IonQJob, expected: object) -> None:
    counts = job.result(timeout=caller.left_s()).get_counts()
    if counts != expected:
        raise AssertionError(f"wrong counts: {counts}")


def _flip(width: int) -> QuantumCircuit:
    """Return a circuit whose only outcome is all ones."""
    circuit = QuantumCircuit(width, width, name=f"flip {width}")
    circuit.x(range(width))
    circuit.measure(range(width), range(width))
    return circuit
