"""`ionq-toolkit backends` and `ionq-toolkit estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ionq_toolkit.backend import in_words
from ionq_toolkit.cli.common import (
    as_json,
    load,
    with_provider,
    write_json,
    write_pairs,
    write_table,
)

if TYPE_CHECKING:
    from ionq_toolkit.provider import IonQProvider


@click.command()
@as_json
@with_provider
def backends(provider: IonQProvider, as_json: bool) -> None:
    """List the backends: status, qubits, time in the queue. JSON is as the service sends it.

    For example:

    \b
        ionq-toolkit backends
    """  # noqa: D301 - the backspace keeps the lines apart
    listing = provider.client.get_backends()
    if as_json:
        write_json(listing)
        return
    rows = [
        (
            one.get("backend"),
            one.get("status"),
            one.get("qubits"),
            None if one.get("average_queue_time") is None else in_words(one["average_queue_time"]),
        )
        for one in listing
    ]
    write_table(("backend", "status", "qubits", "queue"), rows)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--backend", required=True, metavar="NAME", help="Where it would run: forte-1, ...")
@click.option("--shots", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@as_json
@with_provider
def estimate(provider: IonQProvider, file: Path, backend: str, shots: int, as_json: bool) -> None:
    """Estimate cost and time of the OpenQASM 2 or 3 program in FILE, and submit nothing.

    For example:

    \b
        ionq-toolkit estimate bell.qasm --backend forte-1 --shots 500
    """  # noqa: D301
    found = provider.get_backend(backend).estimate(load(file), shots=shots)
    facts: dict[str, Any] = {
        "backend": found.backend,
        "qubits": found.qubits,
        "shots": found.shots,
        "oneq_gates": found.oneq_gates,
        "twoq_gates": found.twoq_gates,
        "error_mitigation": found.error_mitigation,
        "cost": found.cost,
        "cost_unit": found.cost_unit,
        "execution_time_s": found.execution_time_s,
        "queue_time_s": found.queue_time_s,
    }
    if as_json:
        write_json(facts)
    else:
        write_pairs(facts)
