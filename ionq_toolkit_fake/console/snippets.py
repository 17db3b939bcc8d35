"""Copies of a request or a job: as curl, as Python with the client, and as a test of pytest."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.console import lines
from ionq_toolkit_fake.faults.rules import FaultRule
from ionq_toolkit_fake.models.submission import QASM3, SINGLE_CIRCUIT
from ionq_toolkit_fake.simulation.program import Program, Qasm3
from ionq_toolkit_fake.transitions.lifecycle import End
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.transitions.spec import Transitions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.simulation.program import Gate

#: The longest circuit that is written as calls of Qiskit.
_MOST_GATES = 60

#: Qiskit's methods for IonQ's gates.
_QISKIT = {
    **{name: name for name in ("x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "swap")},
    **{"not": "x", "cnot": "x", "si": "sdg", "ti": "tdg", "v": "sx", "vi": "sxdg"},
    **{"xx": "rxx", "yy": "ryy", "zz": "rzz"},
}

#: Gates with controls that Qiskit has methods for, by the gate and the number of its controls.
_CONTROLLED = {
    **{(name, 1): f"c{name}" for name in ("x", "y", "z", "h", "s", "rx", "ry", "rz", "swap")},
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
    """
    end = job.planned_end if job.failure is None else End("failed", job.failure, job.planned_end.at)
    if job.status == "canceled":
        end = End("canceled", at=job.planned_end.at)
    rule = None if end.status == "completed" else TransitionRule(Transitions(end=end))
    setup = [] if rule is None else [lines.set_transitions(rule)]
    body = job.submission.source.decode("utf-8", "replace")
    made = _imports_and_run(job, body)
    failing = rule is not None and job.status in {"failed", "canceled"}
    return {
        "curl": curl("POST", f"{base}/jobs", body),
        "python": _program(*made, base),
        "pytest": _test(*made, setup, end if failing else None, name=job.id[-8:]),
        **({"pytest, failing": _test(*made, setup, None, name=job.id[-8:])} if failing else {}),
    }


def of_request(
    method: str, path: str, body: str, base: str, faults: Sequence[FaultRule], status: int | None
) -> dict[str, str]:
    """Return the copies of a request.

    Args:
        method: Its HTTP method.
        path: Its path and query.
        body: Its body; empty: it has none.
        base: The base URL of the API, whose server it was sent to.
        faults: The rules that happened to it.
        status: The HTTP status of its response; None: it had no response.
    """
    server = base.removesuffix("/v0.4")
    arguments = [lines.python(method), lines.python(path)]
    sent = f", {_bytes(body)}" if body else ""
    program = (
        "import os\n\nfrom ionq_toolkit.transport import HttpTransport\n\n"
        f"URL = {lines.python(server)}\n"
        'HEADERS = {"Authorization": f"apiKey {os.environ[\'IONQ_API_KEY\']}"}\n\n'
        f"response = HttpTransport(allow_insecure=True).handle({arguments[0]}, URL + {arguments[1]}, HEADERS{sent})\n"
        "print(response.status, response.body.decode())\n"
    )
    setup = [
        lines.add_fault(FaultRule(rule.fault, rule.on, times=1, after_effect=rule.after_effect))
        for rule in faults
    ]
    expected = f"assert response.status == {status}"
    handle = f'ionq_cloud.handle({", ".join(arguments)}, {{"Authorization": "apiKey a-key"}}{sent})'
    if status is None:
        act = f"with pytest.raises((ConnectionError, TimeoutError)):\n        {handle}"
    else:
        act = f"response = {handle}\n    {expected}"
    imports = [*(["import pytest"] if status is None else []),
               *(["from ionq_toolkit_fake import faults"] if setup else [])]  # fmt: skip
    note = ""
    if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", path):
        note = "    # The job of this id is not in the new cloud of a test: submit one first.\n"
    lines_ = "".join(f"    {_ionq_cloud(one)}\n" for one in setup)
    name = re.sub(r"\W+", "_", f"{method} {path.partition('?')[0]}".lower()).strip("_")
    test = "\n".join(imports) + ("\n\n\n" if imports else "")
    test += f"def test_{name}(ionq_cloud):\n{lines_}{note}    {act}\n"
    return {"curl": curl(method, server + path, body), "python": program, "pytest": test}


