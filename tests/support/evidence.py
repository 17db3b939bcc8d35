"""What a test run shows of the fake: which operations were driven, by whom, and how they replied.

Every reply of every cloud in the run is checked against its shape. `docs/fidelity.md` is made of
this.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache, wraps
from urllib.parse import urlsplit

from jsonschema_rs import Draft202012Validator
from shapes import ERROR, REFUSALS, STATUSES, successes

from ionq_toolkit_fake import DEVIATIONS, FakeIonQ
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.api.request import route
from ionq_toolkit_fake.store.base import StateError

#: Clients, by what their user agents have in them.
CLIENTS = {
    "ionq-toolkit/": "ionq_toolkit",  # and not the conformance kit
    "ionq-core": "ionq-core",
    "qiskit-ionq": "qiskit-ionq",
    "cirq": "cirq-ionq",
    "pennylane": "pennylane-ionq",
}

#: Replies above this are not checked, for time: half a million outcomes.
LARGEST_CHECKED = 200_000


class Evidence:
    """What a run has shown so far."""

    def __init__(self):
        self.checked = set()
        self.clients = defaultdict(set)
        self.refusals = defaultdict(set)
        self.violations = []

    def plain(self):
        """Return the evidence as lists and strings, for another process to `add`."""
        return {
            "checked": sorted(self.checked),
            "clients": {name: sorted(found) for name, found in self.clients.items()},
            "refusals": {name: sorted(found) for name, found in self.refusals.items()},
        }

    def add(self, plain):
        """Add the evidence of another process."""
        self.checked.update(plain["checked"])
        for name, found in plain["clients"].items():
            self.clients[name].update(found)
        for name, found in plain["refusals"].items():
            self.refusals[name].update(found)

    def watch(self):
        """Look at every reply of every cloud from now on; return what ends it."""
        exchange = FakeIonQ.exchange

        @wraps(exchange)
        def watched(cloud, method, url, headers, body=None):
            found = exchange(cloud, method, url, headers, body)
            if not found.faults:  # what goes wrong on purpose shows nothing
                self.saw(cloud, method, url, headers, found.response)
            return found

        setattr(FakeIonQ, "exchange", watched)  # noqa: B010 - mypy forbids to assign a method
        return lambda: setattr(FakeIonQ, "exchange", exchange)

    def saw(self, cloud, method, url, headers, response):
        if method.upper() == "HEAD":
            return  # as GET, without the body that is checked
        try:
            found = route(method.upper(), urlsplit(url).path)
        except ValueError:
            found = None
        if found is None:
            if response.status != 404:
                self.violations.append(f"{method} {url} is nothing and answers {response.status}")
            return
        operation, _ = found
        if operation.version != "v0.4":
            return  # the document is of v0.4
        agent = next((str(v) for k, v in headers.items() if k.lower() == "user-agent"), "")
        client = next((n for part, n in CLIENTS.items() if part in agent.lower()), None)
        status, _ = successes()[operation.name]
        if response.status == status:
            if client is not None:
                self.clients[operation.name].add(client)
        elif "fuzz" not in agent and response.status < 500:
            self.refusals[operation.name].add(response.status)
        if len(response.body) <= LARGEST_CHECKED:
            self._check(cloud, operation.name, response)

    def _check(self, cloud, name, response):
        wanted, _ = successes()[name]
        live = frozenset(cloud.deviations)
        if response.status == wanted:
            validator = _validator(name, live)
            self.checked.add(name)
        elif response.status in REFUSALS:
            validator = _refusal()
        elif response.status == 500 and b"defect of the fake" in response.body:
            return  # a test that breaks it on purpose looks at that itself
        else:
            self.violations.append(f"{name} answers {response.status}")
            return
        if response.headers.get("content-type", "").startswith("text/plain"):
            return
        body = response.body
        for word in statuses_of(cloud) - {*STATUSES}:  # that a test lets jobs show
            body = body.replace(json.dumps(word).encode(), b'"started"')
        for error in validator.iter_errors(json.loads(body)):
            where = "/".join(str(part) for part in error.instance_path)
            self.violations.append(f"{name} {response.status} at {where}: {error.message[:300]}")
            break


def statuses_of(cloud):
    """Return the statuses that the newest jobs of a cloud show."""
    try:
        return {job.status for job in cloud.newest_jobs(40)}
    except StateError:  # a test has damaged it
        return set()


@cache
def _validator(name, live):
    return Draft202012Validator(successes(live)[name][1])


@cache
def _refusal():
    return Draft202012Validator(ERROR)


HEADER = """# Fidelity

The table lists the operations of the fake, and the evidence of the last test run for each. The
test run writes this page.

- **In the document**: the name of the operation in IonQ's API document, version 0.4.
- **Replies checked**: whether the tests compared replies with our own reading of the document's
  schema (`tests/support/shapes.py`). An unknown field fails a test, except in the deviations below.
- **Driven by**: the unmodified clients that got a successful reply.
- **Refusals**: the statuses other than success that a test provoked.
- **Deviations**: where the live service is known to differ from the document; see below.
- **Not known**: behaviour that IonQ does not publish and no record shows, and how the fake
  behaves there.

The fake also answers version 0.3, with the same jobs and backends. Its paths, names and units are
those of its reference and of recorded replies. The tests do not compare it with a document.

| operation | in the document | replies checked | driven by | refusals | deviations | not known |
| --- | --- | --- | --- | --- | --- | --- |
"""


def page(evidence, notes, rest=""):
    """Return the page, or raise ValueError for an operation without evidence.

    Args:
        evidence: Of the run.
        notes: What a run cannot know.
        rest: The part of the page that scripts/everything.py writes.
    """
    rows = []
    named = {*notes.UNDRIVEN, *notes.UNREFUSED, *notes.UNKNOWN}
    strange = named - {operation.name for operation in OPERATIONS}
    if strange:
        raise ValueError(f"there are notes on what is no operation: {', '.join(sorted(strange))}")
    for operation in OPERATIONS:
        name = operation.name
        driven = ", ".join(sorted(evidence.clients[name])) or notes.UNDRIVEN.get(name)
        refusals = ", ".join(map(str, sorted(evidence.refusals[name]))) or notes.UNREFUSED.get(name)
        for column, value in (("driven by", driven), ("refusals", refusals)):
            if not value:
                raise ValueError(f"{name}: nothing in the column {column!r}, and no reason why")
        deviations = [key for key, one in DEVIATIONS.items() if name in one.operations]
        cells = (
            f"`{name}`",
            operation.document or "no; clients call it",
            "yes" if name in evidence.checked else "no",
            driven,
            refusals,
            ", ".join(deviations) or "none known",
            notes.UNKNOWN.get(name, "nothing"),
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    table = [
        f"| {name} | {one.document} | {one.service} | {one.source} |"
        for name, one in DEVIATIONS.items()
    ]
    return "\n".join(
        [
            HEADER + "\n".join(rows),
            "",
            "## Deviations",
            "",
            "On by default. `FakeIonQ(deviations=set(DEVIATIONS) - {name})` follows the document.",
            "",
            "| name | the document says | the service does | source |",
            "| --- | --- | --- | --- |",
            *table,
            "",
        ]
    ) + (rest and f"\n{rest}")
