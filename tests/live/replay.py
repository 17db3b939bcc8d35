"""Replays a recorded observation against the fake: docs/observations.md has the entries."""

import json
import math
import re
import tomllib
from pathlib import Path

from ionq_toolkit_fake import DEVIATIONS, FakeIonQ
from ionq_toolkit_fake.facts.guesses import GUESSES

OBSERVATIONS = Path(__file__).with_name("observations.toml")
KEY = {"Authorization": "apiKey replay"}

#: How many standard deviations a value may be off: less than one right value in 10,000 is.
SIGMAS = 4.0

#: The most shots of a replay: the tolerance is that of the shots that were recorded and of these.
MOST_SHOTS = 100_000


def observations():
    """Return all entries of the file."""
    return tomllib.loads(OBSERVATIONS.read_text())["observation"]


def gates(text, gateset="qis"):
    """Return a circuit in the short form as IonQ's API has it.

    `cnot 0 1; ry 2 (0.5)`: a gate, its qubits, controls first, and its angles, which may be sums of
    products as `0.06*3+-0.66`. `[h 0; h 1]*3` is three times the same, `[h {q}; cnot {q} {next}]
    q=0..7` once for each of eight qubits in a ring; any letter may stand for q.
    """
    while found := re.search(r"\[([^\[\]]*)\](?:\*(\d+)|\s*(\w)=(\d+)\.\.(\d+))", text):
        body, times, letter, first, last = found.groups()
        if times is None:
            ring = range(int(first), int(last) + 1)
            after = {q: ring[(n + 1) % len(ring)] for n, q in enumerate(ring)}
            named = f"{{{letter}}}"
            parts = [body.replace(named, str(q)).replace("{next}", str(after[q])) for q in ring]
        else:
            parts = [body] * int(times)
        text = text[: found.start()] + "; ".join(parts) + text[found.end() :]
    return [_gate(" ".join(part.split()), gateset) for part in text.split(";") if part.strip()]


def _number(text):
    """Return a sum of products, such as `0.06*3+-0.66`."""
    return sum(math.prod(map(float, term.split("*"))) for term in text.split("+"))


def _gate(text, gateset):
    found = re.fullmatch(r"\s*(\w+)\s+([\d ]+?)\s*(?:\((.*)\))?\s*", text)
    if found is None:
        raise ValueError(f"{text!r} is not like `ry 2 (0.5)`")
    name, qubits, angles = found.groups()
    qubits = [int(qubit) for qubit in qubits.split()]
    angles = [_number(angle) for angle in (angles or "").split()]
    if gateset == "native":
        if name == "ms":
            return {"gate": name, "targets": qubits, "phases": angles[:2]}
        if name == "zz":
            return {"gate": name, "targets": qubits, "angle": angles[0]}
        return {"gate": name, "target": qubits[0], "phase": angles[0]}
    body = {"gate": name, "targets": qubits[-1:] if name == "cnot" else qubits}
    if name == "cnot":
        body["controls"] = qubits[:-1]
    if angles:
        body["rotation"] = angles[0]
    return body


class Caller:
    """Sends requests to one cloud, and remembers ids."""

    def __init__(self, settings):
        left_out = set(settings.pop("without", ()))
        self.cloud = FakeIonQ(seed=1, deviations=set(DEVIATIONS) - left_out, **settings)
        self.ids = {}

    def send(self, what, body=None):
        method, path = what.split()
        path = re.sub(r"\{(\w+)\}", lambda found: self.ids[found[1]], path)
        if body is not None:
            body = json.loads(body) if isinstance(body, str) else body  # as ionq-toolkit writes it
            body = re.sub(r"\{(session|job)\}", lambda found: self.ids[found[1]], json.dumps(body))
            body = body.encode()
        path = path if path.startswith("/v0.3/") else f"/v0.4{path}"
        status, headers, raw = self.cloud.handle(method, path, KEY, body)
        return status, json.loads(raw) if "json" in headers.get(
            "content-type", ""
        ) else raw.decode()

    def run(self, job, gateset="qis"):
        """Submit a job whose circuits are in the short form; return its record."""
        job = {"type": "ionq.circuit.v1", **job}
        circuits = job.pop("circuits", None) or [job.pop("circuit")]
        width = job.pop("qubits")
        inputs = [
            {"gateset": gateset, "qubits": width, "circuit": gates(one, gateset)}
            for one in circuits
        ]
        job["input"] = inputs[0]
        if len(inputs) > 1:
            job["type"], job["input"] = "ionq.multi-circuit.v1", {"circuits": inputs}
        status, created = self.send("POST /jobs", job)
        if status != 201:
            return status, created
        self.ids["job"] = created["id"]
        return status, self.send("GET /jobs/{job}")[1]


