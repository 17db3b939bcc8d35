"""ionq-core's sessions: its manager, their limits, their jobs."""

from datetime import UTC, datetime, timedelta

import pytest
from ionq_core import IonQError, SessionManager, aiter_session_jobs, iter_jobs, iter_session_jobs
from ionq_core.api.default import (
    create_job,
    create_session,
    end_session,
    get_session,
    get_session_jobs,
    get_sessions,
)
from ionq_core.exceptions import BadRequestError
from ionq_core.models import CircuitJobCreationPayload, CreateSessionRequest

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def payload(job_body):
    """Build a job in a session."""

    def build(session_id, backend="qpu.forte-1", **fields):
        body = job_body(backend=backend, shots=10, session_id=session_id, **fields)
        return CircuitJobCreationPayload.from_dict(body)

    return build


def test_the_manager_opens_a_session_and_ends_it(client, cloud, payload):
    with SessionManager(client, "qpu.forte-1") as manager:
        assert manager.status() == "created"
        cloud.clock.sleep(60)
        created = create_job.sync(client=client, body=payload(manager.session_id))
        assert created.session_id == manager.session_id
        assert manager.status() == "started"
        cloud.clock.sleep(60)
    session = get_session.sync(manager.session_id, client=client)
    assert (session.status, session.active, session.backend) == ("ended", False, "qpu.forte-1")
    assert (session.created_at, session.started_at, session.ended_at) == (
        START,
        START + timedelta(minutes=1),
        START + timedelta(minutes=2),
    )
    assert session.ender_id == session.creator_id is not None


def test_the_manager_works_asynchronously(cloud, asynchronously, payload):
    async def work(client):
        async with SessionManager(client, "qpu.forte-1", max_jobs=11) as manager:
            before = await manager.async_status()
            body = payload(manager.session_id)
            ids = [(await create_job.asyncio(client=client, body=body)).id for _ in range(11)]
            during = await manager.async_status()
        found = [job.id async for job in aiter_session_jobs(client, manager.session_id, limit=4)]
        return [before, during, await manager.async_status()], ids, found

    statuses, ids, found = asynchronously(cloud, work)
    assert statuses == ["created", "started", "ended"]
    assert found == ids[::-1]


def test_a_session_is_found_again_by_its_id(client):
    first = SessionManager(client, "qpu.forte-1")
    first.open()
    again = SessionManager.from_id(client, first.session_id)
    again.close()
    assert first.status() == "ended"
    with pytest.raises(IonQError, match="already open"):
        first.open()


def test_a_session_takes_no_more_jobs_than_its_limit(client, payload):
    with SessionManager(client, "qpu.forte-1", max_jobs=2) as manager:
        body = payload(manager.session_id)
        for _ in range(2):
            create_job.sync(client=client, body=body)
        with pytest.raises(BadRequestError, match="has had its 2 jobs"):
            create_job.sync(client=client, body=body)


def test_a_session_ends_by_itself_after_its_minutes(client, cloud, payload):
    with SessionManager(client, "qpu.forte-1", max_time=3) as manager:
        session = get_session.sync(manager.session_id, client=client)
        expires = START + timedelta(minutes=3)
        assert (session.settings.duration_limit_min, session.settings.expires_at) == (3, expires)
        cloud.clock.sleep(179)
        create_job.sync(client=client, body=payload(manager.session_id))
        cloud.clock.sleep(300)
        with pytest.raises(BadRequestError, match="has ended"):
            create_job.sync(client=client, body=payload(manager.session_id))
    session = get_session.sync(manager.session_id, client=client)
    assert (session.ended_at, session.ender_id) == (expires, None)


def test_a_session_takes_no_job_that_it_cannot_pay(client, payload):
    with SessionManager(client, "qpu.forte-1", max_cost=60.0) as manager:
        limit = get_session.sync(manager.session_id, client=client).settings.cost_limit
        assert (limit.value, limit.unit) == (60.0, "usd")
        for _ in range(2):  # 25.79 USD each
            create_job.sync(client=client, body=payload(manager.session_id))
        with pytest.raises(BadRequestError, match="cost limit"):
            create_job.sync(client=client, body=payload(manager.session_id))


def test_a_session_takes_jobs_for_its_machine_and_as_long_as_it_is_there(client, payload):
    manager = SessionManager(client, "qpu.forte-1")
    manager.open()
    with pytest.raises(BadRequestError, match=r"for qpu\.forte-1, not for simulator"):
        create_job.sync(client=client, body=payload(manager.session_id, backend="simulator"))
    assert manager.status() == "created"
    manager.close()
    with pytest.raises(BadRequestError, match="has ended"):
        create_job.sync(client=client, body=payload(manager.session_id))
    with pytest.raises(BadRequestError, match="there is no session"):
        create_job.sync(client=client, body=payload("no-such-session"))


def test_the_simulator_has_sessions_as_a_qpu_has(client, payload):
    """As ionq-core's integration tests, which IonQ runs with a key, have it."""
    with SessionManager(client, "simulator", max_jobs=1) as manager:
        assert manager.status() in {"created", "started"}
        job = create_job.sync(client=client, body=payload(manager.session_id, backend="simulator"))
        listed = get_session_jobs.sync(manager.session_id, client=client)
        assert [one.id for one in listed.jobs] == [job.id]
        with pytest.raises(BadRequestError, match="has had its 1 jobs"):
            create_job.sync(client=client, body=payload(manager.session_id, backend="simulator"))
    assert get_session.sync(manager.session_id, client=client).status == "ended"


def test_ending_a_session_again_changes_nothing(client, cloud):
    body = CreateSessionRequest(backend="qpu.forte-1")
    session = create_session.sync(client=client, body=body)
    ended = end_session.sync(session.id, client=client)
    cloud.clock.sleep(60)
    assert end_session.sync(session.id, client=client) == ended
    assert ended.ended_at == START


def test_sessions_are_listed_by_whether_they_are_active(client):
    body = CreateSessionRequest(backend="qpu.forte-1")
    ids = [create_session.sync(client=client, body=body).id for _ in range(3)]
    end_session.sync(ids[1], client=client)

    def listed(**options):
        return [session.id for session in get_sessions.sync(client=client, **options).sessions]

    assert listed() == ids[::-1]
    assert listed(active=True) == [ids[2], ids[0]]
    assert listed(active=False) == [ids[1]]


def test_the_jobs_of_a_session_are_filtered_and_paged(client, payload, job_body):
    manager = SessionManager(client, "qpu.forte-1")
    manager.open()
    body = payload(manager.session_id)
    inside = [create_job.sync(client=client, body=body).id for _ in range(5)]
    outside = CircuitJobCreationPayload.from_dict(job_body(backend="qpu.forte-1"))
    create_job.sync(client=client, body=outside)
    too_wide = payload(manager.session_id)
    too_wide.input_.qubits = 40
    failed = create_job.sync(client=client, body=too_wide).id

    def listed(**options):
        return [job.id for job in iter_session_jobs(client, manager.session_id, **options)]

    assert listed(limit=2) == [failed, *inside[::-1]]
    assert listed(status="completed", limit=2) == inside[::-1]
    assert listed(status="failed") == [failed]
    assert listed(target="simulator") == []
    assert [job.id for job in iter_jobs(client, session_id=manager.session_id)] == listed()
    page = get_session_jobs.sync(manager.session_id, client=client, ids=inside[:2])
    assert [job.id for job in page.jobs] == inside[1::-1]
