"""How many modules one Bell pair passes through, and how often the call stack changes module.

Run it with ``python benchmarks/trace.py``. It submits a circuit to a fake in this process and reads
its counts, once to warm up and once under `sys.setprofile`. A change of module is a call from a
function of either package into a function of another module of either package, or back from it
into a third. Calls in other packages are not counted.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit_fake import FakeIonQ

if TYPE_CHECKING:
    from types import FrameType

PACKAGES = ("ionq_toolkit", "ionq_toolkit_fake")


class Trace:
    """The calls of functions of the two packages, in order."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self.calls: list[tuple[str, str]] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note one call."""
        if event == "call":
            module = frame.f_globals.get("__name__", "")
            if module.partition(".")[0] in PACKAGES:
                self.calls.append((module, frame.f_code.co_qualname))

    def modules(self, package: str) -> set[str]:
        """Return the modules of a package that were called."""
        return {module for module, _ in self.calls if module.partition(".")[0] == package}

    def changes(self, package: str | None = None) -> int:
        """Return how often a call went to another module than the call before it."""
        names = [m for m, _ in self.calls if package is None or m.partition(".")[0] == package]
        return sum(one != other for one, other in itertools.pairwise(names))


def bell() -> QuantumCircuit:
    """Return a Bell pair, measured."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def trace() -> Trace:
    """Return the calls of one warm run, from `run` to the counts."""
    provider = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=7)), seed=7)
    backend, circuit = provider.get_backend("simulator"), bell()
    backend.run(circuit, shots=100).get_counts()
    found = Trace()
    sys.setprofile(found)
    try:
        backend.run(circuit, shots=100).get_counts()
    finally:
        sys.setprofile(None)
    return found


def main() -> None:
    """Print the table, and the calls if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", action="store_true", help="print each call")
    parser.add_argument("--pairs", action="store_true", help="print the most frequent changes")
    arguments = parser.parse_args()
    found = trace()
    if arguments.calls:
        for module, name in found.calls:
            print(f"{module}  {name}")
    if arguments.pairs:
        names = [module for module, _ in found.calls]
        pairs = Counter(p for p in itertools.pairwise(names) if p[0] != p[1])
        for (one, other), count in pairs.most_common(40):
            print(f"{count:4}  {one} -> {other}")
    for package in PACKAGES:
        print(
            f"{package}: {len(found.modules(package))} modules, {found.changes(package)} changes, "
            f"{sum(m.partition('.')[0] == package for m, _ in found.calls)} calls"
        )
    both = sum(len(found.modules(package)) for package in PACKAGES)
    print(f"both: {both} modules, {found.changes()} changes, {len(found.calls)} calls")


if __name__ == "__main__":
    main()
