"""The pytest plugin, in test runs of its own."""

import os
import re
import subprocess
import sys

# Imported before inner runs, which forget what they import and restore `sys.meta_path`: httpx keeps
# the errors of httpcore, and a dependency of qiskit-ionq replaces Python's finder of distributions.
import httpcore  # noqa: F401
import pytest
import qiskit_ionq  # noqa: F401

pytest_plugins = ["pytester"]

BELL = """
import pytest
from qiskit import QuantumCircuit

def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run tests in a file of their own, in this process, which has Qiskit loaded."""
    monkeypatch.delenv("IONQ_API_KEY", raising=False)

    def run(source, *options):
        pytester.makepyfile(BELL + source)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)

    return run


def test_the_fixtures_need_nothing_but_their_names(run):
    result = run("""
def test_in_process(ionq_cloud, ionq_provider):
    counts = ionq_provider.get_backend("simulator").run(bell(), shots=10).get_counts()
    assert sum(counts.values()) == 10
    assert [job.status for job in ionq_cloud.jobs] == ["completed"]

def test_over_a_socket(ionq_cloud, ionq_server):
    import requests
    from ionq_toolkit import IonQProvider
    with IonQProvider("any-key", url=ionq_server.url) as provider:
        provider.get_backend("simulator").run(bell(), shots=10).get_counts()
    assert requests.get(ionq_server.url + "/health", timeout=10).json() == {"status": "pass"}
    assert len(ionq_cloud.jobs) == 1

urls = []

def test_each_has_a_cloud_of_its_own(ionq_cloud, ionq_server):
    urls.append(ionq_server.url)
    assert ionq_cloud.jobs == [] and ionq_server.cloud is ionq_cloud

def test_all_have_one_server(ionq_server):
    assert urls in ([], [ionq_server.url])
""")
    result.assert_outcomes(passed=4)


SAME = """
@pytest.mark.parametrize("n", range(4))
def test_it(ionq_cloud, ionq_provider, n):
    job = ionq_provider.get_backend("simulator").run(bell(), shots=50)
    line = f"{n} {ionq_cloud.seed} {job.job_id()} {job.get_counts()}"
    with open("OUT", "a") as out:
        out.write(line + "\\n")
"""


@pytest.mark.slow
def test_tests_are_the_same_in_several_processes_and_any_order(pytester, tmp_path, monkeypatch):
    monkeypatch.delenv("IONQ_API_KEY", raising=False)
    found = []
    for place, options in enumerate(
        (["-p", "no:randomly"], ["-n", "2"], ["-p", "randomly", "--randomly-seed=3"])
    ):
        out = tmp_path / str(place)
        pytester.makepyfile(BELL + SAME.replace("OUT", str(out)))
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
        result.assert_outcomes(passed=4)
        found.append(sorted(out.read_text().splitlines()))
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == 4


@pytest.mark.slow
@pytest.mark.parametrize("given", [None, "7"])
def test_processes_share_the_processors(pytester, monkeypatch, given):
    for name in ("OMP_NUM_THREADS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    pytester.makepyfile(
        conftest="import os; os.cpu_count = lambda: 5",
        test_threads="""
        import os
        def test_threads():
            print("threads", os.environ.get("OMP_NUM_THREADS"))
            assert False
        """,
    )
    several = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    several.stdout.fnmatch_lines([f"threads {given or 2}"])
    alone = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    alone.stdout.fnmatch_lines([f"threads {given}"])


SEEDS = """
@pytest.mark.parametrize("n", range(3))
def test_seed(ionq_cloud, n, record_property):
    print("seed", n, ionq_cloud.seed)

def test_other(ionq_cloud):
    print("seed", 9, ionq_cloud.seed)
"""


def seeds(result):
    result.assert_outcomes(passed=4)
    return sorted(re.findall(r"seed (\d) (\d+)", result.stdout.str()))


@pytest.mark.slow
def test_a_cloud_is_seeded_by_the_name_of_its_test_whatever_runs_before_it(run):
    first = seeds(run(SEEDS, "-s"))
    assert len({seed for _, seed in first}) == 4
    assert seeds(run(SEEDS, "-s")) == first
    other = run(SEEDS, "-s", "--ionq-seed", "1")
    assert not {seed for _, seed in seeds(other)} & {seed for _, seed in first}
    alone = run(SEEDS, "-s", "-k", "test_other")
    assert re.search(r"seed 9 (\d+)", alone.stdout.str())[1] == dict(first)["9"]