def value_of(measure, probabilities):
    """Return the mean of a measure over a distribution, and its standard deviation.

    `parity`, `z <qubit>`; `ones`: the probability of any outcome but 0; `p <outcomes>`: of these;
    `cut <weights>`: the part, by weight, of neighbours in a chain that differ.
    """
    name, *numbers = measure.split()

    def of(outcome):
        if name == "ones":
            return float(outcome > 0)
        if name == "p":
            return float(str(outcome) in numbers)
        if name == "cut":
            weights = [float(number) for number in numbers]
            differ = outcome ^ outcome >> 1
            return sum(w for n, w in enumerate(weights) if differ >> n & 1) / sum(weights)
        mask = 1 << int(numbers[0]) if name == "z" else -1
        return 1 - 2 * ((outcome & mask).bit_count() % 2)

    found = [(of(int(key)), p) for key, p in probabilities.items()]
    mean = sum(value * p for value, p in found)
    return mean, math.sqrt(max(0.0, sum(value**2 * p for value, p in found) - mean**2))


def at(body, path):
    """Return the part of a body at a path such as `jobs.0.id`, or None if it is missing."""
    for name in path.split(".") if path else ():
        if isinstance(body, list):
            body = body[int(name)] if int(name) < len(body) else None
        else:
            body = None if body is None else body.get(name)
    return body


def _check(body, path, kind, wanted=None, tolerance=0.0):
    found = at(body, path)
    right = {
        "is": lambda: found == wanted,
        "about": lambda: abs((found or 0) - wanted) <= tolerance,
        "missing": lambda: found is None,
        "has": lambda: wanted in found,
        "at least": lambda: found >= wanted,
        "is one in all": lambda: len({json.dumps(part) for part in found.values()}) == 1,
        "length": lambda: len(found) == wanted,
    }[kind]()
    return right, f"{path} {kind} {'' if wanted is None else wanted}: {found!r}"[:300]


def replay(entry):
    """Return (observed, simulated, whether they agree) for each value of an entry."""
    found = []
    for job in entry.get("jobs", ()):
        found.extend(_measured(entry, {**job}))
    caller = Caller({**entry.get("cloud", {})})
    for step in entry.get("steps", ()):
        if "send" in step:
            status, body = caller.send(step["send"], step.get("body"))
        else:
            status, body = caller.run({**step["run"]}, step.get("gateset", "qis"))
        if "seconds" in step:
            caller.cloud.clock.sleep(step["seconds"])
        if "save" in step:
            caller.ids[step["save"]] = body["id"]
        if "status" in step:
            found.append((f"HTTP {step['status']}", f"HTTP {status}", status == step["status"]))
        for check in step.get("expect", ()):
            right, text = _check(body, *check)
            found.append((" ".join(map(str, check)), text, right))
    return found


def _measured(entry, job):
    """Run one circuit for each value of `n`, and compare what is measured."""
    gateset, measure = job.pop("gateset", "qis"), job.pop("measure")
    expected, tolerance = job.pop("values"), job.pop("tolerance", None)
    exact = job.pop("per_exact", False)
    template, recorded = job.pop("circuit"), job["shots"]
    job["shots"] = min(recorded, MOST_SHOTS)
    for n, wanted in expected.items():
        circuit = template.replace("{n}", n).replace("{n-1}", str(int(n) - 1)) if n else template
        caller = Caller({**entry.get("cloud", {})})
        caller.run({**job, "circuit": circuit}, gateset)
        _, probabilities = caller.send("GET /jobs/{job}/results/probabilities")
        value, each = value_of(measure, probabilities)
        if exact:
            ideal = {"backend": "simulator", "qubits": job["qubits"], "circuit": circuit}
            caller.run(ideal, gateset)
            value /= value_of(measure, caller.send("GET /jobs/{job}/results/probabilities")[1])[0]
        allowed = tolerance or SIGMAS * each * math.sqrt(1 / recorded + 1 / job["shots"])
        found = f"{value:.6g} +- {allowed:.1g}"
        yield f"n={n}: {wanted}" if n else str(wanted), found, abs(value - wanted) <= allowed


def verdict(entry):
    """Return `agrees`, `differs` or `cannot be simulated`, and why."""
    if "cannot" in entry:
        return "cannot be simulated", entry["cannot"]
    values = replay(entry)
    wrong = [f"{simulated} instead of {observed}" for observed, simulated, ok in values if not ok]
    if wrong:
        return "differs", entry.get("differs") or "; ".join(wrong)
    return "agrees", entry.get("note", "")


#: Where the table begins on the page on fidelity.
HEADING = "## Held against recorded observations"


def section():
    """Return the part of the page on fidelity that scripts/everything.py writes."""
    lines = [
        HEADING,
        "",
        "Each row is one entry of `tests/live/observations.toml`, which a test replays.",
        "How to contribute one: [observations.md](observations.md).",
        "",
        "| row | observed | source, date, how sure | simulated | why |",
        "| --- | --- | --- | --- | --- |",
    ]
    for entry in observations():
        found, why = verdict(entry)
        source = f"{entry['source']}; {entry['date']}; {entry['sure']}"
        cells = (str(entry.get("row", "")), entry["title"], source, found, why)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    guesses = []
    for guess in GUESSES:
        backends = ", ".join(name or "all" for name in guess.backends)
        guesses.append(f"| {backends} | {guess.simulated} | {guess.basis} |")
    return "\n".join(
        [
            *lines,
            "",
            "## Guesses",
            "",
            "`backend.fidelity_notes()` of the client returns those of a backend.",
            "",
            "| backends | simulated | basis |",
            "| --- | --- | --- |",
            *guesses,
            "",
        ]
    )
