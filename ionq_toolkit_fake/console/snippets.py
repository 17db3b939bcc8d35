"""Copies of a request or a job: as curl, as Python with the client, and as a test of pytest."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ionq_toolkit_fake.console import lines
from ionq_toolkit_fake.faults.rules import FaultRule
from ionq_toolkit_fake.simulation.program import Program, Qasm3
from ionq_toolkit_fake.transitions.lifecycle import FINAL, End
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.transitions.spec import Transitions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.simulation.program import Gate

#: The longest circuit that is written as calls of Qiskit.
_MOST_GATES = 60

#: Qiskit's methods for IonQ's gates.
_QISKIT = {
    **{name: name for name in ("x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "swap")},
    "not": "x",
    "cnot": "x",
    "si": "sdg",
    "ti": "tdg",
    "v": "sx",
    "vi": "sxdg",
    "xx": "rxx",
    "yy": "ryy",
    "zz": "rzz",
}

#: Gates with controls that Qiskit has methods for, and the client takes: by the gate and the
#: number of its controls.
_CONTROLLED = {
    **{(name, 1): f"c{name}" for name in ("x", "y", "z", "h", "rx", "ry", "rz")},
    ("x", 2): "ccx",
    ("z", 2): "ccz",
}


def curl(method: str, url: str, body: str) -> str:
    """Return a request as a command for a shell, which takes the key from the environment.

    Args:
        method: Its HTTP method.
        url: Its URL.
        body: Its body; empty: it has none.
    """
    words = ["curl", *([] if method == "GET" else ["-X", method]), shlex.quote(url)]
    parts = [" ".join(words), '-H "Authorization: apiKey $IONQ_API_KEY"']
    if body:
        parts += ["-H 'Content-Type: application/json'", f"--data-raw {shlex.quote(body)}"]
    return " \\\n  ".join(parts)


def of_job(job: Job, base: str) -> dict[str, str]:
    """Return the copies of a job, all of which submit it again.

    Args:
        job: The job, or a child, whose circuit alone is then submitted.
        base: The base URL of the API.

    Returns:
        `curl`, `python` and `pytest`: a test that sets the end of the job and expects it. If the
        job failed or was canceled, `pytest, failing` is the test that does not expect that.
    """
    end = _end(job)
    setup = [] if end == End() else [lines.set_transitions(TransitionRule(Transitions(end=end)))]
    made = _made(job)
    name = job.id[-8:]
    copies = {
        "curl": curl("POST", f"{base}/jobs", job.submission.source.decode("utf-8", "replace")),
        "python": made.program(base),
        "pytest": made.test(name, setup, end if job.status in FINAL else End()),
    }
    if end != End() and job.status in FINAL:
        copies["pytest, failing"] = made.test(name, setup, End())
    return copies


def _end(job: Job) -> End:
    """Return the end that a job came to, or will come to."""
    if job.failure is not None:
        at = job.planned_end.at if job.planned_end.failure == job.failure else End().at
        return End("failed", job.failure, at)
    if job.status == "canceled" and job.planned_end.status != "canceled":
        return End("canceled")
    return job.planned_end


def of_request(  # noqa: PLR0917 - the parts of a request
    method: str, path: str, body: str, base: str, faults: Sequence[FaultRule], status: int | None
) -> dict[str, str]:
    """Return the copies of a request: `curl`, `python` and `pytest`.

    Args:
        method: Its HTTP method.
        path: Its path and query.
        body: Its body; empty: it has none.
        base: The base URL of the API, whose server it was sent to.
        faults: The rules that happened to it.
        status: The HTTP status of its response; None: it had no response.
    """
    server = base.removesuffix("/v0.4")
    target, content = lines.python(path), f", {lines.python(body)}.encode()" if body else ""
    program = [
        "import os",
        "",
        "from ionq_toolkit.transport import HttpTransport",
        "",
        f"URL = {lines.python(server)}",
        'HEADERS = {"Authorization": f"apiKey {os.environ[\'IONQ_API_KEY\']}"}',
        f"BODY = {lines.python(body)}.encode()" if body else "BODY = None",
        "",
        "transport = HttpTransport()",
        f"response = transport.send({lines.python(method)}, URL + {target}, HEADERS, BODY, 60)",
        "print(response.status, response.body.decode())",
    ]
    setup = [
        lines.add_fault(FaultRule(rule.fault, rule.on, times=1, after_effect=rule.after_effect))
        for rule in faults
    ]
    test = [_on_fixture(line) for line in setup]
    if re.search(r"/[0-9a-f]{8}-[0-9a-f]{4}-", path):
        test.append("# A new cloud has no job of this id: submit one first, and put its id here.")
    sent = f"ionq_cloud.handle({lines.python(method)}, {target}, HEADERS{content})"
    if status is None:
        test += ["with pytest.raises((ConnectionError, TimeoutError)):", f"    {sent}"]
    else:
        test += [f"response = {sent}", f"assert response.status == {status}"]
    imports = ["import pytest"] if status is None else []
    imports += ["from ionq_toolkit_fake import faults"] if setup else []
    name = re.sub(r"\W+", "_", f"{method} {path.partition('?')[0]}".lower()).strip("_")
    constants = ['HEADERS = {"Authorization": "apiKey any-key"}']
    return {
        "curl": curl(method, server + path, body),
        "python": "\n".join([*program, ""]),
        "pytest": _function(name, "ionq_cloud", imports, test, constants),
    }


class _Made(NamedTuple):
    """A job in Python.

    Attributes:
        imports: Lines that import what the rest needs.
        lines: Lines that make the circuit, or the body.
        run: The expression of the job, on a `provider`.
        result: The expression of its result.
        shots: How many counts it has; None: it has none.
    """

    imports: Sequence[str]
    lines: Sequence[str]
    run: str
    result: str
    shots: int | None

    def program(self, base: str) -> str:
        """Return a program that submits it to a server."""
        provider = f"IonQProvider(url={lines.python(base)})  # the key is in IONQ_API_KEY"
        return "\n".join(
            [
                "from ionq_toolkit import IonQProvider",
                *self.imports,
                "",
                *self.lines,
                "",
                f"provider = {provider}",
                f"job = {self.run}",
                f"print(job.job_id(), {self.result})",
                "",
            ]
        )

    def test(self, name: str, setup: Sequence[str], end: End) -> str:
        """Return a test that submits it to the cloud of a test, and expects an end."""
        words = [word for word in _WORDS if any(f"{word}(" in line for line in setup)]
        imports = [f"from ionq_toolkit_fake import {', '.join(words)}"] if words else []
        body = [*map(_on_fixture, setup), *self.lines]
        body.append(f"job = {self.run.replace('provider.', 'ionq_provider.')}")
        if end.status == "completed" and self.shots is not None:
            body.append(f"assert sum({self.result}.values()) == {self.shots}")
        elif end.status == "completed":
            body.append(f"assert {self.result} is not None")
        else:
            failed = end.failure is not None
            error = "IonQJobFailureError" if failed else "IonQJobStateError"
            imports = ["import pytest", "from ionq_toolkit import errors", *imports]
            caught = " as caught" if failed else ""
            body += [f"with pytest.raises(errors.{error}){caught}:", f"    {self.result}"]
            if end.failure is not None:
                body.append(f"assert caught.value.code == {lines.python(end.failure.code)}")
        imports += self.imports
        return _function(f"job_{name}", "ionq_cloud, ionq_provider", imports, body)


#: The names that a line with transitions may need.
_WORDS = ("Transitions", "canceled", "failed")


def _function(
    name: str,
    fixtures: str,
    imports: Sequence[str],
    body: Sequence[str],
    constants: Sequence[str] = (),
) -> str:
    top = [*imports, *([""] if imports and constants else []), *constants]
    head = "\n".join(top) + "\n\n\n" if top else ""
    return f"{head}def test_{name}({fixtures}):\n" + "".join(f"    {line}\n" for line in body)


def _on_fixture(line: str) -> str:
    """Return a line about `cloud` as one about the fixture `ionq_cloud`."""
    return re.sub(r"^cloud\.", "ionq_cloud.", line)


def _made(job: Job) -> _Made:
    submission, circuit = job.submission, job.circuit
    options: dict[str, object] = {"shots": submission.shots}
    if submission.noise_model != "ideal":
        options["noise_model"] = submission.noise_model
    if submission.device.is_qpu and submission.mitigated:
        options["error_mitigation"] = True
    backend = f"provider.get_backend({lines.python(submission.device.name)})"
    run = lines.call(f"{backend}.run", "circuit", **options)
    program = None if circuit is None else circuit.program
    counted = ("job.get_counts()", submission.shots)
    if not submission.dry_run and isinstance(program, Qasm3) and not program.parameters:
        source = lines.python(program.source)
        if "\\" not in program.source and '"""' not in program.source:
            source = f'"""{program.source}"""'
        return _Made(
            ["from qiskit import qasm3"], [f"circuit = qasm3.loads({source})"], run, *counted
        )
    if not submission.dry_run and isinstance(program, Program):
        made = _qiskit(program)
        if made is not None:
            return _Made(["from qiskit import QuantumCircuit"], made, run, *counted)
    posted = 'provider.job(provider.client.submit_job(BODY)["id"])'
    made = [f"BODY = {lines.python(msgspec.json.decode(submission.source))}"]
    if submission.dry_run:
        return _Made([], made, posted, "job.status()", None)
    if circuit is None or job.parent_id is not None:
        return _Made([], made, posted, "job.result()", None)
    if submission.is_exact:  # the record of such a job does not say how many shots it had
        return _Made([], made, posted, "job.get_probabilities()", None)
    return _Made([], made, posted, *counted)


def _qiskit(program: Program) -> list[str] | None:
    """Return the lines that make a circuit of Qiskit; None: it is too long or has no methods."""
    if program.gateset != "qis" or len(program.gates) > _MOST_GATES:
        return None
    found = [f"circuit = QuantumCircuit({program.num_qubits})"]
    for gate in program.gates:
        one = _gate(gate)
        if one is None:
            return None
        found.append(f"circuit.{one}")
    return [*found, "circuit.measure_all()"]


def _gate(gate: Gate) -> str | None:
    name, count = _QISKIT.get(gate.name), len(gate.controls)
    if name == "z" and gate.parameters:
        name = "rz"
    if name is not None and count:
        name = _CONTROLLED.get((name, count), "mcx" if name == "x" else None)
    if name is None:
        return None
    qubits = [str(qubit) for qubit in gate.qubits]
    if name == "mcx":
        qubits = [str(list(gate.controls)), str(gate.targets[0])]
    return f"{name}({', '.join([*map(repr, gate.parameters), *qubits])})"
