"""The pytest plugin: fixtures for tests of programs that use IonQ.

::

    def test_a_bell_pair(ionq_provider):
        backend = ionq_provider.get_backend("simulator")
        ...

    @pytest.mark.ionq_scenario("rate-limited")
    def test_patience(ionq_cloud, ionq_provider): ...

Each test has its own cloud, seeded by the name of the test and ``--ionq-seed``: it gets the same
responses in any order of tests and in parallel.
"""

from __future__ import annotations

import hashlib
import os
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

#: The token of the scenario of a test's cloud.
_MADE = pytest.StashKey[str]()


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


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and check the options."""
    config.addinivalue_line("markers", _MARKER)
    if config.getoption("ionq_live"):
        if not os.environ.get(_KEY):
            raise pytest.UsageError(f"--ionq-live needs an API key in {_KEY}")
        if config.getoption("ionq_scenario"):
            raise pytest.UsageError("--ionq-live and --ionq-scenario cannot be given together")
    if config.getoption("ionq_scenario"):
        _scenario(config.getoption("ionq_scenario"), {})


@pytest.fixture
def ionq_cloud(request: pytest.FixtureRequest) -> FakeIonQ:
    """A fake of IonQ's cloud in this process, for this test alone."""
    config = request.config
    if config.getoption("ionq_live"):
        pytest.skip("--ionq-live: the test needs a fake cloud")
    marker = request.node.get_closest_marker("ionq_scenario")
    args, parts = ((), {}) if marker is None else (marker.args, marker.kwargs)
    if len(args) > 1:
        raise pytest.UsageError(_MARKER)
    from ionq_toolkit_fake.scenario import TOKEN  # noqa: PLC0415 - slow, and needed here only

    given = config.getoption("ionq_scenario")
    if given is not None and given.startswith(TOKEN):  # all of a test's cloud
        args, parts = (), {}
    scenario = _scenario((args or (given,))[0], parts)
    seed = scenario.seed
    if seed is None:
        seed = _seed(request.node.nodeid, config.getoption("ionq_seed"))
    request.node.stash[_MADE] = scenario.token(seed)
    return scenario.cloud(seed)


@pytest.fixture
def ionq_provider(request: pytest.FixtureRequest) -> Iterator[IonQProvider]:
    """A provider of the test's `ionq_cloud`; with ``--ionq-live``, of the real service."""
    import ionq_toolkit  # noqa: PLC0415 - Qiskit takes a second

    if request.config.getoption("ionq_live"):
        if request.node.get_closest_marker("ionq_scenario") is not None:
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
    """Add the token of its cloud to the report of a test that failed."""
    report = yield
    made = item.stash.get(_MADE, None)
    if report.failed and made is not None:
        replay = f"its cloud again: Scenario.of({made!r}).cloud(), or pytest --ionq-scenario {made}"
        report.sections.append(("IonQ", replay))
    return report


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