def test_the_marker_says_what_the_cloud_is_like(run):
    result = run("""
@pytest.mark.ionq_scenario("rate-limited")
def test_named(ionq_cloud):
    assert len(ionq_cloud.faults.rules) == 1

@pytest.mark.ionq_scenario("noisy-forte", seed=3, transitions=[{"ready": {"polls": 2}}])
def test_changed(ionq_cloud, ionq_provider):
    assert ionq_cloud.seed == 3
    assert ionq_provider.get_backend("simulator").run(bell()).status().name == "INITIALIZING"

@pytest.mark.ionq_scenario(keys={"alices-key": "physics"})
def test_of_its_own(ionq_cloud):
    assert ionq_cloud.handle("GET", "/v0.4/whoami", {"Authorization": "apiKey bobs"}).status == 401

def test_without(ionq_cloud):
    assert len(ionq_cloud.faults.rules) == 0
""")
    result.assert_outcomes(passed=4)


def test_the_option_is_for_tests_that_name_none(run):
    result = run(
        """
def test_without(ionq_cloud):
    assert len(ionq_cloud.faults.rules) == 1

@pytest.mark.ionq_scenario("noisy-forte")
def test_named(ionq_cloud):
    assert len(ionq_cloud.faults.rules) == 0
""",
        "--ionq-scenario",
        "rate-limited",
    )
    result.assert_outcomes(passed=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ('"busy-que"', "Did you mean 'busy-queue'"),
        ("polls=3", "unexpected keyword argument 'polls'"),
        ("clock='wall'", "no clock 'wall'"),
    ],
)
def test_a_wrong_marker_is_an_error_that_says_what_is_wrong(run, mark, message):
    result = run(f"""
@pytest.mark.ionq_scenario({mark})
def test_it(ionq_cloud):
    pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*ionq_scenario: *{message}*"])


def test_a_wrong_option_is_refused_before_any_test(run):
    result = run("def test_it(): pass", "--ionq-scenario", "busy-que")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*Did you mean 'busy-queue'*"])


FAILING = """
def test_it(ionq_cloud, ionq_provider):
    key = "-".join(["a", "secret", "key"])
    ionq_cloud.handle("GET", "/v0.4/whoami", {"Authorization": f"apiKey {key}"})
    job = ionq_provider.get_backend("simulator").run(bell(), shots=50)
    print("counts", job.get_counts(), job.job_id())
    assert ionq_cloud.seed == 0
"""


def test_a_failed_test_prints_the_token_that_replays_it(run, pytester):
    result = run(FAILING)
    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    token = re.search(r"pytest --ionq-scenario (ionq-scenario-1\.\S+)", shown)[1]
    line = re.search(r"counts .*", shown)[0]
    again = run(
        FAILING.replace("def test_it", "def test_of_another_name"), "--ionq-scenario", token
    )
    assert line in again.stdout.str()
    assert "a-secret-key" not in shown


@pytest.mark.slow
def test_the_token_replays_a_marked_test_as_well(run):
    marked = FAILING.replace("def test_it", "@pytest.mark.ionq_scenario('busy-queue')\ndef test_it")
    marked = marked.replace(
        '"simulator").run(bell(), shots=50)', '"simulator").run(bell(), shots=9)'
    )
    shown = run(marked, "--ionq-seed", "7").stdout.str()
    token = re.search(r"pytest --ionq-scenario (ionq-scenario-1\.\S+)", shown)[1]
    line = re.search(r"counts .*", shown)[0]
    assert line in run(marked, "--ionq-scenario", token).stdout.str()
    assert line not in run(marked).stdout.str()


def test_a_test_without_a_cloud_prints_none(run):
    assert "ionq-scenario" not in run("def test_it(): assert False").stdout.str()


def test_live_without_a_key_is_refused(run):
    result = run("def test_it(): pass", "--ionq-live")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ionq-live needs an API key in IONQ_API_KEY*"])


def test_live_runs_what_needs_the_provider_alone_on_the_service(run, monkeypatch):
    """The service is a fake under `mock_ionq`: nothing here knows."""
    source = """
from ionq_toolkit_fake import FakeIonQ, Transitions, mock_ionq

def test_of_provider(ionq_provider):
    cloud = FakeIonQ(keys={"the-live-key": "project"})
    with mock_ionq(cloud, key=None):
        counts = ionq_provider.get_backend("simulator").run(bell(), shots=10).get_counts()
    assert len(cloud.jobs) == 1 and sum(counts.values()) == 10

def test_of_cloud(ionq_cloud):
    assert False

@pytest.mark.ionq_scenario("busy-queue")
def test_of_scenario(ionq_provider):
    assert False

def test_of_server(ionq_server):
    assert False
"""
    monkeypatch.setenv("IONQ_API_KEY", "the-live-key")
    result = run(source, "--ionq-live", "-rs")
    result.assert_outcomes(passed=1, skipped=3)
    result.stdout.fnmatch_lines(["*SKIPPED*--ionq-live: the test needs a fake cloud"])
    assert "the-live-key" not in result.stdout.str()


ANY_CLIENT = """
import os, threading, time
import requests

def whoami():
    key = {"Authorization": f"apiKey {os.environ['IONQ_API_KEY']}"}
    return requests.get("https://api.ionq.co/v0.4/whoami", headers=key, timeout=5).status_code
"""


def test_the_fixtures_answer_any_client_and_no_real_key_reaches_a_test(run, monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", "a-real-looking-key")
    monkeypatch.setenv("QISKIT_IONQ_API_TOKEN", "a-real-looking-key")
    result = run(
        ANY_CLIENT
        + """
@pytest.fixture
def early():
    return os.environ["IONQ_API_KEY"]

def test_cloud(early, monkeypatch, ionq_cloud):
    assert early == os.environ["QISKIT_IONQ_API_TOKEN"] == "fake-key-of-mock-ionq"
    assert whoami() == 200 and len(ionq_cloud.requests) == 1
    monkeypatch.setenv("IONQ_API_KEY", "of-the-test")
    assert whoami() == 200

def test_server(ionq_server):
    assert whoami() == 200 and len(ionq_server.cloud.requests) == 1

def test_provider(ionq_provider):
    assert whoami() == 200

def test_dynamic(request):
    cloud = request.getfixturevalue("ionq_cloud")
    assert whoami() == 200 and len(cloud.requests) == 1

def test_of_a_thread(ionq_cloud):
    thread = threading.Thread(target=whoami)
    thread.start()
    thread.join()
    assert len(ionq_cloud.requests) == 1

def test_without():
    assert os.environ["IONQ_API_KEY"] == "a-real-looking-key"

def test_undone_late(monkeypatch):
    from ionq_toolkit_fake import mock_ionq
    with mock_ionq():
        monkeypatch.setenv("IONQ_API_KEY", "of-the-test")

def test_after_that():
    assert os.environ["IONQ_API_KEY"] == "a-real-looking-key"
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=8)
    assert os.environ["IONQ_API_KEY"] == os.environ["QISKIT_IONQ_API_TOKEN"] == "a-real-looking-key"
    assert "a-real-looking-key" not in result.stdout.str()


