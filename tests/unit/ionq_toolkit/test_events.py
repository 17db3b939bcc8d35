"""Events: for a hook, in the log, and as OpenTelemetry's spans where there is its API."""

import contextlib
import dataclasses
import logging
import pickle
import sys
import types

import pytest
from clouds import RECORD
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors, events
from ionq_toolkit.events import (
    Adopted,
    Event,
    EventLog,
    Finished,
    Polled,
    PollFailed,
    Retried,
    Submitted,
    Submitting,
)

KINDS = [Submitting, Submitted, Polled, PollFailed, Retried, Adopted, Finished]


@pytest.fixture
def watched(scripted, instant_clock):
    """Return a function that makes a provider of scripted replies, and what it tells."""

    def build(*replies, **options):
        told = []
        provider = IonQProvider(
            transport=InProcessTransport(scripted(*replies)),
            clock=instant_clock,
            seed=1,
            **{"on_event": told.append, **options},
        )
        return provider.get_backend("simulator"), told

    return build


def test_events_report_a_run_from_submission_to_end(watched, bell, instant_clock):
    backend, told = watched(
        (429, {}),
        (201, {"id": "job-1"}),
        (200, RECORD | {"status": "ready"}),
        (503, {}),
        (200, RECORD | {"status": "started"}),
        (200, RECORD),
        (200, {"0": 1}),
    )
    backend.run(bell).result(wait=2)
    first, second = (event.seconds for event in told if isinstance(event, Retried))
    retried = {"attempt": 1, "job_id": None, "method": "POST", "path": "/v0.4/jobs"}
    assert told == [
        Submitting(job_id=None, seconds=0, tag=told[0].tag),
        Retried(seconds=first, reason="status 429", **retried),
        Submitted(job_id="job-1", seconds=first),
        Polled(job_id="job-1", seconds=0, status="ready"),
        Retried(
            seconds=second,
            reason="status 503",
            **retried | {"job_id": "job-1", "method": "GET", "path": "/v0.4/jobs/job-1"},
        ),
        Polled(job_id="job-1", seconds=pytest.approx(second), status="started"),
        Polled(job_id="job-1", seconds=0, status="completed"),
        Finished(job_id="job-1", seconds=pytest.approx(instant_clock.time), status="completed"),
    ]


def test_the_end_of_a_job_is_reported_once(watched):
    backend, told = watched((200, RECORD | {"status": "failed"}))
    job = IonQJob(backend, "job-1")
    for _ in range(3):
        with pytest.raises(errors.IonQJobFailureError):
            job.status()
    assert [type(event) for event in told] == [Polled, Finished]
    assert told[1].status == "failed"


@pytest.mark.parametrize("word", [None, 7, ["x"], "paused"])
def test_polled_reports_an_invalid_status_as_text(watched, word):
    backend, told = watched((200, RECORD | {"status": word}))
    IonQJob(backend, "job-1").status()
    assert [(type(event), event.status) for event in told] == [(Polled, str(word))]


def test_a_refused_job_is_not_reported_as_submitted(watched, bell):
    backend, told = watched((400, {}))
    with pytest.raises(errors.IonQAPIError):
        backend.run(bell)
    assert [type(event) for event in told] == [Submitting]


def test_an_error_of_the_hook_is_logged_and_loses_no_job(watched, bell, caplog):
    def broken(event):
        raise ZeroDivisionError("of the hook")

    backend, _ = watched((201, {"id": "job-1"}), on_event=broken)
    assert backend.run(bell).job_id() == "job-1"
    first, record = caplog.records
    assert "on_event raised an error for Submitting" in first.getMessage()
    assert "on_event raised an error for Submitted" in record.getMessage()
    assert record.exc_info[0] is ZeroDivisionError


def test_a_hook_can_end_a_program(watched, bell):
    def interrupt(event):
        raise KeyboardInterrupt

    backend, _ = watched((201, {"id": "job-1"}), on_event=interrupt)
    with pytest.raises(KeyboardInterrupt):
        backend.run(bell)


