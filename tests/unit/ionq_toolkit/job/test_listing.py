"""Finding jobs: filters, pages, and jobs that nothing more is asked about."""

import logging
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from clouds import RECORD, Scripted
from hypothesis import given
from hypothesis import strategies as st
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQProvider, errors
from ionq_toolkit_fake import FakeIonQ, faults

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def record(number, **others):
    submitted = (NOON - timedelta(minutes=number)).isoformat()
    return {**RECORD, "id": f"job-{number}", "submitted_at": submitted, **others}


class Pages:
    """A service with a list of jobs, the newest first, on pages of `limit`."""

    def __init__(self, records):
        self.records, self.queries = records, []

    def handle(self, method, url, headers, body, timeout):
        parts = urlsplit(url)
        if not parts.path.endswith("/jobs"):
            return Scripted((404, {})).handle(method, url, headers, body, timeout)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.queries.append(query)
        begin = int(query.get("next", 0))
        end = begin + int(query["limit"])
        following = str(end) if end < len(self.records) else None
        page = {"jobs": self.records[begin:end], "next": following}
        return Scripted(page).handle(method, url, headers, body, timeout)


def provider_of(records):
    pages = Pages(records)
    return IonQProvider(transport=InProcessTransport(pages)), pages


def ids(jobs):
    return [job.job_id() for job in jobs]


# --- pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "asked"), [(1, [1]), (25, [25]), (26, [25, 25]), (60, [25, 25, 25]), (None, [25] * 4)]
)
def test_no_more_pages_are_read_than_the_limit_needs(limit, asked):
    provider, pages = provider_of([record(n) for n in range(80)])
    jobs = provider.jobs(limit)
    assert ids(jobs) == [f"job-{n}" for n in range(min(limit or 80, 80))]
    assert [int(query["limit"]) for query in pages.queries] == asked


def test_the_default_is_ten_jobs():
    provider, pages = provider_of([record(n) for n in range(80)])
    assert len(provider.jobs()) == 10
    assert pages.queries == [{"limit": "10"}]


def test_a_search_ends_when_the_jobs_are_too_old():
    provider, pages = provider_of([record(n) for n in range(500)])
    found = provider.jobs(None, created_after=NOON - timedelta(minutes=30))
    assert ids(found) == [f"job-{n}" for n in range(31)]  # those of 30 minutes ago included
    assert len(pages.queries) == 2


def test_a_job_out_of_its_order_does_not_end_a_search():
    records = [record(n) for n in range(20)]
    records.insert(3, record(900))
    provider, _ = provider_of(records)
    found = provider.jobs(None, created_after=NOON - timedelta(minutes=5))
    assert ids(found) == [f"job-{n}" for n in range(6)]


def test_a_search_for_a_few_jobs_gives_up_after_10000_and_says_so(caplog, monkeypatch):
    monkeypatch.setattr("ionq_toolkit.job.listing._MOST_JOBS", 60)
    provider, pages = provider_of([record(n) for n in range(200)])
    with caplog.at_level(logging.WARNING, "ionq_toolkit"):
        assert provider.jobs(5, name="none of them") == []
    assert "limit=None looks through all" in caplog.text
    assert len(pages.queries) == 3
    provider.jobs(None, name="none of them")
    assert len(pages.queries) == 3 + 8


def test_a_listing_that_takes_too_long_is_a_typed_error():
    cloud = FakeIonQ(seed=1)
    cloud.faults.add(faults.latency(5), on="GET /jobs")
    provider = IonQProvider(transport=InProcessTransport(cloud))
    with pytest.raises(errors.IonQConnectionError):
        provider.jobs(timeout=2)


# --- filters ---------------------------------------------------------------------------------

WORDS = ("submitted", "ready", "started", "completed", "failed", "canceled")

RECORDS = [
    record(
        n,
        status=WORDS[n % 6],
        name=f"circuit-{n % 4}",
        metadata=None if n % 5 == 0 else {"shots": "100", "run": str(n % 3), "odd": 7},
        parent_job_id="job-1" if n % 11 == 7 else None,
    )
    for n in range(70)
]