def test_sleeping_in_a_test_moves_the_clock_also_in_its_tasks(run):
    result = run(
        """
import asyncio, time, unittest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_task(ionq_cloud):
    await asyncio.sleep(3600)
    time.sleep(3600)
    assert ionq_cloud.clock.monotonic() == 7200

@pytest.mark.anyio
async def test_an_inner_scope(ionq_cloud):
    from ionq_toolkit_fake import mock_ionq
    with mock_ionq() as cloud:
        await asyncio.sleep(3600)
    assert (ionq_cloud.clock.monotonic(), cloud.clock.monotonic()) == (0, 3600)

@pytest.mark.ionq(sleep="real")
def test_real(ionq_cloud):
    time.sleep(0.001)
    assert ionq_cloud.clock.monotonic() == 0

@pytest.mark.ionq
class TestOfUnittest(unittest.TestCase):
    def test_it(self):
        before = time.monotonic()
        time.sleep(3600)
        assert time.monotonic() - before >= 3600
"""
    )
    result.assert_outcomes(passed=4)


def test_the_marker_makes_a_test_of_any_client(run):
    result = run(
        ANY_CLIENT
        + """
from ionq_toolkit_fake import UnansweredRequest

@pytest.mark.ionq
def test_plain():
    assert whoami() == 200

@pytest.mark.ionq("rate-limited", seed=3, keys={"alices-key": "physics"}, strict=False)
def test_changed(ionq_cloud):
    assert os.environ["IONQ_API_KEY"] == "alices-key" and whoami() == 200
    assert ionq_cloud.seed == 3 and len(ionq_cloud.faults.rules) == 1
    assert requests.get("https://api.ionq.co/nothing", timeout=5).status_code == 404

@pytest.mark.ionq(hosts="ionq.example", key=None)
def test_hosts():
    assert "IONQ_API_KEY" not in os.environ
    assert requests.get("https://ionq.example/v0.4/backends", timeout=5).status_code == 200

@pytest.mark.ionq("rate-limited")
class TestClass:
    def test_one(self, ionq_cloud):
        assert len(ionq_cloud.faults.rules) == 1

    @pytest.mark.ionq(seed=4)
    def test_the_nearest_counts(self, ionq_cloud):
        assert ionq_cloud.seed == 4 and not ionq_cloud.faults.rules

@pytest.mark.ionq(sleep="never")
def test_wrong():
    pass
"""
    )
    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(["*ionq: there is no sleep 'never'*"])