def test_events_are_logged_below_warnings_with_all_their_fields(watched, caplog, capsys):
    caplog.set_level(logging.DEBUG, "ionq_toolkit")
    backend, told = watched((503, {}), (200, RECORD))
    IonQJob(backend, "job-1").status()
    assert [(record.levelname, record.name) for record in caplog.records] == [
        ("INFO", "ionq_toolkit.events"),
        ("DEBUG", "ionq_toolkit.events"),
        ("INFO", "ionq_toolkit.events"),
    ]
    assert [record.ionq_event for record in caplog.records] == told
    pause, path, why = told[0].seconds, "/v0.4/jobs/job-1", "status_503"
    assert [record.getMessage() for record in caplog.records] == [
        f"retried job_id=job-1 seconds={pause:.3f} method=GET path={path} attempt=1 reason={why}",
        f"polled job_id=job-1 seconds={pause:.3f} status=completed",
        f"finished job_id=job-1 seconds={pause:.3f} status=completed",
    ]
    assert capsys.readouterr() == ("", "")


def test_events_print_nothing_without_a_log_handler():
    """Python prints what no handler takes, from warnings on."""
    assert logging.lastResort.level == logging.WARNING
    logged = logging.getLogger("ionq_toolkit.events")
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logged.addHandler(handler)
    logged.setLevel(logging.DEBUG)
    try:
        for kind in KINDS:
            EventLog()(example(kind))
    finally:
        logged.removeHandler(handler)
        logged.setLevel(logging.NOTSET)
    assert len(records) == len(KINDS)
    assert all(record.levelno < logging.WARNING for record in records)


def example(kind):
    names = {field.name for field in dataclasses.fields(kind)}
    values = {name: f"a {name}" for name in names} | {"job_id": "j", "seconds": 1.5}
    if "attempt" in names:
        values["attempt"] = 2
    return kind(**values)


@pytest.mark.parametrize("kind", KINDS)
def test_events_are_values(kind):
    event = example(kind)
    assert isinstance(event, Event)
    assert pickle.loads(pickle.dumps(event)) == event == example(kind)
    assert hash(event) == hash(example(kind))
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.job_id = "other"
    assert getattr(events, kind.__name__) is kind


# --- OpenTelemetry ---------------------------------------------------------------------------


class Span:
    def __init__(self, name, kind, attributes):
        self.name, self.kind, self.attributes = name, kind, dict(attributes)
        self.events, self.error = [], None

    def is_recording(self):
        return True

    def set_attribute(self, name, value):
        self.attributes[name] = value

    def add_event(self, name, attributes):
        self.events.append((name, dict(attributes)))


class Telemetry(types.ModuleType):
    """What is used of the API of OpenTelemetry, by the names of its documentation."""

    SpanKind = types.SimpleNamespace(CLIENT="client")

    class ProxyTracerProvider:
        """The provider as long as there is no SDK."""

    def __init__(self):
        super().__init__("opentelemetry.trace")
        self.spans, self.open = [], [Span("none", None, {})]

    def get_tracer(self, name, version):
        self.named = (name, version)
        return self

    def get_tracer_provider(self):
        return self

    def get_current_span(self):
        return self.open[-1]

    @contextlib.contextmanager
    def start_as_current_span(self, name, *, kind, attributes):
        span = Span(name, kind, attributes)
        self.spans.append(span)
        self.open.append(span)
        try:
            yield span
        except Exception as error:
            span.error = error
            raise
        finally:
            self.open.pop()


@pytest.fixture
def forget():
    def forget():
        events._trace.cache_clear()
        events._tracer.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def telemetry(monkeypatch, forget):
    telemetry = Telemetry()
    monkeypatch.setitem(sys.modules, "opentelemetry", types.ModuleType("opentelemetry"))
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", telemetry)
    return telemetry


