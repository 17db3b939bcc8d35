"""The pytest plugin: fixtures for tests of programs that use IonQ.

::

    def test_a_bell_pair(ionq_provider):
        backend = ionq_provider.get_backend("simulator")
        ...

    @pytest.mark.ionq("rate-limited", seed=7)
    def test_of_any_client(): ...

While a test uses one of the fixtures or the marker, its cloud answers every request to IonQ in this
process, as with `mock_ionq`; the environment has a fake API key, and sleeping moves the cloud's
clock. With ``ionq_block_network = true``, all other tests are refused IonQ's hosts.

Each test has its own cloud, seeded by the name of the test and ``--ionq-seed``: it gets the same
responses in any order of tests and in parallel.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ionq_toolkit import IonQProvider
    from ionq_toolkit_fake import FakeIonQ, FakeServer, Scenario

#: The environment variable with the key for `--ionq-live`.
_KEY = "IONQ_API_KEY"

_MARKER = (
    "ionq_scenario(scenario=None, **parts): the cloud of the test is of this scenario, by its "
    "name, file or token, with these parts of it changed"
)

_IONQ_MARKER = (
    "ionq(scenario=None, **parts): the test has the fixture ionq_cloud, of this scenario, with "
    "these parts of it changed, and with the settings hosts, strict, key and sleep of mock_ionq"
)

#: The fixtures with a fake cloud, the markers that say what it is like, and their settings that are
#: those of `mock_ionq` instead of the cloud's.
_FIXTURES = frozenset({"ionq_cloud", "ionq_provider", "ionq_server"})
_MARKERS = {"ionq": _IONQ_MARKER, "ionq_scenario": _MARKER}
_SETTINGS = ("hosts", "strict", "key", "sleep")

#: The token of the scenario of a test's cloud, and the cloud.
_MADE = pytest.StashKey[tuple[str, Any]]()

#: As many requests, jobs and clouds are in the report of a failed test.
_MOST_LINES, _MOST_CLOUDS = 10, 3

#: The longest path in a report.
_LONGEST_PATH = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("ionq", "IonQ")
    group.addoption(
        "--ionq-seed",
        type=int,
        default=0,
        metavar="N",
        help="seeds the clouds of all tests, each with the test's name (0)",
    )
    group.addoption(
        "--ionq-scenario",
        metavar="NAME",
        help="the scenario of the tests that name none: a name or a TOML file; or the token that "
        "was printed when a test failed, which goes before what tests name",
    )
    group.addoption(
        "--ionq-live",
        action="store_true",
        help=f"run tests that need only ionq_provider on the real service, which costs money, with "
        f"the key in {_KEY}; those that need the fake are skipped",
    )
    parser.addini(
        "ionq_block_network",
        "refuse IonQ's hosts to all tests that use no fake of IonQ's cloud, but with --ionq-live",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, check the options, and share the processors among test processes."""
    for marker in _MARKERS.values():
        config.addinivalue_line("markers", marker)
    if config.getoption("ionq_live"):
        if not os.environ.get(_KEY):
            raise pytest.UsageError(f"--ionq-live needs an API key in {_KEY}")
        if config.getoption("ionq_scenario"):
            raise pytest.UsageError("--ionq-live and --ionq-scenario cannot be given together")
    if config.getoption("ionq_scenario"):
        _scenario(config.getoption("ionq_scenario"), {})
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:  # threads of Aer that wait for each other keep the processor busy
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test with the marker `ionq` its fixture."""
    for item in items:
        names = getattr(item, "fixturenames", None)
        if names is not None and "ionq_cloud" not in names and item.get_closest_marker("ionq"):
            names.insert(0, "ionq_cloud")  # before all that might look for a key


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold a fake key before the first fixture of a test that has a fake cloud; refuse others."""
    live = item.config.getoption("ionq_live")
    fakes = not live and not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
    blocks = not live and item.config.getini("ionq_block_network")
    if not fakes and not blocks and "ionq_toolkit_fake.intercept.mock" not in sys.modules:
        return (yield)
    from ionq_toolkit_fake.intercept.keys import held_keys  # noqa: PLC0415 - slow
    from ionq_toolkit_fake.intercept.scope import interception  # noqa: PLC0415

    with ExitStack() as stack:
        stack.callback(held_keys.tidy)
        stack.callback(setattr, interception, "seen", interception.seen)
        interception.seen = deque(maxlen=_MOST_CLOUDS)
        if blocks:
            reason = (
                f"ionq_block_network is on, and {item.nodeid} uses no fake of IonQ's cloud: take a "
                "fixture such as ionq_cloud, @pytest.mark.ionq or mock_ionq; or --ionq-live."
            )
            stack.enter_context(interception.refusing(reason))
        mark = _mark(item)
        if fakes and (mark is None or mark.kwargs.get("key", "") is not None):
            stack.enter_context(interception.holding())
        return (yield)


def _mark(item: pytest.Item) -> pytest.Mark | None:
    """Return the marker that says what the cloud of a test is like, or None."""
    return next((mark for mark in item.iter_markers() if mark.name in _MARKERS), None)


