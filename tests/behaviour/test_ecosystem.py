"""scripts/ecosystem.py: results are counted as they are, and the page says what did not run."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ecosystem():
    spec = importlib.util.spec_from_file_location("ecosystem", ROOT / "scripts" / "ecosystem.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


REPORT = """<testsuites><testsuite>
<testcase classname="m" name="good" />
<testcase classname="m" name="left"><skipped message="xfail" /></testcase>
<testcase classname="m" name="bad"><failure message="assert 1 == 2">there</failure></testcase>
<testcase classname="m" name="again"><failure message="at first" /></testcase>
<testcase classname="m" name="again" />
<testcase classname="m" name="broken"><error message="no fixture" /></testcase>
</testsuite></testsuites>"""


def test_a_report_of_pytest_is_counted(ecosystem, tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    found = ecosystem.of_pytest(report, "...\nrequests to the fake: 12\n")
    assert (found["passed"], found["skipped"], found["requests"]) == (2, 1, 12)
    assert [failure["test"] for failure in found["failures"]] == ["m::bad", "m::broken"]


def test_a_run_without_a_report_is_no_result(ecosystem, tmp_path):
    with pytest.raises(ecosystem.NotRun, match="no such option"):
        ecosystem.of_pytest(tmp_path / "report.xml", "no such option")


def test_a_probe_that_ends_early_has_failed(ecosystem):
    line = '{"test": "one", "message": null}\n'
    assert ecosystem.of_probe(line + "done\n")["failures"] == []
    (failure,) = ecosystem.of_probe(line + "Traceback: no module\n")["failures"]
    assert "no module" in failure["message"]


def test_a_failure_without_a_known_cause_is_not_explained(ecosystem):
    known = {"test": "qaoa, 4 qubits, qis", "message": "QiskitError: No counts for experiment 0"}
    new = {"test": "ghz, 4 qubits, qis", "message": "AssertionError: 0.3\ntrace"}
    found = ecosystem.explained("MQT Bench", {"failures": [known, new]})
    assert {whose: tests for (whose, _), tests in found.items()} == {
        "its own": ["qaoa, 4 qubits, qis"],
        "not explained": ["ghz, 4 qubits, qis"],
    }


def test_a_suite_that_was_not_run_is_not_counted_as_passed(ecosystem):
    text = ecosystem.page({"mitiq": {"not run": "no | network"}})
    assert "| mitiq | not run | | no \\| network |" in text
    rows = [line for line in text.splitlines() if line.endswith("| | not run | | | |")]
    assert len(rows) == len(ecosystem.SUITES)


def test_a_run_of_one_suite_keeps_the_rows_of_the_others(ecosystem):
    failure = {"test": "t", "message": "qaoa"}
    one = {"versions": {"mitiq": "1"}, "passed": 3, "skipped": 0, "failures": [failure]}
    first = ecosystem.page({"mitiq": one})
    second = ecosystem.page({"qiskit-nature": {**one, "failures": []}}, first)
    kept = [line for line in first.splitlines() if line.startswith("| mitiq |")]
    assert len(kept) == 2
    assert [line for line in second.splitlines() if line.startswith("| mitiq |")] == kept
    assert ecosystem.page({"mitiq": {**one, "passed": 4}}, second) != second


def test_a_notebook_without_a_checkout_is_not_run(ecosystem):
    (suite,) = (one for one in ecosystem.SUITES if one.name == "IonQ notebook, api")
    with pytest.raises(ecosystem.NotRun, match="--checkout getting-started=DIR"):
        ecosystem.run(suite, Path(sys.executable), {}, quick=False)


def test_no_failure_on_the_page_is_ours_or_unexplained(ecosystem):
    assert ecosystem.OURS not in {cause.whose for cause in ecosystem.CAUSES}
    text = ecosystem.PAGE.read_text(encoding="utf-8")
    assert f"| {ecosystem.OURS} |" not in text
    assert f"| {ecosystem.UNEXPLAINED} |" not in text
    assert all(f"| {suite.name} |" in text for suite in ecosystem.SUITES)


@pytest.mark.slow
def test_the_quick_subset_passes():
    command = [sys.executable, ROOT / "scripts" / "ecosystem.py", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