def test_a_request_is_a_span_with_its_attempts_as_events(watched, telemetry):
    backend, told = watched((503, {}), (200, RECORD))
    IonQJob(backend, "job-1").status()
    (span,) = telemetry.spans
    assert telemetry.named[0] == "ionq_toolkit"
    assert (span.name, span.kind, span.error) == ("GET /jobs/{id}", "client", None)
    assert span.attributes == {
        "http.request.method": "GET",
        "url.template": "/jobs/{id}",
        "http.response.status_code": 200,
        "ionq.job.id": "job-1",
    }
    ((name, attributes),) = span.events
    assert name == "retried"
    assert attributes == {f"ionq.{k}": v for k, v in dataclasses.asdict(told[0]).items()}
    outside = [name for name, _ in telemetry.open[0].events]
    assert outside == ["polled", "finished"]


def test_a_request_that_fails_is_a_span_with_that_error(watched, telemetry):
    backend, _ = watched((404, {"message": "no"}), ConnectionResetError("reset"))
    for kind in (errors.IonQAPIError, errors.IonQConnectionError):
        with pytest.raises(kind):
            IonQJob(backend, "job-1").status()
        assert isinstance(telemetry.spans[-1].error, kind)
    assert telemetry.spans[0].attributes["http.response.status_code"] == 404
    assert "http.response.status_code" not in telemetry.spans[1].attributes


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/jobs", "GET /jobs"),
        ("/jobs?next=abc", "GET /jobs"),
        ("/jobs/estimate?x=1", "GET /jobs/estimate"),
        ("/jobs/1f/results/probabilities", "GET /jobs/{id}/results/probabilities"),
        ("/jobs/1f/artifacts/2e", "GET /jobs/{id}/artifacts/{id}"),
        ("/sessions/5/jobs?next=4", "GET /sessions/{id}/jobs"),
        ("/backends/qpu.forte-1/characterizations", "GET /backends/{id}/characterizations"),
    ],
)
def test_names_of_spans_have_no_ids(telemetry, path, name):
    with events.span("GET", path, None) as span:
        assert span.name == name
        assert "ionq.job.id" not in span.attributes


def test_opentelemetrys_sdk_records_the_same_spans(monkeypatch, forget, watched):
    recorded = InMemorySpanExporter()
    sdk = TracerProvider()
    sdk.add_span_processor(SimpleSpanProcessor(recorded))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: sdk)
    backend, told = watched((503, {}), (200, RECORD), (404, {"message": "no"}))
    with sdk.get_tracer("an application").start_as_current_span("work"):
        IonQJob(backend, "job-1").status()
    with pytest.raises(errors.IonQAPIError):
        IonQJob(backend, "job-2").status()
    asked, work, refused = recorded.get_finished_spans()
    assert (asked.name, asked.kind) == ("GET /jobs/{id}", trace.SpanKind.CLIENT)
    assert asked.parent.span_id == work.context.span_id
    assert asked.attributes["http.response.status_code"] == 200
    assert asked.attributes["ionq.job.id"] == "job-1"
    assert [(event.name, event.attributes["ionq.reason"]) for event in asked.events] == [
        ("retried", "status 503")
    ]
    assert [event.name for event in work.events] == ["polled", "finished"]
    assert refused.status.status_code is trace.StatusCode.ERROR
    assert [event.name for event in refused.events] == ["exception"]
    assert isinstance(told[0], Retried)


def test_a_span_that_does_not_record_gets_no_events(telemetry, watched):
    telemetry.open[0].is_recording = lambda: False
    backend, told = watched((200, RECORD))
    IonQJob(backend, "job-1").status()
    assert len(told) == 2
    assert telemetry.open[0].events == []


def test_without_an_sdk_of_opentelemetry_there_are_no_spans(telemetry, watched):
    telemetry.get_tracer_provider = telemetry.ProxyTracerProvider
    backend, told = watched((200, RECORD))
    IonQJob(backend, "job-1").status()
    assert telemetry.spans == []
    assert len(told) == 2


def test_without_opentelemetry_there_are_no_spans(monkeypatch, forget, watched):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    backend, told = watched((200, RECORD))
    with events.span("GET", "/jobs", None) as span:
        assert span is None
    IonQJob(backend, "job-1").status()
    assert len(told) == 2