@pytest.fixture
def ionq_cloud(request: pytest.FixtureRequest) -> Iterator[FakeIonQ]:
    """A fake of IonQ's cloud, for this test alone; it answers every client in this process."""
    config = request.config
    if config.getoption("ionq_live"):
        pytest.skip("--ionq-live: the test needs a fake cloud")
    mark = _mark(request.node)
    args, parts = ((), {}) if mark is None else (mark.args, dict(mark.kwargs))
    if mark is not None and len(args) > 1:
        raise pytest.UsageError(_MARKERS[mark.name])
    from ionq_toolkit_fake.intercept.keys import DEFAULT, key_of  # noqa: PLC0415 - slow
    from ionq_toolkit_fake.intercept.scope import Hosts, Settings, interception  # noqa: PLC0415
    from ionq_toolkit_fake.scenario import TOKEN  # noqa: PLC0415 - slow, and needed here only

    own = {}
    if mark is not None and mark.name == "ionq":
        own = {name: parts.pop(name) for name in _SETTINGS if name in parts}
    try:
        own["hosts"] = Hosts(own.get("hosts", ()))
        own["key"] = key_of(own.get("key", DEFAULT), parts.get("keys"))
        settings = Settings(None, {}, ambient=True, **own)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"ionq: {error}") from error
    given = config.getoption("ionq_scenario")
    if given is not None and given.startswith(TOKEN):  # all of a test's cloud
        args, parts = (), {}
    scenario = _scenario((args or (given,))[0], parts)
    seed = scenario.seed
    if seed is None:
        seed = _seed(request.node.nodeid, config.getoption("ionq_seed"))
    cloud = scenario.cloud(seed)
    request.node.stash[_MADE] = scenario.token(seed), cloud
    with interception.inside(settings.scope(cloud)):
        yield cloud


@pytest.fixture
def ionq_provider(request: pytest.FixtureRequest) -> Iterator[IonQProvider]:
    """A provider of the test's `ionq_cloud`; with ``--ionq-live``, of the real service."""
    import ionq_toolkit  # noqa: PLC0415 - Qiskit takes a second

    if request.config.getoption("ionq_live"):
        if _mark(request.node) is not None:
            pytest.skip("--ionq-live: the test needs a fake cloud, of a scenario")
        provider = ionq_toolkit.IonQProvider(transport="http")
    else:
        cloud = request.getfixturevalue("ionq_cloud")
        provider = ionq_toolkit.IonQProvider(
            transport=ionq_toolkit.InProcessTransport(cloud), seed=cloud.seed
        )
    with provider:
        yield provider


@pytest.fixture
def ionq_server(ionq_cloud: FakeIonQ, _ionq_server: FakeServer) -> Iterator[FakeServer]:
    """A server of the test's `ionq_cloud` on this machine, for clients of any kind: `.url`."""
    with _ionq_server.serving(ionq_cloud) as server:
        yield server


@pytest.fixture(scope="session")
def _ionq_server() -> Iterator[FakeServer]:
    """The server of all tests of a session, which serves the cloud of each in turn."""
    from ionq_toolkit_fake import FakeServer  # noqa: PLC0415 - slow, and needed here only

    with FakeServer() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],  # noqa: ARG001 - pytest goes by names
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add its clouds to the report of a test that failed: token, last requests and jobs."""
    report = yield
    if not report.failed:
        return report
    token, made = item.stash.get(_MADE, (None, None))
    lines = []
    if made is not None:
        lines.append(
            f"its cloud again: Scenario.of({token!r}).cloud(), or pytest --ionq-scenario {token}"
        )
    scopes = sys.modules.get("ionq_toolkit_fake.intercept.scope")
    seen = (scopes and scopes.interception.seen) or ()
    for cloud in dict.fromkeys([*([] if made is None else [made]), *seen]):
        if hasattr(cloud, "requests"):  # the network of a chaos run has none
            lines += _lines(cloud)
    if lines:
        report.sections.append(("IonQ", "\n".join(lines)))
    return report


def _lines(cloud: FakeIonQ) -> Iterator[str]:
    """Yield the state of a cloud, and each of its last requests and jobs, by lines."""
    requests = cloud.requests
    yield f"cloud of seed {cloud.seed}, at {cloud.clock.now():%Y-%m-%d %H:%M:%S} on its clock"
    yield f"requests: {len(requests)}"
    for one in requests[-_MOST_LINES:]:
        faults = f" ({', '.join(one.faults)})" if one.faults else ""
        yield f"  {one.method} {one.path[:_LONGEST_PATH]} -> {one.status or 'no response'}{faults}"
    yield f"jobs: {sum(len(project.jobs) for project in cloud.projects)}"
    for job in cloud.newest_jobs(_MOST_LINES):
        failure = f" ({job.failure.code})" if job.failure is not None else ""
        yield f"  {job.id} {job.status}{failure}, {job.submission.device.name}, {job.type}"


def _scenario(given: object, parts: dict[str, Any]) -> Scenario:
    from dataclasses import replace  # noqa: PLC0415 - with the rest

    from ionq_toolkit_fake import Scenario  # noqa: PLC0415 - slow, and needed here only

    try:
        scenario = given if isinstance(given, Scenario) else None
        if scenario is None:
            scenario = Scenario() if given is None else Scenario.of(str(given))
        return replace(scenario, **parts)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"ionq_scenario: {error}") from error


def _seed(test: str, base: int) -> int:
    """Return the seed of a test: different for each test, and the same in every run."""
    digest = hashlib.sha256(f"{base}:{test}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1
