"""Writes docs/everything.md from the fake's tables, and the observations of docs/fidelity.md."""

from __future__ import annotations

import sys
from pathlib import Path

from ionq_toolkit_fake import DEVIATIONS, FAILURES, Scenario, faults
from ionq_toolkit_fake.control import CONTROLS
from ionq_toolkit_fake.scenario import names
from ionq_toolkit_fake.transitions.lifecycle import LIFECYCLE

ROOT = Path(__file__).parents[1]
PAGE, FIDELITY = ROOT / "docs" / "everything.md", ROOT / "docs" / "fidelity.md"


def table(*rows: tuple[str, ...]) -> list[str]:
    """Return a table, the first row being its head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|" + " --- |" * len(rows[0]), *body, ""]


def summary(handler: object) -> str:
    """Return what a control does, in a line."""
    first, _, _ = (handler.__doc__ or "").partition("\n")
    return first.partition(": ")[2]


def page() -> str:
    """Return the text of the page."""
    codes = [
        (f"`{code}`", f'`Transitions(end=failed("{code}"))`', known.at, known.message)
        for code, known in FAILURES.items()
    ]
    kinds = [
        (f"`{kind.example}`", kind.summary, kind.in_process, kind.on_socket)
        for kind in faults.KINDS.values()
    ]
    statuses = [
        (f"`faults.http({status})`", known.title, known.message or "a page of Cloudflare's kind")
        for status, known in faults.STATUSES.items()
    ]
    statuses.append(
        ("any other from 400 to 529", "HTTP's word for it", "The answer is a status ...")
    )
    lines = [
        "# Everything that the fake can bring about",
        "",
        "This page is written by `scripts/everything.py` from the tables of the code. How to use it:",
        "[how-to pages](how-to/README.md).",
        "",
        "## How a job goes on and ends",
        "",
        f"A job is {', '.join(LIFECYCLE[:-1])} and comes to its end. `cloud.transitions.set(...)` says when",
        "it goes on and how it ends: all jobs, or those of a `name`, `backend` or `metadata`, or the",
        "`nth` of them, or the `child` of a job of several circuits.",
        "",
        *table(
            ("one line", "what it does"),
            ("`Transitions(ready=after(polls=2))`", "it is submitted for two polls"),
            ("`Transitions(started=after(seconds=3600))`", "it waits in the queue for an hour"),
            (
                "`Transitions(started=after(seconds=3600, jitter=600))`",
                "it waits there for 50 to 70 minutes, each job for another time",
            ),
            ('`Transitions(finished="never")`', "it runs for ever"),
            (
                '`Transitions(started="predicted", finished="predicted")`',
                "it takes what is predicted",
            ),
            ('`Transitions(end=canceled(at="ready"))`', "the system cancels it in the queue"),
            ('`Transitions(end="paused")`', "it shows an unknown status"),
            ("`cloud.fail(job_id, code)`, `cloud.end(job_id, end)`", "it ends now"),
            (
                "`cloud.hold(job_id)`, `cloud.release(job_id)`",
                "it stays as it is until it is released",
            ),
        ),
        "## Failure codes",
        "",
        *table(("code", "one line", "from", "text"), *codes),
        "## Faults",
        "",
        '`cloud.faults.add(fault, on="POST /jobs", times=2)`: which requests, how many, after how many',
        "(`skip`), how likely (`probability`), of which `key`, and whether the request takes effect",
        "nevertheless (`after_effect`).",
        "",
        *table(
            ("one line", "what goes wrong", "a client in the process sees", "on a socket"), *kinds
        ),
        "`with server.down():` refuses connections to a `FakeServer`.",
        "",
        "## HTTP statuses",
        "",
        *table(("one line", "title", "text"), *statuses),
        "## Ready-made scenarios",
        "",
        *table(
            ("name", "what it is like"),
            *((f"`{name}`", Scenario.of(name).description) for name in names()),
        ),
        "## In what the service differs from its document",
        "",
        "All of these are on; `FakeIonQ(deviations=...)` leaves some out.",
        "",
        *table(
            ("deviation", "the document says", "the service"),
            *((f"`{name}`", one.document, one.service) for name, one in DEVIATIONS.items()),
        ),
        "## Over a socket",
        "",
        "`ionq-fake serve` and `FakeServer` answer the same controls, in plain JSON, below `/_fake/`.",
        "",
        *[f"- `{name}`: {summary(handler)}" for name, handler in CONTROLS.items()],
        "",
    ]
    return "\n".join(lines)


def write_observations() -> None:
    """Replay the recorded observations, and write the last part of the page on fidelity."""
    sys.path.insert(0, str(ROOT / "tests" / "live"))
    import replay  # noqa: PLC0415 - it is among the tests

    text, _, _ = FIDELITY.read_text().partition(f"\n{replay.HEADING}")
    FIDELITY.write_text(f"{text}\n{replay.section()}")


if __name__ == "__main__":
    PAGE.write_text(page())
    write_observations()