@given(
    limit=st.none() | st.integers(1, 80),
    status=st.none() | st.sampled_from(WORDS) | st.sets(st.sampled_from(WORDS), min_size=2),
    name=st.none() | st.sampled_from(["circuit-1", "other"]),
    metadata=st.none() | st.sampled_from([{"run": "1"}, {"run": "1", "shots": "100"}, {"x": "y"}]),
    after=st.none() | st.integers(0, 80),
    before=st.none() | st.integers(0, 80),
)
def test_the_jobs_are_those_that_pass_every_filter(limit, status, name, metadata, after, before):
    def at(minutes):
        return None if minutes is None else NOON - timedelta(minutes=minutes)

    one = isinstance(status, str)
    provider, _ = provider_of(RECORDS)
    found = provider.jobs(
        limit,
        status=status,
        name=name,
        metadata=metadata,
        created_after=at(after),
        created_before=at(before),
    )
    expected = [
        f"job-{n}"
        for n, r in enumerate(RECORDS)
        if r["parent_job_id"] is None
        and (status is None or (r["status"] == status if one else r["status"] in status))
        and (name is None or r["name"] == name)
        and (metadata is None or all((r["metadata"] or {}).get(k) == metadata[k] for k in metadata))
        and (after is None or n <= after)
        and (before is None or n >= before)
    ]
    assert ids(found) == expected[:limit]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"status": "ready"}, {"status": "ready"}),
        ({"status": "running"}, {"status": "started"}),  # the word of v0.3 and of the console
        ({"status": JobStatus.QUEUED}, {"status": "ready"}),
        ({"status": JobStatus.CANCELLED}, {"status": "canceled"}),
        ({"status": ["failed", JobStatus.ERROR]}, {"status": "failed"}),
        ({"backend": "forte-1"}, {"target": "qpu.forte-1"}),
        ({"session_id": "s-1"}, {"session_id": "s-1"}),
    ],
)
def test_ionq_filters_by_backend_session_and_one_status(given, asked):
    provider, pages = provider_of([])
    provider.jobs(**given)
    assert pages.queries == [{"limit": "10", **asked}]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"limit": 0}, "limit must be a whole number from 1"),
        ({"limit": "10"}, "limit must be a whole number"),
        ({"status": "redy"}, r"Did you mean 'ready'\?"),
        ({"status": ["ready", 7]}, "status must be one of .*not 7"),
        ({"status": JobStatus.VALIDATING}, "status must be one of"),
        ({"status": []}, "lists no jobs"),
        ({"created_after": "yesterday"}, "created_after must be a datetime"),
        ({"created_before": 7}, "created_before must be a datetime"),
        ({"metadata": {"run": 7}}, "metadata must be a dict of str"),
        ({"metadata": ["run"]}, "metadata must be a dict of str"),
        ({"backend": "fort-1"}, r"Did you mean 'forte-1'"),
    ],
)
def test_a_filter_that_is_not_valid_is_refused_before_anything_is_listed(given, complaint):
    provider, pages = provider_of([])
    with pytest.raises(errors.IonQBackendError, match=complaint):
        provider.jobs(**given)
    assert pages.queries == []


def test_times_without_a_zone_are_utc_and_others_are_converted():
    provider, _ = provider_of([record(0), record(60)])
    east = timezone(timedelta(hours=2))
    for moment in (datetime(2026, 11, 28, 11, 30), datetime(2026, 11, 28, 13, 30, tzinfo=east)):
        assert ids(provider.jobs(created_after=moment)) == ["job-0"]
        assert ids(provider.jobs(created_before=moment)) == ["job-60"]


# --- the jobs --------------------------------------------------------------------------------


def test_the_jobs_of_a_project_are_found_and_read(cloud, provider, bell):
    simulator, forte = map(provider.get_backend, ("simulator", "forte-1"))
    first = simulator.run(bell, shots=100, seed_simulator=3, extra_metadata={"run": "7"})
    second = forte.run([bell, bell], shots=200, name="two")
    for job in (first, second):
        job.wait_for_final_state()
    assert ids(provider.jobs()) == [second.job_id(), first.job_id()]
    assert ids(forte.jobs()) == [second.job_id()]
    assert ids(provider.jobs(backend=simulator)) == [first.job_id()]
    (found,) = provider.jobs(metadata={"run": "7"})
    assert found.backend() == simulator
    assert found.get_counts() == first.get_counts()
    (found,) = provider.jobs(name="two", status=JobStatus.DONE)
    assert [child.job_id() for child in found.child_jobs()] == [
        child.job_id() for child in second.child_jobs()
    ]
    assert found.get_counts() == second.get_counts()
    assert provider.jobs(status=("submitted", "ready", "started")) == []