def _bytes(body: str) -> str:
    return f"{lines.python(body)}.encode()"


def _ionq_cloud(line: str) -> str:
    return re.sub(r"^(Scenario.*\.apply\()cloud\)|^cloud\.", lambda m: "ionq_cloud." if not m[1] else f"{m[1]}ionq_cloud)", line)  # fmt: skip


def _imports_and_run(job: Job, body: str) -> tuple[list[str], list[str], str, bool]:
    """Return imports, lines that make a circuit, the expression of the job; whether it has counts."""
    submission, circuit = job.submission, job.circuit
    options: dict[str, Any] = {"shots": submission.shots}
    if submission.noise_model != "ideal":
        options["noise_model"] = submission.noise_model
    if submission.device.is_qpu and submission.mitigated:
        options["error_mitigation"] = True
    if submission.dry_run:
        options["dry_run"] = True
    target = f"provider.get_backend({lines.python(submission.device.name)})"
    run = f"{target}.run({lines.call('', 'circuit', **options)[1:-1]})"
    program = None if circuit is None else circuit.program
    if isinstance(program, Qasm3) and submission.type == QASM3 and not program.parameters:
        source = json.dumps(program.source) if '"""' in program.source or "\\" in program.source else f'"""{program.source}"""'  # fmt: skip
        return ["from qiskit import qasm3"], [f"circuit = qasm3.loads({source})"], run, True
    if isinstance(program, Program) and submission.type == SINGLE_CIRCUIT or job.parent_id:
        made = _qiskit(program) if isinstance(program, Program) else None
        if made is not None:
            return ["from qiskit import QuantumCircuit"], made, run, True
    plain = lines.python(json.loads(body))
    posted = 'provider.job(provider.client.submit_job(BODY)["id"])'
    return [], [f"BODY = {plain}"], posted, circuit is not None


def _qiskit(program: Program) -> list[str] | None:
    """Return the lines that make a circuit of Qiskit, or None if it is too long or has no methods."""
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


def _program(imports: list[str], made: list[str], run: str, has_counts: bool, base: str) -> str:
    head = ["from ionq_toolkit import IonQProvider", *imports]
    shown = "job.get_counts()" if has_counts else "job.result()"
    return "\n".join([
        *head,
        "",
        *made,
        "",
        f"provider = IonQProvider(url={lines.python(base)})  # the key is in IONQ_API_KEY",
        f"job = {run}",
        f"print(job.job_id(), {shown})",
        "",
    ])  # fmt: skip


def _test(  # noqa: PLR0917 - the first four are those of `_imports_and_run`
    imports: list[str],
    made: list[str],
    run: str,
    has_counts: bool,
    setup: Sequence[str],
    end: End | None,
    *,
    name: str,
) -> str:
    """Return a test that submits the job again, and expects its failure if `end` is given."""
    fake: Mapping[str, str] = {"Transitions(": "Transitions", "failed(": "failed", "canceled(": "canceled"}  # fmt: skip
    used = [word for text, word in fake.items() if any(text in line for line in setup)]
    head = ["import pytest", "from ionq_toolkit import errors"] if end is not None else []
    head += [f"from ionq_toolkit_fake import {', '.join(used)}"] if used else []
    body = [_ionq_cloud(line) for line in setup]
    body += [part for line in made for part in [line]]
    run = run.replace("provider.", "ionq_provider.")
    body.append(f"job = {run}")
    get = "job.get_counts()" if has_counts else "job.result()"
    if end is None:
        body.append(f"print({get})  # replace this by your program and what it should do" if not has_counts else f"assert sum({get}.values()) == {_shots(run)}")  # fmt: skip
    elif end.failure is not None:
        body += ["with pytest.raises(errors.IonQJobFailureError) as caught:", f"    {get}"]
        body.append(f"assert caught.value.code == {lines.python(end.failure.code)}")
    else:
        body += ["with pytest.raises(errors.IonQJobStateError):", f"    {get}"]
    text = "\n".join(f"    {line}" for line in body)
    top = "\n".join([*head, *imports])
    return f"{top}{chr(10) * 3 if top else ''}def test_job_{name}(ionq_cloud, ionq_provider):\n{text}\n"  # fmt: skip


def _shots(run: str) -> str:
    found = re.search(r"shots=(\d+)", run)
    return found[1] if found else "job.result().results[0].shots"