BLOCKED = (
    ANY_CLIENT
    + """
import httpx, responses, urllib.request
from ionq_toolkit_fake import UnansweredRequest, mock_ionq

URL = "https://api.ionq.co/v0.4/backends"

@pytest.mark.parametrize("get", [requests.get, httpx.get, urllib.request.urlopen])
def test_refused(get, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnansweredRequest, match="test_refused.* uses no fake of IonQ's cloud"):
        get(URL)

def test_with_a_cloud(ionq_cloud):
    assert requests.get(URL, timeout=5).status_code == 200

@mock_ionq
def test_with_a_mock():
    assert requests.get(URL, timeout=5).status_code == 200

def test_with_ones_own_stub():
    with responses.RequestsMock() as stubs:
        stubs.get(URL, json=[])
        assert requests.get(URL, timeout=5).json() == []
"""
)


def test_the_network_can_be_blocked_for_all_tests_without_a_fake(run, pytester, tmp_path):
    os.environ["SSL_CERT_DIR"], before = str(tmp_path), os.environ.get("SSL_CERT_DIR")
    try:
        pytester.makeini("[pytest]\nionq_block_network = true\n")
        run(BLOCKED).assert_outcomes(passed=6)
    finally:
        os.environ.pop("SSL_CERT_DIR")
        if before is not None:
            os.environ["SSL_CERT_DIR"] = before


def test_nothing_is_blocked_by_default_nor_on_the_real_service(run, pytester, monkeypatch):
    source = """
import socket
import requests

def test_it(monkeypatch):
    asked = []
    def look_up(host, *_args, **_options):
        asked.append(host)
        raise OSError
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(requests.ConnectionError):
        requests.get("https://api.ionq.co/v0.4/backends", timeout=5)
    assert asked == ["api.ionq.co"]
"""
    run(source).assert_outcomes(passed=1)
    pytester.makeini("[pytest]\nionq_block_network = true\n")
    monkeypatch.setenv("IONQ_API_KEY", "the-live-key")
    run(source, "--ionq-live").assert_outcomes(passed=1)


def test_the_report_of_a_failed_test_has_the_last_requests_and_jobs(run):
    result = run(
        """
import requests
from ionq_toolkit_fake import Transitions, failed, faults, mock_ionq
from ionq_toolkit_fake.chaos import ChaosTest

URL = "https://api.ionq.co/v0.4"
KEY = {"Authorization": "apiKey a-secret-key"}

def test_fixture(ionq_cloud, ionq_provider):
    ionq_cloud.transitions.set(Transitions(end=failed("SystemCancel")))
    ionq_cloud.faults.add(faults.lost_answer(), on="GET /backends", times=1)
    for n in range(12):
        requests.get(f"{URL}/jobs/none-{n}", headers=KEY, timeout=5)
    with pytest.raises(requests.RequestException):
        requests.get(f"{URL}/backends?key=a-secret-key", headers=KEY, timeout=5)
    ionq_provider.get_backend("simulator").run(bell(), shots=10).done()
    assert False

@mock_ionq(seed=5)
def test_mock():
    requests.get(f"{URL}/backends", timeout=5)
    assert False

def test_of_chaos():
    ChaosTest("qiskit-ionq").run(0)
    assert False, "the network of a run is no cloud"
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["E * AssertionError: the network of a run is no cloud"])
    result.stdout.fnmatch_lines(
        [
            "its cloud again: *",
            "cloud of seed *, at 2026-01-01 00:00:0? on its clock",
            "requests: 15",
            "  GET /v0.4/jobs/none-5 -> 404",
            "  GET /v0.4/backends?key=[[]API key[]] -> no response (lost_answer)",
            "  POST /v0.4/jobs -> 201",
            "jobs: 1",
            "  ????????-* failed (SystemCancel), simulator, ionq.circuit.v1",
            "cloud of seed 5, *",
            "requests: 1",
            "  GET /v0.4/backends -> 200",
            "jobs: 0",
        ]
    )
    assert "none-4 " not in result.stdout.str()
    assert (
        "a-secret-key" not in result.stdout.str().partition("--- IonQ ---")[2].partition("___")[0]
    )


def test_loading_the_plugin_imports_nothing_of_the_package():
    """It is loaded for the tests of every project on the machine."""
    script = (
        "import sys, pytest; import ionq_toolkit_fake.pytest_plugin; "
        "print(sorted(name for name in sys.modules if name.split('.')[0] in "
        "{'ionq_toolkit', 'ionq_toolkit_fake', 'qiskit', 'numpy', 'werkzeug', 'responses'}))"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert out.strip() == "['ionq_toolkit_fake', 'ionq_toolkit_fake.pytest_plugin']"