def test_nothing_is_asked_for_the_facts_that_the_list_has(cloud, provider, bell):
    job = provider.get_backend("forte-1").run(bell, shots=100, extra_metadata={"run": "7"})
    job.wait_for_final_state()
    (found,) = provider.jobs()
    asked = len(cloud.requests)
    assert (found.name, found.shots, found.session_id) == ("bell", 100, None)
    assert found.creation_date == job.timings().submitted_at
    assert found.creation_date.tzinfo is UTC
    assert found.metadata["run"] == "7"
    assert len(cloud.requests) == asked


def test_a_job_that_the_list_shows_as_ended_is_asked_for_once_more(scripted):
    children = {"child_job_ids": ["a", "b"], "type": "ionq.multi-circuit.v1"}
    listed = {**RECORD, "type": "ionq.multi-circuit.v1"}
    cloud = scripted(
        routes={
            "/jobs?limit=10": {"jobs": [listed], "next": None},
            "/jobs/job-1": {**RECORD, **children},
        }
    )
    (job,) = IonQProvider(transport=InProcessTransport(cloud)).jobs()
    assert [child.job_id() for child in job.child_jobs()] == ["a", "b"]
    assert job.status() is JobStatus.DONE
    assert cloud.asked == ["/jobs?limit=10", "/jobs/job-1"]


@pytest.mark.parametrize("name", ["qpu.tempo-9", None, 7])
def test_a_job_of_an_unknown_backend_does_not_hide_the_others(scripted, name, bell):
    listing = {"jobs": [{**RECORD, "backend": name}, {**RECORD, "id": "job-2"}], "next": None}
    cloud = scripted(routes={"/jobs?limit=10": listing, "/backends": []})
    unknown, known = IonQProvider(transport=InProcessTransport(cloud)).jobs()
    assert known.backend().name == "ionq_simulator"
    assert unknown.job_id() == "job-1"
    with pytest.raises(errors.IonQBackendError, match="retired"):
        unknown.backend().run(bell)


def test_records_without_an_id_are_left_out(scripted):
    listing = {"jobs": [{**RECORD, "id": None}, RECORD], "next": None}
    cloud = scripted(listing)
    assert ids(IonQProvider(transport=InProcessTransport(cloud)).jobs()) == ["job-1"]


def test_a_job_is_returned_by_its_id_alone(cloud, provider, bell):
    made = provider.get_backend("forte-1").run([bell, bell], shots=50)
    made.wait_for_final_state()
    found = provider.job(made.job_id())
    assert found.backend().name == "ionq_qpu.forte-1"
    assert found.get_counts() == made.get_counts()
    child = provider.job(made.child_jobs()[1].job_id())
    assert child.shots == 50
    assert child.get_counts() == made.get_counts(1)
    with pytest.raises(errors.IonQAPIError) as caught:
        provider.job("00000000-0000-0000-0000-000000000000")
    assert caught.value.status_code == 404


def test_the_backend_of_another_account_is_not_asked_for_the_jobs(bell):
    ours, theirs = (IonQProvider(transport=InProcessTransport(FakeIonQ(seed=n))) for n in (1, 2))
    made = ours.get_backend("simulator").run(bell)
    (found,) = ours.jobs(backend=theirs.get_backend("simulator"))
    assert found.job_id() == made.job_id()
    assert found.get_counts() == made.get_counts()


def test_a_service_that_does_not_filter_makes_no_difference():
    records = [record(0), record(1, backend="qpu.forte-1"), record(2, status="running")]
    provider, _ = provider_of(records)
    assert ids(provider.jobs(backend="forte-1")) == ["job-1"]
    assert ids(provider.get_backend("simulator").jobs(status="started")) == ["job-2"]
